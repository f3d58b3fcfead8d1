//! One file or folder: its attributes, its last name and, for a file, its bytes.

use std::time::SystemTime;

use super::file::File;
use super::marks;
use super::names::Ino;

/// Owner, mode and times. They survive a cut as they are: no drill asks after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr {
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub accessed: SystemTime,
    pub modified: SystemTime,
    pub changed: SystemTime,
}

impl Attr {
    #[must_use]
    pub fn new(mode: u16, uid: u32, gid: u32) -> Self {
        let never = SystemTime::UNIX_EPOCH;
        Attr {
            mode,
            uid,
            gid,
            accessed: never,
            modified: never,
            changed: never,
        }
    }

    pub(super) fn touch(&mut self, wall: SystemTime) {
        (self.modified, self.changed) = (wall, wall);
    }
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(File),
    Folder,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub attr: Attr,
    /// The folder that it lies or lay in.
    pub parent: Ino,
    pub name: String,
    pub(super) body: Body,
    pub(super) opens: u32,
    /// Deleted or replaced.
    pub(super) unnamed: bool,
    /// Its markers have gone into the sum of those that no image holds any more.
    pub(super) retired: bool,
}

impl Node {
    pub(super) fn folder(parent: Ino, name: String, attr: Attr) -> Self {
        Self::new(parent, name, attr, Body::Folder)
    }

    pub(super) fn file(parent: Ino, name: String, attr: Attr) -> Self {
        let file = File::new(marks::is_log_of_ops(&name).then_some(0));
        Self::new(parent, name, attr, Body::File(file))
    }

    pub(super) fn new(parent: Ino, name: String, attr: Attr, body: Body) -> Self {
        Node {
            attr,
            parent,
            name,
            body,
            opens: 0,
            unnamed: false,
            retired: false,
        }
    }

    #[must_use]
    pub fn is_folder(&self) -> bool {
        matches!(self.body, Body::Folder)
    }

    /// Bytes as written; 0 for a folder.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.as_file().map_or(0, File::size)
    }

    pub(super) fn as_file(&self) -> Option<&File> {
        match &self.body {
            Body::File(file) => Some(file),
            Body::Folder => None,
        }
    }
}
