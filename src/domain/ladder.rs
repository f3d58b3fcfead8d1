//! The ladder of durability: five cumulative counts of messages over time, and what lies between them.
//!
//! Sent, acknowledged, written to a file, durable, in a snapshot. Between acknowledged and written lies what a
//! process kill takes now, between acknowledged and durable what a power cut takes now. Pure; it is told what was
//! seen, and marks as estimated what only INFO and the policy tell.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fault::PersistenceInfo;
use super::op::Micros;
use super::preset::Keeping;

/// One look at all steps. Counts are of this run, from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    pub at: Micros,
    pub sent: u64,
    pub acked: u64,
    /// In a file of the server's: what outlives the process.
    pub written: u64,
    /// What outlives the machine.
    pub durable: u64,
    /// In the last finished snapshot.
    pub in_snapshot: u64,
    /// Counted on the faulty disk; otherwise estimated.
    pub exact: bool,
    pub gauges: Gauges,
}

/// What `INFO persistence` says that bears on the ladder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    pub aof_pending_bio_fsync: u64,
    pub aof_delayed_fsync: u64,
    pub aof_buffer_length: u64,
    pub rdb_changes_since_last_save: u64,
    /// Since the last finished save; `None` if none was seen.
    pub last_save_age: Option<Duration>,
    pub latest_fork_usec: u64,
    pub bgsave_in_progress: bool,
    pub rewrite_in_progress: bool,
}

impl From<&PersistenceInfo> for Gauges {
    fn from(info: &PersistenceInfo) -> Self {
        Gauges {
            aof_pending_bio_fsync: info.aof_pending_bio_fsync,
            aof_delayed_fsync: info.aof_delayed_fsync,
            aof_buffer_length: info.aof_buffer_length,
            rdb_changes_since_last_save: info.rdb_changes_since_last_save,
            last_save_age: None,
            latest_fork_usec: info.latest_fork_usec,
            bgsave_in_progress: info.rdb_bgsave_in_progress,
            rewrite_in_progress: info.aof_rewrite_in_progress,
        }
    }
}

/// What would be gone if it happened now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub messages: u64,
    /// How long ago the oldest of them was acknowledged.
    pub age: Duration,
}

/// All looks of a run, thinned out when there are many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    pub rungs: Vec<Rung>,
}

/// How Redis keeps `everysec`: the next fsync begins at most so long after the one before (whole seconds until 7.2).
const EVERYSEC: Duration = Duration::from_secs(1);
/// Linux writes back by itself after 30 s, and looks every 5 s.
const WRITE_BACK: Duration = Duration::from_secs(35);
/// Of an op in an AOF, before one was seen.
const USUAL_OP_BYTES: u64 = 200;

impl Ladder {
    /// Two hours at ten a second.
    pub const MAX_RUNGS: usize = 72_000;

    pub fn push(&mut self, rung: Rung) {
        if self.rungs.len() >= Self::MAX_RUNGS {
            let mut keep = false;
            self.rungs.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.rungs.push(rung);
    }

    #[must_use]
    pub fn last(&self) -> Option<&Rung> {
        self.rungs.last()
    }

    /// What a process kill takes now.
    #[must_use]
    pub fn kill_takes(&self) -> Option<Gap> {
        self.gap(|rung| rung.written)
    }

    /// What a power cut takes now.
    #[must_use]
    pub fn cut_takes(&self) -> Option<Gap> {
        self.gap(|rung| rung.durable)
    }

    /// The most that a kill and a cut would have taken, each at its own worst instant.
    #[must_use]
    pub fn widest(&self) -> Option<(u64, u64)> {
        let most = |step: fn(&Rung) -> u64| {
            let gaps = self.rungs.iter();
            gaps.map(|rung| rung.acked.saturating_sub(step(rung))).max()
        };
        Some((most(|rung| rung.written)?, most(|rung| rung.durable)?))
    }

    /// Written and durable were counted throughout.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.rungs.is_empty() && self.rungs.iter().all(|rung| rung.exact)
    }

    /// At most about `most` looks, the last one among them.
    #[must_use]
    pub fn thinned(&self, most: usize) -> Vec<Rung> {
        let every = self.rungs.len().div_ceil(most.max(1)).max(1);
        let last = self.rungs.len().saturating_sub(1);
        let kept = self.rungs.iter().enumerate();
        kept.filter(|(i, _)| i % every == 0 || *i == last)
            .map(|(_, rung)| *rung)
            .collect()
    }

    fn gap(&self, step: impl Fn(&Rung) -> u64) -> Option<Gap> {
        let last = self.last()?;
        let kept = step(last).min(last.acked);
        let messages = last.acked - kept;
        let age = match messages {
            0 => Duration::ZERO,
            _ => last.at.since(self.when_acked(kept)),
        };
        Some(Gap { messages, age })
    }

    /// Acknowledged by then, as far as the looks tell.
    #[must_use]
    pub fn acked_at(&self, at: Micros) -> u64 {
        let after = self.rungs.partition_point(|rung| rung.at <= at);
        let Some(before) = after.checked_sub(1).map(|i| &self.rungs[i]) else {
            return 0;
        };
        let Some(next) = self.rungs.get(after) else {
            return before.acked;
        };
        // Between two looks acknowledgements come evenly.
        let span = next.at.0 - before.at.0;
        let gained = next.acked - before.acked;
        before.acked + gained * (at.0 - before.at.0) / span.max(1)
    }

