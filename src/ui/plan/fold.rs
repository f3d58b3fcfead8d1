//! A part of the plan that folds away, and never hides an error or that it is in use.

use egui::{CollapsingHeader, RichText, Ui};

use super::field;
use crate::app::state::AppState;
use crate::domain::plan::Field;
use crate::ui::theme::{Theme, semibold};

/// `set` opens it at first and marks it: something in it is not as usual.
pub fn section(
    ui: &mut Ui,
    state: &AppState,
    title: &str,
    set: bool,
    fields: &[Field],
    add: impl FnOnce(&mut Ui),
) {
    let theme = Theme::of(ui);
    let mut text = RichText::new(title);
    if set {
        text = text.family(semibold()).color(theme.accent);
    }
    // Where a field is to be focused, it has to be seen.
    let wanted = state.plan.focus.is_some_and(|at| fields.contains(&at));
    let shown = CollapsingHeader::new(text)
        .id_salt(title)
        .default_open(set)
        .open(wanted.then_some(true))
        .show_unindented(ui, add);
    shown
        .header_response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, title));
    if !shown.fully_open() {
        for error in fields.iter().filter_map(|at| state.plan.error(*at)) {
            field::problem(ui, error);
        }
    }
}
