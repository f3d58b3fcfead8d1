//! The runs on disk: one directory a run, `latest` pointing at the newest.

use std::path::{Path, PathBuf};

use anyhow::Result;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::event::RunId;
use crate::domain::record::RunRecord;
use crate::domain::verdict::Verdict;

/// What the list of runs shows, from the small files of a run's directory only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: RunId,
    pub dir: PathBuf,
    pub began: DateTime<Utc>,
    pub preset: String,
    pub fault: String,
    pub backend: String,
    /// `None` if the run was never judged (the app died in the middle).
    pub verdict: Option<Verdict>,
    /// The verdict in one sentence; empty if never judged.
    pub sentence: String,
    pub acked: u64,
    pub lost: u64,
    /// Why the run cannot be opened, if it cannot.
    pub broken: Option<String>,
}

/// The default folder of runs: `crashdrill/runs` in the user's data folder.
pub fn default_runs_dir() -> Result<PathBuf> {
    unimplemented!("being built")
}

/// All runs, newest first. A run that cannot be read is listed as broken, never skipped.
pub fn list(_runs: &Path) -> Result<Vec<RunSummary>> {
    unimplemented!("being built")
}

/// Judges a run again from its evidence alone: plan, journal, timeline, readback.
pub fn replay(_dir: &Path) -> Result<RunRecord> {
    unimplemented!("being built")
}

/// Deletes a run's directory; refuses a directory that is not a run's.
pub fn delete(_dir: &Path) -> Result<()> {
    unimplemented!("being built")
}
