//! Looking at the ladder while the drill goes on: ten times a second, from what is known already. INFO is asked
//! four times a second, whether somebody looks at the ladder or not.

use std::time::{Duration, Instant};

use super::drill::Drill;
use crate::domain::event::Phase;
use crate::domain::ladder::{Gauges, Ladder, Rung};
use crate::domain::preset::Keeping;

const EVERY: Duration = Duration::from_millis(100);

/// What goes on from look to look.
#[derive(Default)]
pub struct Climb {
    pub ladder: Ladder,
    next: Option<Instant>,
    /// What the server came back with after its last restart is in a file, and where nobody counts, durable.
    floor: u64,
}

impl Climb {
    pub fn came_back(&mut self, acked: u64) {
        self.floor = acked;
    }
}

impl Drill {
    /// One look, if it is time and there is a server: of a dead one nothing more can be taken, and what its end took
    /// is no gap between two steps.
    pub(super) fn climb(&mut self) {
        if self.attention.current().phase == Phase::Down {
            return;
        }
        if self.climb.next.is_some_and(|next| Instant::now() < next) {
            return;
        }
        self.climb.next = Some(Instant::now() + EVERY);
        let rung = self.rung();
        self.dir.append_rung(&rung);
        self.climb.ladder.push(rung);
        let ladder = &self.climb.ladder;
        let (kill, cut) = (ladder.kill_takes(), ladder.cut_takes());
        self.attention.progress(|progress| {
            progress.kill_takes = kill;
            progress.cut_takes = cut;
            progress.gaps_exact = rung.exact;
        });
        let mut live = self
            .live
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        live.ladder.push(rung);
        live.generation += 1;
    }

    fn rung(&self) -> Rung {
        let now = self.attention.clock.now();
        let (acked, floor) = (self.acked(), self.climb.floor);
        let keeping = self.plan.preset.keeping();
        let in_snapshot = self.snapshots.last.map_or(0, |snapshot| {
            self.climb.ladder.acked_at(snapshot.fork).min(acked)
        });
        let info = self.latest_info.as_ref();
        // The disk counts our RPUSH; a store of the user's may send anything.
        let countable = self.disk.as_ref().filter(|_| self.plan.store.is_none());
        let counted = countable.and_then(|disk| {
            let aof = !matches!(keeping, Keeping::Snapshots | Keeping::Nothing);
            aof.then(|| disk.marks(&disk.disk.status()))
        });
        let (written, durable) = counted.unwrap_or_else(|| {
            let steps = (acked, in_snapshot.max(floor));
            let ladder = &self.climb.ladder;
            let (written, durable) = ladder.estimate(keeping, now, steps, info);
            (written.max(floor), durable.max(floor))
        });
        let unix_now = self.attention.clock.began_unix_micros() + now.0;
        let saved = info.map_or(0, |info| info.rdb_last_save_time.unsigned_abs());
        Rung {
            at: now,
            sent: self.sent(),
            acked,
            written,
            durable,
            in_snapshot,
            exact: counted.is_some(),
            gauges: Gauges {
                last_save_age: (saved > 0)
                    .then(|| Duration::from_secs((unix_now / 1_000_000).saturating_sub(saved))),
                ..info.map(Gauges::from).unwrap_or_default()
            },
        }
    }
}
