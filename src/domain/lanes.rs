//! The lanes of the picture: each session a row, each message a tick in the order of acknowledgement.
//!
//! Pure, and built once a record: with a million messages that is a tenth of a second, too long for a
//! frame. It knows which tick is where and what became of it, nothing of pixels or colours.

use super::event::LiveView;
use super::op::{Completion, SessionId};
use super::record::RunRecord;
use super::verdict::{Class, Cut, SessionState};

/// What became of a message, as far as a picture tells them apart. Ordered by how much it matters:
/// where two ticks share a pixel, the greater one is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tick {
    /// Acknowledged; nobody has looked yet.
    Written = 0,
    Recovered = 1,
    Unread = 2,
    InFlight = 3,
    Lost = 4,
    /// Corrupted, duplicated, reordered or phantom.
    Damaged = 5,
}

impl Tick {
    pub const ALL: [Tick; 6] = [
        Tick::Written,
        Tick::Recovered,
        Tick::Unread,
        Tick::InFlight,
        Tick::Lost,
        Tick::Damaged,
    ];

    /// `None` for a refused op: nothing was written, so there is nothing to draw.
    #[must_use]
    pub fn of(class: Class) -> Option<Tick> {
        Some(match class {
            Class::Survived => Tick::Recovered,
            Class::Lost => Tick::Lost,
            Class::Resurfaced | Class::Absent => Tick::InFlight,
            Class::Refused => return None,
            Class::Phantom | Class::Duplicated | Class::Corrupted | Class::Reordered => {
                Tick::Damaged
            }
            Class::Unread => Tick::Unread,
        })
    }

    /// The word in the legend.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Tick::Written => "acknowledged",
            Tick::Recovered => "recovered",
            Tick::Unread => "not read",
            Tick::InFlight => "in flight",
            Tick::Lost => "vanished",
            Tick::Damaged => "damaged",
        }
    }
}

/// One session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    pub session: SessionId,
    /// `None` while streaming.
    pub state: Option<SessionState>,
    pub acked: u32,
    pub lost: u32,
    first: u32,
    last: u32,
}

/// A line through all lanes.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Position in the order of acknowledgement.
    pub at: u32,
    pub kind: MarkKind,
    pub label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// Everything left of it survived, everything right of it up to the fault is lost.
    Cut,
    Fault,
    /// The first loss that no single cut explains.
    Anomaly,
}

/// All rows, worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lanes {
    pub lanes: Vec<Lane>,
    pub marks: Vec<Mark>,
    /// Positions on the axis: acknowledged messages in all.
    pub width: u32,
    /// A sample of a drill that still streams, not a finding.
    pub live: bool,
    /// `position << 3 | tick`, lane by lane: 4 bytes a message.
    ticks: Vec<u32>,
}

impl Lanes {
    #[must_use]
    pub fn of(record: &RunRecord) -> Lanes {
        let ops = &record.history.ops;
        let mut order: Vec<u32> = (0..ops.len() as u32)
            .filter(|&i| ops[i as usize].completion == Completion::Acked)
            .collect();
        // Nearly sorted already, which the stable sort makes use of.
        order.sort_by_key(|&i| ops[i as usize].completed);
        let mut position = vec![0u32; ops.len()];
        for (at, &i) in order.iter().enumerate() {
            position[i as usize] = at as u32;
        }
        let acked_by = |at| order.partition_point(|&i| ops[i as usize].completed <= at) as u32;
        for (i, op) in ops.iter().enumerate() {
            if op.completion != Completion::Acked {
                position[i] = acked_by(op.invoked);
            }
        }
        let marks = marks(record, &position, acked_by);

        let index = record.history.by_session();
        let mut ticks = Vec::with_capacity(ops.len());
        let mut lanes = Vec::with_capacity(record.judgement.findings.len());
        for finding in &record.judgement.findings {
            let first = ticks.len() as u32;
            for &i in index.ops_of(finding.session) {
                if let Some(tick) = Tick::of(record.classes[i as usize]) {
                    ticks.push(position[i as usize] << 3 | tick as u32);
                }
            }
            lanes.push(Lane {
                session: finding.session,
                state: Some(finding.state),
                acked: finding.acked,
                lost: finding.lost,
                first,
                last: ticks.len() as u32,
            });
        }
        lanes.sort_by_key(|lane| {
            let sound = lane.state != Some(SessionState::Corrupted);
            let (lost, acked) = (std::cmp::Reverse(lane.lost), std::cmp::Reverse(lane.acked));
            (sound, lost, acked, lane.session)
        });
        Lanes {
            lanes,
            marks,
            width: order.len() as u32,
            live: false,
            ticks,
        }
    }

