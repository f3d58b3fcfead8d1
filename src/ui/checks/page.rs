//! The page of a check: what it proves, the mistake, why it stands where it stands, and both stores side by side.

use egui::{Label, RichText, Ui};

use super::list::ink;
use super::model::{self, Mark};
use crate::app::action::Action;
use crate::app::check_action::CheckAction;
use crate::app::check_state::{Picked, check, of_group};
use crate::app::state::AppState;
use crate::domain::check::{Candidate, Check, CheckResult, Finding, Group, Standing, Trial};
use crate::report::wording::checks as wording;
use crate::ui::icon;
use crate::ui::part;
use crate::ui::theme::{Theme, semibold, sizes};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    match state.checks.picked {
        Picked::Group(group) => of_a_group(ui, state, group, actions),
        Picked::Check(id) => {
            if let Some(check) = check(id) {
                of_a_check(ui, state, check);
            }
        }
    }
}

fn headline(ui: &mut Ui, title: &str, mark: Mark) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).family(semibold()).size(18.0));
        if mark != Mark::Open {
            let (color, glyph) = ink(ui, mark);
            part::badge(ui, color, glyph, mark.word());
        }
    });
}

fn of_a_group(ui: &mut Ui, state: &AppState, group: Group, actions: &mut Vec<Action>) {
    headline(ui, group.title(), model::of_group(&state.checks, group));
    ui.add_space(2.0);
    ui.label(group.question());
    ui.add_space(10.0);
    for check in of_group(group) {
        let theme = Theme::of(ui);
        let mark = model::of_check(&state.checks, check.id);
        part::card(ui, theme.panel, theme.line, |ui| {
            part::row_with_end(
                ui,
                actions,
                |ui, _| {
                    let (color, glyph) = ink(ui, mark);
                    ui.label(RichText::new(glyph).color(color));
                    ui.label(RichText::new(check.title).family(semibold()));
                    ui.label(RichText::new(mark.word()).color(color));
                },
                |ui, actions| {
                    let open = egui::Button::new("Look").frame_when_inactive(false);
                    let response = ui.add(open);
                    let name = format!("Look at {}", check.title);
                    response
                        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
                    if response.clicked() {
                        actions.push(Action::Check(CheckAction::Pick(Picked::Check(check.id))));
                    }
                },
            );
            part::note(ui, check.proves);
        });
        ui.add_space(6.0);
    }
}

fn of_a_check(ui: &mut Ui, state: &AppState, check: &Check) {
    headline(ui, check.title, model::of_check(&state.checks, check.id));
    ui.add_space(2.0);
    let group = RichText::new(format!("{} · {}", check.group.title(), check.id));
    ui.label(group.color(Theme::of(ui).weak).size(sizes().small));
    ui.add_space(8.0);
    fact(ui, "What it proves", check.proves);
    fact(ui, "The hazard", check.hazard);
    let Some(result) = state.checks.results.get(check.id) else {
        return not_yet(ui, state, check);
    };
    fact(ui, "Why", &wording::check_why(result));
    ui.add_space(6.0);
    if let Standing::Judged { naive, tested, .. } = &result.standing {
        sides(ui, result, naive, tested);
    }
}

fn not_yet(ui: &mut Ui, state: &AppState, check: &Check) {
    fact(ui, "Naive store", check.naive);
    fact(ui, "Sound store", check.sound);
    if let Some(why) = check.own_server {
        fact(ui, "Runs on", &format!("servers of our own only: {why}"));
    }
    ui.add_space(8.0);
    if state.checks.now.contains(&check.id) {
        ui.spinner();
    } else {
        part::note(ui, "It has not run yet");
    }
}

/// A caption with a sentence under it.
fn fact(ui: &mut Ui, caption: &str, text: &str) {
    let theme = Theme::of(ui);
    ui.label(RichText::new(caption).color(theme.weak).size(sizes().small));
    ui.add(Label::new(text).wrap());
    ui.add_space(6.0);
}

/// The naive store and the one under test, with all that was seen.
fn sides(ui: &mut Ui, result: &CheckResult, naive: &Trial, tested: &Trial) {
    ui.columns(2, |columns| {
        for (ui, trial) in columns.iter_mut().zip([naive, tested]) {
            side(ui, &result.check, trial);
        }
    });
}

fn side(ui: &mut Ui, check: &Check, trial: &Trial) {
    let theme = Theme::of(ui);
    let control = trial.candidate == Candidate::Naive;
    let (color, glyph) = match &trial.finding {
        // The naive store is there to be caught: that is as it should be.
        Finding::Caught(_) if control => (theme.weak, icon::VIOLATED),
        Finding::Caught(_) => (theme.bad, icon::VIOLATED),
        Finding::Passed(_) if control => (theme.warn, icon::UNKNOWN),
        Finding::Passed(_) => (theme.good, icon::HELD),
        Finding::NotForced(_) | Finding::Failed(_) => (theme.warn, icon::UNKNOWN),
    };
    part::card(ui, theme.panel, theme.line, |ui| {
        let name = wording::store_name(check, trial.candidate);
        ui.add(Label::new(RichText::new(name).family(semibold())).wrap());
        ui.horizontal(|ui| part::badge(ui, color, glyph, wording::finding_word(trial)));
        ui.add(Label::new(trial.finding.text()).wrap());
        ui.add_space(6.0);
        ui.label(
            RichText::new("What was seen")
                .color(theme.weak)
                .size(sizes().small),
        );
        if trial.evidence.is_empty() {
            part::note(ui, "nothing before it ended");
        }
        for line in &trial.evidence {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = 6.0;
                ui.label(RichText::new("•").color(theme.faint));
                let text = RichText::new(line).size(sizes().small);
                ui.add(Label::new(text).wrap());
            });
        }
    });
}
