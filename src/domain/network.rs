//! What the network between client and server does on purpose.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contract::parse_duration;

/// A fault of the network, made by a proxy between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "network")]
pub enum NetworkFault {
    /// At this time of the stream every connection is cut once its commands have reached the server and before the
    /// answers have come back.
    LostReply { at: Duration },
    /// Every answer comes this much later.
    Delay { by: Duration },
    /// From this time on nothing passes any more and nothing is closed, for this long.
    HalfOpen { at: Duration, lasts: Duration },
    /// At this time every connection is reset.
    Reset { at: Duration },
    /// Each direction carries this many bytes a second, all connections together.
    Bandwidth { bytes_per_sec: u64 },
}

impl NetworkFault {
    pub const EXAMPLES: [&'static str; 5] = [
        "lost-reply@3s",
        "delay=20ms",
        "half-open=5s@3s",
        "reset@3s",
        "bandwidth=100000",
    ];
}

impl fmt::Display for NetworkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |time: &Duration| format!("{}s", time.as_secs_f64());
        match self {
            NetworkFault::LostReply { at } => write!(f, "lost-reply@{}", s(at)),
            NetworkFault::Delay { by } => write!(f, "delay={}ms", by.as_millis()),
            NetworkFault::HalfOpen { at, lasts } => {
                write!(f, "half-open={}@{}", s(lasts), s(at))
            }
            NetworkFault::Reset { at } => write!(f, "reset@{}", s(at)),
            NetworkFault::Bandwidth { bytes_per_sec } => write!(f, "bandwidth={bytes_per_sec}"),
        }
    }
}

impl FromStr for NetworkFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no fault of the network; write for example {}",
                NetworkFault::EXAMPLES.join(", ")
            )
        };
        let (head, at) = match text.trim().split_once('@') {
            None => (text.trim(), None),
            Some((head, at)) => (head, Some(parse_duration(at)?)),
        };
        let (word, value) = match head.split_once('=') {
            None => (head, None),
            Some((word, value)) => (word, Some(value)),
        };
        Ok(match (word, value, at) {
            ("lost-reply", None, Some(at)) => NetworkFault::LostReply { at },
            ("delay", Some(by), None) => NetworkFault::Delay {
                by: parse_duration(by)?,
            },
            ("half-open", Some(lasts), Some(at)) => NetworkFault::HalfOpen {
                at,
                lasts: parse_duration(lasts)?,
            },
            ("reset", None, Some(at)) => NetworkFault::Reset { at },
            ("bandwidth", Some(bytes), None) => NetworkFault::Bandwidth {
                bytes_per_sec: bytes.parse().ok().filter(|b| *b > 0).ok_or_else(wrong)?,
            },
            _ => return Err(wrong()),
        })
    }
}

/// What the network did to the connections, as it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "happening")]
pub enum NetworkHappening {
    /// Commands of one connection had been executed; their replies were dropped and the connection was cut.
    RepliesLost {
        connection: u64,
        replies: u64,
    },
    /// Nothing passes any more.
    Stalled,
    /// Everything passes again.
    Flows,
    Reset {
        connections: u64,
    },
    /// The proxy gave up a connection that the plan says nothing of.
    GaveUp {
        connection: u64,
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_faults_are_read_as_they_were_written() {
        for text in NetworkFault::EXAMPLES {
            assert_eq!(text.parse::<NetworkFault>().unwrap().to_string(), text);
        }
        assert!(
            "delay@3s"
                .parse::<NetworkFault>()
                .unwrap_err()
                .contains("half-open")
        );
        assert!("bandwidth=0".parse::<NetworkFault>().is_err());
    }
}
