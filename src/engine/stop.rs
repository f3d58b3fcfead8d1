//! Why a drill ends before its script does.

use super::load::LoadError;
use crate::backend::BackendError;
use crate::domain::event::Fix;

/// The reason, with what to do about it where that is known.
pub enum Stop {
    Cancelled,
    Failed { error: String, fix: Option<Fix> },
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Self {
        let details = if error.details.is_empty() || error.message.contains(&error.details) {
            String::new()
        } else {
            format!("\n{}", error.details)
        };
        Stop::Failed {
            error: error.message + &details,
            fix: error.fix,
        }
    }
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Stop::failed(error.to_string())
    }
}

impl Stop {
    pub fn failed(error: impl Into<String>) -> Self {
        Stop::Failed {
            error: error.into(),
            fix: None,
        }
    }

    /// A file of the run could not be written.
    pub fn unwritten(error: anyhow::Error) -> Self {
        Stop::failed(format!("{error:#}"))
    }
}

pub type Step<T = ()> = Result<T, Stop>;
