//! What went wrong, where the user looks, with the way out as a button. The verdict's own words are not repeated.

use egui::{RichText, Ui};

use crate::app::action::Action;
use crate::app::state::{AppState, Shown};
use crate::domain::event::Fix;
use crate::domain::verdict::Ground;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(failure) = &state.drill.failure else {
        return;
    };
    let theme = Theme::of(ui);
    let told = told_by_verdict(state, &failure.error);
    part::card(ui, theme.bad_bg, theme.bad, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon::ERROR).color(theme.bad).size(18.0));
            ui.vertical(|ui| {
                ui.label(
                    RichText::new("The drill could not go on")
                        .family(semibold())
                        .color(theme.bad),
                );
                if !told {
                    ui.add(egui::Label::new(&failure.error).wrap().selectable(true));
                    ui.add_space(4.0);
                }
                ui.horizontal(|ui| {
                    if let Some(fix) = failure.fix {
                        wish(ui, state, actions, Action::UseFix(fix), "", Weight::Primary);
                    }
                    if failure.fix != Some(Fix::TryAgain) {
                        let again = Action::UseFix(Fix::TryAgain);
                        wish(ui, state, actions, again, "", Weight::Normal);
                    }
                    wish(
                        ui,
                        state,
                        actions,
                        Action::DismissFailure,
                        "",
                        Weight::Quiet,
                    );
                });
            });
        });
    });
    ui.add_space(8.0);
}

/// The verdict below names the same error: once is enough.
fn told_by_verdict(state: &AppState, error: &str) -> bool {
    let Shown::Judged(picture) = &state.picture.shown else {
        return false;
    };
    let mut grounds = picture.record.judgement.grounds.iter();
    grounds.any(|ground| matches!(ground, Ground::DrillFailed { error: told } if told == error))
}
