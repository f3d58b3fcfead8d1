//! All checks of one go, and what they come to.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{CheckResult, Ground, Group, Layout, Trial};
use crate::domain::verdict::Verdict;

/// Where a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Judged {
        verdict: Verdict,
        ground: Ground,
        naive: Trial,
        tested: Trial,
    },
    /// Why it did not run; no verdict at all.
    NotRun(String),
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub held: usize,
    pub violated: usize,
    pub inconclusive: usize,
    pub not_run: usize,
}

impl Tally {
    #[must_use]
    pub fn of<'a>(results: impl Iterator<Item = &'a CheckResult>) -> Tally {
        let mut tally = Tally::default();
        for result in results {
            *match &result.standing {
                Standing::NotRun(_) => &mut tally.not_run,
                Standing::Judged { verdict, .. } => match verdict {
                    Verdict::Held => &mut tally.held,
                    Verdict::Violated => &mut tally.violated,
                    Verdict::Inconclusive => &mut tally.inconclusive,
                },
            } += 1;
        }
        tally
    }

    /// Violated if anything was; held only if something was judged and all of it held.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        if self.violated > 0 {
            Verdict::Violated
        } else if self.inconclusive > 0 || self.held == 0 {
            Verdict::Inconclusive
        } else {
            Verdict::Held
        }
    }
}

/// A finished suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteRecord {
    pub began: DateTime<Utc>,
    pub took: Duration,
    /// Engine and version.
    pub server: String,
    /// The address without password, if the user gave one.
    pub address: Option<String>,
    /// The layout that was asked for; `None` means all where it makes a difference.
    pub layout: Option<Layout>,
    pub seed: u64,
    /// The command of the user's own store.
    pub store_command: Option<String>,
    pub tool_version: String,
    pub cancelled: bool,
    /// In the registry's order.
    pub results: Vec<CheckResult>,
}

impl SuiteRecord {
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally::of(self.results.iter())
    }

    #[must_use]
    pub fn group(&self, group: Group) -> Vec<&CheckResult> {
        let of_group = self
            .results
            .iter()
            .filter(|result| result.check.group == group);
        of_group.collect()
    }

    /// A suite that was cancelled proves nothing of what it did not come to.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.tally().verdict() {
            Verdict::Held if self.cancelled => Verdict::Inconclusive,
            verdict => verdict,
        }
    }
}

impl Standing {
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Standing::Judged { verdict, .. } => Some(*verdict),
            Standing::NotRun(_) => None,
        }
    }
}
