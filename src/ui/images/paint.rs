//! Draws the cards: numbers large enough for a meeting, the same bars and lanes for both ends of an instant.

use egui::{Align2, FontId, Label, Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};

use super::model::{self, Act, Stretch};
use crate::app::state::AppState;
use crate::domain::image::{
    Comparison, Image, ImageFinding, ImageOutcome, Repair, TailCut, TailWitness,
};
use crate::domain::lanes::Lanes;
use crate::domain::op::Micros;
use crate::report::wording::acts;
use crate::report::wording::number::{count, percent, span};
use crate::ui::icon;
use crate::ui::part;
use crate::ui::rtl;
use crate::ui::theme::{Theme, semibold, sizes};

/// The lanes of the picture, and how many messages were acknowledged by an instant.
pub struct Instants<'a> {
    pub lanes: &'a Lanes,
    pub acked_by: &'a dyn Fn(Micros) -> u32,
}

const LANES: usize = 9;
const LANE: f32 = 11.0;

pub fn show(ui: &mut Ui, state: &AppState, instants: &Instants<'_>) {
    let acts = model::acts(&state.drill.timeline);
    ScrollArea::vertical()
        .id_salt("images")
        .auto_shrink(false)
        .show(ui, |ui| {
            for act in acts {
                match act {
                    Act::Compared(both) => compared(ui, both, instants),
                    Act::WhatIf(finding) => what_if(ui, finding, instants),
                    Act::TailCut(tail_cut) => tail_cut_card(ui, tail_cut),
                    Act::Repaired(repair) => repaired(ui, repair),
                }
                ui.add_space(8.0);
            }
        });
}

/// A card with its heading and its one sentence.
fn card(
    ui: &mut Ui,
    glyph: &str,
    title: &str,
    at: Option<Micros>,
    sentence: &str,
    add: impl FnOnce(&mut Ui),
) {
    let theme = Theme::of(ui);
    part::card(ui, theme.panel, theme.line, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(glyph).color(theme.accent).size(18.0));
            ui.label(RichText::new(title).family(semibold()).size(16.0));
            if let Some(at) = at {
                let text = format!("at {:.3} s", at.secs());
                ui.label(RichText::new(text).color(theme.weak));
            }
        });
        add(ui);
        ui.add_space(4.0);
        part::note(ui, sentence);
    });
}

fn compared(ui: &mut Ui, both: &Comparison, instants: &Instants<'_>) {
    let sentence = acts::comparison_sentence(both);
    let at = Some(both.kill.at);
    card(
        ui,
        icon::COPY,
        "The same instant, two ends",
        at,
        &sentence,
        |ui| {
            let end = (instants.acked_by)(both.kill.at);
            let stretch = Stretch::before(end, &[&both.kill, &both.power]);
            ui.columns(2, |columns| {
                for (column, finding) in columns.iter_mut().zip([&both.kill, &both.power]) {
                    one_end(column, finding, stretch, instants);
                }
            });
            legend(ui);
        },
    );
}

fn what_if(ui: &mut Ui, finding: &ImageFinding, instants: &Instants<'_>) {
    let sentence = acts::what_if_sentence(finding);
    card(
        ui,
        icon::UNKNOWN,
        "Had the power failed",
        Some(finding.at),
        &sentence,
        |ui| {
            let stretch = Stretch::before((instants.acked_by)(finding.at), &[finding]);
            one_end(ui, finding, stretch, instants);
            if finding.acked > 0 {
                legend(ui);
            }
        },
    );
}

/// What one end of the instant leaves: the number, its share as a bar, the sessions as lanes.
fn one_end(ui: &mut Ui, finding: &ImageFinding, stretch: Stretch, instants: &Instants<'_>) {
    let theme = Theme::of(ui);
    ui.spacing_mut().item_spacing.y = 4.0;
    ui.label(
        RichText::new(acts::image_words(&finding.image))
            .family(semibold())
            .size(sizes().title),
    );
    let (number, ink, below) = headline(finding, theme);
    ui.label(
        RichText::new(number)
            .family(semibold())
            .size(26.0)
            .color(ink),
    );
    for line in below {
        ui.add(Label::new(RichText::new(line).color(theme.weak)).truncate());
    }
    match &finding.outcome {
        ImageOutcome::Started { .. } if finding.acked == 0 => {}
        ImageOutcome::Started { lost, .. } => {
            bar(ui, finding.acked, *lost);
            lanes(ui, finding, stretch, instants);
        }
        ImageOutcome::Refused { words } => quoted(ui, words),
        ImageOutcome::Failed { error } => quoted(ui, std::slice::from_ref(error)),
    }
}

