//! The two pictures as SVG: the curves and the lanes.
//!
//! Bounded: whatever the number of messages, a picture has at most as many marks as it has pixel
//! columns. Colours are the page's business: marks carry classes only.

mod ladder;

use std::fmt::Write;

use super::sessions::{classed, worst};
use super::wording::number::{count, span};
use super::wording::{curves_sentence, cut_sentence, lanes_sentence};
use crate::domain::op::{Completion, Micros, Op};
use crate::domain::preset::Keeping;
use crate::domain::record::RunRecord;
use crate::domain::series::{self, Curves};
use crate::domain::verdict::{Class, Cut};

pub(super) use ladder::ladder;

/// An SVG element under construction.
struct Canvas(String);

impl Canvas {
    fn new(id: &str, width: f64, height: f64, title: &str, description: &str) -> Self {
        let mut canvas = Canvas(String::new());
        canvas.add(format_args!(
            "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 {width} {height}\" aria-labelledby=\"{id}-title {id}-text\"><title id=\"{id}-title\">{}</title><desc id=\"{id}-text\">{}</desc>",
            escaped(title),
            escaped(description)
        ));
        canvas
    }

    fn add(&mut self, words: std::fmt::Arguments<'_>) {
        // A write to a String does not fail.
        let _ = self.0.write_fmt(words);
    }

    fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.add(format_args!("<path class=\"{class}\" d=\"{d}\"/>"));
        }
    }

    fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    fn text(&mut self, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
        self.add(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>",
            escaped(text)
        ));
    }

    fn finish(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// Round steps that divide `max` into about `parts`.
fn step(max: f64, parts: f64) -> f64 {
    let rough = (max / parts).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= rough);
    factor.unwrap_or(10.0) * power
}

/// Where the curves lie, and what a second and a message measure.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    secs: f64,
    messages: f64,
}

impl Frame {
    fn x(&self, secs: f64) -> f64 {
        self.left + (self.right - self.left) * (secs / self.secs).clamp(0.0, 1.0)
    }

    fn y(&self, messages: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * messages / self.messages
    }

    /// A step curve: level until the next point.
    fn steps(&self, secs: &[f64], messages: &[f64]) -> String {
        let mut path = String::new();
        for (at, (secs, messages)) in secs.iter().zip(messages).enumerate() {
            let (x, y) = (self.x(*secs), self.y(*messages));
            let _ = match at {
                0 => write!(path, "M{x:.1} {y:.1}"),
                _ => write!(path, "L{x:.1} {y:.1}"),
            };
        }
        path
    }
}

/// Acknowledged and recovered messages over time, the gap shaded, each fault a labelled band.
pub(super) fn curves(record: &RunRecord) -> String {
    const POINTS: usize = 900;
    let curves = Curves::of(record, POINTS);
    let last = curves.secs.last().copied().unwrap_or(0.0);
    let bands = series::bands(record);
    let up_again = bands.iter().map(|band| band.to).fold(0.0, f64::max);
    let frame = Frame {
        left: 64.0,
        right: 930.0,
        top: 40.0,
        bottom: 300.0,
        secs: (last.max(up_again) * 1.04).max(0.1),
        messages: (curves.acked.last().copied().unwrap_or(0.0) * 1.06).max(1.0),
    };
    let mut canvas = Canvas::new(
        "curves",
        1000.0,
        340.0,
        "Acknowledged and recovered messages over time",
        &curves_sentence(record),
    );
    grid(&mut canvas, &frame);
    snapshots(&mut canvas, &frame, record);
    if record.readback.is_some() {
        gap(&mut canvas, &frame, &curves, record);
    }
    if curves.known {
        recovered(&mut canvas, &frame, &curves);
    }
    canvas.path("acked line", &frame.steps(&curves.secs, &curves.acked));
    fault_bands(&mut canvas, &frame, &bands);
    canvas.finish()
}

fn grid(canvas: &mut Canvas, frame: &Frame) {
    let messages = step(frame.messages, 4.0).max(1.0);
    for n in 0..=(frame.messages / messages) as u32 {
        let value = f64::from(n) * messages;
        let y = frame.y(value);
        canvas.line("grid", (frame.left, y), (frame.right, y));
        canvas.text(
            "axis",
            "end",
            (frame.left - 10.0, y + 4.0),
            &count(value as u64),
        );
    }
    let secs = step(frame.secs, 8.0);
    let decimals = usize::from(secs < 1.0) + usize::from(secs < 0.1);
    for n in 0..=(frame.secs / secs) as u32 {
        let value = f64::from(n) * secs;
        let label = format!("{value:.decimals$} s");
        canvas.text(
            "axis",
            "middle",
            (frame.x(value), frame.bottom + 22.0),
            &label,
        );
    }
    canvas.text("axis", "start", (4.0, frame.top - 24.0), "messages");
}

