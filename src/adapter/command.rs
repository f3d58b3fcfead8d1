//! How a store of the user's is started, and the address that it is given.

use crate::backend::{Endpoint, Wire};

/// The command.
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
}

/// `redis://[user][:password]@host:port/database`, `rediss://…` or `unix://…`; ours hold no character that a URL must escape, the user's may.
#[must_use]
pub fn url(endpoint: &Endpoint) -> String {
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
    let database = endpoint.database;
    let scheme = match &endpoint.wire {
        Wire::Socket(path) => return format!("unix://{login}{}?db={database}", path.display()),
        Wire::Tls { .. } => "rediss",
        Wire::Tcp => "redis",
    };
    // redis-py and its kin take the authority from the address.
    let authority = match &endpoint.wire {
        Wire::Tls { ca: Some(ca) } => {
            format!("?ssl_ca_certs={}", escape(&ca.display().to_string()))
        }
        _ => String::new(),
    };
    let host = match endpoint.host.contains(':') {
        true => format!("[{}]", endpoint.host.trim_matches(['[', ']'])),
        false => endpoint.host.clone(),
    };
    format!(
        "{scheme}://{login}{host}:{}/{database}{authority}",
        endpoint.port
    )
}
