//! Damaged data: a clear error names what is damaged, and the rest of the session is still readable.

use super::namespace;
use super::store::naive::{Habit, NaiveStore};
use super::store::sound::SoundStore;
use super::store::{Memory, StoreError, shelf};
use super::{Notes, Stage, Stop};
use crate::client::talk::Talk;
use crate::domain::check::{Candidate, Finding, History, Layout, Message, Value};
use crate::say;

type Turn = Result<Finding, Stop>;

/// Messages of the session; the third gets damaged.
const MESSAGES: u32 = 5;
const DAMAGED: usize = 2;

fn store(stage: &Stage<'_>, who: Candidate, layout: Layout) -> Result<Box<dyn Memory>, Stop> {
    let (endpoint, prefix) = (&stage.endpoint, &stage.prefix);
    Ok(match who {
        Candidate::Naive => Box::new(NaiveStore::open(
            endpoint,
            prefix,
            layout,
            Habit::EmptyOnError,
        )?),
        Candidate::Sound => Box::new(SoundStore::open(endpoint, prefix, layout)?),
        Candidate::Yours => stage.yours(None)?,
    })
}

pub fn invalid_json(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    in_every_layout(stage, who, notes, &|_| b"{this is not json".to_vec())
}

pub fn truncated_json(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    in_every_layout(stage, who, notes, &|entry| {
        entry[..entry.len() / 2].to_vec()
    })
}

fn in_every_layout(
    stage: &Stage<'_>,
    who: Candidate,
    notes: &mut Notes,
    damage: &dyn Fn(&[u8]) -> Vec<u8>,
) -> Turn {
    let mut caught = None;
    for layout in stage.layouts_of(who) {
        stage.go_on()?;
        let stage = stage.within(layout.id());
        let mut store = store(&stage, who, layout)?;
        for number in 1..=MESSAGES {
            store.append("hurt", &Message::numbered(number))?;
        }
        let mut talk = stage.talk()?;
        let key = messages_key(&mut talk, &stage.prefix, who)?;
        let under = layout_of(&mut talk, &key)?;
        let entries = shelf::read(&mut talk, under, &key)?;
        let Some(entry) = entries
            .get(DAMAGED)
            .filter(|_| entries.len() >= MESSAGES as usize)
        else {
            return Err(Stop::NotHere(format!(
                "your store keeps {MESSAGES} messages in {} entries: there is no single one to damage",
                entries.len()
            )));
        };
        shelf::replace(&mut talk, under, &key, DAMAGED, &damage(entry))?;
        let read = store.history("hurt");
        let finding = judged(read, notes, &format!("{under}"))?;
        caught = caught.or(finding);
    }
    Ok(verdict(caught))
}

fn verdict(caught: Option<String>) -> Finding {
    caught.map_or_else(
        || Finding::Passed("the damaged entry was named and the other messages were read".into()),
        Finding::Caught,
    )
}

/// `Some` if the reader did wrong.
fn judged(
    read: Result<History, StoreError>,
    notes: &mut Notes,
    place: &str,
) -> Result<Option<String>, Stop> {
    let history = match read {
        Err(StoreError::Unwell(text)) => return Err(Stop::Unwell(text)),
        Err(error) => {
            notes.add(format!("{place}: {error}"));
            return Ok(Some(format!(
                "one damaged entry makes the whole session unreadable ({error})"
            )));
        }
        Ok(history) => history,
    };
    let good = MESSAGES as usize - 1;
    notes.add(format!(
        "{place}: {} of {good} good messages read, {} damaged entries named{}",
        history.messages.len(),
        history.damaged.len(),
        history
            .damaged
            .first()
            .map(|line| format!(": {line}"))
            .unwrap_or_default()
    ));
    Ok(if history.damaged.is_empty() {
        Some(format!(
            "the reader answered {} of {good} good messages and no error",
            history.messages.len()
        ))
    } else if history.messages.len() < good {
        Some(format!(
            "only {} of {good} good messages could still be read",
            history.messages.len()
        ))
    } else {
        None
    })
}

