//! The ladder of durability in words.

use super::number::{counted, span};
use crate::domain::ladder::{Gap, Ladder};

/// Beside the picture of the ladder: the widest its two gaps have been.
#[must_use]
pub fn ladder_sentence(ladder: &Ladder) -> String {
    let Some((kill, cut)) = ladder.widest() else {
        return "The ladder was not looked at".into();
    };
    let known = if ladder.is_exact() {
        "counted on the faulty disk"
    } else {
        "estimated from INFO and the policy"
    };
    format!(
        "At the widest, a process kill would have taken {} and a power cut {}, {known}",
        counted(kill, "answered message"),
        counted(cut, "answered message")
    )
}

/// One gap as a number with its age: `585 messages, the oldest 0.6 s old`.
#[must_use]
pub fn gap_words(gap: Gap, exact: bool) -> String {
    let about = if exact { "" } else { ", estimated" };
    match gap.messages {
        0 => format!("nothing{about}"),
        messages => format!(
            "{}, the oldest {} old{about}",
            counted(messages, "message"),
            span(gap.age)
        ),
    }
}
