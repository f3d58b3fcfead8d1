//! What the moment of a fault looks like: by an operation on the faulty disk where there is one, by a line of the
//! server's log, by INFO, in this order of trust.

use std::time::{Duration, Instant};

use super::drill::Drill;
use super::stop::Step;
use crate::backend::Watch;
use crate::client::info::Info;
use crate::client::levers;
use crate::domain::disk::{DiskMoment, FileOp, FilePattern};
use crate::domain::op::Micros;
use crate::domain::trigger::{Hit, Trigger, Witness};

/// Lines of the server's log (7.0.15, all seen live; the same words in 7.2 and in Valkey 8).
mod line {
    pub const BGSAVE_BEGAN: &str = "Background saving started by pid";
    pub const SAVED: &str = "DB saved on disk";
    pub const REWRITE_BEGAN: &str = "Background append only file rewriting started by pid";
    pub const INCR_OPENED: &str = "Creating AOF incr file";
    pub const REWRITE_ENDED: &str = "Background AOF rewrite terminated";
    pub const FINAL_SAVE: &str = "Saving the final RDB snapshot before exiting";
    /// Of `dump.rdb`, and of the AOF's base before its commands.
    pub const LOADING: &str = "Loading RDB produced by";
    pub const READY: &str = "Ready to accept connections";
}

/// What one looks for, and what has been seen of it so far.
pub(super) struct Sight {
    trigger: Trigger,
    save_time: Duration,
    began: Instant,
    /// Lines of the log before this one were there before the arming.
    log_from: usize,
    /// The child that the moment lies in has begun: when, and by which line.
    child: Option<(Micros, String)>,
    /// An fsync has been pending since, as far as INFO tells.
    pending_since: Option<Micros>,
    /// The disk is armed.
    disk_armed: bool,
    /// When the server was told last to do what the moment needs.
    told: Option<Instant>,
}

impl Sight {
    pub fn new(drill: &Drill, trigger: &Trigger, save_time: Duration) -> Self {
        Sight {
            trigger: trigger.clone(),
            save_time,
            began: Instant::now(),
            log_from: drill.log.len(),
            child: None,
            pending_since: None,
            disk_armed: false,
            told: None,
        }
    }

    /// Between two looks. A pending fsync lasts a millisecond on a healthy disk; a child is made to last.
    pub fn pace(&self) -> Duration {
        match self.trigger {
            Trigger::AofBuffer => Duration::from_micros(50),
            Trigger::Acks { .. } | Trigger::FsyncLate { .. } => Duration::from_micros(200),
            _ => Duration::from_millis(1),
        }
    }

    /// It has been told to stop, or its disk is looked at because it may hang.
    pub fn server_may_be_busy(&self, disk: bool) -> bool {
        match self.trigger {
            Trigger::FinalSave => self.told.is_some(),
            Trigger::FsyncLate { .. } | Trigger::AofBuffer => disk,
            _ => self.disk_armed,
        }
    }

    fn hit(&self, at: Micros, witness: Witness, seen: impl Into<String>) -> Hit {
        Hit {
            aimed: self.trigger.clone(),
            at,
            witness,
            seen: seen.into(),
            on_target: true,
        }
    }
}

impl Drill {
    /// One look.
    pub(super) fn look_for(&mut self, sight: &mut Sight) -> Step<Option<Hit>> {
        let now = self.attention.clock.now();
        Ok(match sight.trigger.clone() {
            Trigger::Time | Trigger::Loading => None,
            Trigger::Acks { acks } => {
                let acked = self.acked();
                (acked >= acks)
                    .then(|| sight.hit(now, Witness::Client, format!("{acked} acknowledged")))
            }
            Trigger::Bgsave { percent } => self.see_share(sight, percent),
            Trigger::AfterBgsave => self.see_line(sight, line::SAVED),
            Trigger::Rewrite => self.see_line(sight, line::REWRITE_BEGAN),
            Trigger::RewriteIncr if self.disk.is_some() => {
                self.see_operation(sight, true, FileOp::Create, "*.incr.aof")
            }
            Trigger::RewriteIncr => self.see_line(sight, line::INCR_OPENED),
            Trigger::BgsaveRename => {
                let file = self.dump_file();
                self.see_operation(sight, false, FileOp::Rename, &file)
            }
            // The manifest is written twice: when the new INCR is opened, and at the end.
            Trigger::RewriteManifest if self.rewrite_runs(sight) => {
                self.see_operation(sight, false, FileOp::Rename, "*.manifest")
            }
            Trigger::RewriteManifest => None,
            Trigger::FinalSave => self.see_line(sight, line::FINAL_SAVE),
            Trigger::FsyncLate { after } => self.see_late_fsync(sight, after),
            Trigger::AofBuffer => self.see_buffer(sight),
            Trigger::Disk { moment } => self.see_moment(sight, moment),
        })
    }

