//! What has become of each session between two inventories of one store.
//!
//! It sees messages by their check numbers only, and it does not know why something is gone: a store that we did
//! not fill has no journal. An end that the TTL explains is called expired, and nothing else is explained away.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde::Serialize;

use super::finding::Severity;
use super::inventory::Entry;

/// What happened to one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// It is not there any more, and its TTL does not explain it.
    Vanished {
        messages: u64,
    },
    /// Messages in the middle are gone and later ones are there.
    Hole {
        lost: u64,
    },
    /// The last messages are gone; `added` new ones stand in their place.
    TailLost {
        lost: u64,
        added: u64,
    },
    /// Messages were replaced or reordered in their place, or the layout is another one.
    Changed {
        messages: u64,
    },
    /// The first messages are gone: a window that was trimmed, or a loss.
    HeadLost {
        lost: u64,
        added: u64,
    },
    /// Its TTL had run out.
    Expired {
        messages: u64,
    },
    Grew {
        added: u64,
    },
    /// It is new since then.
    New {
        messages: u64,
    },
    /// One of the two looks did not read it.
    NotKnown,
}

impl Change {
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Change::Vanished { .. } | Change::Hole { .. } | Change::TailLost { .. } => {
                Some(Severity::Bad)
            }
            Change::Changed { .. } | Change::HeadLost { .. } | Change::NotKnown => {
                Some(Severity::Warning)
            }
            Change::Expired { .. } | Change::Grew { .. } | Change::New { .. } => None,
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Change::Vanished { .. } => "Vanished",
            Change::Hole { .. } => "Got a hole",
            Change::TailLost { .. } => "Lost its tail",
            Change::Changed { .. } => "Changed",
            Change::HeadLost { .. } => "Lost its beginning",
            Change::Expired { .. } => "Expired",
            Change::Grew { .. } => "Grew",
            Change::New { .. } => "New",
            Change::NotKnown => "Not known",
        }
    }

    /// Worst first.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Change::Vanished { .. } => 0,
            Change::Hole { .. } => 1,
            Change::TailLost { .. } => 2,
            Change::Changed { .. } => 3,
            Change::HeadLost { .. } => 4,
            Change::NotKnown => 5,
            Change::Expired { .. } => 6,
            Change::Grew { .. } => 7,
            Change::New { .. } => 8,
        }
    }

    /// What exactly.
    #[must_use]
    pub fn words(self) -> String {
        let counted = |number: u64| match number {
            1 => "1 message".to_owned(),
            number => format!("{number} messages"),
        };
        let and_added = |added: u64| match added {
            0 => String::new(),
            added => format!(", then {} new", counted(added)),
        };
        match self {
            Change::Vanished { messages } => format!("all {} gone", counted(messages)),
            Change::Hole { lost } => format!("{} gone from the middle", counted(lost)),
            Change::TailLost { lost, added } => {
                format!("the last {} gone{}", counted(lost), and_added(added))
            }
            Change::Changed { messages } => format!("{} differ", counted(messages)),
            Change::HeadLost { lost, added } => {
                format!("the first {} gone{}", counted(lost), and_added(added))
            }
            Change::Expired { messages } => format!("its TTL ended: {}", counted(messages)),
            Change::Grew { added } => format!("{} more", counted(added)),
            Change::New { messages } => counted(messages),
            Change::NotKnown => "it was not read whole at both times".into(),
        }
    }
}

/// One session that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub key: Vec<u8>,
    pub change: Change,
}

/// The difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// In the order of keys.
    pub changed: Vec<Changed>,
    pub unchanged: u64,
    /// Sessions of before that the present look may not have come to: it is not complete.
    pub not_looked_at: u64,
}

impl Diff {
    #[must_use]
    pub fn count(&self, like: Change) -> u64 {
        let same = |changed: &&Changed| changed.change.rank() == like.rank();
        self.changed.iter().filter(same).count() as u64
    }

    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.changed
            .iter()
            .filter_map(|changed| changed.change.severity())
            .max()
    }
}

