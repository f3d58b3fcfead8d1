//! What a message or a context may hold, exactly, and how it is written as JSON without losing its type.

use std::collections::BTreeMap;

use serde_json::{Map, json};

/// A value with its type. JSON alone cannot tell a decimal from a float, a time from a text, or bytes at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A decimal number, digit by digit: `1.10` is not `1.1`.
    Decimal(String),
    /// RFC 3339 with its offset.
    Time(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// The tags of what JSON has no type for: an object with exactly one such member.
const DECIMAL: &str = "$decimal";
const TIME: &str = "$time";
const BYTES: &str = "$bytes";

impl Value {
    #[must_use]
    pub fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[must_use]
    pub fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
        Value::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// The type's name, for people.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "integer",
            Value::Float(_) => "float",
            Value::Text(_) => "text",
            Value::Decimal(_) => "decimal",
            Value::Time(_) => "time",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "object",
        }
    }

    /// As JSON; what JSON has no type for is tagged.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => json!(value),
            Value::Int(value) => json!(value),
            Value::Float(value) => json!(value),
            Value::Text(value) => json!(value),
            Value::Decimal(value) => json!({ DECIMAL: value }),
            Value::Time(value) => json!({ TIME: value }),
            Value::Bytes(value) => json!({ BYTES: hex(value) }),
            Value::List(values) => values.iter().map(Value::to_json).collect(),
            Value::Map(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json()));
                serde_json::Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// Reads what [`Value::to_json`] writes; numbers that are no integers are floats.
    ///
    /// # Errors
    /// A tag whose content is not what it says.
    pub fn from_json(json: &serde_json::Value) -> Result<Value, String> {
        use serde_json::Value as Json;
        Ok(match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Value::Int(value),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(value) => Value::Text(value.clone()),
            Json::Array(values) => Value::List(
                values
                    .iter()
                    .map(Value::from_json)
                    .collect::<Result<_, _>>()?,
            ),
            Json::Object(members) => match tagged(members) {
                Some(value) => value?,
                None => {
                    let members = members
                        .iter()
                        .map(|(name, value)| Ok((name.clone(), Value::from_json(value)?)));
                    Value::Map(members.collect::<Result<_, String>>()?)
                }
            },
        })
    }

    /// Short, for evidence.
    #[must_use]
    pub fn brief(&self) -> String {
        const MOST: usize = 60;
        let text = self.to_json().to_string();
        if text.chars().count() <= MOST {
            return text;
        }
        let head: String = text.chars().take(MOST).collect();
        format!("{head}… ({} bytes)", text.len())
    }
}

fn tagged(members: &Map<String, serde_json::Value>) -> Option<Result<Value, String>> {
    let (tag, content) = members.iter().next().filter(|_| members.len() == 1)?;
    let wrong = || format!("{tag} holds {content}, which is not what the tag says");
    let text = content.as_str();
    match tag.as_str() {
        DECIMAL => Some(
            text.map(|text| Value::Decimal(text.to_owned()))
                .ok_or_else(wrong),
        ),
        TIME => Some(
            text.map(|text| Value::Time(text.to_owned()))
                .ok_or_else(wrong),
        ),
        BYTES => Some(text.and_then(unhex).map(Value::Bytes).ok_or_else(wrong)),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_json() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(9_007_199_254_740_993),
            Value::Float(0.1),
            Value::text("42"),
            Value::Decimal("1.10".into()),
            Value::Time("2026-03-29T02:30:00+02:00".into()),
            Value::Bytes(vec![0, 255, 128]),
            Value::List(vec![]),
            Value::map([("a", Value::List(vec![Value::Null, Value::text("")]))]),
        ];
        for value in values {
            let text = value.to_json().to_string();
            let back = Value::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(back, value, "{text}");
        }
    }

    #[test]
    fn a_tag_with_a_wrong_content_is_an_error() {
        assert!(Value::from_json(&json!({"$bytes": "xyz"})).is_err());
        assert!(Value::from_json(&json!({"$decimal": 1})).is_err());
    }
}
