//! What a drill shall be: parsed once, valid ever after.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contract::{Contract, Gate, Promise};
use super::fault::{Fault, FaultKind};
use super::preset::Preset;
use super::workload::{Rate, Workload};

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
}

impl DrillPlan {
    pub const VERSION: u32 = 1;

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

/// A plan as typed, in the window or on the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanDraft {
    pub preset: String,
    pub backend: String,
    pub program: String,
    pub image: String,
    pub url: String,
    pub kill_command: String,
    pub start_command: String,
    pub allow_nonempty: bool,
    pub fault: FaultKind,
    pub grace_secs: f64,
    pub pause_secs: f64,
    pub sessions: u64,
    pub writers: u64,
    pub depth: u64,
    /// Per second; ignored with `rate_max`.
    pub rate: f64,
    pub rate_max: bool,
    /// 0 for the corpus's natural sizes.
    pub message_bytes: u64,
    pub seconds: f64,
    /// 0 for no limit.
    pub max_messages: u64,
    pub seed: u64,
    pub max_lost: Option<u64>,
    pub max_window_secs: Option<f64>,
    pub keep_data: String,
}

impl Default for PlanDraft {
    /// A plan that works as it is and shows a real loss within a minute: its snapshot comes after five to
    /// six seconds, the kill some three seconds later, well before the next.
    fn default() -> Self {
        let workload = Workload::default();
        PlanDraft {
            preset: "rdb-5s".into(),
            backend: "auto".into(),
            program: String::new(),
            image: BackendChoice::DEFAULT_IMAGE.into(),
            url: String::new(),
            kill_command: String::new(),
            start_command: String::new(),
            allow_nonempty: false,
            fault: FaultKind::ProcessKill,
            grace_secs: Fault::DEFAULT_GRACE.as_secs_f64(),
            pause_secs: Fault::DEFAULT_PAUSE.as_secs_f64(),
            sessions: u64::from(workload.sessions),
            writers: u64::from(workload.writers),
            depth: u64::from(workload.depth),
            rate: 2000.0,
            rate_max: false,
            message_bytes: 0,
            seconds: 9.0,
            max_messages: 0,
            seed: workload.seed,
            max_lost: None,
            max_window_secs: None,
            keep_data: String::new(),
        }
    }
}

/// The fields of a [`PlanDraft`] that can be wrong, named as the window and the command line name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Preset,
    Backend,
    Program,
    Image,
    Url,
    KillCommand,
    StartCommand,
    Grace,
    Pause,
    Sessions,
    Writers,
    Depth,
    Rate,
    MessageBytes,
    Seconds,
    MaxMessages,
    MaxWindow,
}

impl Field {
    /// The command-line option of the field.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Field::Preset => "--preset",
            Field::Backend => "--backend",
            Field::Program => "--server",
            Field::Image => "--image",
            Field::Url => "--url",
            Field::KillCommand => "--kill-cmd",
            Field::StartCommand => "--start-cmd",
            Field::Grace => "--grace",
            Field::Pause => "--pause",
            Field::Sessions => "--sessions",
            Field::Writers => "--writers",
            Field::Depth => "--depth",
            Field::Rate => "--rate",
            Field::MessageBytes => "--message-bytes",
            Field::Seconds => "--seconds",
            Field::MaxMessages => "--messages",
            Field::MaxWindow => "--max-window",
        }
    }
}

/// What is wrong with one field, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", field.option())]
pub struct FieldError {
    pub field: Field,
    pub message: String,
}

impl PlanDraft {
    /// Longest drill and longest grace or pause: a day. Times in the journal reach twelve.
    pub const MAX_SECONDS: f64 = 86_400.0;

