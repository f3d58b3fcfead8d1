//! A process that cannot be mistaken for a later one with the same number.

use std::fmt;
use std::fs;
use std::str::FromStr;

use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

/// Number, start time, boot and pid namespace: the number alone is used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessId {
    pub pid: i32,
    /// Clock ticks since boot; 0 for a zombie and where there is no `/proc`.
    pub started: u64,
    pub boot: String,
    /// Inside another container (or another WSL distribution) the same number is another process.
    pub namespace: String,
}

impl ProcessId {
    #[must_use]
    pub fn of_this_process() -> Self {
        Self::of(std::process::id() as i32)
    }

    #[must_use]
    pub fn of(pid: i32) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let digits = namespace
            .to_string_lossy()
            .chars()
            .filter(char::is_ascii_digit)
            .collect();
        ProcessId {
            pid,
            started: Stat::of(pid)
                .filter(|stat| !stat.dead)
                .map_or(0, |stat| stat.started),
            boot: boot.trim().to_owned(),
            namespace: digits,
        }
    }

    /// Whether it may still run. What cannot be seen from here counts as alive: leaving something behind is a
    /// nuisance, ending somebody's running drill is harm.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let now = Self::of(self.pid);
        if now.boot != self.boot {
            return false;
        }
        if now.namespace != self.namespace {
            return true;
        }
        // EPERM: it exists and is somebody else's.
        let exists = Pid::from_raw(self.pid)
            .is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
        exists && now.started == self.started
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}:{}",
            self.pid, self.started, self.boot, self.namespace
        )
    }
}

impl FromStr for ProcessId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("\"{text}\" names no process");
        let [pid, started, boot, namespace] = text
            .split(':')
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| wrong())?;
        Ok(ProcessId {
            pid: pid.parse().map_err(|_| wrong())?,
            started: started.parse().map_err(|_| wrong())?,
            boot: boot.to_owned(),
            namespace: namespace.to_owned(),
        })
    }
}

/// What `/proc/<pid>/stat` tells.
pub struct Stat {
    pub group: i32,
    pub started: u64,
    /// A zombie that nobody has collected, or about to be gone.
    pub dead: bool,
}

impl Stat {
    /// Fields 3, 5 and 22 of proc(5); the command in field 2 may hold spaces and brackets.
    pub fn of(pid: i32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
        Some(Stat {
            dead: matches!(*fields.first()?, "Z" | "X"),
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_our_label_is_read_back() {
        let me = ProcessId::of_this_process();
        assert!(me.is_alive(), "{me}");
        assert_eq!(me.to_string().parse(), Ok(me));
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let reused = ProcessId {
            started: 1,
            ..ProcessId::of_this_process()
        };
        assert!(!reused.is_alive());
    }

    #[test]
    fn an_ended_process_is_dead_and_so_is_one_from_before_the_reboot() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let ended = ProcessId::of(child.id() as i32);
        child.wait().unwrap();
        assert!(!ended.is_alive());
        let earlier = ProcessId {
            boot: "another".into(),
            ..ProcessId::of_this_process()
        };
        assert!(!earlier.is_alive());
    }

    #[test]
    fn what_cannot_be_seen_from_here_counts_as_alive() {
        let elsewhere = ProcessId {
            namespace: "1".into(),
            started: 1,
            ..ProcessId::of_this_process()
        };
        assert!(elsewhere.is_alive());
    }
}
