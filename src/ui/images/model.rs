//! Which images were tried, and what of it can be drawn. Pure.

use crate::domain::event::{DrillEvent, TimedEvent};
use crate::domain::image::{Comparison, ImageFinding, ImageOutcome, Repair, TailCut};
use crate::domain::lanes::{Lane, Lanes};
use crate::domain::verdict::Cut;

/// One thing that was tried beside the drill itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act<'a> {
    Compared(&'a Comparison),
    WhatIf(&'a ImageFinding),
    TailCut(&'a TailCut),
    Repaired(&'a Repair),
}

/// All of them, newest first.
#[must_use]
pub fn acts(timeline: &[TimedEvent]) -> Vec<Act<'_>> {
    let acts = timeline
        .iter()
        .rev()
        .filter_map(|timed| match &timed.event {
            DrillEvent::Compared { comparison } => Some(Act::Compared(comparison)),
            DrillEvent::WhatIf { finding } => Some(Act::WhatIf(finding)),
            DrillEvent::TailCutTried { tail_cut } => Some(Act::TailCut(tail_cut)),
            DrillEvent::Repaired { repair } => Some(Act::Repaired(repair)),
            _ => None,
        });
    acts.collect()
}

/// The messages before an instant, and how many of the newest of them are gone. In positions of the order of
/// acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub first: u32,
    /// One behind the last that was acknowledged.
    pub end: u32,
}

impl Stretch {
    /// Wide enough for the greater of the losses, with as much again that survived on its left.
    #[must_use]
    pub fn before(end: u32, findings: &[&ImageFinding]) -> Stretch {
        /// Fewer messages than this make no picture.
        const LEAST: u64 = 160;
        let lost = findings.iter().filter_map(|finding| finding.lost()).max();
        let wide = (lost.unwrap_or(0) * 2).max(LEAST).min(u64::from(end));
        Stretch {
            first: end - wide as u32,
            end,
        }
    }

    #[must_use]
    pub fn share(self, at: u32) -> f32 {
        let wide = (self.end - self.first).max(1) as f32;
        at.saturating_sub(self.first) as f32 / wide
    }
}

/// Where the cut lies if one cut explains the loss: behind it everything up to the instant is gone.
#[must_use]
pub fn cut_position(finding: &ImageFinding, end: u32) -> Option<u32> {
    match &finding.outcome {
        ImageOutcome::Started { lost: 0, .. } => Some(end),
        ImageOutcome::Started {
            lost,
            cut: Cut::Clean { .. },
            ..
        } => Some(end.saturating_sub(*lost as u32)),
        _ => None,
    }
}

/// The sessions that have the most messages in the stretch.
#[must_use]
pub fn rows(lanes: &Lanes, stretch: Stretch, most: usize) -> Vec<&Lane> {
    let within = |lane: &Lane| {
        let ticks = lanes.ticks(lane).map(|(at, _)| at);
        ticks
            .filter(|at| (stretch.first..stretch.end).contains(at))
            .count()
    };
    let mut rows: Vec<(usize, &Lane)> = lanes
        .lanes
        .iter()
        .map(|lane| (within(lane), lane))
        .collect();
    rows.retain(|(count, _)| *count > 0);
    rows.sort_by_key(|(count, lane)| (std::cmp::Reverse(*count), lane.session));
    rows.into_iter().take(most).map(|(_, lane)| lane).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::LiveView;
    use crate::domain::image::Image;
    use crate::domain::op::Micros;

    fn finding(lost: u64) -> ImageFinding {
        ImageFinding {
            at: Micros(1),
            image: Image::Durable,
            acked: 10_000,
            outcome: ImageOutcome::Started {
                found: 10_000 - lost,
                lost,
                window: None,
                cut: Cut::Clean {
                    survived: 10_000 - lost,
                    lost,
                    after: Micros(0),
                    not_after: Micros(1),
                },
                damaged: 0,
            },
        }
    }

    #[test]
    fn the_stretch_shows_the_greater_loss_and_as_much_that_survived() {
        let (kill, power) = (finding(0), finding(400));
        let stretch = Stretch::before(10_000, &[&kill, &power]);
        assert_eq!((stretch.first, stretch.end), (9_200, 10_000));
        assert_eq!(cut_position(&power, 10_000), Some(9_600));
        assert!((stretch.share(9_600) - 0.5).abs() < 1e-6);
        assert_eq!(cut_position(&kill, 10_000), Some(10_000));
        assert_eq!(
            Stretch::before(50, &[&kill]).first,
            0,
            "not more than there are"
        );
    }

    #[test]
    fn a_loss_that_no_cut_explains_is_not_drawn_as_one() {
        let mut hole = finding(3);
        if let ImageOutcome::Started { cut, .. } = &mut hole.outcome {
            *cut = Cut::Anomaly {
                lost_op: 1,
                survived_op: 2,
                unexplained: 1,
            };
        }
        assert_eq!(cut_position(&hole, 100), None);
    }

    #[test]
    fn the_busiest_sessions_of_the_stretch_stand_first() {
        let view = LiveView {
            ticks: vec![(0, 1), (0, 2), (1, 90), (2, 91), (2, 92)],
            by_session: vec![2, 1, 2],
            ..LiveView::default()
        };
        let lanes = Lanes::live(&view);
        let stretch = Stretch {
            first: 80,
            end: 100,
        };
        let sessions: Vec<u32> = rows(&lanes, stretch, 5)
            .iter()
            .map(|lane| lane.session.0)
            .collect();
        assert_eq!(sessions, [2, 1]);
    }
}