    /// Makes the server do what the moment needs, where it would not do it by itself.
    pub(super) fn bring_about(&mut self, sight: &mut Sight) -> Step {
        const AGAIN: Duration = Duration::from_secs(3);
        // A server that has met a full disk may be gone.
        if self.gave_up {
            return Ok(());
        }
        if self.backend.id() == "external" || sight.told.is_some_and(|told| told.elapsed() < AGAIN)
        {
            return Ok(());
        }
        let order = match &sight.trigger {
            Trigger::Bgsave { .. } if sight.child.is_some() => None,
            Trigger::Bgsave { .. } | Trigger::BgsaveRename | Trigger::AfterBgsave => {
                Some(Order::Bgsave)
            }
            Trigger::RewriteManifest if sight.child.is_some() => None,
            Trigger::Rewrite | Trigger::RewriteIncr | Trigger::RewriteManifest => {
                Some(Order::Rewrite)
            }
            Trigger::FinalSave if sight.told.is_none() => Some(Order::Stop),
            // A moment of the disk may come by itself: the server is told only if it does not.
            Trigger::Disk { moment } if sight.began.elapsed() > Duration::from_secs(2) => {
                order_for(moment, &self.dump_file())
            }
            _ => None,
        };
        let Some(order) = order else {
            return Ok(());
        };
        // What the disk shall see must be armed before it happens.
        self.look_for(sight)?;
        sight.told = Some(Instant::now());
        let obeyed = match order {
            Order::Stop => return Ok(self.backend.terminate()?),
            Order::Bgsave => levers::bgsave(self.connection()?),
            Order::Rewrite => levers::bgrewriteaof(self.connection()?),
        };
        if let Err(error) = obeyed {
            // Another child runs, or the server is busy: it is told again.
            self.connection = None;
            self.attention
                .doing(&format!("The server does not begin yet: {error}"), None);
        }
        Ok(())
    }

    /// After the death: was the moment still that moment when the fault struck?
    pub(super) fn confirm(&self, hit: &mut Hit) {
        let last = |words: &str| self.log.iter().rposition(|line| line.contains(words));
        let over = |began: &str, ended: &str| match (last(began), last(ended)) {
            (Some(began), Some(ended)) => ended > began,
            _ => false,
        };
        hit.on_target &= !match hit.aimed {
            Trigger::Bgsave { .. } => over(line::BGSAVE_BEGAN, line::SAVED),
            Trigger::Rewrite | Trigger::RewriteIncr => {
                over(line::REWRITE_BEGAN, line::REWRITE_ENDED)
            }
            Trigger::FinalSave => over(line::FINAL_SAVE, line::SAVED),
            Trigger::Loading => last(line::READY).is_some(),
            _ => false,
        };
    }

    /// A server that was started just now loads its data.
    pub(super) fn see_loading(&mut self) -> Option<Hit> {
        self.collect_log();
        let line = self.log.iter().find(|text| text.contains(line::LOADING))?;
        Some(Hit {
            aimed: Trigger::Loading,
            at: self.attention.clock.now(),
            witness: Witness::ServerLog,
            seen: line.clone(),
            on_target: true,
        })
    }

    /// A new line of the log with these words.
    fn see_line(&mut self, sight: &mut Sight, words: &str) -> Option<Hit> {
        self.collect_log();
        let new = self.log.get(sight.log_from..).unwrap_or_default();
        let line = new.iter().find(|line| line.contains(words))?.clone();
        Some(sight.hit(self.attention.clock.now(), Witness::ServerLog, line))
    }

    /// A snapshot has run for its share of the time that it is made to take.
    fn see_share(&mut self, sight: &mut Sight, percent: u8) -> Option<Hit> {
        let share = sight.save_time.mul_f64(f64::from(percent) / 100.0);
        let now = self.attention.clock.now();
        if let Some((began, line)) = &sight.child {
            let ran = now.since(*began);
            let seen = format!(
                "{line}; {:.2} s of about {} s ago",
                ran.as_secs_f64(),
                sight.save_time.as_secs_f64()
            );
            return (ran >= share).then(|| sight.hit(now, Witness::ServerLog, seen));
        }
        let began = self.see_line(sight, line::BGSAVE_BEGAN)?;
        sight.child = Some((began.at, began.seen));
        None
    }

    fn rewrite_runs(&mut self, sight: &mut Sight) -> bool {
        if sight.child.is_none()
            && let Some(began) = self.see_line(sight, line::REWRITE_BEGAN)
        {
            sight.child = Some((began.at, began.seen));
        }
        sight.child.is_some()
    }

