//! The checker: what was lost, and whether that was allowed. Pure; it never asks who would like what.
//!
//! Read in this order: `classes` (what became of each attempt), `cut` (does one point explain the
//! losses of a fault), `allowance` (what the contract allows), and `judge` here, which puts them together.

mod allowance;
mod circumstances;
mod classes;
mod cut;
mod image;
mod lengths;

use std::time::Duration;

pub use self::circumstances::Circumstances;
pub use self::image::{image_outcome, ops_at};

use self::classes::Classified;
use super::fault::FaultRecord;
use super::history::History;
use super::op::{Completion, Micros};
use super::plan::DrillPlan;
use super::readback::Readback;
use super::verdict::{Class, FaultFinding, Ground, Judgement, Verdict};

/// Judges. One class for each op, in the history's order.
#[must_use]
pub fn judge(
    plan: &DrillPlan,
    history: &History,
    readback: Option<&Readback>,
    circumstances: &Circumstances,
) -> (Judgement, Vec<Class>) {
    let readback = readback.filter(|readback| is_fresh(readback, history));
    // Built once: over ten million ops it is a good part of the work.
    let index = history.by_session();
    let classified = classes::classify(history, &index, readback);
    // A store of the user's answers with no list's length: there is nothing to hold against our pushes.
    let foreign = match plan.store {
        None => lengths::sessions_of_others(history, &index),
        Some(_) => 0,
    };
    let faults = fault_findings(plan, history, &classified.classes);
    let grounds = grounds(
        history,
        readback,
        circumstances,
        &classified,
        &faults,
        foreign,
    );
    let judgement = Judgement {
        verdict: verdict(&grounds),
        grounds,
        counts: classified.counts,
        sessions: classified.sessions,
        loss_window: faults.iter().filter_map(|fault| fault.window).max(),
        faults,
        findings: classified.findings,
    };
    (judgement, classified.classes)
}

/// What was found before a fault says nothing about what was left after it.
fn is_fresh(readback: &Readback, history: &History) -> bool {
    history
        .faults
        .iter()
        .all(|fault| fault.at < readback.started)
}

/// What each fault took of what was acknowledged between it and the fault before.
///
/// A loss is laid to the first fault after its acknowledgement: later faults cannot take what is
/// gone already, and between two readbacks nobody can tell them apart.
fn fault_findings(plan: &DrillPlan, history: &History, classes: &[Class]) -> Vec<FaultFinding> {
    let mut allowance = allowance::Allowance::new(plan);
    let mut rounds = vec![Vec::new(); history.faults.len()];
    for (i, op) in history.ops.iter().enumerate() {
        let end = if op.completion == Completion::Acked {
            op.completed
        } else {
            op.invoked
        };
        if let Some(round) = rounds.get_mut(history.round_of(end)) {
            round.push(i as u32);
        }
    }
    let findings = history.faults.iter().zip(&rounds).enumerate();
    findings
        .map(|(number, (fault, round))| {
            let began = match number {
                0 => Micros(0),
                n => history.faults[n - 1].dead,
            };
            fault_finding(fault, round, began, history, classes, &mut allowance)
        })
        .collect()
}

fn fault_finding(
    fault: &FaultRecord,
    round: &[u32],
    began: Micros,
    history: &History,
    classes: &[Class],
    allowance: &mut allowance::Allowance<'_>,
) -> FaultFinding {
    let is_acked = |&&i: &&u32| history.ops[i as usize].completion == Completion::Acked;
    let lost: Vec<Micros> = round
        .iter()
        .filter(|&&i| classes[i as usize] == Class::Lost)
        .map(|&i| history.ops[i as usize].completed)
        .collect();
    let judged = allowance.judge(fault, &lost);
    FaultFinding {
        fault: fault.fault.kind,
        at: fault.at,
        contract: judged.contract,
        acked: round.iter().filter(is_acked).count() as u64,
        lost: lost.len() as u64,
        window: window(fault, &lost),
        outside: judged.outside,
        held: judged.held,
        cut: cut::find(round, began, history, classes),
    }
}

/// Age of the oldest lost acknowledgement at the instant of the fault. An acknowledgement that was
/// still in the socket at that instant has the age zero.
fn window(fault: &FaultRecord, lost: &[Micros]) -> Option<Duration> {
    lost.iter().min().map(|oldest| fault.at.since(*oldest))
}

