//! What is done to the server, and the record of having done it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::evidence::DiskEvidence;
use super::op::Micros;
use super::trigger::Hit;

/// The kinds of fault that this build can perform. Names are those of `--fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    ProcessKill,
    PowerLoss,
    GracefulStop,
    Pause,
    ContainerRemoved,
    ContainerRemovedWithVolume,
}

impl FaultKind {
    pub const ALL: [FaultKind; 6] = [
        FaultKind::ProcessKill,
        FaultKind::PowerLoss,
        FaultKind::GracefulStop,
        FaultKind::Pause,
        FaultKind::ContainerRemoved,
        FaultKind::ContainerRemovedWithVolume,
    ];

    /// The name on the command line and in files.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            FaultKind::ProcessKill => "process-kill",
            FaultKind::PowerLoss => "power-loss",
            FaultKind::GracefulStop => "graceful-stop",
            FaultKind::Pause => "pause",
            FaultKind::ContainerRemoved => "container-removed",
            FaultKind::ContainerRemovedWithVolume => "container-removed-with-volume",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            FaultKind::ProcessKill => "Process kill",
            FaultKind::PowerLoss => "Power loss",
            FaultKind::GracefulStop => "Graceful stop",
            FaultKind::Pause => "Pause",
            FaultKind::ContainerRemoved => "Container removed, volume kept",
            FaultKind::ContainerRemovedWithVolume => "Container and volume removed",
        }
    }

    /// What really happens, in one sentence.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            FaultKind::ProcessKill => {
                "SIGKILL to the server and its children; the operating system and its page cache live on, so this is not a power cut"
            }
            FaultKind::PowerLoss => {
                "The server dies and every byte and every rename that was not fsynced is gone, as after a power cut"
            }
            FaultKind::GracefulStop => {
                "SIGTERM, a grace period, then SIGKILL: what docker stop and systemctl stop do"
            }
            FaultKind::Pause => "The server is frozen and thawed: writes time out, nothing dies",
            FaultKind::ContainerRemoved => {
                "docker rm -f: SIGKILL, and a new container on the same volume"
            }
            FaultKind::ContainerRemovedWithVolume => {
                "docker rm -f -v: the data directory is deleted with the container"
            }
        }
    }

    /// What a drill with it shows, after "it shows".
    #[must_use]
    pub fn proves(self) -> &'static str {
        match self {
            FaultKind::ProcessKill => {
                "what Redis had handed to the operating system when it died; it proves nothing about fsync, because the page cache outlives the process"
            }
            FaultKind::PowerLoss => {
                "what was fsynced when the power failed: the fault that appendfsync is for"
            }
            FaultKind::GracefulStop => {
                "what the final save and fsync keep, and that the grace is long enough for them"
            }
            FaultKind::Pause => {
                "what clients do with answers that do not come; nothing is lost by it"
            }
            FaultKind::ContainerRemoved => {
                "that the data lies in a volume that outlives its container"
            }
            FaultKind::ContainerRemovedWithVolume => {
                "what a clean-up, or a test harness that removes volumes, takes away"
            }
        }
    }

    /// Whether the server has to be started again afterwards.
    #[must_use]
    pub fn ends_server(self) -> bool {
        self != FaultKind::Pause
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FaultKind::ALL
            .into_iter()
            .find(|kind| kind.id() == text)
            .ok_or_else(|| {
                let known: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.id()).collect();
                format!("unknown fault \"{text}\"; known are {}", known.join(", "))
            })
    }
}

/// A fault with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// Graceful stop: how long after SIGTERM the SIGKILL comes. 10 s is Docker's default on Linux.
    pub grace: Duration,
    /// Pause: how long the server stays frozen.
    pub pause: Duration,
}

impl Fault {
    pub const DEFAULT_GRACE: Duration = Duration::from_secs(10);
    pub const DEFAULT_PAUSE: Duration = Duration::from_secs(3);

    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Fault {
            kind,
            grace: Self::DEFAULT_GRACE,
            pause: Self::DEFAULT_PAUSE,
        }
    }
}

/// How the server ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum ServerEnd {
    /// By a signal, for example 9.
    Signal { signal: i32 },
    /// By itself.
    Exit { code: i32 },
    /// The kernel took it for want of memory.
    OutOfMemory,
    /// It did not end (pause), or its end cannot be seen from here (external).
    Unknown,
}

impl fmt::Display for ServerEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerEnd::Signal { signal: 9 } => f.write_str("killed by SIGKILL"),
            ServerEnd::Signal { signal: 15 } => f.write_str("killed by SIGTERM"),
            ServerEnd::Signal { signal } => write!(f, "killed by signal {signal}"),
            ServerEnd::Exit { code } => write!(f, "exited with code {code}"),
            ServerEnd::OutOfMemory => f.write_str("killed by the operating system: out of memory"),
            ServerEnd::Unknown => f.write_str("end not observed"),
        }
    }
}

/// What `INFO persistence` said last before a fault, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PersistenceInfo {
    pub at: Micros,
    pub aof_enabled: bool,
    /// An fsync was in flight: the one state in which a process kill under `everysec` loses
    /// acknowledged writes (measured: 31 of 32 kills armed at it; 0 of 60 without).
    pub aof_pending_bio_fsync: u64,
    /// Bytes answered but not yet handed to the kernel.
    pub aof_buffer_length: u64,
    pub aof_delayed_fsync: u64,
    pub aof_current_size: u64,
    pub aof_rewrite_in_progress: bool,
    pub rdb_bgsave_in_progress: bool,
    pub rdb_changes_since_last_save: u64,
    /// Unix seconds.
    pub rdb_last_save_time: i64,
    pub rdb_last_bgsave_ok: bool,
    pub aof_last_write_ok: bool,
    pub latest_fork_usec: u64,
    pub evicted_keys: u64,
    pub expired_keys: u64,
    pub used_memory_bytes: u64,
    pub loading: bool,
}

/// A fault as it was performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    pub fault: Fault,
    /// The instant the signal was sent: loss windows are measured from here.
    pub at: Micros,
    /// The instant the server was seen dead and the last reply in the sockets was read (or thawed again).
    pub dead: Micros,
    pub end: ServerEnd,
    /// Graceful stop only: the grace ran out and SIGKILL was needed.
    pub escalated: bool,
    pub before: Option<PersistenceInfo>,
    /// The fork of the last snapshot that was finished before the fault, if any was.
    pub last_snapshot: Option<Snapshot>,
    /// What the faulty disk knew, if the server's data directory was on one.
    #[serde(default)]
    pub disk: Option<DiskEvidence>,
    /// The moment that was hit, if the fault was armed.
    #[serde(default)]
    pub hit: Option<Hit>,
}

/// One finished BGSAVE (or AOF-less SAVE). Its content is the data set at the *fork*.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Not later than the fork: every op acknowledged before this is in the snapshot.
    pub fork: Micros,
    pub finished: Micros,
}
