//! One ordinary connection, for everything that is not the load.

use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};

use super::reader;
use super::target::Target;
use crate::backend::{Endpoint, Wire};

/// Connects within `timeout`; reads and writes on the connection have the same limit.
///
/// The handshake is AUTH and SELECT, as far as they are needed, and nothing else: a server that hangs makes each
/// answer that is waited for cost the limit once more.
///
/// # Errors
/// Refused, timed out, wrong password.
pub fn connect(endpoint: &Endpoint, timeout: Duration) -> redis::RedisResult<redis::Connection> {
    let client = match endpoint.wire {
        Wire::Tcp => redis::Client::open(info(endpoint)?)?,
        Wire::Tls { .. } | Wire::Socket(_) => reader::client(&Target::of(endpoint))
            .map_err(|error| std::io::Error::other(error.to_string()))?,
    };
    let connection = client.get_connection_with_timeout(timeout)?;
    connection.set_read_timeout(Some(timeout))?;
    connection.set_write_timeout(Some(timeout))?;
    Ok(connection)
}

fn info(endpoint: &Endpoint) -> redis::RedisResult<ConnectionInfo> {
    let mut settings = redis::RedisConnectionInfo::default()
        .set_db(endpoint.database)
        .set_skip_set_lib_name();
    if let Some(user) = &endpoint.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &endpoint.password {
        settings = settings.set_password(password);
    }
    let address = ConnectionAddr::Tcp(endpoint.host.clone(), endpoint.port);
    Ok(address.into_connection_info()?.set_redis_settings(settings))
}

/// What a `redis://` address says.
///
/// # Errors
/// In words: what is wrong with the address and what is understood.
pub fn parse_url(url: &str) -> Result<Endpoint, String> {
    let shape = "write it as redis://[user[:password]@]host:port[/database]";
    if url.starts_with("rediss://") {
        return Err(format!("TLS is not understood by drills; {shape}"));
    }
    let info = url
        .into_connection_info()
        .map_err(|error| format!("{error}; {shape}"))?;
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        return Err(format!(
            "only TCP addresses are understood by drills; {shape}"
        ));
    };
    let settings = info.redis_settings();
    Ok(Endpoint {
        host: host.clone(),
        port: *port,
        user: settings.username().map(str::to_owned),
        password: settings.password().map(str::to_owned),
        database: settings.db(),
        wire: Wire::Tcp,
    })
}

/// What one PING on a fresh connection tells about readiness. A listening port proves nothing:
/// a container engine's proxy accepts long before the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// The data set is being loaded.
    Loading,
    NotYet(String),
    /// It answers and will not let us in.
    Refused(String),
}

/// Asks once.
#[must_use]
pub fn ask(endpoint: &Endpoint, timeout: Duration) -> Readiness {
    let pong = connect(endpoint, timeout)
        .and_then(|mut connection| redis::cmd("PING").query::<String>(&mut connection));
    let Err(error) = pong else {
        return Readiness::Ready;
    };
    let text = error.to_string();
    match error.code() {
        Some("LOADING" | "BUSYLOADING") => Readiness::Loading,
        Some("NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED") => Readiness::Refused(text),
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => {
            // The client crate says this of LOADING answers to AUTH, too.
            if text.contains("LOADING") {
                Readiness::Loading
            } else {
                Readiness::Refused(text)
            }
        }
        _ => Readiness::NotYet(text),
    }
}
