//! Expiry: a session lives as long as the policy says, whatever is done to it. Times to live are asked of the server;
//! no check sleeps.

use std::time::Duration;

use super::store::Memory;
use super::store::naive::{Habit, NaiveStore};
use super::store::sound::SoundStore;
use super::{Notes, Stage, Stop};
use crate::client::talk::{Talk, Trouble};
use crate::domain::check::{Candidate, Finding, Message, Value};
use crate::say;

type Turn = Result<Finding, Stop>;

/// An hour: the policy of the store.
const HOUR_MILLIS: i64 = 3_600_000;
/// Time to live that a session has left when it is touched again.
const LEFT_MILLIS: &str = "5000";
/// What PTTL says: no such key, no time to live.
const GONE: i64 = -2;
const FOREVER: i64 = -1;

fn pttl(talk: &mut Talk, key: &str) -> Result<i64, Trouble> {
    Ok(say!(talk, "PTTL", key)?.int())
}

/// In words, for evidence.
fn lives(pttl: i64) -> String {
    match pttl {
        GONE => "is gone".into(),
        FOREVER => "lives for ever".into(),
        millis => format!("lives for {:.0} s more", millis as f64 / 1000.0),
    }
}

fn near(pttl: i64, wanted_millis: i64) -> bool {
    // A busy machine may need a while between command and question.
    pttl > 0 && pttl <= wanted_millis && pttl > wanted_millis - 60_000
}

pub fn set(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    match who {
        // The TTL is a second command, and the process ends before it.
        Candidate::Naive => say!(talk, "SET", key, "{}")?,
        _ => say!(talk, "SET", key, "{}", "PX", HOUR_MILLIS.to_string())?,
    };
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "after the first command the session {}",
        lives(left)
    ));
    Ok(if near(left, HOUR_MILLIS) {
        Finding::Passed("value and time to live are one command".into())
    } else {
        Finding::Caught(
            "a process that ends after its first command leaves a session for ever".into(),
        )
    })
}

/// A whole store whose policy is an hour: set at the first write of everything, renewed by an append.
pub fn policy(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let hour = Duration::from_millis(HOUR_MILLIS as u64);
    let (endpoint, prefix, layout) = (&stage.endpoint, &stage.prefix, stage.layout());
    let mut store: Box<dyn Memory> = match who {
        // It knows no time to live at all.
        Candidate::Naive => Box::new(NaiveStore::open(
            endpoint,
            prefix,
            layout,
            Habit::BlindAppend,
        )?),
        Candidate::Sound => Box::new(SoundStore::open(endpoint, prefix, layout)?.with_ttl(hour)),
        Candidate::Yours => stage.yours(Some(hour))?,
    };
    store.append("lasting", &Message::numbered(1))?;
    if store.keeps_contexts() {
        store.save("lasting", &Value::text("orders"))?;
    }
    let mut talk = stage.talk()?;
    let keys = super::namespace::keys(&mut talk, &stage.prefix)?;
    if keys.is_empty() {
        return Err(Stop::Unwell(
            "the store has written nothing under CRASHDRILL_PREFIX".into(),
        ));
    }
    let mut wrong = Vec::new();
    for key in &keys {
        let left = say!(talk, "PTTL", key)?.int();
        notes.add(format!("{} {}", String::from_utf8_lossy(key), lives(left)));
        if !near(left, HOUR_MILLIS) {
            wrong.push(format!(
                "{} {} after its first write",
                String::from_utf8_lossy(key),
                lives(left)
            ));
        }
        say!(talk, "PEXPIRE", key, "60000")?;
    }
    store.append("lasting", &Message::numbered(2))?;
    let renewed = store_renewed(&mut talk, &keys)?;
    notes.add(format!(
        "after another append {renewed} of {} keys were renewed",
        keys.len()
    ));
    if renewed == 0 {
        wrong.push("an append does not renew the time to live".into());
    }
    Ok(match wrong.first() {
        None => Finding::Passed(
            "every key has its time to live at once, and an append renews it".into(),
        ),
        Some(first) => Finding::Caught(format!("asked for a time to live of 3600 s, {first}")),
    })
}

fn store_renewed(talk: &mut Talk, keys: &[Vec<u8>]) -> Result<usize, Stop> {
    let mut renewed = 0;
    for key in keys {
        renewed += usize::from(say!(talk, "PTTL", key)?.int() > 120_000);
    }
    Ok(renewed)
}

pub fn refreshed(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    let append = |talk: &mut Talk| -> Result<(), Trouble> {
        let new = say!(talk, "RPUSH", key, "message")?.int() == 1;
        if new || who != Candidate::Naive {
            say!(talk, "PEXPIRE", key, HOUR_MILLIS.to_string())?;
        }
        Ok(())
    };
    append(&mut talk)?;
    say!(talk, "PEXPIRE", key, LEFT_MILLIS)?;
    append(&mut talk)?;
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "a session with 5 s left got another message; it {}",
        lives(left)
    ));
    Ok(if near(left, HOUR_MILLIS) {
        Finding::Passed("an append renews the time to live".into())
    } else {
        Finding::Caught("a chat expires in the middle of the conversation".into())
    })
}