/// The number, its colour, and two lines below: the same for both ends, so that their bars stand side by side.
fn headline(finding: &ImageFinding, theme: &Theme) -> (String, egui::Color32, [String; 2]) {
    let of = format!("of {} acknowledged", count(finding.acked));
    match &finding.outcome {
        ImageOutcome::Started { .. } if finding.acked == 0 => (
            "Nothing to lose".into(),
            theme.weak,
            [
                of,
                "nothing was acknowledged since the server came up".into(),
            ],
        ),
        ImageOutcome::Started { lost: 0, .. } => (
            "0 lost".into(),
            theme.good,
            [of, "everything is there".into()],
        ),
        ImageOutcome::Started { lost, window, .. } => {
            let oldest = window.map_or_else(
                || "their age is not known".into(),
                |window| format!("the oldest {} before", span(window)),
            );
            (format!("{} lost", count(*lost)), theme.lost, [of, oldest])
        }
        ImageOutcome::Refused { .. } => (
            "Refuses to start".into(),
            theme.lost,
            [of, "Redis does not load what is left".into()],
        ),
        ImageOutcome::Failed { .. } => (
            "Not tried".into(),
            theme.warn,
            [of, "the scratch server could not be used".into()],
        ),
    }
}

/// Kept and lost as shares of what was acknowledged. A single lost message still has its pixels.
fn bar(ui: &mut Ui, acked: u64, lost: u64) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let share = lost as f32 / acked.max(1) as f32;
    let wide = if lost > 0 {
        (rect.width() * share).max(3.0)
    } else {
        0.0
    };
    let cut = rect.right() - wide;
    let painter = ui.painter();
    painter.rect_filled(
        Rect::from_min_max(rect.min, pos2(cut, rect.bottom())),
        3.0,
        theme.recovered,
    );
    if wide > 0.0 {
        painter.rect_filled(
            Rect::from_min_max(pos2(cut, rect.top()), rect.max),
            3.0,
            theme.lost,
        );
    }
    response.on_hover_text(format!("{} lost", percent(lost, acked)));
}

/// The busiest sessions just before the instant: what is left of the cut survives.
fn lanes(ui: &mut Ui, finding: &ImageFinding, stretch: Stretch, instants: &Instants<'_>) {
    let theme = Theme::of(ui);
    let Some(cut) = model::cut_position(finding, stretch.end) else {
        part::note(
            ui,
            "No single cut explains this loss, so no lanes are drawn",
        );
        return;
    };
    let rows = model::rows(instants.lanes, stretch, LANES);
    if rows.is_empty() {
        return;
    }
    const NAME: f32 = 46.0;
    // As high as a wide window asks for: the picture is shown to a room.
    let high = (ui.available_width() / 34.0).clamp(LANE, 20.0);
    let size = vec2(ui.available_width(), high * rows.len() as f32 + 4.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let field = Rect::from_min_max(pos2(rect.left() + NAME, rect.top()), rect.max);
    let painter = ui.painter();
    painter.rect_filled(field, 3.0, theme.field);
    let x = |at: u32| field.left() + stretch.share(at) * field.width();
    let tick = (field.width() / (stretch.end - stretch.first).max(1) as f32).clamp(1.5, 5.0);
    for (n, lane) in rows.iter().enumerate() {
        let top = field.top() + 2.0 + high * n as f32;
        let name = FontId::monospace(sizes().small - 1.0);
        let middle = pos2(rect.left(), top + high / 2.0);
        painter.text(
            middle,
            Align2::LEFT_CENTER,
            lane.session.to_string(),
            name,
            theme.weak,
        );
        for (at, _) in instants.lanes.ticks(lane) {
            if !(stretch.first..stretch.end).contains(&at) {
                continue;
            }
            let color = if at < cut {
                theme.recovered
            } else {
                theme.lost
            };
            let place = Rect::from_min_size(pos2(x(at), top + 1.0), vec2(tick, high - 2.0));
            painter.rect_filled(place.intersect(field), 0.0, color);
        }
    }
    if cut < stretch.end {
        let line = [pos2(x(cut), field.top()), pos2(x(cut), field.bottom())];
        painter.line_segment(line, egui::Stroke::new(2.0, theme.cut));
    }
}

fn legend(ui: &mut Ui) {
    let theme = Theme::of(ui);
    ui.add_space(2.0);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(10.0, 2.0);
        part::chip(ui, "recovered", theme.recovered, 10.0);
        part::chip(ui, "vanished", theme.lost, 10.0);
        part::chip(ui, "the cut", theme.cut, 10.0);
        part::note(ui, "busiest sessions, newest messages on the right");
    });
}

