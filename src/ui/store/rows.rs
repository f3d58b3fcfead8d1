//! A list of any length whose rows are drawn only where they are in sight.

use egui::{Key, Rect, Sense, Ui, UiBuilder, pos2, vec2};

use super::layout::Window;
use crate::ui::theme::Theme;

const BAR: f32 = 10.0;

/// Draws `add(ui, row)` for the rows in sight of `total`. `window` is where the list stands.
pub fn show(
    ui: &mut Ui,
    id: &str,
    window: &mut Window,
    total: usize,
    height: f32,
    mut add: impl FnMut(&mut Ui, usize),
) {
    let field = ui.available_rect_before_wrap();
    let list = Rect::from_min_max(field.min, pos2(field.right() - BAR - 2.0, field.bottom()));
    let fit = f64::from(list.height() / height);
    wheel(ui, window, list, total, height, fit);
    bar(ui, id, window, field, total, fit);
    for row in window.visible(total, fit) {
        let top = list.top() + window.top(row, height);
        let place = Rect::from_min_size(pos2(list.left(), top), vec2(list.width(), height));
        let mut inner = ui.new_child(UiBuilder::new().max_rect(place).id_salt((id, row)));
        inner.set_clip_rect(list.intersect(ui.clip_rect()));
        add(&mut inner, row);
    }
    ui.advance_cursor_after_rect(field);
}

fn wheel(ui: &Ui, window: &mut Window, list: Rect, total: usize, height: f32, fit: f64) {
    let inside = ui.rect_contains_pointer(list);
    let typing = ui.ctx().egui_wants_keyboard_input();
    let rows = ui.input(|input| {
        let mut rows = 0.0;
        if inside {
            rows -= f64::from(input.smooth_scroll_delta().y / height);
        }
        if !typing {
            let pressed = |key| input.key_pressed(key);
            let page = (fit - 1.0).max(1.0);
            for (key, by) in [
                (Key::PageDown, page),
                (Key::PageUp, -page),
                (Key::End, f64::INFINITY),
                (Key::Home, f64::NEG_INFINITY),
            ] {
                if pressed(key) {
                    rows = by;
                }
            }
        }
        rows
    });
    // Also when the list became shorter.
    window.scroll(rows, total, fit);
}

fn bar(ui: &Ui, id: &str, window: &mut Window, field: Rect, total: usize, fit: f64) {
    if total as f64 <= fit {
        return;
    }
    let theme = Theme::of(ui);
    let track = Rect::from_min_max(pos2(field.right() - BAR, field.top()), field.max);
    let response = ui.interact(
        track,
        ui.scope_id().with((id, "bar")),
        Sense::click_and_drag(),
    );
    let (top, length) = window.thumb(total, fit, track.height());
    if (response.dragged() || response.clicked())
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let top = pointer.y - track.top() - length / 2.0;
        *window = Window::dragged(top, length, total, fit, track.height());
    }
    let thumb = Rect::from_min_size(
        pos2(track.left() + 1.0, track.top() + top),
        vec2(BAR - 2.0, length),
    );
    let ink = if response.hovered() || response.dragged() {
        theme.weak
    } else {
        theme.faint
    };
    ui.painter().rect_filled(thumb, 4.0, ink);
}
