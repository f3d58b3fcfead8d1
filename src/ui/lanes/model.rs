//! Which part of the order of acknowledgement is looked at. Pure.

use crate::app::state::Zoom;
use crate::domain::lanes::{Lanes, MarkKind};

/// Positions from `first` to `last`; never empty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub first: f64,
    pub last: f64,
}

impl Range {
    #[must_use]
    pub fn of(lanes: &Lanes, zoom: Zoom) -> Range {
        let whole = Range {
            first: 0.0,
            last: f64::from(lanes.width.max(1)),
        };
        match zoom {
            Zoom::All => whole,
            Zoom::Range(first, last) => whole.within(first, last),
            Zoom::Cut => match cut_and_fault(lanes) {
                Some((cut, fault)) => {
                    // A third of the lost on both sides, and at least a handful of messages.
                    let pad = ((fault - cut) * 0.35).max(30.0);
                    whole.within(cut - pad, fault + pad)
                }
                None => whole,
            },
        }
    }

    fn within(self, first: f64, last: f64) -> Range {
        /// Fewer positions than this show nothing that the transcript does not.
        const NARROWEST: f64 = 20.0;
        let first = first.clamp(self.first, (self.last - NARROWEST).max(self.first));
        let last = last.clamp((first + NARROWEST).min(self.last), self.last);
        Range { first, last }
    }

    #[must_use]
    pub fn len(self) -> f64 {
        self.last - self.first
    }

    /// Zoomed by `factor` (> 1 shows less) so that the position at `share` of the width stays where it is.
    #[must_use]
    pub fn zoomed(self, factor: f64, share: f64) -> (f64, f64) {
        let fixed = self.first + self.len() * share;
        let len = self.len() / factor;
        (fixed - len * share, fixed + len * (1.0 - share))
    }
}

/// The first cut (or anomaly) and the fault that it belongs to.
fn cut_and_fault(lanes: &Lanes) -> Option<(f64, f64)> {
    let cut = lanes
        .marks
        .iter()
        .position(|mark| mark.kind != MarkKind::Fault)?;
    let fault = lanes.marks[cut..]
        .iter()
        .find(|mark| mark.kind == MarkKind::Fault)?;
    Some((f64::from(lanes.marks[cut].at), f64::from(fault.at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lanes::Mark;

    fn lanes(cut: u32, fault: u32, width: u32) -> Lanes {
        let mark = |at, kind| Mark {
            at,
            kind,
            label: String::new(),
        };
        let marks = vec![mark(cut, MarkKind::Cut), mark(fault, MarkKind::Fault)];
        Lanes::marked(width, marks)
    }

    #[test]
    fn the_cut_is_shown_with_messages_on_both_sides() {
        let range = Range::of(&lanes(900, 1000, 5000), Zoom::Cut);
        assert!(range.first < 900.0 && range.last > 1000.0 && range.len() < 300.0);
    }

    #[test]
    fn no_range_is_empty_or_leaves_the_run() {
        for zoom in [
            Zoom::Range(-5.0, 9e9),
            Zoom::Range(4999.0, 4999.0),
            Zoom::Range(7.0, 3.0),
        ] {
            let range = Range::of(&lanes(900, 1000, 5000), zoom);
            assert!(range.first >= 0.0 && range.last <= 5000.0 && range.len() >= 20.0);
        }
        assert!(Range::of(&Lanes::default(), Zoom::Cut).len() >= 1.0);
    }
}
