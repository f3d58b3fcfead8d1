//! What scratch servers found on images of the data: the same instant with two ends, what if, a range, a repair.

mod model;
mod paint;

pub use paint::{Instants, show};
