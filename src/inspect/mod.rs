//! Looking into a memory store: scans, single sessions, inventories and exports on disk.
//!
//! It reads by `client::reader` alone and so cannot change a store; what is healthy it leaves to `domain::memory`.

mod config_file;

pub mod content;
pub mod export;
pub mod file;
pub mod gauge;
pub mod launch;
pub mod scan;
pub mod secret;
pub mod transcript;

// Observers know this room and not the client behind it.
pub use crate::client::budget::{Budget, DEFAULT_PER_SEC};
pub use crate::client::target::Target;