/// The present look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970.
    pub at_millis: i64,
    /// It saw every key: only then is a missing session gone.
    pub complete: bool,
}

/// Compares; both sides in the order of their keys.
pub fn diff<'a>(
    before: impl Iterator<Item = Entry<'a>>,
    after: impl Iterator<Item = Entry<'a>>,
    now: Now,
) -> Diff {
    let mut diff = Diff::default();
    let (mut before, mut after) = (before.peekable(), after.peekable());
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return diff,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.key.cmp(new.key),
        };
        let old = (order != Ordering::Greater)
            .then(|| before.next())
            .flatten();
        let new = (order != Ordering::Less).then(|| after.next()).flatten();
        let (key, change) = match (old, new) {
            (Some(old), None) => match missing(&old, now) {
                Some(change) => (old.key, change),
                None => {
                    diff.not_looked_at += 1;
                    continue;
                }
            },
            (None, Some(new)) => {
                let messages = new.hashes.len() as u64;
                (new.key, Change::New { messages })
            }
            (Some(old), Some(new)) => match both(&old, &new) {
                Some(change) => (old.key, change),
                None => {
                    diff.unchanged += 1;
                    continue;
                }
            },
            (None, None) => return diff,
        };
        diff.changed.push(Changed {
            key: key.to_vec(),
            change,
        });
    }
}

fn missing(old: &Entry<'_>, now: Now) -> Option<Change> {
    let messages = old.hashes.len() as u64;
    if old.expires_at.is_some_and(|at| at <= now.at_millis) {
        return Some(Change::Expired { messages });
    }
    now.complete.then_some(Change::Vanished { messages })
}

fn both(old: &Entry<'_>, new: &Entry<'_>) -> Option<Change> {
    if !(old.whole && new.whole) {
        return Some(Change::NotKnown);
    }
    if old.layout != new.layout && old.hashes != new.hashes {
        let messages = old.hashes.len() as u64;
        return Some(Change::Changed { messages });
    }
    messages(old.hashes, new.hashes)
}

/// What has become of a list of messages.
fn messages(old: &[u32], new: &[u32]) -> Option<Change> {
    let same = |pair: &(&u32, &u32)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[head..], &new[head..]);
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(same)
        .count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let (lost, added) = (old.len() as u64, new.len() as u64);
    match (lost, added) {
        (0, 0) => None,
        (0, added) if tail == 0 => Some(Change::Grew { added }),
        // Something new in front of what was there before.
        (0, added) => Some(Change::Changed { messages: added }),
        (lost, 0) if tail == 0 => Some(Change::TailLost { lost, added: 0 }),
        (lost, 0) if head == 0 => Some(Change::HeadLost { lost, added: 0 }),
        (lost, 0) => Some(Change::Hole { lost }),
        _ => Some(middle(old, new, head, tail)),
    }
}

