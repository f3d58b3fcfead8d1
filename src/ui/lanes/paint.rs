//! Draws the rows that are in sight, from one mesh that is kept until something moves.

use std::sync::Arc;

use egui::{
    Align2, Color32, FontId, Key, Mesh, Rect, RichText, Role, ScrollArea, Sense, Shape, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::layout;
use super::model::Range;
use crate::app::action::Action;
use crate::app::state::{PictureState, Zoom};
use crate::domain::lanes::{Lane, Lanes, Mark, MarkKind, Tick};
use crate::domain::op::SessionId;
use crate::report::wording::number::count;
use crate::ui::theme::{Theme, semibold, sizes};

/// Height of the strip above the lanes that holds the labels of the marks.
const STRIP: f32 = 20.0;
/// Height of the axis below.
const AXIS: f32 = 18.0;

/// What is kept from frame to frame.
#[derive(Default)]
pub struct Brush {
    key: Option<MeshKey>,
    mesh: Arc<Mesh>,
    scratch: Vec<u8>,
    /// The row that was scrolled to last: the selection follows the keys and not the wheel.
    seen: Option<SessionId>,
}

#[derive(Clone, Copy, PartialEq)]
struct MeshKey {
    generation: u64,
    rows: (usize, usize),
    area: Rect,
    top: f32,
    range: Range,
    dark: bool,
}

pub fn show(
    ui: &mut Ui,
    lanes: &Lanes,
    picture: &PictureState,
    brush: &mut Brush,
    actions: &mut Vec<Action>,
) {
    let theme = Theme::of(ui);
    let range = Range::of(lanes, picture.zoom);
    let full = ui.available_rect_before_wrap();
    let bar = ui.spacing().scroll.bar_width + 4.0;
    let left = full.left() + sizes().lane_label;
    let field = Rect::from_min_max(
        pos2(left, full.top() + STRIP),
        pos2(full.right() - bar, full.bottom() - AXIS),
    );
    if field.width() < 40.0 || field.height() < sizes().lane {
        return;
    }
    ui.painter().rect_filled(field, 3.0, theme.field);
    axis(ui, field, range, theme);

    let body = Rect::from_min_max(
        pos2(full.left(), field.top()),
        pos2(full.right(), field.bottom()),
    );
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(body).id_salt("lanes"));
    rows(&mut child, lanes, picture, brush, actions, field, range);
    marks(ui, lanes, field, range, theme);
    zoom(ui, field, range, actions);
    ui.advance_cursor_after_rect(full);
}

fn rows(
    ui: &mut Ui,
    lanes: &Lanes,
    picture: &PictureState,
    brush: &mut Brush,
    actions: &mut Vec<Action>,
    field: Rect,
    range: Range,
) {
    let height = sizes().lane;
    ui.spacing_mut().item_spacing.y = 0.0;
    let mut scroll = ScrollArea::vertical().auto_shrink(false);
    let selected = picture.selected.and_then(|session| lanes.row_of(session));
    if picture.selected != brush.seen {
        brush.seen = picture.selected;
        if let (Some(row), true) = (selected, step(ui, lanes, selected).is_some()) {
            let middle = (row as f32 + 0.5) * height - field.height() / 2.0;
            scroll = scroll.vertical_scroll_offset(middle.max(0.0));
        }
    }
    scroll.show_rows(ui, height, lanes.lanes.len(), |ui, visible| {
        let top = ui.max_rect().top();
        let area = Rect::from_min_size(pos2(field.left(), top), vec2(field.width(), 0.0));
        let key = MeshKey {
            generation: picture.generation,
            rows: (visible.start, visible.end),
            area: field,
            top,
            range,
            dark: ui.visuals().dark_mode,
        };
        if brush.key != Some(key) {
            brush.key = Some(key);
            brush.mesh = Arc::new(mesh(
                ui,
                lanes,
                visible.clone(),
                area,
                range,
                &mut brush.scratch,
            ));
        }
        for row in visible {
            lane(
                ui,
                &lanes.lanes[row],
                selected == Some(row),
                lanes.live,
                actions,
            );
        }
        ui.painter()
            .with_clip_rect(field.intersect(ui.clip_rect()))
            .add(Shape::mesh(brush.mesh.clone()));
    });
    if let Some(session) = step(ui, lanes, selected) {
        actions.push(Action::Select(Some(session)));
    }
}

