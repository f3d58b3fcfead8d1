//! One session: what is known of it, and its messages a page at a time, as bubbles or as they lie in the store.

use std::borrow::Cow;

use egui::{RichText, Ui};

use super::paint::Brush;
use super::{findings, model};
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::{Line as Found, PAGE, Page, Seen};
use crate::domain::memory::finding::{severity_of, title_of};
use crate::domain::memory::survey::readable;
use crate::domain::op::Micros;
use crate::report::inspection::bytes;
use crate::report::wording::number::count;
use crate::ui::chat::{self, Fate, Line, Script};
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold, sizes};

/// More of a key fills the panel and leaves no room for its messages.
const MAX_KEY_BYTES: usize = 200;

pub fn show(
    ui: &mut Ui,
    state: &AppState,
    seen: &Seen,
    brush: &mut Brush,
    actions: &mut Vec<Action>,
) {
    let store = &state.store;
    let Some(row) = store.selected else { return };
    head(ui, state, seen, row, actions);
    let Some(page) = &store.page else {
        if store.page_loading {
            ui.spinner();
        }
        return;
    };
    if let Some(trouble) = &page.trouble {
        crate::ui::plan::problem(ui, trouble);
    }
    pager(ui, page, actions);
    let script = Stored(page);
    // A page of the same session is another transcript.
    let key = (store.look, u64::from(row) << 32 | page.from);
    chat::show_script(ui, &script, || lines(page), key, store.raw, &mut brush.chat);
}

fn head(ui: &mut Ui, state: &AppState, seen: &Seen, number: u32, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let survey = &seen.found.survey;
    let row = &survey.rows[number as usize];
    part::row_with_end(
        ui,
        actions,
        |ui, actions| {
            let choices = [(false, "Chat"), (true, "JSON")];
            if let Some(raw) = part::segments(ui, state.store.raw, &choices) {
                actions.push(Action::Store(StoreAction::ShowRaw(raw)));
            }
        },
        |ui, actions| {
            let close = Action::Store(StoreAction::Select(None));
            wish(ui, state, actions, close, icon::CANCEL, Weight::Icon);
        },
    );
    let key = survey.key(number);
    let mut name = readable(&key[..key.len().min(MAX_KEY_BYTES)]);
    if key.len() > MAX_KEY_BYTES {
        name.push('…');
    }
    let key = RichText::new(name).family(semibold());
    ui.add(egui::Label::new(key).wrap().selectable(true));
    let words = format!(
        "{}, {}, TTL {}, idle {}",
        model::encoding(survey, row),
        model::size(row),
        model::ttl(row),
        model::idle(row)
    );
    part::note(ui, &words);
    for mark in row.marks.iter() {
        let (ink, _, glyph) = findings::look(theme, Some(severity_of(mark)));
        let detail = survey.detail(number, mark).unwrap_or_default();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            part::badge(ui, ink, glyph, title_of(mark));
            ui.label(RichText::new(detail).size(sizes().small).color(theme.weak));
        });
    }
}

/// Which part of a long session is shown.
fn pager(ui: &mut Ui, page: &Page, actions: &mut Vec<Action>) {
    if page.total <= PAGE {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        let mut turn = |ui: &mut Ui, text: &str, to: Option<u64>| {
            let button = ui.add_enabled(to.is_some(), egui::Button::new(text));
            if button.clicked()
                && let Some(to) = to
            {
                actions.push(Action::Store(StoreAction::Turn(to)));
            }
        };
        let last = (page.total - 1) / PAGE * PAGE;
        turn(ui, "First", (page.from > 0).then_some(0));
        turn(ui, "Before", page.from.checked_sub(PAGE));
        turn(
            ui,
            "After",
            (page.from + PAGE < page.total).then_some(page.from + PAGE),
        );
        turn(ui, "Last", (page.from < last).then_some(last));
        let shown = page.lines.len() as u64;
        let text = format!(
            "{} to {} of {}",
            count(page.from + 1),
            count(page.from + shown),
            count(page.total)
        );
        ui.label(RichText::new(text).size(sizes().small));
    });
}

/// The page as a transcript.
struct Stored<'a>(&'a Page);

fn lines(page: &Page) -> Vec<Line> {
    let line = |(at, found): (usize, &Found)| Line {
        seq: at as u32,
        fate: if found.damaged {
            Fate::Undecodable
        } else {
            Fate::Recovered
        },
        invoked: Micros::NEVER,
        altered: None,
    };
    page.lines.iter().enumerate().map(line).collect()
}

impl Script for Stored<'_> {
    fn text(&self, line: &Line, raw: bool) -> (bool, Cow<'_, str>) {
        let found = &self.0.lines[line.seq as usize];
        let user = matches!(found.role.as_str(), "user" | "human");
        let text = if raw { &found.raw } else { &found.said };
        (user, Cow::Borrowed(text))
    }

    fn caption(&self, line: &Line) -> String {
        let found = &self.0.lines[line.seq as usize];
        let mut words = vec![format!("#{}", found.number)];
        if !found.role.is_empty() {
            words.push(found.role.clone());
        }
        let time = found
            .at
            .and_then(|at| chrono::DateTime::from_timestamp_millis((at * 1e3) as i64));
        words.extend(time.map(|time| {
            let local = time.with_timezone(&chrono::Local);
            local.format("%Y-%m-%d %H:%M:%S").to_string()
        }));
        if found.bytes.len() < found.full_bytes {
            words.push(format!(
                "{} of {} shown",
                bytes(found.bytes.len() as u64),
                bytes(found.full_bytes as u64)
            ));
        }
        words.join("  ")
    }
}
