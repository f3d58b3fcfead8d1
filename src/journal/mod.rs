//! The durable write journal: bytes and files, nothing of Redis.
//!
//! # Format
//!
//! A header of 32 bytes, then records of 16 bytes, all numbers little-endian. Nothing is ever
//! rewritten, so a reader can follow a file that is still being written.
//!
//! Header:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | `CDJOURN1` |
//! | 8..12 | version, 1 |
//! | 12..16 | size of a record, 16 |
//! | 16..24 | wall clock at time zero, microseconds since the Unix epoch |
//! | 24..28 | zero |
//! | 28..32 | CRC-32 of bytes 0..28 |
//!
//! An *invocation* (its op number is how many invocations stand before it):
//!
//! | bytes | what |
//! |---|---|
//! | 0 | 1 |
//! | 1..3 | writer |
//! | 3..8 | time, microseconds since time zero (reaches 12 days) |
//! | 8..11 | session |
//! | 11..14 | seq within the session, from 1 |
//! | 14..16 | low half of the CRC-32 of bytes 0..14 |
//!
//! A *completion*:
//!
//! | bytes | what |
//! |---|---|
//! | 0 | 2 acked, 3 refused, 4 indeterminate |
//! | 1 | cause, the position in `Cause::ALL` |
//! | 2..7 | time, as above |
//! | 7..11 | op number |
//! | 11..14 | the list's length that RPUSH answered, 0 if none |
//! | 14..16 | check, as above |
//!
//! An op takes 32 bytes. An op without a completion is indeterminate. A file that ends in the middle
//! of a record, or holds a record whose check fails, is *torn*: everything before that point counts,
//! nothing after it does, and the reader says so. Nothing is guessed.

mod reader;
mod record;
mod writer;

pub use reader::{Journal, Tear, read};
pub use writer::JournalWriter;

/// What can go wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("cannot {doing} the journal: {cause} ({path})")]
    Io {
        doing: &'static str,
        cause: std::io::Error,
        path: std::path::PathBuf,
    },
    #[error("this is no journal of this version: {reason} ({path})")]
    Foreign {
        reason: String,
        path: std::path::PathBuf,
    },
}
