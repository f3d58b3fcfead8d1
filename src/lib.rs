//! Crashdrill: what does a Redis crash take away?
//!
//! THE MAP is being drawn.

// TEMPORARY: lets the shim share the tests' fixture.
extern crate self as crashdrill;

pub mod backend;
pub mod domain;
pub mod engine;

#[cfg(feature = "gui")]
pub mod app;
#[cfg(feature = "gui")]
pub mod ui;
