//! Becoming durable: fsync, the kernel's write-back, and the journal's commits.

use super::names::Ino;
use super::{Fail, Model, Result, later};
use crate::domain::disk::{Metadata, Tail};
use crate::domain::op::Micros;

/// An fsync that has begun and not returned.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    ino: Ino,
    /// Changes of names up to here come along.
    position: u64,
    /// Sizes that the commit takes along, of files whose bytes it does not.
    sizes: Vec<(Ino, u64)>,
}

/// What an fsync has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Bytes that are durable and were not before.
    pub bytes: u64,
    /// Names and sizes that are.
    pub names: usize,
}

/// What the flusher has made durable by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenBack {
    pub ino: Ino,
    pub bytes: u64,
}

impl Model {
    /// What is written now begins to become durable; it is when [`Model::end_sync`] is called.
    pub fn begin_sync(&mut self, ino: Ino) -> Result<u64> {
        self.node(ino)?;
        let id = self.next_sync;
        self.next_sync += 1;
        let position = self.names.position();
        let begun = Begun {
            ino,
            position,
            sizes: self.sizes(),
        };
        self.syncs.insert(id, begun);
        self.with_file(ino, |file, _| file.begin_sync(id, position));
        Ok(id)
    }

    /// The fsync returns.
    pub fn end_sync(&mut self, id: u64) -> Result<Synced> {
        let begun = self.syncs.remove(&id).ok_or(Fail::Stale)?;
        let changes = self.names.commit(begun.ino, begun.position);
        let names = changes.len();
        self.survived(changes);
        let bytes = self.with_file(begun.ino, |file, marker| file.end_sync(id, marker));
        self.take_sizes(begun.sizes);
        if names > 0 || self.node(begun.ino).is_ok_and(|node| node.unnamed) {
            self.collect();
        }
        Ok(Synced {
            bytes: bytes.unwrap_or_default(),
            names,
        })
    }

    /// The fsync returns an error: nothing became durable, and the kernel takes the file's pages for clean.
    pub fn fail_sync(&mut self, id: u64) {
        if let Some(begun) = self.syncs.remove(&id) {
            self.with_file(begun.ino, |file, _| file.fail_sync(id));
        }
    }

    /// The fsync never happened.
    pub fn cancel_sync(&mut self, id: u64) {
        if let Some(begun) = self.syncs.remove(&id) {
            self.with_file(begun.ino, |file, _| file.cancel_sync(id));
        }
    }

    /// When [`Model::tick`] is due; `None` if nothing becomes durable by itself.
    #[must_use]
    pub fn next_tick(&self) -> Option<Micros> {
        self.write_back.map(|_| self.next_tick)
    }

    /// The flusher's turn: files that have been dirty for the plan's time become durable, all of each, and the
    /// journal commits.
    pub fn tick(&mut self, now: Micros) -> Vec<WrittenBack> {
        let Some(age) = self.write_back.filter(|_| now >= self.next_tick) else {
            return Vec::new();
        };
        while self.next_tick <= now {
            self.next_tick = later(self.next_tick, Self::TICK);
        }
        let zero = self.zero.unwrap_or(Micros(0));
        let files = self.nodes.iter();
        let mut old: Vec<Ino> = files
            .filter_map(|(ino, node)| Some((*ino, node.as_file()?.dirty_since()?)))
            .filter(|(_, since)| later((*since).max(zero), age) <= now)
            .map(|(ino, _)| ino)
            .collect();
        old.sort_unstable();
        let sizes = self.sizes();
        let changes = self.names.commit_by_itself();
        self.survived(changes);
        self.take_sizes(sizes);
        let mut done = Vec::new();
        for ino in old {
            let id = self.next_sync;
            self.next_sync += 1;
            let position = self.names.position();
            let bytes = self.with_file(ino, |file, marker| {
                file.begin_sync(id, position);
                file.end_sync(id, marker)
            });
            let bytes = bytes.unwrap_or_default();
            done.push(WrittenBack { ino, bytes });
        }
        self.collect();
        done
    }

    /// Sizes as a journal commit at this instant takes them; only the ext4 tail without neighbours asks.
    fn sizes(&self) -> Vec<(Ino, u64)> {
        if self.tail != Tail::Ext4 || self.around.neighbours || self.metadata == Metadata::Strict {
            return Vec::new();
        }
        let files = self.nodes.iter();
        files
            .filter_map(|(ino, node)| Some((*ino, node.as_file()?.size())))
            .collect()
    }

    fn take_sizes(&mut self, sizes: Vec<(Ino, u64)>) {
        for (ino, size) in sizes {
            self.with_file(ino, |file, _| file.committed_size = size);
        }
    }
}
