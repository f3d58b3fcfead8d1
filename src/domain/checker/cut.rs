//! Does one point in the global write order explain every loss of one fault?
//!
//! A server restores a prefix of the order in which it executed writes: one AOF, one fork. We do not
//! see that order; we know that A came before B if A was answered before B was invoked, or if both
//! went over one connection in this order. A single cut exists exactly if no lost write comes before
//! a survivor in that sense: chains of the two relations add nothing, since replies on a connection
//! come in its order.

use crate::domain::history::History;
use crate::domain::op::{Completion, Micros};
use crate::domain::verdict::{Class, Cut};

/// `round` holds the ops between two faults, in order of invocation.
pub fn find(round: &[u32], began: Micros, history: &History, classes: &[Class]) -> Cut {
    let op = |i: u32| &history.ops[i as usize];
    let earliest_lost = round
        .iter()
        .copied()
        .filter(|&i| classes[i as usize] == Class::Lost)
        .min_by_key(|&i| op(i).completed);
    let Some(lost_op) = earliest_lost else {
        return Cut::NotNeeded;
    };

    let mut first_lost_of_writer = std::collections::HashMap::new();
    let mut anomaly = None;
    let (mut survived, mut lost, mut unexplained) = (0, 0, 0);
    let mut latest_survivor = began;
    for &i in round {
        let class = classes[i as usize];
        if class == Class::Lost {
            lost += 1;
            first_lost_of_writer.entry(op(i).writer).or_insert(i);
        } else if class.found() {
            survived += u64::from(op(i).completion == Completion::Acked);
            latest_survivor = latest_survivor.max(op(i).invoked);
            let before = if op(i).invoked > op(lost_op).completed {
                Some(lost_op)
            } else if op(i).completion == Completion::Acked {
                // Only an answered write is known to have kept its place on its connection.
                first_lost_of_writer.get(&op(i).writer).copied()
            } else {
                None
            };
            if let Some(before) = before {
                unexplained += 1;
                anomaly.get_or_insert((before, i));
            }
        }
    }
    match anomaly {
        Some((lost_op, survived_op)) => Cut::Anomaly {
            lost_op,
            survived_op,
            unexplained,
        },
        None => Cut::Clean {
            survived,
            lost,
            after: latest_survivor,
            not_after: op(lost_op).completed,
        },
    }
}