    /// The plan, or everything that is wrong with the draft.
    ///
    /// # Errors
    /// Every field that is wrong, with what would be right.
    pub fn parse(&self, presets: &[Preset]) -> Result<DrillPlan, Vec<FieldError>> {
        let mut errors = Vec::new();
        let preset = presets.iter().find(|preset| preset.id == self.preset);
        if preset.is_none() {
            let known: Vec<_> = presets.iter().map(|preset| preset.id.as_str()).collect();
            errors.push(FieldError {
                field: Field::Preset,
                message: format!(
                    "no preset \"{}\"; known are {}",
                    self.preset,
                    known.join(", ")
                ),
            });
        }
        let backend = self.backend(&mut errors);
        let workload = self.workload(&mut errors);
        let fault = Fault {
            kind: self.fault,
            grace: secs(Field::Grace, self.grace_secs, 0.0, &mut errors),
            pause: secs(Field::Pause, self.pause_secs, 0.001, &mut errors),
        };
        let stream_for = secs(Field::Seconds, self.seconds, 0.01, &mut errors);
        let max_window = self
            .max_window_secs
            .map(|value| secs(Field::MaxWindow, value, 0.0, &mut errors));
        if let Some(field) = impossible(&backend, self.fault) {
            errors.push(field);
        }
        match (errors.is_empty(), preset) {
            (true, Some(preset)) => Ok(DrillPlan {
                version: DrillPlan::VERSION,
                preset: preset.clone(),
                backend,
                workload,
                fault,
                stream_for,
                max_messages: (self.max_messages > 0).then_some(self.max_messages),
                gate: (self.max_lost.is_some() || max_window.is_some()).then_some(Gate {
                    max_lost: self.max_lost,
                    max_window,
                }),
                keep_data: (!self.keep_data.is_empty()).then(|| PathBuf::from(&self.keep_data)),
            }),
            _ => Err(errors),
        }
    }

    fn backend(&self, errors: &mut Vec<FieldError>) -> BackendChoice {
        let program = (!self.program.is_empty()).then(|| PathBuf::from(&self.program));
        let image = self.image.trim().to_owned();
        let mut need = |field, text: &str, what: &str| {
            if text.trim().is_empty() {
                errors.push(FieldError {
                    field,
                    message: what.to_owned(),
                });
            }
        };
        match self.backend.as_str() {
            "auto" => {
                need(
                    Field::Image,
                    &image,
                    "give an image name, for example redis:7-alpine",
                );
                BackendChoice::Auto { image, program }
            }
            "process" => BackendChoice::Process { program },
            "docker" => {
                need(
                    Field::Image,
                    &image,
                    "give an image name, for example redis:7-alpine",
                );
                BackendChoice::Docker { image }
            }
            "external" => {
                need(
                    Field::Url,
                    &self.url,
                    "give the server's address, for example redis://127.0.0.1:6379",
                );
                need(
                    Field::KillCommand,
                    &self.kill_command,
                    "give the command that kills the server, for example 'systemctl kill -s KILL redis'",
                );
                need(
                    Field::StartCommand,
                    &self.start_command,
                    "give the command that starts the server again, for example 'systemctl start redis'",
                );
                BackendChoice::External(External {
                    url: self.url.trim().to_owned(),
                    kill_command: self.kill_command.clone(),
                    start_command: self.start_command.clone(),
                    allow_nonempty: self.allow_nonempty,
                })
            }
            other => {
                errors.push(FieldError {
                    field: Field::Backend,
                    message: format!(
                        "no backend \"{other}\"; known are auto, process, docker, external"
                    ),
                });
                BackendChoice::Process { program }
            }
        }
    }

