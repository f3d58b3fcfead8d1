//! Which sessions a report shows, which messages of them, and in what order. Knows no format.

use serde::Deserialize;

use crate::domain::op::{Op, SessionId};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Class, SessionFinding, SessionState};
use crate::domain::workload::MessageMaker;

/// The `limit` worst sessions: most lost first, then by how bad their state is, then by number.
pub(super) fn worst(record: &RunRecord, limit: usize) -> Vec<SessionFinding> {
    let mut findings = record.judgement.findings.clone();
    let badness = |finding: &SessionFinding| {
        let order = SessionState::WORST_FIRST;
        order.iter().position(|state| *state == finding.state)
    };
    findings.sort_by_key(|f| (std::cmp::Reverse(f.lost), badness(f), f.session));
    findings.truncate(limit);
    findings
}

/// An op with what was made of it.
pub(super) fn classed(record: &RunRecord) -> impl Iterator<Item = (&Op, Class)> {
    let classes = record.classes.iter().copied();
    record.history.ops.iter().zip(classes)
}

/// A session and its lost `seq` as ranges `[first, last]`: ten million lost messages stay a short list.
pub(super) type LostRanges = (SessionId, Vec<(u32, u32)>);

pub(super) fn lost_ranges(record: &RunRecord) -> Vec<LostRanges> {
    let mut lost: Vec<(SessionId, u32)> = classed(record)
        .filter(|(_, class)| *class == Class::Lost)
        .map(|(op, _)| (op.session, op.seq))
        .collect();
    lost.sort_unstable();
    let mut sessions: Vec<LostRanges> = Vec::new();
    for (session, seq) in lost {
        if sessions.last().is_none_or(|(last, _)| *last != session) {
            sessions.push((session, Vec::new()));
        }
        let Some((_, ranges)) = sessions.last_mut() else {
            continue;
        };
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(seq) => *last = seq,
            _ => ranges.push((seq, seq)),
        }
    }
    sessions
}

/// What a message said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    pub role: String,
    pub content: String,
}

/// Makes the message again from the plan: the journal holds no text.
pub(super) fn said(maker: &MessageMaker, session: SessionId, seq: u32) -> Said {
    serde_json::from_slice(&maker.message(session, seq)).unwrap_or_default()
}

/// One message of an excerpt.
pub(super) struct Bubble {
    pub seq: u32,
    pub said: Said,
    pub class: Class,
}

/// A part of a conversation around its first loss.
pub(super) struct Excerpt {
    pub finding: SessionFinding,
    pub before: usize,
    pub bubbles: Vec<Bubble>,
    pub after: usize,
}

impl Excerpt {
    const SURVIVORS: usize = 4;
    const BUBBLES: usize = 12;

    /// Of the worst session; `None` if nothing was lost.
    pub fn of_worst(record: &RunRecord) -> Option<Excerpt> {
        let finding = worst(record, 1).pop().filter(|finding| finding.lost > 0)?;
        let ops: Vec<(&Op, Class)> = classed(record)
            .filter(|(op, _)| op.session == finding.session)
            .collect();
        let first_lost = ops.iter().position(|(_, class)| *class == Class::Lost)?;
        let before = first_lost.saturating_sub(Self::SURVIVORS);
        let maker = MessageMaker::new(&record.plan.workload);
        let bubbles: Vec<Bubble> = ops[before..]
            .iter()
            .take(Self::BUBBLES)
            .map(|(op, class)| Bubble {
                seq: op.seq,
                said: said(&maker, op.session, op.seq),
                class: *class,
            })
            .collect();
        let after = ops.len() - before - bubbles.len();
        Some(Excerpt {
            finding,
            before,
            bubbles,
            after,
        })
    }
}
