//! Lost update: how many messages vanish when 2, 8, 32 writers append to one context at once.
//!
//! Every writer speaks through the proxy, and the write of each is held until all of them stand there: whoever
//! reads before it writes has read the same context by then.

use std::time::Duration;

use super::stage::{PATIENCE, gates};
use super::store::StoreError;
use super::{Notes, Stage, Stop};
use crate::backend::Endpoint;
use crate::client::talk::{Talk, Trouble};
use crate::domain::check::{Candidate, Finding, Message};
use crate::network::gate::Matcher;
use crate::say;

type Turn = Result<Finding, Stop>;

const WRITERS: [usize; 3] = [2, 8, 32];
const TTL_SECONDS: &str = "3600";

/// How a writer appends to a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// GET, append in memory, SETEX: the article's own.
    ReadModifyWrite,
    Push,
    /// WATCH, GET, MULTI, SET, EXEC, and again if somebody was faster.
    Watch,
    Lua,
}

impl Way {
    /// The command that changes the context.
    fn write(self) -> &'static str {
        match self {
            Way::ReadModifyWrite => "SETEX",
            Way::Push => "RPUSH",
            Way::Watch => "SET",
            Way::Lua => "EVAL",
        }
    }

    fn append(self, talk: &mut Talk, key: &str, message: &str) -> Result<u32, Trouble> {
        match self {
            Way::ReadModifyWrite => {
                let mut context = say!(talk, "GET", key)?.text();
                context.push_str(message);
                context.push('\n');
                say!(talk, "SETEX", key, TTL_SECONDS, context)?;
                Ok(1)
            }
            Way::Push => say!(talk, "RPUSH", key, message).map(|_| 1),
            Way::Watch => {
                for attempt in 1.. {
                    say!(talk, "WATCH", key)?;
                    let mut context = say!(talk, "GET", key)?.text();
                    context.push_str(message);
                    context.push('\n');
                    let set: Vec<&[u8]> = vec![
                        b"SET",
                        key.as_bytes(),
                        context.as_bytes(),
                        b"EX",
                        TTL_SECONDS.as_bytes(),
                    ];
                    if talk.transaction(&[set])?.is_some() {
                        return Ok(attempt);
                    }
                }
                unreachable!("attempts do not end")
            }
            Way::Lua => {
                let script = "redis.call('APPEND', KEYS[1], ARGV[1] .. '\\n') \
                              redis.call('EXPIRE', KEYS[1], ARGV[2])";
                say!(talk, "EVAL", script, "1", key, message, TTL_SECONDS).map(|_| 1)
            }
        }
    }

    fn count(self, talk: &mut Talk, key: &str) -> Result<usize, Trouble> {
        Ok(match self {
            Way::Push => say!(talk, "LLEN", key)?.int() as usize,
            _ => say!(talk, "GET", key)?.text().lines().count(),
        })
    }
}

pub fn push(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    match who {
        Candidate::Yours => two_processes(stage, notes),
        _ => races(stage, way(who, Way::Push), notes),
    }
}

pub fn watch(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    races(stage, way(who, Way::Watch), notes)
}

pub fn lua(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    races(stage, way(who, Way::Lua), notes)
}

fn way(who: Candidate, sound: Way) -> Way {
    match who {
        Candidate::Naive => Way::ReadModifyWrite,
        Candidate::Sound | Candidate::Yours => sound,
    }
}

fn races(stage: &Stage<'_>, way: Way, notes: &mut Notes) -> Turn {
    let mut lost = Vec::new();
    for writers in WRITERS {
        stage.go_on()?;
        let race = race(stage, way, writers)?;
        if race.at_the_gate < writers {
            return Err(Stop::NotForced(format!(
                "{} of {writers} writers stood before their write at once",
                race.at_the_gate
            )));
        }
        notes.add(format!(
            "{writers} writers, all before their {} at once: {} of {writers} messages found, {} vanished{}",
            way.write(),
            writers - race.vanished,
            race.vanished,
            if race.attempts > writers as u32 {
                format!(", {} attempts", race.attempts)
            } else {
                String::new()
            }
        ));
        if race.vanished > 0 {
            lost.push(format!("{} of {writers}", race.vanished));
        }
    }
    Ok(if lost.is_empty() {
        Finding::Passed("no message vanished at 2, 8 and 32 writers".into())
    } else {
        Finding::Caught(format!("messages vanished: {}", lost.join(", ")))
    })
}

