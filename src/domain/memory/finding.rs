//! What can be found about a store, how bad it is, and why it matters.

use serde::{Deserialize, Serialize};

use super::mark::Mark;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Note,
    Warning,
    Bad,
}

impl Severity {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Severity::Note => "Note",
            Severity::Warning => "Warning",
            Severity::Bad => "Bad",
        }
    }
}

/// What is wrong with the server rather than with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    WeakerThanExpected,
    NoPersistence,
    SnapshotFailed,
    AofWriteFailed,
    RewriteFailed,
    SnapshotOverdue,
    FsyncDelayed,
    FsyncPending,
    FsyncSkipped,
    AofWithoutBase,
    EmptyWithAof,
    AofAtRestart,
    SwitchToAof,
    Evicted,
    NearlyFull,
    RefusesWhenFull,
    Cluster,
    Replica,
    TouchedByReading,
}

impl Trouble {
    pub const ALL: [Trouble; 19] = [
        Trouble::WeakerThanExpected,
        Trouble::NoPersistence,
        Trouble::SnapshotFailed,
        Trouble::AofWriteFailed,
        Trouble::RewriteFailed,
        Trouble::SnapshotOverdue,
        Trouble::FsyncDelayed,
        Trouble::FsyncPending,
        Trouble::FsyncSkipped,
        Trouble::AofWithoutBase,
        Trouble::EmptyWithAof,
        Trouble::AofAtRestart,
        Trouble::SwitchToAof,
        Trouble::Evicted,
        Trouble::NearlyFull,
        Trouble::RefusesWhenFull,
        Trouble::Cluster,
        Trouble::Replica,
        Trouble::TouchedByReading,
    ];
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Sessions(Mark),
    Server(Trouble),
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub severity: Severity,
    /// Sessions behind it; 0 if it is about the server.
    pub sessions: u64,
    /// What was seen.
    pub seen: String,
}

/// How bad a mark on a session is.
#[must_use]
pub fn severity_of(mark: Mark) -> Severity {
    match mark {
        Mark::Undecodable | Mark::Hole | Mark::RepeatedSeq => Severity::Bad,
        Mark::OutOfOrder
        | Mark::MissingSeq
        | Mark::MixedSchema
        | Mark::TimeBackwards
        | Mark::NoTtl
        | Mark::TtlFar
        | Mark::Unread => Severity::Warning,
        Mark::Evictable | Mark::Changed | Mark::BeginsLate => Severity::Note,
    }
}

/// How bad trouble of the server is.
#[must_use]
pub fn severity_of_trouble(trouble: Trouble) -> Severity {
    match trouble {
        Trouble::WeakerThanExpected
        | Trouble::SnapshotFailed
        | Trouble::AofWriteFailed
        | Trouble::AofAtRestart => Severity::Bad,
        Trouble::NoPersistence
        | Trouble::RewriteFailed
        | Trouble::SnapshotOverdue
        | Trouble::FsyncDelayed
        | Trouble::FsyncSkipped
        | Trouble::AofWithoutBase
        | Trouble::EmptyWithAof
        | Trouble::Evicted
        | Trouble::NearlyFull
        | Trouble::Cluster => Severity::Warning,
        Trouble::FsyncPending
        | Trouble::SwitchToAof
        | Trouble::RefusesWhenFull
        | Trouble::Replica
        | Trouble::TouchedByReading => Severity::Note,
    }
}

impl Kind {
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Kind::Sessions(mark) => title_of(mark),
            Kind::Server(trouble) => title_of_trouble(trouble),
        }
    }

    /// Why it matters, and what to do.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Kind::Sessions(mark) => why_of(mark),
            Kind::Server(trouble) => why_of_trouble(trouble),
        }
    }
}

/// Short, for a chip on a session.
#[must_use]
pub fn title_of(mark: Mark) -> &'static str {
    match mark {
        Mark::Undecodable => "Undecodable JSON",
        Mark::Hole => "Hole in seq",
        Mark::RepeatedSeq => "Repeated seq",
        Mark::OutOfOrder => "Out of order",
        Mark::MissingSeq => "Missing seq",
        Mark::MixedSchema => "Mixed schema versions",
        Mark::TimeBackwards => "Time runs backwards",
        Mark::NoTtl => "No TTL",
        Mark::TtlFar => "TTL far from policy",
        Mark::Evictable => "May be evicted",
        Mark::Unread => "Not read",
        Mark::Changed => "Changed while read",
        Mark::BeginsLate => "Beginning is missing",
    }
}

