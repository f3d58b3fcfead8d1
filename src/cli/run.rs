//! `crashdrill run`: one drill, watched from the terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::args::RunArgs;
use super::exit::{Exit, UsageError};
use super::output::{self, Meter};
use crate::domain::event::DrillEvent;
use crate::domain::plan::DrillPlan;
use crate::domain::record::RunRecord;
use crate::engine::command::Command;
use crate::engine::launch::{DrillHandle, LaunchOptions, Mode, check, launch};
use crate::engine::{housekeeping, presets, store};
use crate::report::{Format, render};

pub fn run(args: &RunArgs, runs: &Path) -> Result<Exit> {
    let reports = reports(&args.report, args.force)?;
    let plan = plan(args, runs)?;
    let interrupted = interrupted()?;
    let program = std::env::current_exe().ok();
    for swept in housekeeping::begin(program.as_deref())? {
        output::line(&format!("Removed what a run that died had left: {swept}"));
    }
    let options = LaunchOptions {
        mode: Mode::Scripted,
        runs: runs.to_owned(),
        wake: Box::new(|| ()),
    };
    let mut handle = launch(plan, options);
    let outcome = watch(&handle, &interrupted, args.quiet);
    if let Some(thread) = handle.thread.take() {
        let _ = thread.join();
    }
    housekeeping::end();
    conclude(outcome, &reports)
}

fn plan(args: &RunArgs, runs: &Path) -> Result<DrillPlan> {
    let folder = store::presets_dir().ok();
    let (mut known, errors) = presets::load(folder.as_deref());
    for error in &errors {
        output::line(&format!("Preset left out: {error}"));
    }
    let mut draft = args.draft().map_err(UsageError)?;
    if let Some(path) = &args.redis_conf {
        let imported =
            presets::import_file(path).map_err(|error| UsageError(format!("{error:#}")))?;
        output::dropped(path, &imported.dropped);
        draft.preset.clone_from(&imported.preset.id);
        known.retain(|preset| preset.id != imported.preset.id);
        known.push(imported.preset);
    }
    let plan = draft.parse(&known).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        UsageError(lines.join("\n"))
    })?;
    check(&plan, runs).map_err(|error| UsageError(error.message))?;
    Ok(plan)
}

/// Reports to be written. What cannot be written is refused now rather than after the drill.
pub fn reports(paths: &[PathBuf], force: bool) -> Result<Vec<(Format, PathBuf)>> {
    let mut reports = Vec::new();
    for path in paths {
        let format = Format::from_path(path).map_err(|error| UsageError(error.to_string()))?;
        writable(path, force)?;
        reports.push((format, path.clone()));
    }
    Ok(reports)
}

/// # Errors
/// The path names a folder, a file that exists (unless `force`), or lies in no folder that can be written.
pub fn writable(path: &Path, force: bool) -> Result<()> {
    if path.is_dir() {
        bail!(UsageError(format!(
            "{} is a folder: name a file in it",
            path.display()
        )));
    }
    if path.exists() && !force {
        let path = path.display();
        bail!(UsageError(format!(
            "{path} exists: choose another name, or overwrite it with --force"
        )));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        bail!(UsageError(format!(
            "the folder of {} does not exist",
            path.display()
        )));
    }
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map_err(|error| {
        let path = path.display();
        UsageError(format!(
            "{path} cannot be written: {error}; choose another folder"
        ))
    })?;
    Ok(())
}

pub fn write_reports(record: &RunRecord, reports: &[(Format, PathBuf)]) -> Result<()> {
    for (format, path) in reports {
        std::fs::write(path, render(*format, record))
            .with_context(|| format!("cannot write the report {}", path.display()))?;
        output::line(&format!("Report: {}", path.display()));
    }
    Ok(())
}

/// Ctrl-C, SIGTERM and SIGHUP set a flag; dying by them would leave the tearing down to the janitor.
pub fn interrupted() -> Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .context("cannot listen for Ctrl-C")?;
    }
    Ok(flag)
}

enum Outcome {
    Judged(Arc<RunRecord>),
    /// The drill failed before there was anything to judge.
    Failed(String),
}

/// Follows the drill to its end.
fn watch(handle: &DrillHandle, interrupted: &AtomicBool, quiet: bool) -> Outcome {
    let mut meter = Meter::new(quiet);
    let mut outcome = Outcome::Failed("the drill ended without a word".into());
    let mut cancelled = false;
    loop {
        if interrupted.load(Ordering::SeqCst) && !cancelled {
            cancelled = true;
            meter.line("Cancelling: the server is being stopped and cleaned up");
            let _ = handle.commands.send(Command::Cancel);
        }
        let event = match handle.events.recv_timeout(Duration::from_millis(100)) {
            Err(RecvTimeoutError::Timeout) => {
                meter.show(&handle.progress.borrow());
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return outcome,
            Ok(event) => event,
        };
        meter.event(&event);
        match event.event {
            DrillEvent::Judged {
                record: Some(record),
                ..
            } => outcome = Outcome::Judged(record),
            DrillEvent::Failed { error, .. } if matches!(outcome, Outcome::Failed(_)) => {
                outcome = Outcome::Failed(error);
            }
            DrillEvent::RunFinished => {
                meter.finish();
                return outcome;
            }
            _ => {}
        }
    }
}

fn conclude(outcome: Outcome, reports: &[(Format, PathBuf)]) -> Result<Exit> {
    match outcome {
        Outcome::Judged(record) => {
            output::verdict(&record);
            write_reports(&record, reports)?;
            Ok(Exit::of(record.judgement.verdict))
        }
        Outcome::Failed(error) => {
            output::result(&format!(
                "Inconclusive: the drill failed before there was anything to judge\n{error}"
            ));
            Ok(Exit::Inconclusive)
        }
    }
}
