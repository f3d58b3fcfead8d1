//! The sentence beside each picture: what an eye would see in it.

use super::number::{count, counted, instant, percent, span};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Cut, SessionState};

/// Beside the curves of acknowledged and recovered messages.
#[must_use]
pub fn curves_sentence(record: &RunRecord) -> String {
    let counts = &record.judgement.counts;
    if counts.acked == 0 {
        return "No message was acknowledged, so there is no curve to draw".into();
    }
    let acked = counted(counts.acked, "acknowledged message");
    if record.readback.is_none() {
        return format!("{acked}; what was recovered is not known");
    }
    if counts.unread > 0 {
        return format!(
            "Of {acked}, {} are known to have been there after the restart; the rest was lost or could not be looked at",
            count(counts.survived)
        );
    }
    let there = counts.acked.saturating_sub(counts.lost);
    let mut sentence = format!(
        "Of {acked}, {} ({}) were there after the restart",
        count(there),
        percent(there, counts.acked)
    );
    if let (1.., Some(window)) = (counts.lost, record.judgement.loss_window) {
        sentence.push_str(&format!(
            "; the gap opens {} before the fault",
            span(window)
        ));
    }
    sentence
}

/// Beside the lanes of the sessions.
#[must_use]
pub fn lanes_sentence(record: &RunRecord) -> String {
    let sessions = &record.judgement.sessions;
    if sessions.total == 0 {
        return "No session has a message yet".into();
    }
    let parts: Vec<String> = SessionState::WORST_FIRST
        .into_iter()
        .filter(|state| sessions.of(*state) > 0)
        .map(|state| {
            let number = sessions.of(state);
            let verb = match state {
                SessionState::Intact if number == 1 => "is intact",
                SessionState::Intact => "are intact",
                SessionState::TailLost if number == 1 => "lost its tail",
                SessionState::TailLost => "lost their tails",
                SessionState::Hole if number == 1 => "has a hole",
                SessionState::Hole => "have holes",
                SessionState::Vanished => "vanished",
                SessionState::Corrupted if number == 1 => "is corrupted",
                SessionState::Corrupted => "are corrupted",
                SessionState::Unread if number == 1 => "was not read",
                SessionState::Unread => "were not read",
            };
            format!("{} {verb}", count(number))
        })
        .collect();
    format!(
        "Of {}, {}",
        counted(sessions.total, "session"),
        list(&parts)
    )
}

/// Whether one point in the global write order explains the loss.
#[must_use]
pub fn cut_sentence(cut: &Cut) -> String {
    match cut {
        Cut::NotNeeded => "No cut to draw: nothing acknowledged is known to be lost".into(),
        Cut::Clean {
            survived: 0, lost, ..
        } => format!(
            "One cut explains the loss, and it lies before the first message: all {} are gone",
            count(*lost)
        ),
        Cut::Clean {
            survived,
            lost,
            not_after,
            ..
        } => format!(
            "One cut through all sessions explains the loss: the first {} acknowledged messages survived, the {} acknowledged from {} on are gone",
            count(*survived),
            count(*lost),
            instant(*not_after)
        ),
        Cut::Anomaly { unexplained, .. } => format!(
            "No single cut explains the loss: a message is gone although {} sent after its acknowledgement survived",
            match unexplained {
                0 | 1 => "another one".to_owned(),
                n => format!("{} others", count(*n)),
            }
        ),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
