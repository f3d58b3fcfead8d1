//! The runs on disk: one directory a run, `latest` pointing at the newest.
//!
//! | file | what | written |
//! |---|---|---|
//! | `run.json` | name, time zero, backend, key prefix, version of the tool | at the start |
//! | `plan.json` | the plan, without passwords | at the start |
//! | `effective.conf` | persistence directives in force, by CONFIG GET | when the server is up |
//! | `journal.bin` | every op, see the room `journal` | as it happens |
//! | `timeline.jsonl` | every fact, one a line | as it happens |
//! | `server.log` | the server's own log | as it happens |
//! | `disk.jsonl` | the faulty disk's own log, if there was one | as it happens |
//! | `ladder.jsonl` | the ladder of durability, a look a line | as it happens |
//! | `readback.jsonl` | a line of circumstances, then a line for each session | after the readback |
//! | `verdict.json` | what the checker made of it | after judging |
//! | `reports/` | HTML, Markdown, JSON, JUnit, CSV | at the end |

mod replay;

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::env::Clock;
use crate::domain::event::{RunId, ServerInfo};
use crate::domain::ladder::Rung;
use crate::domain::plan::{BackendChoice, DrillPlan};
use crate::domain::readback::Readback;
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Judgement, Verdict};
use crate::domain::workload::KeySpace;
use crate::report::{self, Format, wording};

pub use replay::{judge_again, open, replay};

const RUN: &str = "run.json";
const PLAN: &str = "plan.json";
const JOURNAL: &str = "journal.bin";
const TIMELINE: &str = "timeline.jsonl";
const SERVER_LOG: &str = "server.log";
const DISK_LOG: &str = "disk.jsonl";
const LADDER: &str = "ladder.jsonl";
const EFFECTIVE: &str = "effective.conf";
const READBACK: &str = "readback.jsonl";
const VERDICT: &str = "verdict.json";
const REPORTS: &str = "reports";

/// `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RunFile {
    format: u32,
    id: RunId,
    began: DateTime<Utc>,
    backend: String,
    keys: KeySpace,
    tool_version: String,
}

const FORMAT: u32 = 1;

/// `verdict.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct VerdictFile {
    sentence: String,
    judgement: Judgement,
}

/// The first line of `readback.jsonl`: a readback without its sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ReadbackHead {
    #[serde(flatten)]
    readback: Readback,
    /// Lines that follow; a file with fewer is torn.
    lines: u64,
}

/// The directory of a run that is being written.
pub struct RunDir {
    pub id: RunId,
    pub path: PathBuf,
    log: Option<File>,
    ladder: Option<File>,
}

