//! The protocol that a memory store of the user's speaks: one JSON object a line, in over standard input, out over
//! standard output; standard error is for its own words.
//!
//! It knows nothing of Redis and judges nothing. A store that hangs, dies or answers nonsense becomes an error with
//! its last words, never a hang of ours. `assets/adapters/README.md` describes the protocol for those who write one.

mod command;
mod pipes;
#[cfg(all(test, unix))]
mod tests;
pub mod writers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::backend::guest::Guest;
use crate::domain::check::{History, Message, Value};
pub use command::{StoreCommand, url};
use pipes::{Heard, Lines};

/// The version of the protocol that we speak.
pub const VERSION: u64 = 1;
/// Importing a large package takes a store a while.
const GREETING: Duration = Duration::from_secs(60);
/// What a store gets to end by itself after `close`.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often somebody who waits looks whether the user has had enough.
const LOOK: Duration = Duration::from_millis(50);

/// Whether the user has had enough: then nobody is waited for any more.
pub type Cancelled = Arc<dyn Fn() -> bool + Send + Sync>;

/// What a store is told of its place.
fn environment(url: &str, prefix: &str, ttl: Option<Duration>) -> [(&'static str, String); 4] {
    [
        ("CRASHDRILL_REDIS_URL", url.to_owned()),
        ("CRASHDRILL_PREFIX", prefix.to_owned()),
        (
            "CRASHDRILL_TTL_SECONDS",
            ttl.map_or(String::new(), |ttl| ttl.as_secs().to_string()),
        ),
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ]
}

/// Why a store did not do as it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It says: not done.
    #[error("not done: {0}")]
    Refused(String),
    /// It says: nobody knows.
    #[error("unknown whether it was done: {0}")]
    Indeterminate(String),
    /// It says: what lies there cannot be read.
    #[error("unreadable: {0}")]
    Damaged(String),
    /// It hangs, has died, or talks nonsense.
    #[error("{0}")]
    Unwell(String),
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    Append {
        session: &'a str,
        message: &'a Message,
    },
    History {
        session: &'a str,
    },
    Save {
        session: &'a str,
        context: &'a Value,
    },
    Load {
        session: &'a str,
    },
    Delete {
        session: &'a str,
    },
    Close,
}

impl Ask<'_> {
    fn name(&self) -> &'static str {
        match self {
            Ask::Append { .. } => "append",
            Ask::History { .. } => "history",
            Ask::Save { .. } => "save",
            Ask::Load { .. } => "load",
            Ask::Delete { .. } => "delete",
            Ask::Close => "close",
        }
    }

    fn json(&self, id: u64) -> Json {
        let mut json = json!({ "id": id, "op": self.name() });
        match self {
            Ask::Append { session, message } => {
                json["session"] = json!(session);
                json["message"] = message.to_json();
            }
            Ask::Save { session, context } => {
                json["session"] = json!(session);
                json["context"] = context.to_json();
            }
            Ask::History { session } | Ask::Load { session } | Ask::Delete { session } => {
                json["session"] = json!(session);
            }
            Ask::Close => {}
        }
        json
    }
}

/// A process of the store.
pub struct Store {
    guest: Guest,
    lines: Lines,
    patience: Duration,
    cancelled: Cancelled,
    last_id: u64,
    /// What it calls itself.
    pub name: String,
    /// Whether it keeps contexts beside messages.
    pub contexts: bool,
    /// Why nothing more can be asked.
    unwell: Option<String>,
}

impl Store {
    /// Starts it, gives it its place, and waits for its greeting.
    ///
    /// # Errors
    /// `Unwell`: it cannot be started, or does not greet as the protocol says, or the user has cancelled.
    pub fn start(
        words: &[String],
        url: &str,
        prefix: &str,
        ttl: Option<Duration>,
        patience: Duration,
        cancelled: Cancelled,
    ) -> Result<Store, Fault> {
        let (guest, pipes) = Guest::start(words, &environment(url, prefix, ttl))
            .map_err(|error| Fault::Unwell(format!("the store did not start: {error}")))?;
        let mut store = Store {
            guest,
            lines: Lines::new(pipes),
            patience,
            cancelled,
            last_id: 0,
            name: String::new(),
            contexts: true,
            unwell: None,
        };
        store.greet()?;
        Ok(store)
    }

