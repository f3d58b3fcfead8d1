//! Sessions as JSON Lines or CSV, written while they are read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::scan::Sink;
use crate::domain::memory::layout::Layout;
use crate::domain::memory::message::{Facts, content, role};
use crate::domain::memory::survey::readable;

/// By the file's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    JsonLines,
    Csv,
}

impl ExportFormat {
    /// # Errors
    /// Another ending.
    pub fn of(path: &Path) -> Result<ExportFormat> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("jsonl" | "ndjson") => Ok(ExportFormat::JsonLines),
            Some("csv") => Ok(ExportFormat::Csv),
            _ => bail!(
                "{}: the ending tells the format, and sessions are exported as .jsonl or .csv",
                path.display()
            ),
        }
    }
}

/// A message a line: session, key, layout, number of the message, and the message itself. Bytes that are no JSON
/// are `text`, bytes that are no text are `hex`.
pub struct Export {
    path: PathBuf,
    fresh: PathBuf,
    out: Out,
    session: String,
    key: String,
    layout: Layout,
    number: u64,
    pub messages: u64,
    error: Option<String>,
}

enum Out {
    JsonLines(BufWriter<File>),
    Csv(Box<csv::Writer<File>>),
}

impl Export {
    /// Begins a file beside `path`, which takes its name when it is finished.
    ///
    /// # Errors
    /// The ending is of no format, or the file cannot be made.
    pub fn begin(path: &Path) -> Result<Export> {
        let format = ExportFormat::of(path)?;
        let fresh = super::file::beside(path);
        let file =
            File::create(&fresh).with_context(|| format!("cannot write {}", path.display()))?;
        let out = match format {
            ExportFormat::JsonLines => Out::JsonLines(BufWriter::new(file)),
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(file);
                csv.write_record([
                    "session",
                    "key",
                    "layout",
                    "number",
                    "seq",
                    "role",
                    "timestamp",
                    "content",
                ])?;
                Out::Csv(Box::new(csv))
            }
        };
        Ok(Export {
            path: path.to_owned(),
            fresh,
            out,
            session: String::new(),
            key: String::new(),
            layout: Layout::Other,
            number: 0,
            messages: 0,
            error: None,
        })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Any write failed; the file under construction is removed.
    pub fn finish(self) -> Result<PathBuf> {
        let Export {
            path,
            fresh,
            out,
            error,
            ..
        } = self;
        let flushed = match out {
            Out::JsonLines(mut out) => out.flush(),
            Out::Csv(mut csv) => csv.flush(),
        };
        let error = error.or_else(|| flushed.err().map(|error| error.to_string()));
        if let Some(error) = error {
            let _ = std::fs::remove_file(&fresh);
            bail!("exporting failed: {error}: {}", path.display());
        }
        std::fs::rename(&fresh, &path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Takes the file under construction away: there is nothing to keep.
    pub fn abandon(self) {
        let _ = std::fs::remove_file(&self.fresh);
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let value = serde_json::from_slice::<Value>(bytes);
        match &mut self.out {
            Out::JsonLines(out) => {
                let (name, value) = match (value, std::str::from_utf8(bytes)) {
                    (Ok(value), _) => ("message", value),
                    (Err(_), Ok(text)) => ("text", json!(text)),
                    (Err(_), Err(_)) => ("hex", json!(hex(bytes))),
                };
                let line = json!({
                    "session": self.session,
                    "key": self.key,
                    "layout": self.layout,
                    "number": self.number,
                    name: value,
                });
                serde_json::to_writer(&mut *out, &line)?;
                out.write_all(b"\n")?;
            }
            Out::Csv(csv) => {
                let value = value.unwrap_or(Value::Null);
                let facts = Facts::of(&value);
                let text = content(&value).unwrap_or_else(|| readable(bytes));
                csv.write_record([
                    self.session.as_str(),
                    &self.key,
                    self.layout.title(),
                    &self.number.to_string(),
                    &facts.seq.map_or(String::new(), |seq| seq.to_string()),
                    &role(&value),
                    &facts.at.map_or(String::new(), |at| at.to_string()),
                    &text,
                ])?;
            }
        }
        Ok(())
    }
}

impl Sink for Export {
    fn session(&mut self, key: &[u8], id: &[u8], layout: Layout) {
        self.session = readable(id);
        self.key = readable(key);
        self.layout = layout;
        self.number = 0;
    }

    fn message(&mut self, bytes: &[u8]) {
        self.number += 1;
        self.messages += 1;
        if self.error.is_none()
            && let Err(error) = self.write(bytes)
        {
            self.error = Some(error.to_string());
        }
    }
}

/// `00ff`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(name: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let mut export = Export::begin(&path).unwrap();
        export.session(b"session:7:messages", b"7", Layout::List);
        export.message(br#"{"seq":1,"role":"user","content":"a, \"b\""}"#);
        export.message(b"\xff\x00");
        export.finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn json_lines_hold_the_message_itself() {
        let text = export("x.jsonl");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines[0]["message"]["content"], "a, \"b\"");
        assert_eq!(lines[0]["session"], "7");
        assert_eq!(
            (&lines[1]["hex"], &lines[1]["number"]),
            (&json!("ff00"), &json!(2))
        );
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let text = export("x.csv");
        assert!(
            text.contains("7,session:7:messages,list,1,1,user,,\"a, \"\"b\"\"\""),
            "{text}"
        );
        assert!(text.contains("\\xff"), "{text}");
    }

    #[test]
    fn another_ending_is_refused() {
        let error = Export::begin(Path::new("x.txt")).err().unwrap().to_string();
        assert!(error.contains(".jsonl"), "{error}");
    }
}
