//! Damage to a file of the dead server, and what is tried afterwards.

use egui::Ui;

use super::choice::{self, Entry};
use super::{disk, field, fold};
use crate::app::state::AppState;
use crate::domain::damage::{Damage, DamageKind, DamagedFile};
use crate::domain::plan::{Field, PlanDraft};
use crate::ui::part;

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let set = !draft.damage.is_empty();
    fold::section(ui, state, "Damage", set, &[Field::Damage], |ui| {
        let external = draft.backend == "external";
        if external {
            part::note(ui, "An external server's files are not ours to damage");
        }
        ui.add_enabled_ui(!external, |ui| fields(ui, state, draft));
    });
}

fn fields(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let kinds = [
        Entry::new("", "None", "The files stay as the fault left them"),
        Entry::new(
            "truncate",
            "Cut off the end",
            "The last bytes of the file are gone",
        ),
        Entry::new(
            "zero",
            "Zero the end",
            "The last bytes of the file become zeros",
        ),
        Entry::new(
            "flip",
            "Flip one bit",
            "One bit of the file, chosen by the plan's seed",
        ),
    ];
    let damage = draft.damage.parse::<Damage>().ok();
    let chosen = match damage.map(|damage| damage.kind) {
        None => "",
        Some(DamageKind::Truncate { .. }) => "truncate",
        Some(DamageKind::Zero { .. }) => "zero",
        Some(DamageKind::Flip) => "flip",
    };
    if let Some(id) = choice::row(ui, state, Field::Damage, "To a file", chosen, &kinds) {
        let file = damage.map_or(usual_file(state), |damage| damage.file);
        let kind = match id.as_str() {
            "truncate" => Some(DamageKind::Truncate { bytes: 100 }),
            "zero" => Some(DamageKind::Zero { bytes: 4096 }),
            "flip" => Some(DamageKind::Flip),
            _ => None,
        };
        draft.damage = kind.map_or_else(String::new, |kind| Damage { file, kind }.to_string());
        return;
    }
    let Some(mut damage) = damage else { return };
    let files = DamagedFile::ALL.map(|file| Entry::new(file.id(), file_title(file), ""));
    let before = damage;
    let mut clicked = None;
    field::row_plain(ui, "File", |ui| {
        let (response, id) = choice::combo(ui, "File", damage.file.id(), &files);
        clicked = id;
        response
    });
    if let Some(id) = clicked {
        damage.file = DamagedFile::ALL
            .into_iter()
            .find(|file| file.id() == id)
            .unwrap_or(damage.file);
    }
    if let DamageKind::Truncate { bytes } | DamageKind::Zero { bytes } = &mut damage.kind {
        field::row_plain(ui, "Bytes", |ui| field::drag(ui, bytes, 16.0, ""));
        *bytes = (*bytes).max(1);
    }
    if damage != before {
        draft.damage = damage.to_string();
    }
    part::note(ui, "Done between the server's death and its restart");
}

/// The file that the preset loads after a restart.
fn usual_file(state: &AppState) -> DamagedFile {
    use crate::domain::preset::Keeping;
    match state
        .plan
        .preset()
        .map(crate::domain::preset::Preset::keeping)
    {
        Some(Keeping::AofAlways | Keeping::AofEverysec | Keeping::AofNo) => DamagedFile::Aof,
        _ => DamagedFile::Rdb,
    }
}

fn file_title(file: DamagedFile) -> &'static str {
    match file {
        DamagedFile::Aof => "AOF, newest part",
        DamagedFile::Base => "AOF, base",
        DamagedFile::Manifest => "AOF, manifest",
        DamagedFile::Rdb => "Snapshot",
    }
}

/// What is tried beside the drill itself.
pub fn second_acts(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let set = draft.compare || draft.tail_cut || draft.repair;
    let fields = [Field::Compare, Field::TailCut, Field::Repair];
    fold::section(ui, state, "Second acts", set, &fields, |ui| {
        let reason = disk::unavailable(state, draft);
        ui.add_enabled_ui(reason.is_none(), |ui| {
            field::check(ui, "Compare kill and power cut", &mut draft.compare);
        });
        part::note(
            ui,
            reason
                .as_deref()
                .unwrap_or("The same instant, two ends: what either would have left"),
        );
        problem(ui, state, Field::Compare);
        ui.add_enabled_ui(draft.backend != "external", |ui| {
            field::check(ui, "Cut the tail afterwards", &mut draft.tail_cut);
        });
        part::note(
            ui,
            "Without a faulty disk: a scratch server on every legal end of the AOF, a range and no observation",
        );
        problem(ui, state, Field::TailCut);
        ui.add_enabled_ui(draft.backend != "external", |ui| {
            field::check(ui, "Repair if it refuses to start", &mut draft.repair);
        });
        part::note(ui, "redis-check-aof --fix on a copy, and what that saves");
        problem(ui, state, Field::Repair);
    });
}

fn problem(ui: &mut Ui, state: &AppState, at: Field) {
    if let Some(error) = state.plan.error(at) {
        field::problem(ui, error);
    }
}
