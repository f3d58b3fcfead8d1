//! A plan as typed, and its parsing: every wrong field is told at once.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::field::{Field, FieldError};
use super::{BackendChoice, DrillPlan, External, backend_cannot};
use crate::domain::contract::Gate;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::preset::Preset;
use crate::domain::workload::{Rate, Workload};

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
    /// How long a client waits for one reply.
    pub op_timeout_secs: f64,
    pub keep_data: String,
    /// A metadata model, `none`, or empty: a faulty disk where the fault or the conditions need one.
    pub disk: String,
    /// Empty for `drop`.
    pub tail: String,
    /// A time, `never`, or empty for the kernel's 30 s.
    pub write_back: String,
    /// `1.5s`, `0.5s..3s`, `3s@5s`; empty for none.
    pub fsync_delay: String,
    /// Bytes, also as `64k`, `10m`; empty for no limit.
    pub disk_space: String,
    /// `fsync:*.aof#3+`; empty for none.
    pub io_error: String,
    /// Empty for when the streaming time is over.
    pub trigger: String,
    pub damage: String,
    pub network: String,
    pub compare: bool,
    pub tail_cut: bool,
    pub repair: bool,
    /// Empty: as quick as they are.
    pub save_time: String,
    /// The command of a store of the user's; empty speaks to Redis itself.
    pub store_command: String,
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
            op_timeout_secs: DrillPlan::DEFAULT_OP_TIMEOUT.as_secs_f64(),
            keep_data: String::new(),
            disk: String::new(),
            tail: String::new(),
            write_back: String::new(),
            fsync_delay: String::new(),
            disk_space: String::new(),
            io_error: String::new(),
            trigger: String::new(),
            damage: String::new(),
            network: String::new(),
            compare: false,
            tail_cut: false,
            repair: false,
            save_time: String::new(),
            store_command: String::new(),
        }
    }
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
        let op_timeout = secs(Field::OpTimeout, self.op_timeout_secs, 0.01, &mut errors);
        if let Some(field) = impossible(&backend, self.fault) {
            errors.push(field);
        }
        let conditions = self.conditions(preset, &mut errors);
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
                op_timeout,
                disk: conditions.disk,
                trigger: conditions.trigger,
                damage: conditions.damage,
                network: conditions.network,
                compare: self.compare,
                tail_cut: self.tail_cut,
                repair: self.repair,
                save_time: conditions.save_time,
                store: conditions.store,
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
