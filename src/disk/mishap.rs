//! What the plan does to single operations: errors by count, and how long an fsync takes.
//!
//! Pure; same plan, same seed, same operations: same mishaps.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::domain::disk::{DiskMoment, DiskPlan, FileOp, FsyncDelay};
use crate::domain::op::Micros;

pub struct Mishaps {
    plan: DiskPlan,
    /// Operations so far that the plan's error is about.
    seen: u64,
    /// The disk's time zero; before it no stall comes.
    zero: Option<Micros>,
    stalled: bool,
    rng: ChaCha8Rng,
}

impl Mishaps {
    pub fn new(plan: &DiskPlan) -> Self {
        Mishaps {
            plan: plan.clone(),
            seen: 0,
            zero: None,
            stalled: false,
            rng: ChaCha8Rng::seed_from_u64(!plan.seed),
        }
    }

    /// See [`crate::disk::FaultyDisk::time_begins`].
    pub fn time_begins(&mut self, now: Micros) {
        self.zero.get_or_insert(now);
    }

    /// Whether this operation on a file of this name fails with EIO.
    pub fn fails(&mut self, op: FileOp, name: &str) -> bool {
        let Some(error) = &self.plan.io_error else {
            return false;
        };
        if error.op != op || !error.files.matches(name) {
            return false;
        }
        self.seen += 1;
        self.seen == error.nth || (error.for_good && self.seen > error.nth)
    }

    /// How long an fsync of this file that begins now takes.
    pub fn fsync_takes(&mut self, name: &str, now: Micros) -> Duration {
        if self
            .plan
            .slow_files
            .as_ref()
            .is_some_and(|files| !files.matches(name))
        {
            return Duration::ZERO;
        }
        match self.plan.fsync_delay {
            FsyncDelay::None => Duration::ZERO,
            FsyncDelay::Constant { by } => by,
            FsyncDelay::Between { least, most } => {
                let share = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                least + most.saturating_sub(least).mul_f64(share)
            }
            FsyncDelay::Stall { at, by } => {
                let due = self.zero.is_some_and(|zero| now.since(zero) >= at);
                if self.stalled || !due {
                    return Duration::ZERO;
                }
                self.stalled = true;
                by
            }
        }
    }
}

/// A moment that is waited for.
pub struct Armed {
    pub moment: DiskMoment,
    seen: u64,
}

impl Armed {
    pub fn new(moment: DiskMoment) -> Self {
        Armed { moment, seen: 0 }
    }

    /// Whether this is the operation.
    pub fn is_hit(&mut self, after: bool, op: FileOp, name: &str) -> bool {
        let moment = &self.moment;
        if moment.after != after || moment.op != op || !moment.files.matches(name) {
            return false;
        }
        self.seen += 1;
        self.seen == moment.nth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(change: impl FnOnce(&mut DiskPlan)) -> Mishaps {
        let mut plan = DiskPlan::default();
        change(&mut plan);
        Mishaps::new(&plan)
    }

    #[test]
    fn the_third_fsync_fails_and_no_other() {
        let mut once = plan(|plan| plan.io_error = Some("fsync:*.aof#3".parse().unwrap()));
        let fails: Vec<bool> = (0..5).map(|_| once.fails(FileOp::Fsync, "a.aof")).collect();
        assert_eq!(fails, [false, false, true, false, false]);
        assert!(!once.fails(FileOp::Fsync, "a.rdb"));
        let mut for_good = plan(|plan| plan.io_error = Some("write:*#2+".parse().unwrap()));
        let fails: Vec<bool> = (0..4).map(|_| for_good.fails(FileOp::Write, "x")).collect();
        assert_eq!(fails, [false, true, true, true]);
    }

    #[test]
    fn a_stall_comes_once_and_not_before_its_time() {
        let mut disk = plan(|plan| plan.fsync_delay = "3s@2s".parse().unwrap());
        // However long the server takes to start: time counts from when the stream begins.
        assert!(
            disk.fsync_takes("a.aof", Micros(4_900_000)).is_zero(),
            "before time zero"
        );
        disk.time_begins(Micros(5_000_000));
        disk.time_begins(Micros(9_000_000));
        let mut takes = |at: u64| disk.fsync_takes("a.aof", Micros(at)).as_secs();
        assert_eq!(
            [takes(6_900_000), takes(7_100_000), takes(7_200_000)],
            [0, 3, 0]
        );
    }

    #[test]
    fn a_range_of_delays_is_kept_and_differs() {
        let mut disk = plan(|plan| plan.fsync_delay = "0.5s..3s".parse().unwrap());
        let all: Vec<f64> = (0..200)
            .map(|_| disk.fsync_takes("x", Micros(0)).as_secs_f64())
            .collect();
        assert!(all.iter().all(|secs| (0.5..=3.0).contains(secs)));
        assert!(all.iter().any(|secs| *secs < 1.0) && all.iter().any(|secs| *secs > 2.5));
    }

    #[test]
    fn only_the_slow_files_are_slow() {
        let mut disk = plan(|plan| {
            plan.fsync_delay = "1s".parse().unwrap();
            plan.slow_files = Some(crate::domain::disk::FilePattern("*.1.incr.aof".to_owned()));
        });
        assert_eq!(
            disk.fsync_takes("appendonly.aof.2.incr.aof", Micros(0))
                .as_secs(),
            0
        );
        assert_eq!(
            disk.fsync_takes("appendonly.aof.1.incr.aof", Micros(0))
                .as_secs(),
            1
        );
    }

    #[test]
    fn a_moment_is_counted_from_its_arming() {
        let mut armed = Armed::new("before-rename:*.rdb#2".parse().unwrap());
        assert!(!armed.is_hit(false, FileOp::Rename, "dump.rdb"));
        assert!(!armed.is_hit(true, FileOp::Rename, "dump.rdb"));
        assert!(!armed.is_hit(false, FileOp::Rename, "a.manifest"));
        assert!(armed.is_hit(false, FileOp::Rename, "dump.rdb"));
    }
}
