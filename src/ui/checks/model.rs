//! What rows and pages say, without drawing.

use crate::app::check_state::ChecksState;
use crate::domain::check::{Group, Tally};
use crate::domain::verdict::Verdict;

/// Where a check or a group stands, for its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Verdict(Verdict),
    NotRun,
    Running,
    /// Nothing is known yet.
    Open,
}

impl Mark {
    /// The word beside the icon.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Verdict(verdict) => crate::report::wording::checks::verdict_word(verdict),
            Mark::NotRun => "Not run",
            Mark::Running => "Running",
            Mark::Open => "",
        }
    }
}

pub fn of_check(checks: &ChecksState, id: &str) -> Mark {
    if checks.now.contains(&id) {
        return Mark::Running;
    }
    checks
        .results
        .get(id)
        .map_or(Mark::Open, |result| match result.standing.verdict() {
            Some(verdict) => Mark::Verdict(verdict),
            None => Mark::NotRun,
        })
}

/// The worst of the group.
pub fn of_group(checks: &ChecksState, group: Group) -> Mark {
    let running = checks
        .now
        .iter()
        .any(|id| crate::app::check_state::check(id).is_some_and(|check| check.group == group));
    let tally = checks.tally(group);
    if running {
        Mark::Running
    } else if tally == Tally::default() {
        Mark::Open
    } else if tally.held + tally.violated + tally.inconclusive == 0 {
        Mark::NotRun
    } else {
        Mark::Verdict(tally.verdict())
    }
}

/// `4 of 6 held`, or how many there are.
pub fn counts(tally: Tally, all: usize) -> String {
    if tally == Tally::default() {
        return format!("{all}");
    }
    let mut parts = vec![format!("{} of {all} held", tally.held)];
    for (count, word) in [
        (tally.violated, "violated"),
        (tally.inconclusive, "inconclusive"),
        (tally.not_run, "not run"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_name_only_what_there_is() {
        assert_eq!(counts(Tally::default(), 6), "6");
        let tally = Tally {
            held: 4,
            not_run: 2,
            ..Tally::default()
        };
        assert_eq!(counts(tally, 6), "4 of 6 held, 2 not run");
    }
}
