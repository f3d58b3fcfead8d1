//! Somebody else's server: an address, and the user's own commands to kill and start it.
//!
//! We never signal, configure or flush it. What we write lies under a random prefix.

use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Backend, BackendError, Endpoint, LogLine, Result, Watch, user_command};
use crate::domain::fault::ServerEnd;
use crate::domain::plan::External;

pub struct ExternalBackend {
    plan: External,
    endpoint: Endpoint,
    watch: Arc<dyn Watch>,
    /// The kill command was begun: from then on the server may be dead.
    killed: bool,
    /// A command was ended because the user cancelled: the next one gets less patience.
    hurried: bool,
}

/// How long the server may go on answering after the kill command has returned.
const DEATH_PATIENCE: Duration = Duration::from_secs(15);
/// How long the user's own commands may take.
const COMMAND_PATIENCE: Duration = Duration::from_secs(60);
/// And how long once a command had to be ended on cancel.
const HURRIED_PATIENCE: Duration = Duration::from_secs(10);

impl ExternalBackend {
    /// `watch` tells whether the user has cancelled, also while a command of theirs hangs.
    #[must_use]
    pub fn new(plan: External, endpoint: Endpoint, watch: Arc<dyn Watch>) -> Self {
        ExternalBackend {
            plan,
            endpoint,
            watch,
            killed: false,
            hurried: false,
        }
    }

    fn connect(&self) -> Option<TcpStream> {
        let address = (self.endpoint.host.as_str(), self.endpoint.port).to_socket_addrs();
        let address = address.ok()?.next()?;
        TcpStream::connect_timeout(&address, Duration::from_millis(500)).ok()
    }

    fn answers(&self) -> bool {
        self.connect().is_some()
    }

    fn run(&mut self, what: &str, command: &str) -> Result<()> {
        let watch = Arc::clone(&self.watch);
        let result = user_command::run(what, command, COMMAND_PATIENCE, &|| watch.cancelled());
        self.hurried |= result.is_err() && watch.cancelled();
        result
    }
}

/// Whether the server has closed this connection: a process that dies takes its connections with it, and one that
/// was started in its place does not know them.
fn is_closed(connection: &TcpStream) -> bool {
    let mut byte = [0];
    let _ = connection.set_nonblocking(true);
    match connection.peek(&mut byte) {
        Ok(read) => read == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
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
        if self.killed && self.answers() {
            watch.doing(
                "The server is back already: by your kill command, or by whatever watches over it",
                None,
            );
        } else if self.killed {
            watch.doing("Running your start command", None);
            self.run("start", &self.plan.start_command.clone())?;
        }
        self.killed = false;
        Ok(self.endpoint.clone())
    }

    fn ended(&mut self) -> Result<Option<ServerEnd>> {
        // Whether a server that does not answer is dead or slow cannot be seen from outside.
        Ok(None)
    }

    fn kill(&mut self) -> Result<ServerEnd> {
        let witness = self.connect();
        self.killed = true;
        self.run("kill", &self.plan.kill_command.clone())?;
        let begun = Instant::now();
        while !witness.as_ref().is_some_and(is_closed) && self.answers() {
            if self.watch.cancelled() {
                return Err(BackendError::new("cancelled while the server was dying"));
            }
            if begun.elapsed() > DEATH_PATIENCE {
                return Err(BackendError::new(format!(
                    "your kill command has succeeded, but the server at {} lives on, with the connections that it had before: does the command end the right server?",
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
        if self.killed && !self.answers() {
            let patience = if self.hurried {
                HURRIED_PATIENCE
            } else {
                COMMAND_PATIENCE
            };
            let command = &self.plan.start_command;
            user_command::run("start", command, patience, &|| false).map_err(|error| {
                BackendError::new(format!(
                    "the server at {} was left dead; start it yourself: {error}",
                    self.program()
                ))
            })?;
        }
        self.killed = false;
        Ok(())
    }
}
