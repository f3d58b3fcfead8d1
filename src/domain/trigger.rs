//! When a fault strikes: the moment that is aimed at, and the one that was hit.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contract::parse_duration;
use super::disk::DiskMoment;
use super::op::Micros;

/// The moment that is aimed at. The fault strikes at the first such moment after the streaming time has passed
/// (`Trigger::Time`: right then; `Trigger::Acks`: whenever it comes).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "trigger")]
pub enum Trigger {
    /// When the streaming time is over.
    #[default]
    Time,
    /// After this many acknowledgements.
    Acks { acks: u64 },
    /// When this share of a BGSAVE's keys is written.
    Bgsave { percent: u8 },
    /// The temporary file is complete and not renamed yet.
    BgsaveRename,
    /// Right after a BGSAVE was reported finished.
    AfterBgsave,
    /// An AOF rewrite has begun.
    Rewrite,
    /// An AOF rewrite has opened the new INCR file.
    RewriteIncr,
    /// An AOF rewrite is about to swap the manifest.
    RewriteManifest,
    /// While the final save after SIGTERM runs.
    FinalSave,
    /// While the server loads its data after a first restart.
    Loading,
    /// An AOF fsync has been in flight for this long.
    FsyncLate { after: Duration },
    /// An fsync is in flight and `aof_buffer_length` is above zero: the state in which a kill takes acknowledged
    /// writes (measured: 31 of 32).
    AofBuffer,
    /// An operation on the faulty disk.
    Disk { moment: DiskMoment },
}

impl Trigger {
    /// One of each kind, as they are written.
    pub const EXAMPLES: [&'static str; 13] = [
        "time",
        "acks=5000",
        "bgsave=40%",
        "bgsave-rename",
        "after-bgsave",
        "rewrite",
        "rewrite-incr",
        "rewrite-manifest",
        "final-save",
        "loading",
        "fsync-late=500ms",
        "aof-buffer",
        "before-rename:*.rdb#1",
    ];

    /// It ends the streaming time by itself instead of following it.
    #[must_use]
    pub fn comes_while_streaming(&self) -> bool {
        matches!(self, Trigger::Acks { .. })
    }

    /// It is seen by the faulty disk or not at all: between two operations of a file there is no time for a look.
    #[must_use]
    pub fn needs_disk(&self) -> bool {
        matches!(
            self,
            Trigger::BgsaveRename | Trigger::RewriteManifest | Trigger::Disk { .. }
        )
    }

    /// What is aimed at, after "at the moment when".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Trigger::Time => "the streaming time is over".into(),
            Trigger::Acks { acks } => format!("{acks} messages are acknowledged"),
            Trigger::Bgsave { percent } => format!("a BGSAVE has written {percent} % of its keys"),
            Trigger::BgsaveRename => {
                "a BGSAVE's temporary file is complete and not renamed yet".into()
            }
            Trigger::AfterBgsave => "a BGSAVE has just finished".into(),
            Trigger::Rewrite => "an AOF rewrite has begun".into(),
            Trigger::RewriteIncr => "an AOF rewrite has opened its new INCR file".into(),
            Trigger::RewriteManifest => "an AOF rewrite is about to swap the manifest".into(),
            Trigger::FinalSave => "the final save after SIGTERM runs".into(),
            Trigger::Loading => "the server loads its data".into(),
            Trigger::FsyncLate { after } => {
                format!(
                    "an AOF fsync has been in flight for {} s",
                    after.as_secs_f64()
                )
            }
            Trigger::AofBuffer => {
                "an fsync is in flight and answered writes wait in the server's memory".into()
            }
            Trigger::Disk { moment } => format!(
                "{} {} number {} on {} on the faulty disk",
                if moment.after {
                    "right after"
                } else {
                    "right before"
                },
                moment.op,
                moment.nth,
                moment.files.0
            ),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trigger::Time => f.write_str("time"),
            Trigger::Acks { acks } => write!(f, "acks={acks}"),
            Trigger::Bgsave { percent } => write!(f, "bgsave={percent}%"),
            Trigger::BgsaveRename => f.write_str("bgsave-rename"),
            Trigger::AfterBgsave => f.write_str("after-bgsave"),
            Trigger::Rewrite => f.write_str("rewrite"),
            Trigger::RewriteIncr => f.write_str("rewrite-incr"),
            Trigger::RewriteManifest => f.write_str("rewrite-manifest"),
            Trigger::FinalSave => f.write_str("final-save"),
            Trigger::Loading => f.write_str("loading"),
            Trigger::FsyncLate { after } => write!(f, "fsync-late={}ms", after.as_millis()),
            Trigger::AofBuffer => f.write_str("aof-buffer"),
            Trigger::Disk { moment } => moment.fmt(f),
        }
    }
}

impl FromStr for Trigger {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (word, value) = text.split_once('=').unwrap_or((text, ""));
        let wrong = |what: &str| format!("\"{text}\": {what}");
        Ok(match (word, value) {
            ("time", "") => Trigger::Time,
            ("acks", acks) => Trigger::Acks {
                acks: acks
                    .parse()
                    .ok()
                    .filter(|acks| *acks > 0)
                    .ok_or_else(|| wrong("acks takes a count of 1 or more"))?,
            },
            ("bgsave", share) => Trigger::Bgsave {
                percent: share
                    .strip_suffix('%')
                    .unwrap_or(share)
                    .parse()
                    .ok()
                    .filter(|percent| (1..=99).contains(percent))
                    .ok_or_else(|| wrong("bgsave takes 1% to 99%"))?,
            },
            ("bgsave-rename", "") => Trigger::BgsaveRename,
            ("after-bgsave", "") => Trigger::AfterBgsave,
            ("rewrite", "") => Trigger::Rewrite,
            ("rewrite-incr", "") => Trigger::RewriteIncr,
            ("rewrite-manifest", "") => Trigger::RewriteManifest,
            ("final-save", "") => Trigger::FinalSave,
            ("loading", "") => Trigger::Loading,
            ("fsync-late", after) => Trigger::FsyncLate {
                after: parse_duration(after)?,
            },
            ("aof-buffer", "") => Trigger::AofBuffer,
            _ if text.starts_with("before-") || text.contains(':') => Trigger::Disk {
                moment: text.parse()?,
            },
            _ => {
                return Err(format!(
                    "unknown trigger \"{text}\"; known are {}",
                    Trigger::EXAMPLES.join(", ")
                ));
            }
        })
    }
}

/// By what the moment was seen. Earlier in this list is trusted more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Witness {
    /// The disk froze at the operation itself.
    DiskOperation,
    ServerLog,
    Info,
    /// Our own count or clock.
    Client,
}

/// The moment that was hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub aimed: Trigger,
    pub at: Micros,
    pub witness: Witness,
    /// What was seen, in the witness's words: a log line, INFO's fields, the operation.
    pub seen: String,
    /// False: the moment was over, or never came; the fault struck all the same or not at all.
    pub on_target: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_read_as_it_was_written() {
        for text in Trigger::EXAMPLES {
            assert_eq!(text.parse::<Trigger>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_trigger_is_told_with_what_is_known() {
        assert!(
            "noon"
                .parse::<Trigger>()
                .unwrap_err()
                .contains("after-bgsave")
        );
        assert!(
            "bgsave=0%"
                .parse::<Trigger>()
                .unwrap_err()
                .contains("1% to 99%")
        );
        assert!("acks=0".parse::<Trigger>().is_err());
    }
}
