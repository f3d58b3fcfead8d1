//! The faulty disk under the server's data directory: what a power cut takes, seen and not guessed.
//!
//! A file system in memory (FUSE, Linux) that keeps two images of every file: what was written and what would
//! survive if the power failed now. It knows files, names, writes and fsyncs and nothing of Redis but the
//! marker bytes that it is told to count. It starts and signals no server: the order at a cut is the engine's.

pub mod aof;
#[cfg(target_os = "linux")]
mod availability;
#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod copy_out;
pub mod damage;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod facts;
#[cfg(target_os = "linux")]
mod gate;
#[cfg(target_os = "linux")]
mod glue;
#[cfg(target_os = "linux")]
mod log;
#[cfg(target_os = "linux")]
mod mishap;
pub mod model;
#[cfg(target_os = "linux")]
mod mount;
#[cfg(target_os = "linux")]
mod request;
mod spec;
pub mod tail_cut;

#[cfg(target_os = "linux")]
pub use availability::unavailable;
#[cfg(target_os = "linux")]
pub use control::FaultyDisk;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{FaultyDisk, unavailable};
pub use facts::{CutReport, DiskImage, DiskStatus, DroppedBytes, FileStatus, Struck};
pub use spec::{DiskError, MountSpec};
