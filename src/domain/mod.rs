//! What a drill is, what was attempted, what was found, and what that proves.
//!
//! Pure: no I/O, no clock, no async, nothing of egui, redis or bollard. Everything here could be
//! computed by hand on paper from the files of a run's directory.

pub mod check;
pub mod checker;
pub mod contract;
pub mod damage;
pub mod disk;
pub mod event;
pub mod evidence;
pub mod fault;
pub mod history;
pub mod image;
pub mod ladder;
pub mod lanes;
pub mod memory;
pub mod network;
pub mod op;
pub mod plan;
pub mod preset;
pub mod readback;
pub mod record;
pub mod series;
pub mod trigger;
pub mod verdict;
pub mod workload;
