//! What an inspection found, as text for people and as JSON for programs.
//!
//! The JSON is described in `assets/inspection.schema.json`, which tests hold it to.

use serde::Serialize;

use super::wording::number::{count, counted};
use crate::domain::memory::diff::{Change, Diff};
use crate::domain::memory::finding::{Finding, Kind, Severity};
use crate::domain::memory::health::words;
use crate::domain::memory::inventory::Header;
use crate::domain::memory::server::ServerFacts;
use crate::domain::memory::survey::{Survey, readable};

/// Everything that is reported.
pub struct Inspection<'a> {
    /// The address without its password.
    pub store: &'a str,
    pub survey: &'a Survey,
    pub facts: &'a ServerFacts,
    pub findings: &'a [Finding],
    pub diff: Option<(&'a Header, &'a Diff)>,
    /// Sessions named for each finding and each change.
    pub limit: usize,
}

/// `3.2 MiB`.
#[must_use]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{number} B"),
        _ if value < 10.0 => format!("{value:.1} {}", UNITS[unit]),
        _ => format!("{value:.0} {}", UNITS[unit]),
    }
}

/// What the store is and holds, in one line.
#[must_use]
pub fn headline(survey: &Survey, facts: &ServerFacts) -> String {
    let role = match facts.role() {
        "" => String::new(),
        role => format!(", {role}"),
    };
    format!(
        "{}{role}: {}, {}, {}, {}",
        facts.version().trim(),
        counted(survey.rows.len() as u64, "key"),
        counted(survey.sessions, "session"),
        counted(survey.messages, "message"),
        bytes(survey.bytes)
    )
}

/// How it ended, in one line.
#[must_use]
pub fn conclusion(survey: &Survey, findings: &[Finding], diff: Option<&Diff>) -> String {
    if let Some(why) = &survey.stopped {
        return format!("Inconclusive: the scan is not complete: {why}");
    }
    let of = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
    let (bad, warnings) = (of(Severity::Bad), of(Severity::Warning));
    let lost = diff.map_or(0, |diff| {
        let bad = |changed: &&crate::domain::memory::diff::Changed| {
            changed.change.severity() == Some(Severity::Bad)
        };
        diff.changed.iter().filter(bad).count() as u64
    });
    let mut parts = Vec::new();
    if lost > 0 {
        parts.push(format!("{} lost something", counted(lost, "session")));
    }
    if bad > 0 {
        parts.push(counted(bad, "bad finding"));
    }
    if warnings > 0 {
        parts.push(counted(warnings, "warning"));
    }
    match (lost + bad, parts.is_empty()) {
        (_, true) => "Healthy".into(),
        (0, _) => format!("Healthy, with {}", parts.join(", ")),
        _ => format!("Not healthy: {}", parts.join(", ")),
    }
}

/// For people.
#[must_use]
pub fn text(inspection: &Inspection<'_>) -> String {
    let Inspection {
        store,
        survey,
        facts,
        findings,
        ..
    } = inspection;
    let mut lines = vec![format!("{store}: {}", headline(survey, facts))];
    for finding in *findings {
        lines.push(format!(
            "{:<8} {}: {}",
            finding.severity.title(),
            finding.kind.title(),
            finding.seen
        ));
        lines.push(format!("         {}", finding.kind.why()));
        for (key, detail) in behind(inspection, finding) {
            lines.push(format!("           {key}  {detail}"));
        }
        let further = finding.sessions.saturating_sub(inspection.limit as u64);
        if further > 0 && inspection.limit > 0 {
            lines.push(format!("           and {} more", count(further)));
        }
    }
    if let Some((before, diff)) = inspection.diff {
        lines.extend(diff_lines(inspection, before, diff));
    }
    if survey.gone > 0 {
        lines.push(format!(
            "{} went away while they were looked for: the store changes under the scan",
            counted(survey.gone, "key")
        ));
    }
    lines.extend(survey.unknown.iter().map(|what| format!("Unknown  {what}")));
    lines.push(conclusion(
        survey,
        findings,
        inspection.diff.map(|(_, diff)| diff),
    ));
    lines.join("\n")
}

