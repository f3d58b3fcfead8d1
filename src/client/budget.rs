//! How many commands a second a reader may send to somebody's server, and how many it does send.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Commands a second unless the user says otherwise: a few percent of what a server does on one core.
pub const DEFAULT_PER_SEC: u32 = 5000;
/// What was not used for this long is not saved up.
const SAVED: Duration = Duration::from_millis(100);
/// Longest sleep between two looks at the brake and the limit.
const SLICE: Duration = Duration::from_millis(20);
/// Over this long is "now".
const WINDOW: Duration = Duration::from_secs(1);

/// A limit that may be changed while it is in use.
#[derive(Debug)]
pub struct Budget {
    /// 0 is no limit.
    per_sec: AtomicU32,
    used: AtomicU64,
    brake: AtomicBool,
    pace: Mutex<Pace>,
}

#[derive(Debug, Default)]
struct Pace {
    /// When the next command is due.
    due: Option<Instant>,
    recent: VecDeque<(Instant, u64)>,
}

impl Budget {
    #[must_use]
    pub fn new(per_sec: u32) -> Self {
        Budget {
            per_sec: AtomicU32::new(per_sec),
            used: AtomicU64::new(0),
            brake: AtomicBool::new(false),
            pace: Mutex::default(),
        }
    }

    /// Commands a second; 0 is no limit. Takes effect at once.
    pub fn set(&self, per_sec: u32) {
        self.per_sec.store(per_sec, Ordering::Relaxed);
    }

    #[must_use]
    pub fn limit(&self) -> u32 {
        self.per_sec.load(Ordering::Relaxed)
    }

    /// Whoever reads by this budget stops as soon as possible.
    pub fn stop(&self) {
        self.brake.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn stopped(&self) -> bool {
        self.brake.load(Ordering::Relaxed)
    }

    /// Commands sent so far.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Commands a second of late.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let mut pace = self
            .pace
            .lock()
            .expect("nobody panics with the pace in hand");
        let now = Instant::now();
        pace.forget(now);
        let sum: u64 = pace.recent.iter().map(|(_, count)| count).sum();
        let since = pace
            .recent
            .front()
            .map_or(Duration::ZERO, |(at, _)| now - *at);
        // Within the first moments a single batch is no rate.
        sum as f64 / since.max(WINDOW / 2).as_secs_f64()
    }

    /// Waits until `count` commands may be sent. False if it was told to stop.
    #[must_use]
    pub fn wait(&self, count: usize) -> bool {
        loop {
            if self.stopped() {
                return false;
            }
            let now = Instant::now();
            let due = self
                .pace
                .lock()
                .expect("nobody panics with the pace in hand")
                .due;
            let limit = self.limit();
            let left = due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now));
            if limit == 0 || left.is_zero() {
                self.spend(count as u64, limit, now);
                return true;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }

    fn spend(&self, count: u64, limit: u32, now: Instant) {
        self.used.fetch_add(count, Ordering::Relaxed);
        let mut pace = self
            .pace
            .lock()
            .expect("nobody panics with the pace in hand");
        pace.forget(now);
        pace.recent.push_back((now, count));
        pace.due = (limit > 0).then(|| {
            let from = now.checked_sub(SAVED).unwrap_or(now);
            let from = pace.due.map_or(from, |due| due.max(from));
            from + Duration::from_secs_f64(count as f64 / f64::from(limit))
        });
    }
}

impl Pace {
    fn forget(&mut self, now: Instant) {
        while self
            .recent
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW)
        {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_never_overdrawn() {
        let budget = Budget::new(2000);
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(400) {
            assert!(budget.wait(50));
        }
        // What may have been saved up, and the last batch, come on top.
        let most = 2000.0 * (begun.elapsed() + SAVED).as_secs_f64() + 50.0;
        assert!(
            (budget.used() as f64) <= most,
            "{} of {most}",
            budget.used()
        );
        assert!(budget.used() >= 200);
    }

    #[test]
    fn the_brake_ends_a_long_wait() {
        let budget = Budget::new(1);
        assert!(budget.wait(1000));
        budget.stop();
        assert!(!budget.wait(1));
    }
}
