//! Talking to Redis as a user of Redis; the only room that imports `redis`.
//!
//! It knows nothing of presets, faults or verdicts.

pub mod budget;
pub mod classify;
pub mod connect;
pub mod info;
pub mod levers;
pub mod pipes;
mod read_error;
pub mod reader;
pub mod scan;
pub mod talk;
pub mod target;
pub mod waitaof;

pub use redis::Connection;
