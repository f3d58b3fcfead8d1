//! Every colour, size and text style, from the tokens in `assets/theme.json`. No other file names a colour.

use std::sync::{Arc, LazyLock};

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, Style, TextStyle, Visuals};
use serde::{Deserialize, Deserializer};

use crate::app::state::Tone;
use crate::domain::lanes::Tick;
use crate::domain::verdict::{SessionState, Verdict};

use super::icon;

/// Colours of one mode.
#[derive(Debug, Deserialize)]
pub struct Theme {
    #[serde(deserialize_with = "hex")]
    pub canvas: Color32,
    #[serde(deserialize_with = "hex")]
    pub panel: Color32,
    #[serde(deserialize_with = "hex")]
    pub raised: Color32,
    #[serde(deserialize_with = "hex")]
    pub field: Color32,
    #[serde(deserialize_with = "hex")]
    pub line: Color32,
    #[serde(deserialize_with = "hex")]
    pub text: Color32,
    #[serde(deserialize_with = "hex")]
    pub weak: Color32,
    #[serde(deserialize_with = "hex")]
    pub faint: Color32,
    #[serde(deserialize_with = "hex")]
    pub accent: Color32,
    #[serde(deserialize_with = "hex")]
    pub on_accent: Color32,
    #[serde(deserialize_with = "hex")]
    pub good: Color32,
    #[serde(deserialize_with = "hex")]
    pub bad: Color32,
    #[serde(deserialize_with = "hex")]
    pub warn: Color32,
    #[serde(deserialize_with = "hex")]
    pub good_bg: Color32,
    #[serde(deserialize_with = "hex")]
    pub bad_bg: Color32,
    #[serde(deserialize_with = "hex")]
    pub warn_bg: Color32,
    #[serde(deserialize_with = "hex")]
    pub recovered: Color32,
    #[serde(deserialize_with = "hex")]
    pub lost: Color32,
    #[serde(deserialize_with = "hex")]
    pub in_flight: Color32,
    #[serde(deserialize_with = "hex")]
    pub written: Color32,
    #[serde(deserialize_with = "hex")]
    pub damaged: Color32,
    #[serde(deserialize_with = "hex")]
    pub unread: Color32,
    #[serde(deserialize_with = "hex")]
    pub cut: Color32,
    /// Steps of the ladder of durability; the acknowledged one has the colour of what is written.
    #[serde(deserialize_with = "hex")]
    pub rung_sent: Color32,
    #[serde(deserialize_with = "hex")]
    pub rung_written: Color32,
    #[serde(deserialize_with = "hex")]
    pub rung_durable: Color32,
    #[serde(deserialize_with = "hex")]
    pub rung_snapshot: Color32,
    #[serde(deserialize_with = "hex")]
    pub bubble_user: Color32,
    #[serde(deserialize_with = "hex")]
    pub bubble_assistant: Color32,
}

/// Sizes in points, the same in both modes.
#[derive(Debug, Deserialize)]
pub struct Sizes {
    pub small: f32,
    pub body: f32,
    pub title: f32,
    pub headline: f32,
    pub mono: f32,
    pub gap: f32,
    pub radius: u8,
    pub button_height: f32,
    /// Height of one lane.
    pub lane: f32,
    /// Width of the session's name beside its lane.
    pub lane_label: f32,
    pub bubble_max: f32,
}

#[derive(Deserialize)]
struct Tokens {
    dark: Theme,
    light: Theme,
    size: Sizes,
}

static TOKENS: LazyLock<Tokens> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../assets/theme.json"))
        .expect("assets/theme.json is part of the binary and tested")
});

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Color32, D::Error> {
    let text = String::deserialize(deserializer)?;
    Color32::from_hex(&text).map_err(|_| serde::de::Error::custom(format!("{text} is no colour")))
}

#[must_use]
pub fn sizes() -> &'static Sizes {
    &TOKENS.size
}

impl Theme {
    /// The colours of the mode in which `ui` draws.
    #[must_use]
    pub fn of(ui: &egui::Ui) -> &'static Theme {
        Theme::mode(ui.visuals().dark_mode)
    }

    #[must_use]
    pub fn mode(dark: bool) -> &'static Theme {
        if dark { &TOKENS.dark } else { &TOKENS.light }
    }

    #[must_use]
    pub fn tick(&self, tick: Tick) -> Color32 {
        match tick {
            Tick::Written => self.written,
            Tick::Recovered => self.recovered,
            Tick::Unread => self.unread,
            Tick::InFlight => self.in_flight,
            Tick::Lost => self.lost,
            Tick::Damaged => self.damaged,
        }
    }

    /// Colour, background and icon of a verdict. The word stands beside them, always.
    #[must_use]
    pub fn verdict(&self, verdict: Verdict) -> (Color32, Color32, &'static str) {
        match verdict {
            Verdict::Held => (self.good, self.good_bg, icon::HELD),
            Verdict::Violated => (self.bad, self.bad_bg, icon::VIOLATED),
            Verdict::Inconclusive => (self.warn, self.warn_bg, icon::UNKNOWN),
        }
    }

    #[must_use]
    pub fn tone(&self, tone: Tone) -> (Color32, Color32, &'static str) {
        match tone {
            Tone::Good => (self.good, self.good_bg, icon::DONE),
            Tone::Warning => (self.warn, self.warn_bg, icon::WARNING),
            Tone::Bad => (self.bad, self.bad_bg, icon::ERROR),
        }
    }

    #[must_use]
    pub fn session(&self, state: SessionState) -> Color32 {
        match state {
            SessionState::Intact => self.recovered,
            SessionState::TailLost | SessionState::Hole | SessionState::Vanished => self.lost,
            SessionState::Corrupted => self.damaged,
            SessionState::Unread => self.unread,
        }
    }
}

