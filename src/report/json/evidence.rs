//! Disk, moment, conditions and ladder as they stand in the report for machines.

use serde::Serialize;

use crate::domain::evidence::{DiskEvidence, PowerCut};
use crate::domain::ladder::{Ladder, Rung};
use crate::domain::op::Micros;
use crate::domain::plan::DrillPlan;
use crate::domain::record::RunRecord;
use crate::domain::trigger::{Hit, Witness};
use crate::report::wording;

#[derive(Serialize)]
pub(super) struct MomentDto {
    aimed: String,
    at_secs: f64,
    witness: &'static str,
    seen: String,
    on_target: bool,
    sentence: String,
}

pub(super) fn moment(record: &RunRecord, fault: usize, hit: &Hit) -> MomentDto {
    MomentDto {
        aimed: hit.aimed.to_string(),
        at_secs: hit.at.secs(),
        witness: match hit.witness {
            Witness::DiskOperation => "disk_operation",
            Witness::ServerLog => "server_log",
            Witness::Info => "info",
            Witness::Client => "client",
        },
        seen: hit.seen.clone(),
        on_target: hit.on_target,
        sentence: wording::moment_sentence(record, fault).unwrap_or_default(),
    }
}

#[derive(Serialize)]
pub(super) struct DiskDto {
    frozen_secs: f64,
    written: u64,
    durable: u64,
    answered_not_durable: u64,
    answered_not_written: u64,
    fsyncs_in_flight: u32,
    last_fsync_began_secs: Option<f64>,
    last_fsync_ended_secs: Option<f64>,
    cut: Option<CutDto>,
}

#[derive(Serialize)]
struct CutDto {
    files: Vec<FileDto>,
    undone_names: Vec<String>,
}

#[derive(Serialize)]
struct FileDto {
    path: String,
    kept_bytes: u64,
    dropped_bytes: u64,
    zeroed_bytes: u64,
    tail: &'static str,
}

pub(super) fn disk(disk: &DiskEvidence) -> DiskDto {
    DiskDto {
        frozen_secs: disk.frozen.secs(),
        written: disk.written,
        durable: disk.durable,
        answered_not_durable: disk.answered_not_durable,
        answered_not_written: disk.answered_not_written,
        fsyncs_in_flight: disk.fsyncs_in_flight,
        last_fsync_began_secs: disk.last_fsync_began.map(Micros::secs),
        last_fsync_ended_secs: disk.last_fsync_ended.map(Micros::secs),
        cut: disk.cut.as_ref().map(power_cut),
    }
}

fn power_cut(cut: &PowerCut) -> CutDto {
    let files = cut.files.iter().map(|file| FileDto {
        path: file.path.clone(),
        kept_bytes: file.kept_bytes,
        dropped_bytes: file.dropped_bytes,
        zeroed_bytes: file.zeroed_bytes,
        tail: file.tail.id(),
    });
    CutDto {
        files: files.collect(),
        undone_names: cut.undone_names.clone(),
    }
}

#[derive(Serialize)]
pub(super) struct ConditionsDto {
    disk: Option<DiskPlanDto>,
    trigger: String,
    damage: Option<String>,
    network: Option<String>,
    compare: bool,
    tail_cut: bool,
    save_secs: Option<f64>,
    /// The command of a store of the user's.
    store: Option<String>,
}

#[derive(Serialize)]
struct DiskPlanDto {
    metadata: &'static str,
    tail: &'static str,
    /// `null` is never.
    write_back_secs: Option<f64>,
    fsync_delay: String,
    space_bytes: Option<u64>,
    io_error: Option<String>,
}

pub(super) fn conditions(plan: &DrillPlan) -> ConditionsDto {
    ConditionsDto {
        disk: plan.disk.as_ref().map(|disk| DiskPlanDto {
            metadata: disk.metadata.id(),
            tail: disk.tail.id(),
            write_back_secs: disk.write_back.map(|age| age.as_secs_f64()),
            fsync_delay: disk.fsync_delay_words(),
            space_bytes: disk.space_bytes,
            io_error: disk.io_error.as_ref().map(ToString::to_string),
        }),
        trigger: plan.trigger.to_string(),
        damage: plan.damage.map(|damage| damage.to_string()),
        network: plan.network.map(|network| network.to_string()),
        compare: plan.compare,
        tail_cut: plan.tail_cut,
        save_secs: plan.save_time.map(|time| time.as_secs_f64()),
        store: plan.store.clone(),
    }
}

#[derive(Serialize)]
pub(super) struct LadderDto {
    sentence: String,
    /// Counted on the faulty disk; otherwise estimated.
    exact: bool,
    rungs: Vec<RungDto>,
}

#[derive(Serialize)]
struct RungDto {
    at_secs: f64,
    sent: u64,
    acked: u64,
    written: u64,
    durable: u64,
    in_snapshot: u64,
}

/// As many looks as a picture has room for.
pub(super) fn ladder(ladder: &Ladder) -> LadderDto {
    const MOST: usize = 600;
    let rungs = ladder.thinned(MOST).into_iter().map(|rung: Rung| RungDto {
        at_secs: rung.at.secs(),
        sent: rung.sent,
        acked: rung.acked,
        written: rung.written,
        durable: rung.durable,
        in_snapshot: rung.in_snapshot,
    });
    LadderDto {
        sentence: wording::ladder_sentence(ladder),
        exact: ladder.is_exact(),
        rungs: rungs.collect(),
    }
}
