//! Before the first drill and after the last: sweep what dead owners left, keep a janitor.

use std::path::Path;

use anyhow::{Context, Result};

use super::store;
use crate::backend::docker::{Engine, owner};
use crate::backend::lease::{self, Holding};

/// Sweeps and opens our own lease. `program` is this program: it is started once more as the janitor.
/// Returns what a dead owner had left and was removed.
///
/// # Errors
/// The user's data folder cannot be written.
pub fn begin(program: Option<&Path>) -> Result<Vec<String>> {
    let folder = store::data_dir()?.join("leases");
    let swept = lease::sweep(&folder, &reap_run);
    lease::open(&folder, program).with_context(|| {
        format!(
            "cannot note what must be cleaned up after a crash ({})",
            folder.display()
        )
    })?;
    Ok(swept.iter().map(name).collect())
}

/// Nothing is held any more.
pub fn end() {
    lease::close();
}

/// The janitor's life; see [`lease::janitor`].
pub fn janitor(lease: &Path) {
    lease::janitor(lease, &reap_run);
}

/// Removes containers and volumes of a run, and those of any owner that is dead.
fn reap_run(run: &str) {
    if let Ok(engine) = Engine::connect() {
        let _ = engine.reap_session(run);
        let _ = engine.reap(owner::is_alive);
    }
}

fn name(holding: &Holding) -> String {
    match holding {
        Holding::Group(leader) => format!("server process {}", leader.pid),
        Holding::Directory(path) => path.display().to_string(),
        Holding::Mount(path) => format!("faulty disk at {}", path.display()),
        Holding::Docker { run } => format!("containers of run {run}"),
    }
}
