//! What a faulty disk is made from, and what can go wrong in making and reading it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::disk::DiskPlan;
use crate::domain::op::Micros;

/// What a faulty disk is made from.
#[derive(Clone)]
pub struct MountSpec {
    /// An existing, empty folder. Its owner and mode become those of the disk's root.
    pub at: PathBuf,
    pub plan: DiskPlan,
    /// The disk's own log, JSON lines: the evidence that proves each lost byte. Made anew.
    pub log: PathBuf,
    /// The run's clock.
    pub now: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Users other than ours may use the disk: a server in a container needs that.
    pub allow_other: bool,
    /// Bytes that stand once in each op that is written to an AOF, for example `RPUSH\r\n`: counted exactly.
    /// Empty counts nothing.
    pub marker: Vec<u8>,
    /// What the model may hold in memory; a write beyond it fails with ENOSPC.
    pub memory_limit_bytes: u64,
    /// Somebody else fsyncs on the same disk all the time, as on every machine that does more than one thing.
    /// Only [`crate::domain::disk::Tail::Ext4`] asks: without such a neighbour sizes are committed by our own
    /// files' fsyncs alone.
    pub neighbours: bool,
}

/// What went wrong, ending with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DiskError {
    pub message: String,
}

impl DiskError {
    pub fn new(message: impl Into<String>) -> Self {
        DiskError {
            message: message.into(),
        }
    }
}
