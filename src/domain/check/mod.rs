//! A check: what it proves about a memory store, how its two stores fared, and what follows from that.
//!
//! Owns the words and the judgement. It must not know how a check is performed: findings come in, a verdict
//! with its ground goes out.

mod group;
mod layout;
mod message;
mod suite;
mod value;

use std::time::Duration;

use super::verdict::Verdict;

pub use group::Group;
pub use layout::Layout;
pub use message::{History, Message};
pub use suite::{Standing, SuiteRecord, Tally};
pub use value::Value;

/// What stands in the list of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Unique; begins with its group's id.
    pub id: &'static str,
    pub group: Group,
    pub title: &'static str,
    /// What is proven if the verdict is `Held`.
    pub proves: &'static str,
    /// The mistake that the naive store makes.
    pub hazard: &'static str,
    /// What the naive store is.
    pub naive: &'static str,
    /// What the sound store is.
    pub sound: &'static str,
    /// Why the check cannot run on a server that we did not start; `None` if it can.
    pub own_server: Option<&'static str>,
    /// Whether a store of the user's can stand in the sound one's place.
    pub yours: bool,
    /// Whether the hazard must be brought about: an interleaving, a fault, an end of the server.
    pub forced: bool,
}

/// Who stands before the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidate {
    /// The store that the hazard gets.
    Naive,
    /// The store that it does not get.
    Sound,
    /// The user's own, in the sound one's place.
    Yours,
}

impl Candidate {
    pub const ALL: [Candidate; 3] = [Candidate::Naive, Candidate::Sound, Candidate::Yours];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Candidate::Naive => "naive",
            Candidate::Sound => "sound",
            Candidate::Yours => "yours",
        }
    }
}

/// What one store did under one hazard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The store broke the contract, and this is how.
    Caught(String),
    /// The hazard was there and the store kept the contract.
    Passed(String),
    /// The hazard did not come about, so nothing is known.
    NotForced(String),
    /// The check itself could not be carried through.
    Failed(String),
}

impl Finding {
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Finding::Caught(_) => "caught",
            Finding::Passed(_) => "passed",
            Finding::NotForced(_) => "not_forced",
            Finding::Failed(_) => "failed",
        }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Finding::Caught(text)
            | Finding::Passed(text)
            | Finding::NotForced(text)
            | Finding::Failed(text) => text,
        }
    }
}

/// One store's turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    pub candidate: Candidate,
    pub finding: Finding,
    /// What was counted and seen, a line each.
    pub evidence: Vec<String>,
}

/// What decided a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The naive store was caught and the other passed.
    CaughtAndPassed,
    /// The store under test was caught.
    Caught,
    /// The naive store was not caught: the check has shown nothing that it can catch.
    NaiveNotCaught,
    /// The hazard did not come about for this store.
    NotForced(Candidate),
    /// The check failed at this store.
    Failed(Candidate),
}

/// The verdict on the store under test (the sound one, or the user's), given how the naive one fared.
///
/// A breach that was seen is a breach, whatever the control says; a pass counts only beside a naive store that was
/// caught in the same way.
#[must_use]
pub fn judge(naive: &Trial, tested: &Trial) -> (Verdict, Ground) {
    match (&naive.finding, &tested.finding) {
        (_, Finding::Caught(_)) => (Verdict::Violated, Ground::Caught),
        (_, Finding::Failed(_)) => (Verdict::Inconclusive, Ground::Failed(tested.candidate)),
        (_, Finding::NotForced(_)) => (Verdict::Inconclusive, Ground::NotForced(tested.candidate)),
        (Finding::Failed(_), _) => (Verdict::Inconclusive, Ground::Failed(naive.candidate)),
        (Finding::NotForced(_), _) => (Verdict::Inconclusive, Ground::NotForced(naive.candidate)),
        (Finding::Passed(_), _) => (Verdict::Inconclusive, Ground::NaiveNotCaught),
        (Finding::Caught(_), Finding::Passed(_)) => (Verdict::Held, Ground::CaughtAndPassed),
    }
}

/// How one check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    pub check: Check,
    pub standing: Standing,
    pub took: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(naive: Finding, sound: Finding) -> Verdict {
        let trial = |candidate, finding| Trial {
            candidate,
            finding,
            evidence: Vec::new(),
        };
        judge(
            &trial(Candidate::Naive, naive),
            &trial(Candidate::Sound, sound),
        )
        .0
    }

    #[test]
    fn only_a_caught_naive_store_beside_a_passing_sound_one_is_green() {
        let all = || {
            [
                Finding::Caught(String::new()),
                Finding::Passed(String::new()),
                Finding::NotForced(String::new()),
                Finding::Failed(String::new()),
            ]
        };
        for naive in all() {
            for sound in all() {
                let green = matches!((&naive, &sound), (Finding::Caught(_), Finding::Passed(_)));
                let red = matches!(sound, Finding::Caught(_));
                let expected = match (green, red) {
                    (true, _) => Verdict::Held,
                    (_, true) => Verdict::Violated,
                    _ => Verdict::Inconclusive,
                };
                assert_eq!(
                    verdict(naive.clone(), sound.clone()),
                    expected,
                    "{naive:?} {sound:?}"
                );
            }
        }
    }
}
