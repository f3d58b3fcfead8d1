//! Crashdrill: what does a Redis crash take away from LLM chat memory?
//!
//! # The map
//!
//! *The evidence is the product.* A pure **domain** says what a drill is, what was attempted, what was
//! found and what that proves. An **engine** makes it happen against a **backend** through a **client**,
//! writing the **journal** as it goes. Two observers, the **cli** and the **app**, see the same stream of
//! facts; neither can do anything the other cannot.
//!
//! | room | what it owns | may use |
//! |---|---|---|
//! | [`domain`] | words, plans, history, checker, verdict; pure | nothing of ours |
//! | [`report`] | a record to sentences, pictures and files; pure | `domain` |
//! | [`journal`] | the durable write journal: bytes and files | `domain` |
//! | [`backend`] | the server under test: process, docker, external; the lease on what we started | `domain` |
//! | [`disk`] | the faulty disk under the server's data directory: what a power cut takes; FUSE, Linux | `domain` |
//! | [`client`] | talking to Redis as a user of Redis; the only room that imports `redis` for speaking it | `domain`, `backend`'s endpoint |
//! | [`network`] | the network between a client and a server: a proxy with faults, gates and a record | `domain` |
//! | [`adapter`] | the protocol that a memory store of the user's speaks over its pipes | `domain`, `backend` |
//! | [`engine`] | the life of a drill, the load, the runs on disk, presets on disk, housekeeping | all above |
//! | [`inspect`] | looking into a memory store: scans, inventories and exports; reads and nothing else | `domain`, `client` |
//! | [`checks`] | hazards of memory stores on real servers, the naive and the sound store before each | `domain`, `backend`, `client`, `network`, `adapter` |
//! | [`cli`] | the headless observer: arguments, progress, exit codes | `engine` and below |
//! | `app` | the window's brain: state, actions, the only writer, effects | `engine` and below |
//! | `ui` | drawing: reads state, pushes actions | `app`'s state and actions, `domain`, `report`'s words |
//!
//! The test `tests/headless/map.rs` holds each room to its line; a new room fails until it is on the list.
//! `app` and `ui` stand behind the feature `gui`: without it there is no egui in the graph.
//!
//! # The life of a drill
//!
//! `engine::launch` gives a drill a thread of its own and the observer a handle: commands in, events and
//! progress out. `engine::drill` reads top to bottom: start the server and prove by CONFIG GET that the
//! preset is in force, on the faulty disk if the plan has one; stream chats (`engine::load` over
//! `client::pipes`, each op journaled at its invocation and at its completion); wait for the fault's moment
//! (`engine::nemesis`, `engine::sight`); perform it under load and drain the sockets, since an answer
//! received is an answer given (`engine::strike`: a power cut freezes the disk first and drops last); start
//! the server on what is left; read every list back and compare bytes (`client::scan`); judge
//! (`domain::checker`); write the verdict; clean up.
//!
//! # Invariants
//!
//! - Not knowing is a value: an op without an answer is never called lost, and evidence with a gap is
//!   `Inconclusive`.
//! - The verdict follows from the run's directory alone: `engine::store::replay` comes to the same one.
//! - Per-op detail goes to the journal and never crosses the observers' channel; a hidden or stalled
//!   window does not change a drill's timing.
//! - Only `backend` starts, signals or removes anything, and only what the lease says is ours.
//! - Only `report::wording` makes sentences about a verdict; window and every format quote it.

pub mod domain;

pub mod backend;
pub mod client;
pub mod disk;
pub mod journal;
pub mod network;
pub mod report;

pub mod adapter;
pub mod engine;
pub mod inspect;

pub mod checks;

pub mod cli;

#[cfg(feature = "gui")]
pub mod app;
#[cfg(feature = "gui")]
pub mod ui;
