//! Crashdrill: what does a Redis crash take away?
//!
//! THE MAP is being drawn.

pub mod backend;
pub mod domain;
pub mod engine;
pub mod report;
