//! Eviction: a server whose memory is full, under each policy. Which sessions went, what the reader got, what the
//! writer got.

use std::fmt::Write;

use rusqlite::{Connection, OptionalExtension, params};

use super::server::{IN_MEMORY, Owned};
use super::{Notes, Stage, Stop};
use crate::client::talk::{Talk, Trouble};
use crate::domain::check::{Candidate, Finding};
use crate::say;

type Turn = Result<Finding, Stop>;

/// Sessions that are written; their sizes come to twice the room that there is.
const SESSIONS: usize = 160;
const SESSION_BYTES: usize = 16 * 1024;
const ROOM_BYTES: i64 = 1_400_000;
/// The first sessions are read again and again while the rest is written.
const WARM: usize = 10;

pub fn allkeys_lru(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    evicting(stage, who, notes, "allkeys-lru")
}

pub fn allkeys_lfu(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    evicting(stage, who, notes, "allkeys-lfu")
}

pub fn volatile_lru(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    evicting(stage, who, notes, "volatile-lru")
}

pub fn volatile_ttl(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    evicting(stage, who, notes, "volatile-ttl")
}

/// A server with little room over what it needs itself.
fn full(stage: &Stage<'_>, policy: &str) -> Result<Owned, Stop> {
    let server = stage.server(&format!(
        "{IN_MEMORY}maxmemory-policy {policy}\nmaxmemory-samples 10\n"
    ))?;
    let mut talk = server.talk()?;
    if stage.place.forcing {
        let limit = (used(&mut talk)? + ROOM_BYTES).to_string();
        say!(talk, "CONFIG", "SET", "maxmemory", limit)?;
    }
    Ok(server)
}

fn used(talk: &mut Talk) -> Result<i64, Stop> {
    field(talk, "memory", "used_memory:")
}

fn field(talk: &mut Talk, section: &str, name: &str) -> Result<i64, Stop> {
    let info = say!(talk, "INFO", section)?.text();
    let value = info.lines().find_map(|line| line.strip_prefix(name));
    let number = value.and_then(|value| value.trim().parse().ok());
    number.ok_or_else(|| Stop::Failed(format!("INFO {section} has no {name}")))
}

/// A store that keeps every session in SQLite, too, and looks there when Redis has none.
pub(super) struct Archived {
    archive: Option<Connection>,
}

impl Archived {
    /// The naive store has no archive.
    pub(super) fn new(who: Candidate) -> Result<Archived, Stop> {
        if who == Candidate::Naive {
            return Ok(Archived { archive: None });
        }
        let archive = Connection::open_in_memory()?;
        archive
            .execute_batch("CREATE TABLE session (key TEXT PRIMARY KEY, value TEXT NOT NULL)")?;
        Ok(Archived {
            archive: Some(archive),
        })
    }

    pub(super) fn write(
        &self,
        talk: &mut Talk,
        key: &str,
        value: &str,
        ttl: Option<usize>,
    ) -> Result<(), Stop> {
        if let Some(archive) = &self.archive {
            archive.execute(
                "INSERT OR REPLACE INTO session VALUES (?1, ?2)",
                params![key, value],
            )?;
        }
        match ttl {
            Some(seconds) => say!(talk, "SET", key, value, "EX", seconds.to_string())?,
            None => say!(talk, "SET", key, value)?,
        };
        Ok(())
    }

    /// Empty if the session is nowhere: a new chat, for all that the caller can tell.
    pub(super) fn read(&self, talk: &mut Talk, key: &str) -> Result<String, Stop> {
        let found = say!(talk, "GET", key)?;
        if !found.is_nil() {
            return Ok(found.text());
        }
        let Some(archive) = &self.archive else {
            return Ok(String::new());
        };
        let row = archive.query_row(
            "SELECT value FROM session WHERE key = ?1",
            params![key],
            |row| row.get(0),
        );
        Ok(row.optional()?.unwrap_or_default())
    }
}

