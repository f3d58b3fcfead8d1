//! Mounts of faulty disks that have outlived the program that answered for them.
//!
//! Only what is ours twice over is touched: by the source that our disks name in the kernel's list of mounts, and
//! by the folder's name. It knows nothing of what a faulty disk does.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::lease::SCRATCH_PREFIX;

/// Folders that faulty disks are mounted on begin so, or lie within a scratch directory of ours.
pub const DISK_PREFIX: &str = "crashdrill-disk-";

/// A faulty disk's source is this and the number of the process that answers for it.
const SOURCE: &str = "crashdrill:";

/// Unmounts a disk of ours whose owner is dead, and removes the empty folder. True if nothing is mounted there now.
pub fn end(path: &Path) -> bool {
    if !mounts().iter().any(|(at, _)| at == path) {
        if is_named_as_ours(path) {
            let _ = fs::remove_dir(path);
        }
        return true;
    }
    // By force first, which root alone may: it ends what still waits for an answer, also threads of the dead owner
    // that waited for their own disk and keep the connection open.
    run("umount", &["-f"], path);
    if is_mounted(path) {
        run("fusermount3", &["-u", "-z"], path);
    }
    if is_mounted(path) {
        run("umount", &["-l"], path);
    }
    let gone = !is_mounted(path);
    if gone
        && path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(DISK_PREFIX))
    {
        let _ = fs::remove_dir(path);
    }
    gone
}

/// Disks of ours below a folder that answer "Transport endpoint is not connected": their process is gone.
#[must_use]
pub fn stale(below: &Path) -> Vec<PathBuf> {
    let below = fs::canonicalize(below).unwrap_or_else(|_| below.to_owned());
    let dead = mounts().into_iter().filter(|(at, owner)| {
        // Asked only where the owner is dead: one that is merely stopped would not answer.
        at.starts_with(&below)
            && !Path::new("/proc").join(owner.to_string()).exists()
            && fs::metadata(at).is_err_and(|error| error.kind() == ErrorKind::NotConnected)
    });
    dead.map(|(at, _)| at).collect()
}

fn is_mounted(path: &Path) -> bool {
    mounts().iter().any(|(at, _)| at == path)
}

/// Our disks and the processes that answer for them.
fn mounts() -> Vec<(PathBuf, u32)> {
    ours(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
}

/// The mounts of ours in the text of `/proc/<pid>/mountinfo` (proc_pid_mountinfo(5)).
fn ours(list: &str) -> Vec<(PathBuf, u32)> {
    let lines = list.lines().filter_map(|line| {
        let (front, back) = line.split_once(" - ")?;
        let path = PathBuf::from(front.split(' ').nth(4)?.replace("\\040", " "));
        let mut back = back.split(' ');
        let (kind, source) = (back.next()?, back.next()?);
        let owner = source.strip_prefix(SOURCE)?.parse().ok()?;
        (kind.starts_with("fuse") && is_named_as_ours(&path)).then_some((path, owner))
    });
    lines.collect()
}

fn is_named_as_ours(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with(SCRATCH_PREFIX) || part.starts_with(DISK_PREFIX)
    })
}

fn run(program: &str, flags: &[&str], path: &Path) {
    let _ = Command::new(program)
        .args(flags)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_disks_that_are_ours_by_source_and_by_name_are_found() {
        let list = "\
36 27 0:39 / /tmp/crashdrill-disk-a1 rw,nosuid - fuse crashdrill:4711 rw,user_id=0
37 27 0:40 / /tmp/crashdrill-server-b/my\\040disk rw shared:7 - fuse crashdrill:12 rw
38 27 0:41 / /home/me/precious rw - fuse crashdrill:13 rw
39 27 0:42 / /tmp/crashdrill-disk-c3 rw - fuse sshfs rw
40 27 0:43 / /tmp/crashdrill-disk-d4 rw - ext4 crashdrill:14 rw
41 27 8:1 / / rw - ext4 /dev/root rw
";
        let found = ours(list);
        assert_eq!(
            found,
            [
                (PathBuf::from("/tmp/crashdrill-disk-a1"), 4711),
                (PathBuf::from("/tmp/crashdrill-server-b/my disk"), 12),
            ]
        );
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("theirs");
        fs::create_dir(&other).unwrap();
        end(&other);
        assert!(other.exists());
    }
}
