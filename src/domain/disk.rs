//! What the disk under the server shall do: its durability model and its faults.
//!
//! Owns the words and how they are written (`--disk`, `--tail`, `--fsync-delay`, …). It does not know how a
//! disk is made to behave so: that is the room `disk`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contract::parse_duration;

/// The faulty disk of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiskPlan {
    pub metadata: Metadata,
    pub tail: Tail,
    /// Un-fsynced data older than this becomes durable by itself, as the kernel's flusher does; `None` never.
    pub write_back: Option<Duration>,
    pub fsync_delay: FsyncDelay,
    /// Only fsyncs of these files are delayed; `None` all.
    #[serde(default)]
    pub slow_files: Option<FilePattern>,
    /// Writes beyond this many bytes, all files together, fail with ENOSPC.
    pub space_bytes: Option<u64>,
    pub io_error: Option<IoError>,
    /// Same seed, same random tails and delays.
    pub seed: u64,
}

impl DiskPlan {
    /// Linux flushes dirty pages after 30 s (vm.dirty_expire_centisecs = 3000), looked at every 5 s.
    pub const DEFAULT_WRITE_BACK: Duration = Duration::from_secs(30);

    /// As it is typed: `3s@5s`, or with files `5s:*.1.incr.aof`.
    #[must_use]
    pub fn fsync_delay_words(&self) -> String {
        match &self.slow_files {
            None => self.fsync_delay.to_string(),
            Some(files) => format!("{}:{}", self.fsync_delay, files.0),
        }
    }
}

impl Default for DiskPlan {
    fn default() -> Self {
        DiskPlan {
            metadata: Metadata::Ordered,
            tail: Tail::Drop,
            write_back: Some(Self::DEFAULT_WRITE_BACK),
            fsync_delay: FsyncDelay::None,
            slow_files: None,
            space_bytes: None,
            io_error: None,
            seed: 7,
        }
    }
}

/// When creates, renames, unlinks and truncates survive a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metadata {
    /// At once.
    Sync,
    /// With the next fsync of anything on this file system, as on a journaling one such as ext4 or XFS.
    #[default]
    Ordered,
    /// Only with an fsync of the directory that holds the name: the worst case that POSIX allows.
    Strict,
}

/// What a power cut leaves of bytes that were written and not fsynced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// Nothing.
    #[default]
    Drop,
    /// A prefix of random length.
    Prefix,
    /// The size, filled with zeros.
    Zero,
    /// A random subset of 4 KiB pages; the others are zeros.
    Pages,
    /// Zeros up to the end of the file's last allocated 4 KiB block: on ext4 the size is committed by somebody
    /// else's fsync, the bytes are not (measured: Redis refuses to start after 20 of 22 such cuts).
    Ext4,
}

macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident => $word:literal, $says:literal;)+) => {
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word on the command line and in files.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }

            /// What it means, in one phrase.
            #[must_use]
            pub fn explanation(self) -> &'static str {
                match self { $($name::$variant => $says),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.id())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|one| one.id() == text.trim()).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|one| one.id()).collect();
                    format!("unknown {} \"{text}\"; known are {}", $what, known.join(", "))
                })
            }
        }
    };
}

words! { Metadata, "metadata model",
    Sync => "sync", "names and sizes survive at once";
    Ordered => "ordered", "names survive with the next fsync of any file, as on ext4 and XFS";
    Strict => "strict", "names survive only with an fsync of their directory, the worst case of POSIX";
}

words! { Tail, "tail model",
    Drop => "drop", "bytes that were not fsynced are gone";
    Prefix => "prefix", "a random part of them is kept from the front";
    Zero => "zero", "the file keeps its size, the bytes are zeros";
    Pages => "pages", "random 4 KiB pages are kept, the others are zeros";
    Ext4 => "ext4", "the file ends in zeros up to its last 4 KiB block, as on ext4";
}

/// How long an fsync takes beyond what the disk itself needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "delay")]
pub enum FsyncDelay {
    #[default]
    None,
    Constant {
        by: Duration,
    },
    /// Evenly distributed.
    Between {
        least: Duration,
        most: Duration,
    },
    /// The first fsync that begins after this time of the disk's life takes this long; the others are quick.
    Stall {
        at: Duration,
        by: Duration,
    },
}

impl fmt::Display for FsyncDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = Duration::as_secs_f64;
        match self {
            FsyncDelay::None => f.write_str("0s"),
            FsyncDelay::Constant { by } => write!(f, "{}s", s(by)),
            FsyncDelay::Between { least, most } => write!(f, "{}s..{}s", s(least), s(most)),
            FsyncDelay::Stall { at, by } => write!(f, "{}s@{}s", s(by), s(at)),
        }
    }
}

impl FromStr for FsyncDelay {
    type Err = String;

    /// `1.5s`, `0.5s..3s`, `3s@5s` (a stall of 3 s at second 5).
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (parse_duration(least)?, parse_duration(most)?);
            if least > most {
                return Err(format!("\"{text}\": the shorter time comes first"));
            }
            return Ok(FsyncDelay::Between { least, most });
        }
        if let Some((by, at)) = text.split_once('@') {
            let (by, at) = (parse_duration(by)?, parse_duration(at)?);
            return Ok(FsyncDelay::Stall { at, by });
        }
        let by = parse_duration(text)
            .map_err(|error| format!("{error}; or a range 0.5s..3s, or a stall 3s@5s"))?;
        Ok(if by.is_zero() {
            FsyncDelay::None
        } else {
            FsyncDelay::Constant { by }
        })
    }
}

