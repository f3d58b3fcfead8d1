//! A suite: which checks run where, one after the other within a group, groups side by side, told as it goes.
//!
//! Decides nothing about stores: the verdict comes from `domain::check::judge`.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use chrono::Utc;

use super::namespace::{self, Namespace};
use super::server::{IN_MEMORY, Owned, version};
use super::stage::{Notes, PATIENCE, Place, Stage, Stop};
use super::{Entry, all};
use crate::backend::{BackendError, Endpoint};
use crate::client::budget::Budget;
use crate::client::reader::{ReadError, Reader};
use crate::client::talk::{Talk, Trouble};
use crate::client::target::Target as Address;
use crate::domain::check::{
    Candidate, CheckResult, Finding, Group, Standing, SuiteRecord, Trial, judge,
};
use crate::domain::op::Completion;

/// Groups at once: a check waits for answers most of its time.
const WORKERS: usize = 4;

/// Where the checks run.
#[derive(Clone, Debug)]
pub enum Target {
    /// Servers that we start.
    Own,
    /// The user's. Notes about our keys lie in `notes`.
    Given { endpoint: Endpoint, notes: PathBuf },
}

/// Who stands before a check. Tests put the naive store in the sound one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    pub naive: Candidate,
    pub tested: Candidate,
}

impl Cast {
    pub const USUAL: Cast = Cast {
        naive: Candidate::Naive,
        tested: Candidate::Sound,
    };
    pub const YOURS: Cast = Cast {
        naive: Candidate::Naive,
        tested: Candidate::Yours,
    };
}

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Request {
    pub target: Target,
    pub place: Place,
    /// Ids of the checks; empty means all.
    pub checks: Vec<&'static str>,
    pub cast: Cast,
}

/// What has happened.
#[derive(Clone, Debug)]
pub enum CheckEvent {
    /// The server that answers, `Redis 7.0.15`.
    Server(String),
    /// Keys of a suite that had died were removed.
    Swept {
        prefix: String,
        keys: u64,
    },
    /// Keys could not be removed; the next suite on this server does it.
    Left {
        prefix: String,
        why: String,
    },
    Started(&'static str),
    Finished(Box<CheckResult>),
    /// Nothing more comes.
    Done(Arc<SuiteRecord>),
    /// The suite could not begin: in words, with what to do.
    Failed(String),
}

/// A running suite.
pub struct SuiteHandle {
    pub events: Receiver<CheckEvent>,
    cancel: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SuiteHandle {
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::SeqCst);
    }

    /// Waits until everything is cleaned up.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts a suite on threads of its own. `wake` is called after each event.
#[must_use]
pub fn launch(request: Request, wake: Box<dyn Fn() + Send + Sync>) -> SuiteHandle {
    let (sender, events) = channel();
    let cancel = Arc::new(AtomicBool::new(false));
    let suite = Suite {
        request,
        cancel: Arc::clone(&cancel),
        tell: Tell { sender, wake },
    };
    let thread = std::thread::Builder::new()
        .name("checks".into())
        .spawn(move || suite.run())
        .expect("the system has threads");
    SuiteHandle {
        events,
        cancel,
        thread: Some(thread),
    }
}

struct Tell {
    sender: Sender<CheckEvent>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Tell {
    fn event(&self, event: CheckEvent) {
        let _ = self.sender.send(event);
        (self.wake)();
    }
}

struct Suite {
    request: Request,
    cancel: Arc<AtomicBool>,
    tell: Tell,
}

/// A server for the checks of one group, and the namespace on it.
struct Ground {
    endpoint: Endpoint,
    space: Namespace,
    /// Ends with the ground.
    _server: Option<Owned>,
}

impl Suite {
    fn run(self) {
        let (began, clock) = (Utc::now(), Instant::now());
        let server = match self.begin() {
            Ok(server) => server,
            Err(why) => return self.tell.event(CheckEvent::Failed(why)),
        };
        self.tell.event(CheckEvent::Server(server.clone()));
        let results = self.groups();
        let place = &self.request.place;
        let address = match &self.request.target {
            Target::Own => None,
            Target::Given { endpoint, .. } => Some(namespace::address(endpoint)),
        };
        let record = SuiteRecord {
            began,
            took: clock.elapsed(),
            server,
            address,
            layout: place.layout,
            seed: place.seed,
            store_command: place.store.as_ref().map(|store| store.text.clone()),
            tool_version: env!("CARGO_PKG_VERSION").into(),
            cancelled: self.cancel.load(Ordering::SeqCst),
            results,
        };
        self.tell.event(CheckEvent::Done(Arc::new(record)));
    }

