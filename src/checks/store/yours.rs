//! The user's own store as a memory store: the protocol's answers as the trait's.

use std::time::Duration;

use super::{Memory, StoreError};
use crate::adapter::{Ask, Fault, Store};
use crate::backend::Endpoint;
use crate::domain::check::{History, Message, Value};

/// How the user's store is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreCommand {
    /// As typed, for people.
    pub text: String,
    pub words: Vec<String>,
}

impl StoreCommand {
    /// # Errors
    /// Quotes that do not close, or no words at all.
    pub fn parse(text: &str) -> Result<StoreCommand, String> {
        let words = shell_words::split(text)
            .map_err(|error| format!("\"{text}\" is no command: {error}"))?;
        if words.is_empty() {
            return Err("the command is empty: name your store's program".into());
        }
        Ok(StoreCommand {
            text: text.to_owned(),
            words,
        })
    }

    /// Starts a process of the store.
    ///
    /// # Errors
    /// It cannot be started, or does not greet.
    pub fn start(
        &self,
        endpoint: &Endpoint,
        prefix: &str,
        ttl: Option<Duration>,
        patience: Duration,
    ) -> Result<YourStore, StoreError> {
        let store = Store::start(&self.words, &url(endpoint), prefix, ttl, patience)?;
        Ok(YourStore { store })
    }
}

/// `redis://[user][:password]@host:port/database`; ours hold no character that a URL must escape, the user's may.
fn url(endpoint: &Endpoint) -> String {
    let escape = |text: &str| -> String {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        text.bytes()
            .map(|byte| match plain(&byte) {
                true => char::from(byte).to_string(),
                false => format!("%{byte:02X}"),
            })
            .collect()
    };
    let login = match (&endpoint.user, &endpoint.password) {
        (None, None) => String::new(),
        (user, password) => format!(
            "{}:{}@",
            user.as_deref().map(escape).unwrap_or_default(),
            password.as_deref().map(escape).unwrap_or_default()
        ),
    };
    format!(
        "redis://{login}{}:{}/{}",
        endpoint.host, endpoint.port, endpoint.database
    )
}

/// One process of it.
pub struct YourStore {
    store: Store,
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
