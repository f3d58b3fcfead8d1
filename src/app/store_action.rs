//! Wishes on the Store screen, with text, tooltip and availability beside each.

use super::state::AppState;
use super::store_state::{Column, StoreField, StoreView};
use crate::domain::memory::mark::Mark;

#[derive(Clone, Debug, PartialEq)]
pub enum StoreAction {
    EditAddress(String),
    EditPassword(String),
    EditCa(String),
    Edit(StoreField, String),
    Remember(bool),
    Pick(String),
    Forget(String),
    Expect(String),
    SetBudget(u32),
    Look,
    LookAtOurs,
    Stop,
    StopExport,
    View(StoreView),
    Filter(String),
    Only(Option<Mark>),
    Sort(Column),
    /// A namespace by its places and depth.
    Toggle(usize, usize),
    Select(Option<u32>),
    /// A page of the transcript by its first line.
    Turn(u64),
    ShowRaw(bool),
    Save,
    Compare,
    Export(StoreFile),
}

/// A file that the Store screen writes or reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFile {
    Inventory,
    /// An inventory of before, to compare with.
    Before,
    JsonLines,
    Csv,
}

impl StoreFile {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            StoreFile::Inventory => "Save the inventory as",
            StoreFile::Before => "Compare with an inventory",
            StoreFile::JsonLines | StoreFile::Csv => "Export the sessions as",
        }
    }

    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            StoreFile::Inventory | StoreFile::Before => "inventory",
            StoreFile::JsonLines => "jsonl",
            StoreFile::Csv => "csv",
        }
    }

    /// A file that exists is read and not written.
    #[must_use]
    pub fn is_read(self) -> bool {
        self == StoreFile::Before
    }
}

impl StoreAction {
    #[must_use]
    pub fn text(&self) -> &'static str {
        match self {
            StoreAction::Look => "Look",
            StoreAction::LookAtOurs => "This drill's server",
            StoreAction::Stop => "Stop",
            StoreAction::StopExport => "Stop export",
            StoreAction::Only(None) => "All sessions",
            StoreAction::Save => "Save inventory…",
            StoreAction::Compare => "Compare with…",
            StoreAction::Export(StoreFile::Csv) => "Export CSV…",
            StoreAction::Export(_) => "Export JSON Lines…",
            StoreAction::Select(None) => "Close session",
            StoreAction::Forget(_) => "Forget",
            _ => "",
        }
    }

    #[must_use]
    pub fn tooltip(&self) -> &'static str {
        match self {
            StoreAction::Look => {
                "Walk all keys within the budget and read every session; nothing is written"
            }
            StoreAction::LookAtOurs => "The server that the running drill has started",
            StoreAction::Stop => "End the scan and keep what it has found",
            StoreAction::StopExport => "End the export and keep the messages that are written",
            StoreAction::Save => "Keep what every session holds now, to compare with later",
            StoreAction::Compare => {
                "Name every session that lost its tail, got a hole, vanished, expired or changed since an inventory"
            }
            StoreAction::Export(_) => "Read every session again and write all messages to a file",
            _ => "",
        }
    }

    /// # Errors
    /// Why not, in words for the tooltip of the greyed button.
    pub fn available(&self, state: &AppState) -> Result<(), &'static str> {
        let store = &state.store;
        let need = |fits: bool, otherwise| if fits { Ok(()) } else { Err(otherwise) };
        match self {
            StoreAction::Look | StoreAction::LookAtOurs if store.scanning.is_some() => {
                Err("A scan is running")
            }
            StoreAction::Look => need(
                !store.form.address.trim().is_empty(),
                "Type an address first",
            ),
            StoreAction::LookAtOurs => need(
                state.drill.running && state.drill.server.is_some(),
                "No drill has a server up: start one on the Drill screen",
            ),
            StoreAction::StopExport => need(store.exporting.is_some(), "No export is running"),
            StoreAction::Stop => need(store.scanning.is_some(), "No scan is running"),
            StoreAction::Save | StoreAction::Compare | StoreAction::Export(_) => {
                need(store.seen.is_some(), "Look into a store first")?;
                need(store.scanning.is_none(), "Wait until the scan is done")?;
                need(!store.saving, "A file is being written")
            }
            _ => Ok(()),
        }
    }
}
