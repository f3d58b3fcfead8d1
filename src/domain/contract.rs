//! What a preset promises that a fault may take, and the user's own gate in its place.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most that may be lost of what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "may_lose")]
pub enum Promise {
    Nothing,
    /// Only writes acknowledged within this time before the fault.
    Window {
        window: Duration,
    },
    /// Everything acknowledged after the fork of the last finished snapshot.
    SinceSnapshot,
    Everything,
}

impl Promise {
    /// In plain words, after "may lose".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Promise::Nothing => "nothing that was acknowledged".into(),
            Promise::Window { window } => {
                format!("what was acknowledged in the last {}", seconds(*window))
            }
            Promise::SinceSnapshot => {
                "everything acknowledged since the last finished snapshot began".into()
            }
            Promise::Everything => "everything".into(),
        }
    }
}

/// Seconds as people write them: `2 s`, `0.5 s`, `1.25 s`.
fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Promise::Nothing => f.write_str("nothing"),
            Promise::Window { window } => write!(f, "window {}s", window.as_secs_f64()),
            Promise::SinceSnapshot => f.write_str("since-snapshot"),
            Promise::Everything => f.write_str("everything"),
        }
    }
}

impl FromStr for Promise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "nothing" => Ok(Promise::Nothing),
            "since-snapshot" => Ok(Promise::SinceSnapshot),
            "everything" => Ok(Promise::Everything),
            other => other
                .strip_prefix("window ")
                .and_then(|t| parse_duration(t).ok())
                .map(|window| Promise::Window { window })
                .ok_or_else(|| {
                    format!(
                        "unknown promise \"{other}\"; known are nothing, window 2s, since-snapshot, everything"
                    )
                }),
        }
    }
}

/// Parses `2s`, `2 s`, `500ms`, `1.5` (seconds), `3m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let number: f64 = text[..digits]
        .parse()
        .map_err(|_| format!("\"{text}\" is not a time; write for example 2s, 500ms or 3m"))?;
    let factor = match text[digits..].trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        unit => return Err(format!("unknown unit \"{unit}\"; known are ms, s, m, h, d")),
    };
    Duration::try_from_secs_f64(number * factor).map_err(|error| format!("\"{text}\": {error}"))
}

/// The user's own limits in the place of the preset's promise (`--max-lost`, `--max-window`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    pub max_lost: Option<u64>,
    pub max_window: Option<Duration>,
}

/// What the checker judges a fault against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    Preset(Promise),
    Gate(Gate),
}
