//! What the window knows of the memory store that it looks into. Plain values, as all state.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::memory::diff::{Change, Diff};
use crate::domain::memory::finding::Severity;
use crate::domain::memory::inventory::Header;
use crate::domain::memory::mark::Mark;

// What other rooms define and `ui` has to show.
pub use crate::inspect::launch::Seen;
pub use crate::inspect::scan::Progress;
pub use crate::inspect::transcript::{Line, PAGE, Page};

/// The Store screen.
#[derive(Debug)]
pub struct StoreState {
    pub form: StoreForm,
    /// Never written anywhere.
    pub password: String,
    /// Commands a second of the last moment.
    pub rate: f64,
    pub scanning: Option<Progress>,
    /// Why the last look came to nothing, and where the fix is.
    pub error: Option<String>,
    /// The address that would do in the place of the one that failed.
    pub instead: Option<String>,
    /// What is wrong with a field, beside it.
    pub wrong: Option<(StoreField, String)>,
    pub place: Option<Place>,
    pub seen: Option<Arc<Seen>>,
    pub view: StoreView,
    pub table: Table,
    /// Opened namespaces, by their places and depth.
    pub open: BTreeSet<(usize, usize)>,
    pub selected: Option<u32>,
    pub page: Option<Arc<Page>>,
    pub page_loading: bool,
    pub raw: bool,
    pub gauges: VecDeque<Gauge>,
    pub diff: Option<Arc<Compared>>,
    pub saving: bool,
    /// How far an export is.
    pub exporting: Option<Progress>,
    /// Counts up with each look: what comes from an older one is dropped.
    pub look: u64,
}

impl Default for StoreState {
    fn default() -> Self {
        StoreState {
            form: StoreForm::default(),
            password: String::new(),
            rate: 0.0,
            scanning: None,
            error: None,
            instead: None,
            wrong: None,
            place: None,
            seen: None,
            view: StoreView::Sessions,
            table: Table::default(),
            open: BTreeSet::new(),
            selected: None,
            page: None,
            page_loading: false,
            raw: false,
            gauges: VecDeque::new(),
            diff: None,
            saving: false,
            exporting: None,
            look: 0,
        }
    }
}

/// What the user typed and what is remembered of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreForm {
    pub address: String,
    /// File of a certificate authority of the user's own.
    pub ca: String,
    pub remember: bool,
    pub pattern: String,
    pub separator: String,
    pub ttl: String,
    /// Id of a preset; empty expects nothing.
    pub expect: String,
    /// Commands a second; 0 is no limit.
    pub budget: u32,
    /// Addresses without passwords, the newest first.
    pub known: Vec<String>,
}

impl Default for StoreForm {
    fn default() -> Self {
        StoreForm {
            address: String::new(),
            ca: String::new(),
            remember: false,
            pattern: String::new(),
            separator: ":".into(),
            ttl: String::new(),
            expect: String::new(),
            budget: crate::inspect::DEFAULT_PER_SEC,
            known: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreField {
    Address,
    Pattern,
    Separator,
    Ttl,
}

/// Where we look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address without its password.
    pub address: String,
    pub host: String,
    /// We started that server.
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreView {
    Sessions,
    Namespaces,
    Pictures,
    Changes,
}

/// The table of sessions.
#[derive(Clone, Debug)]
pub struct Table {
    pub filter: String,
    pub only: Option<Mark>,
    pub column: Column,
    pub ascending: bool,
    pub rows: Arc<Vec<u32>>,
    pub sorting: bool,
    /// Counts up with each wish for another order.
    pub generation: u64,
}

impl Default for Table {
    fn default() -> Self {
        Table {
            filter: String::new(),
            only: None,
            column: Column::Health,
            ascending: false,
            rows: Arc::default(),
            sorting: false,
            generation: 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    Session,
    Messages,
    Bytes,
    Ttl,
    Encoding,
    Idle,
    Health,
}

impl Column {
    pub const ALL: [Column; 7] = [
        Column::Session,
        Column::Messages,
        Column::Bytes,
        Column::Ttl,
        Column::Encoding,
        Column::Idle,
        Column::Health,
    ];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Column::Session => "Session",
            Column::Messages => "Messages",
            Column::Bytes => "Bytes",
            Column::Ttl => "TTL",
            Column::Encoding => "Encoding",
            Column::Idle => "Idle",
            Column::Health => "Health",
        }
    }
}

/// One reading of INFO.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gauge {
    pub used_memory_bytes: u64,
    pub ops_per_sec: u64,
    pub clients: u64,
    pub evicted: u64,
    pub expired: u64,
    pub unsaved_changes: u64,
    pub aof_buffer_bytes: u64,
    pub delayed_fsyncs: u64,
}

/// Readings that are kept: two minutes.
pub const MAX_GAUGES: usize = 120;

/// An inventory of before against what is there now.
#[derive(Clone, Debug)]
pub struct Compared {
    pub before: Header,
    pub diff: Diff,
    /// Circumstances that may be the reason, a sentence each.
    pub circumstances: Vec<String>,
    /// Numbers in [`Diff::changed`], the worst first.
    pub order: Vec<u32>,
    /// Kinds of changes with their numbers, the worst first.
    pub kinds: Vec<(Change, u64)>,
}

impl Compared {
    /// Kinds of changes with their numbers; `order` has the worst first.
    #[must_use]
    pub fn count(diff: &Diff, order: &[u32]) -> Vec<(Change, u64)> {
        let mut kinds: Vec<(Change, u64)> = Vec::new();
        for number in order {
            let change = diff.changed[*number as usize].change;
            match kinds.last_mut() {
                Some((last, count)) if last.rank() == change.rank() => *count += 1,
                _ => kinds.push((change, 1)),
            }
        }
        kinds
    }

    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.diff.worst()
    }
}
