//! A choice from a list, as a row of the plan: what is chosen, and for each entry what it means.

use egui::{Button, ComboBox, Response, Ui, vec2};

use super::field;
use crate::app::state::AppState;
use crate::domain::plan::Field;

/// One entry of a list.
pub struct Entry {
    /// What it is in the plan.
    pub id: String,
    pub title: String,
    pub explanation: String,
}

impl Entry {
    pub fn new(id: &str, title: &str, explanation: &str) -> Self {
        Entry {
            id: id.into(),
            title: title.into(),
            explanation: explanation.into(),
        }
    }
}

/// The entry that was clicked, if another than `chosen`.
pub fn row(
    ui: &mut Ui,
    state: &AppState,
    at: Field,
    label: &str,
    chosen: &str,
    entries: &[Entry],
) -> Option<String> {
    let mut clicked = None;
    field::row(ui, state, Some(at), label, |ui| {
        let (response, id) = combo(ui, label, chosen, entries);
        clicked = id;
        response
    });
    clicked
}

/// The bare list.
pub fn combo(
    ui: &mut Ui,
    label: &str,
    chosen: &str,
    entries: &[Entry],
) -> (Response, Option<String>) {
    let mut clicked = None;
    let title = entries
        .iter()
        .find(|entry| entry.id == chosen)
        .map_or(chosen, |entry| &entry.title);
    let combo = ComboBox::from_id_salt(("choice", label))
        .width(ui.available_width())
        .height(420.0)
        .truncate()
        .selected_text(title);
    let shown = combo.show_ui(ui, |ui| {
        ui.set_min_width(240.0);
        for entry in entries {
            let button = Button::selectable(entry.id == chosen, &entry.title);
            let button = ui.add(button.min_size(vec2(ui.available_width(), 24.0)));
            let button = match entry.explanation.as_str() {
                "" => button,
                text => button.on_hover_text(text),
            };
            if button.clicked() {
                clicked = Some(entry.id.clone());
                ui.close();
            }
        }
    });
    let response = shown.response;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, label));
    (response, clicked.filter(|id| id != chosen))
}
