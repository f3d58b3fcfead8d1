//! What a memory store is, and the three that stand before the checks: naive, sound, the user's.

pub mod naive;
pub mod shelf;
pub mod sound;
pub mod yours;

use crate::domain::check::{History, Message, Value};
use crate::domain::op::{Cause, Completion};

pub use crate::client::talk::Trouble;

/// A memory store, as the articles draw it.
pub trait Memory: Send {
    /// Whether it keeps contexts beside messages; one that does not is never asked to save or load.
    fn keeps_contexts(&self) -> bool {
        true
    }

    fn append(&mut self, session: &str, message: &Message) -> Result<(), StoreError>;

    /// Everything that can be read, and a line for each entry that cannot.
    fn history(&mut self, session: &str) -> Result<History, StoreError>;

    /// Replaces the context of the session.
    fn save(&mut self, session: &str, context: &Value) -> Result<(), StoreError>;

    /// `None` if there is none.
    fn load(&mut self, session: &str) -> Result<Option<Value>, StoreError>;

    fn delete(&mut self, session: &str) -> Result<(), StoreError>;
}

/// What a store says when it cannot do as it was told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It was not done.
    #[error("not done: {0}")]
    Refused(String),
    /// Nobody knows whether it was done.
    #[error("unknown whether it was done: {0}")]
    Indeterminate(String),
    /// What lies in the store cannot be read.
    #[error("unreadable: {0}")]
    Damaged(String),
    /// The store itself hangs, has died or talks nonsense.
    #[error("{0}")]
    Unwell(String),
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> StoreError {
        match (trouble.completion, trouble.cause) {
            (_, Cause::WrongType) => StoreError::Damaged(trouble.text),
            (Completion::Indeterminate, _) => StoreError::Indeterminate(trouble.text),
            _ => StoreError::Refused(trouble.text),
        }
    }
}
