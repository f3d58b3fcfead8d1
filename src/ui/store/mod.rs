//! The Store screen: somebody's memory store, looked into without hurting it.

mod bar;
mod changes;
mod findings;
mod gauges;
mod layout;
mod model;
mod namespaces;
mod paint;
mod pictures;
mod rows;
mod sessions;
mod transcript;

pub use paint::{Brush, show};
