//! Where one store has its turn: a server, a namespace of its own, and what the check may start beside it.

use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::server::Owned;
use super::store::yours::YourStore;
use super::store::{Memory, StoreError, Trouble};
use crate::adapter::StoreCommand;
use crate::backend::{BackendError, Endpoint, Wire};
use crate::client::talk::Talk;
use crate::domain::check::{Candidate, Layout};
use crate::network::gate::{Held, Matcher};
use crate::network::proxy::Proxy;

/// Longest wait for one reply, one gate, one barrier. Generous: a busy machine must not make a finding.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What does not change during a suite.
#[derive(Clone, Debug)]
pub struct Place {
    /// Program of our own servers; looked for on PATH if `None`.
    pub program: Option<PathBuf>,
    /// A second engine, for checks that go from one to the other.
    pub other_program: Option<PathBuf>,
    /// Where our servers make their directories.
    pub scratch: PathBuf,
    pub layout: Option<Layout>,
    pub seed: u64,
    pub store: Option<StoreCommand>,
    /// Longest silence of the user's store.
    pub store_patience: Duration,
    /// Whether hazards are forced. Tests turn it off to see that nothing is green then.
    pub forcing: bool,
}

/// Why a check could not be carried through.
#[derive(Debug)]
pub enum Stop {
    /// The check failed.
    Failed(String),
    /// The hazard did not come about.
    NotForced(String),
    /// The user's store hung, died or answered nonsense: that is what the check has found.
    Unwell(String),
    /// It cannot be performed here, and why.
    NotHere(String),
    Cancelled,
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Stop {
        Stop::Failed(trouble.to_string())
    }
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Stop {
        Stop::Failed(match error.details.is_empty() {
            true => error.message,
            false => format!("{}: {}", error.message, error.details),
        })
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Stop {
        Stop::Failed(format!("SQLite: {error}"))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        Stop::Failed(error.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        match error {
            StoreError::Unwell(text) => Stop::Unwell(text),
            other => Stop::Failed(other.to_string()),
        }
    }
}

/// Evidence as it comes in.
#[derive(Debug, Default)]
pub struct Notes(pub Vec<String>);

impl Notes {
    pub fn add(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }
}

/// Commands by which a store may write a message. MULTI stands for what follows it.
pub const WRITES: [&str; 16] = [
    "MULTI", "SET", "SETEX", "PSETEX", "GETSET", "APPEND", "RPUSH", "LPUSH", "EVAL", "EVALSHA",
    "HSET", "HMSET", "ZADD", "XADD", "FCALL", "JSON.SET",
];

/// As many gates as messages, unless hazards are not forced: then none.
pub fn gates(
    stage: &Stage<'_>,
    proxy: &Proxy,
    count: usize,
    matcher: impl Fn() -> Matcher,
) -> Vec<Held> {
    let count = if stage.place.forcing { count } else { 0 };
    (0..count).map(|_| proxy.hold(matcher())).collect()
}

/// Gates for any write.
pub struct WriteGates(Vec<Held>);

impl WriteGates {
    /// Whether `count` writes stand before the gates within `patience`.
    #[must_use]
    pub fn stand(&self, count: usize, patience: Duration, cancel: &AtomicBool) -> bool {
        let until = Instant::now() + patience;
        loop {
            let standing = self
                .0
                .iter()
                .filter(|gate| gate.wait_held(Duration::ZERO).is_some());
            if standing.count() >= count {
                return true;
            }
            if Instant::now() > until || cancel.load(Ordering::SeqCst) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn open(self) {}
}

/// One store's turn.
pub struct Stage<'a> {
    pub place: &'a Place,
    /// The check's id.
    pub check: &'static str,
    pub endpoint: Endpoint,
    /// Whether the server is ours alone: only there may all keys be looked at.
    pub own: bool,
    /// Begins every key; ends with a colon.
    pub prefix: String,
    pub cancel: &'a Arc<AtomicBool>,
}

impl Stage<'_> {
    /// # Errors
    /// The server does not answer.
    pub fn talk(&self) -> Result<Talk, Stop> {
        Ok(Talk::open(&self.endpoint, PATIENCE)?)
    }

    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The layout for checks in which it makes no difference.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.place.layout.unwrap_or(Layout::List)
    }

    /// The layouts for checks in which it does.
    #[must_use]
    pub fn layouts(&self) -> Vec<Layout> {
        self.place
            .layout
            .map_or_else(|| Layout::ALL.to_vec(), |layout| vec![layout])
    }

    /// Whether `who` decides the layout itself: then one turn is enough.
    #[must_use]
    pub fn layouts_of(&self, who: Candidate) -> Vec<Layout> {
        match who {
            Candidate::Yours => vec![self.layout()],
            Candidate::Naive | Candidate::Sound => self.layouts(),
        }
    }

    /// The same stage with another part of the namespace.
    #[must_use]
    pub fn within(&self, name: &str) -> Stage<'_> {
        Stage {
            place: self.place,
            check: self.check,
            own: self.own,
            endpoint: self.endpoint.clone(),
            prefix: format!("{}{name}:", self.prefix),
            cancel: self.cancel,
        }
    }

