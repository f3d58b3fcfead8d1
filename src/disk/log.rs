//! The disk's own log: JSON lines, the evidence of what was written, fsynced, frozen and dropped.
//!
//! Times are microseconds of the run's clock. Consecutive writes of one file are one line, and so are fsyncs that
//! follow each other closely, so that a log stays small under `appendfsync always`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use super::facts::{CutReport, Struck};
use super::model::Ino;
use crate::domain::op::Micros;

/// Operations of one file closer together than this share a line.
const CLOSE_MICROS: u64 = 100_000;

/// Consecutive writes and quick fsyncs of one file.
#[derive(Clone, Debug)]
struct Run {
    file: String,
    pid: u32,
    first: Micros,
    last: Micros,
    writes: u64,
    bytes: u64,
    fsyncs: u64,
    durable: u64,
    began: Micros,
    ended: Micros,
}

/// One fsync.
#[derive(Clone, Debug)]
pub struct Fsync {
    pub pid: u32,
    pub began: Micros,
    pub ended: Micros,
    /// Bytes that became durable by it.
    pub bytes: u64,
}

pub struct DiskLog {
    out: BufWriter<File>,
    runs: BTreeMap<Ino, Run>,
}

impl DiskLog {
    /// # Errors
    /// The file cannot be made.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        Ok(DiskLog {
            out: BufWriter::new(File::create(path)?),
            runs: BTreeMap::new(),
        })
    }

    pub fn write(
        &mut self,
        ino: Ino,
        path: impl FnOnce() -> String,
        pid: u32,
        bytes: u64,
        at: Micros,
    ) {
        let run = self.run(ino, path, pid, at);
        run.writes += 1;
        run.bytes += bytes;
        run.last = at;
    }

    pub fn fsync(&mut self, ino: Ino, path: impl FnOnce() -> String, fsync: &Fsync) {
        let quick = fsync.ended.since(fsync.began).as_micros() < u128::from(CLOSE_MICROS);
        let close = self.runs.get(&ino).is_some_and(|run| {
            run.fsyncs > 0 && fsync.ended.0.saturating_sub(run.began.0) < CLOSE_MICROS
        });
        if !(quick && close) {
            self.end_run(ino);
        }
        let run = self.run(ino, path, fsync.pid, fsync.began);
        run.fsyncs += 1;
        run.durable += fsync.bytes;
        (run.began, run.ended, run.last) = (fsync.began, fsync.ended, fsync.ended);
        if !quick {
            self.end_run(ino);
        }
    }

    fn run(&mut self, ino: Ino, path: impl FnOnce() -> String, pid: u32, at: Micros) -> &mut Run {
        self.runs.entry(ino).or_insert_with(|| Run {
            file: path(),
            pid,
            first: at,
            last: at,
            writes: 0,
            bytes: 0,
            fsyncs: 0,
            durable: 0,
            began: at,
            ended: at,
        })
    }

    /// Anything that is rare enough for a line of its own.
    pub fn note(&mut self, at: Micros, op: &str, more: Value) {
        self.end_runs();
        let mut line = json!({ "at": at, "op": op });
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        self.line(&line);
    }

    pub fn struck(&mut self, struck: &Struck) {
        let more = json!({
            "moment": struck.moment.to_string(), "file": struck.path, "detail": struck.detail,
        });
        self.note(struck.at, "struck", more);
    }

    pub fn cut(&mut self, at: Micros, report: &CutReport) {
        self.note(at, "cut", json!({ "report": report }));
        self.flush();
    }

    /// Writes out what has not been touched for a moment.
    pub fn settle(&mut self, now: Micros) {
        let quiet: Vec<Ino> = self
            .runs
            .iter()
            .filter(|(_, run)| now.0.saturating_sub(run.last.0) >= CLOSE_MICROS)
            .map(|(ino, _)| *ino)
            .collect();
        for ino in quiet {
            self.end_run(ino);
        }
        let _ = self.out.flush();
    }

    pub fn flush(&mut self) {
        self.end_runs();
        let _ = self.out.flush();
    }

    fn end_runs(&mut self) {
        let inos: Vec<Ino> = self.runs.keys().copied().collect();
        for ino in inos {
            self.end_run(ino);
        }
    }

    fn end_run(&mut self, ino: Ino) {
        let Some(run) = self.runs.remove(&ino) else {
            return;
        };
        if run.writes > 0 {
            self.line(&json!({
                "at": run.first, "until": run.last, "op": "write", "file": run.file, "pid": run.pid,
                "writes": run.writes, "bytes": run.bytes,
            }));
        }
        if run.fsyncs > 0 {
            self.line(&json!({
                "at": run.first, "op": "fsync", "file": run.file, "pid": run.pid, "fsyncs": run.fsyncs,
                "bytes": run.durable, "began": run.began, "ended": run.ended,
            }));
        }
    }

    fn line(&mut self, line: &impl Serialize) {
        // A log that cannot be written must not stop the server under test: the run's other evidence remains.
        let _ = serde_json::to_writer(&mut self.out, line);
        let _ = self.out.write_all(b"\n");
    }
}

impl Drop for DiskLog {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(act: impl FnOnce(&mut DiskLog)) -> Vec<Value> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk.jsonl");
        let mut log = DiskLog::create(&path).unwrap();
        act(&mut log);
        drop(log);
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn fsync(log: &mut DiskLog, began: u64, ended: u64) {
        let fsync = Fsync {
            pid: 7,
            began: Micros(began),
            ended: Micros(ended),
            bytes: 10,
        };
        log.fsync(2, || "a.aof".to_owned(), &fsync);
    }

    #[test]
    fn a_second_of_writes_and_its_fsync_are_two_lines() {
        let found = lines(|log| {
            for at in 0..1000 {
                log.write(2, || "a.aof".to_owned(), 7, 10, Micros(at * 1000));
            }
            fsync(log, 1_000_000, 1_000_400);
        });
        assert_eq!(found.len(), 2);
        assert_eq!(
            (&found[0]["writes"], &found[0]["bytes"]),
            (&json!(1000), &json!(10_000))
        );
        assert_eq!(found[1]["ended"], json!(1_000_400));
    }

    #[test]
    fn fsyncs_of_every_write_share_lines_and_a_slow_one_stands_alone() {
        let found = lines(|log| {
            for at in 0..1000 {
                log.write(2, || "a.aof".to_owned(), 7, 10, Micros(at * 100));
                fsync(log, at * 100 + 10, at * 100 + 20);
            }
            fsync(log, 200_000, 3_200_000);
        });
        assert!(found.len() < 12, "{found:#?}");
        let fsyncs: u64 = found
            .iter()
            .filter_map(|line| line["fsyncs"].as_u64())
            .sum();
        let bytes: u64 = found
            .iter()
            .filter(|line| line["op"] == "write")
            .filter_map(|line| line["bytes"].as_u64())
            .sum();
        assert_eq!((fsyncs, bytes), (1001, 10_000));
        assert_eq!(found.last().unwrap()["began"], json!(200_000));
    }
}
