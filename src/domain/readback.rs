//! What was found after the restart, as facts and nothing more.

use serde::{Deserialize, Serialize};

use super::op::{Micros, SessionId};

/// One read of the whole store under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Readback {
    pub started: Micros,
    pub finished: Micros,
    /// What the journal held when this was begun: a journal with less has lost its tail since.
    #[serde(default)]
    pub attempted: u64,
    #[serde(default)]
    pub acked: u64,
    /// In order of session; one entry for each session that has ops.
    pub sessions: Vec<SessionReadback>,
    /// Keys in our namespace that belong to no session of the plan.
    pub foreign_keys: Vec<String>,
    /// Keys that the server evicted and expired since the drill's first start: their loss is no crash loss.
    pub evicted_keys: u64,
    pub expired_keys: u64,
}

/// What one session's list held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionReadback {
    pub session: SessionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Elements equal to the bytes written, as runs of consecutive `seq` in list order: `[first, last]`.
    pub runs: Vec<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub altered: Vec<Altered>,
}

/// An element that equals no message written to this session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Altered {
    /// Position in the list, from 0.
    pub index: u32,
    /// The `seq` that it claims, if that much can be read.
    pub seq: Option<u32>,
    /// The bytes found, cut at [`Altered::MAX_RAW`] bytes, what is not UTF-8 replaced.
    pub raw: String,
}

impl Altered {
    pub const MAX_RAW: usize = 4096;
}

impl SessionReadback {
    #[must_use]
    pub fn empty(session: SessionId) -> Self {
        SessionReadback {
            session,
            failure: None,
            runs: Vec::new(),
            altered: Vec::new(),
        }
    }

    /// Adds one element that was found equal to message `seq`.
    pub fn push(&mut self, seq: u32) {
        match self.runs.last_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => self.runs.push((seq, seq)),
        }
    }

    /// Elements found, altered ones included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.runs
            .iter()
            .map(|(first, last)| u64::from(last - first) + 1)
            .sum::<u64>()
            + self.altered.len() as u64
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.altered.is_empty()
    }
}
