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
use crate::client::target::Target;
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
/// In words: what is wrong with the address, or that a certificate authority does not go with it.
pub fn target(
    url: Option<&str>,
    ca: Option<&Path>,
    notes: &Path,
) -> Result<runner::Target, String> {
    let mut target = match url {
        Some(url) => Target::parse(url).map_err(|error| format!("URL: {error}"))?,
        None if ca.is_some() => {
            return Err("--ca: it goes with a rediss:// address, and there is none".into());
        }
        None => return Ok(runner::Target::Own),
    };
    if ca.is_some() && !target.is_tls() {
        return Err("--ca: only rediss:// addresses have a certificate to check".into());
    }
    target.ca = ca.map(Path::to_owned);
    Ok(runner::Target::Given {
        endpoint: target.endpoint(),
        notes: notes.to_owned(),
    })
}