    /// The same stage on another server, or behind a proxy.
    #[must_use]
    pub fn on(&self, endpoint: &Endpoint) -> Stage<'_> {
        Stage {
            place: self.place,
            check: self.check,
            own: self.own,
            endpoint: endpoint.clone(),
            prefix: self.prefix.clone(),
            cancel: self.cancel,
        }
    }

    /// A server for this check alone.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn server(&self, config: &str) -> Result<Owned, Stop> {
        Owned::start(self.place, config)
    }

    /// The user's store.
    ///
    /// # Errors
    /// It cannot be started, or does not speak the protocol.
    pub fn yours(&self, ttl: Option<Duration>) -> Result<Box<dyn Memory>, Stop> {
        let command = self.place.store.as_ref().ok_or_else(|| {
            Stop::Failed("there is no store of the user's: give --store-cmd".into())
        })?;
        let cancel = Arc::clone(self.cancel);
        let store = YourStore::start(
            command,
            &self.endpoint,
            &self.prefix,
            ttl,
            self.place.store_patience,
            Arc::new(move || cancel.load(Ordering::SeqCst)),
        )?;
        Ok(Box::new(store))
    }

    /// A proxy before this stage's server.
    ///
    /// # Errors
    /// No port, or the server's name is unknown.
    pub fn proxy(&self) -> Result<Proxy, Stop> {
        if self.endpoint.wire != Wire::Tcp {
            return Err(Stop::NotHere(
                "the hazard is forced by a proxy that reads the commands, and that it can on a plain TCP address only"
                    .into(),
            ));
        }
        let address = (self.endpoint.host.as_str(), self.endpoint.port)
            .to_socket_addrs()?
            .next();
        let address = address
            .ok_or_else(|| Stop::Failed(format!("{} has no address", self.endpoint.host)))?;
        Ok(Proxy::start(address)?)
    }

    /// The server as it is reached through the proxy.
    #[must_use]
    pub fn behind(&self, proxy: &Proxy) -> Endpoint {
        Endpoint {
            host: proxy.address().ip().to_string(),
            port: proxy.address().port(),
            ..self.endpoint.clone()
        }
    }

    /// Gates for the next `count` writes, whatever command they are: the user's store chooses its own.
    #[must_use]
    pub fn write_gates(&self, proxy: &Proxy, count: usize) -> WriteGates {
        WriteGates(
            WRITES
                .iter()
                .flat_map(|name| gates(self, proxy, count, || Matcher::command().name(name)))
                .collect(),
        )
    }

    /// # Errors
    /// The user has cancelled.
    pub fn go_on(&self) -> Result<(), Stop> {
        if self.cancel.load(Ordering::SeqCst) {
            return Err(Stop::Cancelled);
        }
        Ok(())
    }

    /// Waits until `done` says so. This is no forcing: it waits for what is bound to come.
    ///
    /// # Errors
    /// It has not come in time, or the user has cancelled.
    pub fn until(
        &self,
        what: &str,
        mut done: impl FnMut() -> Result<bool, Stop>,
    ) -> Result<Duration, Stop> {
        let begun = Instant::now();
        while !done()? {
            self.go_on()?;
            if begun.elapsed() > PATIENCE {
                return Err(Stop::Failed(format!(
                    "waited {} s in vain until {what}",
                    PATIENCE.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(begun.elapsed())
    }
}
