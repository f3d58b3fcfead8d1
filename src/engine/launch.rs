//! Starting a drill on a thread of its own, and the handle that an observer holds.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::attention::Attention;
use super::command::Command;
use super::disk::{self, DrillDisk};
use super::drill::{Drill, kept_name};
use super::env::{Clock, run_id};
use super::store::RunDir;
use crate::backend::docker::{self, DockerBackend};
use crate::backend::external::ExternalBackend;
use crate::backend::lease::{self, Holding};
use crate::backend::process::{ProcessBackend, find_program};
use crate::backend::{Backend, BackendError, ServerSpec, Watch};
use crate::client::connect::parse_url;
use crate::domain::event::{DrillEvent, Fix, LiveView, Phase, Progress, TimedEvent};
use crate::domain::plan::{BackendChoice, DrillPlan};
use crate::domain::workload::KeySpace;

/// Who says what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The plan, from start to verdict: what **Run drill** and `crashdrill run` do.
    Scripted,
    /// The user, step by step. The server is started at once; then commands decide.
    ByHand,
}

/// What a drill needs beside its plan.
pub struct LaunchOptions {
    pub mode: Mode,
    /// The folder that holds the runs.
    pub runs: PathBuf,
    /// Called after each event and at most some 30 times a second for progress: wakes the window.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

/// An observer's end of a running drill. Dropping it cancels the drill.
pub struct DrillHandle {
    pub commands: Sender<Command>,
    pub events: Receiver<TimedEvent>,
    pub progress: watch::Receiver<Progress>,
    pub live: Arc<Mutex<LiveView>>,
    pub thread: Option<JoinHandle<()>>,
}

/// What can be said of a plan before anything is started, beyond what its parsing has said.
///
/// # Errors
/// An address that cannot be understood, a server program that is not there, a folder that cannot be written, with the
/// option that is wrong in front.
pub fn check(plan: &DrillPlan, runs: &Path) -> Result<(), BackendError> {
    match &plan.backend {
        BackendChoice::External(external) => {
            let wrong = |error| BackendError::new(format!("--url: {error}"));
            parse_url(&external.url).map_err(wrong)?;
        }
        BackendChoice::Process { program } | BackendChoice::Auto { program, .. } => {
            if let Some(program) = program {
                find_program(Some(program)).map_err(|error| BackendError {
                    message: format!("--server: {}", error.message),
                    ..error
                })?;
            }
        }
        BackendChoice::Docker { .. } => {}
    }
    look_at_kept_data(plan)?;
    let unwritable = |error: std::io::Error| {
        let runs = runs.display();
        BackendError::new(format!(
            "--runs: cannot write into {runs}: {error}; name another folder"
        ))
    };
    std::fs::create_dir_all(runs).map_err(unwritable)?;
    tempfile::tempfile_in(runs).map_err(unwritable)?;
    Ok(())
}

/// Starts the drill and returns at once.
#[must_use]
pub fn launch(plan: DrillPlan, options: LaunchOptions) -> DrillHandle {
    let (commands, inbox) = channel();
    let (outbox, events) = channel();
    let (progress, meter) = watch::channel(Progress::default());
    let live = Arc::new(Mutex::new(LiveView::default()));
    let view = Arc::clone(&live);
    let thread = std::thread::Builder::new()
        .name("drill".into())
        .spawn(move || {
            let attention = Arc::new(Attention::new(
                Clock::start(),
                inbox,
                outbox,
                progress,
                options.wake,
            ));
            if let Err(error) = run(plan, options.mode, &options.runs, view, &attention) {
                attention.tell(DrillEvent::Failed {
                    error: error.message,
                    fix: error.fix,
                });
                attention.tell(DrillEvent::RunFinished);
                attention.phase(Phase::Finished);
            }
        });
    DrillHandle {
        commands,
        events,
        progress: meter,
        live,
        thread: Some(thread.expect("the system gives a thread")),
    }
}

fn run(
    plan: DrillPlan,
    mode: Mode,
    runs: &Path,
    live: Arc<Mutex<LiveView>>,
    attention: &Arc<Attention>,
) -> Result<(), BackendError> {
    attention.phase(Phase::Starting);
    let id = run_id(&plan, &attention.clock);
    let (name, began) = (id.clone(), attention.clock.began_unix_micros());
    attention.progress(|progress| {
        progress.run = name;
        progress.began_unix_micros = began;
    });
    check(&plan, runs)?;
    let data = plan.disk.as_ref().map(|_| disk::folder()).transpose()?;
    let at = data.as_ref().map(|at| at.path().to_owned());
    let (backend, reason, keys) = choose(&plan, &id.0, at, attention)?;
    let dir = RunDir::create(runs, id, &attention.clock, &plan, backend.id(), &keys)
        .map_err(|error| BackendError::new(format!("{error:#}")))?;
    attention.write_timeline(
        dir.timeline_file()
            .map_err(|error| BackendError::new(format!("{error:#}")))?,
    );
    attention.tell(DrillEvent::RunStarted {
        run: dir.id.clone(),
        dir: dir.path.clone(),
    });
    attention.tell(DrillEvent::BackendChosen {
        backend: backend.id().to_owned(),
        reason,
    });
    let mut drill = Drill::new(plan, dir, backend, keys, Arc::clone(attention));
    if let (Some(plan), Some(at)) = (&drill.plan.disk, data) {
        let container = drill.backend.id() == "docker";
        let log = drill.dir.disk_log();
        let mounted = DrillDisk::mount(at, plan, log, attention.clock, container);
        drill.disk = Some(mounted?);
    }
    let result = match mode {
        Mode::Scripted => drill.script(live),
        Mode::ByHand => drill.by_hand(live),
    };
    drill.finish(result);
    lease::release(Holding::Docker {
        run: drill.dir.id.0.clone(),
    });
    Ok(())
}

/// Data of an earlier drill in the same place would be counted as this one's.
fn look_at_kept_data(plan: &DrillPlan) -> Result<(), BackendError> {
    let Some(folder) = &plan.keep_data else {
        return Ok(());
    };
    if plan.backend.id() == "external" {
        return Err(BackendError::new(
            "--keep-data: the data directory of an external server is not ours to copy; leave it out",
        ));
    }
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        BackendError::new(format!(
            "--keep-data: cannot make {folder}: {error}; name another folder"
        ))
    })?;
    let first = folder.join(kept_name(1));
    if first.exists() {
        let first = first.display();
        return Err(BackendError::new(format!(
            "--keep-data: {first} exists; name another folder"
        )));
    }
    Ok(())
}

