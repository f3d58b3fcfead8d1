//! What the checker makes of an image of the data directory: the classes of any other readback.

use super::{Circumstances, judge};
use crate::domain::history::History;
use crate::domain::image::ImageOutcome;
use crate::domain::op::{Cause, Completion, Micros, Op};
use crate::domain::plan::DrillPlan;
use crate::domain::readback::{Readback, SessionReadback};

/// Ops as they were known at an instant: what was invoked later did not exist, what was answered later was under way.
#[must_use]
pub fn ops_at(ops: &[Op], at: Micros) -> Vec<Op> {
    let known = ops.iter().filter(|op| op.invoked <= at);
    known
        .map(|op| {
            if op.completed <= at {
                return *op;
            }
            Op {
                completed: Micros::NEVER,
                completion: Completion::Indeterminate,
                cause: Cause::NotJournaled,
                length: 0,
                ..*op
            }
        })
        .collect()
}

/// The image's last fault is its instant. Returns what was acknowledged in that round, and the outcome.
#[must_use]
pub fn image_outcome(
    plan: &DrillPlan,
    history: &History,
    readback: &Readback,
) -> (u64, ImageOutcome) {
    let (judgement, _) = judge(plan, history, Some(readback), &Circumstances::default());
    let Some(instant) = judgement.faults.last() else {
        let error = "the image has no instant".into();
        return (0, ImageOutcome::Failed { error });
    };
    if judgement.sessions.unread > 0 {
        let error = format!(
            "{} of {} sessions could not be read",
            judgement.sessions.unread, judgement.sessions.total
        );
        return (instant.acked, ImageOutcome::Failed { error });
    }
    let counts = &judgement.counts;
    let outcome = ImageOutcome::Started {
        found: readback.sessions.iter().map(SessionReadback::len).sum(),
        lost: instant.lost,
        window: instant.window,
        cut: instant.cut.clone(),
        damaged: counts.corrupted
            + counts.duplicated
            + counts.reordered
            + counts.phantom
            + counts.unexpected,
    };
    (instant.acked, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::op::SessionId;

    #[test]
    fn what_was_answered_after_the_instant_was_under_way_at_it() {
        let acked = |invoked, completed| Op {
            completed: Micros(completed),
            completion: Completion::Acked,
            cause: Cause::None,
            length: 1,
            ..Op::invoke(SessionId(0), 1, 0, Micros(invoked))
        };
        let ops = ops_at(&[acked(1, 2), acked(3, 9), acked(8, 9)], Micros(5));
        assert_eq!(ops.len(), 2);
        assert_eq!(ops[0].completion, Completion::Acked);
        assert_eq!(ops[1].completion, Completion::Indeterminate);
        assert_eq!(ops[1].completed, Micros::NEVER);
    }
}
