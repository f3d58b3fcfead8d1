//! What the window remembers: one JSON file in the user's configuration folder, written on every change.
//!
//! Not left to eframe, which saves only when the window closes in peace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::state::Settings;
use crate::report::wording;

/// `crashdrill/window.json` in the user's configuration folder; `None` if the user has none.
#[must_use]
pub fn default_path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "crashdrill")?;
    Some(dirs.config_dir().join("window.json"))
}

/// The settings of the last time, or the defaults with the reason why they could not be read.
#[must_use]
pub fn load(path: &Path) -> (Settings, Option<String>) {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (Settings::default(), None);
        }
        Err(error) => return (Settings::default(), Some(not_read(path, &error))),
    };
    match serde_json::from_str(&text) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(not_read(path, &error))),
    }
}

fn not_read(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!(
        "Your settings could not be read, so these are the defaults: {error}: {}",
        path.display()
    )
}

/// A password of somebody's server is asked for each time, never kept.
fn without_password(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.draft.url = wording::without_password(&settings.draft.url);
    settings.store.address = wording::without_password(&settings.store.address);
    settings
}

/// Replaces the file as a whole, so that a crash leaves the old one or the new one.
///
/// # Errors
/// If the folder or the file cannot be written.
pub fn save(path: &Path, settings: &Settings) -> Result<()> {
    let failed = || format!("saving the window's settings failed: {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    let settings = without_password(settings);
    let fresh = path.with_extension("json.new");
    fs::write(&fresh, serde_json::to_vec_pretty(&settings)?).with_context(failed)?;
    fs::rename(&fresh, path).with_context(failed)
}
