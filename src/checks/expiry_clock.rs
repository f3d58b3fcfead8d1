//! Expiry and the server's own time: keys that expire while it is down, and keys that are past their time and still
//! lie there.

use super::server::IN_MEMORY;
use super::{Notes, Stage, Stop};
use crate::domain::check::{Candidate, Finding};
use crate::say;

type Turn = Result<Finding, Stop>;

/// A key that is missing after a restart because its time was over is no crash loss.
pub fn while_down(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const EXPIRING: usize = 5;
    const LASTING: usize = 5;
    let mut server = stage.server("appendonly yes\nappendfsync always\nsave \"\"\n")?;
    let mut talk = server.talk()?;
    let now: i64 = server_millis(&say!(talk, "TIME")?.array())?;
    let deadline = now + 400;
    for number in 0..EXPIRING {
        let key = stage.key(&format!("expiring:{number}"));
        say!(talk, "SET", key, "x", "PXAT", deadline.to_string())
            .map_err(|trouble| Stop::NotHere(format!("this server has no PXAT: {trouble}")))?;
    }
    for number in 0..LASTING {
        say!(
            talk,
            "SET",
            stage.key(&format!("lasting:{number}")),
            "x",
            "EX",
            "3600"
        )?;
    }
    server.kill()?;
    if stage.place.forcing {
        // Down past the deadline: this waits for a moment that is bound to come, by the clock of this machine.
        let left = deadline - chrono::Utc::now().timestamp_millis();
        std::thread::sleep(std::time::Duration::from_millis(left.max(0) as u64 + 20));
    }
    server.start_again()?;
    let mut talk = server.talk()?;
    let back = server_millis(&say!(talk, "TIME")?.array())?;
    let mut missing = 0;
    for number in 0..EXPIRING {
        missing +=
            usize::from(say!(talk, "EXISTS", stage.key(&format!("expiring:{number}")))?.int() == 0);
    }
    for number in 0..LASTING {
        missing +=
            usize::from(say!(talk, "EXISTS", stage.key(&format!("lasting:{number}")))?.int() == 0);
    }
    if back < deadline || missing < EXPIRING {
        return Err(Stop::NotForced(
            "the server was back before the sessions had expired".into(),
        ));
    }
    // The naive judge counts what is missing; the sound one knows each deadline.
    let lost = match who {
        Candidate::Naive => missing,
        _ => missing - EXPIRING,
    };
    notes.add(format!(
        "{missing} of {} sessions are missing after the restart; {EXPIRING} of them had expired while the server was down; counted as lost by the crash: {lost}",
        EXPIRING + LASTING
    ));
    Ok(if lost == 0 {
        Finding::Passed("what had expired was not called lost".into())
    } else {
        Finding::Caught(format!(
            "{lost} expired sessions were called lost by the crash"
        ))
    })
}

fn server_millis(time: &[crate::client::talk::Reply]) -> Result<i64, Stop> {
    match time {
        [seconds, micros] => Ok(seconds.int() * 1000 + micros.int() / 1000),
        _ => Err(Stop::Failed("TIME was answered with something else".into())),
    }
}

/// A server whose active expiry can be turned off; 7.0 and later want that allowed in the configuration.
fn debuggable(stage: &Stage<'_>) -> Result<super::server::Owned, Stop> {
    stage
        .server(&format!("{IN_MEMORY}enable-debug-command local\n"))
        .or_else(|_| stage.server(IN_MEMORY))
}

/// With active expiry off, a key past its time lies there until it is looked at.
pub fn lazy_and_active(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const SESSIONS: usize = 20;
    let server = debuggable(stage)?;
    let mut talk = server.talk()?;
    if !stage.place.forcing {
        return Err(Stop::NotForced("active expiry was not turned off".into()));
    }
    say!(talk, "DEBUG", "SET-ACTIVE-EXPIRE", "0")?;
    let key = |number: usize| stage.key(&format!("session:{number}"));
    for number in 0..SESSIONS {
        say!(talk, "SET", key(number), "x", "PX", "1")?;
    }
    // Looked at on a key of its own: the others stay untouched.
    let witness = stage.key("witness");
    say!(talk, "SET", witness, "x", "PX", "2")?;
    stage.until("the sessions were past their time", || {
        Ok(say!(talk, "EXISTS", witness)?.int() == 0)
    })?;
    let size = say!(talk, "DBSIZE")?.int() as usize;
    if size < SESSIONS {
        return Err(Stop::NotForced(format!(
            "{size} of {SESSIONS} expired keys still lay there: active expiry was faster"
        )));
    }
    let living = match who {
        Candidate::Naive => size,
        _ => {
            let mut living = 0;
            for number in 0..SESSIONS {
                living += say!(talk, "EXISTS", key(number))?.int() as usize;
            }
            living
        }
    };
    say!(talk, "DEBUG", "SET-ACTIVE-EXPIRE", "1")?;
    let swept = stage.until("active expiry had removed them", || {
        Ok(say!(talk, "DBSIZE")?.int() == 0)
    })?;
    notes.add(format!(
        "{SESSIONS} expired sessions, active expiry off: DBSIZE {size}, counted as living: {living}"
    ));
    notes.add(format!(
        "active expiry on again: DBSIZE 0 after {} ms",
        swept.as_millis()
    ));
    Ok(if living == 0 {
        Finding::Passed("expired sessions were not counted, though they still lay there".into())
    } else {
        Finding::Caught(format!(
            "{living} sessions were counted as living and were all expired"
        ))
    })
}
