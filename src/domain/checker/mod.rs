//! The checker: what was lost, and whether that was allowed. Pure.

use super::history::History;
use super::plan::DrillPlan;
use super::readback::Readback;
use super::verdict::{Class, Ground, Judgement};

/// Circumstances of a run that bear on the verdict and are not in history or readback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    /// Grounds that the engine knows: cancelled, refused to start, drill failed.
    pub grounds: Vec<Ground>,
}

/// Judges. One class for each op, in the history's order.
#[must_use]
pub fn judge(
    _plan: &DrillPlan,
    _history: &History,
    _readback: Option<&Readback>,
    _circumstances: &Circumstances,
) -> (Judgement, Vec<Class>) {
    unimplemented!("being built")
}
