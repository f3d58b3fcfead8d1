//! One record to bytes and back. The format is documented in the room's own comment.

use crate::domain::op::{Cause, Completion, Micros, Op, SessionId};

pub const HEADER_BYTES: usize = 32;
pub const RECORD_BYTES: usize = 16;
const MAGIC: &[u8; 8] = b"CDJOURN1";
const VERSION: u32 = 1;

const INVOKED: u8 = 1;
const ACKED: u8 = 2;
const REFUSED: u8 = 3;
const INDETERMINATE: u8 = 4;

/// A decoded record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    Invoked {
        writer: u16,
        at: Micros,
        session: SessionId,
        seq: u32,
    },
    Completed {
        completion: Completion,
        cause: Cause,
        at: Micros,
        op: u32,
        length: u32,
    },
}

pub fn header(began_unix_micros: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..16].copy_from_slice(&(RECORD_BYTES as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&began_unix_micros.to_le_bytes());
    let check = crc32fast::hash(&bytes[..28]);
    bytes[28..].copy_from_slice(&check.to_le_bytes());
    bytes
}

/// The wall clock at time zero, or what is wrong with the header.
pub fn parse_header(bytes: &[u8; HEADER_BYTES]) -> Result<u64, String> {
    let word =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if &bytes[..8] != MAGIC {
        return Err("it does not begin with CDJOURN1".into());
    }
    if word(28) != crc32fast::hash(&bytes[..28]) {
        return Err("the check of its header fails".into());
    }
    if (word(8), word(12)) != (VERSION, RECORD_BYTES as u32) {
        return Err(format!(
            "version {} with records of {} bytes",
            word(8),
            word(12)
        ));
    }
    Ok(u64::from(word(16)) | u64::from(word(20)) << 32)
}

pub fn invoked(op: &Op) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    bytes[0] = INVOKED;
    bytes[1..3].copy_from_slice(&op.writer.to_le_bytes());
    put(&mut bytes, 3, 5, op.invoked.0);
    put(&mut bytes, 8, 3, u64::from(op.session.0));
    put(&mut bytes, 11, 3, u64::from(op.seq));
    sealed(bytes)
}

pub fn completed(number: u32, op: &Op) -> [u8; RECORD_BYTES] {
    let mut bytes = [0; RECORD_BYTES];
    bytes[0] = match op.completion {
        Completion::Acked => ACKED,
        Completion::Refused => REFUSED,
        Completion::Indeterminate => INDETERMINATE,
    };
    bytes[1] = Cause::ALL
        .iter()
        .position(|cause| *cause == op.cause)
        .unwrap_or_default() as u8;
    put(&mut bytes, 2, 5, op.completed.0);
    put(&mut bytes, 7, 4, u64::from(number));
    put(&mut bytes, 11, 3, u64::from(op.length));
    sealed(bytes)
}

/// `None` if the check fails or the kind is unknown.
pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Option<Record> {
    if bytes[14..] != check(bytes) {
        return None;
    }
    let completion = match bytes[0] {
        INVOKED => {
            return Some(Record::Invoked {
                writer: get(bytes, 1, 2) as u16,
                at: Micros(get(bytes, 3, 5)),
                session: SessionId(get(bytes, 8, 3) as u32),
                seq: get(bytes, 11, 3) as u32,
            });
        }
        ACKED => Completion::Acked,
        REFUSED => Completion::Refused,
        INDETERMINATE => Completion::Indeterminate,
        _ => return None,
    };
    Some(Record::Completed {
        completion,
        cause: *Cause::ALL.get(usize::from(bytes[1]))?,
        at: Micros(get(bytes, 2, 5)),
        op: get(bytes, 7, 4) as u32,
        length: get(bytes, 11, 3) as u32,
    })
}

fn put(bytes: &mut [u8; RECORD_BYTES], at: usize, len: usize, value: u64) {
    debug_assert!(
        len == 8 || value >> (8 * len) == 0,
        "{value} does not fit {len} bytes"
    );
    bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
}

fn get(bytes: &[u8; RECORD_BYTES], at: usize, len: usize) -> u64 {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&bytes[at..at + len]);
    u64::from_le_bytes(wide)
}

fn check(bytes: &[u8; RECORD_BYTES]) -> [u8; 2] {
    let crc = crc32fast::hash(&bytes[..14]).to_le_bytes();
    [crc[0], crc[1]]
}

fn sealed(mut bytes: [u8; RECORD_BYTES]) -> [u8; RECORD_BYTES] {
    let check = check(&bytes);
    bytes[14..].copy_from_slice(&check);
    bytes
}
