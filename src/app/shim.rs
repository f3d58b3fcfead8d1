//! TEMPORARY: stands in for rooms that are being built elsewhere. Remove this file and point its users at
//! `engine::launch`, `engine::store`, `report` and `domain::preset`.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};

use crate::domain::contract::Promise;
use crate::domain::fault::FaultKind;
use crate::domain::plan::DrillPlan;
use crate::domain::preset::{Directive, Preset};
use crate::domain::record::RunRecord;
use crate::engine::launch::{DrillHandle, LaunchOptions};
use crate::engine::store::RunSummary;

#[path = "../../tests/support/drill_fixture.rs"]
#[allow(dead_code)]
mod fixture;

pub fn launch(plan: DrillPlan, options: LaunchOptions) -> DrillHandle {
    let docker = plan.backend.id() == "docker";
    let script = if docker {
        fixture::Script::NoDocker
    } else {
        fixture::Script::Normal
    };
    fixture::launch(plan, options, script, 1.0)
}

#[allow(clippy::type_complexity)]
pub fn presets() -> Vec<Preset> {
    let window = Promise::Window {
        window: std::time::Duration::from_secs(2),
    };
    let rows: [(&str, &str, &str, Promise, &[(&str, &str)]); 6] = [
        (
            "none",
            "No persistence",
            "Nothing is ever written to disk: memory only",
            Promise::Everything,
            &[("save", "\"\""), ("appendonly", "no")],
        ),
        (
            "rdb-5s",
            "Snapshot every 5 s",
            "An RDB snapshot whenever 5 s have passed and something changed",
            Promise::SinceSnapshot,
            &[("save", "5 1"), ("appendonly", "no")],
        ),
        (
            "rdb-defaults",
            "Snapshots, Redis 7 defaults",
            "An RDB snapshot after an hour, 5 min or 1 min, by how much changed",
            Promise::SinceSnapshot,
            &[("save", "3600 1 300 100 60 10000"), ("appendonly", "no")],
        ),
        (
            "aof-everysec",
            "Append-only file, fsync every second",
            "Every write is logged; the log is forced to disk once a second",
            window,
            &[
                ("save", "\"\""),
                ("appendonly", "yes"),
                ("appendfsync", "everysec"),
            ],
        ),
        (
            "aof-always",
            "Append-only file, fsync always",
            "Every write is forced to disk before it is acknowledged",
            Promise::Nothing,
            &[
                ("save", "\"\""),
                ("appendonly", "yes"),
                ("appendfsync", "always"),
            ],
        ),
        (
            "mixed",
            "Append-only file with snapshot preamble",
            "AOF every second on top of an RDB base, plus save points",
            window,
            &[
                ("save", "900 1"),
                ("appendonly", "yes"),
                ("appendfsync", "everysec"),
                ("aof-use-rdb-preamble", "yes"),
            ],
        ),
    ];
    rows.into_iter()
        .map(|(id, title, explanation, promise, directives)| Preset {
            id: id.into(),
            title: title.into(),
            explanation: explanation.into(),
            promises: FaultKind::ALL
                .into_iter()
                .map(|kind| (kind, promise))
                .collect(),
            directives: directives
                .iter()
                .enumerate()
                .map(|(n, (name, value))| Directive {
                    name: (*name).into(),
                    value: (*value).into(),
                    line: n as u32 + 1,
                })
                .collect(),
            text: directives
                .iter()
                .map(|(name, value)| format!("{name} {value}\n"))
                .collect(),
        })
        .collect()
}

/// A directive of the user's file that is not part of a persistence policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    pub line: u32,
    pub directive: String,
    pub reason: String,
}

/// A user's own file as a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub preset: Preset,
    pub dropped: Vec<Dropped>,
}

pub fn import(path: &Path) -> Result<Imported> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        anyhow!(
            "reading the configuration failed: {error}: {}",
            path.display()
        )
    })?;
    let keep = [
        "save",
        "appendonly",
        "appendfsync",
        "maxmemory",
        "maxmemory-policy",
    ];
    let (mut directives, mut dropped) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate() {
        let line_no = n as u32 + 1;
        let Some((name, value)) = line.trim().split_once(' ') else {
            continue;
        };
        if name.starts_with('#') {
            continue;
        }
        if keep.contains(&name) {
            directives.push(Directive {
                name: name.into(),
                value: value.into(),
                line: line_no,
            });
        } else {
            dropped.push(Dropped {
                line: line_no,
                directive: name.into(),
                reason: "the drill's own server sets it".into(),
            });
        }
    }
    let id = path.file_stem().map_or("imported".into(), |stem| {
        stem.to_string_lossy().into_owned()
    });
    Ok(Imported {
        preset: Preset {
            title: format!("Imported from {}", path.display()),
            explanation: "Your own directives; no promise is known, so everything may be lost"
                .into(),
            promises: Default::default(),
            text: directives
                .iter()
                .map(|d: &Directive| format!("{} {}\n", d.name, d.value))
                .collect(),
            id,
            directives,
        },
        dropped,
    })
}

