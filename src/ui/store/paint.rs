//! The frame of the Store screen: the bar above, findings on the left, the picture, the session on the right.

use egui::{CentralPanel, Frame, Margin, Panel, RichText, Ui};

use super::layout::Window;
use super::{bar, changes, findings, gauges, namespaces, pictures, sessions, transcript};
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::{Progress, StoreView};
use crate::report::inspection::{conclusion, headline};
use crate::report::wording::number::{count, counted};
use crate::ui::theme::{Theme, semibold, sizes};
use crate::ui::{chat, icon, part};

/// What is kept from frame to frame: where lists stand, and measured text.
#[derive(Default)]
pub struct Brush {
    pub sessions: Window,
    pub changes: Window,
    pub chat: chat::Brush,
    pub namespaces: namespaces::Brush,
    /// Since when the present scan is seen.
    pub scan: Option<std::time::Instant>,
    /// Of which look and order the windows are.
    shown: (u64, u64),
}

pub fn show(ui: &mut Ui, state: &AppState, brush: &mut Brush, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let store = &state.store;
    let shown = (store.look, store.table.generation);
    if brush.shown != shown {
        brush.shown = shown;
        brush.sessions = Window::default();
    }
    let frame = Frame::new()
        .fill(theme.canvas)
        .inner_margin(Margin::symmetric(12, 8));
    Panel::top("store-bar")
        .frame(frame)
        .resizable(false)
        .show(ui, |ui| bar::show(ui, state, brush, actions));
    let Some(seen) = &store.seen else {
        let frame = Frame::new().fill(theme.canvas);
        CentralPanel::default()
            .frame(frame)
            .show(ui, |ui| nothing(ui, state, actions));
        return;
    };
    let side = Frame::new()
        .fill(theme.panel)
        .inner_margin(Margin::same(10));
    Panel::left("store-findings")
        .frame(side)
        .default_size(292.0)
        .min_size(220.0)
        .max_size(440.0)
        .show(ui, |ui| findings::show(ui, state, seen, actions));
    if store.selected.is_some() {
        Panel::right("store-session")
            .frame(side)
            .default_size(320.0)
            .min_size(240.0)
            .max_size(560.0)
            .show(ui, |ui| transcript::show(ui, state, seen, brush, actions));
    }
    let frame = Frame::new()
        .fill(theme.canvas)
        .inner_margin(Margin::symmetric(12, 8));
    CentralPanel::default().frame(frame).show(ui, |ui| {
        head(ui, state, actions);
        ui.add_space(4.0);
        match store.view {
            StoreView::Sessions => sessions::show(ui, state, seen, &mut brush.sessions, actions),
            StoreView::Namespaces => namespaces::show(ui, state, seen, brush, actions),
            StoreView::Pictures => {
                egui::ScrollArea::vertical()
                    .auto_shrink(false)
                    .show(ui, |ui| {
                        gauges::show(ui, store);
                        pictures::show(ui, seen);
                    });
            }
            StoreView::Changes => changes::show(ui, state, &mut brush.changes, actions),
        }
    });
}

fn nothing(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    if state.store.scanning.is_some() {
        return part::empty(
            ui,
            icon::SEARCH,
            "Looking into the store",
            "Sessions appear when the scan is done; Stop keeps what it has found",
            |ui| {
                ui.spinner();
            },
        );
    }
    let hint = "Type the address of any Redis, or take the server of a running drill. It is read and never written: SCAN within a budget, no KEYS, no MONITOR";
    part::empty(ui, icon::SEARCH, "No store looked into yet", hint, |ui| {
        let ours = Action::Store(StoreAction::LookAtOurs);
        part::wish(ui, state, actions, ours, icon::SERVER, part::Weight::Normal);
    });
}

fn head(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let store = &state.store;
    let Some(seen) = &store.seen else { return };
    let found = &seen.found;
    ui.horizontal(|ui| {
        let words = conclusion(&found.survey, &found.findings, None);
        let ink = match crate::domain::memory::health::worst(&found.findings) {
            _ if found.survey.stopped.is_some() => theme.warn,
            Some(crate::domain::memory::finding::Severity::Bad) => theme.bad,
            _ => theme.good,
        };
        let text = RichText::new(words).family(semibold()).color(ink);
        ui.add(egui::Label::new(text).truncate());
    });
    part::note(ui, &headline(&found.survey, &found.facts));
    if found.survey.gone > 0 {
        let text = format!(
            "{} keys went away while they were looked for: the store changes under the scan",
            found.survey.gone
        );
        part::note(ui, &text);
    }
    if let Some(progress) = &store.exporting {
        exporting(ui, state, progress, actions);
    }
    ui.add_space(4.0);
    part::row_with_end(
        ui,
        actions,
        |ui, actions| {
            let choices = [
                (StoreView::Sessions, "Sessions"),
                (StoreView::Namespaces, "Namespaces"),
                (StoreView::Pictures, "Pictures"),
                (StoreView::Changes, "Changes"),
            ];
            if let Some(view) = part::segments(ui, store.view, &choices) {
                actions.push(Action::Store(StoreAction::View(view)));
            }
        },
        |ui, _| {
            if store.saving && store.exporting.is_none() {
                ui.label(RichText::new("Working on a file").size(sizes().small));
                ui.spinner();
            }
        },
    );
}

/// How far an export is, and the way to end it.
fn exporting(ui: &mut Ui, state: &AppState, progress: &Progress, actions: &mut Vec<Action>) {
    ui.horizontal(|ui| {
        let bar = egui::ProgressBar::new(progress.share() as f32);
        ui.add(bar.desired_width(120.0).desired_height(8.0));
        let text = format!(
            "Exporting: {} of {} keys, {}",
            count(progress.keys),
            count(progress.expected),
            counted(progress.messages, "message"),
        );
        ui.label(RichText::new(text).size(sizes().small));
        let stop = Action::Store(StoreAction::StopExport);
        part::wish(ui, state, actions, stop, icon::CANCEL, part::Weight::Normal);
    });
}
