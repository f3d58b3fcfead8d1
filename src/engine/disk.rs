//! The faulty disk of a drill: mounted before the server's first start, questioned at each fault, gone at the end.
//!
//! It knows what a mark on the disk means: one of our writes. What a cut takes is the disk's own business.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::env::Clock;
use crate::backend::BackendError;
use crate::backend::lease::{self, Holding};
use crate::backend::mounts::DISK_PREFIX;
pub use crate::disk::unavailable;
use crate::disk::{CutReport, DiskStatus, FaultyDisk, MountSpec};
use crate::domain::disk::DiskPlan;
use crate::domain::event::Fix;
use crate::domain::evidence::{DiskEvidence, DroppedBytes, PowerCut};
use crate::domain::op::Micros;

/// Stands once in each of our writes in an AOF: the command's name as the client sends it. The bytes cannot occur
/// in a message, since JSON escapes a line's end.
const MARKER: &[u8] = b"RPUSH\r\n";

/// What the disk may hold in memory, in bytes, unless [`MEMORY_VARIABLE`] says otherwise.
const MEMORY_LIMIT: u64 = 2 << 30;
const MEMORY_VARIABLE: &str = "CRASHDRILL_DISK_MEMORY";

fn memory_limit() -> Result<u64, BackendError> {
    let Some(text) = std::env::var_os(MEMORY_VARIABLE) else {
        return Ok(MEMORY_LIMIT);
    };
    let bytes = text.to_str().and_then(|text| text.parse().ok());
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        BackendError::new(format!(
            "{MEMORY_VARIABLE} is {text:?}: write a number of bytes, for example {MEMORY_LIMIT}"
        ))
    })
}

/// A mounted disk and what it counted before this round.
pub struct DrillDisk {
    /// Dropped, it unmounts: before the folder goes.
    pub disk: FaultyDisk,
    at: TempDir,
    memory_limit_bytes: u64,
    base: Base,
}

/// Counts at the beginning of a round: what was acknowledged and written then belongs to an earlier one.
#[derive(Clone, Copy, Debug, Default)]
struct Base {
    acked: u64,
    written: u64,
}

impl Base {
    /// Written to a file and durable, of everything that was acknowledged in this run. What was found after the last
    /// restart counts as written; what a process kill left in the page cache alone is not durable by that.
    fn marks(self, status: &DiskStatus) -> (u64, u64) {
        let since = |now: u64| (self.acked + now).saturating_sub(self.written);
        (since(status.written_marks), since(status.durable_marks))
    }
}

/// An empty folder to mount on.
pub fn folder() -> Result<TempDir, BackendError> {
    let scratch = std::env::temp_dir();
    let made = tempfile::Builder::new()
        .prefix(DISK_PREFIX)
        .tempdir_in(&scratch);
    made.map_err(|error| {
        let scratch = scratch.display();
        BackendError::new(format!(
            "cannot make a folder for the faulty disk in {scratch}: {error}"
        ))
    })
}

impl DrillDisk {
    /// Mounts the disk of the plan; a container's user is somebody else.
    pub fn mount(
        at: TempDir,
        plan: &DiskPlan,
        log: PathBuf,
        clock: Clock,
        container: bool,
    ) -> Result<DrillDisk, BackendError> {
        if let Some(why) = unavailable(container) {
            let error = BackendError::new(format!(
                "no faulty disk: {why}. Without one, --fault process-kill --tail-cut gives a range of what a power loss could take"
            ));
            return Err(error.fix(if container {
                Fix::UseLocalServer
            } else {
                Fix::TailCut
            }));
        }
        let memory_limit_bytes = memory_limit()?;
        // Noted before it is there: what outlives us must be known to the janitor.
        lease::hold(Holding::Mount(at.path().to_owned()));
        let disk = FaultyDisk::mount(MountSpec {
            at: at.path().to_owned(),
            plan: plan.clone(),
            log,
            now: Arc::new(move || clock.now()),
            allow_other: container,
            marker: MARKER.to_vec(),
            memory_limit_bytes,
            neighbours: true,
        })
        .map_err(|error| {
            lease::release(Holding::Mount(at.path().to_owned()));
            BackendError::new(error.message)
        })?;
        Ok(DrillDisk {
            disk,
            at,
            memory_limit_bytes,
            base: Base::default(),
        })
    }

