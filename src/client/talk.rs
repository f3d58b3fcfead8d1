//! One command at a time, replies as plain values: how the checks and their stores speak to Redis.
//!
//! It knows no key and no command. A trouble tells whether the command can have been executed.

use std::time::Duration;

use redis::{Connection, RedisError, Value};

use super::classify;
use super::connect::connect;
use crate::backend::Endpoint;
use crate::domain::op::{Cause, Completion};

/// What the server answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Nil,
    Int(i64),
    Bytes(Vec<u8>),
    /// `OK`, `QUEUED`, …
    Status(String),
    Array(Vec<Reply>),
}

impl Reply {
    /// Bytes as text, a status as it is, a number in digits; empty for everything else.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Reply::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Reply::Status(text) => text.clone(),
            Reply::Int(number) => number.to_string(),
            Reply::Nil | Reply::Array(_) => String::new(),
        }
    }

    /// Zero if it is no number.
    #[must_use]
    pub fn int(&self) -> i64 {
        match self {
            Reply::Int(number) => *number,
            other => other.text().parse().unwrap_or(0),
        }
    }

    #[must_use]
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Reply::Bytes(bytes) => Some(bytes),
            Reply::Status(text) => Some(text.into_bytes()),
            _ => None,
        }
    }

    /// Empty if it is no array.
    #[must_use]
    pub fn array(self) -> Vec<Reply> {
        match self {
            Reply::Array(replies) => replies,
            _ => Vec::new(),
        }
    }

    #[must_use]
    pub fn is_nil(&self) -> bool {
        *self == Reply::Nil
    }
}

/// Why there is no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Trouble {
    /// `Refused` or `Indeterminate`, never `Acked`.
    pub completion: Completion,
    pub cause: Cause,
    /// The server's words, or the system's.
    pub text: String,
}

/// A connection.
pub struct Talk {
    connection: Connection,
}

impl Talk {
    /// Connects within `timeout`; each reply has the same limit.
    ///
    /// # Errors
    /// Refused, timed out, wrong password. Nothing can have been executed.
    pub fn open(endpoint: &Endpoint, timeout: Duration) -> Result<Talk, Trouble> {
        let connection = connect(endpoint, timeout).map_err(|error| Trouble {
            completion: Completion::Refused,
            ..trouble(&error)
        })?;
        Ok(Talk { connection })
    }

    /// # Errors
    /// An error reply, or none in time.
    pub fn call(&mut self, words: &[&[u8]]) -> Result<Reply, Trouble> {
        let answer = command(words).query::<Value>(&mut self.connection);
        answer.map_err(|error| trouble(&error)).and_then(reply)
    }

    /// All commands in one MULTI/EXEC. `None` if a watched key has changed.
    ///
    /// # Errors
    /// As [`Talk::call`]; nothing was executed if the server refused one of the commands.
    pub fn transaction(&mut self, commands: &[Vec<&[u8]>]) -> Result<Option<Vec<Reply>>, Trouble> {
        let mut pipe = redis::pipe();
        pipe.atomic();
        for words in commands {
            pipe.add_command(command(words));
        }
        let answer = pipe.query::<Value>(&mut self.connection);
        match reply(answer.map_err(|error| trouble(&error))?)? {
            Reply::Array(replies) => Ok(Some(replies)),
            _ => Ok(None),
        }
    }
}

fn command(words: &[&[u8]]) -> redis::Cmd {
    let mut command = redis::Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

fn reply(value: Value) -> Result<Reply, Trouble> {
    Ok(match value {
        Value::Nil => Reply::Nil,
        Value::Int(number) => Reply::Int(number),
        Value::BulkString(bytes) => Reply::Bytes(bytes),
        Value::SimpleString(text) => Reply::Status(text),
        Value::Okay => Reply::Status("OK".into()),
        Value::Array(values) | Value::Set(values) => {
            Reply::Array(values.into_iter().map(reply).collect::<Result<_, _>>()?)
        }
        Value::ServerError(error) => return Err(trouble(&error.into())),
        other => Reply::Status(format!("{other:?}")),
    })
}

fn trouble(error: &RedisError) -> Trouble {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    let (completion, cause) = if error.is_timeout() {
        classify::timed_out(true)
    } else if error.is_connection_refusal() {
        classify::connection_ended(false)
    } else if error.is_io_error() || error.is_connection_dropped() {
        classify::connection_ended(true)
    } else if let Some(code) = error.code() {
        // The client crate has its own names for a few codes.
        classify::error_reply(code)
    } else {
        (Completion::Indeterminate, Cause::OtherError)
    };
    Trouble {
        completion,
        cause,
        text,
    }
}

/// `say!(talk, "SET", key, value)`: every word is anything with bytes.
#[macro_export]
macro_rules! say {
    ($talk:expr $(, $word:expr)+ $(,)?) => {
        $talk.call(&[$(::std::convert::AsRef::<[u8]>::as_ref(&$word)),+])
    };
}
