//! Draws the ladder, its legend, its gauges, and the two numbers beside the buttons.

use egui::{Align2, Color32, FontId, RichText, Role, Sense, Ui, Vec2b, WidgetInfo, pos2, vec2};
use egui_plot::{FilledArea, HoverPosition, Line, Plot, PlotBounds, PlotPoint, PlotPoints, Span};

use super::model::{Curves, STRETCH};
use crate::domain::event::Progress;
use crate::domain::ladder::{Gauges, Ladder};
use crate::report::wording::ladder::takes_now;
use crate::report::wording::number::{count, span};
use crate::ui::icon;
use crate::ui::part;
use crate::ui::theme::{Theme, semibold, sizes};

/// The stretch that ends at `end`, with these faults in it, all in seconds.
pub fn plot(ui: &mut Ui, ladder: &Ladder, end: f64, faults: &[(f64, f64)], height: f32) {
    let theme = Theme::of(ui);
    let curves = Curves::until(ladder, end);
    if curves.secs.len() < 2 {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        let font = FontId::proportional(sizes().body);
        let text = "The ladder is drawn as soon as messages are written";
        ui.painter()
            .text(rect.center(), Align2::CENTER_CENTER, text, font, theme.weak);
        return;
    }
    let top = curves.sent.last().copied().unwrap_or(1.0).max(1.0);
    let last = curves.secs.last().copied().unwrap_or(end);
    let until = faults.iter().map(|(_, to)| *to).fold(last, f64::max);
    let floor = curves.floor();
    let above = (top - floor).max(1.0);
    let bounds = PlotBounds::from_min_max(
        [(until - STRETCH).max(0.0), floor - above * 0.02],
        [until + STRETCH * 0.015, top + above * 0.14],
    );
    let shown = Plot::new("ladder")
        .height(height)
        .show_background(false)
        .grid_color(theme.line)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_double_click_reset(false)
        .auto_bounds(Vec2b::FALSE)
        .y_axis_min_width(sizes().lane_label - 70.0)
        .x_axis_formatter(|mark, _| format!("{} s", (mark.value * 100.0).round() / 100.0))
        .y_axis_formatter(|mark, _| count(mark.value.max(0.0) as u64))
        .label_formatter(|hover: &HoverPosition<'_>| hover_text(hover, &curves))
        .show(ui, |plot| {
            plot.set_plot_bounds(bounds);
            draw(plot, &curves, faults, theme);
        });
    let field = *shown.transform.frame();
    let painter = ui.painter().with_clip_rect(field);
    let font = FontId::new(sizes().small, semibold());
    let bands = curves.saves.iter().map(|band| (band, "BGSAVE"));
    let bands = bands.chain(curves.rewrites.iter().map(|band| (band, "AOF rewrite")));
    for (band, name) in bands {
        let at = PlotPoint::new(band.0, floor);
        let x = shown.transform.position_from_point(&at).x.max(field.left());
        let place = pos2(x + 4.0, field.top() + 3.0);
        painter.text(place, Align2::LEFT_TOP, name, font.clone(), theme.accent);
    }
}

fn draw(plot: &mut egui_plot::PlotUi<'_>, curves: &Curves, faults: &[(f64, f64)], theme: &Theme) {
    let band = |(from, to): (f64, f64), color: Color32| {
        Span::new("", from..=to.max(from + 0.02))
            .fill(color.gamma_multiply(0.14))
            .border_color(color.gamma_multiply(0.6))
            .border_width(1.0)
    };
    for save in curves.saves.iter().chain(&curves.rewrites) {
        plot.span(band(*save, theme.accent));
    }
    for fault in faults {
        plot.span(band(*fault, theme.lost));
    }
    let gap = |name: &str, low: &[f64], color: Color32, strength: f32| {
        FilledArea::new(name, &curves.secs, low, &curves.acked)
            .fill_color(color.gamma_multiply(strength))
            .allow_hover(false)
    };
    plot.add(gap("power", &curves.durable, theme.lost, 0.30));
    plot.add(gap("kill", &curves.written, theme.in_flight, 0.65));
    let line = |values: &[f64], color: Color32, width: f32| {
        let points = curves.secs.iter().zip(values).map(|(&x, &y)| [x, y]);
        Line::new("", points.collect::<PlotPoints<'static>>())
            .color(color)
            .width(width)
            .allow_hover(false)
    };
    plot.line(line(&curves.in_snapshot, theme.rung_snapshot, 2.0));
    plot.line(line(&curves.durable, theme.rung_durable, 2.5));
    plot.line(line(&curves.written, theme.rung_written, 2.0));
    plot.line(line(&curves.sent, theme.rung_sent, 1.0));
    plot.line(line(&curves.acked, theme.written, 2.0));
}

fn hover_text(hover: &HoverPosition<'_>, curves: &Curves) -> Option<String> {
    let at = match hover {
        HoverPosition::NearDataPoint { position, .. } | HoverPosition::Elsewhere { position } => {
            position.x
        }
    };
    let last = curves.secs.len().checked_sub(1)?;
    let i = curves.secs.partition_point(|&secs| secs < at).min(last);
    let number = |steps: &[f64]| count(steps[i] as u64);
    let gap = |steps: &[f64]| count((curves.acked[i] - steps[i]).max(0.0) as u64);
    Some(format!(
        "{:.2} s\n{} sent\n{} acknowledged\n{} written\n{} durable\n{} in a snapshot\na process kill takes {}\na power cut takes {}",
        curves.secs[i],
        number(&curves.sent),
        number(&curves.acked),
        number(&curves.written),
        number(&curves.durable),
        number(&curves.in_snapshot),
        gap(&curves.written),
        gap(&curves.durable),
    ))
}

/// The colours, explained, and whether the numbers are counted.
pub fn legend(ui: &mut Ui, exact: bool) {
    let theme = Theme::of(ui);
    let steps = [
        ("sent", theme.rung_sent),
        ("acknowledged", theme.written),
        ("written to the file", theme.rung_written),
        ("fsynced", theme.rung_durable),
        ("in a snapshot", theme.rung_snapshot),
    ];
    let gaps = [
        ("a process kill takes", theme.in_flight.gamma_multiply(0.65)),
        ("a power cut takes", theme.lost.gamma_multiply(0.45)),
    ];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(10.0, 2.0);
        for (text, color) in steps {
            part::chip(ui, text, color, 2.5);
        }
        // Where they do not fit beside the steps, the gaps have a row of their own: they belong together.
        if ui.available_size_before_wrap().x < 230.0 {
            ui.end_row();
        }
        for (text, color) in gaps {
            part::chip(ui, text, color, 10.0);
        }
        if !exact {
            estimated(ui);
        }
    });
}

