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

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::backend::process::find_program;
use crate::client::connect::parse_url;
use crate::domain::check::{Candidate, Check, Finding};

pub use crate::adapter::StoreCommand;
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

/// The place that these words mean: one server program or two, and the command of a store.
///
/// # Errors
/// In words: a program that is not there, a command that is none.
pub fn place(servers: &[PathBuf], store: Option<&str>) -> Result<Place, String> {
    for server in servers {
        find_program(Some(server)).map_err(|error| format!("--server: {error}"))?;
    }
    let store = store
        .map(StoreCommand::parse)
        .transpose()
        .map_err(|error| format!("--store-cmd: {error}"))?;
    Ok(Place {
        program: servers.first().cloned(),
        other_program: servers.get(1).cloned(),
        scratch: std::env::temp_dir(),
        layout: None,
        seed: 7,
        store,
        store_patience: Duration::from_secs(10),
        forcing: true,
    })
}

/// The server that an address means; ours without one. Notes about keys on it go to `notes`.
///
/// # Errors
/// In words: what is wrong with the address.
pub fn target(url: Option<&str>, notes: &Path) -> Result<runner::Target, String> {
    Ok(match url {
        None => runner::Target::Own,
        Some(url) => runner::Target::Given {
            endpoint: parse_url(url).map_err(|error| format!("URL: {error}"))?,
            notes: notes.to_owned(),
        },
    })
}
