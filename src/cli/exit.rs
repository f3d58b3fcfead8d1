//! Exit codes: one for each verdict, 64 for wrong use, 70 for what should not happen (both after sysexits.h).

use std::process::ExitCode;

use crate::domain::verdict::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The promise was held, or there was nothing to judge and all went well.
    Held,
    Violated,
    Inconclusive,
    Usage,
    Internal,
}

impl Exit {
    #[must_use]
    pub fn of(verdict: Verdict) -> Exit {
        match verdict {
            Verdict::Held => Exit::Held,
            Verdict::Violated => Exit::Violated,
            Verdict::Inconclusive => Exit::Inconclusive,
        }
    }

    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Held => 0,
            Exit::Violated => 1,
            Exit::Inconclusive => 2,
            Exit::Usage => 64,
            Exit::Internal => 70,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// The user's input is wrong. `main` prints it and ends with 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);
