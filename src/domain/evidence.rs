//! What the faulty disk testified at a fault: how far fsync had come, and what a power cut took.

use serde::{Deserialize, Serialize};

use super::disk::Tail;
use super::op::Micros;

/// The faulty disk at the instant of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskEvidence {
    /// When the disk froze: nothing that began later has had an effect.
    pub frozen: Micros,
    /// Of our writes, how many had been written to an AOF since the disk was mounted.
    pub written: u64,
    /// And how many of them an fsync or the write-back had made durable.
    pub durable: u64,
    /// Acknowledged and not durable: what a power cut takes. Zero without an AOF, where nothing is counted.
    pub answered_not_durable: u64,
    /// Acknowledged and not even written: what a process kill takes.
    pub answered_not_written: u64,
    pub fsyncs_in_flight: u32,
    /// Of the AOF if there are writes of ours in it, else of any file; of several in flight the oldest. Only fsyncs that were
    /// let through end.
    pub last_fsync_began: Option<Micros>,
    pub last_fsync_ended: Option<Micros>,
    /// What the cut took; `None` if the disk lived on, as after a process kill.
    pub cut: Option<PowerCut>,
}

/// A power cut on the faulty disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerCut {
    pub files: Vec<DroppedBytes>,
    /// Creations, renames and deletions that were undone, in the disk's words.
    pub undone_names: Vec<String>,
}

impl PowerCut {
    #[must_use]
    pub fn dropped_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.dropped_bytes).sum()
    }
}

/// What a power cut did to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedBytes {
    /// Below the data directory.
    pub path: String,
    pub kept_bytes: u64,
    pub dropped_bytes: u64,
    /// Zeros that stand where a size survived and its bytes did not.
    #[serde(default)]
    pub zeroed_bytes: u64,
    /// What stands in the place of the dropped bytes.
    pub tail: Tail,
}
