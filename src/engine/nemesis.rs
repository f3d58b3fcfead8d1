//! The nemesis: it waits for the moment of a fault, and brings the moment about where it has to.
//!
//! What the moment looks like is known to `sight`; what is done at it, to `strike`.

use std::time::{Duration, Instant};

use super::command::Command;
use super::drill::Drill;
use super::load::Streaming;
use super::sight::Sight;
use super::stop::{Step, Stop};
use crate::backend::Watch;
use crate::client::connect::{Readiness, ask};
use crate::client::{info, levers};
use crate::domain::event::{DrillEvent, Phase};
use crate::domain::fault::Fault;
use crate::domain::preset::Keeping;
use crate::domain::trigger::{Hit, Trigger, Witness};

/// How long a moment may be waited for, beside the time that saves are made to take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A child of the server is made to take so long where the moment lies in its life: enough to be met, on a busy
/// machine too.
const WIDE: Duration = Duration::from_secs(2);
/// What a key costs beyond the delay asked for, measured with usleep on Linux.
const SLEEP_OVERHEAD_MICROS: u64 = 60;

/// How waiting for a moment ended.
pub(super) enum Moment {
    Hit(Hit),
    /// Why it did not come.
    Missed(String),
    Disarmed,
}

impl Drill {
    /// Performs the fault at its moment. False: the moment did not come, and nothing was done.
    pub(super) fn fault_at(&mut self, fault: Fault, trigger: Trigger) -> Step<bool> {
        if trigger == Trigger::Time {
            self.fault(fault, None)?;
            return Ok(true);
        }
        if trigger.needs_disk() && self.disk.is_none() {
            self.warn(&format!(
                "{trigger} is seen by the faulty disk only, and there is none under this server"
            ))?;
            return Ok(false);
        }
        self.attention.tell(DrillEvent::Armed {
            fault,
            trigger: trigger.clone(),
        });
        let moment = if trigger == Trigger::Loading {
            self.await_loading(fault)?
        } else {
            self.await_moment(&trigger)?
        };
        match moment {
            Moment::Hit(hit) => {
                self.fault(fault, Some(hit))?;
                if trigger == Trigger::Loading {
                    self.backend.configure("")?;
                }
                return Ok(true);
            }
            Moment::Missed(reason) => {
                self.attention
                    .tell(DrillEvent::MomentMissed { trigger, reason });
            }
            Moment::Disarmed => self.attention.tell(DrillEvent::Disarmed),
        }
        self.put_back();
        Ok(false)
    }

    fn await_moment(&mut self, trigger: &Trigger) -> Step<Moment> {
        self.attention
            .doing(&format!("Waiting until {}", trigger.words()), None);
        self.collect_log();
        if self.latest_info.is_none() && !self.server_may_hang() {
            self.take_info();
        }
        let save_time = self.widen(trigger)?;
        let mut sight = Sight::new(self, trigger, save_time);
        let begun = Instant::now();
        let patience = PATIENCE + save_time;
        let mut next_look = begun;
        while begun.elapsed() < patience {
            if let Some(hit) = self.look_for(&mut sight)? {
                return Ok(Moment::Hit(hit));
            }
            if let Some(reason) = self.cannot_come(trigger) {
                return Ok(Moment::Missed(reason));
            }
            if Instant::now() >= next_look {
                next_look = Instant::now() + Duration::from_millis(20);
                if self.is_disarmed()? {
                    return Ok(Moment::Disarmed);
                }
                self.wait_beside(&sight)?;
                self.bring_about(&mut sight)?;
            }
            std::thread::sleep(sight.pace());
        }
        Ok(Moment::Missed(format!(
            "waited {} s for it",
            patience.as_secs()
        )))
    }

    /// What is looked after meanwhile. A server that waits for its disk or saves before it exits is not asked:
    /// waiting for its answer, the moment would pass.
    fn wait_beside(&mut self, sight: &Sight) -> Step {
        if !sight.server_may_be_busy(self.disk.is_some()) {
            return self.look_after();
        }
        self.meter();
        self.climb();
        self.collect_log();
        match self.backend.ended()? {
            Some(end) if !self.disk_makes_it_give_up() => Err(self.died(&end)),
            _ => Ok(()),
        }
    }

    /// Why there is nothing to wait for any more.
    fn cannot_come(&self, trigger: &Trigger) -> Option<String> {
        let over = self.streaming.as_ref().is_none_or(Streaming::has_finished);
        match trigger {
            Trigger::Acks { .. } if over => Some(format!(
                "the stream ended with {} acknowledged",
                self.acked()
            )),
            _ => None,
        }
    }

