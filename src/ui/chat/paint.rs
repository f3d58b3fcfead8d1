//! Draws the bubbles that are in sight. Heights are measured a few milliseconds a frame.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::text::{LayoutJob, TextFormat};
use egui::{
    Align, Color32, FontId, Galley, Rect, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2,
    vec2,
};

use super::layout::Stack;
use super::model::{self, Fate, Line};
use crate::app::state::Picture;
use crate::domain::op::SessionId;
use crate::domain::workload::MessageMaker;
use crate::ui::icon;
use crate::ui::rtl;
use crate::ui::theme::{Theme, semibold, sizes};

const PAD: f32 = 9.0;
const CAPTION: f32 = 17.0;
const GAP: f32 = 7.0;
/// Longest that a frame measures bubbles.
const BUDGET: Duration = Duration::from_millis(2);

/// What is kept from frame to frame: one transcript.
#[derive(Default)]
pub struct Brush {
    key: Option<Key>,
    lines: Vec<Line>,
    stack: Stack,
    /// Heights by content: the same line is said in many sessions and many times.
    measured: HashMap<u64, f32>,
    first_missing: Option<usize>,
    scrolled: bool,
}

#[derive(Clone, Copy, PartialEq)]
struct Key {
    generation: u64,
    session: u64,
    raw: bool,
    width: f32,
}

/// Where the words of a transcript come from.
pub trait Script {
    /// Whether the user speaks, and what is written in the bubble.
    fn text(&self, line: &Line, raw: bool) -> (bool, Cow<'_, str>);
    /// What stands below the bubble, beside its mark.
    fn caption(&self, line: &Line) -> String;
}

/// A drill's session, made anew from the plan.
struct Drilled<'a> {
    picture: &'a Picture,
    maker: MessageMaker,
    session: SessionId,
}

impl Script for Drilled<'_> {
    fn text(&self, line: &Line, raw: bool) -> (bool, Cow<'_, str>) {
        let json = model::json(self.picture, &self.maker, self.session, line);
        let words = model::words(&json);
        let text = if raw { json } else { words.content };
        (words.user, Cow::Owned(text))
    }

    fn caption(&self, line: &Line) -> String {
        match line.altered {
            None => format!("#{}  {:.3} s", line.seq, line.invoked.secs()),
            Some(_) => format!("#{}", line.seq),
        }
    }
}

/// The same for every bubble of a frame.
struct Pen<'a> {
    script: &'a dyn Script,
    raw: bool,
    /// Of the text in a bubble.
    width: f32,
}

/// A session of a drill.
pub fn show(
    ui: &mut Ui,
    picture: &Picture,
    generation: u64,
    session: SessionId,
    raw: bool,
    brush: &mut Brush,
) {
    let script = Drilled {
        picture,
        maker: MessageMaker::new(&picture.record.plan.workload),
        session,
    };
    let lines = || model::lines(picture, session);
    let key = (generation, u64::from(session.0));
    show_script(ui, &script, lines, key, raw, brush);
}

/// Any transcript. `key` is its generation and its session: another one means other lines.
pub fn show_script(
    ui: &mut Ui,
    script: &dyn Script,
    lines: impl FnOnce() -> Vec<Line>,
    (generation, session): (u64, u64),
    raw: bool,
    brush: &mut Brush,
) {
    let bar = ui.spacing().scroll.bar_width + 6.0;
    let room = (ui.available_width() - bar).max(80.0);
    let widest = if raw {
        room
    } else {
        (room * 0.86).min(sizes().bubble_max)
    };
    let pen = Pen {
        script,
        raw,
        width: widest - 2.0 * PAD,
    };
    let key = Key {
        generation,
        session,
        raw,
        width: pen.width,
    };
    if brush.key != Some(key) {
        brush.begin(key, lines());
    }
    brush.measure(ui, &pen);

    let mut scroll = ScrollArea::vertical()
        .id_salt(("chat", session, raw))
        .auto_shrink(false);
    if !brush.scrolled && brush.ready_to_scroll() {
        brush.scrolled = true;
        // The last survivors stay in sight above the first that vanished.
        let top = brush
            .first_missing
            .map_or(0.0, |first| brush.stack.top(first) - 150.0);
        scroll = scroll.vertical_scroll_offset(top.max(0.0));
    }
    scroll.show_viewport(ui, |ui, viewport| {
        ui.set_height(brush.stack.height());
        let origin = ui.max_rect().min;
        for i in brush.stack.visible(viewport.top(), viewport.bottom()) {
            let top = origin.y + brush.stack.top(i);
            let row = Rect::from_min_size(
                pos2(origin.x, top),
                vec2(room, brush.stack.top(i + 1) - brush.stack.top(i)),
            );
            bubble(ui, &pen, &brush.lines[i], row);
        }
    });
    if !brush.stack.complete() {
        ui.ctx().request_repaint();
    }
}

impl Brush {
    fn begin(&mut self, key: Key, lines: Vec<Line>) {
        let other_text = self
            .key
            .is_none_or(|old| old.width != key.width || old.raw != key.raw);
        if other_text {
            self.measured.clear();
        }
        self.scrolled = false;
        // What had been acknowledged comes before what was only under way.
        let vanished = lines.iter().position(|line| line.fate == Fate::Vanished);
        self.first_missing = vanished.or_else(|| lines.iter().position(|line| line.fate.missing()));
        self.stack = Stack::new(lines.len());
        self.lines = lines;
        self.key = Some(key);
    }

