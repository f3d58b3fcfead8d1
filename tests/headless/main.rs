//! Tests that need nothing but the sources and the program: no server, no display.

mod map;
mod program;
