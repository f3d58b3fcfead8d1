//! How long sessions live, how large they are, and what takes the memory: bars and a treemap.

use egui::{Align2, FontId, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::layout::treemap;
use crate::app::store_state::Seen;
use crate::domain::memory::pictures::{Bar, Tile};
use crate::report::inspection::bytes;
use crate::report::wording::number::{count, counted, percent};
use crate::ui::part;
use crate::ui::theme::{Theme, semibold, sizes};

pub fn show(ui: &mut Ui, seen: &Seen) {
    let pictures = &seen.pictures;
    let width = (ui.available_width() - 24.0) / 3.0;
    ui.horizontal_top(|ui| {
        for (title, bars) in [
            ("Time to live", &pictures.ttl),
            ("Size of a session", &pictures.bytes),
            ("Messages in a session", &pictures.messages),
        ] {
            ui.allocate_ui(vec2(width, 190.0), |ui| {
                ui.set_width(width);
                ui.vertical(|ui| histogram(ui, title, bars));
            });
        }
    });
    ui.add_space(8.0);
    part::group(ui, "Memory by namespace");
    tiles(ui, &pictures.tiles);
}

fn histogram(ui: &mut Ui, title: &str, bars: &[Bar]) {
    const HEIGHT: f32 = 16.0;
    let theme = Theme::of(ui);
    part::group(ui, title);
    let total: u64 = bars.iter().map(|bar| bar.count).sum();
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let (rect, response) = ui.allocate_exact_size(
        vec2(ui.available_width(), HEIGHT * bars.len() as f32),
        Sense::hover(),
    );
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, sentence(title, bars)));
    let small = FontId::proportional(sizes().small);
    for (at, bar) in bars.iter().enumerate() {
        let top = rect.top() + HEIGHT * at as f32;
        let middle = top + HEIGHT / 2.0;
        ui.painter().text(
            pos2(rect.left() + 62.0, middle),
            Align2::RIGHT_CENTER,
            &bar.label,
            small.clone(),
            theme.weak,
        );
        let room = rect.width() - 68.0 - 66.0;
        let length = room * bar.count as f32 / most as f32;
        let place = Rect::from_min_size(
            pos2(rect.left() + 68.0, top + 2.0),
            vec2(
                if bar.count > 0 { length.max(1.5) } else { 0.0 },
                HEIGHT - 4.0,
            ),
        );
        ui.painter().rect_filled(place, 2.0, theme.written);
        if bar.count > 0 {
            ui.painter().text(
                pos2(place.right() + 5.0, middle),
                Align2::LEFT_CENTER,
                count(bar.count),
                small.clone(),
                theme.text,
            );
        }
    }
    part::note(ui, &format!("{} in all", counted(total, "session")));
}

/// The picture in one sentence.
fn sentence(title: &str, bars: &[Bar]) -> String {
    let total: u64 = bars.iter().map(|bar| bar.count).sum();
    match bars.iter().max_by_key(|bar| bar.count) {
        Some(most) if most.count > 0 => format!(
            "{title}: most sessions, {}, are {}",
            percent(most.count, total),
            most.label
        ),
        _ => format!("{title}: no session"),
    }
}

fn tiles(ui: &mut Ui, tiles: &[Tile]) {
    let theme = Theme::of(ui);
    let height = ui.available_height().max(230.0) - 8.0;
    let (field, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    if tiles.is_empty() {
        part::note(ui, "MEMORY USAGE was not answered, so nobody knows");
        return;
    }
    let weights: Vec<f64> = tiles.iter().map(|tile| tile.bytes as f64).collect();
    let total: u64 = tiles.iter().map(|tile| tile.bytes).sum();
    for (at, (tile, rect)) in tiles.iter().zip(treemap(field, &weights)).enumerate() {
        let response = ui.interact(rect, ui.scope_id().with(("tile", at)), Sense::hover());
        let words = format!(
            "{}: {}, {} of memory, {} keys",
            tile.label,
            bytes(tile.bytes),
            percent(tile.bytes, total),
            count(tile.keys)
        );
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &words));
        let shade = 0.22 + 0.5 * tile.bytes as f32 / total.max(1) as f32;
        one(ui, rect, theme.written.gamma_multiply(shade), tile);
        response.on_hover_text(words);
    }
}

fn one(ui: &Ui, rect: Rect, fill: egui::Color32, tile: &Tile) {
    let theme = Theme::of(ui);
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let edge = Stroke::new(1.0, theme.canvas);
    painter.rect(rect, 2.0, fill, edge, StrokeKind::Inside);
    let mut inside = rect.shrink(3.0);
    inside.set_top(rect.top() + 34.0);
    if inside.width() > 20.0 && inside.height() > 20.0 {
        let weights: Vec<f64> = tile.inner.iter().map(|tile| tile.bytes as f64).collect();
        for part in treemap(inside, &weights) {
            let line = Stroke::new(1.0, theme.canvas.gamma_multiply(0.6));
            painter.rect(
                part,
                1.0,
                theme.written.gamma_multiply(0.18),
                line,
                StrokeKind::Inside,
            );
        }
    }
    if rect.width() > 44.0 && rect.height() > 16.0 {
        let at = rect.min + vec2(6.0, 3.0);
        let name = FontId::new(sizes().small, semibold());
        painter.text(at, Align2::LEFT_TOP, &tile.label, name, theme.text);
        if rect.height() > 32.0 {
            let small = FontId::proportional(sizes().small);
            let at = at + vec2(0.0, 14.0);
            painter.text(at, Align2::LEFT_TOP, bytes(tile.bytes), small, theme.text);
        }
    }
}
