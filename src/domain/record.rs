//! The record of a run: the evidence and what it proves, in one value. Reports and pictures read this.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::event::{RunId, ServerInfo, TimedEvent};
use super::history::History;
use super::ladder::Ladder;
use super::plan::DrillPlan;
use super::readback::Readback;
use super::verdict::{Class, Judgement};
use super::workload::KeySpace;

/// Everything that a run left behind, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    pub id: RunId,
    /// The run's directory.
    pub dir: PathBuf,
    /// Wall-clock time at [`crate::domain::op::Micros`] zero.
    pub began: DateTime<Utc>,
    pub plan: DrillPlan,
    pub keys: KeySpace,
    /// `docker`, `process` or `external`, after `auto` has chosen.
    pub backend: String,
    pub server: Option<ServerInfo>,
    pub timeline: Vec<TimedEvent>,
    pub history: Arc<History>,
    pub readback: Option<Arc<Readback>>,
    /// The ladder of durability as it was seen; `None` for runs that kept none.
    pub ladder: Option<Arc<Ladder>>,
    pub judgement: Judgement,
    /// One for each op of the history, in the same order.
    pub classes: Arc<Vec<Class>>,
    /// Version of Crashdrill that judged.
    pub tool_version: String,
}

impl PartialEq for History {
    fn eq(&self, other: &Self) -> bool {
        self.ops == other.ops && self.faults == other.faults && self.torn == other.torn
    }
}