fn estimated(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let text = RichText::new("estimated")
        .size(sizes().small)
        .color(theme.warn)
        .family(semibold());
    ui.label(text).on_hover_text(
        "From INFO, the policy and the clock; on the faulty disk every step is counted",
    );
}

/// What INFO says that bears on the ladder, each with its own name for who knows Redis.
pub fn gauges(ui: &mut Ui, gauges: &Gauges) {
    let theme = Theme::of(ui);
    let save = gauges
        .last_save_age
        .map_or_else(|| "none yet".into(), |age| format!("{} ago", span(age)));
    let fork = std::time::Duration::from_micros(gauges.latest_fork_usec);
    let all = [
        (
            "Fsync in flight",
            "aof_pending_bio_fsync",
            count(gauges.aof_pending_bio_fsync),
            gauges.aof_pending_bio_fsync > 0,
        ),
        (
            "Fsyncs delayed",
            "aof_delayed_fsync",
            count(gauges.aof_delayed_fsync),
            gauges.aof_delayed_fsync > 0,
        ),
        (
            "AOF buffer",
            "aof_buffer_length",
            format!("{} B", count(gauges.aof_buffer_length)),
            gauges.aof_buffer_length > 0,
        ),
        (
            "Unsaved",
            "rdb_changes_since_last_save",
            count(gauges.rdb_changes_since_last_save),
            false,
        ),
        ("Last save", "rdb_last_save_time", save, false),
        ("Last fork took", "latest_fork_usec", span(fork), false),
    ];
    let gap = 6.0;
    let width = (ui.available_width() - gap * 5.0) / 6.0;
    // Two rows where six in one would be cut off.
    let columns = if width < 84.0 { 3 } else { 6 };
    let width = (ui.available_width() - gap * (columns as f32 - 1.0)) / columns as f32;
    for row in all.chunks(columns) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for (title, field, value, alert) in row {
                gauge(ui, theme, width, (title, field, value), *alert);
            }
        });
    }
}

fn gauge(
    ui: &mut Ui,
    theme: &Theme,
    width: f32,
    (title, field, value): (&str, &str, &str),
    alert: bool,
) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 36.0), Sense::hover());
    let spoken = format!("{title} {value}");
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let edge = if alert { theme.in_flight } else { theme.line };
    let stroke = egui::Stroke::new(1.0, edge);
    ui.painter()
        .rect(rect, 4.0, theme.field, stroke, egui::StrokeKind::Inside);
    let inside = ui.painter().with_clip_rect(rect.shrink(2.0));
    let ink = if alert { theme.in_flight } else { theme.text };
    let strong = FontId::new(sizes().body, semibold());
    inside.text(
        pos2(rect.left() + 8.0, rect.top() + 4.0),
        Align2::LEFT_TOP,
        value,
        strong,
        ink,
    );
    let small = FontId::proportional(sizes().small);
    inside.text(
        pos2(rect.left() + 8.0, rect.bottom() - 3.0),
        Align2::LEFT_BOTTOM,
        title,
        small,
        theme.weak,
    );
    response.on_hover_text(format!("{field} of INFO"));
}

/// What a process kill and a power cut would take now, beside the buttons that do it.
pub fn readouts(ui: &mut Ui, progress: &Progress) {
    let theme = Theme::of(ui);
    let both = [
        ("process kill", progress.kill_takes, theme.in_flight),
        ("power cut", progress.cut_takes, theme.lost),
    ];
    ui.spacing_mut().item_spacing.x = 14.0;
    for (what, gap, color) in both {
        let takes = gap.is_some_and(|gap| gap.messages > 0);
        let ink = if takes { color } else { theme.weak };
        let text = RichText::new(takes_now(what, gap))
            .color(ink)
            .family(semibold());
        ui.label(text);
    }
    if progress.kill_takes.is_some() && !progress.gaps_exact {
        part::badge(ui, theme.weak, icon::INFO, "estimated").on_hover_text(
            "From INFO, the policy and the clock; on the faulty disk every step is counted",
        );
    }
}
