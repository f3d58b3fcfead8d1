//! Reading every list back and holding each element against the bytes that were written.

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use redis::{Connection, RedisResult, Value};

use crate::backend::Endpoint;
use crate::domain::op::SessionId;
use crate::domain::readback::{Altered, SessionReadback};
use crate::domain::workload::{KeySpace, MessageMaker};

/// Elements fetched by one LRANGE: about 100 kB, so that no single reply holds the server up for long.
const PAGE: usize = 1000;
/// Sessions asked for in one pipeline.
const BATCH: usize = 32;
/// Batches between the reader and the comparer.
const AHEAD: usize = 4;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Asked before each batch whether to go on, told how many sessions are done.
pub trait ScanWatch: Sync {
    /// False to stop: the sessions that were not read are reported as such.
    fn go_on(&self, done: usize) -> bool;
}

/// Reads the lists of `sessions` in their order. A session that cannot be read carries the reason;
/// this never fails as a whole, so that what was found is kept.
#[must_use]
pub fn lists(
    endpoint: &Endpoint,
    keys: &KeySpace,
    maker: &MessageMaker,
    sessions: &[SessionId],
    watch: &dyn ScanWatch,
) -> Vec<SessionReadback> {
    let (pages, fetched) = sync_channel::<(SessionId, Page)>(AHEAD * BATCH);
    std::thread::scope(|scope| {
        let comparer = scope.spawn(move || {
            let mut found: Vec<SessionReadback> = Vec::new();
            let mut expected = Vec::new();
            for (session, page) in fetched {
                if found.last().map(|last| last.session) != Some(session) {
                    found.push(SessionReadback::empty(session));
                }
                let readback = found.last_mut().expect("pushed just now");
                compare(readback, page, maker, &mut expected);
            }
            found
        });
        fetch(endpoint, keys, sessions, watch, &|session, page| {
            let _ = pages.send((session, page));
        });
        drop(pages);
        comparer.join().expect("comparing bytes does not panic")
    })
}

enum Page {
    Elements { from: u32, values: Vec<Value> },
    Failed(String),
}

fn fetch(
    endpoint: &Endpoint,
    keys: &KeySpace,
    sessions: &[SessionId],
    watch: &dyn ScanWatch,
    send: &dyn Fn(SessionId, Page),
) {
    let mut connection = super::connect::connect(endpoint, TIMEOUT);
    for (number, batch) in sessions.chunks(BATCH).enumerate() {
        let stop = !watch.go_on(number * BATCH);
        let pages = match &mut connection {
            _ if stop => Err("the readback was cancelled".to_owned()),
            Err(error) => Err(format!("cannot connect: {error}")),
            Ok(open) => {
                first_pages(open, keys, batch).map_err(|error| format!("LRANGE failed: {error}"))
            }
        };
        match pages {
            Err(reason) => batch
                .iter()
                .for_each(|session| send(*session, Page::Failed(reason.clone()))),
            Ok(pages) => {
                let open = connection.as_mut().expect("it answered just now");
                for (session, page) in batch.iter().zip(pages) {
                    further_pages(open, keys, *session, page, send);
                }
            }
        }
    }
    watch.go_on(sessions.len());
}

/// The first page of each session of a batch, in one round trip. Each may be an error of its own.
fn first_pages(
    connection: &mut Connection,
    keys: &KeySpace,
    batch: &[SessionId],
) -> RedisResult<Vec<Value>> {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for session in batch {
        pipeline
            .cmd("LRANGE")
            .arg(keys.key(*session))
            .arg(0)
            .arg(PAGE - 1);
    }
    pipeline.query(connection)
}

