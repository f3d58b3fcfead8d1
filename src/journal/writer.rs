//! Appending to the journal without ever making the load wait for the disk.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{JournalError, record};
use crate::domain::op::Op;

/// Appends records. They reach the kernel within [`JournalWriter::FLUSH_EVERY`] of being added, if
/// [`JournalWriter::tick`] is called at least that often: what our own SIGKILL can take.
pub struct JournalWriter {
    buffer: Vec<u8>,
    full: Option<SyncSender<Order>>,
    empty: Receiver<Vec<u8>>,
    failure: Arc<Mutex<Option<std::io::Error>>>,
    last_flush: Instant,
    thread: Option<JoinHandle<()>>,
    path: PathBuf,
}

enum Order {
    Write(Vec<u8>),
    Sync(SyncSender<()>),
}

impl JournalWriter {
    /// A fifth of the 100 ms that we promise to lose at most by our own death.
    pub const FLUSH_EVERY: Duration = Duration::from_millis(20);
    const CHUNK_BYTES: usize = 128 * 1024;
    /// Chunks under way to the disk: 32 MiB, a quarter of a second of the fastest load. When they are
    /// used up the load waits: evidence comes before speed.
    const CHUNKS: usize = 256;

    /// Makes the file; it must not exist yet.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn create(path: &Path, began_unix_micros: u64) -> Result<Self, JournalError> {
        let io = |doing| {
            move |cause| JournalError::Io {
                doing,
                cause,
                path: path.to_owned(),
            }
        };
        let mut file = File::create_new(path).map_err(io("create"))?;
        file.write_all(&record::header(began_unix_micros))
            .map_err(io("write"))?;
        let (full, orders) = sync_channel(Self::CHUNKS);
        let (give_back, empty) = sync_channel(Self::CHUNKS);
        let failure = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_chunks(&mut file, &orders, &give_back, &seen))
            .map_err(io("start the writer of"))?;
        Ok(JournalWriter {
            buffer: Vec::with_capacity(Self::CHUNK_BYTES),
            full: Some(full),
            empty,
            failure,
            last_flush: Instant::now(),
            thread: Some(thread),
            path: path.to_owned(),
        })
    }

    pub fn invoked(&mut self, op: &Op) {
        self.buffer.extend_from_slice(&record::invoked(op));
    }

    pub fn completed(&mut self, number: u32, op: &Op) {
        self.buffer
            .extend_from_slice(&record::completed(number, op));
    }

    /// Hands over what has gathered, if it is enough or old enough.
    ///
    /// # Errors
    /// An earlier write failed: the journal is torn from there on, and the drill must stop.
    pub fn tick(&mut self) -> Result<(), JournalError> {
        let old = !self.buffer.is_empty() && self.last_flush.elapsed() >= Self::FLUSH_EVERY;
        if old || self.buffer.len() >= Self::CHUNK_BYTES - 4096 {
            self.hand_over();
        }
        self.check()
    }

    /// Returns when everything added so far is on the disk, fsynced.
    ///
    /// # Errors
    /// As [`JournalWriter::tick`].
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.hand_over();
        let (done, wait) = sync_channel(1);
        self.send(Order::Sync(done));
        let _ = wait.recv();
        self.check()
    }

    fn hand_over(&mut self) {
        self.last_flush = Instant::now();
        if self.buffer.is_empty() {
            return;
        }
        let next = self
            .empty
            .try_recv()
            .unwrap_or_else(|_| Vec::with_capacity(Self::CHUNK_BYTES));
        let chunk = std::mem::replace(&mut self.buffer, next);
        self.send(Order::Write(chunk));
    }

    fn send(&self, order: Order) {
        if let Some(full) = &self.full {
            // Fails only if the thread has died, which `check` reports by its failure.
            let _ = full.send(order);
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        let mut failure = self
            .failure
            .lock()
            .expect("the journal thread does not panic");
        match failure.take() {
            None => Ok(()),
            Some(cause) => Err(JournalError::Io {
                doing: "write",
                cause,
                path: self.path.clone(),
            }),
        }
    }
}

impl Drop for JournalWriter {
    fn drop(&mut self) {
        self.hand_over();
        self.full = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_chunks(
    file: &mut File,
    orders: &Receiver<Order>,
    give_back: &SyncSender<Vec<u8>>,
    failure: &Mutex<Option<std::io::Error>>,
) {
    let mut broken = false;
    while let Ok(order) = orders.recv() {
        let result = match order {
            Order::Write(mut chunk) => {
                // After a failed write the file may end in half a record: nothing may follow it.
                let result = if broken {
                    Ok(())
                } else {
                    file.write_all(&chunk)
                };
                chunk.clear();
                if let Err(TrySendError::Full(chunk)) = give_back.try_send(chunk) {
                    drop(chunk);
                }
                result
            }
            Order::Sync(done) => {
                let result = file.sync_data();
                if let Err(cause) = result {
                    *failure.lock().expect("nobody panics with it") = Some(cause);
                }
                let _ = done.send(());
                Ok(())
            }
        };
        if let Err(cause) = result {
            broken = true;
            *failure.lock().expect("nobody panics with it") = Some(cause);
        }
    }
    let _ = file.sync_data();
}
