//! Lock: one holder at a time, also when one was paused past its lease, and nobody releases another's.

use super::stage::{PATIENCE, gates};
use super::{Notes, Stage, Stop};
use crate::backend::Endpoint;
use crate::client::talk::{Talk, Trouble};
use crate::domain::check::{Candidate, Finding};
use crate::network::gate::Matcher;
use crate::say;

type Turn = Result<Finding, Stop>;

/// Long: the lease of who must keep it during the check.
const LONG_MILLIS: &str = "60000";
/// Short: the lease of who is paused past it.
const SHORT_MILLIS: &str = "40";

const RELEASE_OWN: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
/// Takes a write only from a token that is no older than the newest seen.
const FENCED_WRITE: &str = "if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[2]) or '0') then return 0 end \
     redis.call('SET', KEYS[2], ARGV[1]) redis.call('SET', KEYS[1], ARGV[2]) return 1";

/// Tries once. The naive way looks first and sets then.
fn acquire(talk: &mut Talk, who: Candidate, key: &str, owner: &str) -> Result<bool, Trouble> {
    if who == Candidate::Naive {
        if !say!(talk, "GET", key)?.is_nil() {
            return Ok(false);
        }
        say!(talk, "SET", key, owner, "PX", LONG_MILLIS)?;
        return Ok(true);
    }
    let answer = say!(talk, "SET", key, owner, "NX", "PX", LONG_MILLIS)?;
    Ok(!answer.is_nil())
}

pub fn get_then_set(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const CONTENDERS: usize = 8;
    let key = stage.key("lock");
    let proxy = stage.proxy()?;
    let endpoint = stage.behind(&proxy);
    let held = gates(stage, &proxy, CONTENDERS, || {
        Matcher::command().name("SET").argument(key.as_str())
    });
    let contend = |endpoint: &Endpoint, number: usize| -> Result<bool, Trouble> {
        let mut talk = Talk::open(endpoint, PATIENCE * 2)?;
        acquire(&mut talk, who, &key, &format!("owner {number}"))
    };
    let (stood, holders) = std::thread::scope(|scope| {
        let (contend, endpoint) = (&contend, &endpoint);
        let running: Vec<_> = (0..CONTENDERS)
            .map(|number| scope.spawn(move || contend(endpoint, number)))
            .collect();
        let stood = held
            .iter()
            .take_while(|gate| gate.wait_held(PATIENCE).is_some())
            .count();
        drop(held);
        let mut holders = 0;
        for contender in running {
            let got = contender
                .join()
                .map_err(|_| Stop::Failed("a contender panicked".into()))??;
            holders += usize::from(got);
        }
        Ok::<_, Stop>((stood, holders))
    })?;
    notes.add(format!(
        "{stood} of {CONTENDERS} contenders stood before their SET at once; {holders} believe that they hold the lock"
    ));
    if stood < CONTENDERS {
        return Err(Stop::NotForced(format!(
            "{stood} of {CONTENDERS} contenders stood before their SET at once"
        )));
    }
    Ok(match holders {
        1 => Finding::Passed("one holder".into()),
        0 => Finding::Failed("nobody got the lock".into()),
        many => Finding::Caught(format!("{many} holders of one lock")),
    })
}

/// A first holder whose lease has run out while it was paused, and a second that has the lock now.
struct Overtaken {
    key: String,
    talk: Talk,
    first: i64,
    second: i64,
}

