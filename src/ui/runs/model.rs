//! Which runs are shown, and in which order. Pure.

use std::cmp::Ordering;

use crate::app::state::RunSummary;
use crate::app::state::{RunColumn, RunsState, Sort};
use crate::domain::verdict::Verdict;

/// The rows that fit the filter, sorted.
#[must_use]
pub fn rows(runs: &RunsState) -> Vec<&RunSummary> {
    let wanted = runs.filter.trim().to_lowercase();
    let mut rows: Vec<&RunSummary> = runs.rows.iter().filter(|run| fits(run, &wanted)).collect();
    rows.sort_by(|a, b| ordered(a, b, runs.sort));
    rows
}

/// Every word of the filter is found somewhere in the row.
fn fits(run: &RunSummary, wanted: &str) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let verdict = verdict_word(run);
    let all = [
        &run.id.0,
        &run.preset,
        &run.fault,
        &run.backend,
        &run.sentence,
        verdict,
    ];
    let all = all.map(str::to_lowercase);
    wanted
        .split_whitespace()
        .all(|word| all.iter().any(|text| text.contains(word)))
}

/// The verdict's word, or why there is none.
#[must_use]
pub fn verdict_word(run: &RunSummary) -> &'static str {
    match (&run.broken, run.verdict) {
        (Some(_), _) => "Broken",
        (None, Some(verdict)) => verdict.title(),
        (None, None) => "Not judged",
    }
}

fn ordered(a: &RunSummary, b: &RunSummary, sort: Sort) -> Ordering {
    let rank = |run: &RunSummary| match run.verdict {
        Some(Verdict::Violated) => 0,
        Some(Verdict::Inconclusive) => 1,
        Some(Verdict::Held) => 2,
        None => 3,
    };
    let order = match sort.column {
        RunColumn::Time => a.began.cmp(&b.began),
        RunColumn::Preset => a.preset.cmp(&b.preset),
        RunColumn::Fault => a.fault.cmp(&b.fault),
        RunColumn::Backend => a.backend.cmp(&b.backend),
        RunColumn::Verdict => rank(a).cmp(&rank(b)),
        RunColumn::Acked => a.acked.cmp(&b.acked),
        RunColumn::Lost => a.lost.cmp(&b.lost),
    };
    let order = if sort.ascending {
        order
    } else {
        order.reverse()
    };
    // The newest first among equals.
    order.then_with(|| b.began.cmp(&a.began))
}