    /// The server was told that its disk is full, and it was the model that was: nothing that follows is Redis's doing.
    pub fn out_of_memory(&self) -> Option<String> {
        self.disk.status().over_memory.then(|| {
            format!(
                "the faulty disk's model has run out of memory: it may hold {} bytes, written and durable together; stream less, rewrite the AOF more often, or allow more with {MEMORY_VARIABLE}=BYTES",
                self.memory_limit_bytes
            )
        })
    }

    /// A round begins: the server has come back on what was left.
    pub fn round_begins(&mut self, acked: u64) {
        let status = self.disk.status();
        self.base = Base {
            acked,
            written: status.written_marks,
        };
    }

    /// Of everything that was acknowledged in this run: written to a file, and durable.
    pub fn marks(&self, status: &DiskStatus) -> (u64, u64) {
        self.base.marks(status)
    }

    /// What the disk testifies at a fault, given all acknowledgements.
    pub fn evidence(
        &self,
        frozen: Micros,
        status: &DiskStatus,
        acked: u64,
        cut: Option<CutReport>,
    ) -> DiskEvidence {
        let (written, durable) = self.marks(status);
        let counted = status.written_marks > 0;
        let beyond = |mark: u64| match counted {
            true => acked.saturating_sub(mark),
            false => 0,
        };
        DiskEvidence {
            frozen,
            written: status.written_marks,
            durable: status.durable_marks,
            answered_not_durable: beyond(durable),
            answered_not_written: beyond(written),
            fsyncs_in_flight: status.fsyncs_in_flight,
            // Of those in flight the oldest: it is what the others wait for.
            last_fsync_began: status.oldest_fsync_began.or(status.last_fsync_began),
            last_fsync_ended: status.last_fsync_ended,
            cut: cut.map(|report| PowerCut {
                files: report
                    .files
                    .into_iter()
                    .map(|file| DroppedBytes {
                        path: file.path,
                        kept_bytes: file.kept_bytes,
                        dropped_bytes: file.dropped_bytes,
                        zeroed_bytes: file.zeroed_bytes,
                        tail: file.tail,
                    })
                    .collect(),
                undone_names: report.undone_names,
            }),
        }
    }

    /// Does what ends the server while operations that the disk holds are let go, again and again: a process that
    /// waits for a held fsync does not die of SIGKILL. The first comes after `patience`, when the signal has been
    /// sent.
    pub fn releasing<T>(disk: &FaultyDisk, patience: Duration, end: impl FnOnce() -> T) -> T {
        const AGAIN: Duration = Duration::from_millis(10);
        let ended = AtomicBool::new(false);
        let begun = std::time::Instant::now();
        std::thread::scope(|scope| {
            let helper = scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    if begun.elapsed() >= patience {
                        disk.release_held();
                    }
                    std::thread::park_timeout(AGAIN);
                }
            });
            let result = end();
            ended.store(true, Ordering::Release);
            helper.thread().unpark();
            result
        })
    }

    /// Unmounts and removes the folder.
    pub fn close(self) -> Result<(), BackendError> {
        let at = self.at.keep();
        self.disk
            .unmount()
            .map_err(|error| BackendError::new(error.message))?;
        lease::release(Holding::Mount(at.clone()));
        std::fs::remove_dir(&at)
            .map_err(|error| BackendError::new(format!("cannot remove {}: {error}", at.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(written_marks: u64, durable_marks: u64) -> DiskStatus {
        DiskStatus {
            written_marks,
            durable_marks,
            ..DiskStatus::default()
        }
    }

    #[test]
    fn what_a_kill_left_in_the_page_cache_is_durable_after_the_next_fsync_and_not_by_the_restart() {
        let base = Base {
            acked: 100,
            written: 100,
        };
        assert_eq!(base.marks(&status(100, 70)), (100, 70));
        assert_eq!(base.marks(&status(130, 70)), (130, 70));
        assert_eq!(base.marks(&status(130, 120)), (130, 120));
    }

    #[test]
    fn what_an_earlier_power_cut_took_opens_no_gap_in_the_next_round() {
        let base = Base {
            acked: 100,
            written: 70,
        };
        assert_eq!(base.marks(&status(70, 70)), (100, 100));
        assert_eq!(base.marks(&status(90, 80)), (120, 110));
    }
}
