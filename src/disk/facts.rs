//! What the faulty disk tells: its state, where it froze, what a cut took.

use serde::{Deserialize, Serialize};

use crate::domain::disk::{DiskMoment, Tail};
use crate::domain::op::Micros;

/// The disk at this instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskStatus {
    /// Markers in all AOF files ever written; a rewrite that deletes older files does not lower them.
    pub written_marks: u64,
    /// Those of them that a power cut at this instant would leave.
    pub durable_marks: u64,
    /// All files together.
    pub written_bytes: u64,
    pub durable_bytes: u64,
    pub fsyncs_in_flight: u32,
    /// Of those in flight.
    pub oldest_fsync_began: Option<Micros>,
    /// Of all fsyncs so far.
    pub last_fsync_began: Option<Micros>,
    pub last_fsync_ended: Option<Micros>,
    pub files: Vec<FileStatus>,
    /// A write was refused because the model would not fit into its memory.
    pub over_memory: bool,
    /// Nothing that changes or syncs the disk goes through.
    pub frozen: bool,
    /// Operations that wait: held by the freeze, or fsyncs in flight.
    pub held: u32,
}

/// One file at this instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// From the disk's root, without a slash in front.
    pub path: String,
    pub written_bytes: u64,
    /// Of its data; they survive only if the name does, too.
    pub durable_bytes: u64,
    /// A power cut at this instant leaves a file of this name with this content's durable part.
    pub name_durable: bool,
}

/// The operation at which the disk froze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Struck {
    pub at: Micros,
    pub moment: DiskMoment,
    /// For a rename, the new path.
    pub path: String,
    /// The operation in words of the log, for example `rename temp-17.rdb to dump.rdb by pid 17`.
    pub detail: String,
}

/// What a power cut took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutReport {
    /// The instant of the freeze: what was durable then is what is left.
    pub at: Micros,
    pub files: Vec<DroppedBytes>,
    /// Creates, renames, unlinks and truncates that did not survive, in their order.
    pub undone_names: Vec<String>,
    pub last_fsync_began: Option<Micros>,
    pub last_fsync_ended: Option<Micros>,
    /// Fsyncs that had begun and not returned.
    pub fsyncs_in_flight: u32,
    /// Markers before and after; see [`DiskStatus`].
    pub written_marks: u64,
    pub kept_marks: u64,
}

/// What a power cut took of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedBytes {
    /// The path that it had when the power failed.
    pub path: String,
    /// Bytes that are as they were written.
    pub kept_bytes: u64,
    /// Bytes that were written and are not there any more.
    pub dropped_bytes: u64,
    /// Zeros at the end or within, where a size or a block survived and its bytes did not; they are among the
    /// dropped ones or lie beyond them.
    pub zeroed_bytes: u64,
    pub tail: Tail,
}

/// Which state of the disk to copy out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskImage {
    /// Everything that was written: what a process kill leaves.
    Written,
    /// Everything that was durable: what a power cut at this instant would leave.
    Durable,
}
