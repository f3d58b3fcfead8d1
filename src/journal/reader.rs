//! Reading a journal back, up to where it is whole.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use super::record::{HEADER_BYTES, RECORD_BYTES, Record};
use super::{JournalError, record};
use crate::domain::op::{Completion, Op};

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    pub began_unix_micros: u64,
    pub ops: Vec<Op>,
    pub tear: Option<Tear>,
}

/// Where and how a journal is torn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tear {
    /// Offset of the first byte that does not count.
    pub at_byte: u64,
    /// Bytes from there to the end of the file.
    pub left_over_bytes: u64,
    pub reason: String,
}

/// Reads a journal.
///
/// # Errors
/// The file cannot be read, or its header is not a journal's. A torn tail is no error.
pub fn read(path: &Path) -> Result<Journal, JournalError> {
    let io = |doing| {
        move |cause| JournalError::Io {
            doing,
            cause,
            path: path.to_owned(),
        }
    };
    let file = File::open(path).map_err(io("open"))?;
    let size = file.metadata().map_err(io("read"))?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER_BYTES];
    let foreign = |reason| JournalError::Foreign {
        reason,
        path: path.to_owned(),
    };
    if fill(&mut reader, &mut header).map_err(io("read"))? < HEADER_BYTES {
        return Err(foreign(format!("it has {size} bytes, fewer than a header")));
    }
    let mut journal = Journal {
        began_unix_micros: record::parse_header(&header).map_err(foreign)?,
        ops: Vec::with_capacity(
            (size as usize).saturating_sub(HEADER_BYTES) / (2 * RECORD_BYTES) + 1,
        ),
        tear: None,
    };
    let mut at_byte = HEADER_BYTES as u64;
    loop {
        let mut bytes = [0; RECORD_BYTES];
        let reason = match fill(&mut reader, &mut bytes).map_err(io("read"))? {
            0 => return Ok(journal),
            RECORD_BYTES => match record::parse(&bytes) {
                Some(record) => journal.add(record),
                None => Err("the check of a record fails".to_owned()),
            },
            part => Err(format!("it ends with {part} bytes of a record")),
        };
        if let Err(reason) = reason {
            journal.tear = Some(Tear {
                at_byte,
                left_over_bytes: size.saturating_sub(at_byte),
                reason,
            });
            return Ok(journal);
        }
        at_byte += RECORD_BYTES as u64;
    }
}

impl Journal {
    fn add(&mut self, record: Record) -> Result<(), String> {
        match record {
            Record::Invoked {
                writer,
                at,
                session,
                seq,
            } => {
                self.ops.push(Op::invoke(session, seq, writer, at));
            }
            Record::Completed {
                completion,
                cause,
                at,
                op: number,
                length,
            } => {
                let op = self
                    .ops
                    .get_mut(number as usize)
                    .ok_or_else(|| format!("it completes op {number}, which was never invoked"))?;
                op.completion = completion;
                op.cause = cause;
                op.length = length;
                // "Never" for ops that were given up keeps them apart from answered ones.
                op.completed = at;
                debug_assert!(completion != Completion::Acked || length > 0);
            }
        }
        Ok(())
    }
}

/// Reads until `bytes` is full or the file ends; how many bytes were read.
fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::op::{Cause, Micros, SessionId};
    use crate::journal::JournalWriter;
    use proptest::prelude::*;

    fn ops(n: u32) -> Vec<Op> {
        let op = |i: u32| {
            let mut op = Op::invoke(
                SessionId(i % 5),
                i / 5 + 1,
                (i % 3) as u16,
                Micros(u64::from(i) * 1000),
            );
            if i % 7 != 6 {
                op.completed = Micros(u64::from(i) * 1000 + 400);
                op.completion = if i % 11 == 10 {
                    Completion::Refused
                } else {
                    Completion::Acked
                };
                op.cause = if i % 11 == 10 {
                    Cause::Misconf
                } else {
                    Cause::None
                };
                op.length = i / 5 + 1;
            }
            op
        };
        (0..n).map(op).collect()
    }

    fn written(dir: &Path, ops: &[Op]) -> std::path::PathBuf {
        let path = dir.join("journal.bin");
        let mut writer = JournalWriter::create(&path, 1234).unwrap();
        for (number, op) in ops.iter().enumerate() {
            writer.invoked(op);
            if op.completed != Micros::NEVER {
                writer.completed(number as u32, op);
            }
        }
        writer.sync().unwrap();
        path
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let journal = read(&written(dir.path(), &ops(1000))).unwrap();
        assert_eq!(
            journal,
            Journal {
                began_unix_micros: 1234,
                ops: ops(1000),
                tear: None
            }
        );
    }

    #[test]
    fn an_op_takes_32_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let answered: Vec<Op> = ops(1000).into_iter().filter(|op| op.length > 0).collect();
        let size = std::fs::metadata(written(dir.path(), &answered))
            .unwrap()
            .len();
        assert_eq!(size, 32 + 32 * answered.len() as u64);
    }

    #[test]
    fn a_foreign_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.bin");
        std::fs::write(&path, b"REDIS0010 is not a journal, by no means").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("CDJOURN1") && error.contains("journal.bin"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn a_torn_tail_loses_only_the_tail(cut in 32usize..3000) {
            let dir = tempfile::tempdir().unwrap();
            let path = written(dir.path(), &ops(100));
            let bytes = std::fs::read(&path).unwrap();
            let cut = cut.min(bytes.len());
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let journal = read(&path).unwrap();
            prop_assert_eq!(journal.tear.is_some(), (cut - 32) % 16 != 0);
            for (read, written) in journal.ops.iter().zip(ops(100)) {
                prop_assert!(*read == written || read.completion == Completion::Indeterminate);
            }
        }

        #[test]
        fn a_damaged_byte_is_noticed(at in 32usize..3000, flip in 1u8..=255) {
            let dir = tempfile::tempdir().unwrap();
            let path = written(dir.path(), &ops(100));
            let mut bytes = std::fs::read(&path).unwrap();
            let at = at.min(bytes.len() - 1);
            bytes[at] ^= flip;
            std::fs::write(&path, &bytes).unwrap();
            let journal = read(&path).unwrap();
            // Sixteen check bits: a single damaged byte never passes, CRC-32's low half sees every burst of 8 bits.
            prop_assert_eq!(journal.tear.map(|tear| tear.at_byte), Some(32 + (at as u64 - 32) / 16 * 16));
        }
    }
}
