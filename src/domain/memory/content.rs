//! The bytes of a key to the messages in them, for each layout.

use serde_json::{Map, Value};

/// Fields under which a whole context keeps its messages.
const LISTS: [&str; 6] = [
    "messages",
    "history",
    "chat_history",
    "context",
    "turns",
    "conversation",
];

/// What a value that holds a whole session comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Whole {
    /// Each message as canonical JSON.
    Messages(Vec<Vec<u8>>),
    /// Neither JSON nor anything else that is understood; the decoder's own words.
    Broken(String),
}

/// A string or RedisJSON value: an array of messages, an object that holds one, or one message.
#[must_use]
pub fn whole(bytes: &[u8]) -> Whole {
    let value = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => value,
        Err(error) => return Whole::Broken(error.to_string()),
    };
    Whole::Messages(match value {
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(object) => {
            match LISTS.iter().find_map(|name| object.get(*name)?.as_array()) {
                Some(items) => items.iter().map(canonical).collect(),
                None => vec![canonical(&Value::Object(object))],
            }
        }
        other => vec![canonical(&other)],
    })
}

/// A hash: a field that holds all messages, a message a field, or one message whose fields these are.
#[must_use]
pub fn hash(mut fields: Vec<(Vec<u8>, Vec<u8>)>) -> Whole {
    let list = fields.iter().find(|(field, value)| {
        LISTS.iter().any(|name| name.as_bytes() == field) && value.first() == Some(&b'[')
    });
    if let Some((_, value)) = list {
        return whole(value);
    }
    if fields.iter().all(|(_, value)| looks_like_object(value)) {
        // HSCAN knows no order; the fields are the sequence.
        fields.sort_by_cached_key(|(field, _)| {
            let text = String::from_utf8_lossy(field).into_owned();
            (text.parse::<i64>().unwrap_or(i64::MAX), text)
        });
        return Whole::Messages(fields.into_iter().map(|(_, value)| value).collect());
    }
    fields.sort();
    Whole::Messages(vec![object_of(&fields)])
}

/// A stream's entry: its only field, or one message whose fields these are.
#[must_use]
pub fn entry(fields: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    match fields.as_slice() {
        [(_, value)] if looks_like_object(value) => value.clone(),
        fields => object_of(fields),
    }
}

/// The time in a stream entry's id, in seconds since 1970.
#[must_use]
pub fn entry_time(id: &str) -> Option<f64> {
    let millis: u64 = id.split('-').next()?.parse().ok()?;
    Some(millis as f64 / 1e3)
}

fn looks_like_object(value: &[u8]) -> bool {
    value.trim_ascii_start().first() == Some(&b'{')
}

/// Values stay text, since that is what they are in the store; numbers are read where they are used.
fn object_of(fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let object: Map<String, Value> = fields
        .iter()
        .map(|(field, value)| (text(field), Value::String(text(value))))
        .collect();
    canonical(&Value::Object(object))
}

/// JSON with sorted names and no spaces: the same message always has the same bytes, whoever wrote the context
/// around it down again.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(object) => {
            let mut names: Vec<&String> = object.keys().collect();
            names.sort();
            out.push(b'{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend(Value::String(name.clone()).to_string().bytes());
                out.push(b':');
                write(&object[name], out);
            }
            out.push(b'}');
        }
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        other => out.extend(other.to_string().bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(whole: Whole) -> Vec<String> {
        match whole {
            Whole::Messages(all) => all
                .into_iter()
                .map(|bytes| String::from_utf8(bytes).unwrap())
                .collect(),
            Whole::Broken(error) => panic!("{error}"),
        }
    }

    fn fields(pairs: &[(&str, &str)]) -> Vec<(Vec<u8>, Vec<u8>)> {
        pairs
            .iter()
            .map(|(a, b)| (a.as_bytes().to_vec(), b.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn a_context_is_taken_apart_wherever_its_messages_stand() {
        let expected = vec![r#"{"a":1,"b":2}"#.to_owned(), "{}".into()];
        assert_eq!(messages(whole(br#"[{"b":2, "a":1}, {}]"#)), expected);
        assert_eq!(
            messages(whole(br#"{"user":"x","history":[{"a":1,"b":2},{}]}"#)),
            expected
        );
        assert_eq!(messages(whole(br#"{"role":"user"}"#)).len(), 1);
        assert!(matches!(whole(br#"[{"a":1}"#), Whole::Broken(_)));
    }

    #[test]
    fn a_hash_is_in_the_order_of_its_numbers() {
        let numbered = fields(&[("10", "{\"n\":10}"), ("9", "{\"n\":9}")]);
        assert_eq!(messages(hash(numbered)), [r#"{"n":9}"#, r#"{"n":10}"#]);
        let one = fields(&[("role", "user"), ("content", "hi")]);
        assert_eq!(messages(hash(one)), [r#"{"content":"hi","role":"user"}"#]);
        let list = fields(&[("messages", "[{\"n\":1}]"), ("user", "x")]);
        assert_eq!(messages(hash(list)), [r#"{"n":1}"#]);
    }

    #[test]
    fn an_entry_is_its_json_or_its_fields() {
        assert_eq!(entry(fields(&[("data", "{\"n\":1}")])), b"{\"n\":1}");
        assert_eq!(
            entry(fields(&[("role", "user"), ("content", "x")])),
            br#"{"content":"x","role":"user"}"#
        );
        assert_eq!(entry_time("1767225600500-3"), Some(1_767_225_600.5));
    }
}
