//! A command of the user's, in the user's shell: watched, bounded, and ended as a whole.
//!
//! It runs in a process group of its own, so that Ctrl-C is ours to hear and nothing of it outlives its end.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::process_id::ProcessId;
use super::{BackendError, Result, group};

/// From SIGTERM to SIGKILL.
const TERM_PATIENCE: Duration = Duration::from_secs(1);

/// Runs `command`, called `what` in errors, until it ends.
///
/// # Errors
/// It fails, does not end within `patience`, or `cancelled` becomes true: the last two end all of its group.
pub(super) fn run(
    what: &str,
    command: &str,
    patience: Duration,
    cancelled: &dyn Fn() -> bool,
) -> Result<()> {
    let failed = |why: String| BackendError::new(format!("the {what} command {why}\n  {command}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .process_group(0)
        .spawn()
        .map_err(|error| failed(format!("could not be run: {error}")))?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("failed: {status}"))),
            Ok(None) => {}
            Err(error) => return Err(failed(format!("cannot be waited for: {error}"))),
        }
        if cancelled() {
            end(child);
            return Err(failed("was ended, since the drill was cancelled".into()));
        }
        if begun.elapsed() > patience {
            end(child);
            return Err(failed(format!(
                "did not end within {} s and was ended; it has no terminal, so it must not ask for anything:",
                patience.as_secs()
            )));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// SIGTERM, and SIGKILL to whatever is left of the group.
fn end(mut child: Child) {
    let leader = ProcessId::of(child.id() as i32);
    if let Some(group) = Pid::from_raw(leader.pid) {
        let _ = kill_process_group(group, Signal::TERM);
    }
    let begun = Instant::now();
    while matches!(child.try_wait(), Ok(None)) && begun.elapsed() < TERM_PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    group::kill(&leader, TERM_PATIENCE);
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn a_command_tells_how_it_failed() {
        assert!(run("kill", "true", LONG, &|| false).is_ok());
        let error = run("kill", "exit 3", LONG, &|| false).unwrap_err().message;
        assert!(
            error.contains("kill command failed") && error.contains("exit 3"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children_when_the_user_cancels() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        // The child ignores SIGTERM, and outlives its shell unless the whole group is ended.
        let command = format!(
            "(trap '' TERM; sleep 60 & echo $! > {0}.new; mv {0}.new {0}; wait; sleep 60) & wait",
            pid.display()
        );
        let begun = Instant::now();
        let stop = AtomicBool::new(false);
        let error = run("start", &command, LONG, &|| {
            stop.fetch_or(pid.exists(), Ordering::Relaxed)
        });
        let error = error.unwrap_err().message;
        assert!(error.contains("cancelled"), "{error}");
        assert!(begun.elapsed() < LONG / 2, "it was waited for");
        let child: i32 = std::fs::read_to_string(&pid)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let stat = super::super::process_id::Stat::of(child);
        assert!(stat.is_none_or(|stat| stat.dead), "a child lives on");
    }

    #[test]
    fn a_command_that_never_ends_is_ended() {
        let error = run("kill", "sleep 60", Duration::from_millis(200), &|| false);
        assert!(error.unwrap_err().message.contains("did not end within"));
    }
}
