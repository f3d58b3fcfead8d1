//! A program of the user's that we start and therefore end: its own process group, on the lease, with pipes.
//!
//! It knows nothing of what is said over the pipes.

use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::group;
use super::lease::{self, Holding};
use super::process_id::ProcessId;
use super::{BackendError, Result};

/// The running program. Dropping it ends its whole process group.
pub struct Guest {
    child: Child,
    leader: Option<ProcessId>,
}

/// Its three pipes.
pub struct Pipes {
    pub stdin: ChildStdin,
    pub stdout: ChildStdout,
    pub stderr: ChildStderr,
}

impl Guest {
    /// Starts `words` (program and arguments) with these variables over ours.
    ///
    /// # Errors
    /// There are no words, or the program cannot be started: the message names it.
    pub fn start(words: &[String], environment: &[(&str, String)]) -> Result<(Guest, Pipes)> {
        let Some((program, arguments)) = words.split_first() else {
            return Err(BackendError::new("the command is empty: name a program"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| {
            BackendError::new(format!("cannot start {program}: {error}")).details(error.to_string())
        })?;
        let leader = ProcessId::of(child.id() as i32);
        lease::hold(Holding::Group(leader.clone()));
        let pipes = Pipes {
            stdin: child.stdin.take().expect("it was asked for"),
            stdout: child.stdout.take().expect("it was asked for"),
            stderr: child.stderr.take().expect("it was asked for"),
        };
        let guest = Guest {
            child,
            leader: Some(leader),
        };
        Ok((guest, pipes))
    }

    /// How it ended, in words, if it has ended within `patience`.
    pub fn ended_within(&mut self, patience: Duration) -> Option<String> {
        let until = Instant::now() + patience;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status.to_string());
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// SIGKILL to the whole group; returns when it is dead.
    pub fn end(&mut self) {
        if let Some(leader) = self.leader.take() {
            // The leader first: an uncollected one keeps the group's number from going to somebody else.
            group::kill(&leader, Duration::from_millis(1));
            let _ = self.child.wait();
            group::kill(&leader, Duration::from_secs(2));
            lease::release(Holding::Group(leader));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.end();
    }
}
