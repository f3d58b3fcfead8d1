//! Retry: what a write becomes whose answer never came, came late, or could not be asked for.
//!
//! The message is looked for with a connection of its own: what a store claims is held against what lies there.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::stage::{PATIENCE, WRITES, gates};
use super::store::naive::{Habit, NaiveStore};
use super::store::sound::SoundStore;
use super::store::{Memory, StoreError};
use super::{Notes, Stage, Stop};
use crate::client::talk::Talk;
use crate::domain::check::{Candidate, Finding, Layout, Message};
use crate::network::gate::Matcher;
use crate::say;

type Turn = Result<Finding, Stop>;

/// What a caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    Done,
    NotDone,
    Unknown,
}

/// The article's own: every exception is "not saved".
fn swallowed<E>(answer: Result<(), E>) -> Claim {
    answer.map_or(Claim::NotDone, |()| Claim::Done)
}

fn told(answer: &Result<(), StoreError>) -> Claim {
    match answer {
        Ok(()) => Claim::Done,
        Err(StoreError::Indeterminate(_)) => Claim::Unknown,
        Err(_) => Claim::NotDone,
    }
}

fn open(stage: &Stage<'_>, who: Candidate) -> Result<Box<dyn Memory>, Stop> {
    let (endpoint, prefix, layout) = (&stage.endpoint, &stage.prefix, stage.layout());
    Ok(match who {
        Candidate::Naive => Box::new(NaiveStore::open(
            endpoint,
            prefix,
            layout,
            Habit::BlindAppend,
        )?),
        Candidate::Sound => Box::new(SoundStore::open(endpoint, prefix, layout)?),
        Candidate::Yours => stage.yours(None)?,
    })
}

