//! Waiting until a server is ready, and proving that the preset is in force.

use std::time::{Duration, Instant};

use crate::backend::{Backend, BackendError, Endpoint, Watch};
use crate::client::connect::{Readiness, ask};
use crate::domain::event::Fix;
use crate::domain::fault::ServerEnd;

/// How a start went.
pub enum Started {
    Ready,
    /// The server ended by itself before it was ready.
    Ended(ServerEnd),
}

/// Longest silence after a start. Loading does not count: it shows progress by answering LOADING.
const PATIENCE: Duration = Duration::from_secs(60);
/// An external server was there before us, or was started by a command that has ended.
const PATIENCE_EXTERNAL: Duration = Duration::from_secs(15);

/// Asks with PING on fresh connections until the server is ready or has ended.
pub fn wait(
    backend: &mut dyn Backend,
    endpoint: &Endpoint,
    watch: &dyn Watch,
) -> Result<Started, BackendError> {
    let mut silent_since = Instant::now();
    let begun = Instant::now();
    let external = backend.id() == "external";
    let patience = if external {
        PATIENCE_EXTERNAL
    } else {
        PATIENCE
    };
    loop {
        if watch.cancelled() {
            return Err(BackendError::new("cancelled while the server was starting"));
        }
        match ask(endpoint, Duration::from_millis(500)) {
            Readiness::Ready => return Ok(Started::Ready),
            Readiness::Loading => {
                silent_since = Instant::now();
                let text = format!(
                    "Server is loading its data, {:.0} s",
                    begun.elapsed().as_secs_f64()
                );
                watch.doing(&text, None);
            }
            Readiness::Refused(text) => {
                return Err(BackendError::new(format!(
                    "the server at {}:{} does not let us in: {text}; check user and password",
                    endpoint.host, endpoint.port
                )));
            }
            Readiness::NotYet(text) => {
                let silent = silent_since.elapsed();
                let text = format!("{text}; waited {:.0} s", silent.as_secs_f64());
                if silent > Duration::from_secs(1) {
                    watch.doing(&format!("No answer yet: {text}"), None);
                }
                if silent > patience {
                    return Err(BackendError::new(format!(
                        "the server did not become ready within {} s: {text}{}",
                        patience.as_secs(),
                        if external {
                            ""
                        } else {
                            "; its log is in this run's server.log"
                        }
                    ))
                    .fix(Fix::TryAgain));
                }
            }
        }
        // After the question, so that a server which ends right after its start is not asked for ever.
        if let Some(end) = backend.ended()? {
            return Ok(Started::Ended(end));
        }
        std::thread::sleep(pace(begun.elapsed()));
    }
}

/// Quick at first, since a local server is up in 10 ms; patient later.
fn pace(waited: Duration) -> Duration {
    if waited < Duration::from_secs(1) {
        Duration::from_millis(1)
    } else {
        Duration::from_millis(20)
    }
}

/// What of a server's log explains its end: its warnings, else its last lines.
#[must_use]
pub fn last_words(lines: &[String]) -> Vec<String> {
    const MOST: usize = 12;
    let loud: Vec<&String> = lines
        .iter()
        .filter(|line| {
            line.contains(" # ")
                || line.starts_with("***")
                || line.starts_with(">>>")
                || line.contains("FATAL")
        })
        .filter(|line| {
            !line.contains("overcommit_memory") && !line.contains("WARNING The TCP backlog")
        })
        .collect();
    let chosen = if loud.is_empty() {
        lines.iter().collect()
    } else {
        loud
    };
    let skip = chosen.len().saturating_sub(MOST);
    chosen.into_iter().skip(skip).cloned().collect()
}
