//! From ticks to pixel columns. Pure. Where several messages share a column the worst one is seen,
//! so that a single lost message among a million still has its pixel.

use super::model::Range;
use crate::domain::lanes::Tick;

/// Neighbouring columns of one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: u16,
    /// One behind the last.
    pub last: u16,
    pub tick: Tick,
}

/// A tick is this many columns wide at least.
const MIN_WIDTH: f64 = 2.0;
/// And this many at most, so that it still looks like a tick when zoomed in.
const MAX_WIDTH: f64 = 7.0;

/// Bins the ticks of one lane into `columns`. `scratch` is reused from lane to lane.
pub fn runs(
    ticks: impl Iterator<Item = (u32, Tick)>,
    range: Range,
    columns: u16,
    scratch: &mut Vec<u8>,
    mut emit: impl FnMut(Run),
) {
    scratch.clear();
    scratch.resize(usize::from(columns), 0);
    let scale = f64::from(columns) / range.len();
    // One column stays free between ticks that have room.
    let width = (scale - 1.0).clamp(MIN_WIDTH, MAX_WIDTH) as usize;
    for (at, tick) in ticks {
        let offset = f64::from(at) - range.first;
        if offset < 0.0 || f64::from(at) > range.last {
            continue;
        }
        let column = (offset * scale) as usize;
        let value = tick as u8 + 1;
        // Its own column shows the worst; the columns that only widen it yield to any other tick.
        if let Some(own) = scratch.get_mut(column) {
            *own = (*own).max(value);
        }
        let end = (column + width).min(scratch.len());
        for wide in scratch.iter_mut().take(end).skip(column + 1) {
            *wide = (*wide).max(value);
        }
    }
    let mut first = 0;
    while first < scratch.len() {
        let value = scratch[first];
        let mut last = first + 1;
        while last < scratch.len() && scratch[last] == value {
            last += 1;
        }
        if value > 0 {
            emit(Run {
                first: first as u16,
                last: last as u16,
                tick: Tick::ALL[usize::from(value - 1)],
            });
        }
        first = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binned(ticks: &[(u32, Tick)], positions: f64, columns: u16) -> Vec<Run> {
        let range = Range {
            first: 0.0,
            last: positions,
        };
        let mut out = Vec::new();
        runs(
            ticks.iter().copied(),
            range,
            columns,
            &mut Vec::new(),
            |run| out.push(run),
        );
        out
    }

    #[test]
    fn one_lost_message_among_many_keeps_its_pixel() {
        let mut ticks: Vec<_> = (0..1_000_000).map(|at| (at, Tick::Recovered)).collect();
        ticks[500_000].1 = Tick::Lost;
        let runs = binned(&ticks, 1e6, 600);
        assert!(
            runs.iter()
                .any(|run| run.tick == Tick::Lost && run.first == 300)
        );
        assert_eq!(runs.len(), 3);
    }

    #[test]
    fn ticks_far_apart_stay_apart() {
        let runs = binned(&[(0, Tick::Recovered), (50, Tick::Lost)], 100.0, 200);
        assert_eq!(runs.len(), 2);
        assert_eq!((runs[1].first, runs[1].tick), (100, Tick::Lost));
    }
}
