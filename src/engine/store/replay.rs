//! Judging a run again from its evidence alone, without any server.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::{
    FORMAT, JOURNAL, LADDER, PLAN, READBACK, RUN, ReadbackHead, RunFile, TIMELINE, VERDICT,
    read_json, write_reports, write_verdict,
};
use crate::domain::checker::{self, Circumstances};
use crate::domain::event::{DrillEvent, TimedEvent};
use crate::domain::history::History;
use crate::domain::ladder::Ladder;
use crate::domain::op::{Completion, Micros};
use crate::domain::plan::DrillPlan;
use crate::domain::readback::{Readback, SessionReadback};
use crate::domain::record::RunRecord;
use crate::domain::verdict::Ground;
use crate::journal::{self, Tear};

/// Judges a run again from its evidence alone: plan, journal, timeline, readback. Writes nothing.
///
/// # Errors
/// Plan or journal cannot be read. A torn tail is no error: the verdict says so.
pub fn replay(dir: &Path) -> Result<RunRecord> {
    let run: RunFile = read_json(&dir.join(RUN))?;
    if run.format != FORMAT {
        bail!(
            "this run has format {}, this version reads {FORMAT} ({})",
            run.format,
            dir.display()
        );
    }
    let plan: DrillPlan = read_json(&dir.join(PLAN))?;
    let (mut timeline, damage) = read_timeline(&dir.join(TIMELINE))?;
    let mut journal = match dir.join(JOURNAL).exists() {
        true => journal::read(&dir.join(JOURNAL))?,
        // The drill failed before its server was up: there is nothing to judge, and that is said.
        false => journal::Journal::default(),
    };
    let faults = timeline.iter().filter_map(|event| match &event.event {
        DrillEvent::FaultDone { record } => Some((**record).clone()),
        _ => None,
    });
    let mut history = History {
        ops: std::mem::take(&mut journal.ops),
        faults: faults.collect(),
        torn: journal.tear.is_some(),
    };
    let readback = read_readback(&dir.join(READBACK))?;
    let streamed = timeline
        .iter()
        .any(|event| event.event == DrillEvent::StreamStarted);
    if let Some(text) = shorter_than_known(&history, readback.as_ref(), streamed) {
        history.torn = true;
        let at = timeline.last().map_or(Micros(0), |event| event.at);
        let event = DrillEvent::Warned { text };
        timeline.push(TimedEvent { at, event });
    }
    if let Some(tear) = &journal.tear {
        timeline.push(torn(
            tear,
            timeline.last().map_or(Micros(0), |event| event.at),
        ));
    }
    let mut circumstances = Circumstances::of(&timeline);
    if let Some(text) = damage {
        let at = timeline.last().map_or(Micros(0), |event| event.at);
        circumstances
            .grounds
            .push(Ground::TimelineDamaged { text: text.clone() });
        let event = DrillEvent::Warned { text };
        timeline.push(TimedEvent { at, event });
    }
    let (judgement, classes) = checker::judge(&plan, &history, readback.as_ref(), &circumstances);
    let server = timeline.iter().rev().find_map(|event| match &event.event {
        DrillEvent::ServerStarted { info, .. } | DrillEvent::ServerRestarted { info, .. } => {
            Some(info.clone())
        }
        _ => None,
    });
    Ok(RunRecord {
        id: run.id,
        dir: dir.to_owned(),
        began: run.began,
        plan,
        keys: run.keys,
        backend: run.backend,
        server,
        timeline,
        history: Arc::new(history),
        readback: readback.map(Arc::new),
        ladder: read_ladder(&dir.join(LADDER)).map(Arc::new),
        judgement,
        classes: Arc::new(classes),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// A journal that was cut between two records looks whole; what was known of it elsewhere tells.
fn shorter_than_known(
    history: &History,
    readback: Option<&Readback>,
    streamed: bool,
) -> Option<String> {
    let (ops, acked) = (history.ops.len() as u64, history.count(Completion::Acked));
    let (known_ops, known_acked) =
        readback.map_or((u64::from(streamed), 0), |r| (r.attempted, r.acked));
    (ops < known_ops || acked < known_acked).then(|| {
        format!(
            "the journal holds {ops} writes and {acked} acknowledgements; there were {known_ops} and {known_acked} at least"
        )
    })
}

/// Says where the journal is torn; nothing behind that point counts.
fn torn(tear: &Tear, at: Micros) -> TimedEvent {
    let text = format!(
        "the journal is torn at byte {}: {}; {} bytes behind it do not count",
        tear.at_byte, tear.reason, tear.left_over_bytes
    );
    TimedEvent {
        at,
        event: DrillEvent::Warned { text },
    }
}

/// As [`replay`], and writes verdict and reports into the run.
///
/// # Errors
/// As [`replay`]; the verdict cannot be written.
pub fn judge_again(dir: &Path) -> Result<RunRecord> {
    let record = replay(dir)?;
    write_verdict(dir, &record)?;
    write_reports(&record)?;
    Ok(record)
}

/// As [`replay`]; a run that was never judged gets its verdict and reports, and any other stays as it is.
///
/// # Errors
/// As [`judge_again`].
pub fn open(dir: &Path) -> Result<RunRecord> {
    if dir.join(VERDICT).exists() {
        replay(dir)
    } else {
        judge_again(dir)
    }
}

/// The timeline, and what is wrong with it. Our own death may have cut the last line, and only that: it had no end
/// of line yet, and what it told had not been told to anybody.
fn read_timeline(path: &Path) -> Result<(Vec<TimedEvent>, Option<String>)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut events = Vec::new();
    let mut damaged = Vec::new();
    for (n, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(event) => events.push(event),
            Err(_) if !line.ends_with('\n') => {}
            Err(error) => damaged.push((n + 1, error.to_string())),
        }
    }
    let told = damaged.first().map(|(line, error)| {
        let more = match damaged.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        format!("{}:{line} is no event{more}: {error}", path.display())
    });
    Ok((events, told))
}

/// The picture of a run without one, or with a torn one, is smaller; no verdict hangs on it.
fn read_ladder(path: &Path) -> Option<Ladder> {
    let lines = BufReader::new(File::open(path).ok()?).lines();
    let rungs = lines
        .map_while(Result::ok)
        .map_while(|line| serde_json::from_str(&line).ok());
    Some(Ladder {
        rungs: rungs.collect(),
    })
}

fn read_readback(path: &Path) -> Result<Option<Readback>> {
    let Ok(file) = File::open(path) else {
        return Ok(None);
    };
    let mut lines = BufReader::with_capacity(1 << 20, file).lines();
    let Some(Ok(head)) = lines.next() else {
        return Ok(None);
    };
    let head: ReadbackHead =
        serde_json::from_str(&head).with_context(|| format!("{} is damaged", path.display()))?;
    let mut readback = head.readback;
    let sessions = lines
        .map_while(Result::ok)
        .map_while(|line| serde_json::from_str::<SessionReadback>(&line).ok());
    // Sessions that a torn file has lost are not read back: the checker finds them missing.
    readback.sessions = sessions.collect();
    Ok(Some(readback))
}
