//! `crashdrill presets`: what can be chosen, and how a redis.conf becomes a preset.

use anyhow::{Result, bail};

use super::args::PresetsArgs;
use super::exit::{Exit, UsageError};
use super::output;
use crate::domain::fault::FaultKind;
use crate::engine::{presets, store};

pub fn presets(args: &PresetsArgs) -> Result<Exit> {
    let folder = store::presets_dir()?;
    if let Some(path) = &args.import {
        let imported =
            presets::import_file(path).map_err(|error| UsageError(format!("{error:#}")))?;
        output::dropped(path, &imported.dropped);
        let saved = presets::save(&folder, &imported.preset, args.force)
            .map_err(|error| UsageError(format!("{error:#}")))?;
        output::result(imported.preset.text.trim_end());
        output::line(&format!(
            "Saved as preset {} in {}",
            imported.preset.id,
            saved.display()
        ));
        return Ok(Exit::Held);
    }
    let (known, errors) = presets::load(Some(&folder));
    for error in errors {
        output::line(&format!("Preset left out: {error}"));
    }
    match &args.preset {
        None => {
            for preset in known {
                let promise = preset.promise(FaultKind::ProcessKill).words();
                output::result(&format!(
                    "{:<36} {}\n{:36} a process kill may take {promise}",
                    preset.id, preset.title, ""
                ));
            }
        }
        Some(id) => match known.iter().find(|preset| preset.id == *id) {
            Some(preset) => output::result(preset.text.trim_end()),
            None => bail!(UsageError(format!(
                "there is no preset {id}: crashdrill presets lists them"
            ))),
        },
    }
    Ok(Exit::Held)
}
