//! For a pull request or a wiki: a table, and what is behind everything that is not green.

use std::fmt::Write;

use super::super::wording::checks::{
    check_why, finding_word, standing_word, store_name, suite_sentence,
};
use crate::domain::check::{CheckResult, Group, Standing, SuiteRecord};
use crate::domain::verdict::Verdict;

pub(super) fn render(suite: &SuiteRecord) -> String {
    let mut out = format!("# Checks\n\n**{}**\n", cell(&suite_sentence(suite)));
    for group in Group::ALL {
        let results = suite.group(group);
        if results.is_empty() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\n| Check | Verdict | Why |\n|---|---|---|\n",
            group.title(),
            group.question()
        );
        for result in &results {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                cell(result.check.title),
                mark(&result.standing),
                cell(&check_why(result))
            );
        }
        for result in results.iter().filter(|result| open(&result.standing)) {
            details(&mut out, result);
        }
    }
    out
}

/// Word and sign, never colour alone.
fn mark(standing: &Standing) -> String {
    let sign = match standing.verdict() {
        Some(Verdict::Held) => "✔",
        Some(Verdict::Violated) => "✘",
        Some(Verdict::Inconclusive) => "?",
        None => "–",
    };
    format!("{sign} {}", standing_word(standing))
}

fn open(standing: &Standing) -> bool {
    standing
        .verdict()
        .is_some_and(|verdict| verdict != Verdict::Held)
}

fn details(out: &mut String, result: &CheckResult) {
    let Standing::Judged { naive, tested, .. } = &result.standing else {
        return;
    };
    let _ = write!(
        out,
        "\n### {}\n\nProves: {}\n\nHazard: {}\n",
        cell(result.check.title),
        cell(result.check.proves),
        cell(result.check.hazard)
    );
    for trial in [naive, tested] {
        let _ = write!(
            out,
            "\n{} — {}: {}\n\n",
            cell(&store_name(&result.check, trial.candidate)),
            finding_word(trial),
            cell(trial.finding.text())
        );
        for line in &trial.evidence {
            let _ = writeln!(out, "- {}", cell(line));
        }
    }
}

/// Nothing of a store's words becomes markup.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
