//! What became of each attempt, and of each session. Knows nothing of faults or promises.

use std::collections::HashMap;

use crate::domain::history::{History, SessionIndex};
use crate::domain::op::{Completion, Micros, Op, SessionId};
use crate::domain::readback::{Readback, SessionReadback};
use crate::domain::verdict::{Class, Counts, SessionCounts, SessionFinding, SessionState};

pub struct Classified {
    /// One for each op, in the history's order.
    pub classes: Vec<Class>,
    pub counts: Counts,
    pub sessions: SessionCounts,
    pub findings: Vec<SessionFinding>,
}

pub fn classify(
    history: &History,
    index: &SessionIndex,
    readback: Option<&Readback>,
) -> Classified {
    let found: HashMap<SessionId, &SessionReadback> = readback
        .iter()
        .flat_map(|readback| &readback.sessions)
        .map(|session| (session.session, session))
        .collect();
    let until = readback.map_or(Micros::NEVER, |readback| readback.started);
    let mut result = Classified {
        classes: vec![Class::Unread; history.ops.len()],
        counts: Counts::default(),
        sessions: SessionCounts::default(),
        findings: Vec::new(),
    };
    for session in index.sessions() {
        let readable = found
            .get(&session)
            .copied()
            .filter(|found| found.failure.is_none());
        result.session(session, index, &history.ops, readable, until);
    }
    if let Some(readback) = readback {
        result.counts.unexpected += readback.foreign_keys.len() as u64;
        for session in &readback.sessions {
            if index.ops_of(session.session).is_empty() {
                result.counts.unexpected += session.len();
            }
        }
    }
    for (op, class) in history.ops.iter().zip(&result.classes) {
        result.counts.attempted += 1;
        result.counts.acked += u64::from(op.completion == Completion::Acked);
        *result.counts.of_mut(*class) += 1;
    }
    result
}

impl Classified {
    fn session(
        &mut self,
        session: SessionId,
        index: &SessionIndex,
        ops: &[Op],
        found: Option<&SessionReadback>,
        until: Micros,
    ) {
        let mine = index.ops_of(session);
        let mut unexpected = 0;
        if let Some(found) = found {
            let sightings = Sightings::new(mine, ops, found);
            unexpected = sightings.unexpected;
            for (place, &i) in mine.iter().enumerate() {
                // Written after the readback had begun: nobody has looked.
                if ops[i as usize].invoked < until {
                    self.classes[i as usize] = sightings.class(place, &ops[i as usize]);
                }
            }
        } else {
            for &i in mine {
                if ops[i as usize].completion == Completion::Refused {
                    self.classes[i as usize] = Class::Refused;
                }
            }
        }
        self.counts.unexpected += unexpected;
        let finding = self.finding(session, mine, ops, found, unexpected);
        self.sessions.total += 1;
        *self.sessions.of_mut(finding.state) += 1;
        self.findings.push(finding);
    }

    fn finding(
        &self,
        session: SessionId,
        mine: &[u32],
        ops: &[Op],
        found: Option<&SessionReadback>,
        unexpected: u64,
    ) -> SessionFinding {
        let classes = || mine.iter().map(|&i| self.classes[i as usize]);
        let lost = classes().filter(|class| *class == Class::Lost).count();
        let damaged = unexpected > 0
            || classes().any(|class| {
                matches!(
                    class,
                    Class::Corrupted | Class::Duplicated | Class::Reordered | Class::Phantom
                )
            });
        let first_lost = classes().position(|class| class == Class::Lost);
        let last_found = classes().rposition(Class::found);
        let state = match (found, first_lost, last_found) {
            (None, ..) => SessionState::Unread,
            _ if damaged => SessionState::Corrupted,
            (_, None, _) if classes().any(|class| class == Class::Unread) => SessionState::Unread,
            (_, None, _) => SessionState::Intact,
            (_, Some(_), None) => SessionState::Vanished,
            (_, Some(lost), Some(found)) if lost < found => SessionState::Hole,
            _ => SessionState::TailLost,
        };
        let acked = mine
            .iter()
            .filter(|&&i| ops[i as usize].completion == Completion::Acked)
            .count();
        SessionFinding {
            session,
            state,
            acked: acked as u32,
            lost: lost as u32,
            found: found.map_or(0, |found| found.len() as u32),
        }
    }
}

/// How often and where the messages of one session were seen in its list.
struct Sightings {
    /// By place in the session (`seq - 1`): how often, saturating.
    times: Vec<u8>,
    corrupted: Vec<bool>,
    reordered: Vec<bool>,
    unexpected: u64,
}

impl Sightings {
    fn new(mine: &[u32], ops: &[Op], found: &SessionReadback) -> Self {
        let n = mine.len();
        let mut sightings = Sightings {
            times: vec![0; n],
            corrupted: vec![false; n],
            reordered: vec![false; n],
            unexpected: 0,
        };
        // The order of an indeterminate write is not defined: it may be done long after it was given up.
        let ordered = |place: usize| ops[mine[place] as usize].completion == Completion::Acked;
        let mut latest = None;
        for seq in found.runs.iter().flat_map(|(first, last)| *first..=*last) {
            let place = (seq as usize).wrapping_sub(1);
            if place >= n {
                sightings.unexpected += 1;
                continue;
            }
            sightings.times[place] = sightings.times[place].saturating_add(1);
            if ordered(place) {
                if latest.is_some_and(|latest| place < latest) {
                    sightings.reordered[place] = true;
                }
                latest = latest.max(Some(place));
            }
        }
        for altered in &found.altered {
            match altered.seq.map(|seq| (seq as usize).wrapping_sub(1)) {
                Some(place) if place < n && sightings.times[place] == 0 => {
                    sightings.corrupted[place] = true;
                    sightings.times[place] = 1;
                }
                _ => sightings.unexpected += 1,
            }
        }
        sightings
    }

    fn class(&self, place: usize, op: &Op) -> Class {
        match (op.completion, self.times[place]) {
            (Completion::Acked, 0) => Class::Lost,
            (Completion::Indeterminate, 0) => Class::Absent,
            (Completion::Refused, 0) => Class::Refused,
            (Completion::Refused, _) => Class::Phantom,
            _ if self.corrupted[place] => Class::Corrupted,
            (_, 2..) => Class::Duplicated,
            (Completion::Acked, 1) if self.reordered[place] => Class::Reordered,
            (Completion::Acked, 1) => Class::Survived,
            (Completion::Indeterminate, 1) => Class::Resurfaced,
        }
    }
}