/// The backend of the plan, why it was chosen, and the names of keys on it.
fn choose(
    plan: &DrillPlan,
    run: &str,
    data: Option<PathBuf>,
    attention: &Arc<Attention>,
) -> Result<(Box<dyn Backend>, String, KeySpace), BackendError> {
    let spec = ServerSpec {
        config: plan.preset.config_text().to_owned(),
        run: run.to_owned(),
        scratch: std::env::temp_dir(),
        data,
    };
    let own = KeySpace::default();
    Ok(match &plan.backend {
        BackendChoice::Process { program } => (
            Box::new(ProcessBackend::new(program.clone(), spec)),
            "as the plan says".into(),
            own,
        ),
        BackendChoice::Docker { image } => (container(image, spec), "as the plan says".into(), own),
        BackendChoice::Auto { image, program } => match container_engine(plan) {
            Ok(engine) => {
                let reason = format!(
                    "auto: a container engine answers at {} (version {})",
                    engine.host, engine.version
                );
                (container(image, spec), reason, own)
            }
            Err(error) => {
                find_program(program.as_deref()).map_err(|program| {
                    BackendError::new(format!("{}; and {}", error.message, program.message))
                        .details(error.details.clone())
                        .fix(Fix::ChooseServerProgram)
                })?;
                let reason = format!(
                    "auto: no container engine ({}), a local server program",
                    error.message
                );
                (
                    Box::new(ProcessBackend::new(program.clone(), spec)),
                    reason,
                    own,
                )
            }
        },
        BackendChoice::External(external) => {
            let endpoint = parse_url(&external.url).map_err(BackendError::new)?;
            let keys = KeySpace {
                prefix: format!("crashdrill:{run}:"),
            };
            (
                Box::new(ExternalBackend::new(
                    external.clone(),
                    endpoint,
                    Arc::clone(attention) as Arc<dyn Watch>,
                )),
                "as the plan says".into(),
                keys,
            )
        }
    })
}

/// The engine that `auto` would take: one that answers, and that can have the disk of the plan.
fn container_engine(plan: &DrillPlan) -> Result<docker::EngineInfo, BackendError> {
    match crate::disk::unavailable(true) {
        Some(why) if plan.disk.is_some() => Err(BackendError::new(format!(
            "a container cannot have the faulty disk: {why}"
        ))),
        _ => docker::probe(AUTO_PATIENCE),
    }
}

fn container(image: &str, spec: ServerSpec) -> Box<dyn Backend> {
    lease::hold(Holding::Docker {
        run: spec.run.clone(),
    });
    Box::new(DockerBackend::new(image.to_owned(), spec))
}

/// How long `auto` waits for a container engine to say who it is.
const AUTO_PATIENCE: Duration = Duration::from_secs(2);
