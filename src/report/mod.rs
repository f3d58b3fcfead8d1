//! A run's record as a report: record in, bytes out.
//!
//! Owns the sentences ([`wording`]) and the formats that quote them. Pure: it opens no file, reads no
//! clock, and decides nothing about loss: it says what the checker found.

mod acts;
pub mod checks;
mod csv;
mod html;
pub mod inspection;
mod json;
mod junit;
mod markdown;
mod sessions;
mod svg;
pub mod wording;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::domain::record::RunRecord;

/// A kind of report, known by its file's ending.
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

    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// What is wrong with the name, and which endings are known.
    pub fn from_path(path: &Path) -> Result<Format, String> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        let known = Format::ALL
            .into_iter()
            .find(|format| format.ending() == ending);
        known.ok_or_else(|| {
            let all =
                Format::ALL.map(|format| format!(".{} ({})", format.ending(), format.title()));
            let what = if ending.is_empty() {
                "has no ending".to_owned()
            } else {
                format!("ends in .{ending}")
            };
            format!(
                "the report path {} {what}; give it one of {}",
                path.display(),
                all.join(", ")
            )
        })
    }

    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Format::Html => "html",
            Format::Markdown => "md",
            Format::Json => "json",
            Format::Junit => "xml",
            Format::Csv => "csv",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Format::Html => "HTML page",
            Format::Markdown => "Markdown",
            Format::Json => "JSON",
            Format::Junit => "JUnit XML",
            Format::Csv => "CSV of lost messages",
        }
    }
}

/// The whole report.
#[must_use]
pub fn render(format: Format, record: &RunRecord) -> Vec<u8> {
    match format {
        Format::Html => html::render(record).into_bytes(),
        Format::Markdown => markdown::render(record).into_bytes(),
        Format::Json => json::render(record),
        Format::Junit => junit::render(record),
        Format::Csv => csv::render(record),
    }
}
