//! The Checks screen: groups on the left, the page of a group or a check on the right, settings and buttons on top.

mod list;
mod model;
mod page;
mod tools;

use egui::{CentralPanel, Frame, Margin, Panel, ScrollArea, Ui};

use super::theme::Theme;
use crate::app::action::Action;
use crate::app::state::AppState;

/// Width of the list, in points: the longest title with its badge fits.
const LIST: f32 = 372.0;

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let frame = Frame::new()
        .fill(theme.canvas)
        .inner_margin(Margin::symmetric(12, 8));
    Panel::top("check-tools")
        .frame(frame)
        .resizable(false)
        .show(ui, |ui| tools::show(ui, state, actions));
    Panel::left("check-list")
        .frame(
            Frame::new()
                .fill(theme.panel)
                .inner_margin(Margin::symmetric(8, 8)),
        )
        .exact_size(LIST)
        .resizable(false)
        .show(ui, |ui| {
            scroll("check-list-scroll").show(ui, |ui| list::show(ui, state, actions));
        });
    CentralPanel::default()
        .frame(
            Frame::new()
                .fill(theme.canvas)
                .inner_margin(Margin::same(16)),
        )
        .show(ui, |ui| {
            scroll("check-page-scroll").show(ui, |ui| page::show(ui, state, actions));
        });
}

fn scroll(name: &str) -> ScrollArea {
    ScrollArea::vertical()
        .auto_shrink(false)
        .id_salt(name.to_owned())
}
