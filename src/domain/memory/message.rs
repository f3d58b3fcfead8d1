//! One message as somebody else wrote it: role, content, seq, time and schema, under whatever names.
//!
//! Lenient: what is missing is `None`, what is strange is kept as text. It never decides what is unhealthy.

use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

const ROLE: [&str; 6] = ["role", "type", "sender", "author", "from", "speaker"];
const CONTENT: [&str; 5] = ["content", "text", "message", "body", "msg"];
const SEQ: [&str; 5] = ["seq", "sequence", "index", "idx", "turn"];
const TIME: [&str; 7] = [
    "timestamp",
    "ts",
    "time",
    "created_at",
    "createdAt",
    "date",
    "created",
];
const VERSION: [&str; 6] = [
    "schema_version",
    "schemaVersion",
    "version",
    "schema",
    "v",
    "format",
];

/// What the checks of a session need of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub seq: Option<i64>,
    /// Seconds since 1970.
    pub at: Option<f64>,
    pub schema: Schema,
}

/// How the message was written down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    pub version: Option<String>,
    pub time: TimeKind,
    pub shape: Shape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeKind {
    #[default]
    None,
    Number,
    Text,
}

/// Where the content stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `{"role": …, "content": …}` or names that mean the same.
    Flat,
    /// `{"type": …, "data": {"content": …}}`.
    Nested,
    #[default]
    Other,
}

fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let object = value.as_object()?;
    let found = names.iter().find_map(|name| object.get(*name))?;
    (!found.is_null()).then_some(found)
}

/// In the message itself, else in its `data`, where some libraries put everything.
fn within<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    first(value, names).or_else(|| first(value.get("data")?, names))
}

impl Facts {
    #[must_use]
    pub fn of(value: &Value) -> Facts {
        let time = within(value, &TIME);
        let shape = match (first(value, &CONTENT), value.get("data")) {
            (Some(_), _) => Shape::Flat,
            (None, Some(data)) if first(data, &CONTENT).is_some() => Shape::Nested,
            _ => Shape::Other,
        };
        Facts {
            seq: within(value, &SEQ).and_then(whole),
            at: time.and_then(seconds),
            schema: Schema {
                version: first(value, &VERSION).map(plain),
                time: match time {
                    None => TimeKind::None,
                    Some(Value::Number(_)) => TimeKind::Number,
                    Some(_) => TimeKind::Text,
                },
                shape,
            },
        }
    }
}

/// Who speaks; empty if the message does not say.
#[must_use]
pub fn role(value: &Value) -> String {
    first(value, &ROLE).map(plain).unwrap_or_default()
}

/// What is said; `None` if the message has no such field. Parts of a multi-part content are joined.
#[must_use]
pub fn content(value: &Value) -> Option<String> {
    match within(value, &CONTENT)? {
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| match part.get("text") {
                Some(text) => plain(text),
                None => plain(part),
            });
            Some(texts.collect::<Vec<_>>().join("\n"))
        }
        other => Some(plain(other)),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Seconds since 1970 of a number in s, ms, µs or ns (told apart by their size: 2001 in each unit is larger than
/// 5000 in the one before), or of a date in ISO 8601; a date without a zone is taken for UTC.
fn seconds(value: &Value) -> Option<f64> {
    let text = match value {
        Value::Number(number) => return number.as_f64().map(scaled),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    if let Ok(number) = text.parse::<f64>() {
        return Some(scaled(number));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.timestamp_micros() as f64 / 1e6);
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .map(|time| time.and_utc().timestamp_micros() as f64 / 1e6)
}

fn scaled(number: f64) -> f64 {
    match number.abs() {
        n if n >= 1e17 => number / 1e9,
        n if n >= 1e14 => number / 1e6,
        n if n >= 1e11 => number / 1e3,
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn messages_of_several_libraries_are_understood() {
        let plain = json!({"seq":3,"role":"user","content":"hi","timestamp":1767225600.5});
        let facts = Facts::of(&plain);
        assert_eq!((facts.seq, facts.at), (Some(3), Some(1_767_225_600.5)));
        assert_eq!(facts.schema.shape, Shape::Flat);
        assert_eq!(role(&plain), "user");

        let nested =
            json!({"type":"human","data":{"content":"hi","created_at":"2026-01-01T00:00:00"}});
        let facts = Facts::of(&nested);
        assert_eq!(facts.at, Some(1_767_225_600.0));
        assert_eq!(
            (facts.schema.shape, facts.schema.time),
            (Shape::Nested, TimeKind::Text)
        );
        assert_eq!(role(&nested), "human");
        assert_eq!(content(&nested).as_deref(), Some("hi"));

        let parts = json!({"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"v":2});
        assert_eq!(content(&parts).as_deref(), Some("a\nb"));
        assert_eq!(Facts::of(&parts).schema.version.as_deref(), Some("2"));
    }

    #[test]
    fn one_instant_in_five_spellings() {
        for time in [
            json!(1_767_225_600),
            json!(1_767_225_600_000_i64),
            json!(1_767_225_600_000_000_i64),
            json!("2026-01-01T02:00:00+02:00"),
            json!("2026-01-01 00:00:00"),
        ] {
            assert_eq!(seconds(&time), Some(1_767_225_600.0), "{time}");
        }
        assert_eq!(seconds(&json!("yesterday")), None);
    }
}
