//! Where there is no FUSE: the same interface, which says so.

use std::path::Path;
use std::time::Duration;

use super::facts::{CutReport, DiskImage, DiskStatus, Struck};
use super::spec::{DiskError, MountSpec};
use crate::domain::disk::DiskMoment;
use crate::domain::op::Micros;

/// Why no faulty disk can be had here, and what to do about it.
#[must_use]
pub fn unavailable(_allow_other: bool) -> Option<String> {
    Some(
        "the faulty disk needs Linux: use the tail-cut replay, or run the drill on a Linux machine"
            .to_owned(),
    )
}

/// There is none here: [`FaultyDisk::mount`] is the only way to get one, and it fails.
#[derive(Clone)]
pub enum FaultyDisk {}

impl FaultyDisk {
    /// # Errors
    /// Always.
    pub fn mount(_spec: MountSpec) -> Result<FaultyDisk, DiskError> {
        Err(DiskError::new(unavailable(false).unwrap_or_default()))
    }

    pub fn time_begins(&self) {
        match *self {}
    }

    pub fn status(&self) -> DiskStatus {
        match *self {}
    }

    pub fn arm(&self, _moment: DiskMoment) {
        match *self {}
    }

    pub fn disarm(&self) {
        match *self {}
    }

    pub fn struck(&self) -> Option<Struck> {
        match *self {}
    }

    pub fn wait_struck(&self, _patience: Duration) -> Option<Struck> {
        match *self {}
    }

    pub fn freeze(&self) -> Micros {
        match *self {}
    }

    pub fn thaw(&self) {
        match *self {}
    }

    pub fn release_held(&self) {
        match *self {}
    }

    pub fn cut(&self) -> CutReport {
        match *self {}
    }

    pub fn survive_kill(&self) {
        match *self {}
    }

    /// # Errors
    /// Never called.
    pub fn export(&self, _image: DiskImage, _to: &Path) -> Result<(), DiskError> {
        match *self {}
    }

    /// # Errors
    /// Never called.
    pub fn unmount(&self) -> Result<(), DiskError> {
        match *self {}
    }
}
