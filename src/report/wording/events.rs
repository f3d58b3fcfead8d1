//! The timeline in words.

use super::number::{count, counted, span};
use crate::domain::event::DrillEvent;
use crate::domain::fault::FaultKind;

/// What happened, in one sentence.
#[must_use]
pub fn event_sentence(event: &DrillEvent) -> String {
    match event {
        DrillEvent::RunStarted { run, .. } => format!("Run {run} began"),
        DrillEvent::BackendChosen { backend, reason } if reason.is_empty() => {
            format!("Backend {backend}")
        }
        DrillEvent::BackendChosen { backend, reason } => format!("Backend {backend}: {reason}"),
        DrillEvent::ServerStarted { info, took } => format!(
            "{} {} answered on {} after {}",
            info.engine,
            info.version,
            info.address,
            span(*took)
        ),
        DrillEvent::StreamStarted => "Streaming began".into(),
        DrillEvent::StreamPaused { acked } => {
            format!(
                "Streaming paused at {}",
                counted(*acked, "acknowledged message")
            )
        }
        DrillEvent::SnapshotFinished { snapshot } => format!(
            "A snapshot was finished; it holds what was acknowledged before {:.3} s",
            snapshot.fork.secs()
        ),
        DrillEvent::FaultBegan { fault, .. } => format!("{} began", fault.kind.title()),
        DrillEvent::FaultDone { record } => {
            let escalated = if record.escalated {
                ", after the grace had run out"
            } else {
                ""
            };
            if record.fault.kind == FaultKind::Pause {
                return format!("Pause done after {}", span(record.dead.since(record.at)));
            }
            format!(
                "{} done: server {}{escalated}",
                record.fault.kind.title(),
                record.end
            )
        }
        DrillEvent::ServerDied { end, .. } => {
            format!("The server ended although nobody asked it to: {end}")
        }
        DrillEvent::ServerRestarted { took, .. } => {
            format!("The server answered again after {}", span(*took))
        }
        DrillEvent::ServerRefused { end, .. } => {
            format!("The server refused to start again: {end}")
        }
        DrillEvent::ReadbackFinished {
            sessions,
            entries,
            unread_sessions,
            took,
        } => {
            let unread = match unread_sessions {
                0 => String::new(),
                n => format!(", {} not read", count(*n)),
            };
            format!(
                "{} in {} read back within {}{unread}",
                counted(*entries, "message"),
                counted(*sessions, "session"),
                span(*took)
            )
        }
        DrillEvent::Judged { sentence, .. } => sentence.clone(),
        DrillEvent::Warned { text } => text.clone(),
        DrillEvent::DataKept { path } => {
            format!("The server's data was kept in {}", path.display())
        }
        DrillEvent::Failed { error, .. } => format!("The drill failed: {error}"),
        DrillEvent::Cancelled => "The drill was cancelled".into(),
        DrillEvent::RunFinished => "Everything that was started is stopped and removed".into(),
    }
}
