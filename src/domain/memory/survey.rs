//! Everything that one scan has found, in compact rows: a million sessions fit into a few hundred megabytes.
//!
//! Keys lie one after the other in one block of bytes, check numbers of messages in another; no row owns memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::finding::Severity;
use super::layout::Layout;
use super::mark::{Mark, Marks};
use super::session::Summary;

/// Examples kept for each mark: more nobody reads, and a million of them would not be compact.
const MAX_EXAMPLES: usize = 1000;

/// How long a key still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ttl {
    Unknown,
    Forever,
    Left(Duration),
}

/// A key and what is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    key_at: u64,
    hashes_at: u64,
    /// As PTTL answers: -1 for ever; [`UNKNOWN_TTL`] if it was not answered.
    ttl_millis: i64,
    /// As MEMORY USAGE answers; 0 if it was not answered.
    pub bytes: u64,
    /// Time of the last message, in seconds since 1970; 0 if unknown.
    pub last_at_secs: u32,
    idle_secs: u32,
    pub messages: u32,
    key_len: u32,
    encoding: u8,
    pub layout: Layout,
    pub marks: Marks,
    /// A chat session by the patterns in force.
    pub session: bool,
}

const UNKNOWN_TTL: i64 = i64::MIN;
const UNKNOWN_IDLE: u32 = u32::MAX;

impl Row {
    #[must_use]
    pub fn ttl(&self) -> Ttl {
        match self.ttl_millis {
            UNKNOWN_TTL => Ttl::Unknown,
            millis if millis < 0 => Ttl::Forever,
            millis => Ttl::Left(Duration::from_millis(millis as u64)),
        }
    }

    /// Since somebody read or wrote it; `None` if the server does not count that.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        (self.idle_secs != UNKNOWN_IDLE).then(|| Duration::from_secs(u64::from(self.idle_secs)))
    }

    /// The worst of its marks.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.marks.iter().map(super::finding::severity_of).max()
    }

    /// Every message was read.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.session && !self.marks.has(Mark::Unread)
    }
}

/// What the reader found out about a key before its content.
#[derive(Clone, Debug)]
pub struct Meta {
    pub layout: Layout,
    /// In milliseconds; negative for ever, `None` if it was not answered.
    pub ttl_millis: Option<i64>,
    pub idle_secs: Option<u64>,
    pub bytes: u64,
    pub encoding: String,
}

/// A session that bears a mark, and what about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    pub row: u32,
    pub detail: String,
}

/// The scan's result.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    keys: Vec<u8>,
    hashes: Vec<u32>,
    pub rows: Vec<Row>,
    encodings: Vec<String>,
    pub examples: BTreeMap<Mark, Vec<Example>>,
    pub sessions: u64,
    pub messages: u64,
    pub bytes: u64,
    /// Keys that SCAN named and that were gone when they were looked at.
    pub gone: u64,
    /// Milliseconds since 1970, of the server's clock where it tells it.
    pub began_millis: i64,
    /// Why the scan ended before it was through; `None` if it saw every key.
    pub stopped: Option<String>,
    /// What is not known, and why.
    pub unknown: Vec<String>,
}

impl Survey {
    /// With room for `keys` keys, so that growing does not need twice the memory.
    #[must_use]
    pub fn with_capacity(keys: usize) -> Self {
        Survey {
            rows: Vec::with_capacity(keys),
            keys: Vec::with_capacity(keys.saturating_mul(24)),
            ..Survey::default()
        }
    }

    /// Adds a key; the number of its row.
    pub fn push(&mut self, key: &[u8], meta: &Meta, session: bool) -> u32 {
        let row = Row {
            key_at: self.keys.len() as u64,
            key_len: key.len() as u32,
            hashes_at: self.hashes.len() as u64,
            ttl_millis: meta.ttl_millis.unwrap_or(UNKNOWN_TTL),
            bytes: meta.bytes,
            idle_secs: meta.idle_secs.map_or(UNKNOWN_IDLE, |secs| {
                secs.min(u64::from(u32::MAX - 1)) as u32
            }),
            last_at_secs: 0,
            messages: 0,
            encoding: self.encoding(&meta.encoding),
            layout: meta.layout,
            marks: Marks::default(),
            session,
        };
        self.keys.extend_from_slice(key);
        self.bytes += row.bytes;
        self.sessions += u64::from(session);
        self.rows.push(row);
        (self.rows.len() - 1) as u32
    }

