//! `crashdrill inspect`: look into a memory store from the terminal.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::args::InspectArgs;
use super::exit::{Exit, UsageError};
use super::{output, run};
use crate::domain::memory::diff::Diff;
use crate::domain::memory::finding::Severity;
use crate::domain::memory::health::{Policy, words, worst};
use crate::domain::memory::inventory::Inventory;
use crate::domain::memory::pattern::{Pattern, Recogniser};
use crate::domain::memory::server::Expectation;
use crate::engine::{presets, store};
use crate::inspect::export::{Export, ExportFormat};
use crate::inspect::scan::{Found, Options, Progress, Sink, scan};
use crate::inspect::{Budget, Target, file, secret};
use crate::report::inspection::{self, Inspection};
use crate::report::wording::number::{count, counted};

pub fn inspect(args: &InspectArgs) -> Result<Exit> {
    let options = options(args)?;
    let target = target(args)?;
    let before = before(args)?;
    for path in [&args.save, &args.export].into_iter().flatten() {
        writable(path, args.force)?;
    }
    if let Some(path) = &args.export {
        ExportFormat::of(path).map_err(|error| UsageError(format!("--export: {error}")))?;
    }
    let interrupted = run::interrupted()?;
    let budget = Arc::new(Budget::new(args.budget));
    let mut export = args.export.as_deref().map(Export::begin).transpose()?;
    let sink = export.as_mut().map(|export| export as &mut dyn Sink);
    let mut meter = ScanMeter::new(args);
    let mut progress = |progress: &Progress| meter.show(progress);
    let scanned = braked(&interrupted, &budget, || {
        scan(&target, &budget, &options, &mut progress, sink)
    });
    meter.finish();
    let found = match scanned {
        Ok(found) => found,
        Err(error) => {
            if let Some(export) = export {
                export.abandon();
            }
            output::line(&format!("crashdrill: {error}"));
            return Ok(Exit::Inconclusive);
        }
    };
    if args.remember {
        remember(&target);
    }
    if let Some(export) = export {
        let messages = export.messages;
        let path = export.finish()?;
        output::line(&format!(
            "Exported {}: {}",
            counted(messages, "message"),
            path.display()
        ));
    }
    if let Some(path) = &args.save {
        file::save(path, &target, &options.recogniser, &found)?;
        output::line(&format!("Inventory: {}", path.display()));
    }
    let diff = before.as_ref().map(|before| file::compare(before, &found));
    let inspection = Inspection {
        store: &target.label(),
        survey: &found.survey,
        facts: &found.facts,
        findings: &found.findings,
        diff: before
            .as_ref()
            .map(|before| &before.header)
            .zip(diff.as_ref()),
        limit: args.limit,
    };
    output::result(&if args.json {
        inspection::json(&inspection)
    } else {
        inspection::text(&inspection)
    });
    Ok(exit(args, &found, diff.as_ref()))
}

/// What is not complete is inconclusive, whatever was found in the part that was seen.
fn exit(args: &InspectArgs, found: &Found, diff: Option<&Diff>) -> Exit {
    if found.survey.stopped.is_some() {
        return Exit::Inconclusive;
    }
    let fails = if args.strict {
        Severity::Warning
    } else {
        Severity::Bad
    };
    let worst = worst(&found.findings).max(diff.and_then(Diff::worst));
    if worst.is_some_and(|worst| worst >= fails) {
        Exit::Violated
    } else {
        Exit::Held
    }
}

/// Ctrl-C pulls the budget's brake: the scan ends and keeps what it has.
fn braked<T>(interrupted: &AtomicBool, budget: &Budget, work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                if interrupted.load(Ordering::SeqCst) {
                    budget.stop();
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let result = work();
        done.store(true, Ordering::SeqCst);
        result
    })
}

fn target(args: &InspectArgs) -> Result<Target> {
    let mut target = Target::parse(&args.url).map_err(UsageError)?;
    if args.ca.is_some() && !target.is_tls() {
        bail!(UsageError(
            "--ca: only rediss:// addresses have a certificate to check".into()
        ));
    }
    target.ca.clone_from(&args.ca);
    if target.password.is_none() {
        target.password.clone_from(&args.password);
    }
    // A keyring is asked only for a store that somebody has told it about: by name of its user, or by --remember.
    if target.password.is_none() && (target.user.is_some() || args.remember) {
        target.password = secret::recall(&target.label());
    }
    if target.password.is_none() && target.user.is_some() {
        target.password = ask_password(&target);
    }
    Ok(target)
}

