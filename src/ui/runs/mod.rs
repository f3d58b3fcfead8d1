//! The Runs screen: every drill that left its evidence on disk.

mod model;
mod paint;

pub use paint::show;
