//! The server in a container of the user's engine. The only room that knows bollard.
//!
//! It owns one container and one volume at a time, both labelled with their owner and their run, and removes
//! nothing else. It knows nothing of Redis beyond the lines of configuration that it adds: whether the server
//! is ready and whether the preset is in force is for a client to find out. Calls block on a runtime of this
//! room's own, so they must come from a plain thread, not from inside another runtime.

mod address;
mod archive;
mod candidate;
mod container;
mod download;
mod end;
mod engine;
mod errors;
mod image;
mod logs;
mod making;
mod names;
pub mod owner;
mod pull;
mod reap;

use std::path::Path;
use std::time::{Duration, Instant};

use bollard::errors::Error;

pub use self::engine::{Engine, EngineInfo, probe};
pub use self::image::LocalImage;

use self::address::Address;
use self::logs::LogCursor;
use super::{Backend, BackendError, Endpoint, LogLine, Result, ServerSpec, Watch};
use crate::domain::event::Fix;
use crate::domain::fault::ServerEnd;

/// Enough for a million messages of chat; the engine's own default would be all the machine's memory.
pub const DEFAULT_MEMORY_BYTES: u64 = 1 << 30;

/// A kill was measured to return within 0.2 s, with the end recorded; a loaded machine takes longer.
const DEATH: Duration = Duration::from_secs(20);

/// How often we look whether the server has ended. An inspection takes some 2 ms.
const LOOK: Duration = Duration::from_millis(10);

/// A container is made anew if its port is taken before anybody knows it, or if somebody has removed it.
const START_TRIES: u32 = 5;

/// A Redis-like server in a container.
pub struct DockerBackend {
    image: String,
    spec: ServerSpec,
    /// An engine's address; `None` searches.
    host: Option<String>,
    owner: String,
    memory_bytes: u64,
    engine: Option<Engine>,
    life: Life,
    container: Option<Container>,
    /// Outlives its containers.
    volume: Option<String>,
    /// Lines behind all others.
    more_config: String,
    /// Chosen at the first start and kept: clients and evidence name it.
    address: Option<Address>,
    /// Lines of containers that are gone.
    rescued_log: Vec<LogLine>,
    /// Containers and volumes made so far, for names.
    made: u32,
}

struct Container {
    name: String,
    /// Empty until the engine has answered.
    id: String,
    log: LogCursor,
    /// Somebody else has removed it.
    gone: bool,
}

/// The server's, not the container's: it outlasts a removal.
#[derive(Clone, Debug, PartialEq)]
enum Life {
    NotStarted,
    Running { killed_by_us: bool },
    Ended(ServerEnd),
}

impl DockerBackend {
    /// Connects at the first start, not here.
    #[must_use]
    pub fn new(image: String, spec: ServerSpec) -> Self {
        DockerBackend {
            image,
            spec,
            host: None,
            owner: owner::our_label(),
            memory_bytes: DEFAULT_MEMORY_BYTES,
            engine: None,
            life: Life::NotStarted,
            container: None,
            volume: None,
            more_config: String::new(),
            address: None,
            rescued_log: Vec::new(),
            made: 0,
        }
    }

    /// Memory and swap together; the kernel kills the server beyond it.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// Uses the engine at this address instead of searching for one.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Labels what is made with another owner than this process.
    #[must_use]
    pub fn owner(mut self, label: impl Into<String>) -> Self {
        self.owner = label.into();
        self
    }

    fn engine(&self) -> Result<&Engine> {
        self.engine.as_ref().ok_or_else(no_server)
    }

    /// The engine and the container, for orders to a server that was started.
    fn running(&mut self) -> Result<(&Engine, &mut Container)> {
        match (&self.engine, &mut self.container) {
            (Some(engine), Some(container)) => Ok((engine, container)),
            _ => Err(no_server()),
        }
    }

    /// Starts the container; `None` if it has to be made anew.
    fn start_once(&mut self, watch: &dyn Watch) -> Result<Option<Endpoint>> {
        self.make(watch)?;
        let address = self.address()?;
        let (engine, container) = self.running()?;
        let operation = "start the container";
        watch.doing("Starting the container", None);
        let name = container.name.clone();
        match engine.run_watched(operation, watch, engine.start_container(&name))? {
            Ok(()) => {}
            Err(error) if errors::is_port_taken(&error) && !address.known => {
                self.discard(false);
                self.address = None;
                return Ok(None);
            }
            Err(error) if errors::is_container_missing(&error) => {
                // Removed by somebody else while the server was down: the volume makes a new one as good.
                container.gone = true;
                return Ok(None);
            }
            Err(error) => return Err(refused_start(engine, address.port.number(), &error)),
        }
        self.life = Life::Running {
            killed_by_us: false,
        };
        if let Some(address) = &mut self.address {
            address.known = true;
        }
        Ok(Some(address.endpoint()))
    }

