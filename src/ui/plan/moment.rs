//! The moment of the fault: which, in one line, and its parameter.

use std::time::Duration;

use egui::Ui;

use super::choice::{self, Entry};
use super::{field, fold};
use crate::app::state::AppState;
use crate::domain::plan::{Field, PlanDraft};
use crate::domain::trigger::Trigger;
use crate::ui::part;

const FIELDS: [Field; 2] = [Field::Trigger, Field::SaveTime];

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let set = !draft.trigger.is_empty() || !draft.save_time.is_empty();
    fold::section(ui, state, "Moment", set, &FIELDS, |ui| {
        let chosen = kind(&draft.trigger);
        if let Some(id) = choice::row(ui, state, Field::Trigger, "Strikes", chosen, &entries()) {
            draft.trigger = example(&id).unwrap_or_default().to_owned();
        }
        parameter(ui, draft);
        let words = match draft.trigger.parse::<Trigger>() {
            _ if draft.trigger.trim().is_empty() => Trigger::Time.words(),
            Ok(trigger) => trigger.words(),
            Err(_) => return,
        };
        part::note(ui, &format!("The fault strikes at the moment when {words}"));
        let save_time = &mut draft.save_time;
        let hint = "usual, or 3s";
        field::text(
            ui,
            state,
            Some(Field::SaveTime),
            "Saves take",
            save_time,
            hint,
        );
        part::note(
            ui,
            "A snapshot or rewrite that lasts makes its inner moments wide enough to be hit",
        );
    });
}

/// The word in front of the parameter; of a moment of the disk only that it is one.
fn kind(text: &str) -> &str {
    let text = text.trim();
    if text.contains(':') {
        return "disk";
    }
    let word = text.split('=').next().unwrap_or_default();
    if word == "time" { "" } else { word }
}

fn title(word: &str) -> &'static str {
    match word {
        "" => "Time is over",
        "acks" => "After n messages",
        "bgsave" => "During a BGSAVE",
        "bgsave-rename" => "Before its rename",
        "after-bgsave" => "After a BGSAVE",
        "rewrite" => "A rewrite begins",
        "rewrite-incr" => "New INCR file",
        "rewrite-manifest" => "Before the manifest",
        "final-save" => "During final save",
        "loading" => "While it loads",
        "fsync-late" => "An fsync is late",
        "aof-buffer" => "Answers in memory",
        _ => "Disk operation",
    }
}

/// One of each kind, the first for when nothing is typed.
fn entries() -> Vec<Entry> {
    let kinds = Trigger::EXAMPLES.iter().map(|example| {
        let word = kind(example);
        let trigger = example.parse::<Trigger>().unwrap_or_default();
        Entry::new(
            word,
            title(word),
            &format!("The moment when {}", trigger.words()),
        )
    });
    kinds.collect()
}

fn example(word: &str) -> Option<&'static str> {
    let mut examples = Trigger::EXAMPLES.iter().copied();
    examples.find(|example| kind(example) == word && *example != "time")
}

/// A number where there is one; a moment of the disk is typed as on the command line.
fn parameter(ui: &mut Ui, draft: &mut PlanDraft) {
    let changed =
        match draft.trigger.parse() {
            Ok(Trigger::Acks { mut acks }) => number(ui, "Messages", &mut acks, 50.0, "")
                .then(|| Trigger::Acks { acks: acks.max(1) }),
            Ok(Trigger::Bgsave { mut percent }) => number(ui, "Share", &mut percent, 0.5, " %")
                .then(|| Trigger::Bgsave {
                    percent: percent.clamp(1, 99),
                }),
            Ok(Trigger::FsyncLate { after }) => {
                let mut millis = after.as_millis() as u64;
                number(ui, "Late by", &mut millis, 10.0, " ms").then(|| Trigger::FsyncLate {
                    after: Duration::from_millis(millis.max(1)),
                })
            }
            _ if kind(&draft.trigger) == "disk" => {
                let hint = "before-rename:*.rdb#1";
                field::row_plain(ui, "Operation", |ui| {
                    field::edit(ui, &mut draft.trigger, hint)
                });
                None
            }
            _ => None,
        };
    if let Some(trigger) = changed {
        draft.trigger = trigger.to_string();
    }
}

fn number<N: egui::emath::Numeric>(
    ui: &mut Ui,
    label: &str,
    value: &mut N,
    speed: f64,
    suffix: &str,
) -> bool {
    let before = *value;
    field::row_plain(ui, label, |ui| field::drag(ui, value, speed, suffix));
    before != *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_a_title_of_its_own_and_comes_back_as_its_kind() {
        let entries = entries();
        let titles: std::collections::BTreeSet<_> = entries.iter().map(|e| &e.title).collect();
        assert_eq!(titles.len(), Trigger::EXAMPLES.len());
        for entry in entries.iter().filter(|entry| !entry.id.is_empty()) {
            let text = example(&entry.id).unwrap();
            assert_eq!(kind(text), entry.id);
            text.parse::<Trigger>().unwrap();
        }
    }
}
