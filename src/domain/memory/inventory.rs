//! The inventory file: what every session held at one moment, small enough for a million sessions.
//!
//! Format, version 1. All numbers are little-endian; `varint` is LEB128.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `crashdrill inventory 1\n` |
//! | header | varint length, then JSON: [`Header`] |
//! | session, as often as there are | `S`, varint length and bytes of the key, flags (1: every message was read), layout, expiry (i64, milliseconds since 1970, -1 for never), varint number of messages, CRC-32 of each (u32) |
//! | end | `E`, number of sessions (u64), CRC-32 of everything before (u32) |
//!
//! Sessions are sorted by the bytes of their keys. A message is known by its check number alone: an inventory
//! holds nothing of what was said. Two different messages have the same number once in four thousand million.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::survey::Survey;

const MAGIC: &[u8] = b"crashdrill inventory 1\n";
const FAMILY: &[u8] = b"crashdrill inventory ";
const SESSION: u8 = b'S';
const END: u8 = b'E';
/// No key and no header is longer: Redis allows 512 MB.
const MAX_BYTES: u64 = 512 << 20;

/// Of which store, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    /// The address without its password.
    pub store: String,
    pub database: i64,
    /// Milliseconds since 1970.
    pub at_millis: i64,
    pub patterns: Vec<String>,
    /// The server process: another one means that it was restarted.
    pub run_id: String,
    pub version: String,
    pub evicted_keys: u64,
    pub expired_keys: u64,
    /// The scan saw every key.
    pub complete: bool,
}

/// One session in an inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub key: &'a [u8],
    pub layout: Layout,
    /// Milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// Every message was read.
    pub whole: bool,
    pub hashes: &'a [u32],
}

/// An inventory in memory.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub header: Header,
    keys: Vec<u8>,
    hashes: Vec<u32>,
    records: Vec<Record>,
}

#[derive(Clone, Debug)]
struct Record {
    key_at: usize,
    hashes_at: usize,
    expires_at: i64,
    key_len: u32,
    messages: u32,
    layout: Layout,
    whole: bool,
}

/// Why a file is no inventory.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("this is no inventory: crashdrill inspect URL --save FILE makes one")]
    NotOne,
    #[error("this inventory is of format {0}, and this program reads format 1 only")]
    OtherVersion(String),
    #[error(
        "this inventory is torn: {0}. It was cut off or altered after it was written; nothing can be concluded from it"
    )]
    Torn(String),
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for InventoryError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => InventoryError::Torn("it ends too early".into()),
            _ => InventoryError::Io(error),
        }
    }
}

impl Inventory {
    /// # Errors
    /// Not an inventory, another version, torn, or not readable.
    pub fn read(from: impl Read) -> Result<Inventory, InventoryError> {
        let mut from = Checked::new(from);
        magic(&mut from)?;
        let header = from.block()?;
        let header = serde_json::from_slice(&header)
            .map_err(|error| InventoryError::Torn(format!("its header is no JSON: {error}")))?;
        let mut inventory = Inventory {
            header,
            ..Inventory::default()
        };
        loop {
            match from.byte()? {
                SESSION => inventory.session(&mut from)?,
                END => break,
                other => {
                    return Err(InventoryError::Torn(format!(
                        "byte {} is 0x{other:02x}",
                        from.at
                    )));
                }
            }
        }
        let sessions = u64::from_le_bytes(from.array()?);
        let sum = from.sum();
        let written = u32::from_le_bytes(from.array()?);
        if sum != written {
            return Err(InventoryError::Torn("its check number is wrong".into()));
        }
        if sessions != inventory.records.len() as u64 {
            return Err(InventoryError::Torn(format!(
                "it promises {sessions} sessions and holds {}",
                inventory.records.len()
            )));
        }
        Ok(inventory)
    }

    fn session(&mut self, from: &mut Checked<impl Read>) -> Result<(), InventoryError> {
        let key = from.block()?;
        let whole = from.byte()? & 1 != 0;
        let layout = from.byte()?;
        let layout = *Layout::ALL
            .get(usize::from(layout))
            .ok_or_else(|| InventoryError::Torn(format!("there is no layout {layout}")))?;
        let expires_at = i64::from_le_bytes(from.array()?);
        let messages = from.varint()?;
        let record = Record {
            key_at: self.keys.len(),
            key_len: key.len() as u32,
            hashes_at: self.hashes.len(),
            expires_at,
            messages: u32::try_from(messages)
                .map_err(|_| InventoryError::Torn(format!("{messages} messages in a session")))?,
            layout,
            whole,
        };
        for _ in 0..messages {
            self.hashes.push(u32::from_le_bytes(from.array()?));
        }
        if self
            .entries()
            .last()
            .is_some_and(|last| last.key >= &key[..])
        {
            return Err(InventoryError::Torn("its sessions are out of order".into()));
        }
        self.keys.extend_from_slice(&key);
        self.records.push(record);
        Ok(())
    }