    fn see_operation(
        &mut self,
        sight: &mut Sight,
        after: bool,
        op: FileOp,
        files: &str,
    ) -> Option<Hit> {
        let moment = DiskMoment {
            after,
            op,
            files: FilePattern(files.to_owned()),
            nth: 1,
        };
        self.see_moment(sight, moment)
    }

    /// The disk freezes at the operation itself, so this look may come late.
    fn see_moment(&mut self, sight: &mut Sight, moment: DiskMoment) -> Option<Hit> {
        let disk = &self.disk.as_ref()?.disk;
        if !sight.disk_armed {
            sight.disk_armed = true;
            disk.arm(moment);
            return None;
        }
        let struck = disk.struck()?;
        Some(sight.hit(struck.at, Witness::DiskOperation, struck.detail))
    }

    fn see_late_fsync(&mut self, sight: &mut Sight, after: Duration) -> Option<Hit> {
        let now = self.attention.clock.now();
        if let Some(disk) = &self.disk {
            let began = disk.disk.status().oldest_fsync_began?;
            let late = now.since(began);
            let seen = format!("an fsync in flight for {:.3} s", late.as_secs_f64());
            return (late >= after).then(|| sight.hit(now, Witness::DiskOperation, seen));
        }
        let info = self.persistence()?;
        if info.number("aof_pending_bio_fsync") == 0 {
            sight.pending_since = None;
            return None;
        }
        let since = *sight.pending_since.get_or_insert(now);
        let late = now.since(since);
        let seen = format!("aof_pending_bio_fsync:1 for {:.3} s", late.as_secs_f64());
        (late >= after).then(|| sight.hit(now, Witness::Info, seen))
    }

    /// Answered and not written. The disk tells it exactly; INFO shows the buffer in the middle of a loop, in which
    /// the same bytes stand that will be written in a moment if no fsync is in flight.
    fn see_buffer(&mut self, sight: &mut Sight) -> Option<Hit> {
        let acked = self.acked();
        let now = self.attention.clock.now();
        if let Some(disk) = &self.disk {
            let status = disk.disk.status();
            let (written, _) = disk.marks(&status);
            let waiting = acked.saturating_sub(written);
            let seen = format!("an fsync in flight, {waiting} answered writes not yet in a file");
            return (status.fsyncs_in_flight > 0 && waiting > 0)
                .then(|| sight.hit(now, Witness::DiskOperation, seen));
        }
        let info = self.persistence()?;
        let (pending, buffer) = (
            info.number("aof_pending_bio_fsync"),
            info.number("aof_buffer_length"),
        );
        (pending > 0 && buffer > 0).then(|| {
            self.latest_info = Some(info.persistence(now));
            let seen = format!("aof_pending_bio_fsync:{pending} aof_buffer_length:{buffer}");
            sight.hit(self.attention.clock.now(), Witness::Info, seen)
        })
    }

    fn persistence(&mut self) -> Option<Info> {
        let info = self.connection().ok().map(Info::fetch_persistence);
        if !matches!(info, Some(Ok(_))) {
            self.connection = None;
        }
        info?.ok()
    }

    /// Acknowledged so far, to the message.
    pub(super) fn acked(&self) -> u64 {
        let streaming = self.streaming.as_ref();
        streaming.map_or_else(
            || self.attention.current().acked,
            |streaming| {
                let acked = &streaming.meter.acked;
                acked.load(std::sync::atomic::Ordering::Relaxed)
            },
        )
    }

    pub(super) fn sent(&self) -> u64 {
        let streaming = self.streaming.as_ref();
        streaming.map_or_else(
            || self.attention.current().sent,
            |streaming| {
                let sent = &streaming.meter.sent;
                sent.load(std::sync::atomic::Ordering::Relaxed)
            },
        )
    }

    fn dump_file(&self) -> String {
        let mut directives = self.plan.preset.directives.iter();
        let named = directives.rfind(|directive| directive.name == "dbfilename");
        named.map_or("dump.rdb".into(), |directive| directive.value.clone())
    }
}

enum Order {
    Bgsave,
    Rewrite,
    /// SIGTERM.
    Stop,
}

/// What makes files of this pattern move.
fn order_for(moment: &DiskMoment, dump: &str) -> Option<Order> {
    let matches = |name: &str| moment.files.matches(name);
    const OF_A_REWRITE: [&str; 4] = [
        "appendonly.aof.2.base.rdb",
        "appendonly.aof.2.incr.aof",
        "appendonly.aof.manifest",
        "temp-rewriteaof-bg-1.aof",
    ];
    if OF_A_REWRITE.into_iter().any(matches) {
        Some(Order::Rewrite)
    } else if matches(dump) || matches("temp-1.rdb") {
        Some(Order::Bgsave)
    } else {
        None
    }
}
