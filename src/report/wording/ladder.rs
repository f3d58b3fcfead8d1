//! The ladder of durability in words.

use super::number::{count, counted, span};
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

/// `A process kill now takes 0`, `A power cut now takes 841, 0.59 s`.
#[must_use]
pub fn takes_now(what: &str, gap: Option<Gap>) -> String {
    match gap {
        None => format!("What a {what} takes now is not known yet"),
        Some(Gap { messages: 0, .. }) => format!("A {what} now takes 0"),
        Some(gap) => {
            let age = gap.age.as_secs_f64();
            format!("A {what} now takes {}, {age:.2} s", count(gap.messages))
        }
    }
}

/// The one sentence beside the live ladder.
#[must_use]
pub fn now_sentence(ladder: &Ladder) -> String {
    match ladder.cut_takes() {
        None => "From sent to safe: nothing was looked at yet".into(),
        Some(Gap { messages: 0, .. }) => "Everything acknowledged is durable now".into(),
        Some(gap) => format!(
            "{} not durable now, the oldest acknowledged {} ago",
            counted(gap.messages, "acknowledged message"),
            span(gap.age)
        ),
    }
}

/// The one sentence beside the ladder of a server that is dead.
#[must_use]
pub fn death_sentence(ladder: &Ladder) -> String {
    match ladder.cut_takes() {
        None => "From sent to safe: nothing was looked at".into(),
        Some(Gap { messages: 0, .. }) => {
            "Everything acknowledged was durable when the server died".into()
        }
        Some(gap) => format!(
            "{} not durable when the server died, the oldest {} old",
            counted(gap.messages, "acknowledged message"),
            span(gap.age)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_not_known_is_not_zero() {
        let gap = |messages, millis| {
            let age = Duration::from_millis(millis);
            Some(Gap { messages, age })
        };
        assert_eq!(
            takes_now("process kill", gap(0, 0)),
            "A process kill now takes 0"
        );
        assert_eq!(
            takes_now("power cut", gap(1841, 590)),
            "A power cut now takes 1,841, 0.59 s"
        );
        assert!(takes_now("power cut", None).contains("not known"));
    }
}
