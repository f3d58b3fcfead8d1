//! Why a power cut took what it took, from what the faulty disk testified.

use std::time::Duration;

use super::number::{count, counted, span};
use super::why::snapshot;
use crate::domain::disk::{DiskPlan, FsyncDelay, Metadata};
use crate::domain::evidence::DiskEvidence;
use crate::domain::fault::{FaultRecord, PersistenceInfo};
use crate::domain::preset::Keeping;
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Cut, FaultFinding};

/// The most that a cut under everysec took on a healthy disk (measured: 1.40 s on ext4, 1.51 s on XFS with a busy
/// neighbour).
const HEALTHY: Duration = Duration::from_millis(1_510);

/// The sentence for one power loss.
pub(super) fn cut_off(record: &RunRecord, fault: &FaultRecord, finding: &FaultFinding) -> String {
    let keeping = record.plan.preset.keeping();
    let aof = match keeping {
        Keeping::Nothing if finding.lost == 0 => {
            return "Nothing is written to disk, and yet nothing is missing".into();
        }
        Keeping::Nothing => {
            return "Nothing is written to disk: what was in memory died with the machine".into();
        }
        Keeping::Snapshots => return snapshot(fault, finding.lost, "the cut"),
        aof => aof,
    };
    let Some(disk) = &fault.disk else {
        return "What the disk had fsynced at the cut is not known here".into();
    };
    match finding.lost {
        lost if lost > 0 && folder_undone(record, disk) => {
            "The bytes were fsynced and the folder that holds them was not: Redis never fsyncs the directory above its appendonlydir, and under strict metadata the cut undid it, whatever appendfsync says; ext4 and XFS keep it"
                .into()
        }
        0 if aof == Keeping::AofAlways && !unsynced_child(record, fault) => {
            "Redis answers only after the fsync: everything it had answered was durable at the cut"
                .into()
        }
        0 if unsynced_child(record, fault) => format!(
            "With no-appendfsync-on-rewrite yes nothing is fsynced while a snapshot or a rewrite runs, whatever appendfsync says, and one ran; yet everything Redis had answered was durable: {}",
            since(fault, disk)
        ),
        0 => format!(
            "Everything Redis had answered was durable; {}",
            since(fault, disk)
        ),
        _ if matches!(finding.cut, Cut::Anomaly { .. }) => format!(
            "The loss is no clean cut: what is missing lies between what survived, as when an older file of the AOF was fsynced later than the newer one; {}",
            since(fault, disk)
        ),
        _ => {
            let answered = format!(
                "Redis had answered {} that the disk had not fsynced; {}",
                counted(disk.answered_not_durable, "write"),
                since(fault, disk)
            );
            match reason(record, aof, fault, finding) {
                Some(reason) => format!("{answered}: {reason}"),
                None => answered,
            }
        }
    }
}

/// The worst case that POSIX allows took the folder of the AOF (measured: 15 of 15 cuts, under `always`, too).
fn folder_undone(record: &RunRecord, disk: &DiskEvidence) -> bool {
    let strict = record
        .plan
        .disk
        .as_ref()
        .is_some_and(|plan| plan.metadata == Metadata::Strict);
    let undone = disk.cut.as_ref().map_or(&[][..], |cut| &cut.undone_names);
    strict && undone.iter().any(|name| name.contains("appendonlydir"))
}

/// Beside a loss to a kill on the faulty disk: what Redis had answered out of its own memory.
pub(super) fn postponed(
    record: &RunRecord,
    fault: &FaultRecord,
    lost: u64,
    event: &str,
) -> Option<String> {
    let disk = fault.disk.as_ref()?;
    if disk.answered_not_written == 0 {
        // What does not fit is written as far as it fits, and truncated away again.
        let failing = record.plan.disk.as_ref().and_then(failing)?;
        return Some(format!(
            "Redis had answered {} that no file holds: {failing}",
            counted(lost, "write")
        ));
    }
    let fsync = match disk.last_fsync_began {
        Some(began) if disk.fsyncs_in_flight > 0 => format!(
            "an fsync that began {} before {event} was in flight, so Redis had postponed its write and answered all the same",
            span(fault.at.since(began))
        ),
        // The disk is done and Redis has not learnt it yet: its thread for fsyncs has not run since.
        _ if fault.before.as_ref().is_some_and(|b| b.aof_pending_bio_fsync > 0) => {
            "INFO showed an fsync pending, so Redis had postponed its write and answered all the same"
                .into()
        }
        _ => match record.plan.disk.as_ref().and_then(failing) {
            Some(failing) => failing,
            None => "the disk had not taken them".into(),
        },
    };
    Some(format!(
        "Redis had answered {} that {} in its own memory only: {fsync}",
        counted(disk.answered_not_written, "write"),
        if disk.answered_not_written == 1 {
            "was"
        } else {
            "were"
        }
    ))
}