fn further_pages(
    connection: &mut Connection,
    keys: &KeySpace,
    session: SessionId,
    first: Value,
    send: &dyn Fn(SessionId, Page),
) {
    let mut from = 0;
    let mut page = Ok(first);
    loop {
        let values = match page {
            Ok(Value::Array(values)) => values,
            Ok(Value::ServerError(error)) => {
                return send(session, Page::Failed(format!("{error:?}")));
            }
            Ok(other) => return send(session, Page::Failed(format!("LRANGE answered {other:?}"))),
            Err(error) => return send(session, Page::Failed(format!("LRANGE failed: {error}"))),
        };
        let full = values.len() == PAGE;
        send(session, Page::Elements { from, values });
        if !full {
            return;
        }
        from += PAGE as u32;
        let last = from as usize + PAGE - 1;
        page = redis::cmd("LRANGE")
            .arg(keys.key(session))
            .arg(from)
            .arg(last)
            .query(connection);
    }
}

fn compare(
    readback: &mut SessionReadback,
    page: Page,
    maker: &MessageMaker,
    expected: &mut Vec<u8>,
) {
    let (from, values) = match page {
        Page::Failed(reason) => {
            readback.failure = Some(reason);
            return;
        }
        Page::Elements { from, values } => (from, values),
    };
    for (i, value) in values.into_iter().enumerate() {
        let bytes = match value {
            Value::BulkString(bytes) => bytes,
            other => format!("{other:?}").into_bytes(),
        };
        let next = readback.runs.last().map_or(1, |(_, last)| last + 1);
        let mut is = |seq: u32| {
            expected.clear();
            maker.write(readback.session, seq, expected);
            *expected == bytes
        };
        if is(next) {
            readback.push(next);
            continue;
        }
        let claimed = claimed_seq(&bytes);
        match claimed {
            Some(seq) if seq > 0 && is(seq) => readback.push(seq),
            _ => readback.altered.push(Altered {
                index: from + i as u32,
                seq: claimed,
                raw: String::from_utf8_lossy(&bytes[..bytes.len().min(Altered::MAX_RAW)])
                    .into_owned(),
            }),
        }
    }
}

/// The `seq` that an element claims: of its JSON, or of its beginning if the JSON is broken.
fn claimed_seq(bytes: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Claim {
        seq: u32,
    }
    if let Ok(claim) = serde_json::from_slice::<Claim>(bytes) {
        return Some(claim.seq);
    }
    let digits = bytes.strip_prefix(b"{\"seq\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

/// Keys under our prefix that are no session's of ours.
///
/// # Errors
/// Those of the connection.
pub fn foreign_keys(
    endpoint: &Endpoint,
    keys: &KeySpace,
    known: &HashSet<SessionId>,
    limit: usize,
) -> RedisResult<Vec<String>> {
    let mut foreign = Vec::new();
    scan_keys(endpoint, keys, |_, batch| {
        for key in batch {
            let key = String::from_utf8_lossy(&key).into_owned();
            let ours = keys
                .session(&key)
                .is_some_and(|session| known.contains(&session));
            if !ours && foreign.len() < limit {
                foreign.push(key);
            }
        }
        Ok(())
    })?;
    // SCAN may show a key more than once.
    foreign.sort();
    foreign.dedup();
    Ok(foreign)
}

/// Walks all keys of ours, batch by batch.
fn scan_keys(
    endpoint: &Endpoint,
    keys: &KeySpace,
    mut visit: impl FnMut(&mut Connection, Vec<Vec<u8>>) -> RedisResult<()>,
) -> RedisResult<()> {
    let mut connection = super::connect::connect(endpoint, TIMEOUT)?;
    let mut cursor = 0u64;
    loop {
        let (next, batch): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(keys.pattern())
            .arg("COUNT")
            .arg(1000)
            .query(&mut connection)?;
        if !batch.is_empty() {
            visit(&mut connection, batch)?;
        }
        cursor = next;
        if cursor == 0 {
            return Ok(());
        }
    }
}

/// Removes every key under a prefix that is not empty: what we wrote to somebody else's server.
///
/// # Errors
/// Those of the connection.
pub fn remove_namespace(endpoint: &Endpoint, keys: &KeySpace) -> RedisResult<u64> {
    assert!(!keys.prefix.is_empty(), "never sweep a whole server");
    let mut removed = 0;
    scan_keys(endpoint, keys, |connection, batch| {
        removed += redis::cmd("UNLINK").arg(batch).query::<u64>(connection)?;
        Ok(())
    })?;
    Ok(removed)
}
