//! What is written: seeded, deterministic chat sessions. Same seed, same bytes.

mod corpus;
mod message;
mod mix;
mod spoken;

use serde::{Deserialize, Serialize};

use super::op::SessionId;

pub use message::MessageMaker;
pub(crate) use message::push_number;
pub use mix::SessionMix;

/// How fast ops are invoked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Open loop: this many a second in all, whether or not the server keeps up.
    PerSecond(f64),
    /// As fast as it goes: a writer invokes as soon as its pipeline has room.
    Max,
}

/// The load of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Chat sessions, 1 to [`Workload::MAX_SESSIONS`].
    pub sessions: u32,
    /// Connections, 1 to [`Workload::MAX_WRITERS`]. A session always uses the same one.
    pub writers: u16,
    /// Ops that a connection has under way at most, 1 to [`Workload::MAX_DEPTH`].
    pub depth: u16,
    pub rate: Rate,
    /// Exact size of a message's JSON in bytes; `None` for the corpus's natural sizes.
    pub message_bytes: Option<u32>,
    pub seed: u64,
}

impl Workload {
    /// What three bytes of a journal record can hold.
    pub const MAX_SESSIONS: u32 = (1 << 24) - 1;
    pub const MAX_WRITERS: u16 = 4096;
    pub const MAX_DEPTH: u16 = 4096;
    pub const MAX_RATE: f64 = 5e6;
    pub const MIN_MESSAGE_BYTES: u32 = 96;
    pub const MAX_MESSAGE_BYTES: u32 = 1 << 20;
}

impl Default for Workload {
    /// Chat load: a busy bot, not a benchmark.
    fn default() -> Self {
        Workload {
            sessions: 200,
            writers: 8,
            depth: 4,
            rate: Rate::PerSecond(2000.0),
            message_bytes: None,
            seed: 7,
        }
    }
}

/// Names of keys. The prefix is empty on a server of our own and random on anybody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpace {
    pub prefix: String,
}

impl KeySpace {
    /// `session:<id>:messages`, behind the prefix.
    #[must_use]
    pub fn key(&self, session: SessionId) -> String {
        let mut key = Vec::new();
        self.write(session, &mut key);
        String::from_utf8(key).expect("a prefix is a string and the rest is ASCII")
    }

    /// Appends the key's bytes to `out`.
    pub fn write(&self, session: SessionId, out: &mut Vec<u8>) {
        out.extend_from_slice(self.prefix.as_bytes());
        out.extend_from_slice(b"session:");
        for unit in [10_000, 1_000, 100, 10] {
            if session.0 < unit {
                out.push(b'0');
            }
        }
        push_number(out, u64::from(session.0));
        out.extend_from_slice(b":messages");
    }

    /// The session of one of our keys; `None` if the key is not of ours.
    #[must_use]
    pub fn session(&self, key: &str) -> Option<SessionId> {
        let digits = key
            .strip_prefix(&self.prefix)?
            .strip_prefix("session:")?
            .strip_suffix(":messages")?;
        let session = SessionId(digits.parse().ok()?);
        (self.key(session) == key).then_some(session)
    }

    /// A pattern that SCAN's MATCH understands and that fits all our keys.
    #[must_use]
    pub fn pattern(&self) -> String {
        let mut pattern = String::new();
        for c in self.prefix.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('*');
        pattern
    }
}

/// One well-mixed number out of several: SplitMix64's finalizer (Steele, Lea, Flood 2014).
pub(crate) fn mix64(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
