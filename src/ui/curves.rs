//! The curves: acknowledged and recovered over time, the gap between them, the fault.

use egui::{Color32, FontId, Ui, Vec2b, pos2};
use egui_plot::{
    Corner, FilledArea, HoverPosition, Legend, Line, LineStyle, Plot, PlotPoint, PlotPoints,
    PlotResponse, Span, VLine,
};

use super::theme::{Theme, semibold, sizes};
use crate::app::state::{LivePicture, Picture};
use crate::domain::series::{self, Curves};
use crate::domain::verdict::Cut;
use crate::report::wording::number::count;

pub fn judged(ui: &mut Ui, picture: &Picture, height: f32) {
    let theme = Theme::of(ui);
    let curves = &picture.curves;
    let mut bands = series::bands(&picture.record);
    let longest = longest_wait(curves);
    for band in &mut bands {
        band.to = band.to.min(longest);
    }
    let end = curves.secs.last().copied().unwrap_or(0.0);
    let end = bands.iter().map(|band| band.to).fold(end, f64::max);
    let cut = match picture.record.judgement.cut() {
        Cut::Clean { not_after, .. } => Some(not_after.secs()),
        _ => None,
    };
    let plot = plot(theme, "curves", height)
        .include_x(beginning(curves.secs.first().copied()))
        .include_x(end)
        .label_formatter(move |hover| hover_text(hover, curves));
    let shown = plot.show(ui, |plot| {
        for band in &bands {
            plot.span(fault_band(theme, band.from, band.to.max(band.from + 0.02)));
        }
        if curves.secs.is_empty() {
            return;
        }
        if curves.known {
            // What could not be looked at is not known to be lost.
            let (name, color) = match picture.record.judgement.counts.unread {
                0 => ("Vanished", theme.lost),
                _ => ("Vanished or not looked at", theme.weak),
            };
            let gap = FilledArea::new(name, &curves.secs, &curves.recovered, &curves.acked);
            plot.add(
                gap.fill_color(color.gamma_multiply(0.30))
                    .allow_hover(false),
            );
        }
        let points = |values: &[f64]| -> PlotPoints<'static> {
            curves
                .secs
                .iter()
                .zip(values)
                .map(|(&x, &y)| [x, y])
                .collect()
        };
        plot.line(
            Line::new("Acknowledged", points(&curves.acked))
                .color(theme.written)
                .width(2.0),
        );
        if curves.known {
            let line = Line::new("Recovered", points(&curves.recovered));
            plot.line(line.color(theme.recovered).width(2.5));
        }
        if let Some(at) = cut {
            let line = VLine::new("", at).color(theme.cut).width(1.5);
            plot.vline(line.style(LineStyle::dashed_dense()).allow_hover(false));
        }
    });
    let mut names: Vec<(f64, &str, Color32)> = bands
        .iter()
        .map(|band| (band.from, band.fault.title(), theme.lost))
        .collect();
    names.extend(cut.map(|at| (at, "the cut", theme.cut)));
    name_lines(ui, &shown, names);
}

/// `now` is the end of a fault that is not over yet, in seconds since the run began.
pub fn live(ui: &mut Ui, live: &LivePicture, now: f64, height: f32) {
    let theme = Theme::of(ui);
    let points = &live.acked;
    let text = |hover: &HoverPosition<'_>| {
        let at = position(hover);
        let next = points
            .partition_point(|point| point[0] < at)
            .min(points.len().checked_sub(1)?);
        Some(format!(
            "{:.2} s\n{} acknowledged",
            points[next][0],
            count(points[next][1] as u64)
        ))
    };
    let from = beginning(points.first().map(|point| point[0]));
    let plot = plot(theme, "live-curve", height)
        .include_x(from)
        .include_x(from + 5.0)
        .include_y(100.0)
        .label_formatter(text);
    let shown = plot.show(ui, |plot| {
        for fault in &live.faults {
            let until = fault.until.unwrap_or(now).max(fault.from + 0.02);
            plot.span(fault_band(theme, fault.from, until));
        }
        let line = Line::new("Acknowledged", PlotPoints::from(points.clone()));
        plot.line(line.color(theme.written).width(2.0));
    });
    let names = live
        .faults
        .iter()
        .map(|fault| (fault.from, fault.label.as_str(), theme.lost));
    name_lines(ui, &shown, names.collect());
}