pub fn lost_by_set(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    say!(talk, "SET", key, "old", "PX", HOUR_MILLIS.to_string())?;
    match who {
        Candidate::Naive => say!(talk, "SET", key, "new")?,
        _ => say!(talk, "SET", key, "new", "KEEPTTL")?,
    };
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "a session with an hour to live was set again; it {}",
        lives(left)
    ));
    Ok(if near(left, HOUR_MILLIS) {
        Finding::Passed("SET with KEEPTTL leaves the time to live".into())
    } else {
        Finding::Caught("a plain SET has taken the time to live away".into())
    })
}

/// "0" means "never expires" to a configuration file, and "now" to Redis.
pub fn expire_zero(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    say!(talk, "SET", key, "context", "PX", HOUR_MILLIS.to_string())?;
    let refused = say!(talk, "SET", stage.key("other"), "x", "EX", "0").err();
    notes.add(format!(
        "SET … EX 0: {}",
        refused.map_or("taken".into(), |trouble| trouble.text)
    ));
    match who {
        Candidate::Naive => say!(talk, "EXPIRE", key, "0")?,
        _ => say!(talk, "PERSIST", key)?,
    };
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "told to keep the session for ever; it {}",
        lives(left)
    ));
    Ok(if left == FOREVER {
        Finding::Passed("\"for ever\" is PERSIST".into())
    } else {
        Finding::Caught("EXPIRE 0 has deleted the session that was to stay".into())
    })
}

/// The client library drops a falsy TTL: the article's keys that lived for ever.
pub fn falsy_ttl(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    let configured: u64 = 0;
    let told = match (who, configured) {
        // if ttl: client.expire(key, ttl)
        (Candidate::Naive, 0) => {
            say!(talk, "SET", key, "context")?;
            None
        }
        (_, seconds) => say!(talk, "SET", key, "context", "EX", seconds.to_string()).err(),
    };
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "a time to live of 0 was configured; the caller heard {}; the session {}",
        told.as_ref().map_or("nothing", |trouble| &trouble.text),
        lives(left)
    ));
    Ok(match (told, left) {
        (Some(_), GONE) => Finding::Passed("a time to live of 0 is refused with an error".into()),
        _ => Finding::Caught("a time to live of 0 made a session that lives for ever".into()),
    })
}

/// A message to a session that has just expired makes a new key, which has no time to live of its own.
pub fn without_ttl(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    say!(talk, "RPUSH", key, "first")?;
    say!(talk, "PEXPIRE", key, "1")?;
    stage.until("the session had expired", || {
        Ok(pttl(&mut talk, &key)? == GONE)
    })?;
    match who {
        // The TTL was set when the session was made; it exists, so the store believes.
        Candidate::Naive => {
            say!(talk, "RPUSH", key, "second")?;
        }
        _ => {
            let millis = HOUR_MILLIS.to_string();
            let push: Vec<&[u8]> = vec![b"RPUSH", key.as_bytes(), b"second"];
            let expire: Vec<&[u8]> = vec![b"PEXPIRE", key.as_bytes(), millis.as_bytes()];
            talk.transaction(&[push, expire])?;
        }
    }
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "the session had expired, another message came; it {}",
        lives(left)
    ));
    Ok(if near(left, HOUR_MILLIS) {
        Finding::Passed("message and time to live go in together".into())
    } else {
        Finding::Caught("the session came back without a time to live".into())
    })
}

/// The release that made every context expire within five minutes.
pub fn five_minutes(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const WEEK_MILLIS: i64 = 7 * 24 * HOUR_MILLIS;
    const FIVE_MINUTES_MILLIS: &str = "300000";
    let (key, mut talk) = (stage.key("session"), stage.talk()?);
    say!(
        talk,
        "SET",
        key,
        "a long talk",
        "PX",
        WEEK_MILLIS.to_string()
    )?;
    let script = "if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then \
                  return redis.call('PEXPIRE', KEYS[1], ARGV[1]) end return 0";
    match who {
        Candidate::Naive => say!(talk, "PEXPIRE", key, FIVE_MINUTES_MILLIS)?,
        _ => say!(talk, "EVAL", script, "1", key, FIVE_MINUTES_MILLIS)?,
    };
    let left = pttl(&mut talk, &key)?;
    notes.add(format!(
        "a session with a week to live was touched by a release whose policy is 5 minutes; it {}",
        lives(left)
    ));
    Ok(if near(left, WEEK_MILLIS) {
        Finding::Passed("a touch never shortens the life of a session".into())
    } else {
        Finding::Caught("the new policy takes every old context within five minutes".into())
    })
}