    /// Looks whether there is a server, and cleans up after suites that have died on it.
    fn begin(&self) -> Result<String, String> {
        let told = |stop: Stop| match stop {
            Stop::Failed(why) | Stop::NotForced(why) | Stop::Unwell(why) | Stop::NotHere(why) => {
                why
            }
            Stop::Cancelled => "cancelled".into(),
        };
        match &self.request.target {
            Target::Own => {
                let server = Owned::start(&self.request.place, IN_MEMORY).map_err(told)?;
                version(&mut server.talk().map_err(told)?).map_err(|trouble| told(trouble.into()))
            }
            Target::Given { endpoint, notes } => {
                let address = namespace::address(endpoint);
                let unreachable = |trouble| match mismatch(endpoint) {
                    Some(why) => why,
                    None => format!(
                        "no Redis answers at {address}: {trouble}; check address, user and password"
                    ),
                };
                let mut talk = Talk::open(endpoint, PATIENCE).map_err(unreachable)?;
                // Only the first command shows that an encrypted connection does not stand, or that it is no Redis.
                let unsaid = |trouble: Trouble| match trouble.completion {
                    Completion::Refused => trouble.to_string(),
                    _ => unreachable(trouble),
                };
                let version = version(&mut talk).map_err(unsaid)?;
                if version.ends_with(' ') {
                    return Err(format!(
                        "what answers at {address} does not say that it is a Redis"
                    ));
                }
                let swept = namespace::sweep(notes, endpoint, &mut talk)
                    .map_err(|trouble| format!("cannot clean up at {address}: {trouble}"))?;
                for (prefix, keys) in swept {
                    self.tell.event(CheckEvent::Swept { prefix, keys });
                }
                Ok(version)
            }
        }
    }

    fn wanted(&self) -> Vec<&'static Entry> {
        let wanted = &self.request.checks;
        all()
            .iter()
            .filter(|entry| wanted.is_empty() || wanted.contains(&entry.check.id))
            .collect()
    }