/// The session that an arrow key asks for.
fn step(ui: &Ui, lanes: &Lanes, selected: Option<usize>) -> Option<SessionId> {
    if ui.ctx().egui_wants_keyboard_input() {
        return None;
    }
    let (up, down) = ui.input(|input| {
        (
            input.key_pressed(Key::ArrowUp),
            input.key_pressed(Key::ArrowDown),
        )
    });
    let row = match (selected?, up, down) {
        (row, true, false) => row.checked_sub(1)?,
        (row, false, true) => row + 1,
        _ => return None,
    };
    lanes.lanes.get(row).map(|lane| lane.session)
}

fn mesh(
    ui: &Ui,
    lanes: &Lanes,
    visible: std::ops::Range<usize>,
    area: Rect,
    range: Range,
    scratch: &mut Vec<u8>,
) -> Mesh {
    let theme = Theme::of(ui);
    let colors = Tick::ALL.map(|tick| theme.tick(tick));
    let columns = area.width().max(1.0) as u16;
    let mut mesh = Mesh::default();
    for (n, row) in visible.enumerate() {
        let top = area.top() + n as f32 * sizes().lane;
        layout::runs(
            lanes.ticks(&lanes.lanes[row]),
            range,
            columns,
            scratch,
            |run| {
                let rect = Rect::from_min_max(
                    pos2(area.left() + f32::from(run.first), top + 2.0),
                    pos2(area.left() + f32::from(run.last), top + sizes().lane - 2.0),
                );
                mesh.add_colored_rect(rect, colors[run.tick as usize]);
            },
        );
    }
    mesh
}

/// Name and numbers of one session; clicking anywhere in the row selects it.
fn lane(ui: &mut Ui, lane: &Lane, selected: bool, live: bool, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let size = vec2(ui.available_width(), sizes().lane);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let text = summary(lane, live);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &text));
    if selected || response.hovered() {
        let strength = if selected { 0.30 } else { 0.12 };
        ui.painter()
            .rect_filled(rect, 2.0, theme.accent.gamma_multiply(strength));
    }
    let name = FontId::monospace(sizes().small);
    let at = pos2(rect.left() + 4.0, rect.center().y);
    let ink = if selected { theme.text } else { theme.weak };
    ui.painter().text(
        at,
        Align2::LEFT_CENTER,
        lane.session.to_string(),
        name.clone(),
        ink,
    );
    let (number, color) = match (live, lane.lost) {
        (true, _) => (count(u64::from(lane.acked)), theme.faint),
        (false, 0) => (String::new(), theme.faint),
        (false, lost) => (format!("−{}", count(u64::from(lost))), theme.lost),
    };
    let at = pos2(rect.left() + sizes().lane_label - 8.0, rect.center().y);
    let font = FontId::new(sizes().small, semibold());
    ui.painter()
        .text(at, Align2::RIGHT_CENTER, number, font, color);
    if response.on_hover_text(text).clicked() {
        actions.push(Action::Select(Some(lane.session)));
    }
}

fn summary(lane: &Lane, live: bool) -> String {
    let acked = count(u64::from(lane.acked));
    match (live, lane.state) {
        (false, Some(state)) => format!(
            "Session {}, {}: {} of {acked} acknowledged messages vanished",
            lane.session,
            state.title(),
            count(u64::from(lane.lost)),
        ),
        _ => format!(
            "Session {}: {acked} messages acknowledged so far",
            lane.session
        ),
    }
}

