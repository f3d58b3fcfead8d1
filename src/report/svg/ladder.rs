//! The ladder of durability: five cumulative curves and what two ends would take, shaded.

use std::fmt::Write;

use super::{Canvas, Frame, fault_bands, grid};
use crate::domain::ladder::{Ladder, Rung};
use crate::domain::record::RunRecord;
use crate::domain::series;
use crate::report::wording::ladder_sentence;

/// One of the counts.
type Step = fn(&Rung) -> u64;

/// `None` if nobody looked.
pub(in crate::report) fn ladder(record: &RunRecord) -> Option<String> {
    const POINTS: usize = 800;
    let ladder: &Ladder = record.ladder.as_deref()?;
    let rungs = ladder.thinned(POINTS);
    let last = rungs.last()?;
    let dead = record.history.faults.last().map_or(0.0, |f| f.dead.secs());
    let frame = Frame {
        left: 64.0,
        right: 930.0,
        top: 40.0,
        bottom: 300.0,
        secs: (last.at.secs().max(dead) * 1.04).max(0.1),
        messages: (last.sent.max(last.acked) as f64 * 1.06).max(1.0),
    };
    let mut canvas = Canvas::new(
        "ladder",
        1000.0,
        340.0,
        "Sent, acknowledged, written, durable and saved messages over time",
        &ladder_sentence(ladder),
    );
    grid(&mut canvas, &frame);
    between(&mut canvas, &frame, &rungs, "cut-gap", |rung| rung.durable);
    between(&mut canvas, &frame, &rungs, "kill-gap", |rung| rung.written);
    let curves: [(&str, Step); 5] = [
        ("saved line", |rung| rung.in_snapshot),
        ("durable line", |rung| rung.durable.min(rung.acked)),
        ("written line", |rung| rung.written.min(rung.acked)),
        ("sent line", |rung| rung.sent),
        ("acked line", |rung| rung.acked),
    ];
    for (class, step) in curves {
        let secs: Vec<f64> = rungs.iter().map(|rung| rung.at.secs()).collect();
        let counts: Vec<f64> = rungs.iter().map(|rung| step(rung) as f64).collect();
        canvas.path(class, &frame.steps(&secs, &counts));
    }
    fault_bands(&mut canvas, &frame, &series::bands(record));
    Some(canvas.finish())
}

/// From acknowledged down to a step.
fn between(canvas: &mut Canvas, frame: &Frame, rungs: &[Rung], class: &str, step: Step) {
    let secs: Vec<f64> = rungs.iter().map(|rung| rung.at.secs()).collect();
    let acked: Vec<f64> = rungs.iter().map(|rung| rung.acked as f64).collect();
    let mut path = frame.steps(&secs, &acked);
    for rung in rungs.iter().rev() {
        let kept = step(rung).min(rung.acked) as f64;
        let _ = write!(path, "L{:.1} {:.1}", frame.x(rung.at.secs()), frame.y(kept));
    }
    path.push('Z');
    canvas.path(class, &path);
}
