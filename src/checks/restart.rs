//! Restart: the same contract before and after, on each preset; a change of persistence; a change of engine.

use std::path::Path;

use super::eviction::Archived;
use super::server::{Owned, version};
use super::store::sound::SoundStore;
use super::store::{Memory, StoreError};
use super::{Notes, Stage, Stop};
use crate::domain::check::{Candidate, Finding, Message};
use crate::domain::contract::Promise;
use crate::domain::fault::FaultKind;
use crate::domain::preset::Preset;
use crate::say;

type Turn = Result<Finding, Stop>;

const SESSION: &str = "chat";
const MESSAGES: u32 = 40;

/// The preset whose id ends the check's.
fn preset(stage: &Stage<'_>) -> Result<Preset, Stop> {
    named(stage.check.strip_prefix("restart-").unwrap_or_default())
}

fn named(id: &str) -> Result<Preset, Stop> {
    let all = Preset::embedded().into_iter();
    let found = all.into_iter().find(|preset| preset.id == id);
    found.ok_or_else(|| Stop::Failed(format!("there is no preset {id}")))
}

fn store(stage: &Stage<'_>, who: Candidate) -> Result<Box<dyn Memory>, Stop> {
    Ok(match who {
        Candidate::Yours => stage.yours(None)?,
        _ => Box::new(SoundStore::open(
            &stage.endpoint,
            &stage.prefix,
            stage.layout(),
        )?),
    })
}

/// Fills a session on a preset, kills the server and starts it again, then stops it and starts it again. The naive
/// way of restarting is the article's harness: the container is removed and made anew.
pub fn on_preset(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let preset = preset(stage)?;
    let mut server = stage.server(preset.config_text())?;
    let on = stage.on(&server.endpoint);
    let mut filled = store(&on, who)?;
    write(filled.as_mut(), 1..=MESSAGES)?;
    if !stage.place.forcing {
        return Err(Stop::NotForced("the server was not ended".into()));
    }
    server.kill()?;
    server.start_again()?;
    let killed = compare(&on, who, filled.as_mut(), MESSAGES)?;
    let promise = preset.promise(FaultKind::ProcessKill);
    notes.add(format!(
        "{}: after a process kill {}",
        preset.id,
        killed.sentence()
    ));
    if let Some(broken) = killed.breach(promise) {
        return Ok(Finding::Caught(broken));
    }
    // What the kill has left is the session from here on.
    let more = MESSAGES + 1..=2 * MESSAGES;
    if who != Candidate::Yours {
        // The connection died with the server; the user's store must find back by itself.
        filled = store(&on, who)?;
    }
    write(filled.as_mut(), more)?;
    let expected = killed.found as u32 + MESSAGES;
    server.stop()?;
    if who == Candidate::Naive {
        server = stage.server(preset.config_text())?;
    } else {
        server.start_again()?;
    }
    let on = stage.on(&server.endpoint);
    let stopped = match who {
        Candidate::Naive => compare(&on, who, store(&on, who)?.as_mut(), expected)?,
        _ => compare(&on, who, filled.as_mut(), expected)?,
    };
    notes.add(format!(
        "{}: after a graceful stop {}",
        preset.id,
        stopped.sentence()
    ));
    Ok(
        match stopped.breach(preset.promise(FaultKind::GracefulStop)) {
            Some(broken) if who == Candidate::Naive => Finding::Caught(format!(
                "{broken}: the server was removed and made anew, which is no restart"
            )),
            Some(broken) => Finding::Caught(broken),
            None => Finding::Passed(format!(
                "kill: {promise}; stop: {}; both held",
                preset.promise(FaultKind::GracefulStop)
            )),
        },
    )
}

fn write(store: &mut dyn Memory, numbers: std::ops::RangeInclusive<u32>) -> Result<(), Stop> {
    for number in numbers {
        let message = Message::numbered(number);
        let answer = store.append(SESSION, &message);
        if let Err(StoreError::Indeterminate(_) | StoreError::Refused(_)) = answer {
            // The server is a new process: a store may need one failed call to notice.
            store.append(SESSION, &message)?;
        } else {
            answer?;
        }
    }
    Ok(())
}

/// What a restart has left of a session.
struct Left {
    written: usize,
    found: usize,
    /// What is left is the beginning of what was written, nothing missing between.
    prefix: bool,
}