    /// Sends SIGKILL if the server runs, and waits for its end.
    fn kill_and_wait(&mut self) -> Result<ServerEnd> {
        if let Life::Ended(end) = &self.life {
            return Ok(end.clone());
        }
        // Nothing is asked before and a paused server is not thawed: in the meantime it would answer more writes.
        let (engine, container) = self.running()?;
        let accepted = engine
            .signal(&container.name, "SIGKILL")
            .map_err(|error| engine.explain("kill the server", &error))?;
        if accepted {
            self.life = Life::Running { killed_by_us: true };
        }
        match self.wait_for_end(Duration::from_secs(1))? {
            Some(end) => Ok(end),
            None => {
                // Some engines deliver signals to a paused container only when it is thawed.
                self.thaw();
                self.wait_for_end(DEATH)?.ok_or_else(|| {
                    BackendError::new(
                        "Cannot kill the server: the engine does not report its end; look after the engine (docker ps)",
                    )
                    .fix(Fix::TryAgain)
                })
            }
        }
    }

    fn wait_for_end(&mut self, patience: Duration) -> Result<Option<ServerEnd>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(end) = self.ended()? {
                return Ok(Some(end));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            std::thread::sleep(LOOK.min(left));
        }
    }

    /// Thaws a paused container; "not paused" is as good.
    fn thaw(&mut self) {
        if let Ok((engine, container)) = self.running() {
            let _not_paused = engine.ask(engine.docker.unpause_container(&container.name));
        }
    }

    /// Keeps the log of a container that is about to go.
    fn rescue_log(&mut self) {
        if let Ok((engine, container)) = self.running()
            && let Ok(lines) = container.log.read(engine, &container.name)
        {
            self.rescued_log.extend(lines);
        }
    }
}

