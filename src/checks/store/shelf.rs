//! The five layouts as places for bytes: where an entry is put and how all of them are read.
//!
//! It knows nothing of what the bytes mean.

use crate::client::talk::{Reply, Talk, Trouble};
use crate::domain::check::Layout;
use crate::say;

/// Lua that puts `ARGV[2]` at the end of `KEYS[1]`. Entries of the string layout end with a line feed, so one
/// damaged entry leaves the others readable.
#[must_use]
pub fn push_script(layout: Layout) -> &'static str {
    match layout {
        Layout::List => "redis.call('RPUSH', KEYS[1], ARGV[2])",
        Layout::String => "redis.call('APPEND', KEYS[1], ARGV[2] .. '\\n')",
        Layout::Hash => {
            "redis.call('HSET', KEYS[1], string.format('%08d', redis.call('HLEN', KEYS[1]) + 1), ARGV[2])"
        }
        Layout::Zset => "redis.call('ZADD', KEYS[1], redis.call('ZCARD', KEYS[1]) + 1, ARGV[2])",
        Layout::Stream => "redis.call('XADD', KEYS[1], '*', 'message', ARGV[2])",
    }
}

/// All entries, in order.
///
/// # Errors
/// Those of the connection; WRONGTYPE if something else lies under the key.
pub fn read(talk: &mut Talk, layout: Layout, key: &str) -> Result<Vec<Vec<u8>>, Trouble> {
    let entries = match layout {
        Layout::List => bytes(say!(talk, "LRANGE", key, "0", "-1")?),
        Layout::String => {
            let whole = say!(talk, "GET", key)?.bytes().unwrap_or_default();
            let lines = whole
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            lines.map(<[u8]>::to_vec).collect()
        }
        Layout::Hash => {
            let flat = bytes(say!(talk, "HGETALL", key)?);
            let mut fields: Vec<&[Vec<u8>]> = flat.chunks_exact(2).collect();
            fields.sort();
            fields.into_iter().map(|pair| pair[1].clone()).collect()
        }
        Layout::Zset => bytes(say!(talk, "ZRANGE", key, "0", "-1")?),
        Layout::Stream => say!(talk, "XRANGE", key, "-", "+")?
            .array()
            .into_iter()
            .filter_map(|entry| entry.array().pop()?.array().pop()?.bytes())
            .collect(),
    };
    Ok(entries)
}

fn bytes(reply: Reply) -> Vec<Vec<u8>> {
    reply.array().into_iter().filter_map(Reply::bytes).collect()
}

/// Puts `entry` in the place of entry `at`, counted from 0: how the checks damage a session.
///
/// # Errors
/// Those of the connection.
pub fn replace(
    talk: &mut Talk,
    layout: Layout,
    key: &str,
    at: usize,
    entry: &[u8],
) -> Result<(), Trouble> {
    let mut entries = read(talk, layout, key)?;
    if let Some(place) = entries.get_mut(at) {
        *place = entry.to_vec();
    }
    let script = push_script(layout);
    say!(talk, "DEL", key)?;
    for entry in &entries {
        say!(talk, "EVAL", script, "1", key, "", entry)?;
    }
    Ok(())
}
