//! Performing a fault: the order of things at the instant itself.
//!
//! A power cut stops the server, freezes the disk, kills, drains the sockets and drops what was not durable, in
//! this order: an answer that was received counts, and nothing is written after the instant.

use std::time::{Duration, Instant};

use super::disk::DrillDisk;
use super::drill::{Drill, kept_name};
use super::stop::{Step, Stop};
use crate::backend::Watch;
use crate::disk::DiskStatus;
use crate::domain::event::{DrillEvent, Phase};
use crate::domain::fault::{Fault, FaultKind, FaultRecord, PersistenceInfo, ServerEnd};
use crate::domain::op::Micros;
use crate::domain::trigger::Hit;

/// A fault as it went, before the sockets are drained.
struct Struck {
    /// Loss windows are measured from here.
    at: Micros,
    end: ServerEnd,
    escalated: bool,
    /// The faulty disk when the server was dead (at a cut: when it froze).
    disk: Option<DiskStatus>,
}

impl Drill {
    /// Performs a fault under load and drains what the server had answered before it died.
    pub(super) fn fault(&mut self, fault: Fault, mut hit: Option<Hit>) -> Step {
        self.attention.phase(Phase::Faulting);
        self.judged = false;
        // A moment does not wait for a look at log and INFO, and a server that waits for its disk does not answer:
        // what was seen last has to do.
        self.disk_is_in_order()?;
        let mut before = if hit.is_some() || self.silent || self.server_may_hang() {
            self.latest_info.clone()
        } else {
            self.collect_log();
            self.take_info()
        };
        let gave_up = match self.backend.ended()? {
            // A server that is dead already was not killed by us.
            Some(end) if !self.disk_makes_it_give_up() => return Err(self.died(&end)),
            ended => ended,
        };
        let began = DrillEvent::FaultBegan {
            fault,
            before: before.clone(),
        };
        if hit.is_none() {
            self.attention.tell(began.clone());
        }
        if self.silent {
            self.warn(
                "the server had stopped answering before the fault: it hung, or this machine was too busy, and the age of what is lost counts that time, too",
            )?;
        }
        if fault.kind.ends_server()
            && let Some(streaming) = &self.streaming
        {
            streaming.last_life();
        }
        let struck = self.strike(fault, gave_up)?;
        if hit.is_some() {
            self.attention.tell(began);
        }
        let ours = matches!(
            struck.end,
            ServerEnd::Signal { signal: 9 } | ServerEnd::Unknown
        );
        if !ours && fault.kind != FaultKind::GracefulStop && !self.disk_makes_it_give_up() {
            return Err(self.died(&struck.end));
        }
        if fault.kind.ends_server() {
            self.connection = None;
            self.end_stream()?;
        }
        let dead = self.attention.clock.now();
        self.collect_log();
        if let Some(hit) = &mut hit {
            self.confirm(hit);
        }
        if hit.is_some()
            && let Some(before) = &mut before
        {
            self.children_by_log(before);
        }
        let disk = self.settle_disk(fault.kind, &struck);
        self.disk_is_in_order()?;
        let record = FaultRecord {
            fault,
            at: struck.at,
            dead,
            end: struck.end,
            escalated: struck.escalated,
            before,
            last_snapshot: self.snapshots.last,
            disk,
            hit,
        };
        self.faults.push(record.clone());
        let record = Box::new(record);
        self.attention.tell(DrillEvent::FaultDone { record });
        if fault.kind.ends_server() {
            self.evicted.ended();
            self.expired.ended();
            self.snapshots.server_ended();
            self.latest_info = None;
            self.compare_captured()?;
            self.keep_data()?;
            self.attention.phase(Phase::Down);
        } else {
            self.attention.phase(if self.streaming.is_some() {
                Phase::Streaming
            } else {
                Phase::Ready
            });
        }
        Ok(())
    }

    /// INFO was looked at some time before the moment; what the log has told since is newer.
    fn children_by_log(&self, before: &mut PersistenceInfo) {
        let last = |words: &str| self.log.iter().rposition(|line| line.contains(words));
        let runs = |began: &str, ended: &[&str]| {
            let ended = ended.iter().filter_map(|words| last(words)).max();
            last(began).is_some_and(|began| ended.is_none_or(|ended| ended < began))
        };
        before.aof_rewrite_in_progress = runs(
            "Background append only file rewriting started by pid",
            // Ended for the files, too: the new manifest is in its place.
            &[
                "Background AOF rewrite finished",
                "Background AOF rewrite terminated with error",
                "Background AOF rewrite terminated by signal",
            ],
        );
        before.rdb_bgsave_in_progress = runs(
            "Background saving started by pid",
            &["Background saving terminated"],
        );
    }

    /// Why this fault cannot be performed on this server; `None` if it can.
    pub(super) fn cannot(&self, kind: FaultKind) -> Option<String> {
        if kind == FaultKind::PowerLoss && self.disk.is_none() {
            return Some(
                "there is no faulty disk under this server; choose one in the plan and start again"
                    .into(),
            );
        }
        self.backend.cannot(kind)
    }

