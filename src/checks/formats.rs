//! The three formats in which releases have written messages, and their readers: strict ones that know their own
//! format only, tolerant ones that know all and ignore what they do not know.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value as Json;

use crate::domain::check::{Message, Value};

/// A release of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Role, content, timestamp in seconds.
    V1,
    /// Role, content, timestamp as ISO text, metadata.
    V2,
    /// `"v": 3`, id, role, content with types, time.
    V3,
}

impl Format {
    pub const ALL: [Format; 3] = [Format::V1, Format::V2, Format::V3];

    pub fn id(self) -> &'static str {
        match self {
            Format::V1 => "v1",
            Format::V2 => "v2",
            Format::V3 => "v3",
        }
    }

    /// A session as this release has written it, a message a line.
    pub fn fixture(self) -> &'static str {
        match self {
            Format::V1 => include_str!("../../assets/messages/v1.jsonl"),
            Format::V2 => include_str!("../../assets/messages/v2.jsonl"),
            Format::V3 => include_str!("../../assets/messages/v3.jsonl"),
        }
    }
}

/// What a later release might write.
pub const UNKNOWN_ROLE: &str = include_str!("../../assets/messages/unknown-role.jsonl");
pub const EXTRA_FIELD: &str = include_str!("../../assets/messages/extra-field.jsonl");
pub const CHANGED_TIMESTAMP: &str = include_str!("../../assets/messages/changed-timestamp.jsonl");

const ROLES: [&str; 3] = ["user", "assistant", "system"];

/// Reads an entry of any release. Members that it does not know are kept, roles that it does not know stay as
/// they are, a timestamp may be seconds, milliseconds or text.
///
/// # Errors
/// In words: what is wrong with the entry.
pub fn tolerant(entry: &[u8]) -> Result<Message, String> {
    let json: Json = serde_json::from_slice(entry).map_err(|error| format!("no JSON: {error}"))?;
    let Json::Object(members) = &json else {
        return Err(format!("no message but {}", kind(&json)));
    };
    if members.contains_key("id") && members.contains_key("at") {
        return Message::from_json(&json);
    }
    let text = |name: &str| {
        let value = members.get(name).and_then(Json::as_str);
        value
            .map(str::to_owned)
            .ok_or_else(|| format!("there is no text \"{name}\""))
    };
    let content = members.get("content").ok_or("there is no \"content\"")?;
    let known = ["id", "role", "content", "timestamp", "at", "v"];
    let extra = members
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, value)| Ok((name.clone(), Value::from_json(value)?)));
    let at = members.get("timestamp").or_else(|| members.get("at"));
    Ok(Message {
        id: text("id").unwrap_or_default(),
        role: text("role")?,
        content: Value::from_json(content)?,
        at: time(at.ok_or("there is no timestamp")?)?,
        extra: extra.collect::<Result<_, String>>()?,
    })
}

/// Reads an entry as one release does that knows only itself.
///
/// # Errors
/// Everything that this release did not know.
pub fn strict(format: Format, entry: &[u8]) -> Result<Message, String> {
    let json: Json = serde_json::from_slice(entry).map_err(|error| format!("no JSON: {error}"))?;
    let Json::Object(members) = &json else {
        return Err(format!("no message but {}", kind(&json)));
    };
    let known: &[&str] = match format {
        Format::V1 => &["role", "content", "timestamp"],
        Format::V2 => &["role", "content", "timestamp", "metadata"],
        Format::V3 => &["v", "id", "role", "content", "at"],
    };
    if let Some(strange) = members.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("unexpected member \"{strange}\""));
    }
    if let Some(missing) = known.iter().find(|name| !members.contains_key(**name)) {
        return Err(format!("missing member \"{missing}\""));
    }
    let role = members["role"].as_str().unwrap_or_default();
    if !ROLES.contains(&role) {
        return Err(format!("\"{role}\" is no role"));
    }
    let right = match format {
        Format::V1 => members["timestamp"].is_number(),
        Format::V2 => members["timestamp"].is_string(),
        Format::V3 => members["at"].is_string(),
    };
    if !right {
        return Err("the timestamp has another type".into());
    }
    tolerant(entry)
}

/// Seconds, milliseconds or RFC 3339, as RFC 3339 in UTC.
fn time(value: &Json) -> Result<String, String> {
    /// Seconds later than the year 5000 are milliseconds.
    const MILLIS_FROM: f64 = 1e11;
    let wrong = || format!("{value} is no time");
    let time: DateTime<Utc> = match value {
        Json::Number(number) => {
            let number = number.as_f64().ok_or_else(wrong)?;
            let millis = if number < MILLIS_FROM {
                number * 1000.0
            } else {
                number
            };
            DateTime::from_timestamp_millis(millis.round() as i64).ok_or_else(wrong)?
        }
        Json::String(text) => DateTime::parse_from_rfc3339(text)
            .map_err(|_| wrong())?
            .to_utc(),
        _ => return Err(wrong()),
    };
    Ok(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
