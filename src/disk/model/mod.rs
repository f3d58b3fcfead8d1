//! What a disk keeps: every file as written and as durable, names likewise, and what a power cut leaves.
//!
//! Pure: no FUSE, no clock, no thread. Times are passed in and never go back; the caller asks for
//! [`Model::tick`] when its time has come. It decides nothing about delays, errors or freezing.

pub mod content;
pub mod file;
mod image;
mod marks;
mod names;
mod node;
mod sync;
mod tails;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use crate::domain::disk::{DiskPlan, Metadata, Tail};
use crate::domain::op::Micros;

pub use image::{Image, ImageEntry};
pub use marks::is_log_of_ops;
pub use names::{Ino, ROOT};
pub use node::{Attr, Node};
pub use sync::{Synced, WrittenBack};

use names::{Change, Names};
use node::Body;

/// Why an operation cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    NoSuchName,
    Exists,
    NotEmpty,
    NotAFolder,
    IsAFolder,
    /// The disk or the model's memory is full.
    NoSpace,
    /// The file was lost by a cut, or deleted and closed.
    Stale,
    /// A folder into itself.
    Invalid,
}

pub type Result<T> = std::result::Result<T, Fail>;

/// What a model needs to know besides the plan.
#[derive(Clone, Debug)]
pub struct Circumstances {
    pub marker: Vec<u8>,
    pub memory_limit_bytes: u64,
    /// See [`crate::disk::MountSpec::neighbours`].
    pub neighbours: bool,
    /// The wall clock at [`Micros`] 0, for the times of files.
    pub epoch: SystemTime,
}

pub struct Model {
    metadata: Metadata,
    tail: Tail,
    write_back: Option<Duration>,
    space_bytes: Option<u64>,
    seed: u64,
    around: Circumstances,
    nodes: HashMap<Ino, Node>,
    names: Names,
    syncs: BTreeMap<u64, sync::Begun>,
    next_sync: u64,
    next_ino: Ino,
    next_tick: Micros,
    /// What was dirty before counts as dirty since then.
    zero: Option<Micros>,
    cuts: u64,
    /// Markers of files that are gone from every image: a base that is durable holds what they held.
    retired_marks: u64,
    /// Bytes of all files that have a name.
    used: u64,
    /// Bytes of memory of all files.
    held: u64,
    over_memory: bool,
}

impl Model {
    /// The kernel's flusher looks every 5 s (vm.dirty_writeback_centisecs = 500), and a journal commits as often
    /// (ext4's `commit=5`).
    pub const TICK: Duration = Duration::from_secs(5);

    #[must_use]
    pub fn new(plan: &DiskPlan, around: Circumstances, root: Attr, now: Micros) -> Self {
        Model {
            metadata: plan.metadata,
            tail: plan.tail,
            write_back: plan.write_back,
            space_bytes: plan.space_bytes,
            seed: plan.seed,
            around,
            nodes: HashMap::from([(ROOT, Node::folder(ROOT, String::new(), root))]),
            names: Names::new(plan.metadata),
            syncs: BTreeMap::new(),
            next_sync: 1,
            next_ino: ROOT + 1,
            next_tick: later(now, Self::TICK),
            zero: None,
            cuts: 0,
            retired_marks: 0,
            used: 0,
            held: 0,
            over_memory: false,
        }
    }

    /// The flusher's clock begins anew, once; false if it had begun.
    pub fn time_begins(&mut self, now: Micros) -> bool {
        if self.zero.is_some() {
            return false;
        }
        self.zero = Some(now);
        self.next_tick = later(now, Self::TICK);
        true
    }

    fn wall(&self, now: Micros) -> SystemTime {
        self.around.epoch + Duration::from_micros(now.0)
    }

    pub fn find(&self, folder: Ino, name: &str) -> Result<Ino> {
        self.names
            .written
            .find(folder, name)
            .ok_or(Fail::NoSuchName)
    }

    pub fn node(&self, ino: Ino) -> Result<&Node> {
        self.nodes.get(&ino).ok_or(Fail::Stale)
    }

    fn node_mut(&mut self, ino: Ino) -> Result<&mut Node> {
        self.nodes.get_mut(&ino).ok_or(Fail::Stale)
    }

    /// Names and numbers in a folder.
    pub fn entries(&self, folder: Ino) -> Result<Vec<(String, Ino)>> {
        if self.node(folder)?.is_folder() {
            Ok(self.names.written.entries(folder))
        } else {
            Err(Fail::NotAFolder)
        }
    }

    /// From the root, without a slash in front; the last one known if the file has no name any more.
    #[must_use]
    pub fn path(&self, ino: Ino) -> String {
        match self.nodes.get(&ino) {
            Some(node) if ino != ROOT => self.join(node.parent, &node.name),
            _ => String::new(),
        }
    }

