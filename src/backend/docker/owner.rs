//! Who owns a container: the label that says it, and whether that process still lives.
//!
//! A process id alone is reused, so its start time, the boot and the pid namespace stand beside it.

/// `<pid>:<start time>:<boot id>:<pid namespace>` of this process.
#[must_use]
pub fn our_label() -> String {
    label_of(std::process::id())
}

/// Whether the process that wrote `label` may still run. A label that we cannot judge counts as alive:
/// leaving a container is a nuisance, removing somebody's running drill is harm.
#[must_use]
pub fn is_alive(label: &str) -> bool {
    let fields: Vec<&str> = label.split(':').collect();
    let (Some(pid), Some(started)) = (
        fields.first().and_then(|pid| pid.parse::<u32>().ok()),
        fields.get(1),
    ) else {
        return true;
    };
    if fields.get(2).copied().unwrap_or_default() != boot_id() {
        return false;
    }
    // Inside another container (or another WSL distribution) the same number is another process.
    if fields.get(3).copied().unwrap_or_default() != pid_namespace() {
        return true;
    }
    exists(pid) && *started == start_time(pid)
}

fn label_of(pid: u32) -> String {
    format!(
        "{pid}:{}:{}:{}",
        start_time(pid),
        boot_id(),
        pid_namespace()
    )
}

/// Field 22 of `/proc/<pid>/stat`, in clock ticks since boot; empty for a zombie and where there is no `/proc`.
fn start_time(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in field 2 may hold spaces and brackets: count from its end.
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return String::new();
    };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    match (fields.first(), fields.get(19)) {
        // Dead, only not yet collected by its parent.
        (Some(&("Z" | "X")), _) | (_, None) => String::new(),
        (_, Some(ticks)) => (*ticks).to_owned(),
    }
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// `4026531836` out of `pid:[4026531836]`.
fn pid_namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid")
        .ok()
        .and_then(|link| link.to_str().map(str::to_owned))
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect()
}

fn exists(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return false;
    };
    // EPERM: it exists and is somebody else's.
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive() {
        assert!(is_alive(&our_label()), "{}", our_label());
    }

    #[test]
    fn a_reused_pid_is_not_the_owner() {
        let pid = std::process::id();
        let label = format!("{pid}:1:{}:{}", boot_id(), pid_namespace());
        assert!(!is_alive(&label));
    }

    #[test]
    fn an_ended_process_is_dead_and_so_is_one_from_before_the_reboot() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let label = label_of(child.id());
        child.wait().unwrap();
        assert!(!is_alive(&label));
        assert!(!is_alive("1:0:another-boot:1"));
    }

    #[test]
    fn what_cannot_be_judged_counts_as_alive() {
        assert!(is_alive("somebody"));
        assert!(is_alive(&format!("1:0:{}:another-namespace", boot_id())));
    }
}
