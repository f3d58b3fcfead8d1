//! What can be unhealthy about a session, as a set of marks that fits two bytes of a row.

use serde::{Deserialize, Serialize};

/// One mark of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mark {
    Undecodable,
    Hole,
    RepeatedSeq,
    OutOfOrder,
    MissingSeq,
    MixedSchema,
    TimeBackwards,
    NoTtl,
    TtlFar,
    Evictable,
    /// Some of it could not be read: not permitted, too large, a type that has no order.
    Unread,
    /// It was written to while it was read in pages.
    Changed,
    BeginsLate,
}

impl Mark {
    pub const ALL: [Mark; 13] = [
        Mark::Undecodable,
        Mark::Hole,
        Mark::RepeatedSeq,
        Mark::OutOfOrder,
        Mark::MissingSeq,
        Mark::MixedSchema,
        Mark::TimeBackwards,
        Mark::NoTtl,
        Mark::TtlFar,
        Mark::Evictable,
        Mark::Unread,
        Mark::Changed,
        Mark::BeginsLate,
    ];
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u16);

impl Marks {
    pub fn add(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u16;
    }

    pub fn remove(&mut self, mark: Mark) {
        self.0 &= !(1 << mark as u16);
    }

    #[must_use]
    pub fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u16) != 0
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Mark> {
        Mark::ALL.into_iter().filter(move |mark| self.has(*mark))
    }
}