    #[must_use]
    pub fn join(&self, folder: Ino, name: &str) -> String {
        let mut path = self.path(folder);
        if !path.is_empty() {
            path.push('/');
        }
        path + name
    }

    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    #[must_use]
    pub fn space(&self) -> u64 {
        let memory = self.around.memory_limit_bytes;
        self.space_bytes.map_or(memory, |space| space.min(memory))
    }

    pub fn create(&mut self, folder: Ino, name: &str, mut attr: Attr, now: Micros) -> Result<Ino> {
        attr.touch(self.wall(now));
        self.add(folder, name, Node::file(folder, name.to_owned(), attr), now)
    }

    pub fn make_folder(
        &mut self,
        folder: Ino,
        name: &str,
        mut attr: Attr,
        now: Micros,
    ) -> Result<Ino> {
        attr.touch(self.wall(now));
        self.add(
            folder,
            name,
            Node::folder(folder, name.to_owned(), attr),
            now,
        )
    }

    fn add(&mut self, folder: Ino, name: &str, node: Node, now: Micros) -> Result<Ino> {
        if !self.node(folder)?.is_folder() {
            return Err(Fail::NotAFolder);
        }
        if self.find(folder, name).is_ok() {
            return Err(Fail::Exists);
        }
        let ino = self.next_ino;
        self.next_ino += 1;
        let word = if node.is_folder() {
            self.names.written.add_folder(ino);
            self.names.durable.add_folder(ino);
            "mkdir"
        } else {
            "create"
        };
        self.nodes.insert(ino, node);
        let words = format!("{word} {}", self.join(folder, name));
        let name = name.to_owned();
        self.change(Change::Link { folder, name, ino }, words);
        self.touch(folder, now);
        Ok(ino)
    }

    pub fn unlink(&mut self, folder: Ino, name: &str, now: Micros) -> Result<()> {
        let ino = self.find(folder, name)?;
        if self.node(ino)?.is_folder() {
            return Err(Fail::IsAFolder);
        }
        self.remove(folder, name, ino, "unlink", now);
        Ok(())
    }

    pub fn remove_folder(&mut self, folder: Ino, name: &str, now: Micros) -> Result<()> {
        let ino = self.find(folder, name)?;
        if !self.node(ino)?.is_folder() {
            return Err(Fail::NotAFolder);
        }
        if !self.names.written.is_empty(ino) {
            return Err(Fail::NotEmpty);
        }
        self.remove(folder, name, ino, "rmdir", now);
        Ok(())
    }

    fn remove(&mut self, folder: Ino, name: &str, ino: Ino, word: &str, now: Micros) {
        let words = format!("{word} {}", self.join(folder, name));
        let name = name.to_owned();
        self.unname(ino);
        self.change(Change::Unlink { folder, name, ino }, words);
        self.touch(folder, now);
        self.collect();
    }

    pub fn rename(
        &mut self,
        from: (Ino, &str),
        to: (Ino, &str),
        replace: bool,
        now: Micros,
    ) -> Result<()> {
        let ino = self.find(from.0, from.1)?;
        if !self.node(to.0)?.is_folder() {
            return Err(Fail::NotAFolder);
        }
        let folder = self.node(ino)?.is_folder();
        if folder && self.lies_within(to.0, ino) {
            return Err(Fail::Invalid);
        }
        if let Ok(old) = self.find(to.0, to.1) {
            if old == ino {
                return Ok(());
            }
            let old_is_folder = self.node(old)?.is_folder();
            match (replace, folder, old_is_folder) {
                (false, ..) => return Err(Fail::Exists),
                (_, true, false) => return Err(Fail::NotAFolder),
                (_, false, true) => return Err(Fail::IsAFolder),
                (_, true, true) if !self.names.written.is_empty(old) => return Err(Fail::NotEmpty),
                _ => self.unname(old),
            }
        }
        let words = format!(
            "rename {} to {}",
            self.join(from.0, from.1),
            self.join(to.0, to.1)
        );
        let change = Change::Rename {
            from: (from.0, from.1.to_owned()),
            to: (to.0, to.1.to_owned()),
            ino,
        };
        let node = self.node_mut(ino)?;
        (node.parent, node.name) = (to.0, to.1.to_owned());
        if let Body::File(file) = &mut node.body
            && file.marks_from.is_none()
            && marks::is_log_of_ops(to.1)
        {
            // What a rewrite wrote are ops that were counted before; what is appended from now on are new ones.
            file.marks_from = Some(file.size());
        }
        self.change(change, words);
        self.touch(from.0, now);
        self.touch(to.0, now);
        self.collect();
        Ok(())
    }

    fn lies_within(&self, mut inner: Ino, outer: Ino) -> bool {
        while inner != ROOT {
            if inner == outer {
                return true;
            }
            inner = self.nodes.get(&inner).map_or(ROOT, |node| node.parent);
        }
        false
    }

