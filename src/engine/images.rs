//! The images that the user's container engine holds, for the plan's list.

use anyhow::{Result, anyhow};

use crate::backend::docker::Engine;

/// Names of local images, those that look like a server first.
///
/// # Errors
/// No engine answers; the sentence says what to do.
pub fn list() -> Result<Vec<String>> {
    let images = Engine::connect().and_then(|engine| engine.list_images());
    let images = images.map_err(|error| anyhow!("{error}"))?;
    Ok(images.into_iter().map(|image| image.name).collect())
}