/// Writes what a vertical line means to its left, inside the plot and without a place in the legend; to its right
/// where there is no room for it, or where the legend stands.
fn name_lines<R>(ui: &Ui, shown: &PlotResponse<R>, names: Vec<(f64, &str, Color32)>) {
    /// The legend in the upper left corner, with its longest words.
    const LEGEND: egui::Vec2 = egui::vec2(190.0, 72.0);
    let field = *shown.transform.frame();
    let legend = egui::Rect::from_min_size(field.min, LEGEND);
    let painter = ui.painter().with_clip_rect(field);
    for (n, (at, name, color)) in names.into_iter().enumerate() {
        let at = PlotPoint::new(at, 0.0);
        let x = shown.transform.position_from_point(&at).x;
        let font = FontId::new(sizes().small, semibold());
        let galley = painter.layout_no_wrap(name.to_owned(), font, color);
        // Names of lines that are close together stand one below the other.
        let top = field.bottom() - 6.0 - 15.0 * n as f32 - galley.size().y;
        let mut place = pos2(x - 5.0 - galley.size().x, top);
        let covers = egui::Rect::from_min_size(place, galley.size()).intersects(legend);
        if place.x < field.left() + 2.0 || covers {
            place.x = x + 5.0;
        }
        painter.galley(place, galley, color);
    }
}

fn plot<'a>(theme: &Theme, id: &str, height: f32) -> Plot<'a> {
    let legend = Legend::default()
        .position(Corner::LeftTop)
        .background_alpha(0.6)
        .text_style(egui::TextStyle::Small)
        .follow_insertion_order(true);
    Plot::new(id.to_owned())
        .height(height)
        .legend(legend)
        .allow_scroll(false)
        .allow_boxed_zoom(true)
        .auto_bounds(Vec2b::TRUE)
        .include_y(0.0)
        .set_margin_fraction(egui::vec2(0.01, 0.06))
        .show_background(false)
        .grid_color(theme.line)
        .y_axis_min_width(sizes().lane_label - 70.0)
        .x_axis_formatter(|mark, _| format!("{} s", short(mark.value)))
        .y_axis_formatter(|mark, _| {
            if mark.value < 0.0 {
                String::new()
            } else {
                count(mark.value as u64)
            }
        })
}

/// The end of the picture, in seconds, however long a dead server was left alone: what led to its end is the story.
fn longest_wait(curves: &Curves) -> f64 {
    const SHARE: f64 = 0.12;
    let (first, last) = match (curves.secs.first(), curves.secs.last()) {
        (Some(&first), Some(&last)) => (first, last),
        _ => return f64::MAX,
    };
    last + (last - first).max(1.0) * SHARE
}

/// Where the picture begins, in seconds: with the run, or with the stream if the user let the server wait.
fn beginning(first: Option<f64>) -> f64 {
    const SOON: f64 = 2.0;
    first.filter(|&at| at > SOON).unwrap_or(0.0)
}

/// At most three decimals, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn fault_band(theme: &Theme, from: f64, to: f64) -> Span {
    Span::new("", from..=to)
        .fill(theme.lost.gamma_multiply(0.16))
        .border_color(theme.lost)
        .border_width(1.0)
}

fn position(hover: &HoverPosition<'_>) -> f64 {
    match hover {
        HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position } => {
            position.x
        }
    }
}

fn hover_text(hover: &HoverPosition<'_>, curves: &Curves) -> Option<String> {
    let at = position(hover);
    let i = curves
        .secs
        .partition_point(|&secs| secs < at)
        .min(curves.secs.len().checked_sub(1)?);
    let (acked, recovered) = (curves.acked[i] as u64, curves.recovered[i] as u64);
    if !curves.known {
        return Some(format!(
            "{:.2} s\n{} acknowledged",
            curves.secs[i],
            count(acked)
        ));
    }
    Some(format!(
        "{:.2} s\n{} acknowledged\n{} recovered\n{} vanished",
        curves.secs[i],
        count(acked),
        count(recovered),
        count(acked.saturating_sub(recovered)),
    ))
}
