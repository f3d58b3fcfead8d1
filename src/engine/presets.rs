//! The presets that a user can choose from: those in the binary, and the files in the config folder.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::domain::preset::{Imported, Loaded, Preset, import, load_all};

/// Reads `*.conf` from `folder`, which need not exist. Files that cannot be read are reported beside
/// the presets that can.
#[must_use]
pub fn load(folder: Option<&Path>) -> (Vec<Preset>, Vec<String>) {
    let mut errors = Vec::new();
    let mut files = Vec::new();
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    let mut paths: Vec<_> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "conf"))
    {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match fs::read_to_string(path) {
            Ok(text) => files.push((name, text)),
            Err(error) => errors.push(format!("cannot read {}: {error}", path.display())),
        }
    }
    let Loaded {
        presets,
        errors: refused,
    } = load_all(&files);
    errors.extend(refused.iter().map(ToString::to_string));
    (presets, errors)
}

/// Makes a preset out of a production `redis.conf`.
///
/// # Errors
/// The file cannot be read, holds a value that Redis would refuse, or no directive that a preset may carry.
pub fn import_file(path: &Path) -> Result<Imported> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let imported = import(&String::from_utf8_lossy(&bytes), &name);
    if let Some(wrong) = imported.dropped.iter().find(|dropped| dropped.invalid) {
        // Redis would refuse the file; a drill of the rest would be a drill of something else.
        bail!("{}:{}: {}", path.display(), wrong.line, wrong.reason);
    }
    if imported.preset.directives.is_empty() {
        bail!(
            "{} holds no persistence or memory directive (save, appendonly, maxmemory, …): is it a redis.conf?",
            path.display()
        );
    }
    Ok(imported)
}

/// Saves a preset into the config folder, where [`load`] finds it.
///
/// # Errors
/// A file of that name exists, or cannot be written.
pub fn save(folder: &Path, preset: &Preset, replace: bool) -> Result<std::path::PathBuf> {
    let path = folder.join(format!("{}.conf", preset.id));
    if path.exists() && !replace {
        bail!(
            "{} exists: rename the file that you import, or replace it with --force",
            path.display()
        );
    }
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, &preset.text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
