//! The two bars on top: where one is, and what can be done now.

use egui::{Align, Frame, Layout, Margin, Panel, RichText, Stroke, Ui, vec2};

use super::icon;
use super::part::{self, Weight, wish};
use super::theme::{Theme, semibold, sizes};
use crate::app::action::Action;
use crate::app::state::{AppState, Screen, ThemeChoice};
use crate::domain::event::Phase;
use crate::domain::fault::FaultKind;
use crate::report::wording::number::count;

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let frame = Frame::new()
        .fill(theme.panel)
        .inner_margin(Margin::symmetric(12, 8));
    Panel::top("title-bar")
        .frame(frame)
        .resizable(false)
        .show(ui, |ui| {
            part::row_with_end(
                ui,
                actions,
                |ui, actions| {
                    ui.label(RichText::new(icon::RUN).size(18.0).color(theme.lost));
                    ui.label(RichText::new("Crashdrill").family(semibold()).size(16.0));
                    ui.add_space(10.0);
                    screens(ui, state, actions);
                },
                |ui, actions| {
                    theme_menu(ui, state, actions);
                    wish(
                        ui,
                        state,
                        actions,
                        Action::OpenPalette,
                        icon::KEYBOARD,
                        Weight::Icon,
                    );
                    wish(
                        ui,
                        state,
                        actions,
                        Action::Export,
                        icon::EXPORT,
                        Weight::Normal,
                    );
                },
            );
        });
    if state.screen == Screen::Drill {
        let frame = frame.fill(theme.canvas);
        let panel = Panel::top("transport").frame(frame).resizable(false);
        let shown = panel.show(ui, |ui| transport(ui, state, actions));
        meter(ui, state, shown.response.rect);
        if state.drill.running {
            let panel = Panel::top("crash").frame(frame).resizable(false);
            panel.show(ui, |ui| crash(ui, state, actions));
        }
    }
}

/// What can be done to the server at this very moment, and what that would take.
fn crash(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let down = state.drill.phase() == Phase::Down;
    let acts: &[(Action, &str, Weight)] = if down {
        &[
            (Action::Repair, icon::RESET, Weight::Normal),
            (Action::CutTail, icon::LIST, Weight::Normal),
        ]
    } else {
        let arm = if state.drill.armed.is_some() {
            (Action::Disarm, icon::CANCEL, Weight::Normal)
        } else {
            (Action::Arm, icon::HISTORY, Weight::Normal)
        };
        &[
            (Action::PowerCut, icon::RUN, Weight::Danger),
            (Action::Compare, icon::COPY, Weight::Danger),
            (Action::WhatIf, icon::UNKNOWN, Weight::Normal),
            arm,
        ]
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        // The button of the plan's own fault stands above already.
        let cuts = state
            .drill
            .fault
            .is_some_and(|fault| fault.kind == FaultKind::PowerLoss);
        let acts = acts
            .iter()
            .filter(|(action, ..)| !(cuts && matches!(action, Action::PowerCut)));
        for (action, glyph, weight) in acts {
            wish(ui, state, actions, action.clone(), glyph, *weight);
        }
        if let Some(trigger) = &state.drill.armed {
            let theme = Theme::of(ui);
            let text = format!("waits until {}", trigger.words());
            let text = RichText::new(text).color(theme.in_flight);
            ui.add(egui::Label::new(text).truncate());
        } else if !down {
            ui.add_space(6.0);
            super::ladder::readouts(ui, &state.drill.progress);
        }
    });
}

fn screens(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let choices = [
        (Screen::Drill, "Drill"),
        (Screen::Runs, "Runs"),
        (Screen::Store, "Store"),
        (Screen::Checks, "Checks"),
    ];
    if let Some(screen) = part::segments(ui, state.screen, &choices) {
        actions.push(Action::Show(screen));
    }
}

fn theme_menu(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let (next, glyph) = match state.look.theme {
        ThemeChoice::System => (ThemeChoice::Dark, icon::SYSTEM),
        ThemeChoice::Dark => (ThemeChoice::Light, icon::DARK),
        ThemeChoice::Light => (ThemeChoice::System, icon::LIGHT),
    };
    wish(ui, state, actions, Action::Theme(next), glyph, Weight::Icon);
}

/// The buttons of the drill, in the order in which a drill uses them.
fn transport(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        wish(
            ui,
            state,
            actions,
            Action::RunDrill,
            icon::RUN,
            Weight::Primary,
        );
        divider(ui);
        wish(
            ui,
            state,
            actions,
            Action::StartServer,
            icon::SERVER,
            Weight::Normal,
        );
        if state.drill.phase() == Phase::Streaming {
            wish(
                ui,
                state,
                actions,
                Action::Pause,
                icon::PAUSE,
                Weight::Normal,
            );
        } else {
            wish(
                ui,
                state,
                actions,
                Action::Stream,
                icon::STREAM,
                Weight::Normal,
            );
        }
        wish(ui, state, actions, Action::Kill, icon::KILL, Weight::Danger);
        wish(
            ui,
            state,
            actions,
            Action::Restart,
            icon::RESTART,
            Weight::Normal,
        );
        wish(
            ui,
            state,
            actions,
            Action::Verify,
            icon::VERIFY,
            Weight::Normal,
        );
        wish(
            ui,
            state,
            actions,
            Action::Finish,
            icon::FINISH,
            Weight::Normal,
        );
        if state.drill.running {
            wish(
                ui,
                state,
                actions,
                Action::Cancel,
                icon::CANCEL,
                Weight::Normal,
            );
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| doing(ui, state));
    });
}

fn divider(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 20.0), egui::Sense::hover());
    ui.painter().vline(
        rect.center().x,
        rect.y_range(),
        Stroke::new(1.0, theme.line),
    );
}

/// Phase, what is being done, and the numbers of the stream.
fn doing(ui: &mut Ui, state: &AppState) {
    let theme = Theme::of(ui);
    let phase = state.drill.phase();
    let progress = &state.drill.progress;
    let color = match phase {
        Phase::Idle | Phase::Finished => theme.faint,
        Phase::Streaming => theme.written,
        Phase::Faulting | Phase::Down => theme.lost,
        Phase::Ready => theme.good,
        _ => theme.in_flight,
    };
    let title = if state.drill.cancelling && state.drill.running {
        "Cleaning up"
    } else {
        phase.title()
    };
    let numbers = if phase == Phase::Streaming {
        format!(
            "{} acknowledged, {} a second",
            count(progress.acked),
            count(progress.acked_per_sec as u64)
        )
    } else if progress.doing == title || !state.drill.running {
        String::new()
    } else {
        progress.doing.clone()
    };
    ui.label(RichText::new(title).family(semibold()));
    let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), egui::Sense::hover());
    ui.painter().circle_filled(dot.center(), 4.0, color);
    let text = RichText::new(numbers).color(theme.weak).size(sizes().small);
    ui.add(egui::Label::new(text).truncate());
}

/// A thin bar along the lower edge: how far the present phase is.
fn meter(ui: &Ui, state: &AppState, bar: egui::Rect) {
    let theme = Theme::of(ui);
    let line = egui::Rect::from_min_max(egui::pos2(bar.left(), bar.bottom() - 2.0), bar.max);
    if !state.drill.running {
        return;
    }
    let share = state.drill.progress.share.unwrap_or(0.0).clamp(0.0, 1.0) as f32;
    let done = egui::Rect::from_min_size(line.min, vec2(line.width() * share, line.height()));
    ui.painter().rect_filled(done, 0.0, theme.accent);
}
