//! A server's process group: its leader, and the children that must not outlive it.

use std::fs;
use std::path::Path;
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

/// Processes whose standard output is this file. Nobody but us starts a server so, which makes it the proof of
/// those that were started in the very moment of our death, before they could be noted.
pub fn writing_to(log: &Path) -> Vec<ProcessId> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let writing = entries
        .filter(|entry| fs::read_link(entry.path().join("fd/1")).is_ok_and(|output| output == log));
    writing
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(ProcessId::of)
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_found_by_its_output_and_no_other_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let file = fs::File::create(&log).unwrap();
        let mut child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::from(file))
            .spawn()
            .unwrap();
        let found: Vec<i32> = writing_to(&log).iter().map(|one| one.pid).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found, [child.id() as i32]);
        assert!(writing_to(&folder.path().join("other")).is_empty());
    }
}