fn behind(inspection: &Inspection<'_>, finding: &Finding) -> Vec<(String, String)> {
    let Kind::Sessions(mark) = finding.kind else {
        return Vec::new();
    };
    let survey = inspection.survey;
    let examples = survey.examples.get(&mark).map_or(&[][..], Vec::as_slice);
    examples
        .iter()
        .take(inspection.limit)
        .map(|example| (readable(survey.key(example.row)), example.detail.clone()))
        .collect()
}

fn diff_lines(inspection: &Inspection<'_>, before: &Header, diff: &Diff) -> Vec<String> {
    let now = inspection.survey.began_millis;
    let age = u64::try_from(now - before.at_millis).unwrap_or(0);
    let mut lines = vec![format!(
        "Since the inventory of {} ({} ago): {} unchanged",
        before.store,
        words(std::time::Duration::from_millis(age)),
        counted(diff.unchanged, "session"),
    )];
    lines.extend(circumstances(inspection, before));
    for (change, all) in by_kind(diff) {
        let severity = change.severity().map_or("", Severity::title);
        lines.push(format!(
            "{severity:<8} {}: {}",
            change.title(),
            counted(all.len() as u64, "session")
        ));
        for (key, change) in all.iter().take(inspection.limit) {
            lines.push(format!("           {key}  {}", change.words()));
        }
        let further = all.len().saturating_sub(inspection.limit) as u64;
        if further > 0 && inspection.limit > 0 {
            lines.push(format!("           and {} more", count(further)));
        }
    }
    if diff.not_looked_at > 0 {
        lines.push(format!(
            "Unknown  {} of the inventory were not looked at: the scan is not complete",
            counted(diff.not_looked_at, "session")
        ));
    }
    lines
}

/// What else happened in between and may be the reason.
#[must_use]
pub fn circumstances(inspection: &Inspection<'_>, before: &Header) -> Vec<String> {
    let facts = inspection.facts;
    let mut lines = Vec::new();
    if before.store != inspection.store {
        lines.push(format!(
            "         The inventory is of another address: {}",
            before.store
        ));
    }
    if !before.complete {
        lines.push("         The inventory is not complete: its scan was stopped".into());
    }
    let run_id = facts.text("run_id");
    if !before.run_id.is_empty() && !run_id.is_empty() && before.run_id != run_id {
        lines.push("         The server was restarted in between".into());
    } else {
        let evicted = facts
            .count("evicted_keys")
            .saturating_sub(before.evicted_keys);
        if evicted > 0 {
            lines.push(format!(
                "         {} evicted in between",
                counted(evicted, "key")
            ));
        }
    }
    lines
}

/// All changes of one kind, the worst kind first.
fn by_kind(diff: &Diff) -> Vec<(Change, Vec<(String, Change)>)> {
    let mut kinds: Vec<(Change, Vec<(String, Change)>)> = Vec::new();
    for changed in &diff.changed {
        let rank = changed.change.rank();
        let known = kinds.iter_mut().find(|(kind, _)| kind.rank() == rank);
        let session = (readable(&changed.key), changed.change);
        match known {
            Some((_, all)) => all.push(session),
            None => kinds.push((changed.change, vec![session])),
        }
    }
    kinds.sort_by_key(|(kind, _)| kind.rank());
    kinds
}

/// The version of [`json`]'s shape: raised whenever a field changes its meaning.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct InspectionDto<'a> {
    version: u32,
    store: &'a str,
    server: String,
    role: &'a str,
    complete: bool,
    stopped: Option<&'a str>,
    conclusion: String,
    keys: u64,
    sessions: u64,
    messages: u64,
    bytes: u64,
    gone: u64,
    unknown: &'a [String],
    findings: Vec<FindingDto<'a>>,
    diff: Option<DiffDto<'a>>,
}

#[derive(Serialize)]
struct FindingDto<'a> {
    kind: Kind,
    severity: Severity,
    title: &'a str,
    why: &'a str,
    seen: &'a str,
    sessions: u64,
    examples: Vec<ExampleDto>,
}

#[derive(Serialize)]
struct ExampleDto {
    key: String,
    detail: String,
}

#[derive(Serialize)]
struct DiffDto<'a> {
    before: &'a Header,
    unchanged: u64,
    not_looked_at: u64,
    changed: Vec<ChangedDto>,
}

