//! One request of the kernel that a frozen disk holds: what it asks, how it is done, how it is refused.
//!
//! It decides nothing about freezing: that is the gate's.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, FopenFlags, Generation, INodeNo, ReplyAttr, ReplyCreate,
    ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite,
};
use serde_json::json;

use super::gate::State;
use super::model::{Attr, Fail, Ino, Node};
use crate::domain::disk::FileOp;
use crate::domain::op::Micros;

/// Nothing is cached: after a cut, names and sizes are others.
pub const NO_CACHE: Duration = Duration::ZERO;
const GENERATION: Generation = Generation(0);

/// An answer that is ready to be sent.
pub type Answer = Box<dyn FnOnce() + Send>;

/// New attributes; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub size: Option<u64>,
    pub accessed: Option<SystemTime>,
    pub modified: Option<SystemTime>,
}

pub enum Act<'a> {
    Write {
        ino: Ino,
        offset: u64,
        data: Cow<'a, [u8]>,
        reply: ReplyWrite,
    },
    Fsync {
        ino: Ino,
        reply: ReplyEmpty,
    },
    Create {
        folder: Ino,
        name: String,
        attr: Attr,
        open: FopenFlags,
        reply: ReplyCreate,
    },
    MakeFolder {
        folder: Ino,
        name: String,
        attr: Attr,
        reply: ReplyEntry,
    },
    Unlink {
        folder: Ino,
        name: String,
        reply: ReplyEmpty,
    },
    RemoveFolder {
        folder: Ino,
        name: String,
        reply: ReplyEmpty,
    },
    Rename {
        from: (Ino, String),
        to: (Ino, String),
        replace: bool,
        reply: ReplyEmpty,
    },
    Set {
        ino: Ino,
        wanted: Wanted,
        reply: ReplyAttr,
    },
    Open {
        ino: Ino,
        open: FopenFlags,
        reply: ReplyOpen,
    },
    Read {
        ino: Ino,
        offset: u64,
        most: u64,
        reply: ReplyData,
    },
}

pub struct Request<'a> {
    pub pid: u32,
    pub act: Act<'a>,
}

/// What moments and errors are tied to.
pub struct Asked {
    pub op: FileOp,
    /// The name without its folder; of a rename the new one.
    pub name: String,
}

