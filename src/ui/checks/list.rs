//! Groups with their counts, and the checks of each.

use egui::{Button, RichText, Ui, WidgetInfo, vec2};

use super::model::{self, Mark};
use crate::app::action::Action;
use crate::app::check_action::CheckAction;
use crate::app::check_state::{Picked, of_group};
use crate::app::state::AppState;
use crate::domain::check::{Check, Group};
use crate::ui::icon;
use crate::ui::theme::{Theme, semibold, sizes};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.y = 1.0;
    for group in Group::ALL {
        heading(ui, state, group, actions);
        // One group is open: all twelve stay in sight.
        if state.checks.picked_group() == group {
            for check in of_group(group) {
                row(ui, state, check, actions);
            }
        }
        ui.add_space(4.0);
    }
}

/// Colour and glyph of where something stands; the word stands beside it.
pub fn ink(ui: &Ui, mark: Mark) -> (egui::Color32, &'static str) {
    let theme = Theme::of(ui);
    match mark {
        Mark::Verdict(verdict) => {
            let (color, _, glyph) = theme.verdict(verdict);
            (color, glyph)
        }
        Mark::NotRun => (theme.weak, icon::FINISH),
        Mark::Running => (theme.in_flight, icon::STREAM),
        Mark::Open => (theme.faint, icon::VERIFY),
    }
}

fn heading(ui: &mut Ui, state: &AppState, group: Group, actions: &mut Vec<Action>) {
    let checks = &state.checks;
    let counts = model::counts(checks.tally(group), of_group(group).count());
    let title = RichText::new(group.title()).family(semibold());
    let mark = model::of_group(checks, group);
    let picked = checks.picked == Picked::Group(group);
    let name = spoken(group.title(), mark, &counts);
    if line(ui, 0.0, picked, mark, title, &counts, &name) {
        actions.push(Action::Check(CheckAction::Pick(Picked::Group(group))));
    }
}

fn row(ui: &mut Ui, state: &AppState, check: &'static Check, actions: &mut Vec<Action>) {
    let mark = model::of_check(&state.checks, check.id);
    let picked = state.checks.picked == Picked::Check(check.id);
    let title = RichText::new(check.title);
    let name = spoken(check.title, mark, "");
    if line(ui, 14.0, picked, mark, title, mark.word(), &name) {
        actions.push(Action::Check(CheckAction::Pick(Picked::Check(check.id))));
    }
}

/// What a screen reader says.
fn spoken(title: &str, mark: Mark, counts: &str) -> String {
    let parts = [title, mark.word(), counts];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// One line of the list as a button: icon, title, and a word at its end.
fn line(
    ui: &mut Ui,
    indent: f32,
    picked: bool,
    mark: Mark,
    title: RichText,
    end: &str,
    name: &str,
) -> bool {
    let theme = Theme::of(ui);
    let (color, glyph) = ink(ui, mark);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(indent);
        let button = Button::selectable(
            picked,
            (RichText::new(glyph).color(color), title.color(theme.text)),
        )
        .right_text(RichText::new(end).color(color).size(sizes().small))
        .truncate()
        .min_size(vec2(ui.available_width(), 24.0));
        let response = ui.add(button);
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, picked, name));
        response.clicked()
    })
    .inner
}
