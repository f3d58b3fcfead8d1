//! One session's transcript as it should be, with what is missing struck out.

mod layout;
mod model;
mod paint;

pub use paint::{Brush, show};
