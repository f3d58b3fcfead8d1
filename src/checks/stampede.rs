//! Stampede: one expiry, 64 readers; how often the context is rebuilt.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::stage::{PATIENCE, gates};
use super::{Notes, Stage, Stop};
use crate::backend::Endpoint;
use crate::client::talk::Talk;
use crate::domain::check::{Candidate, Finding};
use crate::network::gate::Matcher;
use crate::say;

const READERS: usize = 64;
const LEASE_MILLIS: &str = "30000";
const TTL_SECONDS: &str = "3600";
const REBUILT: &str = "the context, rebuilt";

/// What the readers share.
struct Cache<'a> {
    stage: &'a Stage<'a>,
    who: Candidate,
    endpoint: Endpoint,
    key: String,
    lock: String,
    rebuilds: AtomicUsize,
}

impl Cache<'_> {
    /// Reads, and rebuilds if there is nothing: everybody (naive), or whoever gets the lock (sound).
    fn read(&self, reader: usize) -> Result<String, Stop> {
        let mut talk = Talk::open(&self.endpoint, PATIENCE * 2)?;
        let found = say!(talk, "GET", self.key)?;
        if !found.is_nil() {
            return Ok(found.text());
        }
        if self.who != Candidate::Naive {
            let owner = reader.to_string();
            let lock = say!(talk, "SET", self.lock, owner, "NX", "PX", LEASE_MILLIS)?;
            if lock.is_nil() {
                let mut found = String::new();
                self.stage
                    .until("another reader had rebuilt the context", || {
                        found = say!(talk, "GET", self.key)?.text();
                        Ok(!found.is_empty())
                    })?;
                return Ok(found);
            }
            // Whoever had the lock before may have rebuilt it meanwhile.
            let found = say!(talk, "GET", self.key)?;
            if !found.is_nil() {
                return Ok(found.text());
            }
        }
        self.rebuilds.fetch_add(1, Ordering::SeqCst);
        say!(talk, "SETEX", self.key, TTL_SECONDS, REBUILT)?;
        Ok(REBUILT.to_owned())
    }
}

pub fn one_expiry(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Result<Finding, Stop> {
    let mut talk = stage.talk()?;
    let key = stage.key("context");
    say!(talk, "SET", key, "the context, old", "PX", "1")?;
    stage.until("the context had expired", || {
        Ok(say!(talk, "EXISTS", key)?.int() == 0)
    })?;
    let proxy = stage.proxy()?;
    let cache = Cache {
        stage,
        who,
        endpoint: stage.behind(&proxy),
        lock: stage.key("lock"),
        key: key.clone(),
        rebuilds: AtomicUsize::new(0),
    };
    // Each reader's nil is on its way back, and none has it yet.
    let held = gates(stage, &proxy, READERS, || {
        Matcher::reply().name("GET").argument(key.as_str())
    });
    let (missed, right) = std::thread::scope(|scope| {
        let cache = &cache;
        let running: Vec<_> = (0..READERS)
            .map(|reader| scope.spawn(move || cache.read(reader)))
            .collect();
        let missed = held
            .iter()
            .filter_map(|gate| gate.wait_held(PATIENCE))
            .filter(|held| held.reply.starts_with(b"$-1") || held.reply.starts_with(b"_"))
            .count();
        drop(held);
        let mut right = 0;
        for reader in running {
            let read = reader
                .join()
                .map_err(|_| Stop::Failed("a reader panicked".into()))??;
            right += usize::from(read == REBUILT);
        }
        Ok::<_, Stop>((missed, right))
    })?;
    let rebuilds = cache.rebuilds.load(Ordering::SeqCst);
    notes.add(format!(
        "one expiry, {READERS} readers, {missed} missed at once: {rebuilds} rebuilds, {right} readers got the new context"
    ));
    if missed < READERS {
        return Err(Stop::NotForced(format!(
            "{missed} of {READERS} readers missed at once"
        )));
    }
    Ok(if right < READERS {
        Finding::Caught(format!("{} readers got no context", READERS - right))
    } else if rebuilds == 1 {
        Finding::Passed("one rebuild for 64 readers".into())
    } else {
        Finding::Caught(format!("{rebuilds} rebuilds for one expiry"))
    })
}
