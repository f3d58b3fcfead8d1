//! How a session lies in Redis.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The five layouts of plain Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One list element a message.
    List,
    /// The whole context in one value.
    String,
    /// One field a message.
    Hash,
    /// One member a message, the score is its number.
    Zset,
    /// One entry a message.
    Stream,
}

impl Layout {
    pub const ALL: [Layout; 5] = [
        Layout::List,
        Layout::String,
        Layout::Hash,
        Layout::Zset,
        Layout::Stream,
    ];

    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Layout::List => "list",
            Layout::String => "string",
            Layout::Hash => "hash",
            Layout::Zset => "zset",
            Layout::Stream => "stream",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Layout::ALL.into_iter().find(|layout| layout.id() == text);
        known.ok_or_else(|| {
            let all = Layout::ALL.map(Layout::id).join(", ");
            format!("there is no layout \"{text}\"; the layouts are {all}")
        })
    }
}
