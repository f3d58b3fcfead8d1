//! Short messages at the lower edge that go away by themselves.

use std::time::Duration;

use egui::{Align2, Area, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};

use super::icon;
use super::part::{Weight, wish};
use super::theme::Theme;
use crate::app::action::Action;
use crate::app::state::{AppState, Tone};

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let mut above = 16.0;
    for toast in state.toasts.iter().rev() {
        let theme = Theme::of(ui);
        let (color, ground, glyph) = theme.tone(toast.tone);
        let id = Id::unique(("toast", toast.id));
        let area = Area::new(id)
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -above));
        let shown = area.show(ui.ctx(), |ui| {
            Frame::popup(ui.style())
                .fill(ground)
                .stroke(Stroke::new(1.0, color))
                .inner_margin(Margin::symmetric(12, 8))
                .show(ui, |ui| {
                    ui.set_max_width(420.0);
                    ui.horizontal(|ui| {
                        ui.label(RichText::new(glyph).color(color).size(16.0));
                        ui.scope(|ui| {
                            ui.set_max_width(300.0);
                            ui.add(egui::Label::new(&toast.text).wrap());
                        });
                        if let Some(path) = &toast.open {
                            wish(
                                ui,
                                state,
                                actions,
                                Action::OpenFile(path.clone()),
                                icon::OPEN,
                                Weight::Quiet,
                            );
                        }
                        let close = ui.button(icon::CANCEL);
                        close.widget_info(|| {
                            egui::WidgetInfo::labeled(egui::Role::Button, true, "Dismiss message")
                        });
                        if close.clicked() {
                            actions.push(Action::DismissToast(toast.id));
                        }
                    });
                });
        });
        above += shown.response.rect.height() + 8.0;
        expire(ui, toast.id, toast.tone, actions);
    }
}

/// Good news goes soon, bad news stays long enough to be read twice.
fn expire(ui: &Ui, id: u64, tone: Tone, actions: &mut Vec<Action>) {
    let stay = if tone == Tone::Bad { 20.0 } else { 8.0 };
    let now = ui.input(|input| input.time);
    let key = Id::unique(("toast-since", id));
    let since = ui.data_mut(|data| *data.get_temp_mut_or_insert_with(key, || now));
    let left = since + stay - now;
    if left <= 0.0 {
        actions.push(Action::DismissToast(id));
    } else {
        ui.ctx()
            .request_repaint_after(Duration::from_secs_f64(left));
    }
}
