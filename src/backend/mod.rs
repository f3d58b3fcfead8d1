//! Owning the server under test: the only room that starts, signals or removes anything.
//!
//! It knows nothing of chats, journals or verdicts. Calls block; a drill runs on a thread of its own.

pub mod docker;
pub mod external;
mod group;
pub mod guest;
pub mod lease;
pub mod mounts;
mod port;
pub mod process;
pub mod process_id;
pub mod repair;
pub mod scratch;
mod user_command;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::domain::event::Fix;
use crate::domain::fault::{FaultKind, ServerEnd};

/// Where a client finds the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `127.0.0.1`, or the external server's host.
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: i64,
    pub wire: Wire,
}

/// How the bytes travel. Servers that we start speak plainly on the loopback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    #[default]
    Tcp,
    /// Encrypted; a certificate authority of the user's own, in PEM.
    Tls { ca: Option<PathBuf> },
    /// A socket in the file system; host and port say nothing.
    Socket(PathBuf),
}

/// A line of the server's own log. Lines carry the server's time stamp; `text` is the whole line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub text: String,
}

/// What went wrong, what to do about it, and the engine's own words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    /// Names the operation and the cause and ends with what to do.
    pub message: String,
    pub fix: Option<Fix>,
    /// Raw text of the engine or the operating system.
    pub details: String,
}

impl BackendError {
    pub fn new(message: impl Into<String>) -> Self {
        BackendError {
            message: message.into(),
            fix: None,
            details: String::new(),
        }
    }

    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = details.into();
        self
    }
}

pub type Result<T> = std::result::Result<T, BackendError>;

/// Lets a long call report how far it is and ask whether it shall go on.
pub trait Watch: Send + Sync {
    /// `share` is 0 to 1 where it is known.
    fn doing(&self, text: &str, share: Option<f64>);
    /// The user has cancelled: return as soon as possible with an error.
    fn cancelled(&self) -> bool;
}

/// A server that we own (or, for `external`, may end and start).
///
/// The life of a server: `start`, then any number of faults, each followed by `start` again, then `close`.
pub trait Backend: Send {
    /// `process`, `docker` or `external`.
    fn id(&self) -> &'static str;

    /// Process id or short container id, for people.
    fn identity(&self) -> String;

    /// Program path, image name or URL without password.
    fn program(&self) -> String;

    /// Why this backend cannot perform `fault`; `None` if it can.
    fn cannot(&self, fault: FaultKind) -> Option<String> {
        crate::domain::plan::backend_cannot(self.id(), fault).map(str::to_owned)
    }

    /// Starts the server on its data directory and returns at once; it need not be ready.
    /// The first call creates what is needed, later calls use the same data and the same port.
    ///
    /// # Errors
    /// No program, no engine, no image, port taken, cancelled: never because the server ended by
    /// itself, which [`Backend::ended`] tells.
    fn start(&mut self, watch: &dyn Watch) -> Result<Endpoint>;

    /// How the server ended, if it has; `None` while it runs. Does not block.
    fn ended(&mut self) -> Result<Option<ServerEnd>>;

    /// SIGKILL to the server and all its children. Returns when they are dead.
    fn kill(&mut self) -> Result<ServerEnd>;

    /// SIGTERM, and SIGKILL once `grace` has passed. True if SIGKILL was needed.
    fn stop(&mut self, grace: Duration) -> Result<(ServerEnd, bool)>;

    /// SIGTERM and no more: returns at once, while the server may be busy saving for long.
    fn terminate(&mut self) -> Result<()> {
        Err(BackendError::new(format!(
            "SIGTERM cannot be sent to a server of backend {} from here",
            self.id()
        )))
    }

    /// Lines of configuration that stand behind all others at the starts from now on; none takes them back.
    fn configure(&mut self, _lines: &str) -> Result<()> {
        Err(BackendError::new(format!(
            "the configuration of a server of backend {} is not ours",
            self.id()
        )))
    }

    fn pause(&mut self) -> Result<()>;

    fn resume(&mut self) -> Result<()>;

    /// Removes the container by force, and with `volume` its data too.
    fn remove(&mut self, volume: bool) -> Result<ServerEnd>;

    /// Lines of the server's log that have appeared since the last call, over all starts.
    fn new_log_lines(&mut self) -> Result<Vec<LogLine>>;

    /// Copies the data directory of the dead (or paused) server into `to`, which exists and is empty.
    fn copy_data(&mut self, to: &Path) -> Result<()>;

    /// Puts the files below `from` into the data directory of the dead server, or of one that was never started.
    /// Files of the same name are replaced, others stay.
    fn place_data(&mut self, _from: &Path) -> Result<()> {
        Err(BackendError::new(format!(
            "the files of a server of backend {} are not ours: choose backend process or docker",
            self.id()
        )))
    }

    /// A scratch server like this one, not started: the same program and preset, a data directory of its own
    /// on an ordinary disk. It is held by the lease as its own, and gone when it is dropped.
    fn another(&self) -> Result<Box<dyn Backend>> {
        Err(BackendError::new(format!(
            "a second server of backend {} cannot be made here: choose backend process or docker",
            self.id()
        )))
    }

    /// Ends the server and removes everything that was made for it. Can be called twice.
    fn close(&mut self) -> Result<()>;
}

/// What every backend is made from.
#[derive(Clone, Debug)]
pub struct ServerSpec {
    /// The preset's directives as a configuration file's text. The backend adds its own lines
    /// (`dir`, `bind`, `port`, `requirepass`, …) behind them.
    pub config: String,
    /// Label of the run that the server belongs to.
    pub run: String,
    /// Where the process backend makes its temporary directory.
    pub scratch: PathBuf,
    /// The server's data directory, made and removed by somebody else: the faulty disk. Configuration and log stay
    /// outside it. `None`: a directory or volume of the backend's own.
    pub data: Option<PathBuf>,
}

/// Copies what the server wrote: all of `from` but the names in `but`.
fn copy_dir(from: &Path, to: &Path, but: &[&str]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if but.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type()?.is_dir() {
            std::fs::create_dir_all(&target)?;
            copy_dir(&entry.path(), &target, but)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The server listens on loopback, where every user of the machine can reach it.
fn random_password() -> Result<String> {
    random_hex()
}

/// 32 hexadecimal digits from the operating system's generator.
///
/// # Errors
/// The system has none.
pub fn random_hex() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| {
            BackendError::new(format!("no random numbers from the system: {error}"))
        })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
