//! What the checker found: classes, session states, windows, the cut, the verdict.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contract::Contract;
use super::fault::FaultKind;
use super::op::{Micros, SessionId};
use super::trigger::Trigger;

/// The class of one attempt. Every attempt has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// Acknowledged and found as written.
    Survived,
    /// Acknowledged and missing.
    Lost,
    /// Indeterminate and found.
    Resurfaced,
    /// Indeterminate and missing.
    Absent,
    /// Refused and missing, as it should be.
    Refused,
    /// Refused but found.
    Phantom,
    /// Found more than once.
    Duplicated,
    /// Found with other bytes than were written.
    Corrupted,
    /// Found behind a message that was written later.
    Reordered,
    /// Could not be looked at: its session was not read back.
    Unread,
}

impl Class {
    pub const ALL: [Class; 10] = [
        Class::Survived,
        Class::Lost,
        Class::Resurfaced,
        Class::Absent,
        Class::Refused,
        Class::Phantom,
        Class::Duplicated,
        Class::Corrupted,
        Class::Reordered,
        Class::Unread,
    ];

    /// The entry is in the store in some form.
    #[must_use]
    pub fn found(self) -> bool {
        matches!(
            self,
            Class::Survived
                | Class::Resurfaced
                | Class::Phantom
                | Class::Duplicated
                | Class::Corrupted
                | Class::Reordered
        )
    }

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Class::Survived => "survived",
            Class::Lost => "lost",
            Class::Resurfaced => "resurfaced",
            Class::Absent => "absent",
            Class::Refused => "refused",
            Class::Phantom => "phantom",
            Class::Duplicated => "duplicated",
            Class::Corrupted => "corrupted",
            Class::Reordered => "reordered",
            Class::Unread => "unread",
        }
    }
}

/// Attempts by class, and the entries that belong to no attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub attempted: u64,
    pub acked: u64,
    pub survived: u64,
    pub lost: u64,
    pub resurfaced: u64,
    pub absent: u64,
    pub refused: u64,
    pub phantom: u64,
    pub duplicated: u64,
    pub corrupted: u64,
    pub reordered: u64,
    pub unread: u64,
    /// Elements and keys found that nobody of us wrote.
    pub unexpected: u64,
}

impl Counts {
    pub fn of_mut(&mut self, class: Class) -> &mut u64 {
        match class {
            Class::Survived => &mut self.survived,
            Class::Lost => &mut self.lost,
            Class::Resurfaced => &mut self.resurfaced,
            Class::Absent => &mut self.absent,
            Class::Refused => &mut self.refused,
            Class::Phantom => &mut self.phantom,
            Class::Duplicated => &mut self.duplicated,
            Class::Corrupted => &mut self.corrupted,
            Class::Reordered => &mut self.reordered,
            Class::Unread => &mut self.unread,
        }
    }

    #[must_use]
    pub fn of(&self, class: Class) -> u64 {
        let mut copy = *self;
        *copy.of_mut(class)
    }
}

/// The state of one session after the readback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    Intact,
    TailLost,
    /// Lost messages that were written past: survivors stand behind them.
    Hole,
    /// Acknowledged messages, and none of them found.
    Vanished,
    /// Corrupted, duplicated, reordered, phantom or unexpected entries.
    Corrupted,
    /// Not read back.
    Unread,
}

impl SessionState {
    /// In order of how bad it is, worst first: the order in which sessions are shown.
    pub const WORST_FIRST: [SessionState; 6] = [
        SessionState::Corrupted,
        SessionState::Hole,
        SessionState::Vanished,
        SessionState::TailLost,
        SessionState::Unread,
        SessionState::Intact,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            SessionState::Intact => "intact",
            SessionState::TailLost => "tail_lost",
            SessionState::Hole => "hole",
            SessionState::Vanished => "vanished",
            SessionState::Corrupted => "corrupted",
            SessionState::Unread => "unread",
        }
    }

    /// The word on a badge.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            SessionState::Intact => "intact",
            SessionState::TailLost => "tail lost",
            SessionState::Hole => "hole",
            SessionState::Vanished => "vanished",
            SessionState::Corrupted => "corrupted",
            SessionState::Unread => "not read",
        }
    }
}

/// One session's finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFinding {
    pub session: SessionId,
    pub state: SessionState,
    pub acked: u32,
    pub lost: u32,
    /// Elements found in the list, whatever they are.
    pub found: u32,
}

/// Sessions by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounts {
    pub total: u64,
    pub intact: u64,
    pub tail_lost: u64,
    pub hole: u64,
    pub vanished: u64,
    pub corrupted: u64,
    pub unread: u64,
}

impl SessionCounts {
    pub fn of_mut(&mut self, state: SessionState) -> &mut u64 {
        match state {
            SessionState::Intact => &mut self.intact,
            SessionState::TailLost => &mut self.tail_lost,
            SessionState::Hole => &mut self.hole,
            SessionState::Vanished => &mut self.vanished,
            SessionState::Corrupted => &mut self.corrupted,
            SessionState::Unread => &mut self.unread,
        }
    }

