//! One field of the plan: label on the left, input on the right, its error below in red.

use egui::emath::Numeric;
use egui::{Align, DragValue, Layout, Response, RichText, TextEdit, Ui, vec2};

use crate::app::state::AppState;
use crate::domain::plan::Field;
use crate::ui::icon;
use crate::ui::theme::{Theme, sizes};

/// Width of the labels: the longest of them fits.
const LABEL: f32 = 104.0;

/// A row with a label that names the input for screen readers.
pub fn row(
    ui: &mut Ui,
    state: &AppState,
    field: Option<Field>,
    label: &str,
    input: impl FnOnce(&mut Ui) -> Response,
) {
    let theme = Theme::of(ui);
    let error = field.and_then(|field| state.plan.error(field));
    ui.horizontal(|ui| {
        let height = sizes().button_height - 2.0;
        let ink = if error.is_some() {
            theme.bad
        } else {
            theme.weak
        };
        let cell = ui.allocate_ui_with_layout(
            vec2(LABEL, height),
            Layout::left_to_right(Align::Center),
            |ui| {
                ui.set_min_width(LABEL);
                ui.label(RichText::new(label).color(ink))
            },
        );
        if error.is_some() {
            let visuals = &mut ui.visuals_mut().widgets;
            for widget in [
                &mut visuals.inactive,
                &mut visuals.hovered,
                &mut visuals.active,
            ] {
                widget.bg_stroke.color = theme.bad;
            }
        }
        let response = input(ui).labelled_by(cell.inner.id);
        if field.is_some() && state.plan.focus == field {
            response.request_focus();
            response.scroll_to_me(Some(Align::Center));
        }
    });
    if let Some(error) = error {
        problem(ui, error);
    }
}

/// A row that belongs to the field above it, which tells its error.
pub fn row_plain(ui: &mut Ui, label: &str, input: impl FnOnce(&mut Ui) -> Response) {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        let height = sizes().button_height - 2.0;
        let middle = Layout::left_to_right(Align::Center);
        let cell = ui.allocate_ui_with_layout(vec2(LABEL, height), middle, |ui| {
            ui.set_min_width(LABEL);
            ui.label(RichText::new(label).color(theme.weak))
        });
        input(ui).labelled_by(cell.inner.id);
    });
}

/// What is wrong with the field above.
pub fn problem(ui: &mut Ui, error: &str) {
    let theme = Theme::of(ui);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(
            RichText::new(icon::ERROR)
                .color(theme.bad)
                .size(sizes().small),
        );
        let text = RichText::new(error).color(theme.bad).size(sizes().small);
        ui.add(egui::Label::new(text).wrap());
    });
}

pub fn number<N: Numeric>(
    ui: &mut Ui,
    state: &AppState,
    field: Option<Field>,
    label: &str,
    value: &mut N,
    speed: f64,
    suffix: &str,
) {
    row(ui, state, field, label, |ui| drag(ui, value, speed, suffix));
}

/// The bare number. It takes anything: the plan says what is wrong with it.
pub fn drag<N: Numeric>(ui: &mut Ui, value: &mut N, speed: f64, suffix: &str) -> Response {
    let size = vec2(ui.available_width(), sizes().button_height - 2.0);
    let drag = DragValue::new(value)
        .speed(speed)
        .suffix(suffix.to_owned())
        .max_decimals(if N::INTEGRAL { 0 } else { 3 })
        .update_while_editing(false);
    ui.add_sized(size, drag)
}

pub fn text(
    ui: &mut Ui,
    state: &AppState,
    field: Option<Field>,
    label: &str,
    value: &mut String,
    hint: &str,
) {
    row(ui, state, field, label, |ui| edit(ui, value, hint));
}

pub fn edit(ui: &mut Ui, value: &mut String, hint: &str) -> Response {
    let theme = Theme::of(ui);
    let hint = RichText::new(hint).color(theme.faint);
    let edit = TextEdit::singleline(value)
        .hint_text(hint)
        .margin(vec2(8.0, 4.0));
    ui.add(
        edit.desired_width(ui.available_width())
            .min_size(vec2(0.0, sizes().button_height - 2.0)),
    )
}

pub fn check(ui: &mut Ui, label: &str, value: &mut bool) {
    ui.checkbox(value, label);
}
