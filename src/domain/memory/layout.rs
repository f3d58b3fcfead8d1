//! How a session lies in the store: what TYPE answers, as a closed list.

use serde::{Deserialize, Serialize};

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Layout {
    List,
    String,
    Hash,
    Zset,
    Stream,
    /// The RedisJSON module's own type.
    Json,
    Set,
    /// A module's type that we cannot look into, or TYPE is not permitted.
    Other,
}

impl Layout {
    pub const ALL: [Layout; 8] = [
        Layout::List,
        Layout::String,
        Layout::Hash,
        Layout::Zset,
        Layout::Stream,
        Layout::Json,
        Layout::Set,
        Layout::Other,
    ];

    /// What TYPE answers; `None` for `none`, a key that is gone.
    #[must_use]
    pub fn of_type(name: &str) -> Option<Layout> {
        Some(match name {
            "none" => return None,
            "list" => Layout::List,
            "string" => Layout::String,
            "hash" => Layout::Hash,
            "zset" => Layout::Zset,
            "stream" => Layout::Stream,
            "set" => Layout::Set,
            "ReJSON-RL" => Layout::Json,
            _ => Layout::Other,
        })
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Layout::List => "list",
            Layout::String => "string",
            Layout::Hash => "hash",
            Layout::Zset => "zset",
            Layout::Stream => "stream",
            Layout::Json => "JSON",
            Layout::Set => "set",
            Layout::Other => "other",
        }
    }

    /// A chat has an order, and a set has none.
    #[must_use]
    pub fn holds_messages(self) -> bool {
        !matches!(self, Layout::Set | Layout::Other)
    }

    /// The whole session is one value that is read and decoded at once.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Layout::String | Layout::Json | Layout::Hash)
    }
}
