//! A server's process group: its leader, and the children that must not outlive it.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::process_id::{ProcessId, Stat};

/// SIGKILL to the group, if its number has not gone to another process since, and waits until it is empty: a
/// BGSAVE child that outlives its parent would rename an older snapshot over a newer one (measured, 3 of 3).
pub fn kill(leader: &ProcessId, patience: Duration) {
    let same_boot = ProcessId::of_this_process().boot == leader.boot;
    // A dead leader has no start time, or none at all: its orphans are still its group.
    let reused = Stat::of(leader.pid).is_some_and(|now| now.started != leader.started);
    let Some(pid) = Pid::from_raw(leader.pid).filter(|_| same_boot && !reused) else {
        return;
    };
    let _ = kill_process_group(pid, Signal::KILL);
    let begun = Instant::now();
    while lives(pid) && begun.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn lives(group: Pid) -> bool {
    if test_kill_process_group(group) == Err(rustix::io::Errno::SRCH) {
        return false;
    }
    // Zombies that nobody has collected still count as existing: look closer where that is possible.
    let Ok(entries) = fs::read_dir("/proc") else {
        return true;
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::of)
        .any(|stat| stat.group == group.as_raw_nonzero().get() && !stat.dead)
}