fn grounds(
    history: &History,
    readback: Option<&Readback>,
    circumstances: &Circumstances,
    classified: &Classified,
    faults: &[FaultFinding],
    foreign: u64,
) -> Vec<Ground> {
    let counts = &classified.counts;
    let mut grounds = circumstances.grounds.clone();
    let refused = grounds
        .iter()
        .any(|ground| matches!(ground, Ground::RefusedToStart { .. }));
    let missed = grounds
        .iter()
        .any(|ground| matches!(ground, Ground::MomentMissed { .. }));
    let mut add = |applies: bool, ground: Ground| {
        if applies {
            grounds.push(ground);
        }
    };
    add(counts.acked == 0, Ground::NothingAcked);
    // Why there was none stands there already.
    add(history.faults.is_empty() && !missed, Ground::NoFault);
    add(readback.is_none() && !refused, Ground::NoReadback);
    let unread = classified.sessions.unread;
    add(
        readback.is_some() && unread > 0,
        Ground::PartlyRead {
            unread_sessions: unread,
        },
    );
    add(history.torn, Ground::JournalTorn);
    if let Some(readback) = readback {
        let (evicted, expired) = (readback.evicted_keys, readback.expired_keys);
        add(
            counts.lost > 0 && evicted + expired > 0,
            Ground::EvictedOrExpired { evicted, expired },
        );
    }

    add(foreign > 0, Ground::ForeignWrites { sessions: foreign });

    // What nobody of us wrote may be an op that a torn journal has forgotten.
    let unexpected = if history.torn { 0 } else { counts.unexpected };
    let damaged =
        counts.corrupted + counts.duplicated + counts.reordered + counts.phantom + unexpected;
    add(damaged > 0, Ground::Damaged { entries: damaged });
    for (number, fault) in faults.iter().enumerate() {
        add(
            fault.held == Some(false),
            Ground::OutsideContract {
                fault: number,
                outside: fault.outside,
            },
        );
        add(
            fault.held.is_none(),
            Ground::SnapshotNotObserved { fault: number },
        );
        let anomaly = matches!(fault.cut, super::verdict::Cut::Anomaly { .. });
        add(anomaly, Ground::NoSingleCut { fault: number });
    }
    let blamed: u64 = faults.iter().map(|fault| fault.lost).sum();
    add(
        counts.lost > blamed,
        Ground::LostWithoutFault {
            lost: counts.lost - blamed,
        },
    );
    if grounds.is_empty() {
        grounds.push(Ground::WithinContract);
    }
    grounds.sort_by_key(Ground::rank);
    grounds
}

impl Ground {
    /// What a ground alone would make of the verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Ground::WithinContract => Verdict::Held,
            Ground::OutsideContract { .. }
            | Ground::LostWithoutFault { .. }
            | Ground::Damaged { .. }
            | Ground::NoSingleCut { .. }
            | Ground::RefusedToStart { .. } => Verdict::Violated,
            Ground::NothingAcked
            | Ground::NoReadback
            | Ground::PartlyRead { .. }
            | Ground::Cancelled
            | Ground::JournalTorn
            | Ground::TimelineDamaged { .. }
            | Ground::EvictedOrExpired { .. }
            | Ground::ForeignWrites { .. }
            | Ground::SnapshotNotObserved { .. }
            | Ground::NoFault
            | Ground::MomentMissed { .. }
            | Ground::DrillFailed { .. } => Verdict::Inconclusive,
        }
    }

    /// Order in which grounds are told: what failed, what is not known, what is wrong.
    fn rank(&self) -> u8 {
        match (self, self.verdict()) {
            (Ground::DrillFailed { .. } | Ground::Cancelled | Ground::MomentMissed { .. }, _) => 0,
            (_, Verdict::Inconclusive) => 1,
            (Ground::RefusedToStart { .. }, _) => 2,
            (Ground::OutsideContract { .. }, _) => 3,
            _ => 4,
        }
    }
}

/// Not knowing outweighs everything: evidence with a gap proves neither way. A server that refused
/// to start is no gap: that it gives nothing back is what was found.
fn verdict(grounds: &[Ground]) -> Verdict {
    let any = |verdict| grounds.iter().any(|ground| ground.verdict() == verdict);
    if any(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else if any(Verdict::Violated) {
        Verdict::Violated
    } else {
        Verdict::Held
    }
}

#[cfg(test)]
mod tests;