/// The command by which `who` writes a message; every one for the user's store.
fn writes(stage: &Stage<'_>, who: Candidate) -> Vec<&'static str> {
    match who {
        Candidate::Naive if stage.layout() == Layout::List => vec!["RPUSH"],
        Candidate::Naive | Candidate::Sound => vec!["EVAL"],
        Candidate::Yours => WRITES.to_vec(),
    }
}

/// How often the message is there, by a reader that speaks past the proxy.
fn copies(stage: &Stage<'_>, who: Candidate, message: &Message) -> Result<usize, Stop> {
    let mut reader = open(stage, who)?;
    let history = reader.history("chat")?;
    Ok(history
        .messages
        .iter()
        .filter(|found| found.id == message.id)
        .count())
}

/// The reply is lost after the write; the caller tries again, as callers do.
pub fn lost_reply(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let proxy = stage.proxy()?;
    let behind = stage.on(&stage.behind(&proxy));
    let mut store = open(&behind, who)?;
    let (first, second) = (Message::numbered(1), Message::numbered(2));
    store.append("chat", &first)?;
    let held: Vec<_> = writes(stage, who)
        .into_iter()
        .flat_map(|name| gates(stage, &proxy, 1, || Matcher::reply().name(name)))
        .collect();
    let (forced, answer) = std::thread::scope(|scope| {
        let running = scope.spawn(|| store.append("chat", &second));
        let until = Instant::now() + PATIENCE / 2;
        let mut forced = false;
        let go_on = || Instant::now() < until && stage.go_on().is_ok();
        while !forced && go_on() && !running.is_finished() {
            forced = held
                .iter()
                .any(|gate| gate.wait_held(Duration::ZERO).is_some());
            std::thread::sleep(Duration::from_millis(1));
        }
        for gate in held {
            // Only what holds the reply cuts; the others are taken down.
            match gate.wait_held(Duration::ZERO) {
                Some(_) => gate.cut(),
                None => gate.release(),
            }
        }
        let answer = running.join();
        (
            forced,
            answer.unwrap_or_else(|_| Err(StoreError::Unwell("a thread panicked".into()))),
        )
    });
    if let Err(StoreError::Unwell(text)) = answer {
        return Err(Stop::Unwell(text));
    }
    if !forced {
        return Err(Stop::NotForced("no reply to the write was lost".into()));
    }
    let before = copies(stage, who, &second)?;
    let claim = told(&answer);
    notes.add(format!(
        "the server executed the write ({before} copies), its reply was cut off, the store said {claim:?}"
    ));
    if claim != Claim::Done {
        drop(store);
        let again = match who {
            // A blind retry builds the message anew: the same one, at another time.
            Candidate::Naive | Candidate::Sound => Message {
                at: "2026-01-01T00:01:00+00:00".into(),
                ..second.clone()
            },
            Candidate::Yours => second.clone(),
        };
        let retry = open(&behind, who)?.append("chat", &again);
        notes.add(format!("the caller tried again: {:?}", told(&retry)));
    }
    let after = copies(stage, who, &second)?;
    notes.add(format!("the message is there {after} times"));
    Ok(match after {
        0 => Finding::Caught("the message is not there at all".into()),
        1 => Finding::Passed("the message is there once".into()),
        many => Finding::Caught(format!("the retry made {many} of one message")),
    })
}

/// The reply comes later than the client waits: "failed" is not "not written".
pub fn timeout(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const IMPATIENT: Duration = Duration::from_millis(150);
    let proxy = stage.proxy()?;
    let key = stage.key("chat");
    let mut talk = Talk::open(&stage.behind(&proxy), IMPATIENT)?;
    let held = gates(stage, &proxy, 1, || Matcher::reply().name("RPUSH"));
    let answer = say!(talk, "RPUSH", key, "a message")
        .map(|_| ())
        .map_err(StoreError::from);
    let forced = held
        .iter()
        .any(|gate| gate.wait_held(Duration::ZERO).is_some());
    let claim = match who {
        Candidate::Naive => swallowed(answer.clone()),
        _ => told(&answer),
    };
    let there = say!(stage.talk()?, "LLEN", key)?.int();
    drop(held);
    notes.add(format!(
        "the reply was held past {} ms; the store says {claim:?}, {there} of 1 message is there",
        IMPATIENT.as_millis()
    ));
    if !forced || answer.is_ok() {
        return Err(Stop::NotForced(
            "the reply was not held past the time limit".into(),
        ));
    }
    Ok(match (claim, there) {
        (Claim::Unknown, _) | (Claim::NotDone, 0) | (Claim::Done, 1) => {
            Finding::Passed("a write without an answer is called unknown".into())
        }
        (Claim::NotDone, _) => {
            Finding::Caught("the store says \"not saved\" of a message that is saved".into())
        }
        (Claim::Done, _) => Finding::Caught("the store says \"saved\" and it is not".into()),
    })
}

/// The connection is reset before the command has reached the server.
pub fn reset(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let proxy = stage.proxy()?;
    let key = stage.key("chat");
    let mut talk = Talk::open(&stage.behind(&proxy), PATIENCE)?;
    let held = gates(stage, &proxy, 1, || Matcher::command().name("RPUSH"));
    let (answer, forced) = std::thread::scope(|scope| {
        let running = scope.spawn(|| say!(talk, "RPUSH", key, "a message").map(|_| ()));
        let mut forced = false;
        for gate in held {
            forced |= gate.wait_held(PATIENCE).is_some();
            gate.cut();
        }
        (running.join(), forced)
    });
    let answer = answer
        .map_err(|_| Stop::Failed("a writer panicked".into()))?
        .map_err(StoreError::from);
    if !forced {
        return Err(Stop::NotForced("no connection was reset".into()));
    }
    let mut claim = match who {
        // Fire and forget: the exception is logged and the caller told nothing.
        Candidate::Naive => Claim::Done,
        _ => told(&answer),
    };
    notes.add(format!(
        "the connection was reset before the command was through; the store says {claim:?}"
    ));
    if claim != Claim::Done {
        // The message carries an id, so trying again is harmless; here it had not arrived.
        let mut again = stage.talk()?;
        claim = told(
            &say!(again, "RPUSH", key, "a message")
                .map(|_| ())
                .map_err(StoreError::from),
        );
        notes.add(format!("it tried again on a new connection: {claim:?}"));
    }
    let there = say!(stage.talk()?, "LLEN", key)?.int();
    notes.add(format!("{there} of 1 message is there"));
    Ok(match (claim, there) {
        (Claim::Done, 1) => {
            Finding::Passed("the reset was told, and the retry brought it in".into())
        }
        (Claim::Done, _) => {
            Finding::Caught("the message is gone and the caller believes it saved".into())
        }
        _ => Finding::Failed(format!("the second attempt came to {claim:?}")),
    })
}

/// Connections that are lent.
struct Pool {
    free: Mutex<Vec<Talk>>,
    returned: Condvar,
}

impl Pool {
    fn take(&self, patience: Duration) -> Option<Talk> {
        let until = Instant::now() + patience;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(talk) = free.pop() {
                return Some(talk);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.returned.wait_timeout(free, left);
            free = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn give(&self, talk: Talk) {
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(talk);
        self.returned.notify_one();
    }
}

/// Every connection of the pool waits for a slow answer; one more writer comes.
pub fn pool_exhausted(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const SIZE: usize = 2;
    let proxy = stage.proxy()?;
    let (busy, key) = (stage.key("busy"), stage.key("chat"));
    let free = (0..SIZE).map(|_| Talk::open(&stage.behind(&proxy), PATIENCE * 2));
    let pool = Pool {
        free: Mutex::new(free.collect::<Result<_, _>>()?),
        returned: Condvar::new(),
    };
    let held = gates(stage, &proxy, SIZE, || {
        Matcher::reply().name("RPUSH").argument(busy.as_str())
    });
    let (stood, claim, retried) = std::thread::scope(|scope| {
        let (pool, busy) = (&pool, &busy);
        for _ in 0..SIZE {
            scope.spawn(move || {
                if let Some(mut talk) = pool.take(PATIENCE) {
                    let _ = say!(talk, "RPUSH", busy, "a slow answer");
                    pool.give(talk);
                }
            });
        }
        let stood = held
            .iter()
            .take_while(|gate| gate.wait_held(PATIENCE).is_some())
            .count();
        let push = |patience| {
            let mut talk = pool.take(patience)?;
            let pushed = say!(talk, "RPUSH", key, "a message");
            pool.give(talk);
            Some(swallowed(pushed.map(|_| ())))
        };
        let first = if stood < SIZE {
            None
        } else {
            push(Duration::from_millis(100))
        };
        let claim = match (first, who) {
            (Some(claim), _) => claim,
            // The exception ends in a log line and the chat goes on.
            (None, Candidate::Naive) => Claim::Done,
            (None, _) => Claim::NotDone,
        };
        drop(held);
        let retried = if claim == Claim::Done {
            None
        } else {
            push(PATIENCE)
        };
        (stood, claim, retried)
    });
    let there = say!(stage.talk()?, "LLEN", key)?.int();
    notes.add(format!(
        "{stood} of {SIZE} connections waited for an answer; the next writer was told {claim:?}, its retry {retried:?}; {there} of 1 message is there"
    ));
    if stood < SIZE {
        return Err(Stop::NotForced("the pool was not exhausted".into()));
    }
    Ok(match (claim, retried, there) {
        (Claim::Done, _, 0) => {
            Finding::Caught("the message was dropped and the caller believes it saved".into())
        }
        (_, Some(Claim::Done), 1) => {
            Finding::Passed("an exhausted pool is told in time, and the retry brought it in".into())
        }
        other => Finding::Failed(format!("unexpected end: {other:?}")),
    })
}
