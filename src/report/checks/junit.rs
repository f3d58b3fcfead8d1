//! A test suite for each group, a test case for each check: violated is a failure, inconclusive an error, not run
//! is skipped with its reason.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::wording::checks::{check_why, standing_word, store_name, suite_sentence};
use crate::domain::check::{CheckResult, Group, Standing, SuiteRecord, Trial};
use crate::domain::verdict::Verdict;

pub(super) fn render(suite: &SuiteRecord) -> Vec<u8> {
    let mut report = Report::new("crashdrill check");
    report.set_timestamp(suite.began.fixed_offset());
    report.set_time(suite.took);
    for group in Group::ALL {
        let results = suite.group(group);
        if results.is_empty() {
            continue;
        }
        let mut cases = TestSuite::new(group.id());
        cases.set_timestamp(suite.began.fixed_offset());
        cases.add_property(("server", suite.server.as_str()));
        cases.add_property(("tool_version", suite.tool_version.as_str()));
        cases.add_property(("suite", plain(&suite_sentence(suite)).as_str()));
        for result in results {
            cases.add_test_case(case(result));
        }
        report.add_test_suite(cases);
    }
    report
        .to_string()
        .expect("writing to memory does not fail")
        .into_bytes()
}

fn case(result: &CheckResult) -> TestCase {
    let why = plain(&check_why(result));
    let broken = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(why.clone())
            .set_type(standing_word(&result.standing))
            .set_description(plain(&evidence(result)));
        status
    };
    let status = match &result.standing {
        Standing::NotRun(_) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.clone());
            status
        }
        Standing::Judged { verdict, .. } => match verdict {
            Verdict::Held => TestCaseStatus::success(),
            Verdict::Violated => broken(NonSuccessKind::Failure),
            Verdict::Inconclusive => broken(NonSuccessKind::Error),
        },
    };
    let mut case = TestCase::new(result.check.id, status);
    case.set_classname(format!("crashdrill.{}", result.check.group));
    case.set_time(result.took);
    case.set_system_out(plain(&evidence(result)));
    case
}

fn evidence(result: &CheckResult) -> String {
    let mut lines = vec![format!("Proves: {}", result.check.proves)];
    lines.push(check_why(result));
    if let Standing::Judged { naive, tested, .. } = &result.standing {
        for trial in [naive, tested] {
            lines.push(store_name(&result.check, trial.candidate));
            lines.extend(trial_lines(trial));
        }
    }
    lines.join("\n")
}

fn trial_lines(trial: &Trial) -> impl Iterator<Item = String> + '_ {
    trial.evidence.iter().map(|line| format!("  {line}"))
}

/// XML has no place for most control characters.
fn plain(text: &str) -> String {
    let fit = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if fit(c) { c } else { '\u{fffd}' })
        .collect()
}
