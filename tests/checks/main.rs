//! The checks themselves before real servers: each must be able to fail, and stores of a user's with bad habits must
//! be caught.

#[path = "../support/mod.rs"]
mod support;

mod adapters;
mod bad_input;
mod drills;
mod engines;
mod given;
mod habits;
mod planted;
mod python;
