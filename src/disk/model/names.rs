//! Names: which file lies under which name in which folder, once as written and once as durable, and the
//! journal of the changes between the two.
//!
//! It knows inode numbers and sizes, but no bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::disk::Metadata;

/// Number of a file or folder on one mount; the root is [`ROOT`].
pub type Ino = u64;
pub const ROOT: Ino = 1;

/// One image of the tree.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    folders: HashMap<Ino, BTreeMap<String, Ino>>,
}

impl Tree {
    #[must_use]
    pub fn find(&self, folder: Ino, name: &str) -> Option<Ino> {
        self.folders.get(&folder)?.get(name).copied()
    }

    pub fn is_folder(&self, ino: Ino) -> bool {
        self.folders.contains_key(&ino)
    }

    #[must_use]
    pub fn entries(&self, folder: Ino) -> Vec<(String, Ino)> {
        let entries = self.folders.get(&folder).into_iter().flatten();
        entries.map(|(name, ino)| (name.clone(), *ino)).collect()
    }

    pub fn is_empty(&self, folder: Ino) -> bool {
        self.folders.get(&folder).is_none_or(BTreeMap::is_empty)
    }

    pub fn add_folder(&mut self, ino: Ino) {
        self.folders.entry(ino).or_default();
    }

    fn forget_folder(&mut self, ino: Ino) {
        self.folders.remove(&ino);
    }

    /// Everything that can be reached from the root, with its path: folders before what they hold.
    #[must_use]
    pub fn paths(&self) -> Vec<(String, Ino)> {
        let (mut out, mut seen) = (Vec::new(), BTreeSet::from([ROOT]));
        let mut open = vec![(String::new(), ROOT)];
        while let Some((prefix, folder)) = open.pop() {
            for (name, ino) in self.folders.get(&folder).into_iter().flatten() {
                let path = format!("{prefix}{name}");
                // A folder that was moved may, by the worst case of POSIX, stand under both names.
                if self.is_folder(*ino) && seen.insert(*ino) {
                    open.push((format!("{path}/"), *ino));
                }
                out.push((path, *ino));
            }
        }
        out.sort();
        out
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Link { folder, name, ino } => {
                self.folders
                    .entry(*folder)
                    .or_default()
                    .insert(name.clone(), *ino);
            }
            Change::Unlink { folder, name, ino } => {
                let names = self.folders.entry(*folder).or_default();
                if names.get(name) == Some(ino) {
                    names.remove(name);
                }
            }
            Change::Rename { from, to, ino } => {
                let old = Change::Unlink {
                    folder: from.0,
                    name: from.1.clone(),
                    ino: *ino,
                };
                self.apply(&old);
                let names = self.folders.entry(to.0).or_default();
                names.insert(to.1.clone(), *ino);
            }
            Change::Resize { .. } => {}
        }
    }
}

/// What can be done to names, and to a size without an fsync of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Link {
        folder: Ino,
        name: String,
        ino: Ino,
    },
    Unlink {
        folder: Ino,
        name: String,
        ino: Ino,
    },
    Rename {
        from: (Ino, String),
        to: (Ino, String),
        ino: Ino,
    },
    Resize {
        ino: Ino,
        size: u64,
    },
}

impl Change {
    fn mentions(&self, wanted: Ino) -> bool {
        let (Change::Link { ino, .. }
        | Change::Unlink { ino, .. }
        | Change::Rename { ino, .. }
        | Change::Resize { ino, .. }) = self;
        *ino == wanted
    }