impl Request<'_> {
    /// For keeping: the bytes of a write leave the kernel's buffer.
    pub fn into_owned(self) -> Request<'static> {
        let act = match self.act {
            Act::Write {
                ino,
                offset,
                data,
                reply,
            } => Act::Write {
                ino,
                offset,
                data: Cow::Owned(data.into_owned()),
                reply,
            },
            Act::Fsync { ino, reply } => Act::Fsync { ino, reply },
            Act::Create {
                folder,
                name,
                attr,
                open,
                reply,
            } => Act::Create {
                folder,
                name,
                attr,
                open,
                reply,
            },
            Act::MakeFolder {
                folder,
                name,
                attr,
                reply,
            } => Act::MakeFolder {
                folder,
                name,
                attr,
                reply,
            },
            Act::Unlink {
                folder,
                name,
                reply,
            } => Act::Unlink {
                folder,
                name,
                reply,
            },
            Act::RemoveFolder {
                folder,
                name,
                reply,
            } => Act::RemoveFolder {
                folder,
                name,
                reply,
            },
            Act::Rename {
                from,
                to,
                replace,
                reply,
            } => Act::Rename {
                from,
                to,
                replace,
                reply,
            },
            Act::Set { ino, wanted, reply } => Act::Set { ino, wanted, reply },
            Act::Open { ino, open, reply } => Act::Open { ino, open, reply },
            Act::Read {
                ino,
                offset,
                most,
                reply,
            } => Act::Read {
                ino,
                offset,
                most,
                reply,
            },
        };
        Request { pid: self.pid, act }
    }

    /// What a moment or an error of the plan would have to name to mean it; `None` for what they cannot name.
    pub fn asked(&self, state: &State) -> Option<Asked> {
        let of = |ino: &Ino| {
            let node = state.model.node(*ino);
            node.map_or_else(|_| String::new(), |node| node.name.clone())
        };
        let (op, name) = match &self.act {
            Act::Write { ino, .. } => (FileOp::Write, of(ino)),
            Act::Fsync { ino, .. } => (FileOp::Fsync, of(ino)),
            Act::Create { name, .. } => (FileOp::Create, name.clone()),
            Act::Unlink { name, .. } => (FileOp::Unlink, name.clone()),
            Act::Rename { to, .. } => (FileOp::Rename, to.1.clone()),
            Act::Set { ino, wanted, .. } if wanted.size.is_some() => (FileOp::Truncate, of(ino)),
            _ => return None,
        };
        Some(Asked { op, name })
    }

    /// The path and the words that a log line and a struck moment show.
    pub fn words(&self, state: &State) -> (String, String) {
        let model = &state.model;
        let (path, what) = match &self.act {
            Act::Write {
                ino, offset, data, ..
            } => (
                model.path(*ino),
                format!("write of {} bytes at {offset} to", data.len()),
            ),
            Act::Fsync { ino, .. } => (model.path(*ino), "fsync of".to_owned()),
            Act::Create { folder, name, .. } => (model.join(*folder, name), "create".to_owned()),
            Act::MakeFolder { folder, name, .. } => (model.join(*folder, name), "mkdir".to_owned()),
            Act::Unlink { folder, name, .. } => (model.join(*folder, name), "unlink".to_owned()),
            Act::RemoveFolder { folder, name, .. } => {
                (model.join(*folder, name), "rmdir".to_owned())
            }
            Act::Rename { from, to, .. } => (
                model.join(to.0, &to.1),
                format!("rename {} to", model.join(from.0, &from.1)),
            ),
            Act::Set { ino, wanted, .. } => (
                model.path(*ino),
                match wanted.size {
                    Some(size) => format!("truncate to {size} bytes of"),
                    None => "change of attributes of".to_owned(),
                },
            ),
            Act::Open { ino, .. } => (model.path(*ino), "open".to_owned()),
            Act::Read { ino, .. } => (model.path(*ino), "read of".to_owned()),
        };
        let words = format!("{what} {path} by pid {}", self.pid);
        (path, words)
    }

    /// Fails without effect.
    pub fn refuse(self, errno: Errno) {
        match self.act {
            Act::Write { reply, .. } => reply.error(errno),
            Act::Create { reply, .. } => reply.error(errno),
            Act::MakeFolder { reply, .. } => reply.error(errno),
            Act::Fsync { reply, .. }
            | Act::Unlink { reply, .. }
            | Act::RemoveFolder { reply, .. }
            | Act::Rename { reply, .. } => reply.error(errno),
            Act::Set { reply, .. } => reply.error(errno),
            Act::Open { reply, .. } => reply.error(errno),
            Act::Read { reply, .. } => reply.error(errno),
        }
    }

    /// Does it. An fsync is not done here: it takes its time, and the gate waits for it.
    pub fn perform(self, state: &mut State, now: Micros) -> Answer {
        let (path, pid) = match &self.act {
            // Too many for a path each.
            Act::Write { .. } | Act::Read { .. } | Act::Open { .. } => (String::new(), self.pid),
            _ => (self.words(state).0, self.pid),
        };
        let note = |state: &mut State, op: &str, done: bool, more: serde_json::Value| {
            if done {
                let mut line = json!({ "file": path, "pid": pid });
                if let (Some(line), serde_json::Value::Object(more)) = (line.as_object_mut(), more)
                {
                    line.extend(more);
                }
                state.log.note(now, op, line);
            }
        };
        match self.act {
            Act::Write {
                ino,
                offset,
                data,
                reply,
            } => {
                let done = state.model.write(ino, offset, &data, now);
                match done {
                    Ok(bytes) => {
                        let State { log, model, .. } = state;
                        log.write(ino, || model.path(ino), pid, bytes as u64, now);
                        Box::new(move || reply.written(bytes as u32))
                    }
                    Err(fail) => {
                        let path = state.model.path(ino);
                        let more = json!({ "file": path, "pid": pid, "error": format!("{fail:?}"), "bytes": data.len() });
                        state.log.note(now, "write", more);
                        Box::new(move || reply.error(errno(fail)))
                    }
                }
            }
            Act::Fsync { reply, .. } => Box::new(move || reply.error(Errno::EIO)),
            Act::Create {
                folder,
                name,
                attr,
                open,
                reply,
            } => {
                let done = state.model.create(folder, &name, attr, now);
                note(state, "create", done.is_ok(), json!({}));
                match done.and_then(|ino| Ok((state.model.open(ino)?, ino)).map(|(_, ino)| ino)) {
                    Ok(ino) => {
                        let attr = shown(ino, state);
                        Box::new(move || {
                            reply.created(&NO_CACHE, &attr, GENERATION, FileHandle(0), open);
                        })
                    }
                    Err(fail) => Box::new(move || reply.error(errno(fail))),
                }
            }
            Act::MakeFolder {
                folder,
                name,
                attr,
                reply,
            } => {
                let done = state.model.make_folder(folder, &name, attr, now);
                note(state, "mkdir", done.is_ok(), json!({}));
                match done {
                    Ok(ino) => {
                        let attr = shown(ino, state);
                        Box::new(move || reply.entry(&NO_CACHE, &attr, GENERATION))
                    }
                    Err(fail) => Box::new(move || reply.error(errno(fail))),
                }
            }
            Act::Unlink {
                folder,
                name,
                reply,
            } => {
                let done = state.model.unlink(folder, &name, now);
                note(state, "unlink", done.is_ok(), json!({}));
                empty(reply, done)
            }
            Act::RemoveFolder {
                folder,
                name,
                reply,
            } => {
                let done = state.model.remove_folder(folder, &name, now);
                note(state, "rmdir", done.is_ok(), json!({}));
                empty(reply, done)
            }
            Act::Rename {
                from,
                to,
                replace,
                reply,
            } => {
                let old = state.model.join(from.0, &from.1);
                let done = state
                    .model
                    .rename((from.0, &from.1), (to.0, &to.1), replace, now);
                note(state, "rename", done.is_ok(), json!({ "from": old }));
                empty(reply, done)
            }
            Act::Set { ino, wanted, reply } => {
                let done = set(state, ino, &wanted, now);
                if let Some(size) = wanted.size {
                    note(state, "truncate", done.is_ok(), json!({ "bytes": size }));
                }
                match done {
                    Ok(()) => {
                        let attr = shown(ino, state);
                        Box::new(move || reply.attr(&NO_CACHE, &attr))
                    }
                    Err(fail) => Box::new(move || reply.error(errno(fail))),
                }
            }
            Act::Open { ino, open, reply } => match state.model.open(ino) {
                Ok(()) => Box::new(move || reply.opened(FileHandle(0), open)),
                Err(fail) => Box::new(move || reply.error(errno(fail))),
            },
            Act::Read {
                ino,
                offset,
                most,
                reply,
            } => match state.model.read(ino, offset, most) {
                Ok(data) => Box::new(move || reply.data(&data)),
                Err(fail) => Box::new(move || reply.error(errno(fail))),
            },
        }
    }
}