fn evicting(stage: &Stage<'_>, who: Candidate, notes: &mut Notes, policy: &str) -> Turn {
    let server = full(stage, policy)?;
    let mut talk = server.talk()?;
    let store = Archived::new(who)?;
    let key = |number: usize| stage.key(&format!("session:{number:04}"));
    let value = |number: usize| format!("session {number} ").repeat(SESSION_BYTES / 13);
    // Every second session lives without a TTL; the TTLs of the others grow with their number.
    let ttl = |number: usize| number.is_multiple_of(2).then_some(3600 + number * 10);
    let mut refused = Vec::new();
    for number in 0..SESSIONS {
        if let Err(error) = store.write(&mut talk, &key(number), &value(number), ttl(number)) {
            refused.push(format!("{error:?}"));
        }
        for warm in 0..WARM.min(number) {
            say!(talk, "GET", key(warm))?;
        }
    }
    let evicted = field(&mut talk, "stats", "evicted_keys:")?;
    let mut gone = Gone::default();
    for number in 0..SESSIONS {
        if say!(talk, "EXISTS", key(number))?.int() == 0 {
            gone.count(number);
        }
    }
    notes.add(format!(
        "{policy}: {evicted} keys evicted; {}",
        gone.sentence()
    ));
    notes.add(format!(
        "writer: {} of {SESSIONS} writes answered OK{}",
        SESSIONS - refused.len(),
        refused
            .first()
            .map(|first| format!("; refused: {first}"))
            .unwrap_or_default()
    ));
    if evicted == 0 {
        return Err(Stop::NotForced("nothing was evicted".into()));
    }
    if policy.starts_with("volatile") && gone.without_ttl > refused.len() {
        return Ok(Finding::Failed(
            "a session without TTL went under a volatile policy".into(),
        ));
    }
    let mut empty = 0;
    for number in 0..SESSIONS {
        empty += usize::from(store.read(&mut talk, &key(number))? != value(number));
    }
    notes.add(format!(
        "reader: {empty} of {SESSIONS} sessions read as empty, without an error"
    ));
    Ok(if empty == 0 {
        Finding::Passed(format!(
            "{} evicted sessions were read from the archive",
            gone.all
        ))
    } else {
        Finding::Caught(format!(
            "{empty} chats begin anew without an error: Redis had evicted them and nothing else holds them"
        ))
    })
}

/// Which sessions went.
#[derive(Default)]
struct Gone {
    all: usize,
    without_ttl: usize,
    warm: usize,
    early: usize,
}

impl Gone {
    fn count(&mut self, number: usize) {
        self.all += 1;
        self.without_ttl += usize::from(number % 2 == 1);
        self.warm += usize::from(number < WARM);
        self.early += usize::from(number < SESSIONS / 2);
    }

    fn sentence(&self) -> String {
        let mut text = format!("{} of {SESSIONS} sessions went", self.all);
        let _ = write!(
            text,
            ", {} of them without a TTL, {} of the {WARM} that were read all the time, {} of the older half",
            self.without_ttl, self.warm, self.early
        );
        text
    }
}

/// The server takes nothing more: the writer must hear of it.
pub fn noeviction(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let server = full(stage, "noeviction")?;
    let mut talk = server.talk()?;
    let value = "x".repeat(SESSION_BYTES);
    let mut believed = 0;
    let mut first: Option<Trouble> = None;
    for number in 0..SESSIONS {
        let answer = say!(talk, "SET", stage.key(&format!("session:{number}")), value);
        // try: return setex(...) except RedisError: return False, and nobody looks at it
        let heard = who != Candidate::Naive;
        match answer {
            Ok(_) => believed += 1,
            Err(_) if !heard => believed += 1,
            Err(trouble) => first = first.or(Some(trouble)),
        }
    }
    let mut there = 0;
    for number in 0..SESSIONS {
        there += say!(talk, "EXISTS", stage.key(&format!("session:{number}")))?.int() as usize;
    }
    notes.add(format!(
        "noeviction: {there} of {SESSIONS} sessions are there, the store believes {believed} saved; the writer heard: {}",
        first.as_ref().map_or("nothing", |trouble| &trouble.text)
    ));
    if there == SESSIONS {
        return Err(Stop::NotForced("the server had room for everything".into()));
    }
    Ok(
        if believed == there && first.is_some_and(|trouble| trouble.text.contains("OOM")) {
            Finding::Passed("every refused write was told as OOM".into())
        } else {
            Finding::Caught(format!(
                "{} sessions are believed saved and are not there",
                believed - there
            ))
        },
    )
}