fn axis(ui: &Ui, field: Rect, range: Range, theme: &Theme) {
    let font = FontId::proportional(sizes().small);
    let step = nice_step(range.len() / f64::from(field.width() / 110.0).max(1.0));
    let mut at = (range.first / step).ceil() * step;
    while at <= range.last {
        let x = field.left() + ((at - range.first) / range.len()) as f32 * field.width();
        let line = Stroke::new(1.0, theme.line.gamma_multiply(0.6));
        ui.painter().vline(x, field.y_range(), line);
        let (place, anchor) = (pos2(x, field.bottom() + 3.0), Align2::CENTER_TOP);
        if x < field.right() - 85.0 {
            ui.painter()
                .text(place, anchor, count(at as u64), font.clone(), theme.weak);
        }
        at += step;
    }
    let place = pos2(field.right(), field.bottom() + 3.0);
    ui.painter()
        .text(place, Align2::RIGHT_TOP, "messages", font, theme.faint);
}

/// 1, 2 or 5 times a power of ten, at least 1.
fn nice_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.max(1.0).log10().floor());
    let lead = raw / power;
    let nice = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|&nice| lead <= nice)
        .unwrap_or(10.0);
    (nice * power).max(1.0)
}

/// The cut and the faults, through all lanes, with their names above.
fn marks(ui: &Ui, lanes: &Lanes, field: Rect, range: Range, theme: &Theme) {
    let mut names = Vec::new();
    for mark in &lanes.marks {
        let at = f64::from(mark.at);
        if at < range.first || at > range.last {
            continue;
        }
        let x = field.left() + ((at - range.first) / range.len()) as f32 * field.width();
        let x = x.clamp(field.left() + 1.0, field.right() - 1.0);
        let color = mark_color(mark, theme);
        let whole = [pos2(x, field.top() - 4.0), pos2(x, field.bottom())];
        if mark.kind == MarkKind::Fault {
            let dashes = Shape::dashed_line(&whole, Stroke::new(1.5, color), 4.0, 3.0);
            ui.painter().extend(dashes);
        } else {
            // A dark edge on both sides keeps the line visible on any tick.
            ui.painter()
                .line_segment(whole, Stroke::new(4.0, theme.field));
            ui.painter().line_segment(whole, Stroke::new(2.0, color));
        }
        let font = FontId::new(sizes().small, semibold());
        let galley = ui.painter().layout_no_wrap(mark.label.clone(), font, color);
        names.push((x, galley, color));
    }
    // From the right, so that the names of a cut and of the fault behind it both stay within the field.
    let mut free_to = field.right();
    for (x, galley, color) in names.into_iter().rev() {
        let start = (x - galley.size().x / 2.0).min(free_to - galley.size().x);
        free_to = start - 12.0;
        if start >= field.left() {
            let place = pos2(start, field.top() - STRIP + 1.0);
            ui.painter().galley(place, galley, color);
        }
    }
}

fn mark_color(mark: &Mark, theme: &Theme) -> Color32 {
    match mark.kind {
        MarkKind::Cut => theme.cut,
        MarkKind::Fault => theme.lost,
        MarkKind::Anomaly => theme.damaged,
    }
}

/// Ctrl and wheel, or a pinch, narrow the range around the pointer.
fn zoom(ui: &Ui, field: Rect, range: Range, actions: &mut Vec<Action>) {
    let Some(pointer) = ui.input(|input| input.pointer.hover_pos()) else {
        return;
    };
    if !field.contains(pointer) {
        return;
    }
    let factor = ui.input(egui::InputState::zoom_delta);
    if (factor - 1.0).abs() > 0.001 {
        let share = f64::from((pointer.x - field.left()) / field.width());
        let (first, last) = range.zoomed(f64::from(factor), share);
        actions.push(Action::ZoomTo(Zoom::Range(first, last)));
    }
}

/// The colours, explained.
pub fn legend(ui: &mut Ui, ticks: &[Tick]) {
    let theme = Theme::of(ui);
    for tick in ticks {
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, 2.0, theme.tick(*tick));
        ui.label(
            RichText::new(tick.title())
                .size(sizes().small)
                .color(theme.weak),
        );
    }
}
