//! The structured comment that opens a preset file: title, explanation, promises.
//!
//! ```text
//! # title: Snapshot every 5 s
//! # explanation: One sentence or a few,
//! #   continued on indented lines.
//! # promise process-kill: since-snapshot
//! ```
//!
//! It ends at the first line that is no comment; comments below belong to the file's author. Knows no
//! directive.

use std::collections::BTreeMap;

use super::directive::did_you_mean;
use super::syntax;
use crate::domain::contract::Promise;
use crate::domain::fault::FaultKind;

#[derive(Debug, Default)]
pub(super) struct Header {
    pub title: String,
    pub explanation: String,
    pub promises: BTreeMap<FaultKind, Promise>,
}

const FIELDS: [&str; 3] = ["title", "explanation", "promise <fault>"];

/// The header and how many lines it takes.
pub(super) fn parse(text: &str, report: &mut dyn FnMut(Option<u32>, String)) -> (Header, u32) {
    let mut header = Header::default();
    if text.trim().is_empty() {
        report(
            None,
            "the file is empty: a preset has a header and directives".into(),
        );
        return (header, 0);
    }
    let comments: Vec<(u32, &str)> = syntax::lines(text)
        .map_while(|(number, line)| Some((number, line.strip_prefix('#')?)))
        .collect();
    if comments.is_empty() {
        report(
            Some(1),
            "the header is missing: a preset file begins with # title:, # explanation: and # promise <fault>: lines".into(),
        );
        return (header, 0);
    }
    let fields = fields(&comments, report);
    for (number, key, value) in &fields {
        if let Err(message) = header.set(key, value) {
            report(Some(*number), message);
        }
    }
    for (key, value) in [
        ("title", &header.title),
        ("explanation", &header.explanation),
    ] {
        if value.is_empty() && !fields.iter().any(|(_, field, _)| field == key) {
            report(
                Some(1),
                format!("the header has no {key}: write # {key}: and what it is"),
            );
        }
    }
    (header, comments.len() as u32)
}

/// The header's fields with their continuation lines joined on.
fn fields(
    comments: &[(u32, &str)],
    report: &mut dyn FnMut(Option<u32>, String),
) -> Vec<(u32, String, String)> {
    let mut fields: Vec<(u32, String, String)> = Vec::new();
    for &(number, comment) in comments {
        let words = comment.split_whitespace().collect::<Vec<_>>().join(" ");
        if let (true, Some((_, _, value))) = (comment.starts_with("  "), fields.last_mut()) {
            if !words.is_empty() {
                value.push(' ');
                value.push_str(&words);
            }
        } else if let Some((key, value)) = words.split_once(':') {
            fields.push((number, key.trim().to_owned(), value.trim().to_owned()));
        } else if !words.is_empty() {
            report(
                Some(number),
                format!(
                    "\"{words}\" is no header line: {}; leave an empty line before other comments",
                    FIELDS.map(|field| format!("# {field}:")).join(", ")
                ),
            );
        }
    }
    fields
}

impl Header {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("# {key}: has no value"));
        }
        match key.split_once(' ') {
            None if key == "title" => once(&mut self.title, key, value),
            None if key == "explanation" => once(&mut self.explanation, key, value),
            Some(("promise", fault)) => {
                let fault: FaultKind = fault.trim().parse()?;
                match self.promises.insert(fault, value.parse()?) {
                    None => Ok(()),
                    Some(_) => Err(format!("a second promise for {fault}")),
                }
            }
            _ => Err(format!(
                "unknown header field \"{key}\"{}; known are {}",
                did_you_mean(key, ["title", "explanation", "promise"].into_iter()),
                FIELDS.join(", ")
            )),
        }
    }
}

fn once(field: &mut String, key: &str, value: &str) -> Result<(), String> {
    if !field.is_empty() {
        return Err(format!("a second {key}"));
    }
    value.clone_into(field);
    Ok(())
}