    /// Groups side by side; results in the registry's order.
    fn groups(&self) -> Vec<CheckResult> {
        let wanted = self.wanted();
        let mut groups: Vec<Group> = Group::ALL
            .into_iter()
            .filter(|group| wanted.iter().any(|entry| entry.check.group == *group))
            .collect();
        // What takes longest begins first, so that it is not alone at the end.
        groups.sort_by_key(|group| match group {
            Group::Retry => 0,
            Group::Restart => 1,
            Group::Eviction => 2,
            _ => 3,
        });
        let queue = Mutex::new(VecDeque::from(groups));
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    loop {
                        let group = lock(&queue).pop_front();
                        let Some(group) = group else { return };
                        let done = self.group(group, &wanted);
                        lock(&results).extend(done);
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let order = |result: &CheckResult| {
            all()
                .iter()
                .position(|entry| entry.check.id == result.check.id)
        };
        results.sort_by_key(order);
        results
    }

    fn group(&self, group: Group, wanted: &[&'static Entry]) -> Vec<CheckResult> {
        let entries = wanted.iter().filter(|entry| entry.check.group == group);
        let mut ground = None;
        let results = entries
            .map(|entry| self.check(entry, &mut ground))
            .collect();
        if let Some(Ok(Ground {
            endpoint,
            space,
            _server: None,
        })) = ground
        {
            // On our own server the keys end with it.
            let removed =
                Talk::open(&endpoint, PATIENCE).and_then(|mut talk| space.remove(&mut talk));
            drop(removed);
        }
        results
    }

    fn check(&self, entry: &Entry, ground: &mut Option<Result<Ground, String>>) -> CheckResult {
        let clock = Instant::now();
        let standing = match self.not_here(entry) {
            Some(why) => Standing::NotRun(why),
            None => {
                self.tell.event(CheckEvent::Started(entry.check.id));
                match ground.get_or_insert_with(|| self.ground()) {
                    Ok(ground) => self.both(entry, ground),
                    Err(why) => Standing::NotRun(why.clone()),
                }
            }
        };
        let result = CheckResult {
            check: entry.check,
            standing,
            took: clock.elapsed(),
        };
        self.tell
            .event(CheckEvent::Finished(Box::new(result.clone())));
        result
    }

    /// Why the check is left out.
    fn not_here(&self, entry: &Entry) -> Option<String> {
        if self.cancel.load(Ordering::SeqCst) {
            return Some("cancelled before its turn".into());
        }
        if self.request.cast.tested == Candidate::Yours && !entry.check.yours {
            return Some("it looks at no memory store of yours: it shows a pattern".into());
        }
        match (&self.request.target, entry.check.own_server) {
            (Target::Given { .. }, Some(why)) => Some(format!(
                "not run here: {why}, so it runs on servers of our own only (leave the address out)"
            )),
            _ => None,
        }
    }

    fn ground(&self) -> Result<Ground, String> {
        let failed = |error: BackendError| error.message;
        match &self.request.target {
            Target::Own => match Owned::start(&self.request.place, IN_MEMORY) {
                Ok(server) => Ok(Ground {
                    endpoint: server.endpoint.clone(),
                    space: Namespace::unnoted().map_err(failed)?,
                    _server: Some(server),
                }),
                Err(stop) => Err(format!("the group's server did not start: {stop:?}")),
            },
            Target::Given { endpoint, notes } => Ok(Ground {
                endpoint: endpoint.clone(),
                space: Namespace::noted(notes, endpoint).map_err(failed)?,
                _server: None,
            }),
        }
    }

    /// The naive store's turn, then the other's.
    fn both(&self, entry: &Entry, ground: &Ground) -> Standing {
        let cast = self.request.cast;
        let turn = |candidate, place: &str| {
            let stage = Stage {
                place: &self.request.place,
                check: entry.check.id,
                endpoint: ground.endpoint.clone(),
                own: ground._server.is_some(),
                prefix: format!("{}{}:{place}:", ground.space.prefix, entry.check.id),
                cancel: &self.cancel,
            };
            turn(entry, &stage, candidate)
        };
        let naive = match turn(cast.naive, "control") {
            Ok(trial) => trial,
            Err(why) => return Standing::NotRun(why),
        };
        let tested = match turn(cast.tested, "tested") {
            Ok(trial) => trial,
            Err(why) => return Standing::NotRun(why),
        };
        let (verdict, ground) = judge(&naive, &tested);
        Standing::Judged {
            verdict,
            ground,
            naive,
            tested,
        }
    }
}

/// What is wrong with the encryption, in the words of those who look into stores.
fn mismatch(endpoint: &Endpoint) -> Option<String> {
    let budget = Arc::new(Budget::new(1000));
    match Reader::open(&Address::of(endpoint), budget).err()? {
        error @ (ReadError::NoTls { .. }
        | ReadError::NotTrusted { .. }
        | ReadError::Authority { .. }
        | ReadError::WantsCertificate { .. }
        | ReadError::ClosedAtOnce { .. }) => Some(error.to_string()),
        _ => None,
    }
}

/// One store's turn; an error if there is nothing to judge.
fn turn(entry: &Entry, stage: &Stage<'_>, candidate: Candidate) -> Result<Trial, String> {
    let mut notes = Notes::default();
    let performed = catch_unwind(AssertUnwindSafe(|| {
        (entry.perform)(stage, candidate, &mut notes)
    }));
    // A store that was let go in the middle has shown nothing.
    if candidate == Candidate::Yours && stage.cancel.load(Ordering::SeqCst) {
        return Err("cancelled".into());
    }
    let finding = match performed {
        Err(_) => Finding::Failed("the check panicked".into()),
        Ok(Ok(finding)) => finding,
        Ok(Err(Stop::Failed(why))) => Finding::Failed(why),
        Ok(Err(Stop::NotForced(why))) => Finding::NotForced(why),
        Ok(Err(Stop::Unwell(why))) if candidate == Candidate::Yours => Finding::Caught(why),
        Ok(Err(Stop::Unwell(why))) => Finding::Failed(why),
        Ok(Err(Stop::NotHere(why))) => return Err(format!("not run here: {why}")),
        Ok(Err(Stop::Cancelled)) => return Err("cancelled".into()),
    };
    Ok(Trial {
        candidate,
        finding,
        evidence: notes.0,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
