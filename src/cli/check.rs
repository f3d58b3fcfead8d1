//! `crashdrill check`: the checks, watched from the terminal.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::args::CheckArgs;
use super::exit::{Exit, UsageError};
use super::output;
use super::run::interrupted;
use crate::checks::runner::{Cast, CheckEvent, Request, SuiteHandle, launch};
use crate::checks::{all, place, target};
use crate::domain::check::{CheckResult, Group, Standing, SuiteRecord};
use crate::domain::verdict::Verdict;
use crate::engine::{housekeeping, store};
use crate::report::checks::{CheckFormat, render};
use crate::report::wording::checks as wording;

pub fn check(args: &CheckArgs) -> Result<Exit> {
    let checks = wanted(args)?;
    if args.list {
        list(&checks);
        return Ok(Exit::Held);
    }
    let reports = reports(args)?;
    let request = request(args, checks)?;
    let interrupted = interrupted()?;
    let program = std::env::current_exe().ok();
    for swept in housekeeping::begin(program.as_deref())? {
        output::line(&format!("Removed what a run that died had left: {swept}"));
    }
    let handle = launch(request, Box::new(|| ()));
    let outcome = watch(&handle, &interrupted, args.quiet);
    handle.join();
    housekeeping::end();
    conclude(outcome, &reports)
}

/// The checks that groups and ids name; all if neither is given.
fn wanted(args: &CheckArgs) -> Result<Vec<&'static str>> {
    for id in &args.check {
        if !all().iter().any(|entry| entry.check.id == id) {
            let near = all().iter().map(|entry| entry.check.id);
            let near = near
                .max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
            bail!(UsageError(format!(
                "there is no check \"{id}\"; did you mean {}? `crashdrill check --list` names all",
                near.unwrap_or_default()
            )));
        }
    }
    let everything = args.group.is_empty() && args.check.is_empty();
    let chosen = all().iter().map(|entry| entry.check).filter(|check| {
        everything
            || args.group.contains(&check.group)
            || args.check.iter().any(|id| id == check.id)
    });
    Ok(chosen.map(|check| check.id).collect())
}

fn list(checks: &[&str]) {
    for group in Group::ALL {
        let of_group: Vec<_> = all()
            .iter()
            .map(|entry| entry.check)
            .filter(|check| check.group == group && checks.contains(&check.id))
            .collect();
        if of_group.is_empty() {
            continue;
        }
        output::result(&format!("{} — {}", group.title(), group.question()));
        for check in of_group {
            output::result(&format!("  {:34} {}", check.id, check.proves));
        }
    }
}

fn request(args: &CheckArgs, checks: Vec<&'static str>) -> Result<Request> {
    let usage = |error: String| UsageError(error);
    let notes = store::data_dir()?.join("checks");
    let target = target(args.url.as_deref(), args.ca.as_deref(), &notes).map_err(usage)?;
    if args.server.len() > 2 {
        bail!(UsageError(
            "--server: give one, or two to go from one to the other".into()
        ));
    }
    if args.url.is_some() && !args.server.is_empty() {
        bail!(UsageError(
            "--server names a program that we start; it does not go with an address".into()
        ));
    }
    let mut place = place(&args.server, args.store_cmd.as_deref()).map_err(usage)?;
    if args.store_timeout <= 0.0 {
        bail!(UsageError("--store-timeout: 0 is too short".into()));
    }
    place.store_patience = Duration::from_secs_f64(args.store_timeout);
    place.layout = args.layout;
    place.seed = args.seed;
    let cast = if place.store.is_some() {
        Cast::YOURS
    } else {
        Cast::USUAL
    };
    Ok(Request {
        target,
        place,
        checks,
        cast,
    })
}

