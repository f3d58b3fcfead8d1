//! What the network between client and server does on purpose.

use egui::Ui;

use super::choice::{self, Entry};
use super::{field, fold};
use crate::app::state::AppState;
use crate::domain::network::NetworkFault;
use crate::domain::plan::{Field, PlanDraft};
use crate::ui::part;

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let set = !draft.network.is_empty();
    fold::section(ui, state, "Network", set, &[Field::Network], |ui| {
        let entries = entries();
        let chosen = kind(&draft.network).to_owned();
        if let Some(id) = choice::row(ui, state, Field::Network, "Does", &chosen, &entries) {
            draft.network = example(&id).unwrap_or_default().to_owned();
        }
        if draft.network.is_empty() {
            return;
        }
        let hint = "lost-reply@3s";
        field::row_plain(ui, "How much, when", |ui| {
            field::edit(ui, &mut draft.network, hint)
        });
        if let Some(entry) = entries.iter().find(|entry| entry.id == chosen) {
            part::note(ui, &entry.explanation);
        }
    });
}

fn kind(text: &str) -> &str {
    text.trim().split(['=', '@']).next().unwrap_or_default()
}

fn example(word: &str) -> Option<&'static str> {
    let mut examples = NetworkFault::EXAMPLES.iter().copied();
    examples.find(|example| kind(example) == word)
}

fn entries() -> Vec<Entry> {
    let mut entries = vec![Entry::new(
        "",
        "Nothing",
        "No proxy between client and server",
    )];
    entries.extend(NetworkFault::EXAMPLES.iter().map(|example| {
        let word = kind(example);
        let (title, explanation) = words(word);
        Entry::new(word, title, explanation)
    }));
    entries
}

fn words(word: &str) -> (&'static str, &'static str) {
    match word {
        "lost-reply" => (
            "Loses replies",
            "Every connection is cut once its commands have reached the server, before the answers come back: those writes are in doubt",
        ),
        "delay" => ("Delays", "Every answer comes later"),
        "half-open" => (
            "Goes silent",
            "Nothing passes any more and nothing is closed",
        ),
        "reset" => ("Resets", "Every connection is reset"),
        _ => (
            "Is narrow",
            "Bytes a second in each direction, all connections together",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_network_can_be_chosen() {
        for example in NetworkFault::EXAMPLES {
            assert!(super::example(kind(example)) == Some(example));
        }
        let entries = entries();
        let titles: std::collections::BTreeSet<_> = entries.iter().map(|e| &e.title).collect();
        assert_eq!(titles.len(), NetworkFault::EXAMPLES.len() + 1);
    }
}
