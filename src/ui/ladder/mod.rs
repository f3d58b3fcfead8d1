//! The ladder of durability: five counts over time, the gaps that a kill and a power cut would take, and the gauges.

mod model;
mod paint;

pub use paint::{gauges, legend, plot, readouts};
