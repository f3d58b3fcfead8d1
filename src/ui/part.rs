//! The pieces that panels are made of: buttons that know their action, cards, badges, headings.

use egui::{
    Align, Button, Color32, Frame, Label, Layout, Margin, Response, RichText, Role, Stroke, Ui,
    WidgetInfo, vec2,
};

use super::theme::{Theme, semibold, sizes};
use crate::app::action::Action;
use crate::app::state::AppState;

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Primary,
    Normal,
    /// Takes something away.
    Danger,
    /// Icon and text without a frame.
    Quiet,
    /// An icon alone; the text is its name for screen readers and tooltips.
    Icon,
}

/// Button of an action: text, tooltip, shortcut, and greyed with the reason where it is not available.
pub fn wish(
    ui: &mut Ui,
    state: &AppState,
    actions: &mut Vec<Action>,
    action: Action,
    icon: &str,
    weight: Weight,
) -> Response {
    let text = action.text(state);
    let available = action.available(state);
    let theme = Theme::of(ui);
    let button = shaped(theme, icon, &text, weight);
    let response = ui.add_enabled(available.is_ok(), button);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, available.is_ok(), &*text));
    let response = match available {
        Ok(()) => {
            response.on_hover_ui(|ui| hint(ui, &action, &text, action.tooltip(state), weight))
        }
        Err(reason) => response.on_disabled_hover_text(reason),
    };
    if response.clicked() {
        actions.push(action);
    }
    response
}

fn hint(ui: &mut Ui, action: &Action, text: &str, tooltip: &str, weight: Weight) {
    ui.set_max_width(320.0);
    if weight == Weight::Icon {
        ui.label(text);
    }
    if !tooltip.is_empty() {
        ui.label(tooltip);
    }
    if let Some(shortcut) = action.shortcut() {
        ui.weak(ui.ctx().format_shortcut(&shortcut));
    }
}

fn shaped<'a>(theme: &Theme, icon: &str, text: &str, weight: Weight) -> Button<'a> {
    let ink = match weight {
        Weight::Primary => theme.on_accent,
        Weight::Danger => theme.bad,
        _ => theme.text,
    };
    let glyph = RichText::new(icon).color(ink).size(sizes().title);
    let mut label = RichText::new(text).color(ink);
    if weight == Weight::Primary {
        label = label.family(semibold());
    }
    let button = match (weight, icon.is_empty()) {
        (Weight::Icon, _) => Button::new(glyph),
        (_, true) => Button::new(label),
        (_, false) => Button::new((glyph, label)),
    };
    let button = button.min_size(vec2(0.0, sizes().button_height));
    match weight {
        Weight::Primary => button.fill(theme.accent).stroke(Stroke::NONE),
        Weight::Quiet | Weight::Icon => button.frame_when_inactive(false),
        Weight::Normal | Weight::Danger => button,
    }
}

/// A choice among a few, side by side. Returns what was clicked.
pub fn segments<T: Copy + PartialEq>(ui: &mut Ui, chosen: T, choices: &[(T, &str)]) -> Option<T> {
    let theme = Theme::of(ui);
    let mut clicked = None;
    Frame::new()
        .fill(theme.raised)
        .stroke(Stroke::new(1.0, theme.line))
        .corner_radius(sizes().radius)
        .inner_margin(Margin::same(2))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.spacing_mut().button_padding = vec2(10.0, 2.0);
            // In a row that is filled from the right the last choice is drawn first.
            let backwards = ui.layout().prefer_right_to_left();
            ui.horizontal(|ui| {
                for n in 0..choices.len() {
                    let (value, text) = &choices[if backwards { choices.len() - 1 - n } else { n }];
                    let on = *value == chosen;
                    let ink = if on { theme.text } else { theme.weak };
                    let mut label = RichText::new(*text).color(ink);
                    if on {
                        label = label.family(semibold());
                    }
                    let button = Button::selectable(on, label).min_size(vec2(0.0, 22.0));
                    let button = if on {
                        button.fill(theme.panel.lerp_to_gamma(theme.text, 0.12))
                    } else {
                        button
                    };
                    if ui.add(button).clicked() && !on {
                        clicked = Some(*value);
                    }
                }
            });
        });
    clicked
}

/// Small capital heading of a group of fields.
pub fn group(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui);
    ui.add_space(6.0);
    let label = RichText::new(text)
        .family(semibold())
        .size(sizes().title)
        .color(theme.text);
    ui.label(label);
}

/// A framed piece of content on its own ground.
pub fn card<R>(ui: &mut Ui, fill: Color32, edge: Color32, add: impl FnOnce(&mut Ui) -> R) -> R {
    Frame::new()
        .fill(fill)
        .stroke(Stroke::new(1.0, edge))
        .corner_radius(sizes().radius + 2)
        .inner_margin(Margin::symmetric(12, 10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            add(ui)
        })
        .inner
}

/// Icon and word in one colour.
pub fn badge(ui: &mut Ui, color: Color32, icon: &str, word: &str) -> Response {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if !icon.is_empty() {
            ui.label(RichText::new(icon).color(color));
        }
        ui.label(RichText::new(word).color(color).family(semibold()))
    })
    .inner
}

/// A colour and what it stands for, in one piece; `height` tells a line from an area.
pub fn chip(ui: &mut Ui, text: &str, color: Color32, height: f32) {
    let theme = Theme::of(ui);
    let font = egui::FontId::proportional(sizes().small);
    let galley = ui
        .painter()
        .layout_no_wrap(text.to_owned(), font, theme.weak);
    let size = vec2(16.0 + galley.size().x, galley.size().y.max(12.0));
    let (rect, response) = ui.allocate_exact_size(size, egui::Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    let middle = egui::pos2(rect.left() + 5.5, rect.center().y);
    let mark = egui::Rect::from_center_size(middle, vec2(11.0, height));
    ui.painter().rect_filled(mark, height.min(2.0), color);
    let place = egui::pos2(rect.left() + 16.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(place, galley, theme.weak);
}

/// A line of smaller, weaker text that wraps.
pub fn note(ui: &mut Ui, text: &str) -> Response {
    let theme = Theme::of(ui);
    ui.add(Label::new(RichText::new(text).color(theme.weak).size(sizes().small)).wrap())
}

/// What to do when there is nothing to see: icon, sentence, hint, in the middle.
pub fn empty(ui: &mut Ui, icon: &str, title: &str, hint: &str, add: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    let above = (ui.available_height() * 0.5 - 90.0).max(12.0);
    let narrow = egui::Margin::symmetric(12, 0);
    Frame::new().inner_margin(narrow).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(above);
            ui.label(RichText::new(icon).size(38.0).color(theme.faint));
            ui.add_space(4.0);
            ui.label(RichText::new(title).family(semibold()).size(16.0));
            ui.add_space(2.0);
            ui.scope(|ui| {
                ui.set_max_width(ui.available_width().min(460.0));
                ui.add(Label::new(RichText::new(hint).color(theme.weak)).wrap());
            });
            ui.add_space(10.0);
            add(ui);
        })
    });
}

/// A row whose right end holds buttons.
pub fn row_with_end(
    ui: &mut Ui,
    actions: &mut Vec<Action>,
    start: impl FnOnce(&mut Ui, &mut Vec<Action>),
    end: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    ui.horizontal(|ui| {
        start(ui, actions);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| end(ui, actions));
    });
}