/// What a file system is asked to do with a file: what errors and triggers are tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileOp {
    Create,
    Write,
    /// fsync and fdatasync.
    Fsync,
    Rename,
    Unlink,
    Truncate,
}

words! { FileOp, "file operation",
    Create => "create", "a file is made";
    Write => "write", "bytes are written";
    Fsync => "fsync", "fsync or fdatasync begins";
    Rename => "rename", "a file gets its new name";
    Unlink => "unlink", "a file is deleted";
    Truncate => "truncate", "a file is cut";
}

/// Files by name: `*` stands for any characters, also none. It is held against the name without its folder; for a
/// rename against the new name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FilePattern(pub String);

impl FilePattern {
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// EIO on an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoError {
    pub op: FileOp,
    pub files: FilePattern,
    /// The first operation that fails, counted from 1.
    pub nth: u64,
    /// All later ones fail, too.
    pub for_good: bool,
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}#{}", self.op, self.files.0, self.nth)?;
        f.write_str(if self.for_good { "+" } else { "" })
    }
}

impl FromStr for IoError {
    type Err = String;

    /// `fsync:*.aof#3` fails the third, `fsync:*.aof#3+` all from the third on, `write:*.rdb` the first.
    fn from_str(text: &str) -> Result<Self, String> {
        let (op, files, nth, for_good) = op_files_nth(text)?;
        Ok(IoError {
            op,
            files,
            nth,
            for_good,
        })
    }
}

/// One operation on the disk, at which it freezes: the finest moment that a fault can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskMoment {
    /// Frozen after the operation has taken effect, not before.
    pub after: bool,
    pub op: FileOp,
    pub files: FilePattern,
    /// Counted from 1, from the arming on.
    pub nth: u64,
}

impl fmt::Display for DiskMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.after { "after" } else { "before" };
        write!(f, "{when}-{}:{}#{}", self.op, self.files.0, self.nth)
    }
}

impl FromStr for DiskMoment {
    type Err = String;

    /// `before-rename:*.rdb#1`, `after-fsync:*.aof#3`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("\"{text}\" is no moment of the disk; write for example before-rename:*.rdb#1")
        };
        let (when, rest) = text.trim().split_once('-').ok_or_else(wrong)?;
        let after = match when {
            "before" => false,
            "after" => true,
            _ => return Err(wrong()),
        };
        let (op, files, nth, for_good) = op_files_nth(rest)?;
        if for_good {
            return Err(wrong());
        }
        Ok(DiskMoment {
            after,
            op,
            files,
            nth,
        })
    }
}

/// `op:pattern#n+`.
fn op_files_nth(text: &str) -> Result<(FileOp, FilePattern, u64, bool), String> {
    let (op, rest) = text.trim().split_once(':').ok_or_else(|| {
        format!("\"{text}\": write operation:files, for example fsync:*.aof or write:*.rdb#2")
    })?;
    let for_good = rest.ends_with('+');
    let rest = rest.strip_suffix('+').unwrap_or(rest);
    let (files, nth) = match rest.split_once('#') {
        None => (rest, 1),
        Some((files, nth)) => (
            files,
            nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(|| {
                format!("\"{nth}\" in \"{text}\" is no count: it takes 1 or more")
            })?,
        ),
    };
    if files.is_empty() {
        return Err(format!("\"{text}\" names no files; * stands for all"));
    }
    Ok((op.parse()?, FilePattern(files.to_owned()), nth, for_good))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in ["0s", "1.5s", "0.5s..3s", "3s@5s"] {
            assert_eq!(text.parse::<FsyncDelay>().unwrap().to_string(), text);
        }
        for text in ["fsync:*.aof#3+", "write:*.rdb#1"] {
            assert_eq!(text.parse::<IoError>().unwrap().to_string(), text);
        }
        for text in ["before-rename:*.rdb#1", "after-fsync:*.incr.aof#3"] {
            assert_eq!(text.parse::<DiskMoment>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_word_is_told_with_the_right_ones() {
        assert!("posix".parse::<Metadata>().unwrap_err().contains("strict"));
        assert!(
            "fsync:"
                .parse::<IoError>()
                .unwrap_err()
                .contains("names no files")
        );
        assert!(
            "fsync:*#0"
                .parse::<IoError>()
                .unwrap_err()
                .contains("1 or more")
        );
        assert!("3s..1s".parse::<FsyncDelay>().is_err());
        assert!("at-rename:*".parse::<DiskMoment>().is_err());
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let matches = |pattern: &str, name: &str| FilePattern(pattern.into()).matches(name);
        assert!(matches("*.incr.aof", "appendonly.aof.1.incr.aof"));
        assert!(matches("*", "dump.rdb"));
        assert!(matches("dump.rdb", "dump.rdb"));
        assert!(matches("temp-*.rdb", "temp-17.rdb"));
        assert!(matches("*aof.*.base.*", "appendonly.aof.2.base.rdb"));
        assert!(!matches("dump", "dump.rdb"));
        assert!(!matches("*.aof", "dump.rdb"));
        assert!(!matches("a*a", "a"));
    }
}
