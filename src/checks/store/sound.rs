//! The sound memory store: typed entries, idempotent append by id, time to live renewed in the same step.

use std::time::Duration;

use serde_json::Value as Json;

use super::{Memory, StoreError, shelf};
use crate::backend::Endpoint;
use crate::checks::formats;
use crate::checks::stage::PATIENCE;
use crate::client::talk::Talk;
use crate::domain::check::{History, Layout, Message, Value};
use crate::say;

/// The store.
pub struct SoundStore {
    talk: Talk,
    prefix: String,
    layout: Layout,
    ttl: Option<Duration>,
}

impl SoundStore {
    /// # Errors
    /// The server does not answer.
    pub fn open(endpoint: &Endpoint, prefix: &str, layout: Layout) -> Result<Self, StoreError> {
        Ok(SoundStore {
            talk: Talk::open(endpoint, PATIENCE)?,
            prefix: prefix.to_owned(),
            layout,
            ttl: None,
        })
    }

    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    #[must_use]
    pub fn messages_key(prefix: &str, session: &str) -> String {
        format!("{prefix}session:{session}:messages")
    }

    fn key(&self, session: &str, part: &str) -> String {
        format!("{}session:{session}:{part}", self.prefix)
    }

    fn ttl_millis(&self) -> String {
        self.ttl.map_or(0, |ttl| ttl.as_millis()).to_string()
    }
}

/// One step on the server: either all of it has happened or nothing. The id is noted after the entry is in, since
/// a script that fails half-way is not undone.
fn append_script(layout: Layout) -> String {
    format!(
        "local new = redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 0\n\
         if new then {} redis.call('SADD', KEYS[2], ARGV[1]) end\n\
         if tonumber(ARGV[3]) > 0 then\n\
         redis.call('PEXPIRE', KEYS[1], ARGV[3]) redis.call('PEXPIRE', KEYS[2], ARGV[3])\n\
         end\n\
         return new and 1 or 0",
        shelf::push_script(layout)
    )
}

/// Reads entries one by one: a damaged one is named and does not hide the others.
pub fn decode(session: &str, entries: &[Vec<u8>]) -> History {
    let mut history = History::default();
    for (at, entry) in entries.iter().enumerate() {
        match formats::tolerant(entry) {
            Ok(message) => history.messages.push(message),
            Err(why) => history
                .damaged
                .push(format!("session {session}, entry {}: {why}", at + 1)),
        }
    }
    history
}

impl Memory for SoundStore {
    fn append(&mut self, session: &str, message: &Message) -> Result<(), StoreError> {
        let (key, ids) = (self.key(session, "messages"), self.key(session, "ids"));
        let entry = message.to_json().to_string();
        let script = append_script(self.layout);
        let ttl = self.ttl_millis();
        say!(
            self.talk, "EVAL", script, "2", key, ids, message.id, entry, ttl
        )?;
        Ok(())
    }

    fn history(&mut self, session: &str) -> Result<History, StoreError> {
        let key = self.key(session, "messages");
        let entries =
            shelf::read(&mut self.talk, self.layout, &key).map_err(
                |trouble| match StoreError::from(trouble) {
                    StoreError::Damaged(text) => StoreError::Damaged(format!(
                        "the key {key} of session {session} holds something else: {text}"
                    )),
                    other => other,
                },
            )?;
        Ok(decode(session, &entries))
    }

    fn save(&mut self, session: &str, context: &Value) -> Result<(), StoreError> {
        let (key, text) = (self.key(session, "context"), context.to_json().to_string());
        match self.ttl {
            Some(_) => say!(self.talk, "SET", key, text, "PX", self.ttl_millis())?,
            None => say!(self.talk, "SET", key, text)?,
        };
        Ok(())
    }

    fn load(&mut self, session: &str) -> Result<Option<Value>, StoreError> {
        let key = self.key(session, "context");
        let Some(bytes) = say!(self.talk, "GET", key)?.bytes() else {
            return Ok(None);
        };
        let damaged = |why: String| {
            StoreError::Damaged(format!("the context of session {session} ({key}): {why}"))
        };
        let json: Json = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
        Value::from_json(&json).map(Some).map_err(damaged)
    }

    fn delete(&mut self, session: &str) -> Result<(), StoreError> {
        let keys = ["messages", "ids", "context"].map(|part| self.key(session, part));
        say!(self.talk, "UNLINK", keys[0], keys[1], keys[2])?;
        Ok(())
    }
}