/// Local images, newest first.
pub fn local_images() -> Result<Vec<String>> {
    Err(anyhow!("Docker does not answer"))
}

pub fn list(runs: &Path) -> Result<Vec<RunSummary>> {
    use crate::domain::verdict::Verdict;
    let verdicts = [
        Some(Verdict::Held),
        Some(Verdict::Violated),
        Some(Verdict::Inconclusive),
        None,
    ];
    let presets = ["rdb-5s", "aof-everysec", "none", "mixed"];
    Ok((0..if runs.exists() { 12 } else { 0 })
        .map(|n: i64| RunSummary {
            id: crate::domain::event::RunId(format!("20261120-20{:02}12-{}-process-kill-x{n}", 33 - n, presets[n as usize % 4])),
            dir: runs.join(format!("run-{n}")),
            began: fixture::began() - chrono::Duration::minutes(n),
            preset: presets[n as usize % 4].into(),
            fault: "process-kill".into(),
            backend: "process".into(),
            verdict: verdicts[n as usize % 4],
            sentence: if n % 4 == 3 { String::new() } else { "Held: all 9,120 messages that vanished were written after the last finished snapshot began".into() },
            acked: 24_000 + n as u64,
            lost: 9_120 * (n as u64 % 3),
            broken: (n == 11).then(|| "the journal's header is damaged".into()),
        })
        .collect())
}

pub fn replay(_dir: &Path) -> Result<RunRecord> {
    let spec = fixture::Spec {
        rounds: 2,
        ..fixture::Spec::SMALL
    };
    Ok(fixture::record(&spec, fixture::plan(&spec, &presets())))
}

pub fn delete(dir: &Path) -> Result<()> {
    Err(anyhow!(
        "deleting the run failed: not built yet: {}",
        dir.display()
    ))
}

pub fn default_runs_dir() -> Result<PathBuf> {
    Ok(std::env::temp_dir().join("crashdrill-runs"))
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    Html,
    Markdown,
    Json,
    Junit,
    Csv,
}

impl Format {
    pub const ALL: [Format; 5] = [
        Format::Html,
        Format::Markdown,
        Format::Json,
        Format::Junit,
        Format::Csv,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Format::Html => "HTML page",
            Format::Markdown => "Markdown",
            Format::Json => "JSON",
            Format::Junit => "JUnit XML",
            Format::Csv => "CSV of lost messages",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Markdown => "md",
            Format::Json => "json",
            Format::Junit => "xml",
            Format::Csv => "csv",
        }
    }
}

pub fn render(format: Format, record: &RunRecord) -> Vec<u8> {
    format!("{format:?} report of {}\n", record.id).into_bytes()
}

/// Sentences about a record.
pub mod wording {
    use crate::domain::record::RunRecord;
    use crate::domain::verdict::{Cut, Verdict};

    fn number(n: u64) -> String {
        let digits = n.to_string();
        let mut out = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        out
    }

    pub fn verdict_sentence(record: &RunRecord) -> String {
        match record.judgement.verdict {
            Verdict::Held => "The preset kept its promise: everything that vanished was acknowledged after the last finished snapshot began".into(),
            Verdict::Violated => "The preset broke its promise: 4,560 acknowledged messages are older than the 2 s it may lose".into(),
            Verdict::Inconclusive => "No verdict: 3 sessions could not be read back".into(),
        }
    }

    pub fn loss_sentence(record: &RunRecord) -> String {
        let lost = record.judgement.counts.lost;
        match lost {
            0 => "Nothing that was acknowledged vanished".into(),
            _ => format!(
                "{} acknowledged messages vanished from {} of {} sessions, as this preset allows",
                number(lost),
                record.judgement.sessions.tail_lost
                    + record.judgement.sessions.hole
                    + record.judgement.sessions.vanished,
                record.judgement.sessions.total
            ),
        }
    }

    pub fn why_sentence(_record: &RunRecord) -> String {
        "The server was killed 4.6 s after the fork of its last finished snapshot; memory that was written after it died with the process".into()
    }

    pub fn cut_sentence(record: &RunRecord) -> String {
        match record.judgement.cut() {
            Cut::NotNeeded => "No cut is needed: nothing acknowledged is missing".into(),
            Cut::Clean { survived, lost, .. } => format!(
                "One cut explains every loss: {} survived before it, {} vanished after it",
                number(*survived),
                number(*lost)
            ),
            Cut::Anomaly { unexplained, .. } => format!(
                "No single cut explains the loss: {} survivors are younger than a lost message",
                number(*unexplained)
            ),
        }
    }

    pub fn curves_sentence(record: &RunRecord) -> String {
        let counts = &record.judgement.counts;
        format!(
            "{} messages were acknowledged, {} of them came back",
            number(counts.acked),
            number(counts.survived)
        )
    }

    pub fn lanes_sentence(record: &RunRecord) -> String {
        let sessions = &record.judgement.sessions;
        format!(
            "{} of {} sessions lost their tail, {} vanished, {} are intact",
            number(sessions.tail_lost),
            number(sessions.total),
            number(sessions.vanished),
            number(sessions.intact)
        )
    }
}
