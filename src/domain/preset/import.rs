//! A preset out of a production `redis.conf`: its persistence and memory directives, and the list of
//! what was left behind and why. Promises are those that the directives can keep.

use super::effective::Effective;
use super::{Directive, Preset, directive, id_of, syntax};

/// A line that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// In the imported file, from 1.
    pub line: u32,
    /// Its name, or the line's beginning where not even that can be read.
    pub directive: String,
    pub reason: String,
    /// Redis itself would refuse the line: it is not merely none of a preset's.
    pub invalid: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    pub preset: Preset,
    pub dropped: Vec<Dropped>,
}

/// Takes over what a preset may carry. `name` is the file's name, with or without a path.
#[must_use]
pub fn import(text: &str, name: &str) -> Imported {
    let text = syntax::normalise(text);
    let mut directives = Vec::new();
    let mut dropped = Vec::new();
    for (number, line) in syntax::lines(&text) {
        let mut drop = |directive: &str, reason: String, invalid: bool| {
            dropped.push(Dropped {
                line: number,
                directive: directive.to_owned(),
                reason,
                invalid,
            });
        };
        match syntax::directive(line, number) {
            Ok(None) => {}
            Ok(Some(directive)) => match directive::check(&directive) {
                Ok(()) => directives.push(directive),
                Err(reason) => drop(&directive.name, reason, directive::is_ours(&directive.name)),
            },
            Err(reason) => drop(&beginning(line), reason, true),
        }
    }
    Imported {
        preset: preset(name, directives),
        dropped,
    }
}

/// Writes the preset's file and reads it back, so that what is imported is what a file would give.
fn preset(name: &str, directives: Vec<Directive>) -> Preset {
    let promises = Effective::of(&directives).promises();
    let mut text = format!(
        "# title: Imported from {}\n# explanation: Persistence and memory directives of a file of yours; the promises are what these directives can keep.\n",
        printable(name)
    );
    for (fault, promise) in &promises {
        text.push_str(&format!("# promise {fault}: {promise}\n"));
    }
    text.push('\n');
    for Directive { name, value, .. } in &directives {
        let value = if value.is_empty() { "\"\"" } else { value };
        text.push_str(&format!("{name} {value}\n"));
    }
    let file = format!("{}.conf", id(name));
    Preset::parse(&file, &text).expect("every directive was checked and the header is ours")
}

/// An id that a file can be named by, whatever the imported one was called.
fn id(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.strip_suffix(".conf").unwrap_or(file);
    let id: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .take(60)
        .collect();
    let id = format!("imported-{}", id.trim_matches('-'));
    let id = id.trim_end_matches('-').to_owned();
    debug_assert!(id_of(&id).is_ok());
    id
}

/// A name that is safe on a header line.
fn printable(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = file
        .chars()
        .map(|c| {
            if c.is_control() || c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .take(80)
        .collect();
    match clean.trim() {
        "" => "a file without a name".into(),
        clean => clean.to_owned(),
    }
}

fn beginning(line: &str) -> String {
    line.split_whitespace()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(40)
        .collect()
}
