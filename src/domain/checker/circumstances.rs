//! What the timeline tells about the worth of the evidence.

use crate::domain::event::{DrillEvent, TimedEvent};
use crate::domain::verdict::Ground;

/// Circumstances of a run that bear on the verdict and are not in history or readback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Circumstances {
    pub grounds: Vec<Ground>,
}

impl Circumstances {
    /// Reads them off the timeline, so that a replay comes to the same grounds.
    #[must_use]
    pub fn of(timeline: &[TimedEvent]) -> Self {
        let mut grounds = Vec::new();
        for TimedEvent { event, .. } in timeline {
            match event {
                DrillEvent::Cancelled => grounds.push(Ground::Cancelled),
                DrillEvent::Failed { error, .. } => {
                    grounds.push(Ground::DrillFailed {
                        error: error.clone(),
                    });
                }
                DrillEvent::MomentMissed { trigger, reason } => {
                    grounds.push(Ground::MomentMissed {
                        trigger: trigger.clone(),
                        reason: reason.clone(),
                    });
                }
                DrillEvent::ServerRefused { words, .. } => {
                    grounds.retain(|ground| !matches!(ground, Ground::RefusedToStart { .. }));
                    grounds.push(Ground::RefusedToStart {
                        words: words.clone(),
                    });
                }
                // It came back after all (the user tried again): what it gives back is what counts.
                DrillEvent::ServerRestarted { .. } => {
                    grounds.retain(|ground| !matches!(ground, Ground::RefusedToStart { .. }));
                }
                // Armed again by hand, or struck without a moment: what was done counts.
                DrillEvent::FaultDone { .. } => {
                    grounds.retain(|ground| !matches!(ground, Ground::MomentMissed { .. }));
                }
                _ => {}
            }
        }
        Circumstances { grounds }
    }
}
