//! What the server says of itself: INFO and CONFIG GET.

use std::collections::HashMap;

use redis::{Connection, RedisResult};

use crate::domain::event::ServerInfo;
use crate::domain::fault::PersistenceInfo;
use crate::domain::op::Micros;

/// INFO as a table; sections make no difference, field names are unique.
#[derive(Clone, Debug, Default)]
pub struct Info(HashMap<String, String>);

impl Info {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let field = |line: &str| {
            let (name, value) = line.trim_end().split_once(':')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Info(text.lines().filter_map(field).collect())
    }

    /// # Errors
    /// Those of the connection.
    pub fn fetch(connection: &mut Connection) -> RedisResult<Self> {
        let text: String = redis::cmd("INFO").query(connection)?;
        Ok(Info::parse(&text))
    }

    /// The part about persistence alone: cheap enough to be asked without a pause.
    ///
    /// # Errors
    /// Those of the connection.
    pub fn fetch_persistence(connection: &mut Connection) -> RedisResult<Self> {
        let text: String = redis::cmd("INFO").arg("persistence").query(connection)?;
        Ok(Info::parse(&text))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// Zero if the field is missing: older servers have fewer.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    #[must_use]
    pub fn persistence(&self, at: Micros) -> PersistenceInfo {
        let is = |name, value| self.text(name) == value;
        PersistenceInfo {
            at,
            aof_enabled: is("aof_enabled", "1"),
            aof_pending_bio_fsync: self.number("aof_pending_bio_fsync"),
            aof_buffer_length: self.number("aof_buffer_length"),
            aof_delayed_fsync: self.number("aof_delayed_fsync"),
            aof_current_size: self.number("aof_current_size"),
            aof_rewrite_in_progress: is("aof_rewrite_in_progress", "1"),
            rdb_bgsave_in_progress: is("rdb_bgsave_in_progress", "1"),
            rdb_changes_since_last_save: self.number("rdb_changes_since_last_save"),
            rdb_last_save_time: self.number("rdb_last_save_time") as i64,
            rdb_last_bgsave_ok: is("rdb_last_bgsave_status", "ok"),
            aof_last_write_ok: is("aof_last_write_status", "ok"),
            latest_fork_usec: self.number("latest_fork_usec"),
            evicted_keys: self.number("evicted_keys"),
            expired_keys: self.number("expired_keys"),
            used_memory_bytes: self.number("used_memory"),
            loading: is("loading", "1"),
        }
    }

    /// Name, version and system; where it runs and what it was told is for the caller to fill in.
    #[must_use]
    pub fn server(&self) -> ServerInfo {
        // Forks keep redis_version for the compatibility level and add their own.
        let forks = [
            ("valkey_version", "Valkey"),
            ("redict_version", "Redict"),
            ("dragonfly_version", "Dragonfly"),
        ];
        let fork = forks
            .into_iter()
            .find(|(field, _)| !self.text(field).is_empty());
        let (field, engine) = fork.unwrap_or(("redis_version", "Redis"));
        ServerInfo {
            engine: engine.to_owned(),
            version: self.text(field).to_owned(),
            os: self.text("os").to_owned(),
            ..ServerInfo::default()
        }
    }
}

/// How many keys the connection's database holds.
///
/// # Errors
/// Those of the connection.
pub fn key_count(connection: &mut Connection) -> RedisResult<u64> {
    redis::cmd("DBSIZE").query(connection)
}

/// The value in force of each named directive; a directive that the server does not know is absent.
///
/// # Errors
/// Those of the connection, and a server that forbids CONFIG.
pub fn config(connection: &mut Connection, names: &[&str]) -> RedisResult<HashMap<String, String>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let mut all = redis::cmd("CONFIG");
    all.arg("GET").arg(names);
    if let Ok(values) = all.query(connection) {
        return Ok(values);
    }
    // Before Redis 7 the command takes one name at a time.
    let mut values = HashMap::new();
    for name in names {
        let answer: HashMap<String, String> = redis::cmd("CONFIG")
            .arg("GET")
            .arg(name)
            .query(connection)?;
        values.extend(answer);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_called_by_its_own_name() {
        let info = Info::parse("# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.0.1\r\n");
        assert_eq!(info.server().engine, "Valkey");
        assert_eq!(info.server().version, "8.0.1");
    }

    #[test]
    fn a_pending_fsync_is_seen() {
        let info =
            Info::parse("aof_enabled:1\r\naof_pending_bio_fsync:1\r\naof_buffer_length:512\r\n");
        let persistence = info.persistence(Micros(5));
        assert_eq!(
            (
                persistence.aof_pending_bio_fsync,
                persistence.aof_buffer_length
            ),
            (1, 512)
        );
    }
}
