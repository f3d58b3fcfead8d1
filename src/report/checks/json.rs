//! For machines: versioned, every store's evidence included.

use serde::Serialize;

use super::super::wording::checks::{check_why, suite_sentence};
use crate::domain::check::{CheckResult, Standing, SuiteRecord, Trial};

/// Grows when a member changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Suite<'a> {
    format: &'static str,
    version: u32,
    verdict: &'static str,
    sentence: String,
    began: String,
    took_secs: f64,
    server: &'a str,
    address: Option<&'a str>,
    layout: Option<&'static str>,
    seed: u64,
    store_command: Option<&'a str>,
    tool_version: &'a str,
    cancelled: bool,
    counts: Counts,
    checks: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Counts {
    held: usize,
    violated: usize,
    inconclusive: usize,
    not_run: usize,
}

#[derive(Serialize)]
struct Check<'a> {
    id: &'static str,
    group: &'static str,
    title: &'static str,
    proves: &'static str,
    hazard: &'static str,
    /// `held`, `violated`, `inconclusive` or `not_run`.
    verdict: &'static str,
    why: String,
    took_secs: f64,
    naive: Option<Turn<'a>>,
    tested: Option<Turn<'a>>,
}

#[derive(Serialize)]
struct Turn<'a> {
    store: &'static str,
    finding: &'static str,
    text: &'a str,
    evidence: &'a [String],
}

pub(super) fn render(suite: &SuiteRecord) -> Vec<u8> {
    let tally = suite.tally();
    let json = Suite {
        format: "crashdrill-checks",
        version: VERSION,
        verdict: suite.verdict().id(),
        sentence: suite_sentence(suite),
        began: suite.began.to_rfc3339(),
        took_secs: suite.took.as_secs_f64(),
        server: &suite.server,
        address: suite.address.as_deref(),
        layout: suite.layout.map(crate::domain::check::Layout::id),
        seed: suite.seed,
        store_command: suite.store_command.as_deref(),
        tool_version: &suite.tool_version,
        cancelled: suite.cancelled,
        counts: Counts {
            held: tally.held,
            violated: tally.violated,
            inconclusive: tally.inconclusive,
            not_run: tally.not_run,
        },
        checks: suite.results.iter().map(check).collect(),
    };
    let mut bytes = serde_json::to_vec_pretty(&json).expect("plain data");
    bytes.push(b'\n');
    bytes
}

fn check(result: &CheckResult) -> Check<'_> {
    let (naive, tested) = match &result.standing {
        Standing::NotRun(_) => (None, None),
        Standing::Judged { naive, tested, .. } => (Some(turn(naive)), Some(turn(tested))),
    };
    let check = &result.check;
    Check {
        id: check.id,
        group: check.group.id(),
        title: check.title,
        proves: check.proves,
        hazard: check.hazard,
        verdict: result
            .standing
            .verdict()
            .map_or("not_run", |verdict| verdict.id()),
        why: check_why(result),
        took_secs: result.took.as_secs_f64(),
        naive,
        tested,
    }
}

fn turn(trial: &Trial) -> Turn<'_> {
    Turn {
        store: trial.candidate.id(),
        finding: trial.finding.id(),
        text: trial.finding.text(),
        evidence: &trial.evidence,
    }
}