impl RunDir {
    pub(in crate::engine) fn create(
        runs: &Path,
        id: RunId,
        clock: &Clock,
        plan: &DrillPlan,
        backend: &str,
        keys: &KeySpace,
    ) -> Result<RunDir> {
        let path = runs.join(&id.0);
        fs::create_dir_all(runs)
            .and_then(|()| fs::create_dir(&path))
            .with_context(|| {
                format!(
                    "cannot make the run's directory; choose another folder with --runs ({})",
                    path.display()
                )
            })?;
        let file = RunFile {
            format: FORMAT,
            id: id.clone(),
            began: clock.began(),
            backend: backend.to_owned(),
            keys: keys.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        write_json(&path.join(RUN), &file)?;
        write_json(&path.join(PLAN), &without_password(plan))?;
        point_latest(runs, &id);
        let log = File::create(path.join(SERVER_LOG)).ok();
        let ladder = File::create(path.join(LADDER)).ok();
        Ok(RunDir {
            id,
            path,
            log,
            ladder,
        })
    }

    pub(in crate::engine) fn journal(&self) -> PathBuf {
        self.path.join(JOURNAL)
    }

    /// Where the faulty disk writes its log.
    pub(in crate::engine) fn disk_log(&self) -> PathBuf {
        self.path.join(DISK_LOG)
    }

    pub(in crate::engine) fn timeline_file(&self) -> Result<File> {
        let path = self.path.join(TIMELINE);
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.with_context(|| format!("cannot write {}", path.display()))
    }

    pub(in crate::engine) fn append_log(&mut self, line: &str) {
        if let Some(log) = &mut self.log {
            let _ = writeln!(log, "{line}");
        }
    }

    pub(in crate::engine) fn append_rung(&mut self, rung: &Rung) {
        if let Some(ladder) = &mut self.ladder {
            let line = serde_json::to_string(rung).expect("plain data") + "\n";
            let _ = ladder.write_all(line.as_bytes());
        }
    }

    pub(in crate::engine) fn write_effective_config(
        &self,
        info: &ServerInfo,
    ) -> Result<(), crate::engine::stop::Stop> {
        let mut text = format!(
            "# In force on {} {} by CONFIG GET\n",
            info.engine, info.version
        );
        for (name, value) in &info.in_force {
            let value = if value.is_empty() { "\"\"" } else { value };
            text += &format!("{name} {value}\n");
        }
        write(&self.path.join(EFFECTIVE), text.as_bytes())
            .map_err(crate::engine::stop::Stop::unwritten)
    }

    pub(in crate::engine) fn write_readback(
        &self,
        readback: &Readback,
    ) -> Result<(), crate::engine::stop::Stop> {
        let path = self.path.join(READBACK);
        let written = || -> Result<()> {
            let mut file = BufWriter::new(File::create(&path)?);
            // Field by field: a copy of the whole would copy every session to throw it away.
            let head = Readback {
                started: readback.started,
                finished: readback.finished,
                attempted: readback.attempted,
                acked: readback.acked,
                sessions: Vec::new(),
                foreign_keys: readback.foreign_keys.clone(),
                evicted_keys: readback.evicted_keys,
                expired_keys: readback.expired_keys,
            };
            let lines = readback.sessions.len() as u64;
            serde_json::to_writer(
                &mut file,
                &ReadbackHead {
                    readback: head,
                    lines,
                },
            )?;
            file.write_all(b"\n")?;
            for session in &readback.sessions {
                serde_json::to_writer(&mut file, session)?;
                file.write_all(b"\n")?;
            }
            Ok(file.flush()?)
        };
        written()
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(crate::engine::stop::Stop::unwritten)
    }

    pub(in crate::engine) fn write_verdict(
        &self,
        record: &RunRecord,
    ) -> Result<(), crate::engine::stop::Stop> {
        write_verdict(&self.path, record).map_err(crate::engine::stop::Stop::unwritten)
    }
}

/// Lost messages beyond which the list of them is written only when it is asked for.
const MOST_LISTED: u64 = 100_000;

/// Writes the reports into the run, every format of them.
///
/// # Errors
/// One of them cannot be written; those before it are.
pub fn write_reports(record: &RunRecord) -> Result<()> {
    let folder = record.dir.join(REPORTS);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let listed = record.judgement.counts.lost <= MOST_LISTED;
    for format in Format::ALL
        .into_iter()
        .filter(|format| listed || *format != Format::Csv)
    {
        let path = folder.join(format!("report.{}", format.ending()));
        write(&path, &report::render(format, record))?;
    }
    Ok(())
}

fn write_verdict(dir: &Path, record: &RunRecord) -> Result<()> {
    let file = VerdictFile {
        sentence: wording::verdict_sentence(record),
        judgement: record.judgement.clone(),
    };
    write_json(&dir.join(VERDICT), &file)
}

fn without_password(plan: &DrillPlan) -> DrillPlan {
    let mut plan = plan.clone();
    if let BackendChoice::External(external) = &mut plan.backend {
        external.url = wording::without_password(&external.url);
    }
    plan
}

fn point_latest(runs: &Path, id: &RunId) {
    let link = runs.join("latest");
    // A missing link is an inconvenience, no loss; on systems without links there is none.
    if fs::symlink_metadata(&link).is_ok_and(|data| data.file_type().is_symlink()) {
        let _ = fs::remove_file(&link);
    }
    #[cfg(unix)]
    let _ = std::os::unix::fs::symlink(&id.0, &link);
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// As a whole or not at all: a full disk leaves no half a file.
fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let fresh = path.with_extension("json.new");
    let written = write(&fresh, &serde_json::to_vec_pretty(value)?).and_then(|()| {
        fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
    });
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}

/// What the list of runs shows, from the small files of a run's directory only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: RunId,
    pub dir: PathBuf,
    pub began: DateTime<Utc>,
    pub preset: String,
    pub fault: String,
    pub backend: String,
    /// `None` if the run was never judged (the app died in the middle).
    pub verdict: Option<Verdict>,
    /// The verdict in one sentence; empty if never judged.
    pub sentence: String,
    /// `None` if nobody has looked, as for [`RunSummary::lost`].
    pub acked: Option<u64>,
    /// `None` if the run was never judged, or nothing was read back: what is not known is not zero.
    pub lost: Option<u64>,
    /// Why the run cannot be opened, if it cannot.
    pub broken: Option<String>,
}

