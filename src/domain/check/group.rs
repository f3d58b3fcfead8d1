//! The twelve groups of checks.

use std::fmt;
use std::str::FromStr;

/// A group: one row of what a memory store must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    RoundTrip,
    DamagedData,
    SchemaVersions,
    Expiry,
    Eviction,
    LostUpdate,
    Lock,
    Retry,
    DualWrite,
    Stampede,
    Restart,
    Isolation,
}

impl Group {
    pub const ALL: [Group; 12] = [
        Group::RoundTrip,
        Group::DamagedData,
        Group::SchemaVersions,
        Group::Expiry,
        Group::Eviction,
        Group::LostUpdate,
        Group::Lock,
        Group::Retry,
        Group::DualWrite,
        Group::Stampede,
        Group::Restart,
        Group::Isolation,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Group::RoundTrip => "round-trip",
            Group::DamagedData => "damaged-data",
            Group::SchemaVersions => "schema-versions",
            Group::Expiry => "expiry",
            Group::Eviction => "eviction",
            Group::LostUpdate => "lost-update",
            Group::Lock => "lock",
            Group::Retry => "retry",
            Group::DualWrite => "dual-write",
            Group::Stampede => "stampede",
            Group::Restart => "restart",
            Group::Isolation => "isolation",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Group::RoundTrip => "Round trip",
            Group::DamagedData => "Damaged data",
            Group::SchemaVersions => "Schema versions",
            Group::Expiry => "Expiry",
            Group::Eviction => "Eviction",
            Group::LostUpdate => "Lost update",
            Group::Lock => "Lock",
            Group::Retry => "Retry",
            Group::DualWrite => "Dual write",
            Group::Stampede => "Stampede",
            Group::Restart => "Restart",
            Group::Isolation => "Isolation",
        }
    }

    /// The question that the group answers.
    #[must_use]
    pub fn question(self) -> &'static str {
        match self {
            Group::RoundTrip => "Does what was stored come back with the same value and type?",
            Group::DamagedData => "Is one damaged entry named, and is the rest still readable?",
            Group::SchemaVersions => "Can every reader read what every release has written?",
            Group::Expiry => "Does a session live as long as the policy says, no more and no less?",
            Group::Eviction => "What goes when memory is full, and who notices?",
            Group::LostUpdate => "Do messages vanish when several writers append at once?",
            Group::Lock => "Can two holders be inside at once?",
            Group::Retry => "What does a write without an answer become?",
            Group::DualWrite => "Do cache and database agree in the end?",
            Group::Stampede => "How often is an expired context rebuilt?",
            Group::Restart => "Is what was acknowledged there after a restart?",
            Group::Isolation => "Do two suites on one server leave each other alone?",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Group::ALL.into_iter().find(|group| group.id() == text);
        known.ok_or_else(|| {
            let near = Group::ALL
                .into_iter()
                .max_by(|a, b| {
                    let near = |group: &Group| strsim::jaro_winkler(group.id(), text);
                    near(a).total_cmp(&near(b))
                })
                .expect("there are groups");
            let all = Group::ALL.map(Group::id).join(", ");
            format!("there is no group \"{text}\"; did you mean {near}? The groups are {all}")
        })
    }
}
