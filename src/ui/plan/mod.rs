//! The left panel: everything that a drill is made from, and what is wrong with it.

mod backend;
mod choice;
mod damage;
mod disk;
mod fault;
mod field;
mod fold;
mod moment;
mod network;
mod preset;
mod workload;

use egui::{Frame, Margin, ScrollArea, Ui};

pub use field::problem;

use super::icon;
use super::part::{self, Weight, wish};
use super::theme::{Theme, sizes};
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::domain::plan::PlanDraft;

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    header(ui, state, actions);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        Frame::new()
            .inner_margin(Margin {
                left: 12,
                right: 10,
                top: 2,
                bottom: 16,
            })
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                let mut draft = state.plan.draft.clone();
                preset::show(ui, state, &mut draft, actions);
                fault::show(ui, state, &mut draft);
                moment::show(ui, state, &mut draft);
                disk::show(ui, state, &mut draft);
                damage::show(ui, state, &mut draft);
                damage::second_acts(ui, state, &mut draft);
                network::show(ui, state, &mut draft);
                backend::show(ui, state, &mut draft, actions);
                workload::show(ui, state, &mut draft);
                limits(ui, state, &mut draft);
                if draft != state.plan.draft {
                    actions.push(Action::EditPlan(Box::new(draft)));
                }
            });
    });
}

fn header(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    Frame::new()
        .inner_margin(Margin {
            left: 12,
            right: 8,
            top: 8,
            bottom: 2,
        })
        .show(ui, |ui| {
            part::row_with_end(
                ui,
                actions,
                |ui, _| {
                    let title = egui::RichText::new("Plan")
                        .family(super::theme::semibold())
                        .size(15.0);
                    ui.label(title);
                    if state.drill.running {
                        let text = egui::RichText::new("for the next drill")
                            .color(theme.weak)
                            .size(sizes().small);
                        ui.label(text);
                    }
                },
                |ui, actions| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    wish(
                        ui,
                        state,
                        actions,
                        Action::ResetPlan,
                        icon::RESET,
                        Weight::Icon,
                    );
                    wish(ui, state, actions, Action::Redo, icon::REDO, Weight::Icon);
                    wish(ui, state, actions, Action::Undo, icon::UNDO, Weight::Icon);
                },
            );
        });
}

/// The user's own limits in the place of the preset's promise.
fn limits(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    egui::CollapsingHeader::new("Own limits and evidence")
        .default_open(false)
        .show_unindented(ui, |ui| {
            part::note(
                ui,
                "Judge against your own limits instead of the preset's promise",
            );
            let mut lost = draft.max_lost.is_some();
            field::check(ui, "Lost at most", &mut lost);
            draft.max_lost = lost.then(|| draft.max_lost.unwrap_or(0));
            if let Some(max) = &mut draft.max_lost {
                field::number(ui, state, None, "Messages", max, 1.0, "");
            }
            let mut window = draft.max_window_secs.is_some();
            field::check(ui, "Window at most", &mut window);
            draft.max_window_secs = window.then(|| draft.max_window_secs.unwrap_or(1.0));
            if let Some(max) = &mut draft.max_window_secs {
                let at = Some(crate::domain::plan::Field::MaxWindow);
                field::number(ui, state, at, "Seconds", max, 0.1, " s");
            }
            field::text(
                ui,
                state,
                None,
                "Keep data in",
                &mut draft.keep_data,
                "a folder, or empty",
            );
        });
}
