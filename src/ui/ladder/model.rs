//! Which part of the ladder is looked at, and its curves. Pure.

use crate::domain::ladder::{Ladder, Rung};

/// A stretch of time in which gaps of a second can be seen, in seconds.
pub const STRETCH: f64 = 8.0;

/// The looks of a stretch, ready to be drawn. All in seconds and messages.
#[derive(Debug, Default, PartialEq)]
pub struct Curves {
    pub secs: Vec<f64>,
    pub sent: Vec<f64>,
    pub acked: Vec<f64>,
    pub written: Vec<f64>,
    pub durable: Vec<f64>,
    pub in_snapshot: Vec<f64>,
    pub saves: Vec<(f64, f64)>,
    pub rewrites: Vec<(f64, f64)>,
}

impl Curves {
    /// The stretch that ends at `end`.
    #[must_use]
    pub fn until(ladder: &Ladder, end: f64) -> Curves {
        let first = ladder
            .rungs
            .partition_point(|rung| rung.at.secs() < end - STRETCH);
        let behind = ladder.rungs.partition_point(|rung| rung.at.secs() <= end);
        let rungs = &ladder.rungs[first..behind.max(first)];
        let steps = |step: fn(&Rung) -> u64| rungs.iter().map(|rung| step(rung) as f64).collect();
        Curves {
            secs: rungs.iter().map(|rung| rung.at.secs()).collect(),
            sent: steps(|rung| rung.sent),
            acked: steps(|rung| rung.acked),
            // What was written and not answered yet opens no gap.
            written: steps(|rung| rung.written.min(rung.acked)),
            durable: steps(|rung| rung.durable.min(rung.acked)),
            in_snapshot: steps(|rung| rung.in_snapshot),
            saves: bands(rungs, |rung| rung.gauges.bgsave_in_progress),
            rewrites: bands(rungs, |rung| rung.gauges.rewrite_in_progress),
        }
    }

    /// Where the picture begins below: a snapshot long ago would press the steps together.
    #[must_use]
    pub fn floor(&self) -> f64 {
        let least = |steps: &[f64]| steps.first().copied().unwrap_or(0.0);
        let (low, high) = (
            least(&self.durable),
            self.sent.last().copied().unwrap_or(0.0),
        );
        (low - (high - low) * 0.06).max(0.0)
    }
}

/// From the first look that shows it to the first that does not.
fn bands(rungs: &[Rung], shows: fn(&Rung) -> bool) -> Vec<(f64, f64)> {
    let mut bands = Vec::new();
    let mut began = None;
    for rung in rungs {
        match (shows(rung), began) {
            (true, None) => began = Some(rung.at.secs()),
            (false, Some(from)) => {
                bands.push((from, rung.at.secs()));
                began = None;
            }
            _ => {}
        }
    }
    if let (Some(from), Some(last)) = (began, rungs.last()) {
        bands.push((from, last.at.secs()));
    }
    bands
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::op::Micros;

    fn ladder() -> Ladder {
        let mut ladder = Ladder::default();
        for n in 0..200u64 {
            let mut rung = Rung {
                at: Micros(n * 100_000),
                sent: n * 10 + 2,
                acked: n * 10,
                written: n * 10 + 1,
                durable: n * 10 / 100 * 100,
                ..Rung::default()
            };
            rung.gauges.bgsave_in_progress = (150..160).contains(&n);
            ladder.push(rung);
        }
        ladder
    }

    #[test]
    fn the_stretch_before_an_instant_is_shown_with_its_bands() {
        let curves = Curves::until(&ladder(), 18.0);
        assert_eq!((curves.secs[0], *curves.secs.last().unwrap()), (10.0, 18.0));
        assert_eq!(curves.saves, [(15.0, 16.0)]);
        assert!(curves.rewrites.is_empty());
        assert!(
            curves
                .written
                .iter()
                .zip(&curves.acked)
                .all(|(written, acked)| written <= acked)
        );
        assert!(curves.floor() > 900.0 && curves.floor() < curves.durable[0]);
    }

    #[test]
    fn nothing_seen_is_nothing_drawn() {
        assert_eq!(Curves::until(&Ladder::default(), 5.0), Curves::default());
        assert_eq!(Curves::until(&ladder(), -1.0).secs.len(), 0);
    }
}
