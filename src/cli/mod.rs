//! The headless observer: it can do what the window can, and prints what happens.

mod args;
mod check;
pub mod exit;
mod import;
mod inspect;
mod list;
mod output;
mod run;

use std::path::PathBuf;

use anyhow::Result;

pub use args::{Cli, Verb};
use exit::Exit;

use crate::engine::{housekeeping, store};

/// Does what the command line says; the window has its own way in.
///
/// # Errors
/// The user's input is wrong ([`exit::UsageError`]), or something failed that is no verdict.
pub fn main(verb: Verb, runs: Option<PathBuf>) -> Result<Exit> {
    let runs = || runs.clone().map_or_else(store::default_runs_dir, Ok);
    match verb {
        Verb::Run(args) => run::run(&args, &runs()?),
        Verb::Inspect(args) => inspect::inspect(&args),
        Verb::Check(args) => check::check(&args),
        Verb::Replay(args) => list::replay(&args, &runs()?),
        Verb::Runs(args) => list::runs(&args, &runs()?),
        Verb::Presets(args) => import::presets(&args),
        Verb::Janitor { lease } => {
            housekeeping::janitor(&lease);
            Ok(Exit::Held)
        }
    }
}
