//! The table of sessions.

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Align2, Button, Color32, Layout, Rect, RichText, Sense, TextEdit, TextStyle, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::findings::look;
use super::layout::Window;
use super::{model, rows};
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::{Column, Seen};
use crate::domain::memory::finding::title_of;
use crate::domain::memory::survey::readable;
use crate::report::wording::number::count;
use crate::ui::icon;
use crate::ui::part;
use crate::ui::theme::{Theme, sizes};

const ROW: f32 = 26.0;
const HEADER: f32 = 24.0;
/// Of all columns but the first and the last, which share the rest.
const WIDTHS: [f32; 5] = [74.0, 72.0, 84.0, 108.0, 84.0];
const NARROW: f32 = 760.0;
const NARROWEST: f32 = 480.0;
/// No column shows more of a key than this: a key may be megabytes long.
const MAX_KEY_BYTES: usize = 400;

pub fn show(
    ui: &mut Ui,
    state: &AppState,
    seen: &Seen,
    window: &mut Window,
    actions: &mut Vec<Action>,
) {
    tools(ui, state, actions);
    let table = &state.store.table;
    if table.rows.is_empty() && !table.sorting {
        let filtered = table.only.is_some() || !table.filter.trim().is_empty();
        let (title, hint) = if filtered {
            ("No session fits", "Clear the filter to see all sessions")
        } else {
            (
                "No sessions here",
                "No key fits the pattern: say above which keys are sessions, with <id> in the place of the session",
            )
        };
        return part::empty(ui, icon::SEARCH, title, hint, |_| {});
    }
    header(ui, state, actions);
    let table = &state.store.table;
    let total = table.rows.len();
    rows::show(ui, "sessions", window, total, ROW, |ui, at| {
        row(ui, state, seen, table.rows[at], actions);
    });
}

fn tools(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let table = &state.store.table;
    ui.horizontal(|ui| {
        let mut filter = table.filter.clone();
        let hint = RichText::new("Filter by key, encoding, health…").color(theme.faint);
        let edit = TextEdit::singleline(&mut filter)
            .hint_text(hint)
            .desired_width(230.0)
            .margin(vec2(8.0, 4.0));
        let response = ui.add(edit);
        response
            .widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, "Filter sessions"));
        if response.changed() {
            actions.push(Action::Store(StoreAction::Filter(filter)));
        }
        if let Some(mark) = table.only {
            let text = format!("{}  {}", title_of(mark), icon::CANCEL);
            let chip = ui.button(text).on_hover_text("Show all sessions");
            let name = format!("Only {}", title_of(mark));
            chip.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
            if chip.clicked() {
                actions.push(Action::Store(StoreAction::Only(None)));
            }
        }
        let words = match table.sorting {
            true => {
                ui.spinner();
                format!("Sorting by {}", table.column.title().to_lowercase())
            }
            false => format!("{} shown", count(table.rows.len() as u64)),
        };
        ui.label(RichText::new(words).size(sizes().small).color(theme.weak));
    });
}

/// Left edges and widths of all columns within a row. Where there is little room, what stands beside the transcript
/// anyway gives way to the key.
fn columns(width: f32) -> [(f32, f32); 7] {
    let mut widths = WIDTHS;
    if width < NARROW {
        (widths[3], widths[4]) = (0.0, 0.0);
    }
    if width < NARROWEST {
        (widths[1], widths[2]) = (0.0, 0.0);
    }
    let rest = (width - widths.iter().sum::<f32>()).max(160.0);
    let (first, last) = (rest * 0.52, rest * 0.48);
    let mut edges = [(0.0, first); 7];
    let mut at = first;
    for (edge, width) in edges[1..6].iter_mut().zip(widths) {
        *edge = (at, width);
        at += width;
    }
    edges[6] = (at, last);
    edges
}

/// Where a cell lies.
fn place(row: Rect, (left, width): (f32, f32)) -> Rect {
    let min = pos2(row.left() + left + 4.0, row.top());
    Rect::from_min_size(min, vec2(width - 8.0, row.height()))
}