impl Left {
    fn sentence(&self) -> String {
        format!(
            "{} of {} messages are there{}",
            self.found,
            self.written,
            if self.prefix {
                ""
            } else {
                ", with a hole or out of order"
            }
        )
    }

    /// How the promise is broken, if it is.
    fn breach(&self, promise: Promise) -> Option<String> {
        let lost = self.written.saturating_sub(self.found);
        if !self.prefix || self.found > self.written {
            return Some(format!(
                "the session came back changed: {}",
                self.sentence()
            ));
        }
        (lost > 0 && promise == Promise::Nothing)
            .then(|| format!("{lost} of {} acknowledged messages are lost", self.written))
    }
}

fn compare(
    stage: &Stage<'_>,
    who: Candidate,
    filled: &mut dyn Memory,
    written: u32,
) -> Result<Left, Stop> {
    let history = match who {
        // Ours reads with a new connection; the user's must find back by itself, in two attempts.
        Candidate::Yours => match filled.history(SESSION) {
            Err(StoreError::Indeterminate(_) | StoreError::Refused(_)) => {
                filled.history(SESSION)?
            }
            other => other?,
        },
        _ => store(stage, who)?.history(SESSION)?,
    };
    let found: Vec<&str> = history.ids();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    sorted.dedup();
    Ok(Left {
        written: written as usize,
        found: found.len(),
        prefix: sorted == found && history.damaged.is_empty(),
    })
}

/// A preset that keeps nothing: only a store that holds its sessions elsewhere, too, keeps them.
pub fn on_none(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let preset = named("none")?;
    let mut server = stage.server(preset.config_text())?;
    let archived = Archived::new(who)?;
    let key = stage.key("session");
    archived.write(&mut server.talk()?, &key, "a long talk", None)?;
    if !stage.place.forcing {
        return Err(Stop::NotForced("the server was not ended".into()));
    }
    server.stop()?;
    server.start_again()?;
    let mut talk = server.talk()?;
    let in_redis = say!(talk, "EXISTS", key)?.int();
    let read = archived.read(&mut talk, &key)?;
    notes.add(format!(
        "after a graceful stop Redis holds {in_redis} of 1 session; the store reads {}",
        if read.is_empty() { "nothing" } else { "it" }
    ));
    Ok(if read.is_empty() {
        Finding::Caught(
            "a restart has taken every session, as a server without persistence does".into(),
        )
    } else {
        Finding::Passed("the session was read from the archive".into())
    })
}

/// "Redis saves by itself": with the classic save points nothing has been saved yet.
pub fn assumed_saving(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let id = if who == Candidate::Naive {
        "rdb-classic"
    } else {
        "aof-always"
    };
    let mut server = stage.server(named(id)?.config_text())?;
    let on = stage.on(&server.endpoint);
    write(store(&on, who)?.as_mut(), 1..=MESSAGES)?;
    if !stage.place.forcing {
        return Err(Stop::NotForced("the server was not killed".into()));
    }
    server.kill()?;
    server.start_again()?;
    let left = compare(&on, who, store(&on, who)?.as_mut(), MESSAGES)?;
    notes.add(format!("{id}: after a process kill {}", left.sentence()));
    Ok(match left.breach(Promise::Nothing) {
        Some(broken) => Finding::Caught(format!("{broken}: no save point was due yet")),
        None => Finding::Passed("what was acknowledged was on disk".into()),
    })
}

/// From snapshots to AOF: by configuration and restart (naive), or live, waiting for the first rewrite.
pub fn rdb_to_aof(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut server = stage.server("save 3600 1\nappendonly no\n")?;
    let on = stage.on(&server.endpoint);
    write(store(&on, who)?.as_mut(), 1..=MESSAGES)?;
    if !stage.place.forcing {
        return Err(Stop::NotForced("the persistence was not changed".into()));
    }
    let mut talk = server.talk()?;
    if who == Candidate::Naive {
        say!(talk, "SAVE")?;
        server.append_config("appendonly yes\n")?;
    } else {
        say!(talk, "CONFIG", "SET", "appendonly", "yes")?;
        stage.until("the first AOF was written", || {
            let info = say!(talk, "INFO", "persistence")?.text();
            Ok(info.contains("aof_rewrite_in_progress:0")
                && info.contains("aof_rewrite_scheduled:0")
                && info.contains("aof_last_bgrewrite_status:ok"))
        })?;
        say!(talk, "CONFIG", "REWRITE")?;
    }
    server.kill()?;
    server.start_again()?;
    let left = compare(&on, who, store(&on, who)?.as_mut(), MESSAGES)?;
    notes.add(format!(
        "appendonly yes, after a restart {}",
        left.sentence()
    ));
    Ok(match left.breach(Promise::Nothing) {
        Some(broken) => Finding::Caught(format!(
            "{broken}: with appendonly yes Redis loads the AOF alone, and there was none"
        )),
        None => Finding::Passed("the AOF was complete before the restart".into()),
    })
}