    /// In the order of their keys.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> {
        self.records.iter().map(|record| Entry {
            key: &self.keys[record.key_at..][..record.key_len as usize],
            layout: record.layout,
            expires_at: (record.expires_at >= 0).then_some(record.expires_at),
            whole: record.whole,
            hashes: &self.hashes[record.hashes_at..][..record.messages as usize],
        })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// A survey's sessions as an inventory has them. `order` is [`Survey::sorted`].
pub fn entries<'a>(survey: &'a Survey, order: &'a [u32]) -> impl Iterator<Item = Entry<'a>> {
    let sessions = order
        .iter()
        .filter(|row| survey.rows[**row as usize].session);
    sessions.map(|number| {
        let row = &survey.rows[*number as usize];
        Entry {
            key: survey.key(*number),
            layout: row.layout,
            expires_at: survey.expires_at(row),
            whole: row.whole(),
            hashes: survey.hashes(*number),
        }
    })
}

/// Writes an inventory; `entries` in the order of their keys.
///
/// # Errors
/// Those of `to`.
pub fn write<'a>(
    header: &Header,
    entries: impl Iterator<Item = Entry<'a>>,
    to: impl Write,
) -> io::Result<()> {
    let mut to = Summed {
        to,
        sum: crc32fast::Hasher::new(),
    };
    to.write_all(MAGIC)?;
    let header = serde_json::to_vec(header).map_err(io::Error::other)?;
    write_varint(&mut to, header.len() as u64)?;
    to.write_all(&header)?;
    let mut sessions = 0u64;
    for entry in entries {
        sessions += 1;
        to.write_all(&[SESSION])?;
        write_varint(&mut to, entry.key.len() as u64)?;
        to.write_all(entry.key)?;
        to.write_all(&[u8::from(entry.whole), entry.layout as u8])?;
        to.write_all(&entry.expires_at.unwrap_or(-1).to_le_bytes())?;
        write_varint(&mut to, entry.hashes.len() as u64)?;
        for hash in entry.hashes {
            to.write_all(&hash.to_le_bytes())?;
        }
    }
    to.write_all(&[END])?;
    to.write_all(&sessions.to_le_bytes())?;
    let sum = to.sum.clone().finalize();
    to.to.write_all(&sum.to_le_bytes())?;
    to.to.flush()
}

fn write_varint(to: &mut impl Write, mut number: u64) -> io::Result<()> {
    let mut bytes = [0u8; 10];
    let mut len = 0;
    loop {
        bytes[len] = (number & 0x7f) as u8 | if number > 0x7f { 0x80 } else { 0 };
        len += 1;
        number >>= 7;
        if number == 0 {
            return to.write_all(&bytes[..len]);
        }
    }
}

struct Summed<W> {
    to: W,
    sum: crc32fast::Hasher,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn magic(from: &mut Checked<impl Read>) -> Result<(), InventoryError> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') && line.len() < 2 * MAGIC.len() {
        match from.byte() {
            Ok(byte) => line.push(byte),
            Err(_) => return Err(InventoryError::NotOne),
        }
    }
    match line.strip_prefix(FAMILY) {
        _ if line == MAGIC => Ok(()),
        Some(version) => Err(InventoryError::OtherVersion(
            String::from_utf8_lossy(version).trim().to_owned(),
        )),
        None => Err(InventoryError::NotOne),
    }
}

/// Counts and sums what is read.
struct Checked<R> {
    from: R,
    sum: crc32fast::Hasher,
    at: u64,
}

impl<R: Read> Checked<R> {
    fn new(from: R) -> Self {
        Checked {
            from,
            sum: crc32fast::Hasher::new(),
            at: 0,
        }
    }

    fn sum(&self) -> u32 {
        self.sum.clone().finalize()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], InventoryError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), InventoryError> {
        self.from.read_exact(bytes)?;
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, InventoryError> {
        Ok(self.array::<1>()?[0])
    }

    fn varint(&mut self) -> Result<u64, InventoryError> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(InventoryError::Torn(format!(
            "the number in front of byte {} has no end",
            self.at
        )))
    }

    /// Bytes behind their length. A length that lies must not take the memory before it is found out.
    fn block(&mut self) -> Result<Vec<u8>, InventoryError> {
        let len = self.varint()?;
        if len > MAX_BYTES {
            let text = format!("a key of {len} bytes in front of byte {}", self.at);
            return Err(InventoryError::Torn(text));
        }
        let mut bytes = Vec::new();
        let mut rest = len as usize;
        while rest > 0 {
            let begin = bytes.len();
            let part = rest.min(1 << 16);
            bytes.resize(begin + part, 0);
            self.fill(&mut bytes[begin..])?;
            rest -= part;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture;
    use super::*;
    use proptest::prelude::*;

    fn bytes(survey: &Survey) -> Vec<u8> {
        let header = Header {
            store: "redis://localhost:6379".into(),
            at_millis: survey.began_millis,
            complete: true,
            ..Header::default()
        };
        let mut bytes = Vec::new();
        write(&header, entries(survey, &survey.sorted()), &mut bytes).unwrap();
        bytes
    }

    fn two() -> Survey {
        fixture::survey(&[("b", None, &[1, 2, 3]), ("a", Some(60), &[4])])
    }

    #[test]
    fn what_was_written_is_read() {
        let survey = two();
        let inventory = Inventory::read(&bytes(&survey)[..]).unwrap();
        let order = survey.sorted();
        let found: Vec<Entry<'_>> = inventory.entries().collect();
        assert_eq!(found, entries(&survey, &order).collect::<Vec<_>>());
        assert_eq!(inventory.header.store, "redis://localhost:6379");
        assert_eq!(found[0].expires_at, Some(survey.began_millis + 60_000));
    }

    #[test]
    fn another_file_is_told_from_a_torn_one() {
        let error = |bytes: &[u8]| Inventory::read(bytes).unwrap_err();
        assert!(matches!(error(b""), InventoryError::NotOne));
        assert!(matches!(error(b"{\"a\":1}"), InventoryError::NotOne));
        assert!(matches!(
            error(b"crashdrill inventory 2\n"),
            InventoryError::OtherVersion(version) if version == "2"
        ));
    }

    proptest! {
        #[test]
        fn no_cut_and_no_flipped_bit_goes_unseen(at in 0usize..90, bit in 0u8..8) {
            let good = bytes(&two());
            let at = at % good.len();
            prop_assert!(Inventory::read(&good[..at]).is_err());
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            prop_assert!(Inventory::read(&bad[..]).is_err());
        }
    }
}
