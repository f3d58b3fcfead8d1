//! Dual write: Redis before SQLite. Which side is stale, for how long, and whether they converge.
//!
//! Reader and writer are a few steps each, taken in the order that the hazard needs: no thread, no luck.

use rusqlite::{Connection, OptionalExtension, params};

use super::server::Owned;
use super::{Notes, Stage, Stop};
use crate::client::talk::{Talk, Trouble};
use crate::domain::check::{Candidate, Finding};
use crate::say;

type Turn = Result<Finding, Stop>;

const KEY: &str = "user:1";
const TTL_SECONDS: &str = "3600";

/// Puts a value into the cache only if no newer version is there.
const FILL: &str = "local now = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1') \
     if tonumber(ARGV[1]) > now then redis.call('HSET', KEYS[1], 'version', ARGV[1], 'value', ARGV[2]) \
     redis.call('EXPIRE', KEYS[1], ARGV[3]) return 1 end return 0";

/// A row: its value and how often it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    version: i64,
    value: String,
}

/// The pair of stores.
struct Pair {
    db: Connection,
    talk: Talk,
    key: String,
    versioned: bool,
}

impl Pair {
    fn open(stage: &Stage<'_>, who: Candidate) -> Result<Pair, Stop> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(
            "CREATE TABLE memory (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL);
             CREATE TABLE outbox (key TEXT PRIMARY KEY);",
        )?;
        let mut pair = Pair {
            db,
            talk: stage.talk()?,
            key: stage.key(KEY),
            versioned: who != Candidate::Naive,
        };
        let old = pair.write_db("old")?;
        pair.fill(&old)?;
        Ok(pair)
    }

    fn read_db(&self) -> Result<Option<Row>, Stop> {
        let row = self.db.query_row(
            "SELECT version, value FROM memory WHERE key = ?1",
            params![KEY],
            |row| {
                Ok(Row {
                    version: row.get(0)?,
                    value: row.get(1)?,
                })
            },
        );
        Ok(row.optional()?)
    }

    /// One transaction; the sound pair notes in it that the cache must follow.
    fn write_db(&mut self, value: &str) -> Result<Row, Stop> {
        let transaction = self.db.transaction()?;
        transaction.execute(
            "INSERT INTO memory VALUES (?1, 1, ?2)
             ON CONFLICT (key) DO UPDATE SET version = version + 1, value = excluded.value",
            params![KEY, value],
        )?;
        if self.versioned {
            transaction.execute("INSERT OR IGNORE INTO outbox VALUES (?1)", params![KEY])?;
        }
        transaction.commit()?;
        self.read_db()?
            .ok_or_else(|| Stop::Failed("the row is gone".into()))
    }

    fn read_cache(&mut self) -> Result<Option<String>, Trouble> {
        let value = say!(self.talk, "HGET", self.key, "value")?;
        Ok((!value.is_nil()).then(|| value.text()))
    }

    fn fill(&mut self, row: &Row) -> Result<(), Trouble> {
        let version = row.version.to_string();
        if self.versioned {
            say!(
                self.talk,
                "EVAL",
                FILL,
                "1",
                self.key,
                version,
                row.value,
                TTL_SECONDS
            )?;
        } else {
            say!(
                self.talk, "HSET", self.key, "version", version, "value", row.value
            )?;
            say!(self.talk, "EXPIRE", self.key, TTL_SECONDS)?;
        }
        Ok(())
    }

    /// Forgets the cached value. The sound pair leaves the newest version behind, so that a late fill with an
    /// older one is refused.
    fn forget(&mut self) -> Result<(), Stop> {
        if !self.versioned {
            say!(self.talk, "DEL", self.key)?;
            return Ok(());
        }
        let version = self.read_db()?.map_or(0, |row| row.version - 1).to_string();
        say!(self.talk, "HSET", self.key, "version", version)?;
        say!(self.talk, "HDEL", self.key, "value")?;
        say!(self.talk, "EXPIRE", self.key, TTL_SECONDS)?;
        Ok(())
    }

    /// What a start does: the cache follows where it was noted that it must.
    fn replay_outbox(&mut self) -> Result<i64, Stop> {
        let pending: i64 = self
            .db
            .query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?;
        if pending > 0 && self.versioned {
            if let Some(row) = self.read_db()? {
                self.fill(&row)?;
            }
            self.db.execute("DELETE FROM outbox", [])?;
        }
        Ok(pending)
    }

    /// A reader: the cache, else the database, and the cache is filled.
    fn read(&mut self) -> Result<String, Stop> {
        if let Some(value) = self.read_cache()? {
            return Ok(value);
        }
        let row = self
            .read_db()?
            .ok_or_else(|| Stop::Failed("the row is gone".into()))?;
        self.fill(&row)?;
        Ok(row.value)
    }

    /// Whether readers get what the database holds, and what is stale for how long.
    fn compare(&mut self, notes: &mut Notes) -> Turn {
        let expected = self.read_db()?.map(|row| row.value).unwrap_or_default();
        let mut stale = 0;
        const READS: usize = 3;
        for _ in 0..READS {
            stale += usize::from(self.read()? != expected);
        }
        let cached = self.read_cache()?.unwrap_or_default();
        let ttl = say!(self.talk, "TTL", self.key)?.int();
        notes.add(format!(
            "database: {expected}; cache: {cached}; {stale} of {READS} readers got a stale value"
        ));
        Ok(if stale == READS {
            Finding::Caught(format!(
                "the cache is stale and stays so for {ttl} s more: nothing makes the two converge before the key expires"
            ))
        } else if stale > 0 {
            Finding::Caught("readers got a stale value".into())
        } else {
            Finding::Passed("database and cache agree".into())
        })
    }
}

