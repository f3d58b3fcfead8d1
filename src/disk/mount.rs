//! Getting the disk into the tree of files and out of it again.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fuser::{BackgroundSession, Config, MountOption, SessionACL};

use super::availability::fusermount;
use super::glue::Glue;
use super::model::Attr;
use super::spec::DiskError;

/// The source of our mounts, by which they are known in `/proc/self/mountinfo` when we are gone: the process that
/// answers for them is in it, so that nobody need ask a disk that may not answer.
fn source() -> String {
    format!("crashdrill:{}", std::process::id())
}

/// The root's owner and mode, from a folder that a disk can be mounted on.
pub fn root_of(at: &Path) -> Result<Attr, DiskError> {
    let at_words = at.display();
    let meta = fs::metadata(at).map_err(|error| {
        if error.kind() == io::ErrorKind::NotConnected {
            return DiskError::new(format!(
                "{at_words} is the mount of a program that has ended: run fusermount3 -uz {at_words}"
            ));
        }
        DiskError::new(format!(
            "no faulty disk can be mounted at {at_words} ({error}): make the folder first"
        ))
    })?;
    if !meta.is_dir() {
        return Err(DiskError::new(format!(
            "no faulty disk can be mounted at {at_words}: it is a file; name a folder"
        )));
    }
    if is_mounted(at) {
        return Err(DiskError::new(format!(
            "{at_words} is busy: something is mounted there already; name another folder or unmount it"
        )));
    }
    let full = fs::read_dir(at).is_ok_and(|mut entries| entries.next().is_some());
    if full {
        return Err(DiskError::new(format!(
            "no faulty disk can be mounted at {at_words}: the folder is not empty; name an empty one"
        )));
    }
    Ok(Attr::new(
        (meta.mode() & 0o7777) as u16,
        meta.uid(),
        meta.gid(),
    ))
}

/// Mounts and begins to answer.
pub fn mount(glue: Glue, at: &Path, allow_other: bool) -> Result<BackgroundSession, DiskError> {
    let mut config = Config::default();
    config.mount_options = vec![
        MountOption::FSName(source()),
        MountOption::DefaultPermissions,
        MountOption::NoAtime,
    ];
    config.acl = if allow_other {
        SessionACL::All
    } else {
        SessionACL::Owner
    };
    fuser::spawn_mount(glue, at, &config).map_err(|error| {
        // Half a mount is none.
        if is_mounted(at) {
            let _ = lazily(at);
        }
        let way_out = if error.to_string().contains("user_allow_other") {
            "write the line user_allow_other into /etc/fuse.conf"
        } else {
            "look whether FUSE is allowed here (a container needs --device /dev/fuse --cap-add SYS_ADMIN)"
        };
        let error = error.to_string();
        DiskError::new(format!(
            "the faulty disk cannot be mounted at {} ({}): {way_out}",
            at.display(),
            error.trim()
        ))
    })
}

/// Takes the disk away, lazily where somebody still has files open on it.
pub fn unmount(session: BackgroundSession, at: &Path) -> Result<(), DiskError> {
    let result = if is_mounted(at) { lazily(at) } else { Ok(()) };
    if result.is_ok() {
        // The kernel's connection ends with the last open file: nobody waits for that here.
        drop(session);
    }
    result
}

fn lazily(at: &Path) -> Result<(), DiskError> {
    let umount: (PathBuf, &[&str]) = match fusermount() {
        Some(program) => (program, &["-u", "-z"]),
        None => (PathBuf::from("umount"), &["-l"]),
    };
    let output = Command::new(&umount.0)
        .args(umount.1)
        .arg(at)
        .stdin(Stdio::null())
        .output();
    let words = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    if !is_mounted(at) {
        return Ok(());
    }
    Err(DiskError::new(format!(
        "the faulty disk at {0} cannot be unmounted ({words}): run fusermount3 -uz {0}",
        at.display()
    )))
}

/// By the kernel's own list, which asks no file system that may not answer any more.
pub fn is_mounted(at: &Path) -> bool {
    let at = fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
    let list = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let points = list.lines().filter_map(|line| line.split(' ').nth(4));
    // The kernel writes a space as \040.
    points
        .map(|point| point.replace("\\040", " "))
        .any(|point| Path::new(&point) == at)
}
