//! The disk under the server: what survives a power cut, how slow, how full and how broken it is.

use egui::Ui;

use super::choice::{self, Entry};
use super::{field, fold};
use crate::app::state::{AppState, NoDisk};
use crate::domain::disk::{Metadata, Tail};
use crate::domain::plan::{Field, PlanDraft};
use crate::ui::part;

const FIELDS: [Field; 6] = [
    Field::Disk,
    Field::Tail,
    Field::WriteBack,
    Field::FsyncDelay,
    Field::DiskSpace,
    Field::IoError,
];

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let texts = [
        &draft.disk,
        &draft.tail,
        &draft.write_back,
        &draft.fsync_delay,
        &draft.disk_space,
        &draft.io_error,
    ];
    let set = texts.iter().any(|text| !text.is_empty());
    fold::section(ui, state, "Disk", set, &FIELDS, |ui| {
        if let Some(reason) = unavailable(state, draft) {
            part::note(ui, &reason);
        }
        ui.add_enabled_ui(unavailable(state, draft).is_none(), |ui| {
            models(ui, state, draft);
            mishaps(ui, state, draft);
        });
    });
}

/// Why no faulty disk can be had here; `None` if it can.
pub fn unavailable(state: &AppState, draft: &PlanDraft) -> Option<String> {
    if draft.backend == "external" {
        return Some(
            "An external server's files are not ours: choose backend process or docker".into(),
        );
    }
    let NoDisk { process, docker } = &state.plan.no_disk;
    let reason = if draft.backend == "docker" {
        docker
    } else {
        process
    };
    reason.clone()
}

fn models(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let mut disks = vec![
        Entry::new(
            "",
            "As the fault needs",
            "A faulty disk for a power loss or a condition below, else the machine's own",
        ),
        Entry::new("none", "The machine's own", "No faulty disk"),
    ];
    disks.extend(
        Metadata::ALL
            .iter()
            .map(|model| Entry::new(model.id(), &capital(model.id()), model.explanation())),
    );
    if let Some(id) = choice::row(ui, state, Field::Disk, "Names survive", &draft.disk, &disks) {
        draft.disk = id;
    }
    explain(ui, &disks, &draft.disk);
    let mut tails = vec![Entry::new("", "Dropped", Tail::Drop.explanation())];
    let others = Tail::ALL.iter().filter(|tail| **tail != Tail::Drop);
    tails.extend(others.map(|tail| Entry::new(tail.id(), tail_title(*tail), tail.explanation())));
    if draft.tail == Tail::Drop.id() {
        draft.tail.clear();
    }
    if let Some(id) = choice::row(ui, state, Field::Tail, "Unsynced tail", &draft.tail, &tails) {
        draft.tail = id;
    }
    explain(ui, &tails, &draft.tail);
}

fn mishaps(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let mut text = |at, label, value: &mut String, hint| {
        field::text(ui, state, Some(at), label, value, hint);
    };
    text(
        Field::WriteBack,
        "Write-back",
        &mut draft.write_back,
        "30s, or never",
    );
    text(
        Field::FsyncDelay,
        "Fsync takes",
        &mut draft.fsync_delay,
        "no longer, or 1.5s",
    );
    text(
        Field::DiskSpace,
        "Space",
        &mut draft.disk_space,
        "no limit, or 10m",
    );
    text(
        Field::IoError,
        "I/O error",
        &mut draft.io_error,
        "fsync:*.aof#3",
    );
    part::note(
        ui,
        "Fsync: 1.5s, 0.5s..3s, or a stall 3s@5s of 3 s at second 5. Error: the third fsync of such files, with + at the end all later ones",
    );
}

fn tail_title(tail: Tail) -> &'static str {
    match tail {
        Tail::Drop => "Dropped",
        Tail::Prefix => "Kept as a prefix",
        Tail::Zero => "Zeroed",
        Tail::Pages => "Random pages kept",
        Tail::Ext4 => "Ext4: ends in zeros",
    }
}

fn explain(ui: &mut Ui, entries: &[Entry], chosen: &str) {
    if let Some(entry) = entries.iter().find(|entry| entry.id == chosen) {
        part::note(ui, &capital(&entry.explanation));
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
