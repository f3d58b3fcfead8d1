//! What a scratch server finds on an image of the data directory: the answer to "what if".

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::op::Micros;
use super::verdict::Cut;

/// Which state of the data directory the scratch server was started on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "image")]
pub enum Image {
    /// Everything that was written: what a process kill leaves.
    Written,
    /// Everything that was durable: what a power cut leaves.
    Durable,
    /// The AOF cut off at this length, in bytes, all its INCR files together.
    CutAt { bytes: u64 },
    /// The AOF kept this size and is zeros from a byte on, all its INCR files together: what ext4 may leave when
    /// somebody else's fsync commits the size and nobody's the bytes.
    ZeroFrom { bytes: u64, size_bytes: u64 },
    /// Repaired by `redis-check-aof --fix`, on a copy.
    Repaired,
}

/// What became of the scratch server, held against the history up to the instant of the image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum ImageOutcome {
    Started {
        /// Elements found.
        found: u64,
        /// Acknowledged before the instant (and after the fault before it) and missing.
        lost: u64,
        /// Age of the oldest lost acknowledgement at the instant.
        window: Option<Duration>,
        cut: Cut,
        /// Corrupted, duplicated, reordered or unexpected entries.
        damaged: u64,
    },
    /// The server refused to start; its own words.
    Refused { words: Vec<String> },
    /// The scratch server could not be tried.
    Failed { error: String },
}

/// One image, tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageFinding {
    /// The instant of the image.
    pub at: Micros,
    pub image: Image,
    /// Acknowledged up to the instant, after the fault before it.
    pub acked: u64,
    pub outcome: ImageOutcome,
}

impl ImageFinding {
    /// Acknowledged messages lost, if the server started.
    #[must_use]
    pub fn lost(&self) -> Option<u64> {
        match self.outcome {
            ImageOutcome::Started { lost, .. } => Some(lost),
            _ => None,
        }
    }
}

/// A second act after a server has refused to start: `redis-check-aof --fix` on a copy of its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    /// The program that repaired.
    pub program: String,
    /// Its own words, the last ones.
    pub words: Vec<String>,
    /// The AOF, all its files together.
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// What a scratch server found on the repaired copy.
    pub finding: ImageFinding,
}

/// The same instant, two ends: what a process kill would have left and what a power cut would have left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub kill: ImageFinding,
    pub power: ImageFinding,
}

/// Tail-cut replay: every legal end of the AOF between what is proven durable and what was written. A range of what
/// a power cut could have left, not an observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TailCut {
    /// Proven durable: no power cut leaves less. In bytes, as for [`Image::CutAt`].
    pub durable_bytes: u64,
    /// By what that is proven.
    pub witness: TailWitness,
    /// Why there is no witness.
    #[serde(default)]
    pub no_witness: Option<String>,
    pub written_bytes: u64,
    /// Least first, by length; then those whose tail is zeros.
    pub findings: Vec<ImageFinding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailWitness {
    /// WAITAOF, after a self-test showed that this server's WAITAOF tells the truth.
    WaitAof,
    /// Nothing is proven: the range begins with the base file.
    None,
}
