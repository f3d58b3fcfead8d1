//! The proxy: a port of its own on loopback in front of one server.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::gate::{Held, Matcher};
use super::pump::{self, SharedUnanswered};
use super::shared::{Link, Shared};
use super::{Now, Passed, timer};
use crate::domain::network::{NetworkFault, NetworkHappening};
use crate::domain::op::Micros;

/// More connections at once are closed as soon as they are made, and told.
pub const MAX_CONNECTIONS: usize = 1024;
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
/// Two threads a connection: they hold little on their stacks.
const STACK_BYTES: usize = 256 * 1024;

/// What a proxy does beside passing on.
#[derive(Clone)]
pub struct Options {
    pub faults: Vec<NetworkFault>,
    pub now: Now,
    /// Commands recorded at most; 0 records none.
    pub record: usize,
}

impl Default for Options {
    fn default() -> Self {
        let zero = Instant::now();
        Options {
            faults: Vec::new(),
            now: Arc::new(move || Micros::from(zero.elapsed())),
            record: 100_000,
        }
    }
}

/// A running proxy. It ends, with all its connections and threads, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    pumps: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Proxy {
    /// A proxy without faults that records what passes.
    ///
    /// # Errors
    /// No port or no thread.
    pub fn start(upstream: SocketAddr) -> std::io::Result<Proxy> {
        Proxy::with(upstream, Options::default())
    }

    /// # Errors
    /// No port or no thread.
    pub fn with(upstream: SocketAddr, options: Options) -> std::io::Result<Proxy> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let delay = options.faults.iter().filter_map(|fault| match fault {
            NetworkFault::Delay { by } => Some(*by),
            _ => None,
        });
        let bandwidth = options.faults.iter().filter_map(|fault| match fault {
            NetworkFault::Bandwidth { bytes_per_sec } => Some(*bytes_per_sec),
            _ => None,
        });
        let shared = Arc::new(Shared::new(
            upstream,
            options.now,
            options.record,
            delay.sum(),
            bandwidth.min(),
        ));
        let mut proxy = Proxy {
            address,
            shared: Arc::clone(&shared),
            threads: Vec::new(),
            pumps: Arc::default(),
        };
        let pumps = Arc::clone(&proxy.pumps);
        let accepting = Arc::clone(&shared);
        proxy.threads.push(named("proxy-accept".into(), move || {
            accept(&listener, &accepting, &pumps);
        })?);
        proxy.threads.push(named("proxy-faults".into(), move || {
            timer::run(&shared, &options.faults);
        })?);
        Ok(proxy)
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The stream begins now: timed faults count from here.
    pub fn begin_stream(&self) {
        let now = (self.shared.now)();
        self.shared.lock().zero = Some(now);
        self.shared.changed.notify_all();
    }

    /// Holds the next message that matches. Of several gates that match the oldest takes it.
    #[must_use = "dropping it takes the gate down"]
    pub fn hold(&self, matcher: Matcher) -> Held {
        let (held, gate) = Held::new(matcher);
        self.shared.lock().gates.push(gate);
        held
    }

    /// The commands that passed, in the order in which they did.
    #[must_use]
    pub fn passed(&self) -> Vec<Passed> {
        self.shared.lock().passed.clone()
    }

    /// Commands that passed after the record was full: a proof by the record needs zero here.
    #[must_use]
    pub fn not_recorded(&self) -> u64 {
        self.shared.lock().not_recorded
    }

    /// What has happened since the last call.
    #[must_use]
    pub fn new_happenings(&self) -> Vec<(Micros, NetworkHappening)> {
        std::mem::take(&mut self.shared.lock().happenings)
    }

    /// Connections that stand now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().links.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.end();
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect_timeout(&self.address, CONNECT_PATIENCE);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let pumps = std::mem::take(&mut *lock(&self.pumps));
        for pump in pumps {
            let _ = pump.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn named(name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name)
        .stack_size(STACK_BYTES)
        .spawn(work)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, pumps: &Mutex<Vec<JoinHandle<()>>>) {
    let mut number = 0;
    for client in listener.incoming() {
        if shared.lock().ended {
            return;
        }
        let Ok(client) = client else {
            // Out of descriptors, most likely: others may close theirs.
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        lock(pumps).retain(|pump| !pump.is_finished());
        if shared.lock().links.len() >= MAX_CONNECTIONS {
            shared.tell(NetworkHappening::GaveUp {
                connection: number,
                why: format!("more than {MAX_CONNECTIONS} connections at once"),
            });
            let _ = client.shutdown(Shutdown::Both);
        } else if let Ok(threads) = link(client, number, shared) {
            lock(pumps).extend(threads);
        }
        number += 1;
    }
}

/// Connects to the server on behalf of `client`. If it cannot be reached, the client's connection ends at once.
fn link(
    client: TcpStream,
    number: u64,
    shared: &Arc<Shared>,
) -> std::io::Result<[JoinHandle<()>; 2]> {
    let server = TcpStream::connect_timeout(&shared.upstream, CONNECT_PATIENCE)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let link = Arc::new(Link {
        number,
        client,
        server,
        losing: AtomicBool::new(false),
        reset: AtomicBool::new(false),
    });
    shared.lock().links.insert(number, Arc::clone(&link));
    let unanswered = SharedUnanswered::default();
    let there = {
        let (shared, link, unanswered) = (
            Arc::clone(shared),
            Arc::clone(&link),
            Arc::clone(&unanswered),
        );
        named(format!("proxy-{number}-there"), move || {
            pump::carry_commands(&shared, &link, &unanswered);
        })
    };
    let back = {
        let (shared, link) = (Arc::clone(shared), Arc::clone(&link));
        named(format!("proxy-{number}-back"), move || {
            pump::carry_replies(&shared, &link, &unanswered);
            // The server has closed or was cut off: nothing more can come of this connection.
            shared.lock().links.remove(&number);
        })
    };
    match (there, back) {
        (Ok(there), Ok(back)) => Ok([there, back]),
        (there, back) => {
            link.close();
            shared.lock().links.remove(&number);
            Err(there.err().or(back.err()).expect("one of them failed"))
        }
    }
}
