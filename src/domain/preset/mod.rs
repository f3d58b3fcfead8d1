//! A preset: real `redis.conf` directives plus a title, an explanation and promises.
//!
//! Owns what a preset file is: its header, its directives, what they come to. It must not know where
//! files lie: texts come in, presets and errors go out.

mod directive;
mod effective;
mod embedded;
mod header;
mod import;
mod syntax;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::contract::Promise;
use super::fault::FaultKind;
use effective::Effective;

pub use embedded::{Loaded, load_all};
pub use import::{Dropped, Imported, import};

/// One directive as it stands in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// In lower case.
    pub name: String,
    /// Arguments as Redis reads them: unquoted, one space between.
    pub value: String,
    /// Line in its file, from 1.
    pub line: u32,
}

/// A persistence policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    /// The file's name without `.conf`.
    pub id: String,
    pub title: String,
    pub explanation: String,
    pub promises: BTreeMap<FaultKind, Promise>,
    pub directives: Vec<Directive>,
    /// The file's text as the server gets it.
    pub text: String,
}

/// What carries the data over the end of the process: the one fact that explains most losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    Nothing,
    Snapshots,
    AofAlways,
    AofEverysec,
    AofNo,
}

/// What is wrong with a preset file, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PresetError {
    pub file: String,
    /// From 1; `None` if the file as a whole is wrong.
    pub line: Option<u32>,
    pub message: String,
}

impl fmt::Display for PresetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl Preset {
    /// Reads a preset file. `file` is its name: it gives the id and stands in the errors.
    ///
    /// # Errors
    /// Everything that is wrong with the file, in order of its lines.
    pub fn parse(file: &str, text: &str) -> Result<Preset, Vec<PresetError>> {
        let text = syntax::normalise(text);
        let mut errors = Vec::new();
        let mut report = |line: Option<u32>, message: String| {
            errors.push(PresetError {
                file: file.to_owned(),
                line,
                message,
            });
        };
        let id = id_of(file).unwrap_or_else(|message| {
            report(None, message);
            String::new()
        });
        let (header, header_lines) = header::parse(&text, &mut report);
        let directives = directives(&text, header_lines, &mut report);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Preset {
            id,
            title: header.title,
            explanation: header.explanation,
            promises: header.promises,
            directives,
            text,
        })
    }

    /// The presets that are part of the binary, in the order in which they are shown.
    #[must_use]
    pub fn embedded() -> Vec<Preset> {
        embedded::all()
    }

    /// What may be lost under `fault`. A preset that is silent about a fault promises nothing:
    /// everything may be lost.
    #[must_use]
    pub fn promise(&self, fault: FaultKind) -> Promise {
        self.promises
            .get(&fault)
            .copied()
            .unwrap_or(Promise::Everything)
    }

    /// The configuration that the server gets: the whole file, its header is comments.
    #[must_use]
    pub fn config_text(&self) -> &str {
        &self.text
    }

    /// Each directive of the preset with its value as CONFIG GET prints it, once each, in the preset's order.
    #[must_use]
    pub fn expected_config(&self) -> Vec<(String, String)> {
        Effective::of(&self.directives).expected(&self.directives)
    }

    /// What the directives come to, Redis's own defaults included, in plain words: a sentence each.
    #[must_use]
    pub fn plain_words(&self) -> Vec<String> {
        Effective::of(&self.directives).plain_words()
    }

    /// What Redis will load after a restart.
    #[must_use]
    pub fn keeping(&self) -> Keeping {
        Effective::of(&self.directives).keeping()
    }

    /// Whether `no-appendfsync-on-rewrite` is on: no fsync while a child runs, whatever the policy.
    #[must_use]
    pub fn skips_fsync_on_rewrite(&self) -> bool {
        Effective::of(&self.directives).skips_fsync_on_rewrite()
    }

    /// Whether SIGTERM makes the server write a last snapshot.
    #[must_use]
    pub fn saves_when_stopped(&self) -> bool {
        Effective::of(&self.directives).saves_when_stopped()
    }

    /// What the directives can keep by the way Redis works, whatever the header says.
    #[must_use]
    pub fn implied_promises(&self) -> BTreeMap<FaultKind, Promise> {
        Effective::of(&self.directives).promises()
    }
}

/// The id that a file's name gives.
fn id_of(file: &str) -> Result<String, String> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let id = name.strip_suffix(".conf").unwrap_or(name);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.is_empty() || id.starts_with('.') || !id.chars().all(plain) {
        return Err(format!(
            "the name of a preset file is the preset's id: use letters, digits, - and _ before .conf, not \"{id}\""
        ));
    }
    Ok(id.to_owned())
}

fn directives(
    text: &str,
    header_lines: u32,
    report: &mut dyn FnMut(Option<u32>, String),
) -> Vec<Directive> {
    let mut directives = Vec::new();
    for (number, line) in syntax::lines(text).skip(header_lines as usize) {
        match syntax::directive(line, number) {
            Ok(None) => {}
            Ok(Some(directive)) => match directive::check(&directive) {
                Ok(()) => directives.push(directive),
                Err(message) => report(Some(number), message),
            },
            Err(message) => report(Some(number), message),
        }
    }
    directives
}

#[cfg(test)]
mod tests;
