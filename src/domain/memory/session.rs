//! Folds the messages of one session, one after another, into what a row keeps of it.

use serde_json::Value;

use super::mark::{Mark, Marks};
use super::message::{Facts, Schema, Shape, TimeKind};

/// Schemas told apart within a session; more are one muddle.
const MAX_SCHEMAS: usize = 8;
/// Two clocks of one message differ by less than this.
const SAME_TIME_SECS: f64 = 1e-6;

/// What a session comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub messages: u32,
    pub marks: Marks,
    /// What is meant, for each mark that has something to say: `seq 4 to 6 are missing`.
    pub details: Vec<(Mark, String)>,
    /// Time of the last message that has one, in seconds since 1970.
    pub last_at: Option<f64>,
}

/// The fold. One for all sessions: [`Fold::begin`] empties it and keeps its buffers.
#[derive(Debug, Default)]
pub struct Fold {
    messages: u32,
    seqs: Vec<i64>,
    without_seq: u32,
    last_at: Option<f64>,
    backwards: Option<(u32, f64)>,
    schemas: Vec<Schema>,
    decoded: u32,
    broken: Vec<(u32, String)>,
    broken_count: u32,
    /// Something that failed to decode was meant to be JSON, or is no text at all.
    meant_json: bool,
    hashes: Vec<u32>,
}

impl Fold {
    pub fn begin(&mut self) {
        self.messages = 0;
        self.without_seq = 0;
        self.decoded = 0;
        self.broken_count = 0;
        self.last_at = None;
        self.backwards = None;
        self.meant_json = false;
        self.seqs.clear();
        self.schemas.clear();
        self.broken.clear();
        self.hashes.clear();
    }

    /// One message's bytes. `at` stands in for a time that the message does not have.
    pub fn message(&mut self, bytes: &[u8], at: Option<f64>) {
        self.messages += 1;
        self.hashes.push(crc32fast::hash(bytes));
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => self.decoded(&value, at),
            Err(error) => self.undecoded(bytes, &error.to_string()),
        }
    }

    /// A value that holds a whole session and could not be decoded.
    pub fn broken(&mut self, bytes: &[u8], error: &str) {
        self.messages += 1;
        self.hashes.push(crc32fast::hash(bytes));
        self.undecoded(bytes, error);
    }

    fn undecoded(&mut self, bytes: &[u8], error: &str) {
        const KEPT: usize = 3;
        self.broken_count += 1;
        if self.broken.len() < KEPT {
            self.broken.push((self.messages, error.to_owned()));
        }
        let first = bytes.trim_ascii_start().first();
        self.meant_json |= matches!(first, Some(b'{' | b'[') | None);
        self.meant_json |= std::str::from_utf8(bytes).is_err();
    }

    fn decoded(&mut self, value: &Value, at: Option<f64>) {
        self.decoded += 1;
        let facts = Facts::of(value);
        match facts.seq {
            Some(seq) => self.seqs.push(seq),
            None => self.without_seq += 1,
        }
        if let Some(at) = facts.at.or(at) {
            let before = self.last_at.unwrap_or(at);
            if at < before - SAME_TIME_SECS && self.backwards.is_none() {
                self.backwards = Some((self.messages, before - at));
            }
            self.last_at = Some(at);
        }
        if self.schemas.len() < MAX_SCHEMAS && !self.schemas.contains(&facts.schema) {
            self.schemas.push(facts.schema);
        }
    }

    /// A check number of each message: CRC-32 of its bytes.
    #[must_use]
    pub fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    /// What the messages since [`Fold::begin`] come to.
    pub fn finish(&mut self) -> Summary {
        let mut summary = Summary {
            messages: self.messages,
            last_at: self.last_at,
            ..Summary::default()
        };
        let mut add = |mark, detail: String| {
            summary.marks.add(mark);
            summary.details.push((mark, detail));
        };
        if self.broken_count > 0 && (self.decoded > 0 || self.meant_json) {
            add(Mark::Undecodable, self.broken_words());
        }
        if let Some(words) = mixed(&self.schemas) {
            add(Mark::MixedSchema, words);
        }
        if let Some((message, secs)) = self.backwards {
            add(
                Mark::TimeBackwards,
                format!("message {message} is {secs:.3} s before the one in front of it"),
            );
        }
        if !self.seqs.is_empty() && self.without_seq > 0 {
            let words = format!(
                "{} of {} messages have none",
                self.without_seq, self.decoded
            );
            add(Mark::MissingSeq, words);
        }
        if self.seqs.windows(2).any(|pair| pair[1] < pair[0]) {
            let at = self.seqs.windows(2).find(|pair| pair[1] < pair[0]);
            let words = at.map(|pair| format!("seq {} follows {}", pair[1], pair[0]));
            add(Mark::OutOfOrder, words.unwrap_or_default());
        }
        self.seqs.sort_unstable();
        if let Some(words) = repeated(&self.seqs) {
            add(Mark::RepeatedSeq, words);
        }
        if let Some(words) = holes(&self.seqs) {
            add(Mark::Hole, words);
        }
        if let Some(first) = self.seqs.first().filter(|first| **first > 1) {
            add(Mark::BeginsLate, format!("the first seq is {first}"));
        }
        summary
    }

    fn broken_words(&self) -> String {
        let (message, error) = &self.broken[0];
        match self.broken_count {
            1 => format!("message {message}: {error}"),
            count => format!("{count} messages, the first is message {message}: {error}"),
        }
    }
}