    fn strike(&mut self, fault: Fault, gave_up: Option<ServerEnd>) -> Step<Struck> {
        let now = self.attention.clock.now();
        // An fsync that is in flight now is let go when the server is killed.
        let in_flight = self.disk.as_ref().map(|disk| disk.disk.status());
        let in_flight = in_flight.map_or(0, |status| status.fsyncs_in_flight);
        let struck = |end, escalated| Struck {
            at: now,
            end,
            escalated,
            disk: None,
        };
        let mut struck = match (fault.kind, gave_up) {
            (FaultKind::PowerLoss, gave_up) => return self.cut_power(gave_up),
            (_, Some(end)) => struck(end, false),
            (FaultKind::ProcessKill, None) if self.disk.is_some() => {
                // A write that waits behind an fsync does not go in any more once its process is killed. The server is
                // stopped before the disk is: one that goes on beside a frozen disk would answer what it would have
                // written, and a container's SIGKILL takes its time.
                let at = self.hold_still();
                if self.capture {
                    self.capture_images()?;
                }
                let end = self.let_go(Duration::ZERO, |drill| drill.backend.kill())?;
                Struck {
                    at,
                    ..struck(end, false)
                }
            }
            (FaultKind::ProcessKill, None) => {
                let end = self.let_go(Duration::ZERO, |drill| drill.backend.kill())?;
                struck(end, false)
            }
            (FaultKind::GracefulStop, None) => {
                let text = format!(
                    "SIGTERM sent, SIGKILL after {} s",
                    fault.grace.as_secs_f64()
                );
                self.attention.doing(&text, None);
                let (end, escalated) =
                    self.let_go(fault.grace, |drill| drill.backend.stop(fault.grace))?;
                struck(end, escalated)
            }
            (FaultKind::Pause, None) => {
                self.freeze_server(fault.pause)?;
                struck(ServerEnd::Unknown, false)
            }
            (FaultKind::ContainerRemoved, None) => {
                let end = self.let_go(Duration::ZERO, |drill| drill.backend.remove(false))?;
                struck(end, false)
            }
            (FaultKind::ContainerRemovedWithVolume, None) => {
                struck(self.backend.remove(true)?, false)
            }
        };
        struck.disk = self.disk.as_ref().map(|disk| DiskStatus {
            fsyncs_in_flight: in_flight,
            ..disk.disk.status()
        });
        Ok(struck)
    }

    fn cut_power(&mut self, gave_up: Option<ServerEnd>) -> Step<Struck> {
        let Some(disk) = self.disk.as_ref().map(|disk| disk.disk.clone()) else {
            return Err(Stop::failed(
                "a power loss needs the faulty disk, and there is none under this server: name one with --disk",
            ));
        };
        if gave_up.is_none() {
            // An engine of containers may refuse to pause one that waits for the disk; the freeze holds it then.
            let _waits_for_the_disk = self.backend.pause();
        }
        let at = match disk.struck() {
            Some(struck) => struck.at,
            None => disk.freeze(),
        };
        let status = disk.status();
        if self.capture {
            self.capture_images()?;
        }
        let end = match gave_up {
            Some(end) => end,
            None => self.let_go(Duration::ZERO, |drill| drill.backend.kill())?,
        };
        Ok(Struck {
            at,
            end,
            escalated: false,
            disk: Some(status),
        })
    }

    /// Ends the server while whatever the disk holds is let go, from the SIGKILL on.
    fn let_go<T>(
        &mut self,
        sigkill_after: Duration,
        end: impl FnOnce(&mut Drill) -> crate::backend::Result<T>,
    ) -> Step<T> {
        let Some(disk) = self.disk.as_ref().map(|disk| disk.disk.clone()) else {
            return end(self).map_err(|error| self.cancelled_or(error));
        };
        // A signal to a process is there at once, one to a container after the engine has been asked.
        let patience = match self.backend.id() {
            "process" => Duration::from_millis(10),
            _ => Duration::from_millis(400),
        };
        Ok(DrillDisk::releasing(
            &disk,
            sigkill_after + patience,
            || end(self),
        )?)
    }

    fn freeze_server(&mut self, time: Duration) -> Step {
        self.backend.pause()?;
        let begun = Instant::now();
        while begun.elapsed() < time && !self.attention.is_cancelled() {
            let share = begun.elapsed().as_secs_f64() / time.as_secs_f64();
            self.attention
                .progress(|progress| progress.share = Some(share));
            self.meter();
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(self.backend.resume()?)
    }

    /// The server is dead and its last answers are in: what was not durable goes, or stays after all.
    fn settle_disk(
        &mut self,
        kind: FaultKind,
        struck: &Struck,
    ) -> Option<crate::domain::evidence::DiskEvidence> {
        let (disk, status) = (self.disk.as_ref()?, struck.disk.as_ref()?);
        let cut = match kind {
            FaultKind::PowerLoss => Some(disk.disk.cut()),
            FaultKind::Pause => None,
            _ => {
                disk.disk.survive_kill();
                None
            }
        };
        let acked = self.attention.current().acked;
        Some(self.without_counts(disk.evidence(struck.at, status, acked, cut)))
    }

    /// A server that meets a full disk or an I/O error may end by itself: that is what the drill came to see.
    pub(super) fn disk_makes_it_give_up(&self) -> bool {
        let plan = self.plan.disk.as_ref();
        plan.is_some_and(|disk| disk.io_error.is_some() || disk.space_bytes.is_some())
    }

    /// The data directory as the fault left it, for anybody to count again.
    fn keep_data(&mut self) -> Step {
        let Some(to) = self.plan.keep_data.clone() else {
            return Ok(());
        };
        let to = to.join(kept_name(self.faults.len()));
        self.attention.doing(
            &format!("Copying the data directory to {}", to.display()),
            None,
        );
        std::fs::create_dir_all(&to)
            .map_err(|error| Stop::failed(format!("cannot make {}: {error}", to.display())))?;
        self.backend.copy_data(&to)?;
        self.attention.tell(DrillEvent::DataKept { path: to });
        Ok(())
    }
}