fn empty(reply: ReplyEmpty, done: Result<(), Fail>) -> Answer {
    Box::new(move || match done {
        Ok(()) => reply.ok(),
        Err(fail) => reply.error(errno(fail)),
    })
}

fn set(state: &mut State, ino: Ino, wanted: &Wanted, now: Micros) -> Result<(), Fail> {
    if let Some(size) = wanted.size {
        state.model.truncate(ino, size, now)?;
    }
    state.model.set_attr(ino, |attr| {
        attr.mode = wanted.mode.map_or(attr.mode, |mode| (mode & 0o7777) as u16);
        attr.uid = wanted.uid.unwrap_or(attr.uid);
        attr.gid = wanted.gid.unwrap_or(attr.gid);
        attr.accessed = wanted.accessed.unwrap_or(attr.accessed);
        attr.modified = wanted.modified.unwrap_or(attr.modified);
    })
}

/// Attributes as the kernel wants them; of the root where the node is gone, which no caller lets happen.
fn shown(ino: Ino, state: &State) -> FileAttr {
    let node = state
        .model
        .node(ino)
        .or_else(|_| state.model.node(super::model::ROOT));
    attr_of(ino, node.expect("the root is always there"))
}

pub fn attr_of(ino: Ino, node: &Node) -> FileAttr {
    let (kind, links) = if node.is_folder() {
        (FileType::Directory, 2)
    } else {
        (FileType::RegularFile, 1)
    };
    FileAttr {
        ino: INodeNo(ino),
        size: node.size(),
        blocks: node.size().div_ceil(512),
        atime: node.attr.accessed,
        mtime: node.attr.modified,
        ctime: node.attr.changed,
        crtime: SystemTime::UNIX_EPOCH,
        kind,
        perm: node.attr.mode,
        nlink: links,
        uid: node.attr.uid,
        gid: node.attr.gid,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

pub fn errno(fail: Fail) -> Errno {
    match fail {
        Fail::NoSuchName => Errno::ENOENT,
        Fail::Exists => Errno::EEXIST,
        Fail::NotEmpty => Errno::ENOTEMPTY,
        Fail::NotAFolder => Errno::ENOTDIR,
        Fail::IsAFolder => Errno::EISDIR,
        Fail::NoSpace => Errno::ENOSPC,
        Fail::Stale => Errno::ESTALE,
        Fail::Invalid => Errno::EINVAL,
    }
}