/// Two engines, older first, with their versions.
fn two_engines(stage: &Stage<'_>) -> Result<[(Owned, String); 2], Stop> {
    const SNAPSHOT: &str = "save 3600 1\nappendonly no\n";
    let Some(other) = &stage.place.other_program else {
        return Err(Stop::NotHere(
            "it takes two engines of different versions: give --server twice".into(),
        ));
    };
    let first = Owned::start(stage.place, SNAPSHOT)?;
    let second = Owned::start_program(Some(other.clone()), stage.place, SNAPSHOT)?;
    let versions = [version(&mut first.talk()?)?, version(&mut second.talk()?)?];
    if versions[0] == versions[1] {
        return Err(Stop::NotHere(format!("both engines are {}", versions[0])));
    }
    let [one, two] = versions;
    Ok(if number(&one) < number(&two) {
        [(first, one), (second, two)]
    } else {
        [(second, two), (first, one)]
    })
}

fn number(version: &str) -> Vec<u32> {
    let digits = version.rsplit(' ').next().unwrap_or_default();
    digits
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

/// The older engine's data is opened by the newer one, and goes back: as a file (naive), or session by session.
pub fn older_engine(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let [(mut older, old_version), (mut newer, new_version)] = two_engines(stage)?;
    let on = stage.on(&older.endpoint);
    write(store(&on, who)?.as_mut(), 1..=MESSAGES)?;
    older.stop()?;
    carry(&mut older, &mut newer)?;
    let on_newer = stage.on(&newer.endpoint);
    let left = compare(&on_newer, who, store(&on_newer, who)?.as_mut(), MESSAGES)?;
    notes.add(format!(
        "written by {old_version}, opened by {new_version}: {}",
        left.sentence()
    ));
    if let Some(broken) = left.breach(Promise::Nothing) {
        return Ok(Finding::Caught(broken));
    }
    let back = if who == Candidate::Naive {
        newer.stop()?;
        carry(&mut newer, &mut older)
    } else {
        older.start_again()?;
        copy_sessions(&on_newer, &stage.on(&older.endpoint))
    };
    if let Err(Stop::Failed(why)) = &back {
        notes.add(format!("back to {old_version}: {why}"));
        return Ok(Finding::Caught(format!(
            "{old_version} does not open what {new_version} has written: there is no way back by file"
        )));
    }
    back?;
    let on_older = stage.on(&older.endpoint);
    let left = compare(&on_older, who, store(&on_older, who)?.as_mut(), MESSAGES)?;
    notes.add(format!("back on {old_version}: {}", left.sentence()));
    Ok(match (left.breach(Promise::Nothing), who) {
        (Some(broken), _) => Finding::Caught(broken),
        (None, Candidate::Naive) => Finding::NotForced(format!(
            "{old_version} opens the files of {new_version}: nothing is in the way"
        )),
        (None, _) => Finding::Passed("every session came back by the store's own commands".into()),
    })
}

/// Ends both, lays the one's files into the other's directory and starts that.
fn carry(from: &mut Owned, to: &mut Owned) -> Result<(), Stop> {
    let folder = to.directory()?;
    to.kill()?;
    remove_data(&folder)?;
    from.copy_data(&folder)?;
    to.start_again()
}

/// What a server has written into a directory that the backend has made for it.
fn remove_data(folder: &Path) -> Result<(), Stop> {
    let dump = folder.join("dump.rdb");
    if dump.exists() {
        std::fs::remove_file(dump)?;
    }
    Ok(())
}

fn copy_sessions(from: &Stage<'_>, to: &Stage<'_>) -> Result<(), Stop> {
    let history = store(from, Candidate::Sound)?.history(SESSION)?;
    let mut target = store(to, Candidate::Sound)?;
    target.delete(SESSION)?;
    for message in &history.messages {
        target.append(SESSION, message)?;
    }
    Ok(())
}