/// What is there: the body of the picture.
fn recovered(canvas: &mut Canvas, frame: &Frame, curves: &Curves) {
    let line = frame.steps(&curves.secs, &curves.recovered);
    if let (Some(first), Some(last)) = (curves.secs.first(), curves.secs.last()) {
        let (first, last) = (frame.x(*first), frame.x(*last));
        let area = format!("{line}L{last:.1} {:.1}L{first:.1} {0:.1}Z", frame.bottom);
        canvas.path("area", &area);
    }
    canvas.path("recovered line", &line);
}

/// What was acknowledged and is not there: the red that the drill is about. What could not be read
/// back is not known to be lost, and not drawn in red.
fn gap(canvas: &mut Canvas, frame: &Frame, curves: &Curves, record: &RunRecord) {
    let (Some(acked), Some(recovered)) = (curves.acked.last(), curves.recovered.last()) else {
        return;
    };
    if acked <= recovered {
        return;
    }
    let mut path = frame.steps(&curves.secs, &curves.acked);
    for (secs, messages) in curves.secs.iter().zip(&curves.recovered).rev() {
        let _ = write!(path, "L{:.1} {:.1}", frame.x(*secs), frame.y(*messages));
    }
    path.push('Z');
    let counts = &record.judgement.counts;
    if counts.unread > 0 {
        canvas.path("unknown", &path);
        return;
    }
    canvas.path("gap", &path);
    let bands = series::bands(record).into_iter();
    let ends = bands.map(|band| band.to).chain(curves.secs.last().copied());
    let x = frame.x(ends.fold(0.0, f64::max)) + 14.0;
    let y = frame.y(f64::midpoint(*acked, *recovered)) + 5.0;
    canvas.text("loss", "start", (x, y), &format!("−{}", count(counts.lost)));
}

/// Where the data set came back to. With an AOF, snapshots are copies that nobody loads.
fn snapshots(canvas: &mut Canvas, frame: &Frame, record: &RunRecord) {
    if record.plan.preset.keeping() != Keeping::Snapshots {
        return;
    }
    for fault in &record.history.faults {
        let Some(snapshot) = fault.last_snapshot else {
            continue;
        };
        let x = frame.x(snapshot.fork.secs());
        canvas.line("snapshot", (x, frame.top - 6.0), (x, frame.bottom));
        let label = format!(
            "snapshot began {} before",
            span(fault.at.since(snapshot.fork))
        );
        let (anchor, x) = match x > 320.0 {
            true => ("end", x - 6.0),
            false => ("start", x + 6.0),
        };
        canvas.text("mark", anchor, (x, frame.top + 6.0), &label);
    }
}

fn fault_bands(canvas: &mut Canvas, frame: &Frame, bands: &[series::Band]) {
    for band in bands {
        let (from, to) = (frame.x(band.from), frame.x(band.to));
        canvas.add(format_args!(
            "<rect class=\"fault\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            frame.top - 12.0,
            (to - from).max(3.0),
            frame.bottom - frame.top + 12.0
        ));
        let (anchor, x) = if from > (frame.left + frame.right) / 2.0 {
            ("end", to.max(from + 3.0))
        } else {
            ("start", from)
        };
        let label = format!("{} at {:.2} s", band.fault.title(), band.from);
        canvas.text("fault-label", anchor, (x, frame.top - 20.0), &label);
    }
}

/// What a pixel column of a lane shows. The worst of its messages wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Empty,
    Recovered,
    InFlight,
    Damaged,
    Lost,
}

impl Mark {
    const DRAWN: [(Mark, &'static str); 4] = [
        (Mark::Recovered, "recovered"),
        (Mark::InFlight, "in-flight"),
        (Mark::Damaged, "damaged"),
        (Mark::Lost, "lost"),
    ];

    fn of(class: Class) -> Mark {
        match class {
            Class::Survived => Mark::Recovered,
            Class::Lost => Mark::Lost,
            Class::Resurfaced | Class::Absent | Class::Unread => Mark::InFlight,
            Class::Phantom | Class::Duplicated | Class::Corrupted | Class::Reordered => {
                Mark::Damaged
            }
            Class::Refused => Mark::Empty,
        }
    }
}

/// The global write order as a horizontal axis: acknowledgements from left to right.
struct Order {
    acked: Vec<Micros>,
}

impl Order {
    const COLUMNS: usize = 820;

    fn of(record: &RunRecord) -> Order {
        let ops = record.history.ops.iter();
        let mut acked: Vec<Micros> = ops
            .filter(|op| op.completion == Completion::Acked)
            .map(|op| op.completed)
            .collect();
        acked.sort_unstable();
        Order { acked }
    }

    /// The column of an instant: of the first acknowledgement that is not earlier. There is one slot
    /// more than acknowledgements, for what was in flight at the end.
    fn column(&self, at: Micros) -> usize {
        let rank = self.acked.partition_point(|acked| *acked < at);
        rank * Self::COLUMNS / (self.acked.len() + 1)
    }

