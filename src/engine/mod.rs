//! Making a drill happen: it drives a backend through a client, writes the journal as it goes, and
//! tells observers what has happened. It decides nothing about loss: that is `domain::checker`.

pub mod command;
pub mod launch;
pub mod store;
