//! THE sentences: what the window and every format say about a run.
//!
//! Loss and promise are two statements: that messages vanished stays true where the preset promised no
//! better. Sentence case, no full stop. Decides nothing: it puts the checker's findings into words.

pub mod acts;
pub mod checks;
pub mod events;
pub mod ladder;
mod moment;
pub mod number;
mod picture;
mod plan;
mod power;
mod terms;
mod why;

pub use ladder::{gap_words, ladder_sentence};
pub use moment::moment_sentence;
pub use picture::{curves_sentence, cut_sentence, lanes_sentence};
pub use plan::{command_line, condition_phrases, load_sentence, without_password};
pub use terms::{class_words, ground_sentence, state_words};
pub use why::why_sentence;

use crate::domain::contract::{Contract, Gate};
use crate::domain::fault::FaultKind;
use crate::domain::record::RunRecord;
use crate::domain::verdict::{FaultFinding, Ground, Verdict};
use number::{count, counted, span};

/// The verdict in one sentence, led by its word.
#[must_use]
pub fn verdict_sentence(record: &RunRecord) -> String {
    let title = record.judgement.verdict.title();
    format!("{title}: {}", lower(&verdict_words(record)))
}

/// The same where the word stands beside it already.
#[must_use]
pub fn verdict_words(record: &RunRecord) -> String {
    let judgement = &record.judgement;
    upper(&match (judgement.verdict, judgement.grounds.first()) {
        (Verdict::Held, _) => held_words(record),
        (_, Some(Ground::OutsideContract { .. })) => violated_words(record),
        (_, Some(ground)) => ground_sentence(ground, record),
        (_, None) => "no ground was recorded".into(),
    })
}

fn held_words(record: &RunRecord) -> String {
    let whose = whose(record);
    match record.judgement.counts.lost {
        0 => format!("no acknowledged message was lost, and {whose} kept"),
        lost => format!(
            "{} vanished, as {}",
            counted(lost, "message"),
            allowed_by(record)
        ),
    }
}

/// How far the losses went beyond what was allowed, over all faults.
fn violated_words(record: &RunRecord) -> String {
    let lost = counted(record.judgement.counts.lost, "message");
    if record.plan.gate.is_some() {
        return format!("{lost} vanished, which is more than your limits allow");
    }
    let outside: u64 = record.judgement.faults.iter().map(|f| f.outside).sum();
    match outside {
        all if all == record.judgement.counts.lost => {
            format!("{lost} vanished that this preset promised to keep")
        }
        some => format!(
            "{lost} vanished, {} of which this preset promised to keep",
            count(some)
        ),
    }
}

fn whose(record: &RunRecord) -> &'static str {
    match record.plan.gate {
        Some(_) => "your limits were",
        None => "the promise was",
    }
}

fn allowed_by(record: &RunRecord) -> &'static str {
    match record.plan.gate {
        Some(_) => "your limits allow",
        None => "this preset allows",
    }
}

/// What was lost, whether or not that was allowed.
#[must_use]
pub fn loss_sentence(record: &RunRecord) -> String {
    let counts = &record.judgement.counts;
    if counts.acked == 0 {
        return "Nothing was acknowledged, so nothing could be lost".into();
    }
    if record.readback.is_none() {
        return format!(
            "What became of {} is not known: nothing was read back",
            counted(counts.acked, "acknowledged message")
        );
    }
    let mut sentence = match counts.lost {
        0 if counts.unread > 0 => "No acknowledged message is known to be lost".to_owned(),
        0 => format!(
            "None of {} was lost",
            counted(counts.acked, "acknowledged message")
        ),
        lost if lost == counts.acked => {
            format!("All {} vanished", counted(lost, "acknowledged message"))
        }
        lost => format!(
            "{} of {} vanished",
            count(lost),
            counted(counts.acked, "acknowledged message")
        ),
    };
    if let (1.., Some(window)) = (counts.lost, record.judgement.loss_window) {
        sentence.push_str(&format!(", the oldest {} before the fault", span(window)));
    }
    if counts.unread > 0 {
        sentence.push_str(&format!(
            ", and {} could not be looked at",
            count(counts.unread)
        ));
    }
    sentence
}

/// What the contract says about fault number `fault` (from 0), and whether it was kept.
#[must_use]
pub fn promise_sentence(finding: &FaultFinding) -> String {
    let may = contract_words(&finding.contract);
    let gate = matches!(finding.contract, Contract::Gate(_));
    let (within, allows, against) = if gate {
        (
            "Within your limits",
            "As your limits allow",
            "Outside your limits",
        )
    } else {
        ("Promise kept", "As this preset allows", "Promise broken")
    };
    let clause = format!("{} {may}", fault_noun(finding.fault));
    match (finding.held, finding.lost) {
        (Some(true), 0) => format!("{within}: {clause}"),
        (Some(true), _) => format!("{allows}: {clause}"),
        (Some(false), _) if finding.outside > 0 => format!(
            "{against}: {clause}, and {} of {} lie outside that",
            count(finding.outside),
            counted(finding.lost, "lost message")
        ),
        (Some(false), _) => format!("{against}: {clause}"),
        (None, _) => format!("Not judged: {clause}"),
    }
}

/// A fault as the subject of a sentence.
fn fault_noun(fault: FaultKind) -> &'static str {
    match fault {
        FaultKind::ProcessKill => "a process kill",
        FaultKind::PowerLoss => "a power loss",
        FaultKind::GracefulStop => "a graceful stop",
        FaultKind::Pause => "a pause",
        FaultKind::ContainerRemoved => "removing the container",
        FaultKind::ContainerRemovedWithVolume => "removing container and volume",
    }
}

/// After the fault's name: what it may take.
#[must_use]
pub fn contract_words(contract: &Contract) -> String {
    match contract {
        Contract::Preset(promise) => format!("may take {}", promise.words()),
        Contract::Gate(gate) => format!("may take {}", gate_words(gate)),
    }
}

fn gate_words(gate: &Gate) -> String {
    let lost = gate
        .max_lost
        .map(|max| format!("at most {}", counted(max, "message")));
    let window = gate
        .max_window
        .map(|max| format!("only what was acknowledged in the last {}", span(max)));
    match (lost, window) {
        (Some(lost), Some(window)) => format!("{lost}, and {window}"),
        (Some(words), None) | (None, Some(words)) => words,
        (None, None) => "anything".into(),
    }
}

/// All grounds of the verdict, most important first.
#[must_use]
pub fn grounds(record: &RunRecord) -> Vec<String> {
    let sentence = |ground: &Ground| ground_sentence(ground, record);
    record.judgement.grounds.iter().map(sentence).collect()
}

/// A sentence's beginning, as it stands behind a colon. Names keep their capitals.
fn upper(words: &str) -> String {
    let mut chars = words.chars();
    match chars.next() {
        Some(c) => c.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn lower(sentence: &str) -> String {
    let first = sentence.split(' ').next().unwrap_or_default();
    if matches!(first, "Redis" | "AOF" | "RDB") || first.len() == 1 {
        return sentence.to_owned();
    }
    let mut chars = sentence.chars();
    match chars.next() {
        Some(c) => c.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
