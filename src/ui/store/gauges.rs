//! What the server says of itself, once a second for as long as the screen is in sight.

use egui::text::{LayoutJob, TextWrapping};
use egui::{FontId, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::app::store_state::{Gauge, StoreState};
use crate::report::inspection::bytes;
use crate::report::wording::number::count;
use crate::ui::part;
use crate::ui::theme::{Theme, semibold, sizes};

type Read = fn(&Gauge) -> u64;

const GAUGES: [(&str, Read, bool); 8] = [
    ("Memory used", |gauge| gauge.used_memory_bytes, true),
    ("Commands a second", |gauge| gauge.ops_per_sec, false),
    ("Clients", |gauge| gauge.clients, false),
    ("Expired keys", |gauge| gauge.expired, false),
    ("Evicted keys", |gauge| gauge.evicted, false),
    ("Unsaved changes", |gauge| gauge.unsaved_changes, false),
    ("AOF buffer", |gauge| gauge.aof_buffer_bytes, true),
    ("Delayed fsyncs", |gauge| gauge.delayed_fsyncs, false),
];

pub fn show(ui: &mut Ui, store: &StoreState) {
    part::group(ui, "The server now");
    let Some(last) = store.gauges.back() else {
        part::note(ui, "Gauges move when the server answers INFO");
        return;
    };
    let width = (ui.available_width() - 3.0 * 8.0) / 4.0;
    egui::Grid::new("store-gauges")
        .spacing(vec2(8.0, 6.0))
        .show(ui, |ui| {
            for (at, (title, read, is_bytes)) in GAUGES.iter().enumerate() {
                let value = read(last);
                let text = if *is_bytes {
                    bytes(value)
                } else {
                    count(value)
                };
                let history = store.gauges.iter().map(read);
                one(ui, title, &text, history, width);
                if at % 4 == 3 {
                    ui.end_row();
                }
            }
        });
}

fn one(ui: &mut Ui, title: &str, text: &str, history: impl Iterator<Item = u64>, width: f32) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, 46.0), Sense::hover());
    let name = format!("{title}: {text}");
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    ui.painter().rect_filled(rect, 5.0, theme.panel);
    let values: Vec<f32> = history.map(|value| value as f32).collect();
    let (least, most) = values.iter().fold((f32::MAX, 0.0f32), |(a, b), value| {
        (a.min(*value), b.max(*value))
    });
    let span = (most - least).max(1.0);
    // Beside the number and below the title.
    let mut curve = rect.shrink2(vec2(8.0, 6.0));
    curve.set_left(rect.left() + 90.0);
    curve.set_top(rect.top() + 21.0);
    let points: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let x = curve.right() - (values.len() - 1 - at) as f32 * curve.width() / 119.0;
            pos2(x, curve.bottom() - (value - least) / span * curve.height())
        })
        .collect();
    let stroke = Stroke::new(1.2, theme.written.gamma_multiply(0.6));
    ui.painter().add(Shape::line(points, stroke));
    let small = FontId::proportional(sizes().small);
    let mut job = LayoutJob::simple_singleline(title.to_owned(), small, theme.weak);
    job.wrap = TextWrapping::truncate_at_width(rect.width() - 16.0);
    let galley = ui.painter().layout_job(job);
    ui.painter()
        .galley(rect.min + vec2(8.0, 5.0), galley, theme.weak);
    let big = FontId::new(sizes().title, semibold());
    let at = rect.min + vec2(8.0, 21.0);
    ui.painter()
        .text(at, egui::Align2::LEFT_TOP, text, big, theme.text);
}