/// The default folder of runs: `crashdrill/runs` in the user's data folder.
///
/// # Errors
/// The user has no home.
pub fn default_runs_dir() -> Result<PathBuf> {
    Ok(data_dir()?.join("runs"))
}

/// Where the user's Crashdrill keeps its data.
///
/// # Errors
/// The user has no home.
pub fn data_dir() -> Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "crashdrill");
    let dirs = dirs.context("this user has no home directory: name a folder with --runs")?;
    Ok(dirs.data_dir().to_owned())
}

/// Where the user's own presets lie.
///
/// # Errors
/// The user has no home.
pub fn presets_dir() -> Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "crashdrill");
    let dirs = dirs.context("this user has no home directory")?;
    Ok(dirs.config_dir().join("presets"))
}

/// All runs, newest first. A run that cannot be read is listed as broken, never skipped.
///
/// # Errors
/// The folder exists and cannot be read.
pub fn list(runs: &Path) -> Result<Vec<RunSummary>> {
    if !runs.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(runs).with_context(|| format!("cannot read {}", runs.display()))?;
    let mut all: Vec<RunSummary> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| entry.path().join(RUN).exists() || entry.path().join(PLAN).exists())
        .map(|entry| summary(&entry.path()))
        .collect();
    all.sort_by(|a, b| (b.began, &b.id).cmp(&(a.began, &a.id)));
    Ok(all)
}

fn summary(dir: &Path) -> RunSummary {
    read_summary(dir).unwrap_or_else(|error| RunSummary {
        id: RunId(
            dir.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        ),
        dir: dir.to_owned(),
        began: DateTime::UNIX_EPOCH,
        preset: String::new(),
        fault: String::new(),
        backend: String::new(),
        verdict: None,
        sentence: String::new(),
        acked: None,
        lost: None,
        broken: Some(format!("{error:#}")),
    })
}

fn read_summary(dir: &Path) -> Result<RunSummary> {
    let run: RunFile = read_json(&dir.join(RUN))?;
    let plan: DrillPlan = read_json(&dir.join(PLAN))?;
    let verdict: Option<VerdictFile> = dir
        .join(VERDICT)
        .exists()
        .then(|| read_json(&dir.join(VERDICT)))
        .transpose()?;
    let judgement = verdict.as_ref().map(|file| &file.judgement);
    Ok(RunSummary {
        id: run.id,
        dir: dir.to_owned(),
        began: run.began,
        preset: plan.preset.id,
        fault: plan.fault.kind.id().to_owned(),
        backend: run.backend,
        verdict: judgement.map(|judgement| judgement.verdict),
        sentence: verdict
            .as_ref()
            .map(|file| file.sentence.clone())
            .unwrap_or_default(),
        acked: judgement.map(|judgement| judgement.counts.acked),
        lost: judgement
            .filter(|judgement| knows_loss(judgement))
            .map(|judgement| judgement.counts.lost),
        broken: None,
    })
}

/// Something was found lost, or everything acknowledged was looked at.
fn knows_loss(judgement: &Judgement) -> bool {
    let counts = &judgement.counts;
    counts.lost > 0 || counts.unread == 0
}

/// The directory that `name` means: a path, or the name of a run in `runs` (`latest` included).
///
/// # Errors
/// There is no such run.
pub fn find(runs: &Path, name: &str) -> Result<PathBuf> {
    let candidates = [PathBuf::from(name), runs.join(name)];
    let found = candidates.iter().find(|path| path.join(PLAN).exists());
    let Some(found) = found else {
        bail!(
            "there is no run {name}: crashdrill runs lists them ({})",
            runs.display()
        );
    };
    fs::canonicalize(found).with_context(|| format!("cannot open {}", found.display()))
}

/// Deletes a run's directory.
///
/// # Errors
/// It is not a run's, or cannot be removed.
#[expect(clippy::disallowed_methods, reason = "it was proven to be a run's")]
pub fn delete(dir: &Path) -> Result<()> {
    if !dir.join(RUN).exists() && !dir.join(PLAN).exists() {
        bail!(
            "{} is no run of Crashdrill: nothing was deleted",
            dir.display()
        );
    }
    fs::remove_dir_all(dir).with_context(|| format!("cannot delete {}", dir.display()))
}