    /// It has no name any more; what it was may still be durable.
    fn unname(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.unnamed = true;
            if let Body::File(file) = &node.body {
                self.used -= file.size();
            }
        }
    }

    fn touch(&mut self, ino: Ino, now: Micros) {
        let wall = self.wall(now);
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.attr.touch(wall);
        }
    }

    fn change(&mut self, change: Change, words: String) {
        let at_once = self.names.change(change, words);
        self.survived(at_once);
    }

    /// These changes are durable from now on.
    fn survived(&mut self, changes: impl IntoIterator<Item = (u64, Change)>) {
        // A server that meets a full disk truncates thousands of times between two commits: counted once.
        let mut resized = BTreeSet::new();
        for (number, change) in changes {
            if let Change::Resize { ino, size } = change {
                self.with_file(ino, |file, _| file.commit_resize(size, number));
                resized.insert(ino);
            }
        }
        for ino in resized {
            self.with_file(ino, file::File::recount_after_resize);
        }
    }

    /// Changes a file and keeps the sums.
    fn with_file<T>(
        &mut self,
        ino: Ino,
        act: impl FnOnce(&mut file::File, &[u8]) -> T,
    ) -> Option<T> {
        let node = self.nodes.get_mut(&ino)?;
        let Body::File(file) = &mut node.body else {
            return None;
        };
        let (size, held) = (file.size(), file.held());
        let result = act(file, &self.around.marker);
        self.held = self.held - held + file.held();
        if !node.unnamed {
            self.used = self.used - size + file.size();
        }
        Some(result)
    }

    pub fn open(&mut self, ino: Ino) -> Result<()> {
        self.node_mut(ino)?.opens += 1;
        Ok(())
    }

    pub fn close(&mut self, ino: Ino) {
        if let Some(node) = self.nodes.get_mut(&ino) {
            node.opens = node.opens.saturating_sub(1);
            if node.unnamed && node.opens == 0 {
                self.collect();
            }
        }
    }

    pub fn set_attr(&mut self, ino: Ino, change: impl FnOnce(&mut Attr)) -> Result<()> {
        change(&mut self.node_mut(ino)?.attr);
        Ok(())
    }

    pub fn read(&self, ino: Ino, offset: u64, most: u64) -> Result<Vec<u8>> {
        match &self.node(ino)?.body {
            Body::File(file) => Ok(file.written().read(offset, most)),
            Body::Folder => Err(Fail::IsAFolder),
        }
    }

    /// How many bytes went in: fewer than given where the space ends, as on a real disk.
    pub fn write(&mut self, ino: Ino, offset: u64, data: &[u8], now: Micros) -> Result<usize> {
        let Body::File(file) = &self.node(ino)?.body else {
            return Err(Fail::IsAFolder);
        };
        if self.held + data.len() as u64 > self.around.memory_limit_bytes {
            self.over_memory = true;
            return Err(Fail::NoSpace);
        }
        let size = file.size();
        let growth = (offset + data.len() as u64).saturating_sub(size);
        let room = self
            .space_bytes
            .map_or(u64::MAX, |space| space.saturating_sub(self.used));
        let fits = (data.len() as u64).saturating_sub(growth.saturating_sub(room)) as usize;
        if fits == 0 && !data.is_empty() {
            return Err(Fail::NoSpace);
        }
        self.with_file(ino, |file, marker| {
            file.write(offset, &data[..fits], now, marker);
        });
        self.touch(ino, now);
        Ok(fits)
    }

    pub fn truncate(&mut self, ino: Ino, size: u64, now: Micros) -> Result<()> {
        match &self.node(ino)?.body {
            Body::File(file) if file.size() == size => return Ok(()),
            Body::File(_) => {}
            Body::Folder => return Err(Fail::IsAFolder),
        }
        self.with_file(ino, |file, marker| file.resize(size, now, marker));
        self.touch(ino, now);
        let words = format!("truncate {} to {size} bytes", self.path(ino));
        self.change(Change::Resize { ino, size }, words);
        Ok(())
    }

    /// Forgets what nobody can come to any more.
    fn collect(&mut self) {
        let unnamed = self.nodes.iter().filter(|(_, node)| node.unnamed);
        let gone: Vec<Ino> = unnamed
            .map(|(ino, _)| *ino)
            .filter(|ino| !self.names.mentions(*ino))
            .collect();
        for ino in gone {
            let node = self.nodes.get_mut(&ino).expect("it was just found");
            if let Body::File(file) = &node.body {
                if !node.retired {
                    node.retired = true;
                    self.retired_marks += file.marks();
                }
                if node.opens > 0 || file.is_syncing() {
                    continue;
                }
                self.held -= file.held();
            }
            self.nodes.remove(&ino);
            self.names.forget(ino);
        }
    }
}

fn later(at: Micros, by: Duration) -> Micros {
    Micros(at.0.saturating_add(by.as_micros() as u64))
}

#[cfg(test)]
mod tests;
