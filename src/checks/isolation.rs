//! Isolation: two suites on one server at once do not see each other, and leave nothing behind.
//!
//! Even the naive suite works under our namespace: its habit is a shared name within it, never a flush.

use super::namespace;
use super::store::{Memory, StoreError};
use super::{Notes, Stage, Stop};
use crate::client::talk::Talk;
use crate::domain::check::{Candidate, Finding, Message, Value};
use crate::say;

type Turn = Result<Finding, Stop>;

/// The prefix of a suite: one for all (naive), or one for each.
fn prefix(stage: &Stage<'_>, who: Candidate, suite: &str) -> String {
    match who {
        Candidate::Naive => stage.key("test:"),
        _ => stage.key(&format!("{suite}:")),
    }
}

pub fn two_suites(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    if who == Candidate::Yours {
        return yours(stage, notes);
    }
    if !stage.place.forcing {
        return Err(Stop::NotForced("the suites ran one after the other".into()));
    }
    let mut talk = stage.talk()?;
    let (a, b) = (prefix(stage, who, "a"), prefix(stage, who, "b"));
    // Both suites use session 1, as test suites do; their steps interleave.
    say!(talk, "SET", format!("{a}1"), "x")?;
    say!(talk, "SET", format!("{b}1"), "y")?;
    let read = (
        say!(talk, "GET", format!("{a}1"))?.text(),
        say!(talk, "GET", format!("{b}1"))?.text(),
    );
    // The first is done and cleans up while the second is still running.
    let removed = namespace::unlink(&mut talk, &a)?;
    let after = say!(talk, "GET", format!("{b}1"))?.text();
    notes.add(format!(
        "suite a wrote x and read {}, suite b wrote y and read {}",
        read.0, read.1
    ));
    notes.add(format!(
        "suite a cleaned up ({removed} keys); suite b then reads {}",
        if after.is_empty() { "nothing" } else { &after }
    ));
    Ok(if read.0 != "x" || read.1 != "y" {
        Finding::Caught("one suite reads what the other has written".into())
    } else if after != "y" {
        Finding::Caught("the cleaning of one suite took the other's data".into())
    } else {
        Finding::Passed("each suite saw its own data only".into())
    })
}

/// Two processes of the user's store under two prefixes.
fn yours(stage: &Stage<'_>, notes: &mut Notes) -> Turn {
    let mut talk = stage.talk()?;
    // A server of the user's has keys of others, which come and go.
    let watched = if stage.own { "" } else { stage.prefix.as_str() };
    let before = namespace::keys(&mut talk, watched)?;
    let (a, b) = (stage.within("a"), stage.within("b"));
    let mut stores = [a.yours(None)?, b.yours(None)?];
    for (number, store) in stores.iter_mut().enumerate() {
        store.append("1", &Message::numbered(number as u32 + 1))?;
        if store.keeps_contexts() {
            store.save("1", &Value::Int(number as i64))?;
        }
    }
    let mixed = mixed(&mut stores)?;
    stores[0].delete("1")?;
    let left = stores[1].history("1")?.messages.len();
    let emptied = stores[0].history("1")?.messages.len();
    let after = namespace::keys(&mut talk, watched)?;
    let outside: Vec<String> = after
        .iter()
        .filter(|key| !before.contains(key) && !key.starts_with(stage.prefix.as_bytes()))
        .map(|key| String::from_utf8_lossy(key).into_owned())
        .collect();
    notes.add(format!(
        "the one's deletion left {emptied} of its messages and {left} of 1 of the other's"
    ));
    notes.add(format!(
        "keys outside CRASHDRILL_PREFIX: {}",
        outside.join(", ")
    ));
    Ok(if let Some(mixed) = mixed {
        Finding::Caught(mixed)
    } else if let Some(first) = outside.first() {
        Finding::Caught(format!("the store writes outside its prefix: {first}"))
    } else if left != 1 {
        Finding::Caught("the deletion of one took the other's session".into())
    } else if emptied != 0 {
        Finding::Caught("a deleted session is still there".into())
    } else {
        Finding::Passed("two processes under two prefixes leave each other alone".into())
    })
}

fn mixed(stores: &mut [Box<dyn Memory>; 2]) -> Result<Option<String>, StoreError> {
    for (number, store) in stores.iter_mut().enumerate() {
        let history = store.history("1")?;
        if history.messages != [Message::numbered(number as u32 + 1)] {
            return Ok(Some(format!(
                "session 1 of one prefix reads {:?}",
                history.ids()
            )));
        }
        if store.keeps_contexts() && store.load("1")? != Some(Value::Int(number as i64)) {
            return Ok(Some("the context of one prefix is the other's".into()));
        }
    }
    Ok(None)
}

/// Suites that choose one of the 16 databases by chance meet sooner than one thinks.
pub fn random_database(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const SUITES: u64 = 17;
    const DATABASES: u64 = 16;
    let mut talk = stage.talk()?;
    let mut met = 0;
    let mut owners: Vec<String> = Vec::new();
    for suite in 0..SUITES {
        // hash(uuid) % 16, or a name of its own
        let place = match who {
            Candidate::Naive => format!("db{}", mix(stage.place.seed, suite) % DATABASES),
            _ => format!("suite{:016x}", mix(stage.place.seed, suite)),
        };
        let key = stage.key(&format!("{place}:session:1"));
        let taken = say!(talk, "SET", key, suite.to_string(), "NX")?.is_nil();
        met += usize::from(taken);
        owners.push(place);
    }
    notes.add(format!(
        "{SUITES} suites at once, {met} of them met another: {}",
        owners
            .iter()
            .take(6)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    ));
    Ok(if met == 0 {
        Finding::Passed("every suite had a place of its own".into())
    } else {
        Finding::Caught(format!(
            "{met} suites worked in a place that was another's already"
        ))
    })
}

/// A value from two, well mixed: splitmix64's finaliser.
fn mix(seed: u64, number: u64) -> u64 {
    crate::domain::workload::mix64(seed, number)
}

/// A suite that dies before its cleaning.
pub fn left_behind(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    if !stage.place.forcing {
        return Err(Stop::NotForced("the suite did not die".into()));
    }
    let mut talk = stage.talk()?;
    let prefix = stage.key("dying:");
    let note = stage.key("note");
    if who != Candidate::Naive {
        // Which prefix must be removed is noted before the first key is written.
        say!(talk, "SADD", note, prefix)?;
    }
    fill(&mut talk, &prefix)?;
    // It dies here: its yield fixture never comes to its second half. The next suite begins.
    for noted in say!(talk, "SMEMBERS", note)?.array() {
        let removed = namespace::unlink(&mut talk, &noted.text())?;
        notes.add(format!(
            "the next suite found a note and removed {removed} keys"
        ));
        say!(talk, "SREM", note, noted.text())?;
    }
    let left = namespace::keys(&mut talk, &prefix)?.len();
    notes.add(format!("{left} keys of the dead suite are left"));
    Ok(if left == 0 {
        Finding::Passed("nothing is left of the dead suite".into())
    } else {
        Finding::Caught(format!("{left} keys of a dead suite stay for ever"))
    })
}

fn fill(talk: &mut Talk, prefix: &str) -> Result<(), Stop> {
    for number in 0..40 {
        say!(talk, "SET", format!("{prefix}session:{number}"), "x")?;
    }
    Ok(())
}
