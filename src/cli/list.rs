//! `crashdrill runs` and `crashdrill replay`: what is on disk.

use std::path::Path;

use anyhow::Result;
use chrono::Local;

use super::args::{ReplayArgs, RunsArgs};
use super::exit::{Exit, UsageError};
use super::{output, run};
use crate::engine::store;

pub fn runs(args: &RunsArgs, folder: &Path) -> Result<Exit> {
    if let Some(name) = &args.delete {
        let dir = store::find(folder, name).map_err(|error| UsageError(format!("{error:#}")))?;
        store::delete(&dir)?;
        output::line(&format!("Deleted {}", dir.display()));
        return Ok(Exit::Held);
    }
    // The only thing that can be wrong with it is the folder that was named.
    let all = store::list(folder).map_err(|error| UsageError(format!("--runs: {error:#}")))?;
    if args.json {
        output::result(&serde_json::to_string_pretty(&all)?);
        return Ok(Exit::Held);
    }
    if all.is_empty() {
        output::line(&format!(
            "No runs yet in {}: crashdrill run makes one",
            folder.display()
        ));
    }
    for summary in all {
        let when = summary
            .began
            .with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S");
        let verdict = summary
            .verdict
            .map_or("Not judged", |verdict| verdict.title());
        let told = match (summary.broken, summary.sentence.split_once(": ")) {
            (Some(why), _) => format!("cannot be read: {why}"),
            // Its word stands in a column of its own.
            (None, Some((_, words))) => words.to_owned(),
            (None, None) => summary.sentence,
        };
        output::result(&format!("{when}  {verdict:<12}  {}  {told}", summary.id));
    }
    Ok(Exit::Held)
}

pub fn replay(args: &ReplayArgs, folder: &Path) -> Result<Exit> {
    let reports = run::reports(&args.report, args.force)?;
    let dir = store::find(folder, &args.run).map_err(|error| UsageError(format!("{error:#}")))?;
    let record = store::judge_again(&dir).map_err(|error| UsageError(format!("{error:#}")))?;
    output::verdict(&record);
    run::write_reports(&record, &reports)?;
    Ok(Exit::of(record.judgement.verdict))
}
