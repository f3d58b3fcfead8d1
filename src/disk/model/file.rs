//! One file: what was written, and the views of it that an fsync has made or is making durable.
//!
//! A view is what the file was at one instant, told by its difference from what is written now: appending
//! costs nothing, overwriting keeps the old page. It knows nothing of names or of other files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::content::Content;
use super::marks;
use crate::domain::op::Micros;

/// The unit of the page cache and the block size of ext4, in bytes.
pub const PAGE: u64 = 4096;

/// The file as it was at one instant.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub size: u64,
    /// From here to `size` the view is zeros: a truncate that extended it made its size, nobody its bytes.
    pub data_end: u64,
    /// Pages that differ from what is written now.
    pub kept: BTreeMap<u64, Vec<u8>>,
    /// Markers in it.
    pub marks: u64,
}

impl View {
    /// A truncate becomes part of this view.
    fn resize(&mut self, size: u64) {
        self.data_end = self.data_end.min(size);
        self.size = size;
        self.kept.retain(|page, _| page * PAGE < size);
        if let Some((page, bytes)) = self.kept.iter_mut().next_back() {
            bytes.truncate((size - page * PAGE) as usize);
        }
    }
}

/// An fsync that has begun and not returned.
#[derive(Clone, Debug)]
struct Syncing {
    id: u64,
    /// Where the journal of names and sizes stood at its beginning.
    position: u64,
    view: View,
    dirty_since: Option<Micros>,
}

#[derive(Clone, Debug, Default)]
pub struct File {
    written: Content,
    durable: View,
    /// In the order of their beginnings.
    syncing: Vec<Syncing>,
    /// The latest beginning among the fsyncs that have returned.
    latest: u64,
    dirty_since: Option<Micros>,
    /// Pages that a failed fsync has given up: the kernel marks them clean, and no later fsync writes them
    /// unless they are written to again.
    given_up: BTreeSet<u64>,
    /// Markers count from this offset on; `None` nowhere.
    pub marks_from: Option<u64>,
    marks: u64,
    /// The size at the last commit of anybody's, as ext4 has it in its journal.
    pub committed_size: u64,
}

impl File {
    /// An empty file.
    #[must_use]
    pub fn new(marks_from: Option<u64>) -> Self {
        File {
            marks_from,
            ..File::default()
        }
    }

    /// A file of which everything is durable.
    #[must_use]
    pub fn durable_as(content: Content, marks_from: Option<u64>, marker: &[u8]) -> Self {
        let mut file = File {
            durable: View {
                size: content.len(),
                data_end: content.len(),
                ..View::default()
            },
            committed_size: content.len(),
            written: content,
            marks_from,
            ..File::default()
        };
        file.marks = file.marks_in(0..file.size(), marker);
        file.durable.marks = file.marks;
        file
    }

    #[must_use]
    pub fn written(&self) -> &Content {
        &self.written
    }

    #[must_use]
    pub fn durable(&self) -> &View {
        &self.durable
    }

    #[must_use]
    pub fn size(&self) -> u64 {
        self.written.len()
    }

    #[must_use]
    pub fn marks(&self) -> u64 {
        self.marks
    }

    #[must_use]
    pub fn dirty_since(&self) -> Option<Micros> {
        self.dirty_since
    }

    #[must_use]
    pub fn is_syncing(&self) -> bool {
        !self.syncing.is_empty()
    }

    /// Bytes of memory, about.
    #[must_use]
    pub fn held(&self) -> u64 {
        let views = self.syncing.iter().map(|one| &one.view);
        let kept: usize = views
            .chain([&self.durable])
            .map(|view| view.kept.len())
            .sum();
        self.written.held() + kept as u64 * PAGE
    }

    pub fn write(&mut self, offset: u64, data: &[u8], now: Micros, marker: &[u8]) {
        let end = offset + data.len() as u64;
        self.keep(offset.min(self.size())..end);
        let near = self.around(offset..end, marker);
        let before = self.marks_in(near.clone(), marker);
        self.written.write(offset, data);
        self.marks = self.marks + self.marks_in(near, marker) - before;
        self.touch(now);
        if !self.given_up.is_empty() {
            for page in offset / PAGE..end.div_ceil(PAGE) {
                self.given_up.remove(&page);
            }
        }
    }

    pub fn resize(&mut self, size: u64, now: Micros, marker: &[u8]) {
        if size < self.size() {
            let gone = size..self.size();
            self.keep(gone.clone());
            let gone = self.around(gone, marker);
            self.marks -= self.marks_in(gone, marker);
        }
        self.written.resize(size);
        self.touch(now);
    }

    fn touch(&mut self, now: Micros) {
        self.dirty_since = self.dirty_since.or(Some(now));
    }

