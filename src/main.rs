//! Parse, then the window or the headless run, then the exit code. Nothing else.

use std::process::ExitCode;

use clap::Parser;
use crashdrill::cli::exit::{Exit, UsageError};
use crashdrill::cli::{self, Cli};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Held
            }
            .into();
        }
    };
    let result = match cli.verb {
        Some(verb) => cli::main(verb, cli.runs),
        None => window(cli.runs),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("crashdrill: {error:#}");
            let exit = if error.is::<UsageError>() {
                Exit::Usage
            } else {
                Exit::Internal
            };
            exit.into()
        }
    }
}

#[cfg(feature = "gui")]
fn window(runs: Option<std::path::PathBuf>) -> anyhow::Result<Exit> {
    let runs = runs.map_or_else(crashdrill::engine::store::default_runs_dir, Ok)?;
    crashdrill::app::run_window(runs)?;
    Ok(Exit::Held)
}

#[cfg(not(feature = "gui"))]
fn window(_runs: Option<std::path::PathBuf>) -> anyhow::Result<Exit> {
    Err(
        UsageError("this build has no window: crashdrill run --help tells what it can do".into())
            .into(),
    )
}