fn why_of(mark: Mark) -> &'static str {
    match mark {
        Mark::Undecodable => {
            "A reader that expects JSON fails on the whole session, and the user's chat is gone until somebody repairs it"
        }
        Mark::Hole => {
            "Messages in the middle are missing: the model answers to half a conversation and nobody notices"
        }
        Mark::RepeatedSeq => {
            "Two messages claim one place: a blind retry wrote twice, or two writers counted from the same number"
        }
        Mark::OutOfOrder => {
            "Messages stand in another order than they were numbered in: writers raced, or a merge went wrong"
        }
        Mark::MissingSeq => {
            "Some messages are numbered and some are not: a loss there cannot be seen"
        }
        Mark::MixedSchema => {
            "One session holds messages of several formats: a reader that knows only one of them fails on the rest"
        }
        Mark::TimeBackwards => {
            "A message is older than the one in front of it: clocks differ, or an old context was written over a newer one"
        }
        Mark::NoTtl => {
            "The other sessions end by themselves and this one never does: a plain SET drops the TTL, and so does a TTL of 0 that the program left out"
        }
        Mark::TtlFar => {
            "It ends much sooner or later than the policy says: a user's memory vanishes early, or stays for ever"
        }
        Mark::Evictable => {
            "When memory is full the server deletes these by itself, and to the program that looks like a new chat"
        }
        Mark::Unread => "What was not read is not judged: it may be anything",
        Mark::Changed => {
            "It was written to while it was read: what is said about it may be of two moments"
        }
        Mark::BeginsLate => {
            "The first number is not 1: it was trimmed on purpose, or its beginning is lost"
        }
    }
}

fn title_of_trouble(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::WeakerThanExpected => "Persistence is weaker than expected",
        Trouble::NoPersistence => "Persistence is off",
        Trouble::SnapshotFailed => "The last snapshot failed",
        Trouble::AofWriteFailed => "The last write to the AOF failed",
        Trouble::RewriteFailed => "The last AOF rewrite failed",
        Trouble::SnapshotOverdue => "A snapshot is overdue",
        Trouble::FsyncDelayed => "Fsyncs were delayed",
        Trouble::FsyncPending => "An fsync is in flight",
        Trouble::FsyncSkipped => "Fsyncs are skipped during rewrites",
        Trouble::AofWithoutBase => "The AOF has no base yet",
        Trouble::EmptyWithAof => "Empty, with an AOF and save points",
        Trouble::AofAtRestart => "The next restart loads an AOF instead of the data",
        Trouble::SwitchToAof => "Do not switch to AOF by a restart",
        Trouble::Evicted => "Keys were evicted",
        Trouble::NearlyFull => "Memory is nearly full",
        Trouble::RefusesWhenFull => "Writes are refused when memory is full",
        Trouble::Cluster => "This is one node of a cluster",
        Trouble::Replica => "This is a replica",
        Trouble::TouchedByReading => "This look refreshed idle times",
    }
}

fn why_of_trouble(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::WeakerThanExpected => {
            "A crash may take more than you promised; change the server's configuration or the promise"
        }
        Trouble::NoPersistence => "Whatever ends the process takes every session with it",
        Trouble::SnapshotFailed => {
            "Nothing newer than the last good snapshot survives a crash, and by default the server refuses writes until one succeeds (MISCONF)"
        }
        Trouble::AofWriteFailed => {
            "The server refuses writes until the disk takes them again (MISCONF), and what it acknowledged last may not be on disk"
        }
        Trouble::RewriteFailed => {
            "The AOF grows without end, and a restart takes longer and longer"
        }
        Trouble::SnapshotOverdue => {
            "By its save points the server should have saved long ago: a crash takes everything since the last snapshot"
        }
        Trouble::FsyncDelayed => {
            "The disk was too slow for everysec: Redis answered writes that it had not even handed to the kernel, for up to 2 s, and a kill in such a moment loses them"
        }
        Trouble::FsyncPending => {
            "A kill in this instant loses acknowledged writes that wait in the server's own buffer; it is lasting only if it is seen again and again"
        }
        Trouble::FsyncSkipped => {
            "With no-appendfsync-on-rewrite nothing is fsynced while a child runs, not even under appendfsync always: a power loss then takes far more than a second"
        }
        Trouble::AofWithoutBase => {
            "The AOF was switched on and its first rewrite has not finished: until it has, a restart does not bring back what was there before"
        }
        Trouble::EmptyWithAof => {
            "If appendonly was set to yes in the file and the server restarted, Redis loaded the empty AOF and ignored dump.rdb; the next snapshot overwrites that file with nothing. Copy dump.rdb away before anything else"
        }
        Trouble::AofAtRestart => {
            "With appendonly yes in its file Redis ignores dump.rdb when it starts: without an AOF of now it comes up empty or old. Before any restart: CONFIG SET appendonly yes, wait for the rewrite, then CONFIG REWRITE"
        }
        Trouble::SwitchToAof => {
            "If you turn the AOF on: use CONFIG SET appendonly yes, wait for the rewrite, then CONFIG REWRITE. Setting it in the file and restarting starts with an empty data set"
        }
        Trouble::Evicted => {
            "The server has deleted keys to make room: sessions that are missing need not have expired"
        }
        Trouble::NearlyFull => {
            "At the limit the server evicts keys or refuses writes, depending on its policy"
        }
        Trouble::RefusesWhenFull => {
            "With noeviction a full server answers writes with OOM: sessions are safe, new messages are not"
        }
        Trouble::Cluster => {
            "Only keys of this node were seen; look at every other master of the cluster, too"
        }
        Trouble::Replica => "It may lag behind its master: what is missing here may be there",
        Trouble::TouchedByReading => {
            "The eviction policy goes by idle time, and this server has no CLIENT NO-TOUCH: sessions that were read now count as used just now"
        }
    }
}
