//! The moment of a fault: which one was aimed at, and which one was hit.

use super::number::instant;
use crate::domain::record::RunRecord;
use crate::domain::trigger::{Hit, Witness};

/// Aim and hit of fault number `fault` (from 0); `None` if it was not armed.
#[must_use]
pub fn moment_sentence(record: &RunRecord, fault: usize) -> Option<String> {
    let hit = record.history.faults.get(fault)?.hit.as_ref()?;
    Some(hit_sentence(hit))
}

fn hit_sentence(hit: &Hit) -> String {
    let aimed = hit.aimed.words();
    let at = instant(hit.at);
    let by = match hit.witness {
        Witness::DiskOperation => "on the faulty disk",
        Witness::ServerLog => "in the server's log",
        Witness::Info => "in INFO",
        Witness::Client => "by our own count",
    };
    let seen = hit.seen.trim();
    if hit.on_target {
        format!("Aimed at the moment when {aimed}, and hit it at {at}, seen {by}: {seen}")
    } else {
        format!(
            "Aimed at the moment when {aimed}, which was over when the fault struck; it was seen {by} at {at}: {seen}"
        )
    }
}
