//! Making a drill happen: it drives a backend through a client, writes the journal as it goes, and
//! tells observers what has happened. It decides nothing about loss: that is `domain::checker`.
//!
//! Read `drill` first: the life of a drill from top to bottom.

mod attention;
pub mod command;
mod drill;
mod env;
pub mod housekeeping;
pub mod launch;
pub mod load;
pub mod presets;
mod ready;
mod snapshots;
pub mod store;

pub use env::Clock;
