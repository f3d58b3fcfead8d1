//! Orders to a server of ours that bring a moment about: begin a snapshot or a rewrite, make it slow.

use redis::{Connection, RedisResult};

/// Begins a BGSAVE. A server that is busy with another child says so in the error.
///
/// # Errors
/// Those of the connection, and the server's refusal.
pub fn bgsave(connection: &mut Connection) -> RedisResult<()> {
    redis::cmd("BGSAVE").query(connection)
}

/// Begins an AOF rewrite, or schedules it behind a snapshot that runs.
///
/// # Errors
/// Those of the connection, and the server's refusal.
pub fn bgrewriteaof(connection: &mut Connection) -> RedisResult<()> {
    redis::cmd("BGREWRITEAOF").query(connection)
}

/// Lets a snapshot, a rewrite with RDB preamble and the final save sleep so many microseconds at each key.
/// `rdb-key-save-delay` is hidden in CONFIG GET * and can be set all the same (6.2 to 8, Valkey).
///
/// # Errors
/// Those of the connection, and a server that does not know the setting.
pub fn slow_saves(connection: &mut Connection, micros_a_key: u64) -> RedisResult<()> {
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("rdb-key-save-delay")
        .arg(micros_a_key)
        .query(connection)
}