    /// Saves what the views need of a range that is about to change.
    fn keep(&mut self, range: Range<u64>) {
        let syncing = self.syncing.iter_mut().map(|one| &mut one.view);
        for view in syncing.chain([&mut self.durable]) {
            let end = range.end.min(view.data_end);
            if range.start >= end {
                continue;
            }
            for page in range.start / PAGE..end.div_ceil(PAGE) {
                let written = &self.written;
                view.kept
                    .entry(page)
                    .or_insert_with(|| written.read(page * PAGE, PAGE));
            }
        }
    }

    /// Where a marker can stand that touches `range`.
    fn around(&self, range: Range<u64>, marker: &[u8]) -> Range<u64> {
        let reach = marker.len().saturating_sub(1) as u64;
        let least = self.marks_from.unwrap_or_default();
        range.start.saturating_sub(reach).max(least)..range.end + reach
    }

    fn marks_in(&self, range: Range<u64>, marker: &[u8]) -> u64 {
        // Before an append there are fewer bytes than a marker has.
        let there = self.size().min(range.end).saturating_sub(range.start);
        if self.marks_from.is_none() || there < marker.len() as u64 {
            return 0;
        }
        marks::count(&self.written.read(range.start, there), marker)
    }

    /// What is written now begins to become durable; `position` is where the journal stands.
    pub fn begin_sync(&mut self, id: u64, position: u64) {
        let mut view = View {
            size: self.size(),
            data_end: self.size(),
            kept: BTreeMap::new(),
            marks: self.marks,
        };
        for page in &self.given_up {
            view.kept.insert(*page, self.durable_page(*page));
        }
        let dirty_since = self.dirty_since.take();
        self.syncing.push(Syncing {
            id,
            position,
            view,
            dirty_since,
        });
    }

    /// The fsync returns: its view is durable from now on. Returns how many bytes were added or changed, about.
    pub fn end_sync(&mut self, id: u64, marker: &[u8]) -> u64 {
        let Some(one) = self.take_sync(id) else {
            return 0;
        };
        // A later one has already returned: what it has made durable is not undone.
        if id < self.latest {
            return 0;
        }
        self.latest = id;
        let added = one.view.data_end.saturating_sub(self.durable.data_end);
        self.durable = one.view;
        if !self.durable.kept.is_empty() && self.marks_from.is_some() {
            self.recount_durable(marker);
        }
        added
    }

    /// The fsync fails: the kernel takes the pages for clean all the same.
    pub fn fail_sync(&mut self, id: u64) {
        if let Some(one) = self.take_sync(id)
            && one.dirty_since.is_some()
        {
            let durable = self.durable.data_end / PAGE;
            let changed = self.durable.kept.keys().copied();
            self.given_up
                .extend(changed.chain(durable..one.view.size.div_ceil(PAGE)));
        }
    }

    /// The fsync never happened.
    pub fn cancel_sync(&mut self, id: u64) {
        if let Some(one) = self.take_sync(id) {
            self.dirty_since = one.dirty_since.or(self.dirty_since);
        }
    }

    fn take_sync(&mut self, id: u64) -> Option<Syncing> {
        let at = self.syncing.iter().position(|one| one.id == id)?;
        Some(self.syncing.remove(at))
    }

    /// The truncate of this number in the journal survives from now on, also where an fsync that began before it
    /// returns later. One that began after it has it in its view, and what was written since. Markers are to be
    /// counted again after the last one.
    pub fn commit_resize(&mut self, size: u64, number: u64) {
        self.durable.resize(size);
        for one in &mut self.syncing {
            if one.position < number {
                one.view.resize(size);
            }
        }
    }

    /// See [`File::commit_resize`].
    pub fn recount_after_resize(&mut self, marker: &[u8]) {
        if self.marks_from.is_some() {
            self.recount_durable(marker);
        }
    }

    fn recount_durable(&mut self, marker: &[u8]) {
        let from = self.marks_from.unwrap_or_default();
        self.durable.marks = marks::count(&self.durable_content().read(from, u64::MAX), marker);
    }

    fn durable_page(&self, page: u64) -> Vec<u8> {
        let view = &self.durable;
        if let Some(bytes) = view.kept.get(&page) {
            return bytes.clone();
        }
        let start = page * PAGE;
        self.written
            .read(start, view.data_end.saturating_sub(start).min(PAGE))
    }

    /// The durable view as bytes of its own.
    #[must_use]
    pub fn durable_content(&self) -> Content {
        let view = &self.durable;
        let mut content = self.written.clone();
        content.resize(view.size);
        for (page, bytes) in &view.kept {
            let start = page * PAGE;
            let room = view.size.saturating_sub(start).min(PAGE);
            let mut bytes = bytes.clone();
            // A page that was short when it was kept is zeros behind its end.
            bytes.resize(room as usize, 0);
            content.write(start, &bytes);
        }
        content.zero_from(view.data_end);
        content
    }
}
