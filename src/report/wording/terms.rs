//! What the terms of a verdict mean: classes, session states, grounds.

use super::number::{count, counted};
use super::promise_sentence;
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Class, Ground, SessionState};

/// What a class means, to be shown beside its name.
#[must_use]
pub fn class_words(class: Class) -> &'static str {
    match class {
        Class::Survived => "Acknowledged, and found as written",
        Class::Lost => "Acknowledged, and missing",
        Class::Resurfaced => "Never answered, and found all the same: no loss and no fault",
        Class::Absent => "Never answered, and missing: nobody was promised it",
        Class::Refused => "Refused, and missing, as it should be",
        Class::Phantom => "Refused, and found all the same",
        Class::Duplicated => "Found more than once",
        Class::Corrupted => "Found with other bytes than were written",
        Class::Reordered => "Found behind a message that was written later",
        Class::Unread => "Could not be looked at: its session was not read back",
    }
}

/// What a session's state means, to be shown beside its badge.
#[must_use]
pub fn state_words(state: SessionState) -> &'static str {
    match state {
        SessionState::Intact => "Everything acknowledged is there",
        SessionState::TailLost => "The newest messages are gone, the older ones are there",
        SessionState::Hole => "Messages are gone, and newer ones stand behind the hole",
        SessionState::Vanished => "Nothing of the conversation is left",
        SessionState::Corrupted => "Entries are there that should not be, or not like this",
        SessionState::Unread => "Could not be read back",
    }
}

/// A ground of the verdict.
#[must_use]
pub fn ground_sentence(ground: &Ground, record: &RunRecord) -> String {
    match ground {
        Ground::WithinContract => match record.judgement.counts.lost {
            0 => "Everything acknowledged was found".into(),
            _ => "Every loss lies within what is allowed".into(),
        },
        Ground::OutsideContract { fault, outside } => match record.judgement.faults.get(*fault) {
            Some(finding) => promise_sentence(finding),
            None => format!(
                "{} lie outside what is allowed",
                counted(*outside, "lost message")
            ),
        },
        Ground::LostWithoutFault { lost } => format!(
            "{} lost although no fault was performed that could have taken them",
            counted(*lost, "acknowledged message")
        ),
        Ground::Damaged { entries } => format!(
            "{} corrupted, duplicated, out of order or never written by this drill: no promise allows that",
            counted(*entries, "entry").replace("entrys", "entries")
        ),
        Ground::NoSingleCut { .. } => "No single cut in the write order explains the loss".into(),
        Ground::RefusedToStart { words } => refused(words),
        Ground::NothingAcked => "Nothing was acknowledged, so there is nothing to judge".into(),
        Ground::NoReadback => "Nothing was read back after the fault".into(),
        Ground::PartlyRead { unread_sessions } => {
            format!(
                "{} could not be read back",
                counted(*unread_sessions, "session")
            )
        }
        Ground::Cancelled => "The drill was cancelled".into(),
        Ground::JournalTorn => {
            "The journal ends in the middle of a record: there may be writes that nobody recorded"
                .into()
        }
        Ground::TimelineDamaged { text } => {
            format!("The timeline is damaged, so not everything that happened is known: {text}")
        }
        Ground::EvictedOrExpired { evicted, expired } => format!(
            "The server evicted {} and expired {}, so a missing message need not be crash loss",
            counted(*evicted, "key"),
            count(*expired)
        ),
        Ground::ForeignWrites { sessions } => format!(
            "The lists of {} changed by other hands than this drill's",
            counted(*sessions, "session")
        ),
        Ground::SnapshotNotObserved { .. } => {
            "The promise is measured from the last snapshot, and when that began was not observed"
                .into()
        }
        Ground::NoFault => "The drill ended before its fault".into(),
        Ground::MomentMissed { trigger, reason } => format!(
            "The fault waited for the moment when {}, which did not come: {reason}",
            trigger.words()
        ),
        Ground::DrillFailed { error } => format!("The drill failed: {error}"),
    }
}

fn refused(words: &[String]) -> String {
    match words.iter().rev().find(|line| !line.trim().is_empty()) {
        Some(last) => {
            // Redis names the program that may help; what it saves is for Repair to show, on a copy.
            let hint = match words.iter().any(|line| line.contains("redis-check-aof")) {
                true => "; Repair shows on a copy what redis-check-aof --fix saves",
                false => "",
            };
            format!(
                "The server refused to start again; its last words: {}{hint}",
                last.trim()
            )
        }
        None => "The server refused to start again and left no word why".into(),
    }
}