/// A cell of the header as a child of its own, so that nothing runs over into the next.
fn cell(ui: &Ui, row: Rect, edge: (f32, f32), right: bool) -> Ui {
    let place = place(row, edge);
    let layout = if right {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    let mut cell = Ui::new(
        ui.ctx().clone(),
        ui.scope_id().with(edge.0.to_bits()),
        UiBuilder::new()
            .layer_id(ui.layer_id())
            .max_rect(place)
            .layout(layout),
    );
    cell.set_clip_rect(place.intersect(ui.clip_rect()));
    cell
}

fn is_number(column: Column) -> bool {
    matches!(
        column,
        Column::Messages | Column::Bytes | Column::Ttl | Column::Idle
    )
}

fn header(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEADER), Sense::hover());
    let table = &state.store.table;
    for (column, edge) in Column::ALL.into_iter().zip(columns(rect.width() - 12.0)) {
        if edge.1 <= 0.0 {
            continue;
        }
        let on = table.column == column;
        // Without a space behind it a title of numbers ends where they end.
        let text = match (on, table.ascending) {
            (false, _) => column.title().to_owned(),
            (true, true) => format!("{} {}", column.title(), icon::UP),
            (true, false) => format!("{} {}", column.title(), icon::DOWN),
        };
        let ink = if on { theme.text } else { theme.weak };
        let text = RichText::new(text).color(ink);
        let mut cell = cell(ui, rect, edge, is_number(column));
        cell.spacing_mut().button_padding.x = 0.0;
        let response = cell.add(Button::new(text).frame(false));
        let name = format!("Sort by {}", column.title().to_lowercase());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
        if response.clicked() {
            actions.push(Action::Store(StoreAction::Sort(column)));
        }
    }
    ui.painter().hline(
        rect.x_range(),
        rect.bottom(),
        egui::Stroke::new(1.0, theme.line),
    );
}

fn row(ui: &mut Ui, state: &AppState, seen: &Seen, number: u32, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let survey = &seen.found.survey;
    let row = &survey.rows[number as usize];
    let rect = ui.max_rect();
    let key = survey.key(number);
    let key = readable(&key[..key.len().min(MAX_KEY_BYTES)]);
    let response = ui.interact(rect, ui.scope_id().with("row"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &key));
    if response.clicked() {
        actions.push(Action::Store(StoreAction::Select(Some(number))));
    }
    let ground = if state.store.selected == Some(number) {
        theme.accent.gamma_multiply(0.28)
    } else if response.hovered() {
        theme.raised
    } else {
        egui::Color32::TRANSPARENT
    };
    ui.painter().rect_filled(rect, 4.0, ground);
    let (severity, health) = model::health(row);
    let texts = [
        key,
        count(u64::from(row.messages)),
        model::size(row),
        model::ttl(row),
        model::encoding(survey, row),
        model::idle(row),
        health,
    ];
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(texts[1..].join(", "));
    });
    let edges = columns(rect.width());
    for ((column, text), edge) in Column::ALL.into_iter().zip(texts).zip(edges) {
        if edge.1 <= 0.0 {
            continue;
        }
        let (ink, text) = match column {
            Column::Health => {
                let (ink, _, glyph) = look(theme, severity);
                (ink, format!("{glyph} {text}"))
            }
            Column::Session | Column::Messages | Column::Bytes => (theme.text, text),
            _ => (theme.weak, text),
        };
        write(ui, rect, edge, is_number(column), text, ink);
    }
    if response.hovered() {
        tell(&response, survey, number);
    }
}

/// The text of one cell, ending in dots where it is too long. Painted and no widget: hundreds of cells are new in each
/// frame of a scroll, and a widget each costs more than the text.
fn write(ui: &Ui, row: Rect, edge: (f32, f32), right: bool, text: String, ink: Color32) {
    let place = place(row, edge);
    let mut job = LayoutJob::simple_singleline(text, TextStyle::Body.resolve(ui.style()), ink);
    job.wrap = TextWrapping::truncate_at_width(place.width());
    let galley = ui.painter().layout_job(job);
    let align = if right {
        Align2::RIGHT_CENTER
    } else {
        Align2::LEFT_CENTER
    };
    let at = align.align_size_within_rect(galley.size(), place).min;
    ui.painter().galley(at, galley, ink);
}

/// Everything about one session's health.
fn tell(response: &egui::Response, survey: &crate::domain::memory::survey::Survey, number: u32) {
    let row = &survey.rows[number as usize];
    if row.marks.is_empty() {
        return;
    }
    response.clone().on_hover_ui(|ui| {
        for mark in row.marks.iter() {
            let detail = survey.detail(number, mark).unwrap_or_default();
            ui.label(format!("{}  {detail}", title_of(mark)));
        }
    });
}
