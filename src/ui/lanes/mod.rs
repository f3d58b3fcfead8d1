//! The sessions as lanes: one row a session, one tick a message, the cut through all of them.

mod layout;
mod model;
mod paint;

pub use paint::{Brush, legend, show};
