//! A store that somebody points us to: its address, and how to say it without the password.

use std::fmt;
use std::path::PathBuf;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use crate::backend::{Endpoint, Wire};

const SHAPES: &str = "write it as redis://[user[:password]@]host:port[/database], rediss://… for TLS, or unix:///path/to/socket[?db=1]";

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16 },
    Socket(PathBuf),
}

/// A store and how to get in.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub place: Place,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: i64,
    /// A certificate authority of the user's own, in PEM.
    pub ca: Option<PathBuf>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

impl Target {
    /// # Errors
    /// In words: what is wrong with the address and what is understood.
    pub fn parse(url: &str) -> Result<Target, String> {
        let url = url.trim();
        if url.is_empty() {
            return Err(format!("there is no address; {SHAPES}"));
        }
        let info = url
            .into_connection_info()
            .map_err(|error| format!("this is no address of a store: {error}; {SHAPES}"))?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp {
                host: host.clone(),
                port: *port,
            },
            ConnectionAddr::TcpTls { host, port, .. } => Place::Tls {
                host: host.clone(),
                port: *port,
            },
            ConnectionAddr::Unix(path) => Place::Socket(path.clone()),
            _ => return Err(format!("this kind of address is not understood; {SHAPES}")),
        };
        let settings = info.redis_settings();
        if settings.db() < 0 {
            return Err(format!("there is no database {}; {SHAPES}", settings.db()));
        }
        Ok(Target {
            place,
            user: settings.username().map(str::to_owned),
            password: settings.password().map(str::to_owned),
            database: settings.db(),
            ca: None,
        })
    }

    /// The server of a drill, or one that checks write to.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Target {
        let (host, port) = (endpoint.host.clone(), endpoint.port);
        let (place, ca) = match &endpoint.wire {
            Wire::Tcp => (Place::Tcp { host, port }, None),
            Wire::Tls { ca } => (Place::Tls { host, port }, ca.clone()),
            Wire::Socket(path) => (Place::Socket(path.clone()), None),
        };
        Target {
            place,
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
            database: endpoint.database,
            ca,
        }
    }

    /// Where those find it who write.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let (host, port, wire) = match &self.place {
            Place::Tcp { host, port } => (host.clone(), *port, Wire::Tcp),
            Place::Tls { host, port } => (
                host.clone(),
                *port,
                Wire::Tls {
                    ca: self.ca.clone(),
                },
            ),
            Place::Socket(path) => (String::new(), 0, Wire::Socket(path.clone())),
        };
        Endpoint {
            host,
            port,
            user: self.user.clone(),
            password: self.password.clone(),
            database: self.database,
            wire,
        }
    }

    /// The address without the password: for the screen, for files, and to be remembered.
    #[must_use]
    pub fn label(&self) -> String {
        let user = self
            .user
            .as_ref()
            .map_or(String::new(), |user| format!("{}@", escaped(user)));
        let database = match self.database {
            0 => String::new(),
            database => format!("/{database}"),
        };
        match &self.place {
            Place::Tcp { host, port } => format!("redis://{user}{}:{port}{database}", bare(host)),
            Place::Tls { host, port } => format!("rediss://{user}{}:{port}{database}", bare(host)),
            Place::Socket(path) => {
                let user = self
                    .user
                    .as_ref()
                    .map(|user| format!("user={}", escaped(user)));
                let database = (self.database != 0).then(|| format!("db={}", self.database));
                let query: Vec<String> = user.into_iter().chain(database).collect();
                let mark = if query.is_empty() { "" } else { "?" };
                format!("unix://{}{mark}{}", path.display(), query.join("&"))
            }
        }
    }

    /// Host and port, or the socket: for the badge.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.place {
            Place::Tcp { host, port } | Place::Tls { host, port } => {
                format!("{}:{port}", bare(host))
            }
            Place::Socket(path) => path.display().to_string(),
        }
    }

    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.place, Place::Tls { .. })
    }

    pub(super) fn info(&self) -> redis::RedisResult<ConnectionInfo> {
        // Without the name of the client library: nothing is sent that is not on the reader's list.
        let mut settings = redis::RedisConnectionInfo::default()
            .set_db(self.database)
            .set_skip_set_lib_name();
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        // A user without a password logs in with an empty one, which a nopass user may: without a login the server
        // would show us the store with the eyes of its default user.
        if let Some(password) = self.password.as_deref().or(self.user.as_ref().map(|_| "")) {
            settings = settings.set_password(password);
        }
        let info = match &self.place {
            Place::Tcp { host, port } => {
                ConnectionAddr::Tcp(host.clone(), *port).into_connection_info()?
            }
            // Only a parsed address can be of TLS: that variant has fields that nobody else may name.
            Place::Tls { host, port } => {
                format!("rediss://{}:{port}", bare(host)).into_connection_info()?
            }
            Place::Socket(path) => ConnectionAddr::Unix(path.clone()).into_connection_info()?,
        };
        Ok(info.set_redis_settings(settings))
    }
}

/// IPv6 in brackets.
fn bare(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// Percent-encodes what would end the user's part of an address.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood_and_told_without_their_password() {
        for (url, label) in [
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://localhost", "redis://localhost:6379"),
            ("redis://:secret@h:1/3", "redis://h:1/3"),
            ("rediss://me:se%40cret@h:1", "rediss://me@h:1"),
            ("redis://a%40b:x@h:1", "redis://a%40b@h:1"),
            (
                "unix:///run/redis.sock?db=2&pass=secret",
                "unix:///run/redis.sock?db=2",
            ),
            ("redis://[::1]:6379", "redis://[::1]:6379"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!(target.label(), label);
            assert!(!format!("{target:?}").contains("secret"));
            let again = Target::parse(label).unwrap();
            assert_eq!(
                (again.place, again.user, again.database),
                (target.place, target.user, target.database)
            );
        }
        for wrong in [
            "",
            "http://x",
            "localhost:6379",
            "redis://h:1/x",
            "redis://h:99999",
        ] {
            let error = Target::parse(wrong).unwrap_err();
            assert!(error.contains("redis://["), "{wrong}: {error}");
        }
    }
}