/// Unforced, the actors take turns and no hazard comes about.
fn unforced(stage: &Stage<'_>) -> Result<(), Stop> {
    match stage.place.forcing {
        true => Ok(()),
        false => Err(Stop::NotForced("reader and writer took turns".into())),
    }
}

pub fn delete_then_db(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    unforced(stage)?;
    // The sound order is the other one; the reader between is the same.
    if who == Candidate::Naive {
        pair.forget()?;
        let between = pair.read()?;
        notes.add(format!(
            "the cache was emptied, a reader put {between} back, then the database was written"
        ));
        pair.write_db("new")?;
    } else {
        let new = pair.write_db("new")?;
        let between = pair.read()?;
        notes.add(format!(
            "the database was written, a reader still got {between}, then the cache was emptied"
        ));
        pair.forget()?;
        pair.fill(&new)?;
    }
    pair.compare(notes)
}

pub fn db_then_delete(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    unforced(stage)?;
    say!(pair.talk, "DEL", pair.key)?;
    // The reader has missed and holds the old row in its hand.
    let in_hand = pair
        .read_db()?
        .ok_or_else(|| Stop::Failed("the row is gone".into()))?;
    pair.write_db("new")?;
    pair.forget()?;
    pair.fill(&in_hand)?;
    notes.add("a reader missed and read the old row; the writer wrote and emptied the cache; the reader filled it");
    pair.compare(notes)
}

pub fn write_through(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    unforced(stage)?;
    let first = pair.write_db("first writer")?;
    let second = pair.write_db("second writer")?;
    pair.fill(&second)?;
    pair.fill(&first)?;
    notes.add("two writers: the database took first, second; the cache took second, first");
    pair.compare(notes)
}

pub fn crash_between(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    unforced(stage)?;
    pair.write_db("new")?;
    notes.add("the database was written, and the process ended before the cache");
    let stale = pair.read()?;
    let pending = pair.replay_outbox()?;
    notes.add(format!(
        "until the restart readers got {stale}; the restart found {pending} noted changes and carried them out"
    ));
    pair.compare(notes)
}

pub fn db_down(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    unforced(stage)?;
    // SQLite refuses every write from here on.
    pair.db.execute_batch("PRAGMA query_only = ON")?;
    let told = if who == Candidate::Naive {
        let row = Row {
            version: 2,
            value: "new".into(),
        };
        pair.fill(&row)?;
        pair.write_db("new").is_err()
    } else {
        match pair.write_db("new") {
            Ok(row) => {
                pair.fill(&row)?;
                false
            }
            Err(_) => true,
        }
    };
    if !told {
        return Err(Stop::NotForced("the database took the write".into()));
    }
    notes.add(match who {
        Candidate::Naive => "the cache was written first, then the database refused",
        _ => "the database refused, so the cache was left alone and the caller told",
    });
    pair.compare(notes)
}

/// The cache is away when it should be emptied, and comes back with what it had.
pub fn cache_down(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut server = Owned::start(
        stage.place,
        "appendonly yes\nappendfsync always\nsave \"\"\n",
    )?;
    let on = stage.on(&server.endpoint);
    let mut pair = Pair::open(&on, who)?;
    unforced(stage)?;
    server.kill()?;
    pair.write_db("new")?;
    let failed = pair.forget().is_err();
    server.start_again()?;
    pair.talk = server.talk()?;
    if !failed {
        return Err(Stop::NotForced("the cache took the deletion".into()));
    }
    let pending = pair.replay_outbox()?;
    notes.add(format!(
        "the cache was killed, the database written, the deletion failed, the cache came back from its AOF; {pending} noted changes carried out"
    ));
    pair.compare(notes)
}

/// The same value in both stores, and only one of them knows its type.
pub fn asymmetric(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut pair = Pair::open(stage, who)?;
    let written = serde_json::json!({ "age": 30, "score": 1.0, "tags": ["a"] });
    // str() for the database, JSON for the cache: looks the same and is not.
    let row = match who {
        Candidate::Naive => "{'age': 30, 'score': 1.0, 'tags': ['a']}".to_owned(),
        _ => written.to_string(),
    };
    pair.write_db(&row)?;
    let cached = Row {
        version: 99,
        value: written.to_string(),
    };
    pair.fill(&cached)?;
    let from_cache = serde_json::from_str::<serde_json::Value>(&pair.read()?).ok();
    say!(pair.talk, "DEL", pair.key)?;
    let from_db = serde_json::from_str::<serde_json::Value>(&pair.read()?).ok();
    notes.add(format!("read from the cache: {from_cache:?}"));
    notes.add(format!("read after the cache has expired: {from_db:?}"));
    Ok(if from_cache == Some(written) && from_cache == from_db {
        Finding::Passed("a value is the same, wherever it is read from".into())
    } else {
        Finding::Caught("a value changes with the place that it is read from".into())
    })
}
