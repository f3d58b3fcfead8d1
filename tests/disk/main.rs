//! The faulty disk, mounted: held against plain expectations, against the kernel's own file system, and under a
//! real server.
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod death;
mod kernel;
mod mounted;

mod server;
mod stand;
