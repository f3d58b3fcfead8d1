//! A temporary folder for copies of a data directory, held by the lease: gone at the latest when we are.

use std::path::{Path, PathBuf};

use super::lease::{self, CONFIG_FILE, Holding};
use super::{BackendError, Result};

/// Removed when it is dropped.
pub struct ScratchFolder {
    root: PathBuf,
    data: PathBuf,
}

impl ScratchFolder {
    /// Makes one in the system's temporary folder.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new() -> Result<ScratchFolder> {
        let parent = std::env::temp_dir();
        let failed = |error: std::io::Error| {
            BackendError::new(format!(
                "cannot make a scratch folder in {}: {error}; free space there or set TMPDIR",
                parent.display()
            ))
        };
        let root = lease::held_directory(&parent).map_err(failed)?;
        let folder = ScratchFolder {
            data: root.join("data"),
            root,
        };
        // The name and this file tell the sweep that it is ours.
        std::fs::write(folder.root.join(CONFIG_FILE), "").map_err(failed)?;
        std::fs::create_dir(&folder.data).map_err(failed)?;
        Ok(folder)
    }

    /// The empty folder in it.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Fills it with a copy of a data directory.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy_from(&self, data: &Path) -> Result<()> {
        super::copy_dir(data, &self.data, &[]).map_err(|error| {
            let (from, to) = (data.display(), self.data.display());
            BackendError::new(format!("cannot copy {from} to {to}: {error}"))
        })
    }
}

impl Drop for ScratchFolder {
    #[expect(
        clippy::disallowed_methods,
        reason = "the directory that `new` has made"
    )]
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
        lease::release(Holding::Directory(self.root.clone()));
    }
}
