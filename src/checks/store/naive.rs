//! Naive memory stores, each with one habit that the articles warn of. Everything else they do soundly, so that a
//! check which catches them catches the habit.

use serde_json::Value as Json;

use super::sound::SoundStore;
use super::{Memory, StoreError, shelf};
use crate::backend::Endpoint;
use crate::checks::formats;
use crate::checks::stage::PATIENCE;
use crate::client::talk::Talk;
use crate::domain::check::{History, Layout, Message, Value};
use crate::say;

/// What the store gets wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Numbers go through a double.
    Doubles,
    /// Members are written with `str()` and read back as they look.
    Stringly,
    /// Times are written without their offset.
    LocalTimes,
    /// Text is cut to a number of bytes, whatever stands there.
    ByteLimit,
    /// Entries are separated by line feeds and not escaped.
    RawLines,
    /// Bytes are read as text, with replacement characters where they are none.
    Lossy,
    /// One entry that cannot be decoded makes the session look empty.
    EmptyOnError,
    /// `RPUSH` (or the layout's like) and no look at whether the message is there already.
    BlindAppend,
}

/// The store.
pub struct NaiveStore {
    sound: SoundStore,
    talk: Talk,
    prefix: String,
    layout: Layout,
    habit: Habit,
}

impl NaiveStore {
    /// # Errors
    /// The server does not answer.
    pub fn open(
        endpoint: &Endpoint,
        prefix: &str,
        layout: Layout,
        habit: Habit,
    ) -> Result<Self, StoreError> {
        Ok(NaiveStore {
            sound: SoundStore::open(endpoint, prefix, layout)?,
            talk: Talk::open(endpoint, PATIENCE)?,
            prefix: prefix.to_owned(),
            layout,
            habit,
        })
    }

    fn entry(&self, message: &Message) -> Vec<u8> {
        let content = written(self.habit, &message.content);
        if self.habit == Habit::RawLines {
            // The article's own shortcut: role and text, one line.
            let Value::Text(text) = &content else {
                return message.to_json().to_string().into_bytes();
            };
            return format!("{}\t{}\t{}\t{text}", message.id, message.role, message.at)
                .into_bytes();
        }
        let message = Message {
            content,
            ..message.clone()
        };
        message.to_json().to_string().into_bytes()
    }

    fn read_lines(&self, entries: &[Vec<u8>]) -> History {
        let whole = entries.join(&b'\n');
        let text = String::from_utf8_lossy(&whole).into_owned();
        let messages = text.lines().map(|line| {
            let mut parts = line.splitn(4, '\t').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            Message {
                id: next(),
                role: next(),
                at: next(),
                content: Value::Text(next()),
                extra: std::collections::BTreeMap::new(),
            }
        });
        History {
            messages: messages.collect(),
            damaged: Vec::new(),
        }
    }
}

/// What becomes of a value on its way into the store.
fn written(habit: Habit, value: &Value) -> Value {
    let each = |value: &Value| written(habit, value);
    match (habit, value) {
        (_, Value::List(values)) if habit != Habit::Stringly => {
            Value::List(values.iter().map(each).collect())
        }
        (Habit::Stringly, Value::Map(members)) => {
            // HSET of str(): below the first level there is only text.
            let flat = members
                .iter()
                .map(|(name, value)| (name.clone(), Value::Text(plain(value))));
            Value::Map(flat.collect())
        }
        (Habit::Stringly, Value::Text(text)) => Value::from_json(
            &serde_json::from_str::<Json>(text).unwrap_or_else(|_| Json::String(text.clone())),
        )
        .unwrap_or(Value::Null),
        (Habit::Stringly, Value::List(values)) if values.is_empty() => Value::Null,
        (_, Value::Map(members)) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone(), each(value)));
            Value::Map(members.collect())
        }
        (Habit::Doubles, Value::Int(number)) => Value::Int((*number as f64) as i64),
        (Habit::Doubles, Value::Decimal(digits)) => {
            Value::Float(digits.parse().unwrap_or(f64::NAN))
        }
        (Habit::LocalTimes, Value::Time(time)) => {
            let local = time.get(..19).unwrap_or(time);
            Value::Time(local.to_owned())
        }
        (Habit::ByteLimit, Value::Text(text)) => {
            const LIMIT: usize = 64 * 1024;
            // Smaller texts meet a limit, too: a preview column of 20 bytes.
            let limit = if text.len() > LIMIT { LIMIT } else { 20 };
            let cut = &text.as_bytes()[..text.len().min(limit)];
            Value::Text(String::from_utf8_lossy(cut).into_owned())
        }
        (Habit::Lossy, Value::Bytes(bytes)) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
        (_, other) => other.clone(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Text(text) | Value::Decimal(text) | Value::Time(text) => text.clone(),
        other => other.to_json().to_string(),
    }
}

impl Memory for NaiveStore {
    fn append(&mut self, session: &str, message: &Message) -> Result<(), StoreError> {
        let key = SoundStore::messages_key(&self.prefix, session);
        let (script, entry) = (shelf::push_script(self.layout), self.entry(message));
        match self.layout {
            Layout::List => say!(self.talk, "RPUSH", key, entry)?,
            _ => say!(self.talk, "EVAL", script, "1", key, message.id, entry)?,
        };
        Ok(())
    }

    fn history(&mut self, session: &str) -> Result<History, StoreError> {
        let key = SoundStore::messages_key(&self.prefix, session);
        let read = shelf::read(&mut self.talk, self.layout, &key);
        let entries = match read {
            Err(_) if self.habit == Habit::EmptyOnError => return Ok(History::default()),
            read => read?,
        };
        if self.habit == Habit::RawLines {
            return Ok(self.read_lines(&entries));
        }
        let messages: Result<Vec<Message>, String> = entries
            .iter()
            .map(|entry| formats::tolerant(entry))
            .collect();
        match messages {
            Ok(messages) => Ok(History {
                messages,
                damaged: Vec::new(),
            }),
            Err(_) if self.habit == Habit::EmptyOnError => Ok(History::default()),
            Err(why) => Err(StoreError::Damaged(why)),
        }
    }

    fn save(&mut self, session: &str, context: &Value) -> Result<(), StoreError> {
        self.sound.save(session, &written(self.habit, context))
    }

    fn load(&mut self, session: &str) -> Result<Option<Value>, StoreError> {
        match self.sound.load(session) {
            // except json.JSONDecodeError: return None
            Err(StoreError::Damaged(_)) if self.habit == Habit::EmptyOnError => Ok(None),
            other => other,
        }
    }

    fn delete(&mut self, session: &str) -> Result<(), StoreError> {
        self.sound.delete(session)
    }
}