/// Two ways to write the same thing in one session. A message without a time is no schema of its own.
fn mixed(schemas: &[Schema]) -> Option<String> {
    let mut versions: Vec<&str> = schemas
        .iter()
        .map(|schema| schema.version.as_deref().unwrap_or("none"))
        .collect();
    versions.sort_unstable();
    versions.dedup();
    let time = |kind| schemas.iter().any(|schema| schema.time == kind);
    let shape = |shape| schemas.iter().any(|schema| schema.shape == shape);
    let mut words = Vec::new();
    if versions.len() > 1 {
        words.push(format!("versions {}", versions.join(", ")));
    }
    if time(TimeKind::Number) && time(TimeKind::Text) {
        words.push("times as number and as text".into());
    }
    if shape(Shape::Flat) && shape(Shape::Nested) {
        words.push("content beside the role and within data".into());
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// Of sorted numbers.
fn repeated(sorted: &[i64]) -> Option<String> {
    let twice = |pair: &&[i64]| pair[0] == pair[1];
    let count = sorted.windows(2).filter(twice).count();
    let first = sorted.windows(2).find(twice)?[0];
    Some(match count {
        1 => format!("seq {first} is there twice"),
        count => format!("{count} repetitions, the first is of seq {first}"),
    })
}

/// Of sorted numbers. What is in front of the first or behind the last number nobody can know from here.
fn holes(sorted: &[i64]) -> Option<String> {
    let gaps = || {
        sorted
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            .filter(|(a, b)| b.saturating_sub(*a) > 1)
    };
    let (before, after) = gaps().next()?;
    let missing: i64 = gaps()
        .map(|(a, b)| b.saturating_sub(a).saturating_sub(1))
        .fold(0, i64::saturating_add);
    let first = match (before + 1, after - 1) {
        (a, b) if a == b => format!("seq {a} is missing"),
        (a, b) => format!("seq {a} to {b} are missing"),
    };
    Some(match gaps().count() {
        1 => first,
        count => format!("{first}, and more: {missing} in {count} holes"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(messages: &[&str]) -> Summary {
        let mut fold = Fold::default();
        fold.begin();
        for message in messages {
            fold.message(message.as_bytes(), None);
        }
        fold.finish()
    }

    fn marks(messages: &[&str]) -> Vec<Mark> {
        fold(messages).marks.iter().collect()
    }

    #[test]
    fn a_sound_session_has_no_mark() {
        let sound = [
            r#"{"seq":1,"role":"user","content":"a","timestamp":10}"#,
            r#"{"seq":2,"role":"assistant","content":"b","timestamp":10}"#,
        ];
        assert_eq!(marks(&sound), []);
        assert_eq!(fold(&sound).last_at, Some(10.0));
        assert_eq!(
            marks(&["hello", "how are you"]),
            [],
            "plain text is no JSON"
        );
        assert_eq!(marks(&[]), []);
    }

    #[test]
    fn each_fault_has_its_mark_and_only_its_own() {
        assert_eq!(marks(&[r#"{"seq":1}"#, r#"{"seq":3}"#]), [Mark::Hole]);
        assert_eq!(
            marks(&[r#"{"seq":1}"#, r#"{"seq":1}"#]),
            [Mark::RepeatedSeq]
        );
        assert_eq!(marks(&[r#"{"seq":2}"#, r#"{"seq":1}"#]), [Mark::OutOfOrder]);
        assert_eq!(marks(&[r#"{"seq":1}"#, "{}"]), [Mark::MissingSeq]);
        assert_eq!(marks(&[r#"{"seq":5}"#]), [Mark::BeginsLate]);
        assert_eq!(
            marks(&[r#"{"ts":20}"#, r#"{"ts":10}"#]),
            [Mark::TimeBackwards]
        );
        assert_eq!(marks(&[r#"{"v":1}"#, r#"{"v":2}"#]), [Mark::MixedSchema]);
        assert_eq!(
            marks(&[r#"{"ts":20}"#, r#"{"ts":"2026-01-01T00:00:00Z"}"#]),
            [Mark::MixedSchema]
        );
        assert_eq!(marks(&[r#"{"seq":1"#]), [Mark::Undecodable]);
        assert_eq!(marks(&["{}", "hello"]), [Mark::Undecodable]);
    }

    #[test]
    fn details_name_the_place() {
        let detail = |messages: &[&str]| fold(messages).details[0].1.clone();
        assert_eq!(
            detail(&[r#"{"seq":3}"#, r#"{"seq":7}"#]),
            "seq 4 to 6 are missing"
        );
        let broken = detail(&["{}", "{}", "{\"a\""]);
        assert!(broken.starts_with("message 3: EOF"), "{broken}");
    }

    #[test]
    fn a_fold_forgets_the_session_before() {
        let mut fold = Fold::default();
        fold.begin();
        fold.message(b"{", None);
        assert!(!fold.finish().marks.is_empty());
        fold.begin();
        fold.message(b"{}", None);
        assert!(fold.finish().marks.is_empty());
        assert_eq!(fold.hashes(), [crc32fast::hash(b"{}")]);
    }
}
