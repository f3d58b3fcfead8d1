//! A memory store that we did not fill: keys, sessions, messages, what is unhealthy about them, and what has
//! changed between two looks.
//!
//! Pure, and without any knowledge of how the keys were read: bytes come in, facts go out.

pub mod content;
pub mod diff;
pub mod finding;
pub mod health;
pub mod inventory;
pub mod layout;
pub mod mark;
pub mod message;
pub mod pattern;
pub mod pictures;
pub mod server;
pub mod session;
pub mod survey;
pub mod tree;