/// Both sides differ between what is the same at the beginning and at the end: which of the old are still there?
fn middle(old: &[u32], new: &[u32], head: usize, tail: usize) -> Change {
    let mut there: HashMap<u32, u64> = HashMap::new();
    for hash in new {
        *there.entry(*hash).or_default() += 1;
    }
    let kept: Vec<bool> = old
        .iter()
        .map(|hash| match there.get_mut(hash) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .collect();
    let lost = kept.iter().filter(|kept| !**kept).count() as u64;
    let added = new.len() as u64 + lost - old.len() as u64;
    let first = kept.iter().position(|kept| *kept);
    let last = kept.iter().rposition(|kept| *kept);
    let (Some(first), Some(last)) = (first, last) else {
        return match tail {
            0 if head > 0 || old.len() != new.len() => Change::TailLost { lost, added },
            // As many others in the place of those, with the same around them.
            _ if old.len() <= new.len() => Change::Changed { messages: lost },
            _ if head == 0 => Change::HeadLost { lost, added },
            _ => Change::Hole { lost },
        };
    };
    let lost_in = |range: std::ops::Range<usize>| kept[range].iter().any(|kept| !kept);
    if lost == 0 {
        Change::Changed {
            messages: old.len() as u64,
        }
    } else if lost_in(first..last + 1) || (tail > 0 && lost_in(last + 1..kept.len())) {
        Change::Hole { lost }
    } else if lost_in(last + 1..kept.len()) {
        Change::TailLost { lost, added }
    } else if head == 0 {
        Change::HeadLost { lost, added }
    } else {
        Change::Hole { lost }
    }
}

#[cfg(test)]
mod tests {
    use super::super::inventory::entries;
    use super::super::survey::fixture::survey;
    use super::*;

    #[test]
    fn each_change_of_a_session_has_its_name() {
        let cases: [(&[u32], &[u32], Option<Change>); 14] = [
            (&[1, 2, 3], &[1, 2, 3], None),
            (&[1, 2, 3], &[1, 2, 3, 4], Some(Change::Grew { added: 1 })),
            (
                &[1, 2, 3],
                &[1],
                Some(Change::TailLost { lost: 2, added: 0 }),
            ),
            (
                &[1, 2, 3],
                &[1, 2, 4, 5],
                Some(Change::TailLost { lost: 1, added: 2 }),
            ),
            (&[1, 2, 3], &[1, 3], Some(Change::Hole { lost: 1 })),
            (&[1, 2, 3, 4, 5], &[1, 3, 5], Some(Change::Hole { lost: 2 })),
            (&[1, 2, 3, 4], &[1, 3, 4, 5], Some(Change::Hole { lost: 1 })),
            (
                &[1, 2, 3],
                &[2, 3],
                Some(Change::HeadLost { lost: 1, added: 0 }),
            ),
            (
                &[1, 2, 3],
                &[2, 3, 4],
                Some(Change::HeadLost { lost: 1, added: 1 }),
            ),
            (
                &[1, 2, 3],
                &[1, 9, 3],
                Some(Change::Changed { messages: 1 }),
            ),
            (
                &[1, 2, 3],
                &[1, 3, 2],
                Some(Change::Changed { messages: 2 }),
            ),
            (&[1, 2], &[9, 1, 2], Some(Change::Changed { messages: 1 })),
            (&[1], &[9], Some(Change::Changed { messages: 1 })),
            (&[1, 2], &[], Some(Change::TailLost { lost: 2, added: 0 })),
        ];
        for (old, new, expected) in cases {
            assert_eq!(messages(old, new), expected, "{old:?} to {new:?}");
        }
    }

    #[test]
    fn a_missing_session_is_expired_only_if_its_ttl_says_so() {
        let before = survey(&[
            ("expired", Some(60), &[1, 2]),
            ("kept", None, &[1]),
            ("vanished", Some(86_400), &[1]),
        ]);
        let after = survey(&[("kept", None, &[1]), ("new", None, &[7])]);
        let at_millis = before.began_millis + 61_000;
        let (old, new) = (before.sorted(), after.sorted());
        let look = |complete| {
            diff(
                entries(&before, &old),
                entries(&after, &new),
                Now {
                    at_millis,
                    complete,
                },
            )
        };
        let changes = |diff: &Diff| -> Vec<(String, Change)> {
            let named = diff.changed.iter();
            named
                .map(|changed| {
                    (
                        String::from_utf8(changed.key.clone()).unwrap(),
                        changed.change,
                    )
                })
                .collect()
        };
        let whole = look(true);
        assert_eq!(
            changes(&whole),
            [
                ("expired".into(), Change::Expired { messages: 2 }),
                ("new".into(), Change::New { messages: 1 }),
                ("vanished".into(), Change::Vanished { messages: 1 }),
            ]
        );
        assert_eq!((whole.unchanged, whole.worst()), (1, Some(Severity::Bad)));

        let partial = look(false);
        assert_eq!(partial.not_looked_at, 1);
        assert_eq!(partial.worst(), None);
    }
}