    #[must_use]
    pub fn of(&self, state: SessionState) -> u64 {
        let mut copy = *self;
        *copy.of_mut(state)
    }
}

/// Whether one point in the global write order explains every loss of one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Cut {
    /// Nothing acknowledged was lost: no cut is needed.
    NotNeeded,
    /// Everything acknowledged before the cut survived, everything after it is lost.
    Clean {
        /// Acknowledged writes of the round before the cut.
        survived: u64,
        /// Acknowledged writes of the round after the cut.
        lost: u64,
        /// The cut lies after this instant (the latest invocation of a survivor; the round's start if none) …
        after: Micros,
        /// … and not after this one (the earliest acknowledgement of a lost write).
        not_after: Micros,
    },
    /// A write was lost although one that was invoked after its acknowledgement survived.
    Anomaly {
        lost_op: u32,
        survived_op: u32,
        /// Survivors that were invoked after some lost write had been acknowledged.
        unexplained: u64,
    },
}

/// What one fault took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultFinding {
    pub fault: FaultKind,
    pub at: Micros,
    pub contract: Contract,
    /// Acknowledged before this fault and after the one before.
    pub acked: u64,
    pub lost: u64,
    /// Age of the oldest lost acknowledgement at the instant of the fault.
    pub window: Option<Duration>,
    /// Of the lost, how many lie outside what the contract allows.
    pub outside: u64,
    pub held: Option<bool>,
    pub cut: Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Held,
    Violated,
    Inconclusive,
}

impl Verdict {
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Violated => "violated",
            Verdict::Inconclusive => "inconclusive",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Verdict::Held => "Held",
            Verdict::Violated => "Violated",
            Verdict::Inconclusive => "Inconclusive",
        }
    }
}

/// A ground of the verdict. `report::wording` makes the sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ground")]
pub enum Ground {
    /// Every loss lies within the contract.
    WithinContract,
    /// `lost` writes lie outside what fault number `fault` (from 0) was allowed to take.
    OutsideContract {
        fault: usize,
        outside: u64,
    },
    /// Lost, but no fault was performed that could have taken it.
    LostWithoutFault {
        lost: u64,
    },
    /// Corrupted, duplicated, reordered, phantom or unexpected entries: no promise allows them.
    Damaged {
        entries: u64,
    },
    /// No single cut explains what fault number `fault` took.
    NoSingleCut {
        fault: usize,
    },
    /// The server did not come back; its own last words.
    RefusedToStart {
        words: Vec<String>,
    },
    NothingAcked,
    NoReadback,
    /// Sessions that could not be read back.
    PartlyRead {
        unread_sessions: u64,
    },
    Cancelled,
    /// The journal's tail is torn: later ops may exist that nobody recorded.
    JournalTorn,
    /// A line of the timeline cannot be read: what it told is not known. `text` names file and line.
    TimelineDamaged {
        text: String,
    },
    /// Keys were evicted or expired, so a missing entry need not be crash loss.
    EvictedOrExpired {
        evicted: u64,
        expired: u64,
    },
    /// The lists grew by more than we pushed: somebody else writes to them.
    ForeignWrites {
        sessions: u64,
    },
    /// A promise that is measured from the last snapshot, and none was observed in any way.
    SnapshotNotObserved {
        fault: usize,
    },
    /// The drill ended before its fault.
    NoFault,
    /// The moment of the fault did not come.
    MomentMissed {
        trigger: Trigger,
        reason: String,
    },
    /// The drill failed; what failed.
    DrillFailed {
        error: String,
    },
}

/// The checker's whole result, without the per-op classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    /// What decided it, most important first.
    pub grounds: Vec<Ground>,
    pub counts: Counts,
    pub sessions: SessionCounts,
    /// The longest window of any fault.
    pub loss_window: Option<Duration>,
    pub faults: Vec<FaultFinding>,
    /// Every session that has ops, in order of session.
    pub findings: Vec<SessionFinding>,
}

impl Judgement {
    /// The cut to show first: an anomaly if there is one, else the last fault's that took anything.
    #[must_use]
    pub fn cut(&self) -> &Cut {
        let worst = self
            .faults
            .iter()
            .rev()
            .map(|fault| &fault.cut)
            .min_by_key(|cut| match cut {
                Cut::Anomaly { .. } => 0,
                Cut::Clean { .. } => 1,
                Cut::NotNeeded => 2,
            });
        worst.unwrap_or(&Cut::NotNeeded)
    }

    /// How long before its fault the oldest lost write was acknowledged, in seconds.
    #[must_use]
    pub fn loss_window_secs(&self) -> Option<f64> {
        self.loss_window.map(|window| window.as_secs_f64())
    }
}
