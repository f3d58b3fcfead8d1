//! Somebody else's server: an address, and the user's own commands to kill and start it.
//!
//! We never signal, configure or flush it. What we write lies under a random prefix.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Backend, BackendError, Endpoint, LogLine, Result, Watch};
use crate::domain::fault::ServerEnd;
use crate::domain::plan::External;

pub struct ExternalBackend {
    plan: External,
    endpoint: Endpoint,
    killed: bool,
}

impl ExternalBackend {
    /// How long the server may go on answering after the kill command has returned.
    const DEATH_PATIENCE: Duration = Duration::from_secs(15);
    /// How long the user's own commands may take.
    const COMMAND_PATIENCE: Duration = Duration::from_secs(60);

    #[must_use]
    pub fn new(plan: External, endpoint: Endpoint) -> Self {
        ExternalBackend {
            plan,
            endpoint,
            killed: false,
        }
    }

    fn answers(&self) -> bool {
        let address = (self.endpoint.host.as_str(), self.endpoint.port).to_socket_addrs();
        let address = address.ok().and_then(|mut addresses| addresses.next());
        address.is_some_and(|address| {
            TcpStream::connect_timeout(&address, Duration::from_millis(500)).is_ok()
        })
    }
}

/// Runs a command of the user's in the user's shell. Fails if it fails.
fn run(what: &str, command: &str, patience: Duration) -> Result<()> {
    let failed =
        |why: String| BackendError::new(format!("the {what} command failed: {why}\n  {command}"));
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let begun = Instant::now();
    loop {
        match child
            .try_wait()
            .map_err(|error| failed(error.to_string()))?
        {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(failed(status.to_string())),
            None if begun.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed(format!(
                    "it did not end within {} s",
                    patience.as_secs()
                )));
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

impl Backend for ExternalBackend {
    fn id(&self) -> &'static str {
        "external"
    }

    fn identity(&self) -> String {
        String::new()
    }

    fn program(&self) -> String {
        format!("{}:{}", self.endpoint.host, self.endpoint.port)
    }

    fn start(&mut self, watch: &dyn Watch) -> Result<Endpoint> {
        if self.killed {
            watch.doing("Running your start command", None);
            run("start", &self.plan.start_command, Self::COMMAND_PATIENCE)?;
            self.killed = false;
        }
        Ok(self.endpoint.clone())
    }

    fn ended(&mut self) -> Result<Option<ServerEnd>> {
        // Whether a server that does not answer is dead or slow cannot be seen from outside.
        Ok(None)
    }

    fn kill(&mut self) -> Result<ServerEnd> {
        run("kill", &self.plan.kill_command, Self::COMMAND_PATIENCE)?;
        self.killed = true;
        let begun = Instant::now();
        while self.answers() {
            if begun.elapsed() > Self::DEATH_PATIENCE {
                return Err(BackendError::new(format!(
                    "your kill command has succeeded, but {} still answers: does it end the right server, and does nothing start it again?",
                    self.program()
                )));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(ServerEnd::Unknown)
    }

    fn stop(&mut self, _grace: Duration) -> Result<(ServerEnd, bool)> {
        Err(BackendError::new(
            "an external server is ended by your kill command only",
        ))
    }

    fn pause(&mut self) -> Result<()> {
        Err(BackendError::new(
            "an external server cannot be paused from here",
        ))
    }

    fn resume(&mut self) -> Result<()> {
        Err(BackendError::new(
            "an external server cannot be resumed from here",
        ))
    }

    fn remove(&mut self, _volume: bool) -> Result<ServerEnd> {
        Err(BackendError::new(
            "an external server is not ours to remove",
        ))
    }

    fn new_log_lines(&mut self) -> Result<Vec<LogLine>> {
        Ok(Vec::new())
    }

    fn copy_data(&mut self, _to: &Path) -> Result<()> {
        Err(BackendError::new(
            "the data directory of an external server is not ours to copy: leave out --keep-data",
        ))
    }

    /// Leaves the server as it was found: running.
    fn close(&mut self) -> Result<()> {
        if self.killed {
            run("start", &self.plan.start_command, Self::COMMAND_PATIENCE)?;
            self.killed = false;
        }
        Ok(())
    }
}