/// Whoever sits before a terminal is asked, without an echo; a script is not left waiting for somebody.
fn ask_password(target: &Target) -> Option<String> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let user = target.user.as_deref().unwrap_or_default();
    let prompt = format!("Password of {user} at {}: ", target.host());
    match rpassword::prompt_password(prompt) {
        Ok(password) => (!password.is_empty()).then_some(password),
        Err(error) => {
            output::line(&format!("The password cannot be asked for: {error}"));
            None
        }
    }
}

fn remember(target: &Target) {
    let Some(password) = &target.password else {
        return;
    };
    if let secret::Kept::No(why) = secret::keep(&target.label(), password) {
        output::line(&format!("The password is not remembered: {why}"));
    }
}

fn options(args: &InspectArgs) -> Result<Options> {
    if args.separator.is_empty() {
        bail!(UsageError("--separator: it must not be empty".into()));
    }
    let mut recogniser = Recogniser {
        separator: args.separator.clone(),
        ..Recogniser::default()
    };
    if !args.pattern.is_empty() {
        recogniser.guess = false;
        recogniser.patterns = args
            .pattern
            .iter()
            .map(|pattern| Pattern::parse(pattern))
            .collect::<Result<_, _>>()
            .map_err(|error| UsageError(format!("--pattern: {error}")))?;
    }
    let expect = args.expect.as_deref().map(expectation).transpose()?;
    Ok(Options {
        recogniser,
        policy: Policy {
            ttl: args.ttl,
            expect,
        },
    })
}

fn expectation(id: &str) -> Result<Expectation> {
    let folder = store::presets_dir().ok();
    let (known, _) = presets::load(folder.as_deref());
    match known.iter().find(|preset| preset.id == id) {
        Some(preset) => Ok(Expectation::of(preset)),
        None => {
            let ids: Vec<&str> = known.iter().map(|preset| preset.id.as_str()).collect();
            bail!(UsageError(format!(
                "--expect: there is no preset \"{id}\"; known are {}",
                ids.join(", ")
            )))
        }
    }
}

fn before(args: &InspectArgs) -> Result<Option<Inventory>> {
    let Some(path) = &args.diff else {
        return Ok(None);
    };
    let inventory = file::load(path).map_err(|error| UsageError(format!("--diff: {error:#}")))?;
    Ok(Some(inventory))
}

/// What cannot be written is refused before the scan and not after it.
fn writable(path: &Path, force: bool) -> Result<()> {
    let name = path.display();
    if path.is_dir() {
        bail!(UsageError(format!("{name} is a folder: name a file in it")));
    }
    if path.exists() && !force {
        bail!(UsageError(format!(
            "{name} exists: choose another name, or overwrite it with --force"
        )));
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        bail!(UsageError(format!("the folder of {name} does not exist")));
    }
    Ok(())
}

/// How far the scan is: a bar for people, a line now and then for logs.
struct ScanMeter {
    bar: Option<ProgressBar>,
    quiet: bool,
    limit: u32,
    begun: Instant,
    last_line: Instant,
}

impl ScanMeter {
    const PLAIN_EVERY: Duration = Duration::from_secs(2);

    fn new(args: &InspectArgs) -> Self {
        let bar = (!args.quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:24.cyan/dim} {msg}")
                .expect("a constant template");
            ProgressBar::new(1000).with_style(style)
        });
        ScanMeter {
            bar,
            quiet: args.quiet,
            limit: args.budget,
            begun: Instant::now(),
            last_line: Instant::now(),
        }
    }

    fn show(&mut self, progress: &Progress) {
        let due = self.last_line.elapsed() >= Self::PLAIN_EVERY;
        if let Some(bar) = &self.bar {
            bar.set_position((progress.share() * 1000.0) as u64);
            bar.set_message(self.sentence(progress));
        } else if due && !self.quiet {
            self.last_line = Instant::now();
            output::line(&self.sentence(progress));
        }
    }

    fn sentence(&self, progress: &Progress) -> String {
        let limit = match self.limit {
            0 => "no limit".into(),
            limit => format!("of {}", count(u64::from(limit))),
        };
        let left = match progress.share() {
            share if share > 0.01 => {
                let left = self.begun.elapsed().mul_f64((1.0 - share) / share);
                format!(", {} left", words(left))
            }
            _ => String::new(),
        };
        format!(
            "{} of {} keys, {}, {} commands a second ({limit}){left}",
            count(progress.keys),
            count(progress.expected),
            counted(progress.sessions, "session"),
            count(progress.rate as u64),
        )
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
