//! Between the kernel and the gate: requests in, answers out.
//!
//! Looking (lookup, getattr, readdir) is answered even while the disk is frozen, so that nobody who merely passes
//! by hangs; whatever changes, syncs, opens or reads a file goes through the gate.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, Errno, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, TimeOrNow, WriteFlags,
};

use super::gate::Gate;
use super::model::{Attr, ROOT};
use super::request::{Act, NO_CACHE, Request, Wanted, attr_of, errno};

pub struct Glue(pub Arc<Gate>);

/// The most that the kernel hands over in one write, in bytes.
const MOST_WRITE: u32 = 1024 * 1024;

impl Glue {
    fn pass(&self, from: &fuser::Request, act: Act<'_>) {
        self.0.pass(Request {
            pid: from.pid(),
            act,
        });
    }

    fn entry(&self, folder: INodeNo, name: &OsStr) -> Result<fuser::FileAttr, Errno> {
        let state = self.0.lock();
        let found = state.model.find(folder.0, text(name)?);
        let ino = found.map_err(errno)?;
        let node = state.model.node(ino).map_err(errno)?;
        Ok(attr_of(ino, node))
    }
}

/// Names are text here: a server's data directory has no others.
fn text(name: &OsStr) -> Result<&str, Errno> {
    name.to_str().ok_or(Errno::EILSEQ)
}

/// Readers go through the page cache for its read-ahead, which each open begins anew. Writers do not: a write is
/// here when it returns, and the cache need not be thrown away at a cut.
fn how_opened(flags: OpenFlags) -> FopenFlags {
    if flags.acc_mode() == OpenAccMode::O_RDONLY {
        FopenFlags::empty()
    } else {
        FopenFlags::FOPEN_DIRECT_IO
    }
}

fn attr(from: &fuser::Request, mode: u32, umask: u32) -> Attr {
    Attr::new((mode & !umask & 0o7777) as u16, from.uid(), from.gid())
}

fn time(time: Option<TimeOrNow>) -> Option<SystemTime> {
    time.map(|time| match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    })
}

/// Unwraps a name or answers why it cannot be used.
macro_rules! name {
    ($name:expr, $reply:expr) => {
        match text($name) {
            Ok(name) => name.to_owned(),
            Err(errno) => return $reply.error(errno),
        }
    };
}

impl Filesystem for Glue {
    fn init(&mut self, _req: &fuser::Request, config: &mut KernelConfig) -> io::Result<()> {
        let _ = config.set_max_write(MOST_WRITE);
        // Not every kernel offers them; the disk is right without them.
        let _ = config.add_capabilities(InitFlags::FUSE_AUTO_INVAL_DATA);
        Ok(())
    }

    fn lookup(&self, _req: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.entry(parent, name) {
            Ok(attr) => reply.entry(&NO_CACHE, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(
        &self,
        _req: &fuser::Request,
        ino: INodeNo,
        _fh: Option<FileHandle>,
        reply: ReplyAttr,
    ) {
        let state = self.0.lock();
        let attr = state.model.node(ino.0).map(|node| attr_of(ino.0, node));
        drop(state);
        match attr {
            Ok(attr) => reply.attr(&NO_CACHE, &attr),
            Err(fail) => reply.error(errno(fail)),
        }
    }

    fn setattr(
        &self,
        req: &fuser::Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let wanted = Wanted {
            mode,
            uid,
            gid,
            size,
            accessed: time(atime),
            modified: time(mtime),
        };
        let ino = ino.0;
        self.pass(req, Act::Set { ino, wanted, reply });
    }

    fn mkdir(
        &self,
        req: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let name = name!(name, reply);
        let (folder, attr) = (parent.0, attr(req, mode, umask));
        let act = Act::MakeFolder {
            folder,
            name,
            attr,
            reply,
        };
        self.pass(req, act);
    }

    fn unlink(&self, req: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (folder, name) = (parent.0, name!(name, reply));
        let act = Act::Unlink {
            folder,
            name,
            reply,
        };
        self.pass(req, act);
    }

    fn rmdir(&self, req: &fuser::Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let (folder, name) = (parent.0, name!(name, reply));
        let act = Act::RemoveFolder {
            folder,
            name,
            reply,
        };
        self.pass(req, act);
    }

    fn rename(
        &self,
        req: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let replace = !flags.contains(RenameFlags::RENAME_NOREPLACE);
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let from = (parent.0, name!(name, reply));
        let to = (newparent.0, name!(newname, reply));
        let act = Act::Rename {
            from,
            to,
            replace,
            reply,
        };
        self.pass(req, act);
    }

    fn open(&self, req: &fuser::Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let (ino, open) = (ino.0, how_opened(flags));
        self.pass(req, Act::Open { ino, open, reply });
    }

    fn create(
        &self,
        req: &fuser::Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let name = name!(name, reply);
        let act = Act::Create {
            folder: parent.0,
            name,
            attr: attr(req, mode, umask),
            open: how_opened(OpenFlags(flags)),
            reply,
        };
        self.pass(req, act);
    }

    fn read(
        &self,
        req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let (ino, most) = (ino.0, u64::from(size));
        let act = Act::Read {
            ino,
            offset,
            most,
            reply,
        };
        self.pass(req, act);
    }

    fn write(
        &self,
        req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let (ino, data) = (ino.0, Cow::Borrowed(data));
        let act = Act::Write {
            ino,
            offset,
            data,
            reply,
        };
        self.pass(req, act);
    }

    fn fsync(
        &self,
        req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        self.pass(req, Act::Fsync { ino: ino.0, reply });
    }

    fn fsyncdir(
        &self,
        req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        _datasync: bool,
        reply: ReplyEmpty,
    ) {
        self.pass(req, Act::Fsync { ino: ino.0, reply });
    }

    fn readdir(
        &self,
        _req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let state = self.0.lock();
        let entries = match state.model.entries(ino.0) {
            Ok(entries) => entries,
            Err(fail) => return reply.error(errno(fail)),
        };
        let parent = state.model.node(ino.0).map_or(ROOT, |node| node.parent);
        let dots = [(".".to_owned(), ino.0), ("..".to_owned(), parent)];
        for (at, (name, ino)) in dots.into_iter().chain(entries).enumerate() {
            let folder = state
                .model
                .node(ino)
                .is_ok_and(super::model::Node::is_folder);
            let kind = if folder {
                FileType::Directory
            } else {
                FileType::RegularFile
            };
            let next = at as u64 + 1;
            if next > offset && reply.add(INodeNo(ino), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn release(
        &self,
        _req: &fuser::Request,
        ino: INodeNo,
        _fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        self.0.lock().model.close(ino.0);
        reply.ok();
    }

    /// Nothing is buffered before it gets here: closing need not say so.
    fn flush(
        &self,
        _req: &fuser::Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        reply: ReplyEmpty,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn getxattr(
        &self,
        _req: &fuser::Request,
        _ino: INodeNo,
        _name: &OsStr,
        _size: u32,
        reply: fuser::ReplyXattr,
    ) {
        reply.error(Errno::ENOSYS);
    }

    fn statfs(&self, _req: &fuser::Request, _ino: INodeNo, reply: ReplyStatfs) {
        const BLOCK: u64 = 4096;
        let state = self.0.lock();
        let (blocks, used) = (
            state.model.space() / BLOCK,
            state.model.used().div_ceil(BLOCK),
        );
        drop(state);
        let free = blocks.saturating_sub(used);
        reply.statfs(
            blocks,
            free,
            free,
            1 << 20,
            1 << 20,
            BLOCK as u32,
            255,
            BLOCK as u32,
        );
    }
}
