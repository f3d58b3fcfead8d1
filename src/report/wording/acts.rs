//! The second acts in words: what the network did, what was damaged, what a repair saved, what images of the disk
//! would have given back.

use super::events::tell;
use super::number::{count, counted, span};
use crate::domain::damage::{DamageDone, DamageKind};
use crate::domain::event::DrillEvent;
use crate::domain::image::{
    Comparison, Image, ImageFinding, ImageOutcome, Repair, TailCut, TailWitness,
};
use crate::domain::network::NetworkHappening;
use crate::domain::record::RunRecord;
use crate::domain::verdict::Cut;

/// Title and sentence of every second act of a run, in order. Answers lost on the way are told together.
#[must_use]
pub fn act_sentences(record: &RunRecord) -> Vec<(&'static str, String)> {
    let mut acts: Vec<(&'static str, String)> = in_doubt_sentence(record)
        .into_iter()
        .map(|sentence| ("Network", sentence))
        .collect();
    acts.extend(record.timeline.iter().filter_map(|timed| {
        let second = match &timed.event {
            DrillEvent::NetworkHappened { happening } => {
                !matches!(happening, NetworkHappening::RepliesLost { .. })
            }
            DrillEvent::DamageDone { .. }
            | DrillEvent::Repaired { .. }
            | DrillEvent::Compared { .. }
            | DrillEvent::WhatIf { .. }
            | DrillEvent::TailCutTried { .. } => true,
            _ => false,
        };
        second.then(|| tell(&timed.event))
    }));
    acts
}

/// What scratch servers found in one act, in order.
#[must_use]
pub fn findings(event: &DrillEvent) -> Vec<&ImageFinding> {
    match event {
        DrillEvent::Repaired { repair } => vec![&repair.finding],
        DrillEvent::Compared { comparison } => vec![&comparison.kill, &comparison.power],
        DrillEvent::WhatIf { finding } => vec![finding],
        DrillEvent::TailCutTried { tail_cut } => tail_cut.findings.iter().collect(),
        _ => Vec::new(),
    }
}

/// What became of writes whose answers the network kept on purpose.
#[must_use]
pub fn in_doubt_sentence(record: &RunRecord) -> Option<String> {
    let lost: u64 = record
        .timeline
        .iter()
        .filter_map(|timed| match &timed.event {
            DrillEvent::NetworkHappened {
                happening: NetworkHappening::RepliesLost { replies, .. },
            } => Some(*replies),
            _ => None,
        })
        .sum();
    let counts = &record.judgement.counts;
    let doubt = counts.resurfaced + counts.absent;
    let became = format!(
        "{} were found again (resurfaced) and {} were not (absent)",
        count(counts.resurfaced),
        count(counts.absent)
    );
    match record.plan.network {
        _ if lost > 0 => Some(format!(
            "The network lost {} on purpose: those writes are in doubt, not lost. Of all writes in doubt {became}",
            counted(lost, "answer")
        )),
        Some(_) if doubt > 0 => Some(format!(
            "{} got no answer, since the network or the fault stood between: they are in doubt, not lost; {became}",
            counted(doubt, "write")
        )),
        _ => None,
    }
}

/// What the network did.
#[must_use]
pub fn network_sentence(happening: &NetworkHappening) -> String {
    match happening {
        NetworkHappening::RepliesLost {
            connection,
            replies,
        } => format!(
            "{} of connection {connection} lost on the way: the server had done the work, the client cannot know",
            counted(*replies, "answer")
        ),
        NetworkHappening::Stalled => "nothing passes any more, and nothing is closed".into(),
        NetworkHappening::Flows => "everything passes again".into(),
        NetworkHappening::Reset { connections } => {
            format!("{} reset", counted(*connections, "connection"))
        }
        NetworkHappening::GaveUp { connection, why } => {
            format!("connection {connection} was given up: {why}")
        }
    }
}

/// What was done to a file of the dead server, with the bytes that prove it.
#[must_use]
pub fn damage_sentence(done: &DamageDone) -> String {
    let (path, offset) = (&done.path, count(done.offset));
    match done.damage.kind {
        DamageKind::Flip => format!(
            "One bit of {path} was flipped at byte {offset}: 0x{} became 0x{}",
            done.before, done.after
        ),
        DamageKind::Zero { .. } => format!(
            "The last {} of {path} became zeros, from byte {offset} on",
            counted(done.bytes, "byte")
        ),
        DamageKind::Truncate { .. } => format!(
            "{path} was cut off at byte {offset}: the last {} are gone",
            counted(done.bytes, "byte")
        ),
    }
}

/// What a scratch server found on one image, after the image's name.
#[must_use]
pub fn outcome_words(finding: &ImageFinding) -> String {
    match &finding.outcome {
        ImageOutcome::Refused { words } => match words.last() {
            Some(last) => format!("Redis refuses to start: {last}"),
            None => "Redis refuses to start".into(),
        },
        ImageOutcome::Failed { error } => format!("not tried: {error}"),
        ImageOutcome::Started {
            lost,
            window,
            cut,
            damaged,
            ..
        } => {
            let acked = counted(finding.acked, "acknowledged message");
            let mut words = match (lost, window) {
                (0, _) => format!("none of {acked} lost"),
                (lost, Some(window)) => format!(
                    "{} of {acked} lost, the oldest {} before",
                    count(*lost),
                    span(*window)
                ),
                (lost, None) => format!("{} of {acked} lost", count(*lost)),
            };
            if *damaged > 0 {
                let entries = if *damaged == 1 { "entry" } else { "entries" };
                words.push_str(&format!(", {} damaged {entries}", count(*damaged)));
            }
            if matches!(cut, Cut::Anomaly { .. }) {
                words.push_str(", and no single cut explains it");
            }
            words
        }
    }
}

/// What the repair saved and what is gone for good.
#[must_use]
pub fn repair_sentence(repair: &Repair) -> String {
    let removed = repair.bytes_before.saturating_sub(repair.bytes_after);
    let removed = match removed {
        0 => "nothing".to_owned(),
        bytes => format!("{} of the AOF", counted(bytes, "byte")),
    };
    let finding = &repair.finding;
    let tail = match &finding.outcome {
        ImageOutcome::Started { lost, .. } => {
            let saved = finding.acked.saturating_sub(*lost);
            let gone = match lost {
                0 => "nothing acknowledged is gone".to_owned(),
                lost => format!("{} are gone for good", count(*lost)),
            };
            format!(
                "the server starts again, {} of {} are saved and {gone}",
                count(saved),
                counted(finding.acked, "acknowledged message")
            )
        }
        ImageOutcome::Refused { .. } => {
            format!("it did not help: {}", outcome_words(finding))
        }
        ImageOutcome::Failed { error } => format!("it could not be tried: {error}"),
    };
    format!("redis-check-aof --fix on a copy removed {removed}; {tail}")
}

/// Both ends of one instant, side by side.
#[must_use]
pub fn comparison_sentence(comparison: &Comparison) -> String {
    format!(
        "A process kill would have left: {}; a power cut: {}",
        outcome_words(&comparison.kill),
        outcome_words(&comparison.power)
    )
}

/// What a power cut at that instant would have taken.
#[must_use]
pub fn what_if_sentence(finding: &ImageFinding) -> String {
    format!(
        "Had the power failed at {:.3} s: {}",
        finding.at.secs(),
        outcome_words(finding)
    )
}

/// The range of what a power cut could have left.
#[must_use]
pub fn tail_cut_sentence(tail_cut: &TailCut) -> String {
    let is_zeros = |finding: &&ImageFinding| matches!(finding.image, Image::ZeroFrom { .. });
    let refused = |finding: &&ImageFinding| matches!(finding.outcome, ImageOutcome::Refused { .. });
    let ends = || tail_cut.findings.iter().filter(|one| !is_zeros(one));
    let tried = ends().count() as u64;
    let lost = || ends().filter_map(ImageFinding::lost);
    let range = match (lost().min(), lost().max()) {
        (Some(least), Some(most)) if least == most => format!("exactly {}", count(most)),
        (Some(least), Some(most)) => format!("between {} and {}", count(least), count(most)),
        _ => return format!("No end of the AOF could be tried ({tried} in all)"),
    };
    let proven = match (tail_cut.witness, &tail_cut.no_witness) {
        (TailWitness::WaitAof, _) => "WAITAOF has proven the beginning durable".into(),
        (TailWitness::None, None) => "nothing is proven durable but the base file".to_owned(),
        (TailWitness::None, Some(why)) => {
            format!("nothing is proven durable but the base file, since {why}")
        }
    };
    let refusals = match ends().filter(refused).count() {
        0 => String::new(),
        n => format!(
            ", and on {} of them Redis refuses to start",
            count(n as u64)
        ),
    };
    let zeros: Vec<&ImageFinding> = tail_cut.findings.iter().filter(is_zeros).collect();
    let zeros = match (zeros.iter().filter(|one| refused(one)).count(), zeros.len()) {
        (_, 0) => "",
        (0, _) => {
            "; with zeros where bytes were not fsynced, as ext4 may leave them, Redis starts, too"
        }
        (all, of) if all == of => {
            "; with zeros where bytes were not fsynced, as ext4 may leave them, Redis refuses to start"
        }
        _ => {
            "; with zeros where bytes were not fsynced, as ext4 may leave them, Redis refuses to start at one size and not at another"
        }
    };
    format!(
        "A range, not an observation: over {} of the AOF a power cut would have lost {range} acknowledged messages{refusals}{zeros}; {proven}",
        counted(tried, "possible end")
    )
}

/// What an image is, as a title.
#[must_use]
pub fn image_words(image: &Image) -> String {
    match image {
        Image::Written => "Process kill".into(),
        Image::Durable => "Power cut".into(),
        Image::CutAt { bytes } => format!("AOF cut at byte {}", count(*bytes)),
        Image::ZeroFrom { bytes, size_bytes } => format!(
            "AOF of {}, zeros from byte {} on",
            counted(*size_bytes, "byte"),
            count(*bytes)
        ),
        Image::Repaired => "Repaired copy".into(),
    }
}
