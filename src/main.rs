//! TEMPORARY: opens the window.

fn main() -> anyhow::Result<()> {
    #[cfg(feature = "gui")]
    crashdrill::app::run_window(crashdrill::app::shim::default_runs_dir()?)?;
    Ok(())
}