/// Words of a program, as it said them.
fn quoted(ui: &mut Ui, words: &[String]) {
    let theme = Theme::of(ui);
    part::card(ui, theme.field, theme.line, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for line in words {
            let text = RichText::new(rtl::quoted(line))
                .monospace()
                .size(sizes().small);
            ui.add(Label::new(text).wrap().selectable(true));
        }
        if words.is_empty() {
            part::note(ui, "It left no word");
        }
    });
}

/// A range: each possible end of the AOF a column, as high as the loss.
fn tail_cut_card(ui: &mut Ui, tail_cut: &TailCut) {
    let sentence = acts::tail_cut_sentence(tail_cut);
    card(
        ui,
        icon::LIST,
        "Cut the tail: a range, not an observation",
        None,
        &sentence,
        |ui| {
            let theme = Theme::of(ui);
            let lost = || tail_cut.findings.iter().filter_map(ImageFinding::lost);
            let range = match (lost().min(), lost().max()) {
                (Some(least), Some(most)) if least == most => format!("{} lost", count(most)),
                (Some(least), Some(most)) => format!("{} to {} lost", count(least), count(most)),
                _ => "Nothing could be tried".into(),
            };
            ui.label(
                RichText::new(range)
                    .family(semibold())
                    .size(26.0)
                    .color(theme.lost),
            );
            columns(ui, tail_cut, lost().max().unwrap_or(0));
        },
    );
}

fn columns(ui: &mut Ui, tail_cut: &TailCut, most: u64) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 84.0), Sense::hover());
    let field = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - 16.0));
    let painter = ui.painter();
    painter.rect_filled(field, 3.0, theme.field);
    let (from, to) = (
        tail_cut.durable_bytes,
        tail_cut.written_bytes.max(tail_cut.durable_bytes + 1),
    );
    let wide = (field.width() / tail_cut.findings.len().max(1) as f32 - 1.0).clamp(2.0, 14.0);
    for finding in &tail_cut.findings {
        let Image::CutAt { bytes } = finding.image else {
            continue;
        };
        let share = (bytes.saturating_sub(from)) as f32 / (to - from) as f32;
        let x = field.left() + 2.0 + share.min(1.0) * (field.width() - wide - 4.0);
        let (high, color) = match finding.lost() {
            Some(lost) => (
                (lost as f32 / most.max(1) as f32) * (field.height() - 6.0),
                theme.lost,
            ),
            None => (field.height() - 6.0, theme.damaged),
        };
        let column = Rect::from_min_max(
            pos2(x, field.bottom() - high.max(2.0)),
            pos2(x + wide, field.bottom()),
        );
        let color = if finding.lost() == Some(0) {
            theme.recovered
        } else {
            color
        };
        painter.rect_filled(column, 1.0, color);
    }
    let font = FontId::proportional(sizes().small);
    let proven = match tail_cut.witness {
        TailWitness::WaitAof => "proven durable",
        TailWitness::None => "nothing proven",
    };
    let left = format!("{proven}, byte {}", count(from));
    let right = format!("written, byte {}", count(tail_cut.written_bytes));
    painter.text(
        rect.left_bottom(),
        Align2::LEFT_BOTTOM,
        left,
        font.clone(),
        theme.weak,
    );
    painter.text(
        rect.right_bottom(),
        Align2::RIGHT_BOTTOM,
        right,
        font,
        theme.weak,
    );
}

fn repaired(ui: &mut Ui, repair: &Repair) {
    let sentence = acts::repair_sentence(repair);
    card(ui, icon::RESET, "Repair on a copy", None, &sentence, |ui| {
        let theme = Theme::of(ui);
        let finding = &repair.finding;
        let (number, ink) = match finding.lost() {
            Some(lost) => {
                let saved = count(finding.acked.saturating_sub(lost));
                (
                    format!("{saved} of {} saved", count(finding.acked)),
                    theme.good,
                )
            }
            None => ("It did not help".into(), theme.lost),
        };
        ui.label(
            RichText::new(number)
                .family(semibold())
                .size(26.0)
                .color(ink),
        );
        if let Some(lost) = finding.lost() {
            bar(ui, finding.acked, lost);
        }
        quoted(ui, &repair.words);
    });
}
