//! The verdict as a test suite: one test case for each fault and its contract, one for the integrity of
//! what was found, one for the evidence. Violated is a failure, Inconclusive is an error.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::wording::{
    grounds, loss_sentence, moment_sentence, promise_sentence, verdict_sentence, why_sentence,
};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Ground, Verdict};

pub(super) fn render(record: &RunRecord) -> Vec<u8> {
    let mut report = Report::new("crashdrill");
    report.set_timestamp(record.began.fixed_offset());
    let mut suite = TestSuite::new(format!(
        "{} {}",
        record.plan.preset.id, record.plan.fault.kind
    ));
    suite.set_timestamp(record.began.fixed_offset());
    suite.add_property(("run", record.id.0.as_str()));
    suite.add_property(("verdict", record.judgement.verdict.id()));
    suite.add_property(("tool_version", record.tool_version.as_str()));
    if let Some(server) = &record.server {
        let server = format!("{} {}", server.engine, server.version);
        suite.add_property(("server", server.as_str()));
    }
    suite.set_system_out(format!(
        "{}\n{}",
        verdict_sentence(record),
        loss_sentence(record)
    ));
    suite.add_test_cases(faults(record));
    suite.add_test_case(integrity(record));
    suite.add_test_case(evidence(record));
    report.add_test_suite(suite);
    report
        .to_string()
        .expect("writing to memory does not fail")
        .into_bytes()
}

fn case(record: &RunRecord, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("crashdrill.{}", record.plan.preset.id));
    case
}

fn broken(kind: NonSuccessKind, message: &str, text: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message).set_description(text);
    status
}

fn faults(record: &RunRecord) -> Vec<TestCase> {
    let findings = record.judgement.faults.iter().enumerate();
    findings
        .map(|(at, finding)| {
            let promise = promise_sentence(finding);
            let mut text = vec![
                verdict_sentence(record),
                loss_sentence(record),
                promise.clone(),
            ];
            text.extend(why_sentence(record, at));
            text.extend(moment_sentence(record, at));
            let text = text.join("\n");
            let status = match finding.held {
                Some(true) => TestCaseStatus::success(),
                Some(false) => broken(NonSuccessKind::Failure, &promise, text.clone()),
                None => broken(NonSuccessKind::Error, &promise, text.clone()),
            };
            let name = format!("fault {}: {}", at + 1, finding.fault);
            let mut case = case(record, &name, status);
            case.set_system_out(text);
            case
        })
        .collect()
}

/// What no promise allows, and what belongs to no fault.
fn integrity(record: &RunRecord) -> TestCase {
    let within_a_fault = |ground: &Ground| matches!(ground, Ground::OutsideContract { .. });
    let all = &record.judgement.grounds;
    let others = all.iter().any(|ground| !within_a_fault(ground));
    let judged_by_faults = record
        .judgement
        .faults
        .iter()
        .any(|f| f.held == Some(false));
    let violated = record.judgement.verdict == Verdict::Violated;
    let damaged = all
        .iter()
        .any(|g| matches!(g, Ground::Damaged { .. } | Ground::LostWithoutFault { .. }));
    let status = if violated && (damaged || (!judged_by_faults && others) || all.is_empty()) {
        broken(
            NonSuccessKind::Failure,
            &verdict_sentence(record),
            grounds(record).join("\n"),
        )
    } else {
        TestCaseStatus::success()
    };
    case(record, "integrity", status)
}

fn evidence(record: &RunRecord) -> TestCase {
    let status = match record.judgement.verdict {
        Verdict::Inconclusive => broken(
            NonSuccessKind::Error,
            &verdict_sentence(record),
            grounds(record).join("\n"),
        ),
        Verdict::Held | Verdict::Violated => TestCaseStatus::success(),
    };
    case(record, "evidence", status)
}
