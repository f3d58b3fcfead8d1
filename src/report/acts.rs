//! The second acts of a run for machines: what was damaged, repaired, compared, tried. One entry an act, as in the
//! timeline; the types are the report's own.

use serde::Serialize;

use super::wording::acts as words;
use super::wording::events::tell;
use crate::domain::event::{DrillEvent, TimedEvent};
use crate::domain::image::{Image, ImageFinding, ImageOutcome, TailWitness};
use crate::domain::network::NetworkHappening;
use crate::domain::record::RunRecord;
use crate::domain::verdict::Cut;

#[derive(Serialize)]
pub(super) struct Act {
    at_secs: f64,
    act: &'static str,
    sentence: String,
    /// Network: answers lost on the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    replies_lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<Damaged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repair: Option<Repaired>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_cut: Option<Range>,
    /// What scratch servers found, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Damaged {
    damage: String,
    path: String,
    offset: u64,
    bytes: u64,
    before: String,
    after: String,
}

#[derive(Serialize)]
struct Repaired {
    program: String,
    words: Vec<String>,
    bytes_before: u64,
    bytes_after: u64,
}

#[derive(Serialize)]
struct Range {
    witness: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_witness: Option<String>,
    durable_bytes: u64,
    written_bytes: u64,
}

#[derive(Serialize)]
struct Finding {
    image: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_at_bytes: Option<u64>,
    /// From `cut_at_bytes` on there are zeros, up to this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    zeros_to_bytes: Option<u64>,
    outcome: &'static str,
    at_secs: f64,
    acked: u64,
    /// The rest is there if the server started.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    single_cut: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<String>,
    sentence: String,
}

pub(super) fn acts(record: &RunRecord) -> Vec<Act> {
    record.timeline.iter().filter_map(act).collect()
}

fn act(timed: &TimedEvent) -> Option<Act> {
    let mut act = Act {
        at_secs: timed.at.secs(),
        act: "",
        sentence: tell(&timed.event).1,
        replies_lost: None,
        damage: None,
        repair: None,
        tail_cut: None,
        findings: words::findings(&timed.event)
            .into_iter()
            .map(finding)
            .collect(),
    };
    match &timed.event {
        DrillEvent::NetworkHappened { happening } => {
            act.act = "network";
            if let NetworkHappening::RepliesLost { replies, .. } = happening {
                act.replies_lost = Some(*replies);
            }
        }
        DrillEvent::DamageDone { done } => {
            act.act = "damage";
            act.damage = Some(Damaged {
                damage: done.damage.to_string(),
                path: done.path.clone(),
                offset: done.offset,
                bytes: done.bytes,
                before: done.before.clone(),
                after: done.after.clone(),
            });
        }
        DrillEvent::Repaired { repair } => {
            act.act = "repair";
            act.repair = Some(Repaired {
                program: repair.program.clone(),
                words: repair.words.clone(),
                bytes_before: repair.bytes_before,
                bytes_after: repair.bytes_after,
            });
        }
        DrillEvent::Compared { .. } => act.act = "compare",
        DrillEvent::WhatIf { .. } => act.act = "what_if",
        DrillEvent::TailCutTried { tail_cut } => {
            act.act = "tail_cut";
            act.tail_cut = Some(Range {
                witness: match tail_cut.witness {
                    TailWitness::WaitAof => "waitaof",
                    TailWitness::None => "none",
                },
                no_witness: tail_cut.no_witness.clone(),
                durable_bytes: tail_cut.durable_bytes,
                written_bytes: tail_cut.written_bytes,
            });
        }
        _ => return None,
    }
    Some(act)
}

fn finding(finding: &ImageFinding) -> Finding {
    let (image, cut_at_bytes) = match finding.image {
        Image::ZeroFrom { bytes, .. } => ("zero_from", Some(bytes)),
        Image::Written => ("written", None),
        Image::Durable => ("durable", None),
        Image::CutAt { bytes } => ("cut_at", Some(bytes)),
        Image::Repaired => ("repaired", None),
    };
    let mut dto = Finding {
        image,
        cut_at_bytes,
        zeros_to_bytes: match finding.image {
            Image::ZeroFrom { size_bytes, .. } => Some(size_bytes),
            _ => None,
        },
        outcome: "started",
        at_secs: finding.at.secs(),
        acked: finding.acked,
        found: None,
        lost: None,
        damaged: None,
        window_secs: None,
        single_cut: None,
        words: Vec::new(),
        sentence: words::outcome_words(finding),
    };
    match &finding.outcome {
        ImageOutcome::Started {
            found,
            lost,
            window,
            cut,
            damaged,
        } => {
            dto.found = Some(*found);
            dto.lost = Some(*lost);
            dto.damaged = Some(*damaged);
            dto.window_secs = window.map(|window| window.as_secs_f64());
            dto.single_cut = Some(!matches!(cut, Cut::Anomaly { .. }));
        }
        ImageOutcome::Refused { words } => {
            dto.outcome = "refused";
            dto.words.clone_from(words);
        }
        ImageOutcome::Failed { error } => {
            dto.outcome = "failed";
            dto.words = vec![error.clone()];
        }
    }
    dto
}
