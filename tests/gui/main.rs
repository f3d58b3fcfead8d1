//! The window, driven as a user drives it: by role and by the names on the controls.

#[path = "../support/act_fixture.rs"]
mod act_fixture;
#[path = "../support/drill_fixture.rs"]
#[allow(dead_code)]
mod drill_fixture;
#[path = "../support/store_fixture.rs"]
#[allow(dead_code)]
mod store_fixture;
#[path = "../support/mod.rs"]
mod support;

mod acts;
mod checks;
mod dialogs;
mod drill;
mod keys;
#[cfg(feature = "snapshots")]
mod looks;
mod plan;
mod runs;
mod stage;
mod store;
mod update;
