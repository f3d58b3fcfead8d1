//! The preset: which one, what it says to the server, and what it promises under the chosen fault.

use egui::{Button, ComboBox, RichText, Ui, vec2};

use crate::app::action::Action;
use crate::app::state::AppState;
use crate::domain::contract::{Contract, Gate, Promise};
use crate::domain::plan::{Field, PlanDraft};
use crate::domain::preset::Preset;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold, sizes};

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft, actions: &mut Vec<Action>) {
    part::group(ui, "Preset");
    chooser(ui, state, draft);
    if let Some(error) = state.plan.error(Field::Preset) {
        super::field::problem(ui, error);
    }
    if let Some(preset) = state.plan.preset() {
        part::note(ui, &preset.explanation);
        directives(ui, preset);
        promise(ui, draft, preset);
    }
    wish(
        ui,
        state,
        actions,
        Action::ImportConf,
        icon::IMPORT,
        Weight::Quiet,
    );
}

fn chooser(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    let theme = Theme::of(ui);
    let chosen = state
        .plan
        .preset()
        .map_or("Choose a preset", |preset| &preset.title);
    let combo = ComboBox::from_id_salt("preset")
        .width(ui.available_width())
        .height(420.0)
        .truncate()
        .selected_text(RichText::new(chosen).family(semibold()));
    let shown = combo.show_ui(ui, |ui| {
        ui.set_min_width(300.0);
        for preset in &state.plan.presets {
            let on = preset.id == draft.preset;
            let id = RichText::new(&preset.id)
                .color(theme.weak)
                .size(sizes().small);
            let entry = Button::selectable(on, &preset.title).right_text(id);
            let entry = ui.add(entry.min_size(vec2(ui.available_width(), 24.0)));
            if entry.on_hover_text(&preset.explanation).clicked() {
                draft.preset.clone_from(&preset.id);
                ui.close();
            }
        }
    });
    shown
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Preset"));
}

/// The lines that the server gets.
fn directives(ui: &mut Ui, preset: &Preset) {
    let theme = Theme::of(ui);
    part::card(ui, theme.field, theme.line, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for directive in &preset.directives {
            let mut line = egui::text::LayoutJob::default();
            let font = egui::FontId::monospace(sizes().mono);
            let value = if directive.value.is_empty() {
                "\"\""
            } else {
                &directive.value
            };
            for (text, ink) in [
                (directive.name.as_str(), theme.weak),
                (" ", theme.weak),
                (value, theme.text),
            ] {
                line.append(text, 0.0, egui::TextFormat::simple(font.clone(), ink));
            }
            ui.add(egui::Label::new(line).wrap());
        }
        if preset.directives.is_empty() {
            part::note(ui, "No directive: the server's own defaults");
        }
    });
}

/// What may be lost, in plain words, before anything starts.
fn promise(ui: &mut Ui, draft: &PlanDraft, preset: &Preset) {
    let theme = Theme::of(ui);
    let gate = (draft.max_lost.is_some() || draft.max_window_secs.is_some()).then(|| Gate {
        max_lost: draft.max_lost,
        max_window: draft
            .max_window_secs
            .and_then(|secs| std::time::Duration::try_from_secs_f64(secs).ok()),
    });
    let contract = gate.map_or(
        Contract::Preset(preset.promise(draft.fault)),
        Contract::Gate,
    );
    let (color, text) = match contract {
        Contract::Preset(promise) => {
            let color = match promise {
                Promise::Nothing => theme.good,
                Promise::Window { .. } | Promise::SinceSnapshot => theme.warn,
                Promise::Everything => theme.bad,
            };
            let fault = draft.fault.title().to_lowercase();
            (
                color,
                format!("After a {fault} it may lose {}", promise.words()),
            )
        }
        Contract::Gate(gate) => (
            theme.accent,
            format!("By your own limits it may lose {}", gate_words(&gate)),
        ),
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(icon::PROMISE).color(color).size(15.0));
        ui.add(egui::Label::new(RichText::new(text).color(theme.text)).wrap());
    });
}

fn gate_words(gate: &Gate) -> String {
    let mut parts = Vec::new();
    if let Some(lost) = gate.max_lost {
        parts.push(format!(
            "at most {} messages",
            crate::report::wording::number::count(lost)
        ));
    }
    if let Some(window) = gate.max_window {
        parts.push(format!(
            "what was acknowledged in the last {} s",
            window.as_secs_f64()
        ));
    }
    parts.join(" and ")
}
