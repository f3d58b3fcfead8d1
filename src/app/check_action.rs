//! Wishes about checks.

use super::check_state::{CheckForm, CheckFormat, Picked};
use super::state::AppState;

#[derive(Clone, Debug)]
pub enum CheckAction {
    RunAll,
    RunPicked,
    Cancel,
    Pick(Picked),
    Edit(Box<CheckForm>),
    Export(CheckFormat),
    DismissFailure,
}

impl CheckAction {
    /// As on the button.
    #[must_use]
    pub fn text(&self, state: &AppState) -> &'static str {
        match self {
            CheckAction::RunAll => "Run all checks",
            CheckAction::RunPicked => match state.checks.picked {
                Picked::Group(_) => "Run group",
                Picked::Check(_) => "Run check",
            },
            CheckAction::Cancel => "Cancel checks",
            CheckAction::Export(CheckFormat::Html) => "Save checks as a page…",
            CheckAction::Export(CheckFormat::Markdown) => "Save checks as Markdown…",
            CheckAction::Export(CheckFormat::Json) => "Save checks as JSON…",
            CheckAction::Export(CheckFormat::Junit) => "Save checks as JUnit…",
            CheckAction::DismissFailure => "Dismiss",
            CheckAction::Pick(_) | CheckAction::Edit(_) => "",
        }
    }

    #[must_use]
    pub fn tooltip(&self) -> &'static str {
        match self {
            CheckAction::RunAll => {
                "Bring about every hazard on real servers, before the naive and the sound store"
            }
            CheckAction::Cancel => "End the checks under way and clean up",
            CheckAction::Export(CheckFormat::Junit) => "A test suite for CI",
            _ => "",
        }
    }

    /// Whether it can be done now.
    ///
    /// # Errors
    /// Why not.
    pub fn available(&self, state: &AppState) -> Result<(), &'static str> {
        let checks = &state.checks;
        match self {
            CheckAction::RunAll | CheckAction::RunPicked if checks.running => {
                Err("Checks are running")
            }
            CheckAction::Cancel if !checks.running => Err("No check is running"),
            CheckAction::Cancel if checks.cancelling => Err("Already cleaning up"),
            CheckAction::Export(_) if checks.record.is_none() => {
                Err("There is no finished suite to save yet")
            }
            _ => Ok(()),
        }
    }
}
