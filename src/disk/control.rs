//! The faulty disk as the engine holds it.

use std::path::Path;
use std::time::Duration;

use super::availability::unavailable;
use super::facts::{CutReport, DiskImage, DiskStatus, Struck};
use super::spec::{DiskError, MountSpec};
use crate::domain::disk::DiskMoment;
use crate::domain::op::Micros;

/// A mounted faulty disk. Clones are handles of the same disk; when the last one goes, it is unmounted.
#[derive(Clone)]
pub struct FaultyDisk {}

impl FaultyDisk {
    /// # Errors
    /// No FUSE, a folder that is not there, not empty or busy: the message ends with the way out.
    pub fn mount(spec: MountSpec) -> Result<FaultyDisk, DiskError> {
        if let Some(why) = unavailable(spec.allow_other) {
            return Err(DiskError::new(why));
        }
        Ok(FaultyDisk {})
    }

    /// Cheap: called 20 times a second.
    #[must_use]
    pub fn status(&self) -> DiskStatus {
        DiskStatus::default()
    }

    /// Freezes the whole disk at that operation.
    pub fn arm(&self, _moment: DiskMoment) {}

    pub fn disarm(&self) {}

    /// The operation it froze at.
    #[must_use]
    pub fn struck(&self) -> Option<Struck> {
        None
    }

    #[must_use]
    pub fn wait_struck(&self, _patience: Duration) -> Option<Struck> {
        None
    }

    pub fn freeze(&self) -> Micros {
        Micros(0)
    }

    pub fn thaw(&self) {}

    pub fn release_held(&self) {}

    pub fn cut(&self) -> CutReport {
        CutReport {
            at: Micros(0),
            files: Vec::new(),
            undone_names: Vec::new(),
            last_fsync_began: None,
            last_fsync_ended: None,
            fsyncs_in_flight: 0,
            written_marks: 0,
            kept_marks: 0,
        }
    }

    pub fn survive_kill(&self) {}

    /// # Errors
    /// The folder cannot be written.
    pub fn export(&self, _image: DiskImage, _to: &Path) -> Result<(), DiskError> {
        Ok(())
    }

    /// # Errors
    /// The system refuses even the lazy unmount.
    pub fn unmount(&self) -> Result<(), DiskError> {
        Ok(())
    }
}
