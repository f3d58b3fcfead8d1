//! Why a fault took what it took: the lesson of the drill.
//!
//! Each sentence states a mechanism of Redis that was measured or read in its source; where the
//! evidence does not show the mechanism, the sentence says so.

use super::acts::damage_sentence;
use super::number::{count, counted, span};
use super::{lower, power};
use crate::domain::contract::Promise;
use crate::domain::event::DrillEvent;
use crate::domain::fault::{FaultKind, FaultRecord};
use crate::domain::preset::Keeping;
use crate::domain::record::RunRecord;
use crate::domain::verdict::FaultFinding;

/// Why fault number `fault` (from 0) took what it took; `None` if there is nothing to explain.
#[must_use]
pub fn why_sentence(record: &RunRecord, fault: usize) -> Option<String> {
    let performed = record.history.faults.get(fault)?;
    let finding = record.judgement.faults.get(fault)?;
    if finding.acked == 0 || record.readback.is_none() {
        return None;
    }
    if let Some(damage) = damage_after(record, performed) {
        let altered = record.judgement.counts.corrupted;
        return Some(match (finding.lost, altered) {
            (0, 0) => format!("{damage}; nothing acknowledged is missing or altered"),
            (_, 0) => damage,
            (_, altered) => format!(
                "{damage}; Redis loaded it without a word, and {} altered",
                if altered == 1 {
                    "one entry came back".to_owned()
                } else {
                    format!("{} entries came back", count(altered))
                }
            ),
        });
    }
    let keeping = match record.plan.preset.keeping() {
        // What was answered was written and not fsynced, as under `appendfsync no`.
        Keeping::AofAlways if power::unsynced_child(record, performed) => Keeping::AofNo,
        keeping => keeping,
    };
    Some(match performed.fault.kind {
        FaultKind::ProcessKill => killed(record, keeping, performed, finding, "the kill"),
        FaultKind::PowerLoss => power::cut_off(record, performed, finding),
        FaultKind::ContainerRemoved => killed(record, keeping, performed, finding, "the removal"),
        FaultKind::GracefulStop => {
            let implied = record.plan.preset.implied_promises();
            let stop_keeps = implied.get(&FaultKind::GracefulStop).copied();
            stopped(
                keeping,
                stop_keeps.unwrap_or(Promise::Everything),
                performed,
                finding,
            )
        }
        FaultKind::Pause if finding.lost == 0 => format!(
            "The server was frozen for {} and thawed: its memory stayed as it was",
            span(performed.fault.pause)
        ),
        FaultKind::Pause => {
            "The server was only frozen and thawed: a pause does not explain a loss".into()
        }
        FaultKind::ContainerRemovedWithVolume if finding.lost == 0 => {
            "The volume was to be deleted with the container, and yet nothing is missing".into()
        }
        FaultKind::ContainerRemovedWithVolume => {
            "The volume was deleted with the container: Redis started on an empty directory".into()
        }
    })
}

/// The damage that was done between this death and the next start: it explains what is missing.
fn damage_after(record: &RunRecord, fault: &FaultRecord) -> Option<String> {
    let later = record.timeline.iter().filter(|timed| timed.at >= fault.at);
    let mut until_start = later.take_while(|timed| {
        !matches!(
            timed.event,
            DrillEvent::ServerRestarted { .. } | DrillEvent::ServerRefused { .. }
        )
    });
    until_start.find_map(|timed| match &timed.event {
        DrillEvent::DamageDone { done } => Some(damage_sentence(done)),
        _ => None,
    })
}

fn killed(
    record: &RunRecord,
    keeping: Keeping,
    fault: &FaultRecord,
    finding: &FaultFinding,
    event: &str,
) -> String {
    match (keeping, finding.lost) {
        (Keeping::AofAlways, 0) => {
            "Redis answers only after the fsync: everything it had answered was on disk".into()
        }
        (Keeping::AofEverysec | Keeping::AofNo, 0) => {
            "The process died, the operating system did not: everything Redis had answered was already in the page cache".into()
        }
        (Keeping::AofEverysec, _) => {
            power::postponed(record, fault, finding.lost, event).unwrap_or_else(|| postponed(fault, event))
        }
        (Keeping::AofAlways | Keeping::AofNo, _) => {
            "Redis hands each command to the operating system before it answers, so a process kill does not explain this loss".into()
        }
        (Keeping::Snapshots, lost) => snapshot(fault, lost, event),
        (Keeping::Nothing, 0) => "Nothing is written to disk, and yet nothing is missing".into(),
        (Keeping::Nothing, _) => {
            "Nothing is written to disk: what was in memory died with the process".into()
        }
    }
}

/// The one way in which a kill takes acknowledged writes under everysec.
fn postponed(fault: &FaultRecord, event: &str) -> String {
    match &fault.before {
        Some(before) if before.aof_pending_bio_fsync > 0 => format!(
            "An fsync was in flight at {event}, so Redis had postponed its write and answered all the same: {} were in its own memory only at the last look",
            counted(before.aof_buffer_length, "byte")
        ),
        Some(before) => format!(
            "Redis postpones its write while an fsync is in flight and answers all the same; the last look, {} before {event}, did not show one yet",
            span(fault.at.since(before.at))
        ),
        None => "Redis postpones its write while an fsync is in flight and answers all the same; whether one was is not known here".into(),
    }
}

pub(super) fn snapshot(fault: &FaultRecord, lost: u64, event: &str) -> String {
    match (fault.last_snapshot, lost) {
        (Some(snapshot), 0) => format!(
            "The last snapshot began {} before {event} and held everything acknowledged",
            span(fault.at.since(snapshot.fork))
        ),
        (Some(snapshot), _) => format!(
            "Redis came back to the snapshot that began {} before {event}",
            span(fault.at.since(snapshot.fork))
        ),
        (None, 0) => "No finished snapshot was seen, and yet nothing is missing".into(),
        (None, _) => format!(
            "No finished snapshot was seen before {event}: there was nothing newer to come back to"
        ),
    }
}

fn stopped(
    keeping: Keeping,
    stop_keeps: Promise,
    fault: &FaultRecord,
    finding: &FaultFinding,
) -> String {
    let grace = span(fault.fault.grace);
    if fault.escalated {
        return match keeping {
            // Without a grace nobody has seen what the server would have done with one.
            _ if fault.fault.grace.is_zero() => {
                "SIGKILL came right behind SIGTERM: the plan gave no grace".into()
            }
            Keeping::Snapshots => {
                format!("The final save outlived the grace of {grace}, so SIGKILL came")
            }
            _ => format!("The server did not end within the grace of {grace}, so SIGKILL came"),
        };
    }
    let aof = !matches!(keeping, Keeping::Nothing | Keeping::Snapshots);
    match (stop_keeps, finding.lost) {
        (Promise::Everything, 0) => {
            "Redis saves nothing when it stops, and yet nothing is missing".into()
        }
        (Promise::Everything, _) => {
            "There are no save points, so Redis wrote nothing when it was asked to stop".into()
        }
        (Promise::SinceSnapshot, lost) => format!(
            "Redis is told not to save when it stops; {}",
            lower(&snapshot(fault, lost, "the stop"))
        ),
        (_, 0) if aof => "Asked to stop, Redis wrote out and fsynced its AOF first".into(),
        (_, 0) => "Asked to stop, Redis wrote a last snapshot first".into(),
        (_, lost) => format!(
            "Redis ended by itself within its grace ({}), which does not explain {} lost",
            fault.end,
            count(lost)
        ),
    }
}
