//! The user's own store as a memory store: the protocol's answers as the trait's.

use std::time::Duration;

use super::{Memory, StoreError};
use crate::adapter::{Ask, Cancelled, Fault, Store, StoreCommand, url};
use crate::backend::Endpoint;
use crate::domain::check::{History, Message, Value};

/// One process of it.
pub struct YourStore {
    store: Store,
}

impl YourStore {
    /// Starts a process of the store.
    ///
    /// # Errors
    /// It cannot be started, or does not greet.
    pub fn start(
        command: &StoreCommand,
        endpoint: &Endpoint,
        prefix: &str,
        ttl: Option<Duration>,
        patience: Duration,
        cancelled: Cancelled,
    ) -> Result<YourStore, StoreError> {
        let url = url(endpoint);
        let store = Store::start(&command.words, &url, prefix, ttl, patience, cancelled)?;
        Ok(YourStore { store })
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> StoreError {
        match fault {
            Fault::Refused(text) => StoreError::Refused(text),
            Fault::Indeterminate(text) => StoreError::Indeterminate(text),
            Fault::Damaged(text) => StoreError::Damaged(text),
            Fault::Unwell(text) => StoreError::Unwell(text),
        }
    }
}

impl Memory for YourStore {
    fn keeps_contexts(&self) -> bool {
        self.store.contexts
    }

    fn append(&mut self, session: &str, message: &Message) -> Result<(), StoreError> {
        self.store.ask(Ask::Append { session, message })?;
        Ok(())
    }

    fn history(&mut self, session: &str) -> Result<History, StoreError> {
        Ok(self.store.history(session)?)
    }

    fn save(&mut self, session: &str, context: &Value) -> Result<(), StoreError> {
        self.store.ask(Ask::Save { session, context })?;
        Ok(())
    }

    fn load(&mut self, session: &str) -> Result<Option<Value>, StoreError> {
        Ok(self.store.load(session)?)
    }

    fn delete(&mut self, session: &str) -> Result<(), StoreError> {
        self.store.ask(Ask::Delete { session })?;
        Ok(())
    }
}
