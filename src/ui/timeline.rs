//! The panel below: what happened and when, and the server's own log.

use egui::{Frame, Margin, RichText, ScrollArea, Ui, vec2};

use super::part::{self, Weight, wish};
use super::theme::{Theme, semibold, sizes};
use super::{icon, rtl};
use crate::app::action::Action;
use crate::app::state::{AppState, LogTab};
use crate::domain::event::{DrillEvent, TimedEvent};
use crate::report::wording::events;

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    Frame::new()
        .inner_margin(Margin {
            left: 12,
            right: 8,
            top: 5,
            bottom: 2,
        })
        .show(ui, |ui| {
            part::row_with_end(
                ui,
                actions,
                |ui, actions| {
                    let choices = [
                        (LogTab::Timeline, "Timeline"),
                        (LogTab::Server, "Server log"),
                    ];
                    if let Some(tab) = part::segments(ui, state.log.tab, &choices) {
                        actions.push(Action::ShowLog(tab));
                    }
                    server(ui, state);
                },
                |ui, actions| {
                    wish(
                        ui,
                        state,
                        actions,
                        Action::CopyLog,
                        icon::COPY,
                        Weight::Quiet,
                    );
                },
            );
        });
    Frame::new()
        .inner_margin(Margin {
            left: 12,
            right: 4,
            top: 2,
            bottom: 2,
        })
        .show(ui, |ui| match state.log.tab {
            LogTab::Timeline => events(ui, &state.drill.timeline),
            LogTab::Server => log(ui, &state.log.server),
        });
}

/// The server under test, as it describes itself.
fn server(ui: &mut Ui, state: &AppState) {
    let Some(info) = &state.drill.server else {
        return;
    };
    let theme = Theme::of(ui);
    let on = if state.drill.backend.is_empty() {
        ""
    } else {
        " on "
    };
    let (engine, version, backend) = (&info.engine, &info.version, &state.drill.backend);
    let text = format!("{engine} {version}{on}{backend}, {}", info.address);
    let label = RichText::new(text).color(theme.weak).size(sizes().small);
    ui.label(label).on_hover_text(&state.drill.backend_reason);
}

const ROW: f32 = 19.0;

fn events(ui: &mut Ui, timeline: &[TimedEvent]) {
    if timeline.is_empty() {
        part::note(ui, "What happens in a drill is listed here, with times");
        return;
    }
    let scroll = ScrollArea::vertical()
        .auto_shrink(false)
        .stick_to_bottom(true);
    ui.spacing_mut().item_spacing.y = 0.0;
    scroll.show_rows(ui, ROW, timeline.len(), |ui, rows| {
        for timed in &timeline[rows] {
            event(ui, timed);
        }
    });
}

fn event(ui: &mut Ui, timed: &TimedEvent) {
    let theme = Theme::of(ui);
    let (title, detail) = events::tell(&timed.event);
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let time = format!("{:>8.3} s", timed.at.secs());
        ui.label(RichText::new(time).monospace().color(theme.weak));
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), egui::Sense::hover());
        ui.painter()
            .circle_filled(dot.center(), 3.5, tone(theme, &timed.event));
        ui.label(RichText::new(title).family(semibold()));
        if !detail.is_empty() {
            let text = RichText::new(rtl::quoted(&detail)).color(theme.weak);
            ui.add(egui::Label::new(text).truncate());
        }
    });
}

fn tone(theme: &Theme, event: &DrillEvent) -> egui::Color32 {
    match event {
        DrillEvent::FaultBegan { .. }
        | DrillEvent::FaultDone { .. }
        | DrillEvent::ServerDied { .. }
        | DrillEvent::ServerRefused { .. }
        | DrillEvent::Failed { .. } => theme.lost,
        DrillEvent::DamageDone { .. } => theme.lost,
        DrillEvent::Warned { .. }
        | DrillEvent::Cancelled
        | DrillEvent::Armed { .. }
        | DrillEvent::MomentMissed { .. }
        | DrillEvent::NetworkHappened { .. } => theme.in_flight,
        DrillEvent::Compared { .. }
        | DrillEvent::WhatIf { .. }
        | DrillEvent::TailCutTried { .. }
        | DrillEvent::Repaired { .. } => theme.accent,
        DrillEvent::ServerStarted { .. } | DrillEvent::ServerRestarted { .. } => theme.good,
        DrillEvent::Judged { .. } => theme.accent,
        _ => theme.faint,
    }
}

fn log(ui: &mut Ui, lines: &[String]) {
    if lines.is_empty() {
        part::note(ui, "The server has said nothing yet");
        return;
    }
    let theme = Theme::of(ui);
    let scroll = ScrollArea::both().auto_shrink(false).stick_to_bottom(true);
    scroll.show_rows(ui, 15.0, lines.len(), |ui, rows| {
        for line in &lines[rows] {
            let text = RichText::new(rtl::quoted(line))
                .monospace()
                .color(theme.text);
            ui.add(egui::Label::new(text).extend().selectable(true));
        }
    });
}
