//! One session's transcript as it should be, with what is missing struck out.

mod layout;
mod model;
mod paint;

pub use model::{Fate, Line};
pub use paint::{Brush, Script, show, show_script};
