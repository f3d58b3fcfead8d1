//! One page without a script: groups, checks, and both stores' evidence side by side.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::super::wording::checks::{
    check_why, finding_word, standing_word, store_name, suite_sentence, tally_words, verdict_word,
};
use crate::domain::check::{CheckResult, Group, Standing, SuiteRecord, Tally, Trial};
use crate::domain::verdict::Verdict;

const STYLE: &str = include_str!("../../../assets/report.css");
const OWN: &str = "
details.check { border-top: 1px solid var(--line); padding: .4em 0 }
details.check summary { cursor: pointer }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1em }
.sides > div { border: 1px solid var(--line); border-radius: 6px; padding: .2em .8em; overflow-wrap: anywhere }
@media (max-width: 700px) { .sides { grid-template-columns: 1fr } }
";

pub(super) fn render(suite: &SuiteRecord) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Crashdrill checks: " (verdict_word(suite.verdict())) }
                style { (PreEscaped(STYLE)) (PreEscaped(OWN)) }
            }
            body {
                header { h1 { "Checks" } p { strong { (suite_sentence(suite)) } } }
                main {
                    @for group in Group::ALL {
                        @let results = suite.group(group);
                        @if !results.is_empty() { (section(group, &results)) }
                    }
                }
                footer {
                    p {
                        "Crashdrill " (suite.tool_version) ", " (suite.began.to_rfc3339())
                        ", seed " (suite.seed)
                    }
                }
            }
        }
    };
    page.into_string()
}

fn section(group: Group, results: &[&CheckResult]) -> Markup {
    let tally = Tally::of(results.iter().copied());
    html! {
        section {
            h2 { (group.title()) }
            p { (group.question()) " " (tally_words(tally)) }
            @for result in results { (check(result)) }
        }
    }
}

fn sign(standing: &Standing) -> &'static str {
    match standing.verdict() {
        Some(Verdict::Held) => "✔",
        Some(Verdict::Violated) => "✘",
        Some(Verdict::Inconclusive) => "?",
        None => "–",
    }
}

fn check(result: &CheckResult) -> Markup {
    let open = result
        .standing
        .verdict()
        .is_some_and(|verdict| verdict != Verdict::Held);
    html! {
        details.check open[open] {
            summary {
                strong { (sign(&result.standing)) " " (standing_word(&result.standing)) }
                " " (result.check.title)
            }
            p { "Proves: " (result.check.proves) }
            p { "Hazard: " (result.check.hazard) }
            p { "Why: " (check_why(result)) }
            @if let Standing::Judged { naive, tested, .. } = &result.standing {
                div.sides { (side(result, naive)) (side(result, tested)) }
            }
        }
    }
}

fn side(result: &CheckResult, trial: &Trial) -> Markup {
    html! {
        div {
            p { strong { (store_name(&result.check, trial.candidate)) } }
            p { (finding_word(trial)) ": " (trial.finding.text()) }
            ul { @for line in &trial.evidence { li { (line) } } }
        }
    }
}
