//! Damage to a file of the dead server, done between its death and its restart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DamagedFile {
    /// The newest INCR file of the AOF (before Redis 7 the AOF itself).
    Aof,
    /// The base file of the AOF.
    Base,
    Manifest,
    /// The snapshot, `dump.rdb`.
    Rdb,
}

impl DamagedFile {
    pub const ALL: [DamagedFile; 4] = [
        DamagedFile::Aof,
        DamagedFile::Base,
        DamagedFile::Manifest,
        DamagedFile::Rdb,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            DamagedFile::Aof => "aof",
            DamagedFile::Base => "base",
            DamagedFile::Manifest => "manifest",
            DamagedFile::Rdb => "rdb",
        }
    }
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum DamageKind {
    /// The last bytes are cut off.
    Truncate { bytes: u64 },
    /// The last bytes become zeros.
    Zero { bytes: u64 },
    /// One bit of the file is flipped, chosen by the plan's seed.
    Flip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    pub file: DamagedFile,
    #[serde(flatten)]
    pub kind: DamageKind,
}

impl Damage {
    pub const EXAMPLES: [&'static str; 3] = ["truncate:aof=100", "zero:aof=4096", "flip:rdb"];
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.id();
        match self.kind {
            DamageKind::Truncate { bytes } => write!(f, "truncate:{file}={bytes}"),
            DamageKind::Zero { bytes } => write!(f, "zero:{file}={bytes}"),
            DamageKind::Flip => write!(f, "flip:{file}"),
        }
    }
}

impl FromStr for Damage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "\"{text}\" is no damage; write for example {}; files are aof, base, manifest, rdb",
                Damage::EXAMPLES.join(", ")
            )
        };
        let (how, rest) = text.trim().split_once(':').ok_or_else(wrong)?;
        let (file, bytes) = match rest.split_once('=') {
            None => (rest, None),
            Some((file, bytes)) => (file, Some(bytes.parse::<u64>().map_err(|_| wrong())?)),
        };
        let file = DamagedFile::ALL
            .into_iter()
            .find(|one| one.id() == file)
            .ok_or_else(wrong)?;
        let kind = match (how, bytes) {
            ("truncate", Some(bytes)) if bytes > 0 => DamageKind::Truncate { bytes },
            ("zero", Some(bytes)) if bytes > 0 => DamageKind::Zero { bytes },
            ("flip", None) => DamageKind::Flip,
            _ => return Err(wrong()),
        };
        Ok(Damage { file, kind })
    }
}

/// Damage as it was done: the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DamageDone {
    pub damage: Damage,
    /// Below the data directory.
    pub path: String,
    /// The first byte that is not as it was.
    pub offset: u64,
    /// How many bytes from there on are concerned.
    pub bytes: u64,
    pub file_bytes_before: u64,
    pub file_bytes_after: u64,
    /// The first concerned bytes as they were, in hexadecimal digits, at most [`DamageDone::SHOWN`] of them.
    pub before: String,
    /// And as they are now; empty where they are cut off.
    pub after: String,
}

impl DamageDone {
    pub const SHOWN: usize = 16;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_read_as_it_was_written() {
        for text in Damage::EXAMPLES {
            assert_eq!(text.parse::<Damage>().unwrap().to_string(), text);
        }
        assert!("flip:aof=3".parse::<Damage>().is_err());
        assert!(
            "zero:log=3"
                .parse::<Damage>()
                .unwrap_err()
                .contains("manifest")
        );
    }
}
