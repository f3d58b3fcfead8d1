//! One write: who it was for, when it was invoked, and how it completed.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds on the monotonic clock since the run began.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// "Never": the completion of an op that has not completed.
    pub const NEVER: Micros = Micros(u64::MAX);

    #[must_use]
    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Micros) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl From<Duration> for Micros {
    fn from(duration: Duration) -> Self {
        Micros(duration.as_micros() as u64)
    }
}

/// Number of a chat session, from 0. Its key is made by [`crate::domain::workload::KeySpace`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SessionId(pub u32);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

/// How an op completed. Not knowing is a value: it is never folded into the other two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// The server answered that it was done.
    Acked,
    /// The server answered that it was not done, or the op never left this machine.
    Refused,
    /// No answer: it may or may not have been done.
    Indeterminate,
}

/// Why an op was refused or is indeterminate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Acknowledged: nothing to explain.
    #[default]
    None,
    /// `-MISCONF`: the server cannot persist and refuses writes.
    Misconf,
    /// `-OOM`: `maxmemory` reached under a policy that evicts nothing more.
    OutOfMemory,
    /// `-LOADING`: the data set is still being read.
    Loading,
    /// `-READONLY`: a replica.
    ReadOnly,
    /// `-WRONGTYPE`: something else lies under the key.
    WrongType,
    /// `-NOAUTH`, `-NOPERM`, `-WRONGPASS`, `-DENIED`.
    NotPermitted,
    /// Any other error reply.
    OtherError,
    /// The connection ended before the reply came.
    Disconnected,
    /// No reply within the client's time limit.
    TimedOut,
    /// The journal ends before the completion: our own death, or a torn tail.
    NotJournaled,
}

impl Cause {
    pub const ALL: [Cause; 11] = [
        Cause::None,
        Cause::Misconf,
        Cause::OutOfMemory,
        Cause::Loading,
        Cause::ReadOnly,
        Cause::WrongType,
        Cause::NotPermitted,
        Cause::OtherError,
        Cause::Disconnected,
        Cause::TimedOut,
        Cause::NotJournaled,
    ];
}

/// One write of one chat message. 32 bytes, so that ten million of them fit a small machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Taken just before the bytes were handed to the socket.
    pub invoked: Micros,
    /// Taken just after the reply was read, or when the op was given up; [`Micros::NEVER`] if neither is known.
    pub completed: Micros,
    pub session: SessionId,
    /// Number of the message within its session, from 1, in order of invocation.
    pub seq: u32,
    /// The list's length that `RPUSH` answered; 0 if it did not.
    pub length: u32,
    /// Which connection carried it.
    pub writer: u16,
    pub completion: Completion,
    pub cause: Cause,
}

impl Op {
    /// An op just invoked, of which nothing more is known.
    #[must_use]
    pub fn invoke(session: SessionId, seq: u32, writer: u16, invoked: Micros) -> Op {
        Op {
            invoked,
            completed: Micros::NEVER,
            session,
            seq,
            length: 0,
            writer,
            completion: Completion::Indeterminate,
            cause: Cause::NotJournaled,
        }
    }
}

const _: () = assert!(std::mem::size_of::<Op>() == 32);
