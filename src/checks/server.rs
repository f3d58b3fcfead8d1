//! A server of the check's own: started, restarted and ended through the backend, gone when it is dropped.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::stage::{PATIENCE, Place, Stop};
use crate::backend::lease::CONFIG_FILE;
use crate::backend::process::ProcessBackend;
use crate::backend::{Backend, BackendError, Endpoint, ServerSpec, Watch};
use crate::client::connect::{Readiness, ask};
use crate::client::talk::{Reply, Talk, Trouble};

/// Nothing on disk: for checks in which the server never ends.
pub const IN_MEMORY: &str = "save \"\"\nappendonly no\n";
/// Time for a server to come up, its data loaded.
const START: Duration = Duration::from_secs(30);

/// The server.
pub struct Owned {
    backend: ProcessBackend,
    pub endpoint: Endpoint,
    directory: Option<PathBuf>,
}

struct Silent;

impl Watch for Silent {
    fn doing(&self, _text: &str, _share: Option<f64>) {}

    fn cancelled(&self) -> bool {
        false
    }
}

impl Owned {
    pub fn start(place: &Place, config: &str) -> Result<Owned, Stop> {
        Owned::start_program(place.program.clone(), place, config)
    }

    pub fn start_program(
        program: Option<PathBuf>,
        place: &Place,
        config: &str,
    ) -> Result<Owned, Stop> {
        let spec = ServerSpec {
            config: config.to_owned(),
            run: "check".into(),
            scratch: place.scratch.clone(),
            data: None,
        };
        let mut backend = ProcessBackend::new(program, spec);
        let endpoint = backend.start(&Silent)?;
        let mut owned = Owned {
            backend,
            endpoint,
            directory: None,
        };
        owned.ready()?;
        owned.directory = Some(owned.asked_directory()?);
        Ok(owned)
    }

    /// Waits until it answers.
    fn ready(&mut self) -> Result<(), Stop> {
        let begun = Instant::now();
        loop {
            let answer = ask(&self.endpoint, Duration::from_secs(2));
            if answer == Readiness::Ready {
                return Ok(());
            }
            if let Some(end) = self.backend.ended()? {
                let lines = self.backend.new_log_lines()?;
                let last = lines.iter().rev().take(3).rev();
                let words: Vec<&str> = last.map(|line| line.text.trim()).collect();
                return Err(Stop::Failed(format!(
                    "the server ended by itself ({end:?}): {}",
                    words.join(" / ")
                )));
            }
            if begun.elapsed() > START {
                return Err(Stop::Failed(format!(
                    "the server did not become ready within {} s: {answer:?}",
                    START.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn talk(&self) -> Result<Talk, Stop> {
        Ok(Talk::open(&self.endpoint, PATIENCE)?)
    }

    pub fn kill(&mut self) -> Result<(), Stop> {
        self.backend.kill()?;
        Ok(())
    }

    /// SIGTERM, and time enough for it.
    pub fn stop(&mut self) -> Result<(), Stop> {
        let (_, forced) = self.backend.stop(START)?;
        if forced {
            return Err(Stop::Failed("the server did not stop on SIGTERM".into()));
        }
        Ok(())
    }

    /// Starts it again on the same data and waits until it answers.
    pub fn start_again(&mut self) -> Result<(), Stop> {
        self.spawn_again()?;
        self.ready()
    }

    /// Starts it again and returns at once.
    pub fn spawn_again(&mut self) -> Result<(), Stop> {
        self.endpoint = self.backend.start(&Silent)?;
        Ok(())
    }

    pub fn pause(&mut self) -> Result<(), BackendError> {
        self.backend.pause()
    }

    pub fn resume(&mut self) -> Result<(), BackendError> {
        self.backend.resume()
    }

    /// Copies what the dead server has written.
    pub fn copy_data(&mut self, to: &Path) -> Result<(), Stop> {
        self.backend.copy_data(to)?;
        Ok(())
    }

    /// Adds lines to the configuration file that the next start reads: what an edited redis.conf comes to.
    pub fn append_config(&self, lines: &str) -> Result<(), Stop> {
        let path = self.directory()?.join(CONFIG_FILE);
        let text = std::fs::read_to_string(&path)?;
        std::fs::write(&path, format!("{text}\n{lines}"))?;
        Ok(())
    }

    /// The server's own directory, as it has named it.
    pub fn directory(&self) -> Result<PathBuf, Stop> {
        let directory = self.directory.clone();
        directory.ok_or_else(|| Stop::Failed("the server has named no directory".into()))
    }

    fn asked_directory(&self) -> Result<PathBuf, Stop> {
        let answer = crate::say!(self.talk()?, "CONFIG", "GET", "dir")?.array();
        Ok(PathBuf::from(
            answer.last().map(Reply::text).unwrap_or_default(),
        ))
    }
}

/// Name and version of the server, `Redis 7.0.15`.
pub fn version(talk: &mut Talk) -> Result<String, Trouble> {
    let info = crate::say!(talk, "INFO", "server")?.text();
    let server = crate::client::info::Info::parse(&info).server();
    Ok(format!("{} {}", server.engine, server.version))
}