/// Where the messages lie: known for ours, looked for with SCAN for the user's.
pub fn messages_key(talk: &mut Talk, prefix: &str, who: Candidate) -> Result<String, Stop> {
    if who != Candidate::Yours {
        return Ok(SoundStore::messages_key(prefix, "hurt"));
    }
    let mut best = None;
    for key in namespace::keys(talk, prefix)? {
        let key = String::from_utf8_lossy(&key).into_owned();
        let layout = layout_of(talk, &key);
        let size = match layout {
            Ok(layout) => shelf::read(talk, layout, &key)?.len(),
            Err(_) => 0,
        };
        if best.as_ref().is_none_or(|(most, _)| size > *most) {
            best = Some((size, key));
        }
    }
    best.map(|(_, key)| key).ok_or_else(|| {
        Stop::Unwell(format!(
            "the store has written nothing under CRASHDRILL_PREFIX ({prefix})"
        ))
    })
}

fn layout_of(talk: &mut Talk, key: &str) -> Result<Layout, Stop> {
    let kind = say!(talk, "TYPE", key)?.text();
    kind.parse().map_err(|_| {
        Stop::NotHere(format!(
            "the key {key} is a {kind}, which the check cannot damage"
        ))
    })
}

pub fn wrong_type(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let layout = stage.layout();
    let mut store = store(stage, who, layout)?;
    let other = Message::numbered(1);
    store.append("whole", &other)?;
    let whole = namespace::keys(&mut stage.talk()?, &stage.prefix)?;
    store.append("hurt", &Message::numbered(1))?;
    let mut talk = stage.talk()?;
    // What the second session has added, whatever its keys are called.
    for key in namespace::keys(&mut talk, &stage.prefix)? {
        if !whole.contains(&key) {
            say!(talk, "DEL", key)?;
            say!(talk, "GEOADD", key, "13", "38", "not a session")?;
            if layout == Layout::Zset {
                say!(talk, "DEL", key)?;
                say!(talk, "SADD", key, "not a session")?;
            }
        }
    }
    let told = match store.history("hurt") {
        Err(StoreError::Unwell(text)) => return Err(Stop::Unwell(text)),
        Err(error) => Some(error.to_string()),
        Ok(history) => history.damaged.first().cloned(),
    };
    let rest = store.history("whole")?;
    notes.add(format!(
        "the reader of the hurt session said: {}",
        told.as_deref().unwrap_or("nothing, and an empty history")
    ));
    notes.add(format!(
        "the other session: {} of 1 message read",
        rest.messages.len()
    ));
    Ok(match (told, rest.messages.len()) {
        (None, _) => Finding::Caught(
            "a key of another type looks like a session without messages: no error".into(),
        ),
        (Some(_), 1) => Finding::Passed("a clear error, and the other session is whole".into()),
        (Some(_), _) => Finding::Caught("the other session is not readable any more".into()),
    })
}

pub fn context(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut store = store(stage, who, stage.layout())?;
    if !store.keeps_contexts() {
        return Err(Stop::NotHere("your store keeps no contexts".into()));
    }
    store.save(
        "hurt",
        &Value::map([("topic", Value::text("project timelines"))]),
    )?;
    let mut talk = stage.talk()?;
    let keys = namespace::keys(&mut talk, &stage.prefix)?;
    let [key] = keys.as_slice() else {
        return Err(Stop::NotHere(format!(
            "your store keeps a context under {} keys: there is no single one to damage",
            keys.len()
        )));
    };
    if say!(talk, "TYPE", key)?.text() != "string" {
        return Err(Stop::NotHere(
            "your store keeps a context in no string".into(),
        ));
    }
    say!(talk, "SET", key, "{\"topic\":\"project tim")?;
    let loaded = store.load("hurt");
    notes.add(format!("the damaged context was loaded as {loaded:?}"));
    match loaded {
        Err(StoreError::Unwell(text)) => Err(Stop::Unwell(text)),
        Err(_) => Ok(Finding::Passed(
            "a clear error tells that the context is damaged".into(),
        )),
        Ok(None) => Ok(Finding::Caught(
            "a damaged context looks like none: the bot begins anew and nobody is told".into(),
        )),
        Ok(Some(_)) => Ok(Finding::Caught(
            "half a context was taken for a whole one".into(),
        )),
    }
}
