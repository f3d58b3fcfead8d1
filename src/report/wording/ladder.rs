//! The ladder of durability in words: what would be gone if it happened now, or what lay open when it did.

use super::number::{count, counted, span};
use crate::domain::fault::FaultKind;
use crate::domain::ladder::{Gap, Ladder};
use crate::domain::record::RunRecord;

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

/// The one sentence beside a judged ladder: how far the steps were apart at the last fault that ended the server.
#[must_use]
pub fn ladder_sentence(record: &RunRecord) -> String {
    let (Some(ladder), Some(fault)) = (&record.ladder, record.history.faults.last()) else {
        return "The run kept no ladder".into();
    };
    let what = match fault.fault.kind {
        FaultKind::PowerLoss => "At the power cut",
        FaultKind::Pause => "At the pause",
        _ => "At the fault",
    };
    let looks = ladder.rungs.partition_point(|rung| rung.at <= fault.at);
    let then = Ladder {
        rungs: ladder.rungs[..looks].to_vec(),
    };
    let counted_by_disk = fault
        .disk
        .as_ref()
        .filter(|_| ladder.last().is_some_and(|rung| rung.exact));
    let gaps = match counted_by_disk {
        Some(disk) => Some((disk.answered_not_written, disk.answered_not_durable)),
        None => then
            .kill_takes()
            .zip(then.cut_takes())
            .map(|(kill, cut)| (kill.messages, cut.messages)),
    };
    match gaps {
        None => format!("{what} nothing had been looked at yet"),
        Some((0, 0)) => format!("{what} everything acknowledged was durable"),
        Some((unwritten, unsynced)) => {
            let about = if counted_by_disk.is_some() {
                ""
            } else {
                "about "
            };
            format!(
                "{what} {about}{} were not durable, {} of them not even written",
                counted(unsynced, "acknowledged message"),
                count(unwritten)
            )
        }
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
