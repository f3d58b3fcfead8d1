//! The list lengths that RPUSH answered, held against our own pushes.
//!
//! Between two faults a list grows by our pushes and by nothing else. If the answers say otherwise,
//! somebody else writes, trims, expires or evicts, and a missing entry is not proof of a crash loss.

use crate::domain::history::{History, SessionIndex};
use crate::domain::op::Completion;

/// Sessions whose lists changed by other hands than ours.
pub fn sessions_of_others(history: &History, index: &SessionIndex) -> u64 {
    let suspicious = index.sessions().filter(|session| {
        let mut expected: Option<(usize, u32)> = None;
        let mut in_doubt = 0u32;
        index.ops_of(*session).iter().any(|&i| {
            let op = &history.ops[i as usize];
            if op.completion != Completion::Acked {
                in_doubt += u32::from(op.completion == Completion::Indeterminate);
                return false;
            }
            let round = history.round_of(op.completed);
            let wrong = match expected {
                // An op in doubt may be done at any later time, but once at most.
                Some((then, least)) if then == round => {
                    op.length < least || op.length > least + in_doubt
                }
                // The first answer in a round: what the fault left is not known yet, but no list is
                // longer than all that we ever pushed.
                _ => op.length > op.seq || op.length == 0,
            };
            expected = Some((round, op.length + 1));
            wrong
        })
    });
    suspicious.count() as u64
}