    /// The sample that a running drill shows, loudest session first.
    #[must_use]
    pub fn live(view: &LiveView) -> Lanes {
        let sessions = view.by_session.len();
        let mut starts = vec![0u32; sessions + 1];
        for (session, _) in &view.ticks {
            if let Some(start) = starts.get_mut(*session as usize + 1) {
                *start += 1;
            }
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut ticks = vec![0u32; starts[sessions] as usize];
        let mut next = starts.clone();
        for &(session, at) in &view.ticks {
            if (session as usize) < sessions {
                let slot = &mut next[session as usize];
                ticks[*slot as usize] = at << 3 | Tick::Written as u32;
                *slot += 1;
            }
        }
        let mut lanes: Vec<Lane> = (0..sessions)
            .filter(|&i| view.by_session[i] > 0)
            .map(|i| Lane {
                session: SessionId(i as u32),
                state: None,
                acked: view.by_session[i],
                lost: 0,
                first: starts[i],
                last: starts[i + 1],
            })
            .collect();
        lanes.sort_by_key(|lane| (std::cmp::Reverse(lane.acked), lane.session));
        Lanes {
            lanes,
            marks: Vec::new(),
            width: view.by_session.iter().sum(),
            live: true,
            ticks,
        }
    }

    /// A picture without rows.
    #[must_use]
    pub fn marked(width: u32, marks: Vec<Mark>) -> Lanes {
        Lanes {
            marks,
            width,
            ..Lanes::default()
        }
    }

    /// The ticks of one row as (position, what became of it), in order of invocation.
    pub fn ticks(&self, lane: &Lane) -> impl Iterator<Item = (u32, Tick)> + '_ {
        self.ticks[lane.first as usize..lane.last as usize]
            .iter()
            .map(|packed| (packed >> 3, Tick::ALL[(packed & 7) as usize]))
    }

    /// Row of a session; `None` if it has none.
    #[must_use]
    pub fn row_of(&self, session: SessionId) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.session == session)
    }
}

/// The faults, and for each the cut that explains what it took.
fn marks(
    record: &RunRecord,
    position: &[u32],
    acked_by: impl Fn(super::op::Micros) -> u32,
) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut round_start = 0;
    for (n, fault) in record.history.faults.iter().enumerate() {
        let end = acked_by(fault.dead);
        let cut = record.judgement.faults.get(n).map(|finding| &finding.cut);
        match cut {
            Some(Cut::Clean { survived, .. }) => marks.push(Mark {
                at: round_start + *survived as u32,
                kind: MarkKind::Cut,
                label: "the cut".into(),
            }),
            Some(Cut::Anomaly { lost_op, .. }) => marks.push(Mark {
                at: position.get(*lost_op as usize).copied().unwrap_or(end),
                kind: MarkKind::Anomaly,
                label: "no single cut".into(),
            }),
            Some(Cut::NotNeeded) | None => {}
        }
        marks.push(Mark {
            at: end,
            kind: MarkKind::Fault,
            label: fault.fault.kind.title().to_lowercase(),
        });
        round_start = end;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(ticks: &[(u32, u32)], by_session: &[u32]) -> LiveView {
        LiveView {
            ticks: ticks.to_vec(),
            by_session: by_session.to_vec(),
            ..LiveView::default()
        }
    }

    #[test]
    fn the_loudest_session_stands_first_and_keeps_its_ticks() {
        let lanes = Lanes::live(&view(&[(0, 0), (2, 1), (2, 2)], &[1, 0, 2]));
        let sessions: Vec<_> = lanes.lanes.iter().map(|lane| lane.session.0).collect();
        assert_eq!(sessions, [2, 0]);
        let ticks: Vec<_> = lanes.ticks(&lanes.lanes[0]).collect();
        assert_eq!(ticks, [(1, Tick::Written), (2, Tick::Written)]);
        assert_eq!((lanes.width, lanes.row_of(SessionId(0))), (3, Some(1)));
    }

    #[test]
    fn a_tick_of_a_session_that_nobody_counted_is_left_out() {
        let lanes = Lanes::live(&view(&[(7, 0)], &[1]));
        assert_eq!(lanes.ticks(&lanes.lanes[0]).count(), 0);
    }

    #[test]
    fn what_matters_more_is_the_greater_tick() {
        assert!(Tick::Lost > Tick::InFlight && Tick::InFlight > Tick::Recovered);
        assert!(Tick::ALL.is_sorted());
    }
}
