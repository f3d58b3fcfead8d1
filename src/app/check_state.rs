//! What the window knows of the checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::checks::all as catalogue;
use crate::domain::check::{Check, CheckResult, Group, Layout, SuiteRecord, Tally};
pub use crate::report::checks::CheckFormat;

/// What is asked for before a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckForm {
    pub layout: Option<Layout>,
    /// Path of the server's program; empty means the one on PATH.
    pub server: String,
    /// A second one, for checks that go from one engine to another.
    pub other_server: String,
    /// A Redis of the user's; empty means servers of our own. It may hold a password, so it is not kept.
    #[serde(skip)]
    pub address: String,
    /// The command of the user's own store; empty means ours.
    pub store: String,
}

/// What the page on the right is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    Group(Group),
    Check(&'static str),
}

/// The screen's state.
#[derive(Debug)]
pub struct ChecksState {
    pub form: CheckForm,
    pub picked: Picked,
    pub running: bool,
    pub cancelling: bool,
    /// Checks of the running suite.
    pub wanted: Vec<&'static str>,
    /// Those under way.
    pub now: Vec<&'static str>,
    /// The newest result of each check.
    pub results: BTreeMap<&'static str, CheckResult>,
    /// The newest suite that came to its end.
    pub record: Option<Arc<SuiteRecord>>,
    pub server: String,
    /// Why the last suite could not begin.
    pub failure: Option<String>,
}

impl Default for ChecksState {
    fn default() -> Self {
        ChecksState {
            form: CheckForm::default(),
            picked: Picked::Group(Group::RoundTrip),
            running: false,
            cancelling: false,
            wanted: Vec::new(),
            now: Vec::new(),
            results: BTreeMap::new(),
            record: None,
            server: String::new(),
            failure: None,
        }
    }
}

impl ChecksState {
    /// The checks that a click on "run these" means.
    #[must_use]
    pub fn picked_ids(&self) -> Vec<&'static str> {
        match self.picked {
            Picked::Check(id) => vec![id],
            Picked::Group(group) => of_group(group).map(|check| check.id).collect(),
        }
    }

    /// The group that the page belongs to.
    #[must_use]
    pub fn picked_group(&self) -> Group {
        match self.picked {
            Picked::Group(group) => group,
            Picked::Check(id) => check(id).map_or(Group::RoundTrip, |check| check.group),
        }
    }

    #[must_use]
    pub fn tally(&self, group: Group) -> Tally {
        let of_group = self
            .results
            .values()
            .filter(|result| result.check.group == group);
        Tally::of(of_group)
    }

    /// How many of the running suite's checks are through.
    #[must_use]
    pub fn done(&self) -> usize {
        self.wanted
            .iter()
            .filter(|id| self.results.contains_key(*id))
            .count()
    }
}

/// The checks of a group, in order.
pub fn of_group(group: Group) -> impl Iterator<Item = &'static Check> {
    catalogue()
        .iter()
        .map(|entry| &entry.check)
        .filter(move |check| check.group == group)
}

#[must_use]
pub fn check(id: &str) -> Option<&'static Check> {
    catalogue()
        .iter()
        .map(|entry| &entry.check)
        .find(|check| check.id == id)
}