/// What a disk that fails does to answered writes.
fn failing(plan: &DiskPlan) -> Option<String> {
    if let Some(error) = &plan.io_error {
        return Some(format!(
            "the disk answered {error} with an I/O error, and what it failed to fsync is not made durable by a later one"
        ));
    }
    plan.space_bytes.map(|bytes| {
        format!(
            "the disk was full after {}, and the batch whose write fails is answered all the same",
            counted(bytes, "byte")
        )
    })
}

/// How old the last fsync was.
fn since(fault: &FaultRecord, disk: &DiskEvidence) -> String {
    match (disk.last_fsync_began, disk.last_fsync_ended) {
        (None, _) => "no fsync ever came".into(),
        (Some(began), Some(_)) if disk.fsyncs_in_flight == 0 => format!(
            "the cut came {} after the last fsync began",
            span(fault.at.since(began))
        ),
        (Some(began), _) => format!(
            "an fsync that began {} before the cut had not ended",
            span(fault.at.since(began))
        ),
    }
}

/// A snapshot or a rewrite ran, and Redis was told not to fsync meanwhile.
pub(super) fn unsynced_child(record: &RunRecord, fault: &FaultRecord) -> bool {
    let child = |b: &PersistenceInfo| b.aof_rewrite_in_progress || b.rdb_bgsave_in_progress;
    record.plan.preset.skips_fsync_on_rewrite() && fault.before.as_ref().is_some_and(child)
}

/// What made the loss larger than the policy's name suggests.
fn reason(
    record: &RunRecord,
    aof: Keeping,
    fault: &FaultRecord,
    finding: &FaultFinding,
) -> Option<String> {
    let disk = fault.disk.as_ref()?;
    let plan = record.plan.disk.as_ref()?;
    let cut = disk.cut.as_ref()?;
    if unsynced_child(record, fault) {
        return Some(
            "no-appendfsync-on-rewrite was yes, so nothing was fsynced while a snapshot or a rewrite ran, whatever appendfsync says"
                .into(),
        );
    }
    if let Some(failing) = failing(plan) {
        return Some(failing);
    }
    let slow = finding.window.is_some_and(|window| window > HEALTHY);
    if slow && plan.fsync_delay != FsyncDelay::None && aof == Keeping::AofEverysec {
        return Some(format!(
            "an fsync on this disk took {}, and once a second is not one second when fsync is slow",
            longer(plan.fsync_delay)
        ));
    }
    if aof == Keeping::AofNo {
        return Some(match plan.write_back {
            Some(age) => format!(
                "with appendfsync no only the system's own write-back makes it durable, after {}",
                span(age)
            ),
            None => "with appendfsync no nothing makes it durable".into(),
        });
    }
    (cut.dropped_bytes() > 0).then(|| {
        format!(
            "the cut dropped {} bytes of {}",
            count(cut.dropped_bytes()),
            counted(
                cut.files.iter().filter(|f| f.dropped_bytes > 0).count() as u64,
                "file"
            )
        )
    })
}

fn longer(delay: FsyncDelay) -> String {
    match delay {
        FsyncDelay::None => "no longer than it needs".into(),
        FsyncDelay::Constant { by } => format!("{} longer", span(by)),
        FsyncDelay::Between { least, most } => format!("{} to {} longer", span(least), span(most)),
        FsyncDelay::Stall { by, .. } => format!("{} longer once", span(by)),
    }
}
