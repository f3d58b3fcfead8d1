//! Talking to Redis as a user of Redis; the only room that imports `redis`.
//!
//! It knows nothing of presets, faults or verdicts.

pub mod classify;
pub mod connect;
pub mod info;
pub mod levers;
pub mod pipes;
pub mod scan;
pub mod talk;

pub use redis::Connection;
