//! What stands in front of everything else and wants an answer.

mod ask;
mod palette;

use egui::{Frame, Id, Key, Margin, Modal, RichText, Ui};

use super::theme::{Theme, semibold};
use super::{icon, part};
use crate::app::action::Action;
use crate::app::state::{AppState, Dialog};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    if state.closing && state.drill.running {
        return closing(ui);
    }
    let Some(dialog) = &state.dialog else { return };
    let theme = Theme::of(ui);
    let name = match dialog {
        Dialog::Palette { .. } => "palette",
        Dialog::Export => "export",
        Dialog::TypePath { .. } => "type-path",
        Dialog::Overwrite { .. } => "overwrite",
        Dialog::DeleteRun { .. } => "delete-run",
        Dialog::Imported { .. } => "imported",
    };
    let padding = if name == "palette" { 8 } else { 20 };
    let frame = Frame::popup(ui.style())
        .fill(theme.panel)
        .inner_margin(Margin::same(padding))
        .corner_radius(10);
    let id = Id::unique(name);
    let mut modal = Modal::new(id).frame(frame);
    if name == "palette" {
        let high = egui::Align2::CENTER_TOP;
        modal = modal.area(Modal::default_area(id).anchor(high, egui::vec2(0.0, 90.0)));
    }
    let shown = modal.show(ui.ctx(), |ui| match dialog {
        Dialog::Palette { query, cursor } => palette::show(ui, state, query, *cursor, actions),
        Dialog::Export => ask::export(ui, state, actions),
        Dialog::TypePath {
            purpose,
            text,
            error,
        } => ask::path(ui, state, *purpose, text, error.as_deref(), actions),
        Dialog::Overwrite { path, .. } => ask::overwrite(ui, state, path, actions),
        Dialog::DeleteRun { run } => ask::delete(ui, state, run, actions),
        Dialog::Imported { preset, dropped } => ask::imported(ui, preset, dropped, actions),
    });
    let escaped = ui.input(|input| input.key_pressed(Key::Escape));
    if escaped || shown.should_close() {
        actions.push(Action::CloseDialog);
    }
}

/// The window is closed, and waits until everything that was started is gone.
fn closing(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let frame = Frame::popup(ui.style())
        .fill(theme.panel)
        .inner_margin(Margin::same(24));
    Modal::new(Id::unique("closing"))
        .frame(frame)
        .show(ui.ctx(), |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(icon::HISTORY).color(theme.weak).size(18.0));
                ui.label(RichText::new("Cleaning up…").family(semibold()).size(16.0));
            });
            part::note(
                ui,
                "The server is being stopped and removed; the window closes by itself",
            );
        });
}
