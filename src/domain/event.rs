//! Facts of a running drill, in the past tense. Per-op detail never travels here: it is in the journal.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::damage::DamageDone;
use super::fault::{Fault, FaultRecord, PersistenceInfo, ServerEnd, Snapshot};
use super::image::{Comparison, ImageFinding, Repair, TailCut};
use super::ladder::{Gap, Ladder};
use super::network::NetworkHappening;
use super::op::Micros;
use super::record::RunRecord;
use super::trigger::Trigger;

/// Name of a run and of its directory: `20261120-203312-rdb-5s-process-kill-x7f3`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The server that answered, as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// `Redis`, `Valkey`, … as far as INFO tells.
    pub engine: String,
    pub version: String,
    /// `127.0.0.1:43117`.
    pub address: String,
    /// Process id or short container id; empty for an external server.
    pub identity: String,
    /// Program path or image name.
    pub program: String,
    pub os: String,
    /// Persistence directives in force, by CONFIG GET, in the order of the preset.
    pub in_force: Vec<(String, String)>,
}

/// Where a drill is. The window's buttons follow from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Idle,
    /// Choosing a backend, pulling an image, starting a server.
    Starting,
    /// Server up, nothing under way.
    Ready,
    Streaming,
    /// A fault is being performed.
    Faulting,
    /// The server is down and waits to be restarted.
    Down,
    Restarting,
    ReadingBack,
    Judging,
    /// Stopping the server and cleaning up.
    TearingDown,
    /// Over; the record is complete.
    Finished,
}

impl Phase {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Phase::Idle => "Idle",
            Phase::Starting => "Starting server",
            Phase::Ready => "Server ready",
            Phase::Streaming => "Streaming chats",
            Phase::Faulting => "Performing fault",
            Phase::Down => "Server down",
            Phase::Restarting => "Restarting server",
            Phase::ReadingBack => "Reading back",
            Phase::Judging => "Judging",
            Phase::TearingDown => "Cleaning up",
            Phase::Finished => "Finished",
        }
    }
}

/// A fact. Serialised one a line into the run's `timeline.jsonl`, except for [`DrillEvent::Judged`]'s record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum DrillEvent {
    RunStarted {
        run: RunId,
        dir: PathBuf,
    },
    BackendChosen {
        backend: String,
        /// Why, when it was `auto`'s choice.
        reason: String,
    },
    ServerStarted {
        info: ServerInfo,
        took: Duration,
    },
    StreamStarted,
    StreamPaused {
        acked: u64,
    },
    SnapshotFinished {
        snapshot: Snapshot,
    },
    /// A fault waits for its moment.
    Armed {
        fault: Fault,
        trigger: Trigger,
    },
    /// The user has taken it back.
    Disarmed,
    /// The moment did not come, and so nothing was done.
    MomentMissed {
        trigger: Trigger,
        reason: String,
    },
    FaultBegan {
        fault: Fault,
        before: Option<PersistenceInfo>,
    },
    FaultDone {
        record: Box<FaultRecord>,
    },
    /// The server ended although nobody asked it to.
    ServerDied {
        end: ServerEnd,
        last_words: Vec<String>,
    },
    ServerRestarted {
        info: ServerInfo,
        took: Duration,
    },
    /// The server did not come back: a result, not a failure of the drill.
    ServerRefused {
        end: ServerEnd,
        words: Vec<String>,
    },
    ReadbackFinished {
        sessions: u64,
        entries: u64,
        unread_sessions: u64,
        took: Duration,
    },
    Judged {
        #[serde(skip)]
        record: Option<Arc<RunRecord>>,
        /// The verdict in one sentence.
        sentence: String,
    },
    Warned {
        text: String,
    },
    DataKept {
        path: PathBuf,
    },
    /// The network between client and server did what the plan says.
    NetworkHappened {
        happening: NetworkHappening,
    },
    /// A file of the dead server was damaged.
    DamageDone {
        done: DamageDone,
    },
    /// A copy of the data that the server refuses was repaired and tried.
    Repaired {
        repair: Repair,
    },
    /// One captured instant, both ends.
    Compared {
        comparison: Comparison,
    },
    /// What a power cut would have taken at that instant of the stream.
    WhatIf {
        finding: ImageFinding,
    },
    /// What a power cut could have left: a range, not an observation.
    TailCutTried {
        tail_cut: TailCut,
    },
    /// The drill cannot go on. `error` names the operation, the cause and what to do.
    Failed {
        error: String,
        fix: Option<Fix>,
    },
    Cancelled,
    /// Everything that was started is stopped and removed.
    RunFinished,
}

/// A way out that the window can offer as a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Docker does not answer: use the local program.
    UseLocalServer,
    /// No local program: use Docker.
    UseDocker,
    ChooseServerProgram,
    ChooseAnotherImage,
    TryAgain,
    /// The external server holds keys: agree to write beside them.
    AllowNonEmpty,
    /// No faulty disk can be had: kill the process instead, and try every end of the AOF.
    TailCut,
}

/// An event with its time, as it stands in the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimedEvent {
    pub at: Micros,
    #[serde(flatten)]
    pub event: DrillEvent,
}

/// The meter: how far a drill is. Overwritten many times a second; only the newest counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub run: RunId,
    pub at: Micros,
    pub phase: Phase,
    /// What is being done, with numbers: `Pulling redis:7-alpine, 12 of 41 MB`.
    pub doing: String,
    /// Of the present phase, 0 to 1, where that is known.
    pub share: Option<f64>,
    pub sent: u64,
    pub acked: u64,
    pub refused: u64,
    /// Invoked and not yet completed.
    pub in_flight: u64,
    /// Open loop: ops that are due but have no room in a pipeline.
    pub backlog: u64,
    pub acked_per_sec: f64,
    pub info: Option<PersistenceInfo>,
    /// What a process kill would take now.
    pub kill_takes: Option<Gap>,
    /// What a power cut would take now.
    pub cut_takes: Option<Gap>,
    /// Both are counted on the faulty disk, not estimated.
    pub gaps_exact: bool,
    /// The run began this many microseconds (wall clock) after the Unix epoch.
    pub began_unix_micros: u64,
}

/// The live picture, shared between the load thread (writes) and the window (reads). Bounded.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// `[seconds, acknowledged]`, at most [`LiveView::MAX_POINTS`].
    pub acked: Vec<[f64; 2]>,
    /// The newest acknowledgements as (session, position in the order of acknowledgement), thinned out when they come fast.
    pub ticks: Vec<(u32, u32)>,
    /// Acknowledged messages by session.
    pub by_session: Vec<u32>,
    /// The ladder of durability, bounded by itself.
    pub ladder: Ladder,
    /// Counts up at each change.
    pub generation: u64,
    /// How the drill's own server is reached while it is there.
    pub door: Option<Door>,
}

/// The way to a server that we started. In memory only: it holds the server's password.
#[derive(Clone, PartialEq, Eq)]
pub struct Door {
    pub host: String,
    pub port: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    pub database: i64,
    /// The backend that owns it is ours: not an address that the user gave.
    pub ours: bool,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl LiveView {
    pub const MAX_POINTS: usize = 20_000;
    pub const MAX_TICKS: usize = 60_000;
}
