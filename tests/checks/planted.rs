//! The most important tests: a naive store in the sound one's place is Violated, a sound one in the naive one's place
//! is Inconclusive, and without forcing nothing that needs it is green. For every check there is.

use std::sync::Arc;

use crashdrill::checks::runner::{Cast, CheckEvent, Request, Target, launch};
use crashdrill::checks::{all, place};
use crashdrill::domain::check::{
    Candidate, CheckResult, Ground, Group, Layout, Standing, SuiteRecord,
};
use crashdrill::domain::verdict::Verdict;

use crate::python::older_engine;

/// All checks, so that none is left out for want of a second engine.
fn suite(cast: Cast, forcing: bool) -> Arc<SuiteRecord> {
    let record = these(cast, forcing, None, Vec::new());
    assert_eq!(record.results.len(), all().len());
    record
}

fn these(
    cast: Cast,
    forcing: bool,
    layout: Option<Layout>,
    checks: Vec<&'static str>,
) -> Arc<SuiteRecord> {
    let newer = crashdrill::backend::process::find_program(None).unwrap();
    let mut place = place(&[newer, older_engine()], None).unwrap();
    place.forcing = forcing;
    place.layout = layout;
    let request = Request {
        target: Target::Own,
        place,
        checks,
        cast,
    };
    let handle = launch(request, Box::new(|| ()));
    for event in handle.events.iter() {
        match event {
            CheckEvent::Done(record) => return record,
            CheckEvent::Failed(why) => panic!("{why}"),
            _ => {}
        }
    }
    panic!("no end");
}

fn told(results: &[&CheckResult]) -> Vec<String> {
    let line = |result: &&CheckResult| {
        let why = crashdrill::report::wording::checks::check_why(result);
        format!(
            "{}: {:?}: {why}",
            result.check.id,
            result.standing.verdict()
        )
    };
    results.iter().map(line).collect()
}

fn all_but<'a>(suite: &'a SuiteRecord, right: impl Fn(&CheckResult) -> bool) -> Vec<String> {
    let wrong: Vec<&'a CheckResult> = suite
        .results
        .iter()
        .filter(|result| !right(result))
        .collect();
    told(&wrong)
}

#[test]
fn every_hazard_is_caught_in_the_naive_store_and_not_in_the_sound_one() {
    let suite = suite(Cast::USUAL, true);
    let wrong = all_but(&suite, |result| {
        result.standing.verdict() == Some(Verdict::Held)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(suite.verdict(), Verdict::Held);
    eprintln!("the whole suite took {:.1} s", suite.took.as_secs_f64());
}

#[test]
fn a_naive_store_in_the_sound_ones_place_is_violated() {
    let cast = Cast {
        naive: Candidate::Naive,
        tested: Candidate::Naive,
    };
    let suite = suite(cast, true);
    let wrong = all_but(&suite, |result| {
        result.standing.verdict() == Some(Verdict::Violated)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_sound_store_in_the_naive_ones_place_proves_nothing() {
    let cast = Cast {
        naive: Candidate::Sound,
        tested: Candidate::Sound,
    };
    let suite = suite(cast, true);
    let wrong = all_but(&suite, |result| {
        matches!(
            result.standing,
            Standing::Judged {
                verdict: Verdict::Inconclusive,
                ground: Ground::NaiveNotCaught,
                ..
            }
        )
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(suite.verdict(), Verdict::Inconclusive);
}

#[test]
fn what_depends_on_the_layout_holds_in_each_of_the_five() {
    let of_groups = [Group::RoundTrip, Group::DamagedData, Group::SchemaVersions];
    let others = ["retry-lost-reply", "expiry-policy", "restart-aof-always"];
    let checks: Vec<&'static str> = all()
        .iter()
        .map(|entry| entry.check)
        .filter(|check| of_groups.contains(&check.group) || others.contains(&check.id))
        .map(|check| check.id)
        .collect();
    for layout in Layout::ALL {
        let suite = these(Cast::USUAL, true, Some(layout), checks.clone());
        let wrong = all_but(&suite, |result| {
            result.standing.verdict() == Some(Verdict::Held)
        });
        assert!(wrong.is_empty(), "{layout}: {wrong:#?}");
        assert_eq!(suite.results.len(), checks.len());
    }
}

#[test]
fn without_forcing_nothing_that_needs_it_is_green() {
    let suite = suite(Cast::USUAL, false);
    let wrong = all_but(&suite, |result| {
        let not_forced = matches!(
            result.standing,
            Standing::Judged {
                verdict: Verdict::Inconclusive,
                ground: Ground::NotForced(_),
                ..
            }
        );
        !result.check.forced || not_forced
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
    let forced = suite.results.iter().filter(|result| result.check.forced);
    assert!(
        forced.count() > 30,
        "most hazards are brought about on purpose"
    );
}

#[test]
fn every_group_has_checks_and_every_check_says_what_it_proves() {
    for group in crashdrill::domain::check::Group::ALL {
        let of_group: Vec<_> = all()
            .iter()
            .filter(|entry| entry.check.group == group)
            .collect();
        assert!(!of_group.is_empty(), "{group}");
        for entry in of_group {
            let check = entry.check;
            assert!(check.id.starts_with(group.id()), "{}", check.id);
            for text in [
                check.title,
                check.proves,
                check.hazard,
                check.naive,
                check.sound,
            ] {
                assert!(
                    !text.is_empty() && !text.ends_with('.'),
                    "{}: {text}",
                    check.id
                );
            }
        }
    }
}