    /// True if the user has taken the fault back.
    fn is_disarmed(&mut self) -> Step<bool> {
        if self.attention.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        match self.attention.next_command() {
            Some(Command::Disarm) => Ok(true),
            Some(other) => {
                self.warn(&format!(
                    "{other:?} does not fit: a fault waits for its moment"
                ))?;
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// The first death is as the plan says; then the server is started slowly and dies again in the middle.
    fn await_loading(&mut self, fault: Fault) -> Step<Moment> {
        self.fault(fault, None)?;
        self.backend.configure(&format!(
            "key-load-delay {}\nloading-process-events-interval-bytes 1024",
            self.load_delay_micros()
        ))?;
        self.attention.phase(Phase::Restarting);
        self.log.clear();
        self.disk_round_begins();
        let begun = Instant::now();
        let endpoint = self.backend.start(&*self.attention)?;
        self.endpoint = Some(endpoint.clone());
        loop {
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if let Some(hit) = self.see_loading() {
                return Ok(Moment::Hit(hit));
            }
            match ask(&endpoint, Duration::from_millis(100)) {
                Readiness::Loading => {
                    return Ok(Moment::Hit(Hit {
                        aimed: Trigger::Loading,
                        at: self.attention.clock.now(),
                        witness: Witness::Info,
                        seen: "the server answered LOADING".into(),
                        on_target: true,
                    }));
                }
                Readiness::Ready => {
                    self.come_back(begun)?;
                    return Ok(Moment::Missed(
                        "the server was ready before it could be seen loading; write more".into(),
                    ));
                }
                Readiness::NotYet(_) | Readiness::Refused(_) => {}
            }
            if let Some(end) = self.backend.ended()? {
                self.refused(end)?;
                return Ok(Moment::Missed("the server refused to start".into()));
            }
            if begun.elapsed() > PATIENCE {
                return Ok(Moment::Missed(format!(
                    "no answer for {} s",
                    PATIENCE.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// For each key of a snapshot and each command of an AOF, so that all of them take about [`WIDE`].
    fn load_delay_micros(&self) -> u64 {
        let each = match self.plan.preset.keeping() {
            Keeping::Snapshots => u64::from(self.plan.workload.sessions),
            _ => self.acked(),
        };
        let micros = WIDE.as_micros() as u64 / each.max(1);
        micros.saturating_sub(SLEEP_OVERHEAD_MICROS).max(1)
    }

    /// Makes the window of the moment wide enough, and tells how long a save takes then.
    fn widen(&mut self, trigger: &Trigger) -> Step<Duration> {
        let in_a_save = matches!(
            trigger,
            Trigger::Bgsave { .. } | Trigger::Rewrite | Trigger::RewriteIncr | Trigger::FinalSave
        );
        let asked = self.plan.save_time;
        let time = asked.or(in_a_save.then_some(WIDE)).unwrap_or_default();
        if !time.is_zero() && self.backend.id() != "external" {
            self.slow_saves(time)?;
        }
        Ok(time)
    }

    /// A save of all keys that are there now takes about `time`.
    pub(super) fn slow_saves(&mut self, time: Duration) -> Step {
        let connection = self.connection()?;
        let failed = |error| {
            Stop::failed(format!(
                "the server's saves cannot be made slow (rdb-key-save-delay): {error}"
            ))
        };
        let keys = info::key_count(connection).map_err(failed)?;
        if keys == 0 {
            return Ok(());
        }
        let micros = (time.as_micros() as u64 / keys).saturating_sub(SLEEP_OVERHEAD_MICROS);
        levers::slow_saves(connection, micros.max(1)).map_err(failed)
    }

    /// The plan's save time, kept up with the number of keys.
    pub(super) fn keep_saves_slow(&mut self) -> Step {
        match self.plan.save_time {
            Some(time) if self.backend.id() != "external" => self.slow_saves(time),
            _ => Ok(()),
        }
    }

    /// The moment did not come and the server lives on: it shall be as it was.
    fn put_back(&mut self) {
        if let Some(disk) = &self.disk {
            disk.disk.disarm();
        }
        if self.plan.save_time.is_none()
            && self.backend.id() != "external"
            && let Ok(connection) = self.connection()
        {
            let _ = levers::slow_saves(connection, 0);
        }
    }
}
