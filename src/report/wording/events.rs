//! The timeline in words: one event, one short title and the numbers that belong to it.
//!
//! It says what happened and never what it proves.

use std::time::Duration;

use super::acts;
use super::number::{count, span};
use crate::domain::event::{DrillEvent, ServerInfo};
use crate::domain::fault::{FaultKind, FaultRecord, PersistenceInfo};

/// Title and detail in one line.
#[must_use]
pub fn event_sentence(event: &DrillEvent) -> String {
    match tell(event) {
        (title, detail) if detail.is_empty() => title.to_owned(),
        (title, detail) => format!("{title}: {detail}"),
    }
}

/// Title and detail of an event; the detail may be empty.
#[must_use]
pub fn tell(event: &DrillEvent) -> (&'static str, String) {
    match event {
        DrillEvent::RunStarted { run, .. } => ("Run started", run.to_string()),
        DrillEvent::BackendChosen { backend, reason } if reason.is_empty() => {
            ("Backend chosen", backend.clone())
        }
        DrillEvent::BackendChosen { backend, reason } => {
            ("Backend chosen", format!("{backend}: {reason}"))
        }
        DrillEvent::ServerStarted { info, took } => ("Server started", server(info, *took)),
        DrillEvent::StreamStarted => ("Streaming", String::new()),
        DrillEvent::StreamPaused { acked } => {
            ("Stream paused", format!("{} acknowledged", count(*acked)))
        }
        DrillEvent::SnapshotFinished { snapshot } => (
            "Snapshot finished",
            format!(
                "holds what was acknowledged before its fork at {:.3} s",
                snapshot.fork.secs()
            ),
        ),
        DrillEvent::Armed { fault, trigger } => (
            "Armed",
            format!(
                "{} at the moment when {}",
                fault.kind.title(),
                trigger.words()
            ),
        ),
        DrillEvent::Disarmed => ("Disarmed", String::new()),
        DrillEvent::MomentMissed { trigger, reason } => {
            ("Moment missed", format!("{}: {reason}", trigger.words()))
        }
        DrillEvent::FaultBegan { fault, before } => {
            let before = before.as_ref().map(persistence).unwrap_or_default();
            (fault.kind.title(), before)
        }
        DrillEvent::FaultDone { record } => ("Fault done", ended(record)),
        DrillEvent::ServerDied { end, last_words } => {
            ("Server died", with_words(&end.to_string(), last_words))
        }
        DrillEvent::ServerRestarted { info, took } => ("Server restarted", server(info, *took)),
        DrillEvent::ServerRefused { end, words } => (
            "Server refused to start",
            with_words(&end.to_string(), words),
        ),
        DrillEvent::ReadbackFinished {
            sessions,
            entries,
            unread_sessions,
            took,
        } => {
            let unread = match unread_sessions {
                0 => String::new(),
                n => format!(", {} sessions not read", count(*n)),
            };
            let (entries, sessions) = (count(*entries), count(*sessions));
            let secs = took.as_secs_f64();
            (
                "Read back",
                format!("{entries} entries in {sessions} sessions{unread}, in {secs:.2} s"),
            )
        }
        DrillEvent::Judged { sentence, .. } => ("Judged", sentence.clone()),
        DrillEvent::Warned { text } => ("Warning", text.clone()),
        DrillEvent::NetworkHappened { happening } => ("Network", acts::network_sentence(happening)),
        DrillEvent::DamageDone { done } => ("Damaged", acts::damage_sentence(done)),
        DrillEvent::Repaired { repair } => ("Repair", acts::repair_sentence(repair)),
        DrillEvent::Compared { comparison } => {
            ("Kill & compare", acts::comparison_sentence(comparison))
        }
        DrillEvent::WhatIf { finding } => ("What if", acts::what_if_sentence(finding)),
        DrillEvent::TailCutTried { tail_cut } => {
            ("Tail-cut replay", acts::tail_cut_sentence(tail_cut))
        }
        DrillEvent::DataKept { path } => ("Data kept", path.display().to_string()),
        DrillEvent::Failed { error, .. } => ("Failed", error.clone()),
        DrillEvent::Cancelled => ("Cancelled", String::new()),
        DrillEvent::RunFinished => ("Run finished", "everything is stopped and removed".into()),
    }
}

fn server(info: &ServerInfo, took: Duration) -> String {
    let (engine, version, address) = (&info.engine, &info.version, &info.address);
    format!(
        "{engine} {version} at {address}, in {:.2} s",
        took.as_secs_f64()
    )
}

fn persistence(info: &PersistenceInfo) -> String {
    let mut parts = vec![format!(
        "{} changes since the last save",
        count(info.rdb_changes_since_last_save)
    )];
    if info.aof_pending_bio_fsync > 0 {
        parts.push("an fsync is in flight".into());
    }
    if info.rdb_bgsave_in_progress {
        parts.push("a snapshot is being written".into());
    }
    if info.aof_rewrite_in_progress {
        parts.push("the AOF is being rewritten".into());
    }
    parts.join(", ")
}

fn ended(record: &FaultRecord) -> String {
    let took = record.dead.since(record.at).as_secs_f64() * 1e3;
    if record.fault.kind == FaultKind::Pause {
        return format!("thawed after {}", span(record.dead.since(record.at)));
    }
    let escalated = if record.escalated {
        ", after the grace ran out"
    } else {
        ""
    };
    format!("{}{escalated}, in {took:.0} ms", record.end)
}

fn with_words(end: &str, words: &[String]) -> String {
    match words.last() {
        Some(last) => format!("{end}: {last}"),
        None => end.to_owned(),
    }
}
