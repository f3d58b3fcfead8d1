//! Buttons, settings, and how far the suite is.

use egui::{ComboBox, RichText, Sense, TextEdit, Ui, WidgetInfo, vec2};

use crate::app::action::Action;
use crate::app::check_action::CheckAction;
use crate::app::check_state::{CheckForm, CheckFormat};
use crate::app::state::AppState;
use crate::domain::check::Layout;
use crate::report::wording::checks as wording;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold, sizes};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    part::row_with_end(
        ui,
        actions,
        |ui, actions| {
            let run = |ui: &mut Ui, actions: &mut Vec<Action>, action, glyph, weight| {
                wish(ui, state, actions, Action::Check(action), glyph, weight);
            };
            run(ui, actions, CheckAction::RunAll, icon::RUN, Weight::Primary);
            run(
                ui,
                actions,
                CheckAction::RunPicked,
                icon::STREAM,
                Weight::Normal,
            );
            if state.checks.running {
                run(
                    ui,
                    actions,
                    CheckAction::Cancel,
                    icon::CANCEL,
                    Weight::Normal,
                );
            }
        },
        |ui, actions| {
            for format in [CheckFormat::Junit, CheckFormat::Html] {
                let action = Action::Check(CheckAction::Export(format));
                wish(ui, state, actions, action, icon::EXPORT, Weight::Normal);
            }
        },
    );
    ui.add_space(4.0);
    settings(ui, state, actions);
    ui.add_space(2.0);
    standing(ui, state, actions);
}

/// Layout, servers, and whose store.
fn settings(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let before = &state.checks.form;
    let mut form = before.clone();
    ui.add_enabled_ui(!state.checks.running, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            layout(ui, &mut form);
            // What is left of the row is shared by the four paths and commands.
            let width = ((ui.available_width() - 24.0) / 4.0).max(120.0);
            field(
                ui,
                "Server program",
                "redis-server on PATH",
                width,
                &mut form.server,
            );
            field(
                ui,
                "Second server",
                "another version",
                width,
                &mut form.other_server,
            );
            field(
                ui,
                "Address",
                "redis://… instead of ours",
                width,
                &mut form.address,
            );
            field(
                ui,
                "Your own store",
                "python my_store.py",
                width,
                &mut form.store,
            );
        });
    });
    if form != *before {
        actions.push(Action::Check(CheckAction::Edit(Box::new(form))));
    }
}

fn layout(ui: &mut Ui, form: &mut CheckForm) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let label = caption(ui, "Layout");
        let word = |layout: Option<Layout>| layout.map_or("all", Layout::id);
        let shown = ComboBox::from_id_salt("check-layout")
            .selected_text(word(form.layout))
            .width(92.0)
            .show_ui(ui, |ui| {
                let choices = std::iter::once(None).chain(Layout::ALL.map(Some));
                for choice in choices {
                    ui.selectable_value(&mut form.layout, choice, word(choice));
                }
            });
        shown.response.labelled_by(label.id);
    });
}

fn caption(ui: &mut Ui, text: &str) -> egui::Response {
    let theme = Theme::of(ui);
    ui.label(RichText::new(text).color(theme.weak).size(sizes().small))
}

fn field(ui: &mut Ui, name: &str, hint: &str, width: f32, text: &mut String) {
    let theme = Theme::of(ui);
    ui.allocate_ui(vec2(width, 44.0), |ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            caption(ui, name);
            let edit = TextEdit::singleline(text)
                .hint_text(RichText::new(hint).color(theme.faint))
                .desired_width(width)
                .margin(vec2(8.0, 4.0));
            let enabled = ui.is_enabled();
            let response = ui.add(edit);
            response.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, enabled, name));
        });
    });
}

/// Progress while it runs, then the whole suite in one sentence; always as high, so that nothing jumps.
fn standing(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    const HEIGHT: f32 = 26.0;
    ui.allocate_ui(vec2(ui.available_width(), HEIGHT), |ui| {
        ui.set_min_height(HEIGHT);
        sentence(ui, state, actions);
    });
}

fn sentence(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let checks = &state.checks;
    if let Some(failure) = &checks.failure {
        ui.horizontal(|ui| {
            part::badge(ui, theme.bad, icon::ERROR, "The checks could not begin");
            ui.add(egui::Label::new(failure).wrap());
            let dismiss = Action::Check(CheckAction::DismissFailure);
            wish(ui, state, actions, dismiss, "", Weight::Quiet);
        });
        return;
    }
    if checks.running {
        let (done, all) = (checks.done(), checks.wanted.len());
        let doing = match (checks.cancelling, checks.now.as_slice()) {
            (true, _) => "Cleaning up".to_owned(),
            (false, []) => "Starting servers".to_owned(),
            (false, now) => now.join(", "),
        };
        ui.horizontal(|ui| {
            let text = format!("{done} of {all} checks");
            ui.label(RichText::new(text).family(semibold()));
            let doing = RichText::new(doing).color(theme.weak).size(sizes().small);
            ui.add(egui::Label::new(doing).truncate());
        });
        let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 3.0), Sense::hover());
        let share = done as f32 / all.max(1) as f32;
        ui.painter().rect_filled(bar, 1.0, theme.line);
        let part = egui::Rect::from_min_size(bar.min, vec2(bar.width() * share, bar.height()));
        ui.painter().rect_filled(part, 1.0, theme.accent);
        return;
    }
    let Some(record) = &checks.record else {
        part::note(
            ui,
            "Each hazard is brought about twice on real servers: the naive store must be caught, the sound one must pass",
        );
        return;
    };
    ui.horizontal(|ui| {
        let (color, _, glyph) = theme.verdict(record.verdict());
        part::badge(ui, color, glyph, wording::verdict_word(record.verdict()));
        let sentence = wording::suite_sentence(record);
        let words = sentence
            .split_once(": ")
            .map_or(sentence.as_str(), |(_, words)| words);
        ui.add(egui::Label::new(words).truncate());
    });
}
