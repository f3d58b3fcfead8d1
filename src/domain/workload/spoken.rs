//! A message of the workload as a store of the user's gets it, and a session of such a store held against it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};

use super::MessageMaker;
use crate::domain::check::{History, Message, Value};
use crate::domain::op::SessionId;
use crate::domain::readback::{Altered, SessionReadback};

impl MessageMaker {
    /// Message `seq` of a session: the same role, content and time as the bytes that [`MessageMaker::write`] makes.
    ///
    /// # Panics
    /// Never: the bytes are ours.
    #[must_use]
    pub fn spoken(&self, session: SessionId, seq: u32) -> Message {
        let bytes = self.message(session, seq);
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("a message is JSON");
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        let millis = (json["timestamp"].as_f64().unwrap_or_default() * 1e3).round() as i64;
        let at = DateTime::from_timestamp_millis(millis).unwrap_or_default();
        Message {
            id: id(session, seq),
            role: text("role"),
            content: Value::Text(text("content")),
            at: at.to_rfc3339_opts(SecondsFormat::Millis, false),
            extra: BTreeMap::new(),
        }
    }

    /// What a store of the user's gave back of a session, message by message.
    #[must_use]
    pub fn compare(&self, session: SessionId, found: &History) -> SessionReadback {
        let mut readback = SessionReadback::empty(session);
        for (index, message) in found.messages.iter().enumerate() {
            let seq = seq(session, &message.id);
            match seq {
                Some(seq) if *message == self.spoken(session, seq) => readback.push(seq),
                _ => readback
                    .altered
                    .push(altered(index, seq, &message.to_json().to_string())),
            }
        }
        // What it cannot read has no place in the order: it is told after the rest.
        let damaged = found.damaged.iter().enumerate();
        readback.altered.extend(
            damaged.map(|(number, line)| altered(found.messages.len() + number, None, line)),
        );
        readback
    }
}

fn altered(index: usize, seq: Option<u32>, raw: &str) -> Altered {
    Altered {
        index: index as u32,
        seq,
        raw: raw.chars().take(Altered::MAX_RAW / 4).collect(),
    }
}

fn id(session: SessionId, seq: u32) -> String {
    format!("{session}-{seq:06}")
}

/// The `seq` that an id of this session names.
fn seq(session: SessionId, text: &str) -> Option<u32> {
    let (_, digits) = text.rsplit_once('-')?;
    let seq = digits.parse().ok()?;
    (id(session, seq) == text).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::workload::Workload;

    const SESSION: SessionId = SessionId(3);

    fn maker() -> MessageMaker {
        MessageMaker::new(&Workload::default())
    }

    fn history(messages: Vec<Message>) -> History {
        History {
            messages,
            damaged: Vec::new(),
        }
    }

    #[test]
    fn a_message_says_what_its_bytes_say() {
        let bytes = maker().message(SESSION, 2);
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let spoken = maker().spoken(SESSION, 2);
        assert_eq!(spoken.id, "00003-000002");
        assert_eq!(json["role"], spoken.role);
        assert_eq!(
            spoken.content,
            Value::text(json["content"].as_str().unwrap())
        );
        let at = DateTime::parse_from_rfc3339(&spoken.at).unwrap();
        let secs = at.timestamp_millis() as f64 / 1e3;
        assert_eq!(json["timestamp"].as_f64(), Some(secs));
    }

    #[test]
    fn whatever_is_not_as_it_was_written_is_altered() {
        let spoken = |seq| maker().spoken(SESSION, seq);
        let whole = maker().compare(SESSION, &history(vec![spoken(1), spoken(2), spoken(4)]));
        assert_eq!((whole.runs, whole.altered), (vec![(1, 2), (4, 4)], vec![]));
        let mut wrong = spoken(2);
        wrong.content = Value::text("something else");
        let mut foreign = spoken(3);
        foreign.id = "00004-000003".into();
        let found = maker().compare(SESSION, &history(vec![spoken(1), wrong, foreign]));
        assert_eq!(found.runs, [(1, 1)]);
        let seqs: Vec<_> = found.altered.iter().map(|a| (a.index, a.seq)).collect();
        assert_eq!(seqs, [(1, Some(2)), (2, None)]);
        let damaged = History {
            messages: vec![spoken(1)],
            damaged: vec!["entry 2: no JSON".into()],
        };
        assert_eq!(maker().compare(SESSION, &damaged).len(), 2);
    }
}
