//! Live tests: real servers, real containers, the real program.

#[path = "../support/mod.rs"]
mod support;

mod acts;
mod by_hand;
mod capture;
mod docker;
mod docker_drill;
mod drill;
mod external;
mod network;
mod other_servers;
mod power;
#[cfg(feature = "gui")]
mod window;
