//! Live tests: real servers, real containers, the real program.

#[path = "../support/mod.rs"]
mod support;

mod acts;
mod by_hand;
mod docker;
mod docker_drill;
mod drill;
mod external;
mod network;
#[cfg(feature = "gui")]
mod window;
