//! The checks: hazards of memory stores, made to happen on real servers, and the two stores before each.
//!
//! Owns the list of checks, the stage on which they run, and the naive and sound stores. A hazard is forced, by a
//! barrier, a gate in the network or an order of steps, and proves that it was; a sleep proves nothing. Keys lie
//! under a random namespace and are removed by that prefix alone: nothing here may ever send FLUSHALL or FLUSHDB.

mod damaged;
mod dual_write;
mod eviction;
mod expiry;
mod expiry_clock;
mod formats;
mod isolation;
mod lock;
mod lost_update;
pub mod namespace;
mod registry;
mod restart;
mod retry;
mod retry_refusals;
mod round_trip;
pub mod runner;
mod server;
mod stage;
mod stampede;
mod store;
mod versions;

use crate::domain::check::{Candidate, Check, Finding};

pub use registry::all;
pub use stage::{Notes, Place, Stage, Stop};

/// How a check is performed with one store. What was seen goes to the notes.
pub type Perform = fn(&Stage<'_>, Candidate, &mut Notes) -> Result<Finding, Stop>;

/// A check and how it is performed.
#[derive(Clone, Copy)]
pub struct Entry {
    pub check: Check,
    pub perform: Perform,
}
