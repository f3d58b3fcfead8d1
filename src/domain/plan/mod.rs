//! What a drill shall be: parsed once, valid ever after.

use std::path::PathBuf;
use std::time::Duration;

mod conditions;
mod draft;
mod field;

use serde::{Deserialize, Serialize};

use super::contract::{Contract, Gate, Promise};
use super::damage::Damage;
use super::disk::DiskPlan;
use super::fault::{Fault, FaultKind};
use super::network::NetworkFault;
use super::preset::Preset;
use super::trigger::Trigger;
use super::workload::Workload;

pub use draft::PlanDraft;
pub use field::{Field, FieldError};

/// Who owns the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "backend")]
pub enum BackendChoice {
    /// Docker when an engine answers, else the local process.
    Auto {
        image: String,
        /// Path of the server program; `None` looks on PATH.
        program: Option<PathBuf>,
    },
    Process {
        program: Option<PathBuf>,
    },
    Docker {
        image: String,
    },
    External(External),
}

impl BackendChoice {
    pub const DEFAULT_IMAGE: &'static str = "redis:7-alpine";

    /// The name on the command line and in files.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            BackendChoice::Auto { .. } => "auto",
            BackendChoice::Process { .. } => "process",
            BackendChoice::Docker { .. } => "docker",
            BackendChoice::External(_) => "external",
        }
    }
}

/// Somebody else's server, with the user's own commands to end and start it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// `redis://[user[:password]@]host:port[/db]`. The password is not written to the run.
    pub url: String,
    pub kill_command: String,
    pub start_command: String,
    /// The user agreed that we write (under a prefix of our own) although the server holds keys.
    pub allow_nonempty: bool,
}

/// The whole plan. Made by [`PlanDraft::parse`] only, so that every plan is a sound one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillPlan {
    /// Format of this file; see [`DrillPlan::VERSION`].
    pub version: u32,
    pub preset: Preset,
    pub backend: BackendChoice,
    pub workload: Workload,
    pub fault: Fault,
    /// How long the drill streams before the fault.
    pub stream_for: Duration,
    /// Ends the stream early, after this many messages.
    pub max_messages: Option<u64>,
    /// The user's own limits; they replace the preset's promise.
    pub gate: Option<Gate>,
    /// Where the server's data directory is kept as the fault left it.
    pub keep_data: Option<PathBuf>,
    /// A client's patience with one reply: beyond it nobody knows what became of the write.
    #[serde(default = "DrillPlan::default_op_timeout")]
    pub op_timeout: Duration,
    /// The faulty disk under the server's data directory; `None` leaves the machine's own.
    #[serde(default)]
    pub disk: Option<DiskPlan>,
    /// When the fault strikes.
    #[serde(default)]
    pub trigger: Trigger,
    /// Done to a file of the dead server before it is started again.
    #[serde(default)]
    pub damage: Option<Damage>,
    /// Done between client and server while it streams.
    #[serde(default)]
    pub network: Option<NetworkFault>,
    /// Kill & compare: at the instant of the fault both images of the disk are tried, too.
    #[serde(default)]
    pub compare: bool,
    /// Tail-cut replay: after a process kill, what a power cut could have left.
    #[serde(default)]
    pub tail_cut: bool,
    /// After a refused start: what `redis-check-aof --fix` saves, on a copy.
    #[serde(default)]
    pub repair: bool,
    /// A BGSAVE, a rewrite and the final save are made to take about this long.
    #[serde(default)]
    pub save_time: Option<Duration>,
    /// The command of a store of the user's, through which everything is written and read back; `None` speaks to
    /// Redis itself.
    #[serde(default)]
    pub store: Option<String>,
}

impl DrillPlan {
    pub const VERSION: u32 = 1;
    /// Redis clients commonly wait for seconds; the value only decides when a silent server's writes become
    /// indeterminate.
    pub const DEFAULT_OP_TIMEOUT: Duration = Duration::from_secs(2);
    /// Messages a second through a store of the user's: each is a line of JSON and a round trip of its own.
    pub const STORE_RATE: f64 = 300.0;
    /// A store's first append may import half a framework.
    pub const STORE_OP_TIMEOUT: Duration = Duration::from_secs(10);

    /// For plans that were written before it was a field.
    fn default_op_timeout() -> Duration {
        Self::DEFAULT_OP_TIMEOUT
    }

    /// What the checker judges `fault` against under this plan.
    #[must_use]
    pub fn contract(&self, fault: FaultKind) -> Contract {
        match self.gate {
            Some(gate) => Contract::Gate(gate),
            None => Contract::Preset(self.promise(fault)),
        }
    }

    #[must_use]
    pub fn promise(&self, fault: FaultKind) -> Promise {
        self.preset.promise(fault)
    }
}

/// Why a backend cannot perform a fault; `None` if it can. The one table behind the greyed entries.
#[must_use]
pub fn backend_cannot(backend: &str, fault: FaultKind) -> Option<&'static str> {
    use FaultKind::{ContainerRemoved, ContainerRemovedWithVolume, GracefulStop, Pause, PowerLoss};
    match (backend, fault) {
        ("process", ContainerRemoved | ContainerRemovedWithVolume) => {
            Some("a local process has no container; choose backend docker")
        }
        ("external", ContainerRemoved | ContainerRemovedWithVolume) => {
            Some("the container is not ours to remove; choose backend docker")
        }
        ("external", PowerLoss) => Some(
            "the power cut needs a faulty disk under the data directory, and that of an external server is not ours; choose backend process or docker",
        ),
        ("external", GracefulStop | Pause) => Some(
            "only your own kill command is known; put the signal that you want into --kill-cmd and use process-kill",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
