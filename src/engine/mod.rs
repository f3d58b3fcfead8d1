//! Making a drill happen: it drives a backend through a client, writes the journal as it goes, and
//! tells observers what has happened. It decides nothing about loss: that is `domain::checker`.
//!
//! Read `drill` first: the life of a drill from top to bottom.

mod attention;
mod capture;
pub mod command;
pub mod disk;
mod drill;
mod env;
mod greeting;
pub mod housekeeping;
pub mod images;
mod ladder;
pub mod launch;
mod line;
mod lives;
pub mod load;
mod mend;
mod nemesis;
mod own_store;
pub mod presets;
mod ready;
mod reckoning;
mod scratch;
mod sight;
mod snapshots;
mod stop;
pub mod store;
mod strike;
mod tailcut;
mod vigil;
mod wire;

pub use env::Clock;