    /// The column of a fault: behind everything if nothing was acknowledged after it.
    fn column_of_fault(&self, at: Micros) -> usize {
        match self.acked.last() {
            Some(last) if *last >= at => self.column(at),
            _ => Self::COLUMNS,
        }
    }

    fn column_of(&self, op: &Op) -> usize {
        let at = match op.completion {
            Completion::Acked => op.completed,
            Completion::Refused | Completion::Indeterminate => op.invoked,
        };
        self.column(at).min(Self::COLUMNS - 1)
    }

    /// Columns that one message takes, a gap included, where there are fewer messages than columns.
    fn tick(&self) -> usize {
        (Self::COLUMNS / (self.acked.len() + 1)).clamp(1, 24)
    }
}

const LEFT: f64 = 92.0;
const TOP: f64 = 52.0;
const LANE: f64 = 15.0;

/// The worst `lanes` sessions, each message a tick in the order of acknowledgement, the cut through all of them.
pub(super) fn lanes(record: &RunRecord, lanes: usize) -> String {
    let shown = worst(record, lanes);
    let order = Order::of(record);
    let sessions = shown
        .iter()
        .map(|finding| finding.session.0 as usize + 1)
        .max();
    let mut lane_of = vec![None; sessions.unwrap_or(0)];
    for (lane, finding) in shown.iter().enumerate() {
        lane_of[finding.session.0 as usize] = Some(lane);
    }
    let mut cells = vec![[Mark::Empty; Order::COLUMNS]; shown.len()];
    for (op, class) in classed(record) {
        if let Some(&Some(lane)) = lane_of.get(op.session.0 as usize) {
            let cell = &mut cells[lane][order.column_of(op)];
            *cell = (*cell).max(Mark::of(class));
        }
    }
    let bottom = TOP + LANE * shown.len() as f64;
    let mut canvas = Canvas::new(
        "lanes",
        1000.0,
        bottom + 34.0,
        "Sessions as lanes in the order of acknowledgement",
        &format!(
            "{}. {}",
            lanes_sentence(record),
            cut_sentence(record.judgement.cut())
        ),
    );
    for (lane, (finding, cells)) in shown.iter().zip(&cells).enumerate() {
        let y = TOP + LANE * (lane as f64 + 0.5);
        canvas.text(
            "axis mono",
            "end",
            (LEFT - 10.0, y + 4.0),
            &finding.session.to_string(),
        );
        let end = LEFT + Order::COLUMNS as f64;
        canvas.line("rail", (LEFT, y), (end, y));
        for (mark, class) in Mark::DRAWN {
            canvas.path(class, &ticks(cells, mark, order.tick(), y));
        }
        if finding.lost > 0 {
            canvas.text(
                "loss small",
                "start",
                (end + 10.0, y + 4.0),
                &format!("−{}", count(finding.lost.into())),
            );
        }
    }
    instants(&mut canvas, record, &order, bottom);
    canvas.text("axis", "start", (LEFT, bottom + 24.0), "first acknowledged");
    canvas.text(
        "axis",
        "end",
        (LEFT + Order::COLUMNS as f64, bottom + 24.0),
        "last acknowledged",
    );
    canvas.finish()
}

/// One path for all marks of a kind in a lane; neighbouring columns run together unless there is room for single ticks.
fn ticks(cells: &[Mark], mark: Mark, tick: usize, y: f64) -> String {
    let mut path = String::new();
    let mut column = 0;
    while column < cells.len() {
        if cells[column] != mark {
            column += 1;
            continue;
        }
        let width = if tick > 2 {
            tick - 1
        } else {
            cells[column..]
                .iter()
                .take_while(|cell| **cell == mark)
                .count()
        };
        let _ = write!(path, "M{:.0} {y:.1}h{width}", LEFT + column as f64);
        column += width;
    }
    path
}

/// Faults and cuts, vertical through all lanes.
fn instants(canvas: &mut Canvas, record: &RunRecord, order: &Order, bottom: f64) {
    if order.acked.is_empty() {
        return;
    }
    let at = |instant| LEFT + order.column(instant) as f64;
    for fault in &record.history.faults {
        let x = LEFT + order.column_of_fault(fault.dead) as f64;
        canvas.line("fault-line", (x, TOP - 6.0), (x, bottom + 4.0));
        canvas.text(
            "fault-label",
            "end",
            (x, TOP - 12.0),
            fault.fault.kind.title(),
        );
    }
    for finding in &record.judgement.faults {
        if let Cut::Clean { not_after, .. } = finding.cut {
            let x = at(not_after) - 1.0;
            canvas.line("cut", (x, TOP - 26.0), (x, bottom + 6.0));
            canvas.text("cut-label", "end", (x - 6.0, TOP - 26.0), "cut");
        }
    }
}