    fn ready_to_scroll(&self) -> bool {
        let wanted = self.first_missing.unwrap_or(0);
        self.stack.complete() || self.stack.known() > wanted + 20
    }

    fn measure(&mut self, ui: &Ui, pen: &Pen<'_>) {
        let began = Instant::now();
        while !self.stack.complete() {
            let line = &self.lines[self.stack.known()];
            let text = pen.text(line).1;
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            let height = *self
                .measured
                .entry(hasher.finish())
                .or_insert_with(|| pen.galley(ui, &text, line.fate, Color32::WHITE).size().y);
            self.stack.push(height + 2.0 * PAD + CAPTION + GAP);
            if began.elapsed() > BUDGET {
                break;
            }
        }
    }
}

impl Pen<'_> {
    fn text(&self, line: &Line) -> (bool, Cow<'_, str>) {
        self.script.text(line, self.raw)
    }

    fn galley(&self, ui: &Ui, text: &str, fate: Fate, color: Color32) -> Arc<Galley> {
        let font = if self.raw {
            FontId::monospace(sizes().mono)
        } else {
            FontId::proportional(sizes().title)
        };
        let strike = if fate.missing() {
            Stroke::new(1.5, color)
        } else {
            Stroke::NONE
        };
        let format = TextFormat {
            font_id: font.clone(),
            color,
            strikethrough: strike,
            ..TextFormat::default()
        };
        let measure = |word: &str| {
            let galley = ui
                .painter()
                .layout_no_wrap(word.to_owned(), font.clone(), color);
            galley.size().x
        };
        let right = !self.raw && rtl::is_rtl(text);
        let text = if right {
            rtl::visual(text, self.width, measure)
        } else if self.raw {
            rtl::visual_json(text, self.width, measure)
        } else {
            text.to_owned()
        };
        let mut job = LayoutJob::single_section(text, format);
        job.wrap.max_width = self.width;
        if right {
            job.halign = Align::RIGHT;
        }
        ui.painter().layout_job(job)
    }
}

/// Fill, edge and ink of a fate.
fn colours(theme: &Theme, fate: Fate, user: bool) -> (Color32, Color32, Color32) {
    let calm = if user {
        theme.bubble_user
    } else {
        theme.bubble_assistant
    };
    match fate {
        Fate::Recovered | Fate::Unread => (calm, Color32::TRANSPARENT, theme.text),
        Fate::Vanished => (theme.bad_bg, theme.lost, theme.weak),
        Fate::InFlightFound => (calm, theme.in_flight, theme.text),
        Fate::InFlightMissing | Fate::Refused => (theme.warn_bg, theme.in_flight, theme.weak),
        Fate::Phantom
        | Fate::Duplicated
        | Fate::Corrupted
        | Fate::Reordered
        | Fate::Altered
        | Fate::Undecodable => (calm, theme.damaged, theme.text),
    }
}

fn bubble(ui: &mut Ui, pen: &Pen<'_>, line: &Line, row: Rect) {
    let theme = Theme::of(ui);
    let (user, text) = pen.text(line);
    let (fill, edge, ink) = colours(theme, line.fate, user);
    let galley = pen.galley(ui, &text, line.fate, ink);
    let size = galley.size() + vec2(2.0 * PAD, 2.0 * PAD);
    let left = if user && !pen.raw {
        row.right() - size.x
    } else {
        row.left()
    };
    let rect = Rect::from_min_size(pos2(left, row.top()), size);
    ui.painter().rect(
        rect,
        9.0,
        fill,
        Stroke::new(1.0, edge),
        egui::StrokeKind::Inside,
    );
    let inner = rect.shrink(PAD);
    let at = if galley.job.halign == Align::RIGHT {
        inner.right_top()
    } else {
        inner.min
    };
    ui.painter().galley(at, galley, ink);
    caption(ui, pen, line, user, rect, edge);

    let who = if user { "User" } else { "Assistant" };
    let mark = line.fate.mark();
    let name = if mark.is_empty() {
        format!("{who}: {text}")
    } else {
        format!("{who}: {text} ({mark})")
    };
    let id = ui.scope_id().with(("bubble", line.seq, line.altered));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name));
}

/// Number and time, and the mark if something became of the message.
fn caption(ui: &Ui, pen: &Pen<'_>, line: &Line, user: bool, bubble: Rect, edge: Color32) {
    let theme = Theme::of(ui);
    let small = FontId::proportional(sizes().small);
    let mut job = LayoutJob::default();
    let mark = line.fate.mark();
    if !mark.is_empty() {
        let color = if edge == Color32::TRANSPARENT {
            theme.weak
        } else {
            edge
        };
        let bold = FontId::new(sizes().small, semibold());
        let glyph = if line.fate.missing() {
            icon::VANISHED
        } else {
            icon::INFO
        };
        job.append(
            &format!("{glyph} {mark}  "),
            0.0,
            TextFormat::simple(bold, color),
        );
    }
    let rest = pen.script.caption(line);
    job.append(&rest, 0.0, TextFormat::simple(small, theme.weak));
    let galley = ui.painter().layout_job(job);
    let x = if user && !pen.raw {
        bubble.right() - galley.size().x - 4.0
    } else {
        bubble.left() + 4.0
    };
    ui.painter()
        .galley(pos2(x, bubble.bottom() + 1.0), galley, theme.weak);
}
