//! Lines in and out of a process that may do anything: never blocks longer than asked, never keeps more than a bound.

use std::io::{BufReader, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::writers::Tagged;
use crate::backend::guest::Pipes;

/// A 1 MiB message with every byte escaped, and room.
const LONGEST_LINE_BYTES: usize = 32 * 1024 * 1024;
/// What is kept of standard error.
const LAST_WORDS_BYTES: usize = 600;

/// What came over standard output.
pub enum Heard {
    Line(String),
    /// More than [`LONGEST_LINE_BYTES`] without a line feed.
    TooLong,
    Nothing,
    Closed,
}

/// The three pipes, each with a thread of its own that ends with the process.
pub struct Lines {
    to: Option<Sender<String>>,
    from: Receiver<Heard>,
    words: Arc<Mutex<Vec<u8>>>,
}

impl Lines {
    pub fn new(pipes: Pipes) -> Lines {
        // A store that prints without end fills this and then its pipe: it waits, we do not.
        let (hear, from) = sync_channel(64);
        Lines::heard_by(pipes, from, move |heard| hear.send(heard).is_ok())
    }

    /// What it says goes to `tell` under this tag, `Closed` last; there is nothing to [`Lines::hear`].
    pub fn tagged(pipes: Pipes, (writer, started): (u16, u32), tell: SyncSender<Tagged>) -> Lines {
        let (_, from) = sync_channel(0);
        Lines::heard_by(pipes, from, move |heard| {
            tell.send((writer, started, heard)).is_ok()
        })
    }

    fn heard_by(
        pipes: Pipes,
        from: Receiver<Heard>,
        hear: impl Fn(Heard) -> bool + Send + 'static,
    ) -> Lines {
        let (to, say) = channel();
        let words = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&words);
        spawn("store-stdin", move || speak(pipes.stdin, &say));
        spawn("store-stdout", move || listen(pipes.stdout, &hear));
        spawn("store-stderr", move || keep(pipes.stderr, &kept));
        Lines {
            to: Some(to),
            from,
            words,
        }
    }

    /// Does not wait. A process that is gone is noticed by what is heard.
    pub fn say(&self, line: String) {
        if let Some(to) = &self.to {
            let _ = to.send(line);
        }
    }

    /// Closes standard input once everything is said.
    pub fn hang_up(&mut self) {
        self.to = None;
    }

    pub fn hear(&self, patience: Duration) -> Heard {
        match self.from.recv_timeout(patience) {
            Ok(heard) => heard,
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::Closed,
        }
    }

    /// The end of standard error, on one line.
    pub fn last_words(&self) -> String {
        // The pipe's thread may be a moment behind the process's end.
        std::thread::sleep(Duration::from_millis(20));
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&words).into_owned();
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines[lines.len().saturating_sub(3)..].join(" / ")
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work);
    thread.expect("the system has threads");
}

fn speak(mut stdin: ChildStdin, say: &Receiver<String>) {
    for line in say {
        if stdin
            .write_all(line.as_bytes())
            .and_then(|()| stdin.write_all(b"\n"))
            .is_err()
            || stdin.flush().is_err()
        {
            return;
        }
    }
}

fn listen(stdout: ChildStdout, hear: &dyn Fn(Heard) -> bool) {
    use std::io::BufRead;
    let mut reader = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let limit = LONGEST_LINE_BYTES as u64;
        match reader.by_ref().take(limit).read_until(b'\n', &mut line) {
            Err(_) | Ok(0) => {
                hear(Heard::Closed);
                return;
            }
            Ok(read) => {
                let heard = if read == LONGEST_LINE_BYTES && line.last() != Some(&b'\n') {
                    Heard::TooLong
                } else {
                    Heard::Line(String::from_utf8_lossy(&line).trim_end().to_owned())
                };
                let too_long = matches!(heard, Heard::TooLong);
                if !hear(heard) || too_long {
                    return;
                }
            }
        }
    }
}

fn keep(mut stderr: ChildStderr, kept: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut bytes) {
        let mut words = kept.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&bytes[..read]);
        let over = words.len().saturating_sub(LAST_WORDS_BYTES);
        words.drain(..over);
    }
}
