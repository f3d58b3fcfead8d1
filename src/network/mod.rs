//! The network between a client and a server, in our hand: a proxy on loopback that loses replies, delays,
//! stalls, resets and throttles, holds single messages for a forced interleaving, and records what passed.
//!
//! It knows RESP only as far as where a message ends and what a command is called. It never invents a
//! message, never changes one, and starts no server.

pub mod framing;
pub mod gate;
pub mod proxy;
mod pump;
mod shared;
mod timer;

use std::sync::Arc;

use crate::domain::op::Micros;

/// The clock that faults and records are timed by.
pub type Now = Arc<dyn Fn() -> Micros + Send + Sync>;

/// A command that passed the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    pub at: Micros,
    /// Connections are counted from 0, in order of acceptance.
    pub connection: u64,
    pub words: framing::Words,
}