fn overtaken(stage: &Stage<'_>, notes: &mut Notes) -> Result<Overtaken, Stop> {
    let key = stage.key("lock");
    let tokens = stage.key("tokens");
    let mut talk = stage.talk()?;
    let first = say!(talk, "INCR", tokens)?.int();
    say!(
        talk,
        "SET",
        key,
        first.to_string(),
        "NX",
        "PX",
        SHORT_MILLIS
    )?;
    if !stage.place.forcing {
        return Err(Stop::NotForced(
            "the first holder was not paused past its lease".into(),
        ));
    }
    // The holder does nothing until its lease is over: a pause of any cause (collector, VM, SIGSTOP) looks so.
    let waited = stage.until(
        "the lease was over",
        || Ok(say!(talk, "GET", key)?.is_nil()),
    )?;
    let second = say!(talk, "INCR", tokens)?.int();
    let got = say!(
        talk,
        "SET",
        key,
        second.to_string(),
        "NX",
        "PX",
        LONG_MILLIS
    )?;
    if got.is_nil() {
        return Err(Stop::Failed("the second did not get the free lock".into()));
    }
    notes.add(format!(
        "lease of {SHORT_MILLIS} ms; the first holder was paused for {} ms and the second has the lock now",
        waited.as_millis()
    ));
    Ok(Overtaken {
        key,
        talk,
        first,
        second,
    })
}

pub fn paused_holder(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut now = overtaken(stage, notes)?;
    let (context, fence) = (stage.key("context"), stage.key("fence"));
    let mut write = |token: i64, text: &str| -> Result<bool, Trouble> {
        if who == Candidate::Naive {
            return say!(now.talk, "SET", context, text).map(|_| true);
        }
        let token = token.to_string();
        let answer = say!(
            now.talk,
            "EVAL",
            FENCED_WRITE,
            "2",
            context,
            fence,
            token,
            text
        )?;
        Ok(answer.int() == 1)
    };
    let newer = write(now.second, "the second holder's context")?;
    let older = write(now.first, "the first holder's context")?;
    let found = say!(now.talk, "GET", context)?.text();
    notes.add(format!(
        "write of the second holder taken: {newer}; of the first, after its pause: {older}; the store holds {found}"
    ));
    Ok(if found.starts_with("the second") {
        Finding::Passed("the paused holder's write was refused by its token".into())
    } else {
        Finding::Caught("a holder whose lease was over has overwritten the newer context".into())
    })
}

pub fn foreign_release(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut now = overtaken(stage, notes)?;
    let (first, second) = (now.first.to_string(), now.second.to_string());
    // The first holder is done and releases, as it has always done.
    match who {
        Candidate::Naive => say!(now.talk, "DEL", now.key)?,
        _ => say!(now.talk, "EVAL", RELEASE_OWN, "1", now.key, first)?,
    };
    let third = say!(now.talk, "SET", now.key, "third", "NX", "PX", LONG_MILLIS)?;
    let holder = say!(now.talk, "GET", now.key)?.text();
    notes.add(format!(
        "after the first has released, the lock is held by {holder}"
    ));
    Ok(if third.is_nil() && holder == second {
        Finding::Passed("only the holder could release".into())
    } else {
        Finding::Caught(
            "a lock was released by somebody who did not hold it, and a third got in".into(),
        )
    })
}

/// A lock whose holder dies must not stay for ever.
pub fn dead_holder(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let key = stage.key("lock");
    let mut talk = stage.talk()?;
    {
        let mut holder = stage.talk()?;
        match who {
            // SETNX, and EXPIRE as a second command.
            Candidate::Naive => say!(holder, "SETNX", key, "dead")?,
            _ => say!(holder, "SET", key, "dead", "NX", "PX", SHORT_MILLIS)?,
        };
        if !stage.place.forcing {
            return Err(Stop::NotForced("the holder did not die".into()));
        }
        // It dies here: its connection ends and it never comes to its next command.
    }
    let lease = say!(talk, "PTTL", key)?.int();
    notes.add(format!(
        "the holder died behind its first command; the lock's lease is {lease} ms"
    ));
    if lease == -1 {
        return Ok(Finding::Caught(
            "the lock of a dead holder stays for ever".into(),
        ));
    }
    stage.until(
        "the lease was over",
        || Ok(say!(talk, "GET", key)?.is_nil()),
    )?;
    let next = say!(talk, "SET", key, "next", "NX", "PX", LONG_MILLIS)?;
    Ok(if next.is_nil() {
        Finding::Caught("the lock was not free after its lease".into())
    } else {
        Finding::Passed("the lock was free once the lease was over".into())
    })
}
