//! A suite of checks as a report: record in, bytes out.
//!
//! Pure; every sentence about a verdict comes from the wording.

mod html;
mod json;
mod junit;
mod markdown;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::domain::check::SuiteRecord;

/// A kind of report, known by its file's ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckFormat {
    Html,
    Markdown,
    Json,
    Junit,
}

impl CheckFormat {
    pub const ALL: [CheckFormat; 4] = [
        CheckFormat::Html,
        CheckFormat::Markdown,
        CheckFormat::Json,
        CheckFormat::Junit,
    ];

    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            CheckFormat::Html => "html",
            CheckFormat::Markdown => "md",
            CheckFormat::Json => "json",
            CheckFormat::Junit => "xml",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            CheckFormat::Html => "HTML page",
            CheckFormat::Markdown => "Markdown",
            CheckFormat::Json => "JSON",
            CheckFormat::Junit => "JUnit XML",
        }
    }

    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// Which endings are known.
    pub fn from_path(path: &Path) -> Result<CheckFormat, String> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        let known = CheckFormat::ALL
            .into_iter()
            .find(|format| format.ending() == ending);
        known.ok_or_else(|| {
            let all =
                CheckFormat::ALL.map(|format| format!(".{} ({})", format.ending(), format.title()));
            format!(
                "the report path {} has no ending that is known; give it one of {}",
                path.display(),
                all.join(", ")
            )
        })
    }
}

/// The whole report.
#[must_use]
pub fn render(format: CheckFormat, suite: &SuiteRecord) -> Vec<u8> {
    match format {
        CheckFormat::Html => html::render(suite).into_bytes(),
        CheckFormat::Markdown => markdown::render(suite).into_bytes(),
        CheckFormat::Json => json::render(suite),
        CheckFormat::Junit => junit::render(suite),
    }
}