    fn greet(&mut self) -> Result<(), Fault> {
        // A store that is known to be impatient to test must not wait a minute for its greeting, either.
        let patience = self.patience.max(GREETING.min(self.patience * 6));
        let hello = json!({ "id": self.next_id(), "op": "hello", "version": VERSION });
        let answer = self.exchange("hello", &hello, patience)?;
        let version = answer.get("version").and_then(Json::as_u64);
        if version != Some(VERSION) {
            let told = answer.get("version").cloned().unwrap_or(Json::Null);
            return Err(self.fail(format!(
                "the store greets with protocol version {told}; this program speaks version {VERSION}"
            )));
        }
        let contexts = answer.get("contexts").and_then(Json::as_bool);
        self.contexts = contexts.unwrap_or(true);
        let name = answer.get("name").and_then(Json::as_str);
        self.name = name.unwrap_or("a store without a name").to_owned();
        Ok(())
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the store says, or `Unwell`.
    pub fn ask(&mut self, ask: Ask<'_>) -> Result<Json, Fault> {
        let json = ask.json(self.next_id());
        self.exchange(ask.name(), &json, self.patience)
    }

    /// # Errors
    /// As [`Store::ask`]; an answer that holds no messages is `Unwell`.
    pub fn history(&mut self, session: &str) -> Result<History, Fault> {
        let answer = self.ask(Ask::History { session })?;
        let Some(messages) = answer.get("messages").and_then(Json::as_array) else {
            return Err(self.fail(format!(
                "the store answered history without \"messages\": {}",
                brief(&answer.to_string())
            )));
        };
        let messages: Result<Vec<Message>, String> =
            messages.iter().map(Message::from_json).collect();
        let messages =
            messages.map_err(|why| self.fail(format!("the store answered history with {why}")))?;
        let damaged = answer.get("damaged").and_then(Json::as_array);
        let damaged = damaged.into_iter().flatten().map(|line| match line {
            Json::String(line) => line.clone(),
            other => other.to_string(),
        });
        Ok(History {
            messages,
            damaged: damaged.collect(),
        })
    }

    /// # Errors
    /// As [`Store::ask`].
    pub fn load(&mut self, session: &str) -> Result<Option<Value>, Fault> {
        let answer = self.ask(Ask::Load { session })?;
        match answer.get("found").and_then(Json::as_bool) {
            Some(false) => Ok(None),
            Some(true) => {
                let context = answer.get("context").unwrap_or(&Json::Null);
                let value = Value::from_json(context);
                value
                    .map(Some)
                    .map_err(|why| self.fail(format!("the store answered load: {why}")))
            }
            None => Err(self.fail(format!(
                "the store answered load without \"found\": {}",
                brief(&answer.to_string())
            ))),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn exchange(&mut self, name: &str, ask: &Json, patience: Duration) -> Result<Json, Fault> {
        if let Some(why) = &self.unwell {
            return Err(Fault::Unwell(why.clone()));
        }
        self.lines.say(ask.to_string());
        let begun = Instant::now();
        let heard = loop {
            let left = patience.saturating_sub(begun.elapsed());
            match self.lines.hear(left.min(LOOK)) {
                Heard::Nothing if (self.cancelled)() => {
                    return Err(self.fail("cancelled while the store was asked".into()));
                }
                Heard::Nothing if begun.elapsed() < patience => {}
                heard => break heard,
            }
        };
        let line = match heard {
            Heard::Line(line) => line,
            Heard::TooLong => {
                return Err(self.fail(format!("the store answered {name} with a line without end")));
            }
            Heard::Nothing => {
                return Err(self.fail(format!(
                    "the store hangs: no answer to {name} within {:.0} s",
                    begun.elapsed().as_secs_f64()
                )));
            }
            Heard::Closed => {
                let end = self.guest.ended_within(Duration::from_secs(1));
                let how = end.unwrap_or_else(|| "closed its standard output".into());
                return Err(self.fail(format!("the store died at {name}: {how}")));
            }
        };
        let Ok(answer) = serde_json::from_str::<Json>(&line) else {
            return Err(self.fail(format!(
                "the store answered {name} with what is no JSON: {} (its own words belong to standard error)",
                brief(&line)
            )));
        };
        if answer.get("id") != ask.get("id") {
            return Err(self.fail(format!(
                "the store answered {name} under another id: {}",
                brief(&line)
            )));
        }
        match answer.get("ok").and_then(Json::as_bool) {
            Some(true) => Ok(answer),
            Some(false) => Err(said(&answer)),
            None => Err(self.fail(format!(
                "the store answered {name} without \"ok\": {}",
                brief(&line)
            ))),
        }
    }

    /// Nothing more is asked of it, and it is ended.
    fn fail(&mut self, what: String) -> Fault {
        self.guest.end();
        let words = self.lines.last_words();
        let text = if words.is_empty() {
            what
        } else {
            format!("{what}; its last words: {words}")
        };
        self.unwell = Some(text.clone());
        Fault::Unwell(text)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if self.unwell.is_none() && !(self.cancelled)() {
            let id = self.next_id();
            self.lines.say(Ask::Close.json(id).to_string());
            self.lines.hang_up();
            let _ = self.guest.ended_within(FAREWELL);
        }
        self.guest.end();
    }
}

/// `"ok": false` in the store's own words.
fn said(answer: &Json) -> Fault {
    let text = answer.get("error").and_then(Json::as_str);
    let text = text.unwrap_or("the store gave no reason").to_owned();
    match answer.get("kind").and_then(Json::as_str) {
        Some("refused") => Fault::Refused(text),
        Some("damaged") => Fault::Damaged(text),
        _ => Fault::Indeterminate(text),
    }
}

fn brief(text: &str) -> String {
    const MOST: usize = 120;
    let mut brief: String = text.chars().take(MOST).collect();
    if brief.len() < text.len() {
        brief.push('…');
    }
    brief
}
