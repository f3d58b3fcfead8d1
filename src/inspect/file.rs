//! Inventories on disk: written beside their name and then renamed, so that a crash leaves the old one or the new.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::scan::Found;
use crate::client::target::Target;
use crate::domain::memory::diff::{Diff, Now, diff};
use crate::domain::memory::inventory::{Header, Inventory, entries, write};
use crate::domain::memory::pattern::Recogniser;

/// A name in the same folder for a file that is not finished.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// Saves what the sessions of a scan hold.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, target: &Target, recogniser: &Recogniser, found: &Found) -> Result<()> {
    let failed = || format!("saving the inventory failed: {}", path.display());
    let header = Header {
        store: target.label(),
        database: target.database,
        at_millis: found.survey.began_millis,
        patterns: recogniser
            .patterns
            .iter()
            .map(|pattern| pattern.text().to_owned())
            .collect(),
        run_id: found.facts.text("run_id").to_owned(),
        version: found.facts.version(),
        evicted_keys: found.facts.count("evicted_keys"),
        expired_keys: found.facts.count("expired_keys"),
        complete: found.survey.stopped.is_none(),
    };
    let fresh = beside(path);
    let order = found.survey.sorted();
    let written = File::create(&fresh).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&header, entries(&found.survey, &order), &mut out)?;
        out.flush()?;
        out.get_ref().sync_all()
    });
    if let Err(error) = written {
        let _ = std::fs::remove_file(&fresh);
        return Err(error).with_context(failed);
    }
    std::fs::rename(&fresh, path).with_context(failed)
}

/// Reads an inventory.
///
/// # Errors
/// Not there, no inventory, torn.
pub fn load(path: &Path) -> Result<Inventory> {
    let failed = || format!("reading the inventory {} failed", path.display());
    let file = File::open(path).with_context(failed)?;
    Inventory::read(BufReader::new(file)).with_context(failed)
}

/// What has become of the sessions of an inventory.
#[must_use]
pub fn compare(before: &Inventory, found: &Found) -> Diff {
    let order = found.survey.sorted();
    let now = Now {
        // By when a session must have ended to be called expired: when it was looked for.
        at_millis: found.survey.began_millis,
        complete: found.survey.stopped.is_none(),
    };
    diff(before.entries(), entries(&found.survey, &order), now)
}