    /// What an fsync of `synced` makes of it in the worst case that POSIX allows: what survives now, and what is
    /// left to survive later.
    fn split(self, synced: Ino) -> (Option<Change>, Option<Change>) {
        match &self {
            Change::Link { folder, .. } | Change::Unlink { folder, .. } if *folder == synced => {
                (Some(self), None)
            }
            Change::Resize { ino, .. } if *ino == synced => (Some(self), None),
            Change::Rename { from, to, .. } if from.0 == synced && to.0 == synced => {
                (Some(self), None)
            }
            Change::Rename { from, to, ino } if from.0 == synced || to.0 == synced => {
                let old = Change::Unlink {
                    folder: from.0,
                    name: from.1.clone(),
                    ino: *ino,
                };
                let new = Change::Link {
                    folder: to.0,
                    name: to.1.clone(),
                    ino: *ino,
                };
                if from.0 == synced {
                    (Some(old), Some(new))
                } else {
                    (Some(new), Some(old))
                }
            }
            _ => (None, Some(self)),
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    number: u64,
    change: Change,
    /// For people, in the log's words.
    words: String,
}

/// Both trees and what lies between them.
#[derive(Clone, Debug)]
pub struct Names {
    metadata: Metadata,
    pub written: Tree,
    pub durable: Tree,
    journal: Vec<Entry>,
    next: u64,
}

impl Names {
    #[must_use]
    pub fn new(metadata: Metadata) -> Self {
        let mut tree = Tree::default();
        tree.add_folder(ROOT);
        Names {
            metadata,
            written: tree.clone(),
            durable: tree,
            journal: Vec::new(),
            next: 0,
        }
    }

    /// Performs a change. Returns it with its number if it survives at once.
    pub fn change(&mut self, change: Change, words: String) -> Option<(u64, Change)> {
        self.written.apply(&change);
        self.next += 1;
        if self.metadata == Metadata::Sync {
            self.durable.apply(&change);
            return Some((self.next, change));
        }
        self.journal.push(Entry {
            number: self.next,
            change,
            words,
        });
        None
    }

    /// A change that is durable from the first, as after a cut.
    pub fn settle(&mut self, change: &Change) {
        self.written.apply(change);
        self.durable.apply(change);
    }

    /// Where the journal stands: changes up to here are covered by an fsync that begins now.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.next
    }

    /// An fsync of `synced` that began at `position` has returned: what survives from now on,
    /// with the number of each change.
    pub fn commit(&mut self, synced: Ino, position: u64) -> Vec<(u64, Change)> {
        if self.journal.is_empty() {
            return Vec::new();
        }
        let (mut done, mut left) = (Vec::new(), Vec::new());
        for entry in std::mem::take(&mut self.journal) {
            if entry.number > position {
                left.push(entry);
                continue;
            }
            let (now, later) = match self.metadata {
                Metadata::Strict => entry.change.split(synced),
                Metadata::Sync | Metadata::Ordered => (Some(entry.change), None),
            };
            if let Some(change) = now {
                self.durable.apply(&change);
                done.push((entry.number, change));
            }
            if let Some(change) = later {
                left.push(Entry { change, ..entry });
            }
        }
        self.journal = left;
        done
    }

    /// The journal commits by itself, as ext4's and XFS's do; in the worst case of POSIX it never does.
    pub fn commit_by_itself(&mut self) -> Vec<(u64, Change)> {
        if self.metadata == Metadata::Strict {
            return Vec::new();
        }
        self.commit(ROOT, self.next)
    }

    /// What a cut at this instant undoes, in its order.
    #[must_use]
    pub fn undone(&self) -> Vec<String> {
        let mut words: Vec<String> = self
            .journal
            .iter()
            .map(|entry| entry.words.clone())
            .collect();
        words.dedup();
        words
    }

    /// Whether any image or change still speaks of it.
    #[must_use]
    pub fn mentions(&self, ino: Ino) -> bool {
        let in_tree = |tree: &Tree| {
            tree.folders
                .values()
                .any(|names| names.values().any(|one| *one == ino))
        };
        ino == ROOT
            || in_tree(&self.written)
            || in_tree(&self.durable)
            || self.journal.iter().any(|entry| entry.change.mentions(ino))
    }

    pub fn forget(&mut self, ino: Ino) {
        self.written.forget_folder(ino);
        self.durable.forget_folder(ino);
    }
}
