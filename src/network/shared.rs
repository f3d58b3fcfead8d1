//! What all threads of a proxy share: connections, gates, the record, and the state of the network.

use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::framing::Words;
use super::gate::{Decision, Direction, Gate};
use super::{Now, Passed};
use crate::domain::network::NetworkHappening;
use crate::domain::op::Micros;

/// One connection of a client's through the proxy.
pub struct Link {
    pub number: u64,
    pub client: TcpStream,
    pub server: TcpStream,
    /// Replies are dropped; the connection is cut once all its commands are answered.
    pub losing: AtomicBool,
    /// It ends by a reset: nobody may say an ordinary goodbye to the client before.
    pub reset: AtomicBool,
}

impl Link {
    /// Ends both sides: their pumps wake up and go.
    pub fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// As [`Link::close`], and the client gets a reset: with a linger time of zero the last close sends one.
    pub fn reset(&self) {
        self.reset.store(true, Ordering::Release);
        if let Ok(client) = self.client.try_clone() {
            let _ = tokio::net::TcpSocket::from_std_stream(client).set_zero_linger();
        }
        let _ = self.client.shutdown(Shutdown::Read);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

#[derive(Default)]
pub struct State {
    pub ended: bool,
    pub stalled: bool,
    /// When the stream began that faults are timed by.
    pub zero: Option<Micros>,
    pub links: HashMap<u64, Arc<Link>>,
    pub gates: Vec<Arc<Gate>>,
    pub passed: Vec<Passed>,
    pub not_recorded: u64,
    pub happenings: Vec<(Micros, NetworkHappening)>,
}

pub struct Shared {
    pub upstream: SocketAddr,
    pub now: Now,
    /// Commands recorded at most.
    pub record: usize,
    pub delay: Duration,
    pub bandwidth: Option<u64>,
    /// By direction: when the line is free again.
    line_free: [Mutex<Option<Instant>>; 2],
    state: Mutex<State>,
    pub changed: Condvar,
}

impl Shared {
    pub fn new(
        upstream: SocketAddr,
        now: Now,
        record: usize,
        delay: Duration,
        bandwidth: Option<u64>,
    ) -> Self {
        Shared {
            upstream,
            now,
            record,
            delay,
            bandwidth,
            line_free: Default::default(),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tell(&self, happening: NetworkHappening) {
        let at = (self.now)();
        self.lock().happenings.push((at, happening));
    }

    /// Waits as long as nothing passes. False once the proxy ends.
    pub fn wait_for_flow(&self) -> bool {
        let mut state = self.lock();
        while state.stalled && !state.ended {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.ended
    }

    pub fn record(&self, connection: u64, words: &Words) {
        if self.record == 0 {
            return;
        }
        let at = (self.now)();
        let mut state = self.lock();
        if state.passed.len() < self.record {
            state.passed.push(Passed {
                at,
                connection,
                words: words.clone(),
            });
        } else {
            state.not_recorded += 1;
        }
    }

    /// The gate that takes this message, if one does.
    pub fn gate_for(
        &self,
        direction: Direction,
        connection: u64,
        words: &Words,
    ) -> Option<Arc<Gate>> {
        let mut state = self.lock();
        if state.gates.is_empty() {
            return None;
        }
        state.gates.retain(|gate| !gate.is_done());
        let taking = |gate: &&Arc<Gate>| gate.takes(direction, connection, words);
        state.gates.iter().find(taking).cloned()
    }

    /// Waits until the line has carried `bytes` in this direction.
    pub fn carry(&self, direction: Direction, bytes: usize) {
        let Some(bandwidth) = self.bandwidth else {
            return;
        };
        let takes = Duration::from_secs_f64(bytes as f64 / bandwidth as f64);
        let until = {
            let mut free = self.line_free[direction as usize]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let until = free.unwrap_or_else(Instant::now).max(Instant::now()) + takes;
            *free = Some(until);
            until
        };
        let mut state = self.lock();
        while !state.ended
            && let Some(left) = until.checked_duration_since(Instant::now())
        {
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Ends everything that waits and every connection.
    pub fn end(&self) {
        let (links, gates) = {
            let mut state = self.lock();
            state.ended = true;
            let links: Vec<_> = state.links.values().cloned().collect();
            (links, std::mem::take(&mut state.gates))
        };
        self.changed.notify_all();
        for gate in gates {
            gate.decide(Decision::Cut);
        }
        for link in links {
            link.close();
        }
    }
}