impl Backend for DockerBackend {
    fn id(&self) -> &'static str {
        "docker"
    }

    fn identity(&self) -> String {
        self.container
            .as_ref()
            .map(|container| container.id.chars().take(12).collect())
            .unwrap_or_default()
    }

    fn program(&self) -> String {
        self.image.clone()
    }

    fn start(&mut self, watch: &dyn Watch) -> Result<Endpoint> {
        self.connect(watch)?;
        for _ in 0..START_TRIES {
            if watch.cancelled() {
                return Err(engine::was_cancelled("start the container"));
            }
            if let Some(endpoint) = self.start_once(watch)? {
                return Ok(endpoint);
            }
        }
        Err(BackendError::new(
            "Cannot start the container: ports on 127.0.0.1 are taken, or containers removed, as fast as they are made; end the program that does it and try again",
        )
        .fix(Fix::TryAgain))
    }

    fn ended(&mut self) -> Result<Option<ServerEnd>> {
        let killed_by_us = match &self.life {
            Life::NotStarted => return Ok(None),
            Life::Ended(end) => return Ok(Some(end.clone())),
            Life::Running { killed_by_us } => *killed_by_us,
        };
        let (engine, container) = self.running()?;
        let seen = engine
            .see(&container.name)
            .map_err(|error| engine.explain("look after the server", &error))?;
        let end = match seen {
            Some(seen) if seen.running => return Ok(None),
            Some(seen) => end::how_it_ended(engine, &container.name, &seen, killed_by_us),
            None => {
                container.gone = true;
                ServerEnd::Unknown
            }
        };
        self.life = Life::Ended(end.clone());
        Ok(Some(end))
    }

    fn kill(&mut self) -> Result<ServerEnd> {
        self.kill_and_wait()
    }

    fn stop(&mut self, grace: Duration) -> Result<(ServerEnd, bool)> {
        if let Some(end) = self.ended()? {
            return Ok((end, false));
        }
        // Docker 20.10 thaws a paused container by the signal itself, Podman leaves the signal pending.
        let (engine, container) = self.running()?;
        let seen = engine
            .see(&container.name)
            .map_err(|error| engine.explain("stop the server", &error))?;
        if seen.is_some_and(|seen| seen.paused) {
            self.thaw();
        }
        let (engine, container) = self.running()?;
        engine
            .signal(&container.name, "SIGTERM")
            .map_err(|error| engine.explain("stop the server", &error))?;
        // Our own clock, not the engine's stop order: that one does not tell whether it had to kill.
        if let Some(end) = self.wait_for_end(grace)? {
            return Ok((end, false));
        }
        let end = self.kill_and_wait()?;
        Ok((end.clone(), end == ServerEnd::Signal { signal: 9 }))
    }

    fn terminate(&mut self) -> Result<()> {
        let (engine, container) = self.running()?;
        engine
            .signal(&container.name, "SIGTERM")
            .map(|_| ())
            .map_err(|error| engine.explain("stop the server", &error))
    }

    fn configure(&mut self, lines: &str) -> Result<()> {
        lines.clone_into(&mut self.more_config);
        if self.container.is_none() {
            return Ok(());
        }
        let address = self.address()?;
        let archive = self.packed_config(&address)?;
        let (engine, container) = self.running()?;
        let upload = engine.upload(&container.name, archive);
        engine.run("write the configuration into the container", upload)
    }

    fn pause(&mut self) -> Result<()> {
        let (engine, container) = self.running()?;
        let pause = engine.docker.pause_container(&container.name);
        engine.run("pause the server", pause)
    }

    fn resume(&mut self) -> Result<()> {
        let (engine, container) = self.running()?;
        let unpause = engine.docker.unpause_container(&container.name);
        engine.run("resume the server", unpause)
    }

    fn remove(&mut self, volume: bool) -> Result<ServerEnd> {
        // What `docker rm -f` does, in two steps: between them the log is saved.
        let end = self.kill_and_wait()?;
        self.rescue_log();
        let engine = self.engine()?;
        if let Some(container) = &self.container {
            engine
                .remove_container(&container.name)
                .map_err(|error| engine.explain("remove the container", &error))?;
        }
        self.container = None;
        if volume && let Some(name) = &self.volume {
            let engine = self.engine()?;
            engine
                .remove_volume(name)
                .map_err(|error| engine.explain("remove the volume", &error))?;
            // The next start makes a new one.
            self.volume = None;
        }
        Ok(end)
    }

    fn new_log_lines(&mut self) -> Result<Vec<LogLine>> {
        let mut lines = std::mem::take(&mut self.rescued_log);
        if let (Some(engine), Some(container)) = (&self.engine, &mut self.container) {
            match container.log.read(engine, &container.name) {
                Ok(fresh) => lines.extend(fresh),
                Err(error) if errors::is_missing(&error) => {}
                Err(error) => {
                    self.rescued_log = lines;
                    return Err(engine.explain("read the server's log", &error));
                }
            }
        }
        Ok(lines)
    }

    fn copy_data(&mut self, to: &Path) -> Result<()> {
        if let Some(from) = &self.spec.data {
            return crate::backend::copy_dir(from, to, &[]).map_err(|error| {
                let to = to.display();
                BackendError::new(format!("cannot copy the data directory to {to}: {error}"))
            });
        }
        if self.volume.is_none() {
            // Deleted with its container: an empty folder is the truth.
            return Ok(());
        }
        // After a removal there is no container to read the volume through.
        self.make(&Unwatched)?;
        let (engine, container) = self.running()?;
        download::download(engine, &container.name, to)
    }

    fn place_data(&mut self, from: &Path) -> Result<()> {
        if let Some(to) = &self.spec.data {
            return crate::backend::copy_dir(from, to, &[]).map_err(|error| {
                let to = to.display();
                BackendError::new(format!("cannot copy files to {to}: {error}"))
            });
        }
        self.connect(&Unwatched)?;
        self.make(&Unwatched)?;
        let files = archive::store_archive(from).map_err(|error| {
            BackendError::new(format!(
                "Cannot pack the files of {}: {error}",
                from.display()
            ))
        })?;
        let (engine, container) = self.running()?;
        let upload = engine.upload(&container.name, files);
        engine.run("copy files into the container", upload)
    }

    fn another(&self) -> Result<Box<dyn Backend>> {
        let spec = ServerSpec {
            data: None,
            ..self.spec.clone()
        };
        let mut another = DockerBackend::new(self.image.clone(), spec)
            .owner(self.owner.clone())
            .memory_bytes(self.memory_bytes);
        another.host.clone_from(&self.host);
        Ok(Box::new(another))
    }

    fn close(&mut self) -> Result<()> {
        let mut failure = None;
        if self.container.is_some() {
            self.rescue_log();
        }
        let Some(engine) = &self.engine else {
            return Ok(());
        };
        if let Some(container) = &self.container {
            match engine.remove_container(&container.name) {
                Ok(()) => self.container = None,
                Err(error) => failure = Some(engine.explain("remove the container", &error)),
            }
        }
        if let Some(volume) = &self.volume {
            match engine.remove_volume(volume) {
                Ok(()) => self.volume = None,
                Err(error) => {
                    failure.get_or_insert_with(|| engine.explain("remove the volume", &error));
                }
            }
        }
        self.life = Life::NotStarted;
        failure.map_or(Ok(()), Err)
    }
}

impl Drop for DockerBackend {
    fn drop(&mut self) {
        // A net only: who started it has closed it. What fails here carries labels for the next sweep.
        let _left = self.close();
    }
}

/// For the parts of a call that nobody watches.
struct Unwatched;

impl Watch for Unwatched {
    fn doing(&self, _text: &str, _share: Option<f64>) {}

    fn cancelled(&self) -> bool {
        false
    }
}

fn no_server() -> BackendError {
    BackendError::new(
        "Cannot give an order to the server: no container has been started; start the server first",
    )
}

fn refused_start(engine: &Engine, port: u16, error: &Error) -> BackendError {
    if errors::is_port_taken(error) {
        return BackendError::new(format!(
            "Cannot start the container: another program took port 127.0.0.1:{port} while the server was down; end that program and start again"
        ))
        .fix(Fix::TryAgain)
        .details(errors::chain(error));
    }
    engine.explain("start the container", error)
}
