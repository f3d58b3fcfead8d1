//! Where a drill meets the outside world's numbers: the clock and the names of runs.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Local, Utc};

use crate::domain::event::RunId;
use crate::domain::op::Micros;
use crate::domain::plan::DrillPlan;

/// The drill's clock: monotonic since the run began, tied once to the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
    began: DateTime<Utc>,
}

impl Clock {
    #[must_use]
    pub fn start() -> Self {
        Clock {
            zero: Instant::now(),
            began: Utc::now(),
        }
    }

    #[must_use]
    pub fn now(&self) -> Micros {
        Micros(self.zero.elapsed().as_micros() as u64)
    }

    /// Wall-clock time at zero.
    #[must_use]
    pub fn began(&self) -> DateTime<Utc> {
        self.began
    }

    #[must_use]
    pub fn began_unix_micros(&self) -> u64 {
        self.began.timestamp_micros().unsigned_abs()
    }
}

/// A name that sorts by time and tells what it was about.
pub fn run_id(plan: &DrillPlan, clock: &Clock) -> RunId {
    let when = clock.began.with_timezone(&Local).format("%Y%m%d-%H%M%S");
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    let salt = (u64::from(nanos) ^ u64::from(std::process::id()).rotate_left(13)) & 0xffff;
    RunId(format!(
        "{when}-{}-{}-{salt:04x}",
        plan.preset.id,
        plan.fault.kind.id()
    ))
}