struct Race {
    at_the_gate: usize,
    vanished: usize,
    attempts: u32,
}

fn race(stage: &Stage<'_>, way: Way, writers: usize) -> Result<Race, Stop> {
    let key = stage.key(&format!("context:{writers}"));
    let proxy = stage.proxy()?;
    let endpoint = stage.behind(&proxy);
    let held = gates(stage, &proxy, writers, || {
        Matcher::command().name(way.write()).argument(key.as_str())
    });
    let (at_the_gate, attempts) = std::thread::scope(|scope| {
        let running: Vec<_> = (0..writers)
            .map(|writer| {
                let (key, endpoint) = (&key, &endpoint);
                scope.spawn(move || write(endpoint, way, key, writer))
            })
            .collect();
        let at_the_gate = held
            .iter()
            .take_while(|gate| gate.wait_held(PATIENCE).is_some())
            .count();
        drop(held);
        let mut attempts = 0;
        for writer in running {
            attempts += writer
                .join()
                .map_err(|_| Stop::Failed("a writer panicked".into()))??;
        }
        Ok::<_, Stop>((at_the_gate, attempts))
    })?;
    let found = way.count(&mut stage.talk()?, &key)?;
    Ok(Race {
        at_the_gate,
        vanished: writers.saturating_sub(found),
        attempts,
    })
}

fn write(endpoint: &Endpoint, way: Way, key: &str, writer: usize) -> Result<u32, Trouble> {
    let mut talk = Talk::open(endpoint, PATIENCE * 2)?;
    way.append(&mut talk, key, &format!("message of writer {writer}"))
}

/// Two processes of the user's store append to one session, and the first write of each is held until both stand
/// there.
fn two_processes(stage: &Stage<'_>, notes: &mut Notes) -> Turn {
    const EACH: u32 = 5;
    let proxy = stage.proxy()?;
    let behind = stage.on(&stage.behind(&proxy));
    let mut stores = [behind.yours(None)?, behind.yours(None)?];
    for (number, store) in stores.iter_mut().enumerate() {
        // What a store writes only once (an index, a registration) is over before the race.
        store.append(&format!("warm{number}"), &Message::numbered(1))?;
    }
    let mut standing = 0;
    for round in 0..EACH {
        let held = stage.write_gates(&proxy, 2);
        let stood = std::thread::scope(|scope| {
            let running: Vec<_> = stores
                .iter_mut()
                .enumerate()
                .map(|(number, store)| {
                    let message = Message::numbered(round * 2 + number as u32 + 1);
                    scope.spawn(move || store.append("shared", &message))
                })
                .collect();
            let stood = held.stand(2, Duration::from_secs(3), stage.cancel);
            held.open();
            let answers = running.into_iter().map(|writer| {
                writer
                    .join()
                    .unwrap_or_else(|_| Err(StoreError::Unwell("a thread panicked".into())))
            });
            answers
                .collect::<Result<Vec<()>, StoreError>>()
                .map(|_| stood)
        })?;
        standing += usize::from(stood);
    }
    let found = stores[0].history("shared")?.messages.len();
    let written = EACH as usize * 2;
    notes.add(format!(
        "two processes wrote {written} messages in {EACH} rounds; in {standing} of them both stood before their write at once; {found} found"
    ));
    if standing < EACH as usize {
        return Err(Stop::NotForced(format!(
            "the two processes stood before their writes at once in {standing} of {EACH} rounds"
        )));
    }
    Ok(match found {
        found if found < written => Finding::Caught(format!(
            "{} of {written} messages vanished",
            written - found
        )),
        found if found > written => {
            Finding::Caught(format!("{} messages are there twice", found - written))
        }
        _ => Finding::Passed("no message vanished between two processes of your store".into()),
    })
}
