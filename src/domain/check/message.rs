//! A chat message as the checks write it, and what a reader gives back.

use std::collections::BTreeMap;

use serde_json::json;

use super::Value;

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Unique within its session; the same message sent again keeps its id.
    pub id: String,
    pub role: String,
    pub content: Value,
    /// RFC 3339.
    pub at: String,
    /// Members that not every release knows.
    pub extra: BTreeMap<String, Value>,
}

impl Message {
    /// Message `number` of a chat, from 1; users and assistants take turns.
    #[must_use]
    pub fn numbered(number: u32) -> Message {
        let user = number % 2 == 1;
        Message {
            id: format!("m{number:04}"),
            role: if user { "user" } else { "assistant" }.into(),
            content: Value::Text(format!("message {number}, 记住我叫小明 🙂")),
            at: format!(
                "2026-01-01T{:02}:{:02}:{:02}+00:00",
                number / 3600 % 24,
                number / 60 % 60,
                number % 60
            ),
            extra: BTreeMap::new(),
        }
    }

    #[must_use]
    pub fn holding(number: u32, content: Value) -> Message {
        Message {
            content,
            ..Message::numbered(number)
        }
    }

    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut json = json!({
            "id": self.id,
            "role": self.role,
            "content": self.content.to_json(),
            "at": self.at,
        });
        if !self.extra.is_empty() {
            let extra = self
                .extra
                .iter()
                .map(|(name, value)| (name.clone(), value.to_json()));
            json["extra"] = serde_json::Value::Object(extra.collect());
        }
        json
    }

    /// # Errors
    /// Which member is missing or of the wrong type.
    pub fn from_json(json: &serde_json::Value) -> Result<Message, String> {
        let text = |name: &str| {
            let value = json.get(name).and_then(serde_json::Value::as_str);
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("a message without the text \"{name}\""))
        };
        let content = json
            .get("content")
            .ok_or_else(|| "a message without \"content\"".to_owned())?;
        let extra = match json.get("extra") {
            None => BTreeMap::new(),
            Some(extra) => match Value::from_json(extra)? {
                Value::Map(members) => members,
                other => return Err(format!("\"extra\" is a {}, not an object", other.kind())),
            },
        };
        Ok(Message {
            id: text("id")?,
            role: text("role")?,
            content: Value::from_json(content)?,
            at: text("at")?,
            extra,
        })
    }
}

/// What a reader gives back of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// In the session's order.
    pub messages: Vec<Message>,
    /// A line for each entry that could not be read, naming it.
    pub damaged: Vec<String>,
}

impl History {
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        self.messages
            .iter()
            .map(|message| message.id.as_str())
            .collect()
    }
}