/// The family of headings and buttons that matter.
#[must_use]
pub fn semibold() -> FontFamily {
    FontFamily::Name(Arc::from("semibold"))
}

/// Sets styles and colours of both modes.
pub fn install(ctx: &egui::Context) {
    for mode in [egui::Theme::Dark, egui::Theme::Light] {
        let theme = Theme::mode(mode == egui::Theme::Dark);
        let mut style = (*ctx.style_of(mode)).clone();
        sizes_into(&mut style);
        colours_into(&mut style.visuals, theme);
        ctx.set_style_of(mode, style);
    }
}

fn sizes_into(style: &mut Style) {
    let size = sizes();
    let prop = FontFamily::Proportional;
    style.text_styles = [
        (TextStyle::Small, FontId::new(size.small, prop.clone())),
        (TextStyle::Body, FontId::new(size.body, prop.clone())),
        (TextStyle::Button, FontId::new(size.body, prop)),
        (TextStyle::Heading, FontId::new(size.title, semibold())),
        (
            TextStyle::Monospace,
            FontId::new(size.mono, FontFamily::Monospace),
        ),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = egui::vec2(size.gap, 6.0);
    spacing.button_padding = egui::vec2(10.0, 5.0);
    spacing.interact_size.y = 26.0;
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.tooltip_width = 360.0;
    spacing.scroll = egui::style::ScrollStyle::solid();
    spacing.scroll.bar_width = 8.0;
    style.interaction.selectable_labels = false;
    style.animation_time = 0.08;
}

fn colours_into(visuals: &mut Visuals, theme: &Theme) {
    let radius = CornerRadius::same(sizes().radius);
    visuals.panel_fill = theme.panel;
    visuals.window_fill = theme.panel;
    visuals.window_stroke = Stroke::new(1.0, theme.line);
    visuals.window_corner_radius = CornerRadius::same(10);
    visuals.menu_corner_radius = radius;
    visuals.extreme_bg_color = theme.field;
    visuals.text_edit_bg_color = Some(theme.field);
    visuals.faint_bg_color = theme.raised;
    visuals.code_bg_color = theme.raised;
    visuals.hyperlink_color = theme.accent;
    visuals.warn_fg_color = theme.warn;
    visuals.error_fg_color = theme.bad;
    visuals.selection.bg_fill = theme.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.5, theme.accent);
    visuals.weak_text_color = Some(theme.weak);
    visuals.disabled_alpha = 0.45;
    visuals.striped = false;
    let widgets = &mut visuals.widgets;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = radius;
        widget.expansion = 0.0;
        widget.fg_stroke = Stroke::new(1.0, theme.text);
        widget.bg_stroke = Stroke::new(1.0, theme.line);
        widget.bg_fill = theme.raised;
        widget.weak_bg_fill = theme.raised;
    }
    let strong = theme.raised.lerp_to_gamma(theme.text, 0.10);
    widgets.hovered.weak_bg_fill = strong;
    widgets.hovered.bg_fill = strong;
    widgets.hovered.bg_stroke = Stroke::new(1.0, theme.faint);
    widgets.active.weak_bg_fill = strong;
    widgets.active.bg_stroke = Stroke::new(1.0, theme.accent);
    widgets.open.weak_bg_fill = strong;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.1 contrast of two opaque colours.
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |color: Color32| {
            let rgba = egui::Rgba::from(color);
            0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b()
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_ground() {
        for theme in [&TOKENS.dark, &TOKENS.light] {
            for ground in [theme.canvas, theme.panel, theme.raised, theme.field] {
                assert!(contrast(theme.text, ground) > 7.0);
                assert!(contrast(theme.weak, ground) > 4.5, "{ground:?}");
            }
            for (ink, ground) in [
                (theme.good, theme.good_bg),
                (theme.bad, theme.bad_bg),
                (theme.warn, theme.warn_bg),
            ] {
                assert!(contrast(ink, ground) > 4.5, "{ink:?} on {ground:?}");
            }
            assert!(contrast(theme.on_accent, theme.accent) > 3.6);
        }
    }
}