    fn encoding(&mut self, name: &str) -> u8 {
        let known = self.encodings.iter().position(|known| known == name);
        let index = known.unwrap_or_else(|| {
            self.encodings.push(name.to_owned());
            self.encodings.len() - 1
        });
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// What the messages of the row that was pushed last come to.
    pub fn fill(&mut self, row: u32, summary: Summary, hashes: &[u32]) {
        let index = row as usize;
        self.rows[index].hashes_at = self.hashes.len() as u64;
        self.hashes.extend_from_slice(hashes);
        self.rows[index].messages = summary.messages;
        self.rows[index].last_at_secs = summary
            .last_at
            .map_or(0, |at| at.clamp(0.0, f64::from(u32::MAX)) as u32);
        self.messages += u64::from(summary.messages);
        for (mark, detail) in summary.details {
            self.mark(row, mark, || detail);
        }
    }

    /// `detail` says what is meant; it is asked only as long as there is room for examples.
    pub fn mark(&mut self, row: u32, mark: Mark, detail: impl FnOnce() -> String) {
        self.rows[row as usize].marks.add(mark);
        let examples = self.examples.entry(mark).or_default();
        if examples.len() < MAX_EXAMPLES {
            let detail = detail();
            examples.push(Example { row, detail });
        }
    }

    /// The session was gone before it could be read: it is no session of this survey.
    pub fn withdraw(&mut self, row: u32) {
        let row = &mut self.rows[row as usize];
        if row.session {
            row.session = false;
            row.marks = Marks::default();
            self.sessions -= 1;
            self.gone += 1;
        }
    }

    /// Takes a mark off all rows: it is about to be given anew.
    pub fn unmark(&mut self, mark: Mark) {
        self.rows.iter_mut().for_each(|row| row.marks.remove(mark));
        self.examples.remove(&mark);
    }

    #[must_use]
    pub fn key(&self, row: u32) -> &[u8] {
        let row = &self.rows[row as usize];
        &self.keys[row.key_at as usize..][..row.key_len as usize]
    }

    #[must_use]
    pub fn encoding_of(&self, row: &Row) -> &str {
        self.encodings
            .get(usize::from(row.encoding))
            .map_or("", String::as_str)
    }

    /// A check number of each message.
    #[must_use]
    pub fn hashes(&self, row: u32) -> &[u32] {
        let row = &self.rows[row as usize];
        let end = self
            .hashes
            .len()
            .min(row.hashes_at as usize + row.messages as usize);
        &self.hashes[row.hashes_at as usize..end]
    }

    #[must_use]
    pub fn detail(&self, row: u32, mark: Mark) -> Option<&str> {
        let examples = self.examples.get(&mark)?;
        let found = examples.iter().find(|example| example.row == row)?;
        Some(&found.detail)
    }

    /// When the key ends, in milliseconds since 1970; `None` if it does not, or that is not known.
    #[must_use]
    pub fn expires_at(&self, row: &Row) -> Option<i64> {
        (row.ttl_millis >= 0).then(|| self.began_millis + row.ttl_millis)
    }

    /// Numbers of all rows, by the bytes of their keys.
    #[must_use]
    pub fn sorted(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.rows.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.key(*a).cmp(self.key(*b)));
        order
    }

    /// Numbers of the sessions that bear `mark`.
    pub fn marked(&self, mark: Mark) -> impl Iterator<Item = u32> {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(_, row)| row.marks.has(mark))
            .map(|(row, _)| row as u32)
    }

    /// Bytes of memory that this takes, roughly.
    #[must_use]
    pub fn footprint_bytes(&self) -> usize {
        self.keys.capacity()
            + self.hashes.capacity() * size_of::<u32>()
            + self.rows.capacity() * size_of::<Row>()
    }
}

/// A key as people read it: text as it is, other bytes as `\xNN`.
#[must_use]
pub fn readable(key: &[u8]) -> String {
    let mut text = String::with_capacity(key.len());
    for chunk in key.utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '\n' | '\r' | '\t') {
                text.extend(c.escape_default());
            } else if c.is_control() {
                text.push_str(&format!("\\x{:02x}", c as u32));
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    pub fn meta(layout: Layout, ttl_millis: Option<i64>) -> Meta {
        Meta {
            layout,
            ttl_millis,
            idle_secs: Some(5),
            bytes: 100,
            encoding: "quicklist".into(),
        }
    }

    /// Sessions with their TTL in seconds (`None` for ever) and the check numbers of their messages.
    pub fn survey(sessions: &[(&str, Option<i64>, &[u32])]) -> Survey {
        let mut survey = Survey {
            began_millis: 1_767_225_600_000,
            ..Survey::default()
        };
        for (key, ttl, hashes) in sessions {
            let ttl = ttl.map_or(-1, |secs| secs * 1000);
            let row = survey.push(key.as_bytes(), &meta(Layout::List, Some(ttl)), true);
            let summary = Summary {
                messages: hashes.len() as u32,
                ..Summary::default()
            };
            survey.fill(row, summary, hashes);
        }
        survey
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_compact_and_gives_back_what_it_got() {
        assert!(size_of::<Row>() <= 64, "{}", size_of::<Row>());
        let survey = fixture::survey(&[("b", None, &[1, 2]), ("a", Some(60), &[3])]);
        assert_eq!(survey.key(0), b"b");
        assert_eq!(survey.hashes(0), [1, 2]);
        assert_eq!(survey.hashes(1), [3]);
        assert_eq!(survey.sorted(), [1, 0]);
        assert_eq!(survey.rows[0].ttl(), Ttl::Forever);
        assert_eq!(survey.rows[1].ttl(), Ttl::Left(Duration::from_secs(60)));
        assert_eq!(survey.encoding_of(&survey.rows[1]), "quicklist");
        assert_eq!(survey.messages, 3);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        assert_eq!(
            readable(b"a\xff\n\x04\xe4\xbd\xa0"),
            "a\\xff\\n\\x04\u{4f60}"
        );
    }
}
