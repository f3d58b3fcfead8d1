//! Which snapshots the server has finished, from its own log (and from INFO where there is no log).
//!
//! A snapshot holds the data set at its *fork*, not at its end, so the fork's time is what matters.

use crate::domain::fault::{PersistenceInfo, Snapshot};
use crate::domain::op::Micros;

/// Follows the server's log.
#[derive(Debug, Default)]
pub struct SnapshotLog {
    forked: Option<Micros>,
    pub last: Option<Snapshot>,
    before: Option<PersistenceInfo>,
}

impl SnapshotLog {
    /// Time stamps have whole milliseconds, and the line is written after the fork.
    const STAMP_SLACK_MICROS: u64 = 1_000;
    /// A stamp that differs more from the time at which we read it is not believed.
    const MAX_LATENESS_MICROS: u64 = 10_000_000;

    /// Takes in one line that was written after `since`, the last look at the log, and read at `now`; a snapshot if this line finished one.
    ///
    /// The lines (7.0.15; same words since 2.x): the parent's `Background saving started by pid N` just
    /// after the fork, and the child's `DB saved on disk` just after the rename.
    pub fn line(
        &mut self,
        text: &str,
        (since, now): (Micros, Micros),
        now_unix_micros: u64,
        fork_usec: u64,
    ) -> Option<Snapshot> {
        // The server's clock may differ from ours (a virtual machine, a step of the clock): a line is not older
        // than our last look at the log, and not younger than this one.
        let at = stamp(text, now, now_unix_micros).map_or(since, |at| at.clamp(since, now));
        if text.contains("Background saving started by pid") {
            let slack = Self::STAMP_SLACK_MICROS + fork_usec;
            self.forked = Some(Micros(at.0.saturating_sub(slack)));
        } else if text.contains("DB saved on disk")
            && let Some(fork) = self.forked.take()
        {
            self.last = Some(Snapshot { fork, finished: at });
            return self.last;
        }
        None
    }

    /// Takes in INFO of a server whose log we cannot see. `rdb_last_save_time` moves when a snapshot has
    /// finished; it began after the newest INFO that showed none in progress.
    pub fn info(&mut self, info: &PersistenceInfo) -> Option<Snapshot> {
        let before = self.before.replace(info.clone())?;
        if !before.rdb_bgsave_in_progress {
            self.forked = Some(before.at);
        }
        if info.rdb_last_save_time > before.rdb_last_save_time {
            self.last = Some(Snapshot {
                // Running since before we looked: it may hold nothing of ours.
                fork: self.forked.unwrap_or(Micros(0)),
                finished: info.at,
            });
            return self.last;
        }
        None
    }

    /// The server has ended: a fork without an end will never finish.
    pub fn server_ended(&mut self) {
        self.forked = None;
        self.before = None;
    }
}

/// The time of a log line, for example `812:M 20 Nov 2026 20:25:18.123 * Ready`.
///
/// The server's time zone is not known (a container has its own). All zones differ by multiples of a
/// quarter of an hour, so minutes and below tell the time, given that the line is not that old.
fn stamp(text: &str, now: Micros, now_unix_micros: u64) -> Option<Micros> {
    const QUARTER: u64 = 900_000_000;
    let clock = text.split_whitespace().find(|word| {
        word.len() == 12 && word.as_bytes()[2] == b':' && word.as_bytes()[8] == b'.'
    })?;
    let number = |range: std::ops::Range<usize>| clock.get(range)?.parse::<u64>().ok();
    let micros = (number(3..5)? * 60 + number(6..8)?) * 1_000_000 + number(9..12)? * 1_000;
    let late = (now_unix_micros % QUARTER + QUARTER - micros % QUARTER) % QUARTER;
    (late < SnapshotLog::MAX_LATENESS_MICROS).then(|| Micros(now.0.saturating_sub(late)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T20:25:19.000Z
    const NOW_UNIX: u64 = 1_795_206_319_000_000;

    #[test]
    fn a_snapshot_is_its_fork() {
        let mut log = SnapshotLog::default();
        let now = Micros(60_000_000);
        let started = "9:M 20 Nov 2026 21:55:18.500 * Background saving started by pid 77";
        assert_eq!(log.line(started, (Micros(0), now), NOW_UNIX, 400), None);
        let saved = "77:C 20 Nov 2026 21:55:18.900 * DB saved on disk";
        let snapshot = log.line(saved, (Micros(0), now), NOW_UNIX, 400).unwrap();
        assert_eq!(
            snapshot,
            Snapshot {
                fork: Micros(59_498_600),
                finished: Micros(59_900_000)
            }
        );
    }

    #[test]
    fn a_clock_that_differs_from_ours_does_not_move_a_fork_past_what_we_saw() {
        let fork = |stamp: &str| {
            let mut log = SnapshotLog::default();
            let looked = (Micros(59_980_000), Micros(60_000_000));
            let started =
                format!("9:M 20 Nov 2026 21:55:{stamp} * Background saving started by pid 77");
            log.line(&started, looked, NOW_UNIX, 0);
            let saved = format!("77:C 20 Nov 2026 21:55:{stamp} * DB saved on disk");
            log.line(&saved, looked, NOW_UNIX, 0).unwrap().fork
        };
        // Ahead by 0.3 s, behind by 3 s: never later than our last look but one.
        assert_eq!(fork("19.300"), Micros(59_979_000));
        assert_eq!(fork("16.000"), Micros(59_979_000));
    }

    #[test]
    fn a_snapshot_cut_short_by_a_kill_never_finishes() {
        let mut log = SnapshotLog::default();
        log.line(
            "9:M 20 Nov 2026 21:55:18.500 * Background saving started by pid 77",
            (Micros(0), Micros(0)),
            NOW_UNIX,
            0,
        );
        log.server_ended();
        assert_eq!(
            log.line(
                "9:C 20 Nov 2026 21:55:18.900 * DB saved on disk",
                (Micros(0), Micros(0)),
                NOW_UNIX,
                0
            ),
            None
        );
    }

    #[test]
    fn info_alone_dates_a_fork_conservatively() {
        let mut log = SnapshotLog::default();
        let info = |at, saved, running| PersistenceInfo {
            at: Micros(at),
            rdb_last_save_time: saved,
            rdb_bgsave_in_progress: running,
            ..PersistenceInfo::default()
        };
        assert_eq!(log.info(&info(1, 100, false)), None);
        assert_eq!(log.info(&info(2, 100, true)), None);
        assert_eq!(log.info(&info(3, 100, true)), None);
        let snapshot = log.info(&info(4, 105, false)).unwrap();
        assert_eq!(snapshot.fork, Micros(1));
    }
}