    /// When the acknowledgement number `count` + 1 came.
    #[must_use]
    pub fn when_acked(&self, count: u64) -> Micros {
        let after = self.rungs.partition_point(|rung| rung.acked <= count);
        let Some(next) = self.rungs.get(after) else {
            return self.last().map_or(Micros(0), |rung| rung.at);
        };
        let Some(before) = after.checked_sub(1).map(|i| &self.rungs[i]) else {
            return next.at;
        };
        let gained = (next.acked - before.acked).max(1);
        let span = next.at.0 - before.at.0;
        Micros(before.at.0 + span * (count - before.acked) / gained)
    }

    /// Written and durable where no disk counts them: from INFO and the policy, never more than is likely.
    #[must_use]
    pub fn estimate(
        &self,
        keeping: Keeping,
        now: Micros,
        (acked, in_snapshot): (u64, u64),
        info: Option<&PersistenceInfo>,
    ) -> (u64, u64) {
        let pending = info.filter(|info| info.aof_pending_bio_fsync > 0);
        let ago = |time: Duration| {
            let then = Micros(now.0.saturating_sub(time.as_micros() as u64));
            self.acked_at(then).min(acked)
        };
        match keeping {
            Keeping::Nothing => (0, 0),
            Keeping::Snapshots => (in_snapshot, in_snapshot),
            Keeping::AofAlways => (acked, acked),
            Keeping::AofNo => (acked, ago(WRITE_BACK)),
            Keeping::AofEverysec => {
                let in_memory = pending.map_or(0, |info| {
                    info.aof_buffer_length / op_bytes(info.aof_current_size, acked)
                });
                let written = acked.saturating_sub(in_memory);
                // While an fsync hangs nothing after its beginning is durable.
                let hangs = pending.and_then(|_| self.pending_since());
                let durable = match hangs {
                    Some(since) => {
                        let before = since.0.saturating_sub(EVERYSEC.as_micros() as u64);
                        self.acked_at(Micros(before)).min(acked)
                    }
                    None => ago(EVERYSEC),
                };
                (written, durable.min(written))
            }
        }
    }

    /// Since when each look has shown a pending fsync.
    fn pending_since(&self) -> Option<Micros> {
        let shown = |rung: &&Rung| rung.gauges.aof_pending_bio_fsync > 0;
        let run = self.rungs.iter().rev().take_while(shown);
        run.last().map(|rung| rung.at)
    }
}

fn op_bytes(aof_bytes: u64, ops: u64) -> u64 {
    match ops {
        0 => USUAL_OP_BYTES,
        ops => (aof_bytes / ops).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(secs: u64, acked: u64, written: u64, durable: u64) -> Rung {
        Rung {
            at: Micros(secs * 1_000_000),
            sent: acked,
            acked,
            written,
            durable,
            ..Rung::default()
        }
    }

    fn ladder(rungs: &[Rung]) -> Ladder {
        Ladder {
            rungs: rungs.to_vec(),
        }
    }

    #[test]
    fn a_gap_is_what_was_answered_beyond_a_step_and_as_old_as_its_oldest_answer() {
        let ladder = ladder(&[
            rung(0, 0, 0, 0),
            rung(1, 100, 100, 0),
            rung(2, 200, 190, 100),
        ]);
        let cut = Gap {
            messages: 100,
            age: Duration::from_secs(1),
        };
        let kill = Gap {
            messages: 10,
            age: Duration::from_millis(100),
        };
        assert_eq!(ladder.cut_takes(), Some(cut));
        assert_eq!(ladder.kill_takes(), Some(kill));
    }

    #[test]
    fn writes_in_flight_may_be_written_and_open_no_gap() {
        let ladder = ladder(&[rung(0, 0, 0, 0), rung(1, 100, 104, 102)]);
        assert_eq!(ladder.kill_takes(), Some(Gap::default()));
        assert_eq!(ladder.cut_takes(), Some(Gap::default()));
    }

    #[test]
    fn everysec_is_estimated_at_a_second_behind_and_frozen_while_an_fsync_hangs() {
        let mut looks: Vec<Rung> = (0..=4).map(|s| rung(s, s * 100, s * 100, 0)).collect();
        let now = Micros(4_000_000);
        let quiet = PersistenceInfo::default();
        let steps = (400, 0);
        assert_eq!(
            ladder(&looks).estimate(Keeping::AofEverysec, now, steps, Some(&quiet)),
            (400, 300)
        );
        for look in &mut looks[2..] {
            look.gauges.aof_pending_bio_fsync = 1;
        }
        let hanging = PersistenceInfo {
            aof_pending_bio_fsync: 1,
            aof_buffer_length: 1_000,
            aof_current_size: 40_000,
            ..PersistenceInfo::default()
        };
        assert_eq!(
            ladder(&looks).estimate(Keeping::AofEverysec, now, steps, Some(&hanging)),
            (390, 100)
        );
    }

    #[test]
    fn snapshots_are_all_that_outlives_anything_without_an_aof() {
        let steps = (400, 250);
        let ladder = Ladder::default();
        let now = Micros(1);
        assert_eq!(
            ladder.estimate(Keeping::Snapshots, now, steps, None),
            (250, 250)
        );
        assert_eq!(ladder.estimate(Keeping::Nothing, now, steps, None), (0, 0));
    }
}
