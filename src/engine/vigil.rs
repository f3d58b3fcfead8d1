//! What the drill keeps an eye on while it waits: meters, the server's log, INFO, signs of death.

use std::time::{Duration, Instant};

use super::disk::DrillDisk;
use super::drill::Drill;
use super::load::{Meter, Streaming};
use super::ready;
use super::stop::{Step, Stop};
use crate::client::info::Info;
use crate::domain::event::{DrillEvent, Phase};
use crate::domain::fault::{PersistenceInfo, ServerEnd};

const INFO_EVERY: Duration = Duration::from_millis(250);
/// A server that did not answer is left alone for so long: waiting for it costs the drill its own pace.
const INFO_AFTER_SILENCE: Duration = Duration::from_secs(3);
/// Assumed for a fork that INFO has not told of yet; forks of small servers take well under it.
const MAX_FORK_USEC: u64 = 20_000;

impl Drill {
    /// What the drill does while nothing else is to be done: meters, log, INFO, signs of death.
    pub(super) fn look_after(&mut self) -> Step {
        self.meter();
        self.climb();
        if Instant::now() < self.next_look {
            return Ok(());
        }
        let pace = if self.backend.id() == "docker" {
            200
        } else {
            20
        };
        self.next_look = Instant::now() + Duration::from_millis(pace);
        self.collect_log();
        self.hear_network();
        if let Some(streaming) = &self.streaming {
            self.hear_store(&streaming.meter);
        }
        let phase = self.attention.current().phase;
        if !matches!(phase, Phase::Ready | Phase::Streaming) {
            return Ok(());
        }
        if self.gave_up {
            return Ok(());
        }
        self.disk_is_in_order()?;
        if let Some(end) = self.backend.ended()? {
            let stop = self.died(&end);
            if !self.disk_makes_it_give_up() {
                return Err(stop);
            }
            self.gave_up = true;
            return Ok(());
        }
        if self.streaming.as_ref().is_some_and(Streaming::has_finished)
            && self.plan.max_messages.is_none()
        {
            // It ends by itself only when it cannot go on; its result says why.
            self.end_stream()?;
        }
        if Instant::now() >= self.next_info && !self.server_may_hang() {
            self.next_info = Instant::now() + INFO_EVERY;
            if self.take_info().is_some() {
                self.keep_saves_slow()?;
            } else {
                self.next_info = Instant::now() + INFO_AFTER_SILENCE;
            }
        }
        Ok(())
    }

    /// # Errors
    /// The disk's model could not do what a disk does.
    pub(super) fn disk_is_in_order(&self) -> Step {
        let trouble = self.disk.as_ref().and_then(DrillDisk::out_of_memory);
        trouble.map_or(Ok(()), |trouble| Err(Stop::failed(trouble)))
    }

    /// An fsync on the faulty disk has been in flight for a while: the server's main thread may wait for it with its
    /// next write, and asking it anything would hold up the drill.
    pub(super) fn server_may_hang(&self) -> bool {
        const WHILE: Duration = Duration::from_millis(500);
        let began = self
            .disk
            .as_ref()
            .and_then(|disk| disk.disk.status().oldest_fsync_began);
        began.is_some_and(|began| self.attention.clock.now().since(began) > WHILE)
    }

    /// The server has ended and it was not us: what is missing later cannot be laid to our fault.
    pub(super) fn died(&mut self, end: &ServerEnd) -> Stop {
        self.collect_log();
        let last_words = ready::last_words(&self.log);
        let words = last_words.join("\n  ");
        self.attention.tell(DrillEvent::ServerDied {
            end: end.clone(),
            last_words,
        });
        Stop::failed(format!(
            "the server ended by itself: {end}. Its last words:\n  {words}"
        ))
    }

    pub(super) fn meter(&mut self) {
        use std::sync::atomic::Ordering::Relaxed;
        let Some(streaming) = &self.streaming else {
            self.attention.progress(|progress| {
                progress.in_flight = 0;
                progress.acked_per_sec = 0.0;
                progress.backlog = 0;
            });
            return;
        };
        let meter = &streaming.meter;
        let acked = meter.acked.load(Relaxed);
        let (since, before) = self.rate_before;
        let rate = (since.elapsed() >= Duration::from_millis(250)).then(|| {
            self.rate_before = (Instant::now(), acked);
            acked.saturating_sub(before) as f64 / since.elapsed().as_secs_f64()
        });
        self.count(meter);
        self.attention.progress(|progress| {
            progress.in_flight = progress.sent.saturating_sub(meter.completed.load(Relaxed));
            progress.backlog = meter.backlog.load(Relaxed);
            if let Some(rate) = rate {
                progress.acked_per_sec = rate;
            }
        });
    }

    pub(super) fn count(&self, meter: &Meter) {
        use std::sync::atomic::Ordering::Relaxed;
        self.attention.progress(|progress| {
            progress.acked = meter.acked.load(Relaxed);
            progress.sent = meter.sent.load(Relaxed);
            progress.refused = meter.refused.load(Relaxed);
        });
    }

    pub(super) fn collect_log(&mut self) {
        let since = std::mem::replace(&mut self.log_read, self.attention.clock.now());
        let Ok(lines) = self.backend.new_log_lines() else {
            self.log_read = since;
            return;
        };
        let now = self.attention.clock.now();
        let unix = self.attention.clock.began_unix_micros() + now.0;
        let fork_usec = self
            .latest_info
            .as_ref()
            .map_or(MAX_FORK_USEC, |info| info.latest_fork_usec.max(1_000));
        for line in lines {
            self.dir.append_log(&line.text);
            if let Some(snapshot) = self
                .snapshots
                .line(&line.text, (since, now), unix, fork_usec)
            {
                self.attention
                    .tell(DrillEvent::SnapshotFinished { snapshot });
            }
            self.log.push(line.text);
        }
    }

    /// Asks the server how its persistence is; silence is no answer and no failure. Takes a second at most.
    pub(super) fn take_info(&mut self) -> Option<PersistenceInfo> {
        let now = self.attention.clock.now();
        let fetched = self.connection().ok().map(Info::fetch);
        let Some(Ok(fetched)) = fetched else {
            self.connection = None;
            self.silent = true;
            return None;
        };
        self.silent = false;
        let info = fetched.persistence(now);
        self.evicted.saw(info.evicted_keys);
        self.expired.saw(info.expired_keys);
        if self.backend.id() == "external"
            && let Some(snapshot) = self.snapshots.info(&info)
        {
            self.attention
                .tell(DrillEvent::SnapshotFinished { snapshot });
        }
        self.latest_info = Some(info.clone());
        let shown = info.clone();
        self.attention
            .progress(|progress| progress.info = Some(shown));
        Some(info)
    }
}