    fn workload(&self, errors: &mut Vec<FieldError>) -> Workload {
        let mut whole = |field, value: u64, min: u64, max: u64, what: &str| {
            if value < min || value > max {
                errors.push(FieldError {
                    field,
                    message: format!("{value} {what}: it takes {min} to {max}"),
                });
            }
            value.clamp(min, max)
        };
        let sessions = whole(
            Field::Sessions,
            self.sessions,
            1,
            u64::from(Workload::MAX_SESSIONS),
            "sessions",
        );
        let writers = whole(
            Field::Writers,
            self.writers,
            1,
            u64::from(Workload::MAX_WRITERS),
            "writers",
        );
        let depth = whole(
            Field::Depth,
            self.depth,
            1,
            u64::from(Workload::MAX_DEPTH),
            "ops in a pipeline",
        );
        let message_bytes = (self.message_bytes > 0).then(|| {
            whole(
                Field::MessageBytes,
                self.message_bytes,
                u64::from(Workload::MIN_MESSAGE_BYTES),
                u64::from(Workload::MAX_MESSAGE_BYTES),
                "bytes a message",
            )
        });
        whole(
            Field::MaxMessages,
            self.max_messages,
            0,
            1 << 32,
            "messages",
        );
        let possible = self.rate > 0.0 && self.rate <= Workload::MAX_RATE;
        if !self.rate_max && !possible {
            errors.push(FieldError {
                field: Field::Rate,
                message: format!(
                    "{} messages a second: it takes more than 0 and at most {}, or max for as fast as it goes",
                    self.rate,
                    Workload::MAX_RATE
                ),
            });
        }
        Workload {
            sessions: sessions as u32,
            writers: writers as u16,
            depth: depth as u16,
            rate: if self.rate_max {
                Rate::Max
            } else {
                Rate::PerSecond(self.rate)
            },
            message_bytes: message_bytes.map(|bytes| bytes as u32),
            seed: self.seed,
        }
    }
}

fn secs(field: Field, value: f64, min: f64, errors: &mut Vec<FieldError>) -> Duration {
    if (min..=PlanDraft::MAX_SECONDS).contains(&value) {
        return Duration::from_secs_f64(value);
    }
    errors.push(FieldError {
        field,
        message: format!(
            "{value} s: it takes {min} to {} seconds",
            PlanDraft::MAX_SECONDS
        ),
    });
    Duration::ZERO
}

/// Faults that a backend cannot perform by its nature. `auto` is decided when the drill starts.
fn impossible(backend: &BackendChoice, fault: FaultKind) -> Option<FieldError> {
    let reason = backend_cannot(backend.id(), fault)?;
    Some(FieldError {
        field: Field::Backend,
        message: format!(
            "{} cannot be done on backend {}: {reason}",
            fault.id(),
            backend.id()
        ),
    })
}

/// Why a backend cannot perform a fault; `None` if it can. The one table behind the greyed entries.
#[must_use]
pub fn backend_cannot(backend: &str, fault: FaultKind) -> Option<&'static str> {
    use FaultKind::{ContainerRemoved, ContainerRemovedWithVolume, GracefulStop, Pause};
    match (backend, fault) {
        ("process", ContainerRemoved | ContainerRemovedWithVolume) => {
            Some("a local process has no container; choose backend docker")
        }
        ("external", ContainerRemoved | ContainerRemovedWithVolume) => {
            Some("the container is not ours to remove; choose backend docker")
        }
        ("external", GracefulStop | Pause) => Some(
            "only your own kill command is known; put the signal that you want into --kill-cmd and use process-kill",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presets() -> Vec<Preset> {
        Preset::embedded()
    }

    #[test]
    fn the_default_draft_is_a_plan() {
        let plan = PlanDraft::default().parse(&presets()).unwrap();
        assert_eq!(plan.preset.id, "rdb-5s");
        assert_eq!(plan.stream_for, Duration::from_secs(9));
        assert_eq!(
            plan.contract(FaultKind::ProcessKill),
            Contract::Preset(Promise::SinceSnapshot)
        );
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let draft = PlanDraft {
            preset: "nope".into(),
            sessions: 0,
            rate: f64::NAN,
            seconds: -1.0,
            ..PlanDraft::default()
        };
        let errors = draft.parse(&presets()).unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            [Field::Preset, Field::Sessions, Field::Rate, Field::Seconds]
        );
        assert!(errors[0].to_string().contains("rdb-5s"), "{}", errors[0]);
    }

    #[test]
    fn a_container_fault_on_a_local_process_is_refused_with_the_way_out() {
        let draft = PlanDraft {
            backend: "process".into(),
            fault: FaultKind::ContainerRemoved,
            ..PlanDraft::default()
        };
        let errors = draft.parse(&presets()).unwrap_err();
        assert!(
            errors[0].message.contains("choose backend docker"),
            "{}",
            errors[0]
        );
    }
}
