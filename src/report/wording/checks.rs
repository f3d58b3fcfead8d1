//! Sentences about checks: verdicts, grounds, tallies.

use crate::domain::check::{
    Candidate, Check, CheckResult, Ground, Standing, SuiteRecord, Tally, Trial,
};
use crate::domain::verdict::Verdict;

/// One word for where a check stands.
#[must_use]
pub fn standing_word(standing: &Standing) -> &'static str {
    match standing {
        Standing::NotRun(_) => "Not run",
        Standing::Judged { verdict, .. } => verdict_word(*verdict),
    }
}

#[must_use]
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "Held",
        Verdict::Violated => "Violated",
        Verdict::Inconclusive => "Inconclusive",
    }
}

/// Who a trial is about.
#[must_use]
pub fn store_name(check: &Check, candidate: Candidate) -> String {
    match candidate {
        Candidate::Naive => format!("Naive store: {}", check.naive),
        Candidate::Sound => format!("Sound store: {}", check.sound),
        Candidate::Yours => "Your store".into(),
    }
}

fn short_name(candidate: Candidate) -> &'static str {
    match candidate {
        Candidate::Naive => "the naive store",
        Candidate::Sound => "the sound store",
        Candidate::Yours => "your store",
    }
}

/// What a store's turn came to.
#[must_use]
pub fn finding_word(trial: &Trial) -> &'static str {
    use crate::domain::check::Finding;
    match trial.finding {
        Finding::Caught(_) => "Caught",
        Finding::Passed(_) => "Passed",
        Finding::NotForced(_) => "Hazard not brought about",
        Finding::Failed(_) => "Check failed",
    }
}

/// Why the check stands where it stands.
#[must_use]
pub fn check_why(result: &CheckResult) -> String {
    let (ground, naive, tested) = match &result.standing {
        Standing::NotRun(why) => return why.clone(),
        Standing::Judged {
            ground,
            naive,
            tested,
            ..
        } => (ground, naive, tested),
    };
    let tested_name = short_name(tested.candidate);
    match ground {
        Ground::CaughtAndPassed => format!(
            "{} was caught ({}), and {tested_name} passed ({})",
            short_name(naive.candidate),
            naive.finding.text(),
            tested.finding.text()
        ),
        Ground::Caught => format!("{tested_name} was caught: {}", tested.finding.text()),
        Ground::NaiveNotCaught => format!(
            "{} was not caught ({}), so that {tested_name} passed proves nothing",
            short_name(naive.candidate),
            naive.finding.text()
        ),
        Ground::NotForced(who) => format!(
            "the hazard did not come about for {}: {}",
            short_name(*who),
            text_of(*who, naive, tested)
        ),
        Ground::Failed(who) => format!(
            "the check failed at {}: {}",
            short_name(*who),
            text_of(*who, naive, tested)
        ),
    }
}

fn text_of<'a>(who: Candidate, naive: &'a Trial, tested: &'a Trial) -> &'a str {
    // Where both are the same store, the one that stands under test speaks.
    if tested.candidate == who
        && !matches!(tested.finding, crate::domain::check::Finding::Passed(_))
    {
        tested.finding.text()
    } else {
        naive.finding.text()
    }
}

/// `52 held, 1 violated, 0 inconclusive, 3 not run`.
#[must_use]
pub fn tally_words(tally: Tally) -> String {
    format!(
        "{} held, {} violated, {} inconclusive, {} not run",
        tally.held, tally.violated, tally.inconclusive, tally.not_run
    )
}

/// The whole suite in one sentence.
#[must_use]
pub fn suite_sentence(suite: &SuiteRecord) -> String {
    let place = suite.address.as_ref().map_or_else(
        || format!("{}, servers of our own", suite.server),
        |address| format!("{} at {address}", suite.server),
    );
    let store = suite
        .store_command
        .as_ref()
        .map(|command| format!(", your store ({command})"))
        .unwrap_or_default();
    let cancelled = if suite.cancelled { "; cancelled" } else { "" };
    format!(
        "{}: {} on {place}{store} in {:.1} s{cancelled}",
        verdict_word(suite.verdict()),
        tally_words(suite.tally()),
        suite.took.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_told_in_words() {
        let tally = Tally {
            held: 2,
            violated: 1,
            ..Tally::default()
        };
        assert_eq!(
            tally_words(tally),
            "2 held, 1 violated, 0 inconclusive, 0 not run"
        );
    }
}
