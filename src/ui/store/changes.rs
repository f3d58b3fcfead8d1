//! What has become of every session since an inventory.

use egui::{Label, RichText, Sense, Ui, WidgetInfo, vec2};

use super::findings::look;
use super::layout::Window;
use super::rows;
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::Compared;
use crate::domain::memory::survey::readable;
use crate::report::wording::number::counted;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold};

const ROW: f32 = 24.0;

pub fn show(ui: &mut Ui, state: &AppState, window: &mut Window, actions: &mut Vec<Action>) {
    let Some(compared) = &state.store.diff else {
        let hint = "Save an inventory now, look again later, after a restart or a deployment, and compare: every session that lost its tail, got a hole, vanished, expired or changed is named";
        return part::empty(ui, icon::HISTORY, "Nothing compared yet", hint, |ui| {
            for (action, glyph) in [
                (StoreAction::Save, icon::FINISH),
                (StoreAction::Compare, icon::HISTORY),
            ] {
                wish(
                    ui,
                    state,
                    actions,
                    Action::Store(action),
                    glyph,
                    Weight::Normal,
                );
            }
        });
    };
    head(ui, compared);
    ui.add_space(6.0);
    rows::show(
        ui,
        "changes",
        window,
        compared.order.len(),
        ROW,
        |ui, at| {
            one(ui, compared, compared.order[at] as usize);
        },
    );
}

fn head(ui: &mut Ui, compared: &Compared) {
    let theme = Theme::of(ui);
    let before = &compared.before;
    let when = chrono::DateTime::from_timestamp_millis(before.at_millis)
        .map(|time| {
            let local = time.with_timezone(&chrono::Local);
            local.format("%Y-%m-%d %H:%M:%S").to_string()
        })
        .unwrap_or_default();
    let text = format!(
        "Since {when}: {} unchanged",
        counted(compared.diff.unchanged, "session")
    );
    ui.label(RichText::new(text).family(semibold()));
    ui.horizontal_wrapped(|ui| {
        for (change, number) in &compared.kinds {
            let (ink, _, glyph) = look(theme, change.severity());
            let words = format!("{} {}", change.title(), counted(*number, "session"));
            part::badge(ui, ink, glyph, &words);
            ui.add_space(8.0);
        }
    });
    for circumstance in &compared.circumstances {
        part::note(ui, circumstance);
    }
    if compared.diff.not_looked_at > 0 {
        let text = format!(
            "{} of the inventory were not looked at: the scan is not complete",
            counted(compared.diff.not_looked_at, "session")
        );
        part::note(ui, &text);
    }
}

fn one(ui: &mut Ui, compared: &Compared, number: usize) {
    let theme = Theme::of(ui);
    let changed = &compared.diff.changed[number];
    let (ink, _, glyph) = look(theme, changed.change.severity());
    let key = readable(&changed.key);
    let words = changed.change.words();
    let response = ui.interact(ui.max_rect(), ui.scope_id().with("change"), Sense::hover());
    let name = format!("{}: {key}, {words}", changed.change.title());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let title = RichText::new(format!("{glyph} {}", changed.change.title())).color(ink);
        ui.allocate_ui(vec2(150.0, ROW), |ui| {
            ui.set_width(150.0);
            ui.add(Label::new(title).truncate());
        });
        ui.allocate_ui(vec2(280.0, ROW), |ui| {
            ui.set_width(280.0);
            ui.add(Label::new(&key).truncate());
        });
        ui.add(Label::new(RichText::new(words).color(theme.weak)).truncate());
    });
}
