//! The curves of the picture: cumulative acknowledged writes and recovered entries over time, and the bands of the
//! faults that stand in it.

use super::event::DrillEvent;
use super::fault::FaultKind;
use super::op::{Completion, Micros};
use super::record::RunRecord;
use super::verdict::Class;

/// Two cumulative step curves over the same instants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Seconds since the run began.
    pub secs: Vec<f64>,
    /// Acknowledged by then.
    pub acked: Vec<f64>,
    /// Of those, the entries that the readback found.
    pub recovered: Vec<f64>,
    /// Something was read back: without that nobody knows what was recovered.
    pub known: bool,
}

impl Curves {
    /// Acknowledged by then.
    #[must_use]
    pub fn acked_by(&self, secs: f64) -> u32 {
        let behind = self.secs.partition_point(|&at| at <= secs);
        behind.checked_sub(1).map_or(0, |i| self.acked[i] as u32)
    }

    /// Bins the acknowledgements into at most `points` instants. A cumulative curve needs no more
    /// than one point a pixel column: it rises only, so its minimum and maximum are its ends.
    #[must_use]
    pub fn of(record: &RunRecord, points: usize) -> Curves {
        let acked = || {
            let classed = record.history.ops.iter().zip(record.classes.iter());
            classed.filter(|(op, _)| op.completion == Completion::Acked)
        };
        let Some(last) = acked().map(|(op, _)| op.completed).max() else {
            return Curves::default();
        };
        let first = acked().map(|(op, _)| op.completed).min().unwrap_or(last);
        let points = points.max(2);
        let width = ((last.0 - first.0) / (points as u64 - 1)).max(1);
        let bins = ((last.0 - first.0) / width + 1) as usize;
        let mut known = false;
        let (mut done, mut found) = (vec![0u64; bins], vec![0u64; bins]);
        for (op, class) in acked() {
            let bin = ((op.completed.0 - first.0) / width) as usize;
            done[bin] += 1;
            found[bin] += u64::from(class.found());
            known |= *class != Class::Unread;
        }
        let mut curves = Curves {
            secs: vec![first.secs()],
            acked: vec![0.0],
            recovered: vec![0.0],
            known,
        };
        let (mut sum_done, mut sum_found) = (0, 0);
        for bin in 0..bins {
            sum_done += done[bin];
            sum_found += found[bin];
            curves
                .secs
                .push(Micros(first.0 + width * (bin as u64 + 1)).secs());
            curves.acked.push(sum_done as f64);
            curves.recovered.push(sum_found as f64);
        }
        curves
    }
}

/// The time that a fault took, in seconds since the run began.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    pub fault: FaultKind,
    pub from: f64,
    pub to: f64,
}

/// From each fault until the server was up again: the time in which nothing could be written. A pause ends with the
/// thaw, and a server that never came back was gone from its death on.
#[must_use]
pub fn bands(record: &RunRecord) -> Vec<Band> {
    let restarted = |dead: Micros| {
        let mut timeline = record.timeline.iter();
        let restart = timeline.find(|timed| {
            timed.at >= dead && matches!(timed.event, DrillEvent::ServerRestarted { .. })
        });
        restart.map(|timed| timed.at)
    };
    let faults = record.history.faults.iter();
    faults
        .map(|fault| {
            let restart = fault
                .fault
                .kind
                .ends_server()
                .then(|| restarted(fault.dead));
            Band {
                fault: fault.fault.kind,
                from: fault.at.secs(),
                to: restart.flatten().unwrap_or(fault.dead).secs(),
            }
        })
        .collect()
}
