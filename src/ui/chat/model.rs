//! The lines of a transcript and what became of each. Pure.
//!
//! Content is made anew from seed, session and seq: the record does not carry it.

use crate::app::state::Picture;
use crate::domain::op::{Micros, SessionId};
use crate::domain::verdict::Class;
use crate::domain::workload::MessageMaker;

/// One bubble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub seq: u32,
    pub fate: Fate,
    pub invoked: Micros,
    /// Index in the readback's altered elements, for an element that was found and equals no message.
    pub altered: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Recovered,
    Vanished,
    /// No answer came, and it is there.
    InFlightFound,
    /// No answer came, and it is not there.
    InFlightMissing,
    Refused,
    Phantom,
    Duplicated,
    Corrupted,
    Reordered,
    Unread,
    /// Found where no message of ours should be.
    Altered,
    /// In a store that we did not fill: no JSON.
    Undecodable,
}

impl Fate {
    fn of(class: Class) -> Fate {
        match class {
            Class::Survived => Fate::Recovered,
            Class::Lost => Fate::Vanished,
            Class::Resurfaced => Fate::InFlightFound,
            Class::Absent => Fate::InFlightMissing,
            Class::Refused => Fate::Refused,
            Class::Phantom => Fate::Phantom,
            Class::Duplicated => Fate::Duplicated,
            Class::Corrupted => Fate::Corrupted,
            Class::Reordered => Fate::Reordered,
            Class::Unread => Fate::Unread,
        }
    }

    /// The mark below the bubble.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Fate::Recovered => "",
            Fate::Vanished => "vanished",
            Fate::InFlightFound => "in flight, found",
            Fate::InFlightMissing => "in flight, missing",
            Fate::Refused => "refused",
            Fate::Phantom => "refused, yet found",
            Fate::Duplicated => "found twice",
            Fate::Corrupted => "altered",
            Fate::Reordered => "out of order",
            Fate::Unread => "not read back",
            Fate::Altered => "found in the store instead",
            Fate::Undecodable => "cannot be decoded",
        }
    }

    #[must_use]
    pub fn missing(self) -> bool {
        matches!(self, Fate::Vanished | Fate::InFlightMissing | Fate::Refused)
    }
}

/// The whole transcript in the order of writing, found strangers behind it.
#[must_use]
pub fn lines(picture: &Picture, session: SessionId) -> Vec<Line> {
    let record = &picture.record;
    let mut lines: Vec<Line> = picture
        .index
        .ops_of(session)
        .iter()
        .map(|&i| {
            let op = &record.history.ops[i as usize];
            Line {
                seq: op.seq,
                fate: Fate::of(record.classes[i as usize]),
                invoked: op.invoked,
                altered: None,
            }
        })
        .collect();
    for (n, altered) in altered(picture, session).iter().enumerate() {
        let line = Line {
            seq: altered.seq.unwrap_or(0),
            fate: Fate::Altered,
            invoked: Micros::NEVER,
            altered: Some(n as u32),
        };
        // Beside the message that it claims to be, else at the end.
        let at = lines.iter().position(|line| Some(line.seq) == altered.seq);
        lines.insert(at.map_or(lines.len(), |at| at + 1), line);
    }
    lines
}

fn altered(picture: &Picture, session: SessionId) -> &[crate::domain::readback::Altered] {
    let sessions = picture
        .record
        .readback
        .as_ref()
        .map(|readback| &readback.sessions);
    let found = sessions.and_then(|sessions| {
        let i = sessions
            .binary_search_by_key(&session, |read| read.session)
            .ok()?;
        sessions.get(i)
    });
    found.map_or(&[], |read| &read.altered)
}

/// What a bubble says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub user: bool,
    pub content: String,
}

/// The message's JSON: as it was written, or as it was found if it is an altered one.
#[must_use]
pub fn json(picture: &Picture, maker: &MessageMaker, session: SessionId, line: &Line) -> String {
    if let Some(n) = line.altered {
        return altered(picture, session)
            .get(n as usize)
            .map_or(String::new(), |altered| altered.raw.clone());
    }
    String::from_utf8_lossy(&maker.message(session, line.seq)).into_owned()
}

/// Role and content of the JSON; what is no message of ours is shown as it is.
#[must_use]
pub fn words(json: &str) -> Words {
    #[derive(serde::Deserialize)]
    struct Message {
        role: String,
        content: String,
    }
    match serde_json::from_str::<Message>(json) {
        Ok(message) => Words {
            user: message.role == "user",
            content: message.content,
        },
        Err(_) => Words {
            user: false,
            content: json.to_owned(),
        },
    }
}