/// Refused now rather than after the checks.
fn reports(args: &CheckArgs) -> Result<Vec<(CheckFormat, PathBuf)>> {
    let mut reports = Vec::new();
    let junit = args
        .junit
        .iter()
        .map(|path| (Some(CheckFormat::Junit), path));
    let others = args.report.iter().map(|path| (None, path));
    for (format, path) in junit.chain(others) {
        let format = match format {
            Some(format) => format,
            None => CheckFormat::from_path(path).map_err(UsageError)?,
        };
        super::run::writable(path, args.force)?;
        reports.push((format, path.clone()));
    }
    Ok(reports)
}

enum Outcome {
    Done(Arc<SuiteRecord>),
    Failed(String),
}

fn watch(handle: &SuiteHandle, interrupted: &AtomicBool, quiet: bool) -> Outcome {
    let mut cancelled = false;
    loop {
        if interrupted.load(Ordering::SeqCst) && !cancelled {
            cancelled = true;
            output::line("Cancelling: the checks under way end, and everything is cleaned up");
            handle.cancel();
        }
        match handle.events.recv_timeout(Duration::from_millis(50)) {
            Err(RecvTimeoutError::Timeout) | Ok(CheckEvent::Started(_)) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Outcome::Failed("the checks ended without a word".into());
            }
            Ok(CheckEvent::Server(server)) if !quiet => output::line(&format!("Server: {server}")),
            Ok(CheckEvent::Server(_)) => {}
            Ok(CheckEvent::Swept { prefix, keys }) => output::line(&format!(
                "Removed what a suite that died had left: {keys} keys under {prefix}"
            )),
            Ok(CheckEvent::Left { prefix, why }) => output::line(&format!(
                "Keys under {prefix} are left ({why}); the next suite there removes them"
            )),
            Ok(CheckEvent::Finished(result)) if !quiet => told(&result),
            Ok(CheckEvent::Finished(_)) => {}
            Ok(CheckEvent::Done(record)) => return Outcome::Done(record),
            Ok(CheckEvent::Failed(why)) => return Outcome::Failed(why),
        }
    }
}

fn told(result: &CheckResult) {
    let word = wording::standing_word(&result.standing);
    output::line(&format!(
        "{word:12} {:34} {:5.2} s",
        result.check.id,
        result.took.as_secs_f64()
    ));
}

fn conclude(outcome: Outcome, reports: &[(CheckFormat, PathBuf)]) -> Result<Exit> {
    let record = match outcome {
        Outcome::Done(record) => record,
        Outcome::Failed(why) => {
            output::result(&format!("Inconclusive: the checks could not begin\n{why}"));
            return Ok(Exit::Inconclusive);
        }
    };
    for result in &record.results {
        let verdict = result.standing.verdict();
        if verdict.is_some_and(|verdict| verdict != Verdict::Held) {
            output::result(&format!(
                "{}: {}: {}",
                wording::standing_word(&result.standing),
                result.check.id,
                wording::check_why(result)
            ));
        }
    }
    not_run(&record);
    output::result(&wording::suite_sentence(&record));
    write(&record, reports)?;
    Ok(Exit::of(record.verdict()))
}

/// One line for each reason, with the checks that share it.
fn not_run(record: &SuiteRecord) {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for result in &record.results {
        let Standing::NotRun(why) = &result.standing else {
            continue;
        };
        match reasons.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, ids)) => ids.push(result.check.id),
            None => reasons.push((why, vec![result.check.id])),
        }
    }
    for (why, ids) in reasons {
        let which = match ids.as_slice() {
            few if few.len() <= 4 => few.join(", "),
            many => format!("{} checks", many.len()),
        };
        output::result(&format!("Not run: {which}: {why}"));
    }
}

fn write(record: &SuiteRecord, reports: &[(CheckFormat, PathBuf)]) -> Result<()> {
    for (format, path) in reports {
        write_one(record, *format, path)?;
        output::line(&format!("Report: {}", path.display()));
    }
    Ok(())
}

fn write_one(record: &SuiteRecord, format: CheckFormat, path: &Path) -> Result<()> {
    std::fs::write(path, render(format, record))
        .with_context(|| format!("cannot write the report {}", path.display()))
}