#[derive(Serialize)]
struct ChangedDto {
    key: String,
    severity: Option<Severity>,
    #[serde(flatten)]
    change: Change,
}

/// For programs. Changes are all there; examples of findings up to the limit.
#[must_use]
pub fn json(inspection: &Inspection<'_>) -> String {
    let Inspection {
        survey,
        facts,
        findings,
        ..
    } = inspection;
    let diff = inspection.diff.map(|(before, diff)| DiffDto {
        before,
        unchanged: diff.unchanged,
        not_looked_at: diff.not_looked_at,
        changed: diff
            .changed
            .iter()
            .map(|changed| ChangedDto {
                key: readable(&changed.key),
                severity: changed.change.severity(),
                change: changed.change,
            })
            .collect(),
    });
    let dto = InspectionDto {
        version: VERSION,
        store: inspection.store,
        server: facts.version(),
        role: facts.role(),
        complete: survey.stopped.is_none(),
        stopped: survey.stopped.as_deref(),
        conclusion: conclusion(survey, findings, inspection.diff.map(|(_, diff)| diff)),
        keys: survey.rows.len() as u64,
        sessions: survey.sessions,
        messages: survey.messages,
        bytes: survey.bytes,
        gone: survey.gone,
        unknown: &survey.unknown,
        findings: findings
            .iter()
            .map(|finding| FindingDto {
                kind: finding.kind,
                severity: finding.severity,
                title: finding.kind.title(),
                why: finding.kind.why(),
                seen: &finding.seen,
                sessions: finding.sessions,
                examples: behind(inspection, finding)
                    .into_iter()
                    .map(|(key, detail)| ExampleDto { key, detail })
                    .collect(),
            })
            .collect(),
        diff,
    };
    serde_json::to_string_pretty(&dto).expect("strings and numbers are JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::memory::diff::Changed;
    use crate::domain::memory::finding::Trouble;
    use crate::domain::memory::mark::Mark;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(3_355_443), "3.2 MiB");
        assert_eq!(bytes(64 << 20), "64 MiB");
    }

    #[test]
    fn a_stopped_scan_is_never_called_healthy() {
        let mut survey = Survey::default();
        assert_eq!(conclusion(&survey, &[], None), "Healthy");
        survey.stopped = Some("stopped after 1 of 2 keys".into());
        assert!(conclusion(&survey, &[], None).starts_with("Inconclusive"));
    }

    #[test]
    fn json_is_as_its_schema_describes_it_for_every_finding_and_change() {
        let schema = include_str!("../../assets/inspection.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let kinds = Mark::ALL
            .map(Kind::Sessions)
            .into_iter()
            .chain(Trouble::ALL.map(Kind::Server));
        let findings: Vec<Finding> = kinds
            .map(|kind| Finding {
                kind,
                severity: Severity::Note,
                sessions: 1,
                seen: "seen".into(),
            })
            .collect();
        let changes = [
            Change::Vanished { messages: 1 },
            Change::Hole { lost: 1 },
            Change::TailLost { lost: 1, added: 1 },
            Change::Changed { messages: 1 },
            Change::HeadLost { lost: 1, added: 1 },
            Change::Expired { messages: 1 },
            Change::Grew { added: 1 },
            Change::New { messages: 1 },
            Change::NotKnown,
        ];
        let diff = Diff {
            changed: changes
                .into_iter()
                .map(|change| Changed {
                    key: b"\xff".as_slice().into(),
                    change,
                })
                .collect(),
            ..Diff::default()
        };
        let mut survey = Survey::default();
        survey.stopped = Some("stopped".into());
        let header = Header::default();
        let mut inspection = Inspection {
            store: "redis://h:1",
            survey: &survey,
            facts: &ServerFacts::default(),
            findings: &findings,
            diff: Some((&header, &diff)),
            limit: 1,
        };
        let errors = |inspection: &Inspection<'_>| -> Vec<String> {
            let json = serde_json::from_str(&json(inspection)).unwrap();
            let errors = validator.iter_errors(&json);
            errors.map(|error| error.to_string()).collect()
        };
        assert_eq!(errors(&inspection), Vec::<String>::new());
        inspection.diff = None;
        assert_eq!(errors(&inspection), Vec::<String>::new());
        assert!(!validator.is_valid(&serde_json::json!({"version": 1})));
    }
}
