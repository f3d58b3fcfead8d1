//! Whether a faulty disk can be had on this machine, and what to do if not.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const DEVICE: &str = "/dev/fuse";
const CONFIG: &str = "/etc/fuse.conf";

/// Why no faulty disk can be had here, and what to do about it; `None` if it can.
#[must_use]
pub fn unavailable(allow_other: bool) -> Option<String> {
    let root = rustix::process::geteuid().is_root();
    let opened = OpenOptions::new().read(true).write(true).open(DEVICE);
    why_not(&Machine {
        root,
        device: opened.map(drop).map_err(|error| error.kind()),
        fusermount: fusermount().is_some(),
        allow_other,
        config: fs::read_to_string(CONFIG).unwrap_or_default(),
    })
}

/// The program that mounts and unmounts for a user who is not root.
pub(super) fn fusermount() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/bin".into(), "/usr/bin".into()]);
    folders
        .map(|folder| folder.join("fusermount3"))
        .find(|program| Path::new(program).is_file())
}

struct Machine {
    root: bool,
    device: Result<(), ErrorKind>,
    fusermount: bool,
    allow_other: bool,
    config: String,
}

fn why_not(machine: &Machine) -> Option<String> {
    match machine.device {
        Ok(()) => {}
        Err(ErrorKind::NotFound) => {
            return Some(format!(
                "the faulty disk needs {DEVICE}, which is not there: load the kernel module (modprobe fuse), or \
                 start this container with --device {DEVICE}"
            ));
        }
        Err(ErrorKind::PermissionDenied) => {
            return Some(format!(
                "the faulty disk needs {DEVICE}, which this user may not open: as root run chmod 666 {DEVICE}"
            ));
        }
        Err(kind) => {
            return Some(format!(
                "the faulty disk needs {DEVICE}, which cannot be opened ({kind}): start this machine or container \
                 with FUSE allowed (for a container --device {DEVICE} --cap-add SYS_ADMIN)"
            ));
        }
    }
    if machine.root {
        return None;
    }
    if !machine.fusermount {
        return Some(
            "the faulty disk needs the program fusermount3, which is not there: install the package fuse3"
                .to_owned(),
        );
    }
    let allowed = machine
        .config
        .lines()
        .any(|line| line.trim() == "user_allow_other");
    (machine.allow_other && !allowed).then(|| {
        format!(
            "a faulty disk for a container needs allow_other, which is forbidden to users here: write the line \
             user_allow_other into {CONFIG}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            root: false,
            device: Ok(()),
            fusermount: true,
            allow_other: false,
            config: "# user_allow_other\n".to_owned(),
        }
    }

    #[test]
    fn a_plain_user_with_fuse_installed_can_have_one() {
        assert_eq!(why_not(&machine()), None);
    }

    #[test]
    fn each_obstacle_is_named_with_its_way_out() {
        let words = |change: &dyn Fn(&mut Machine)| {
            let mut machine = machine();
            change(&mut machine);
            why_not(&machine).unwrap()
        };
        assert!(words(&|m| m.device = Err(ErrorKind::NotFound)).contains("modprobe fuse"));
        assert!(words(&|m| m.device = Err(ErrorKind::PermissionDenied)).contains("chmod"));
        assert!(words(&|m| m.device = Err(ErrorKind::Other)).contains("--cap-add"));
        assert!(words(&|m| m.fusermount = false).contains("package fuse3"));
        assert!(words(&|m| m.allow_other = true).contains("user_allow_other into /etc/fuse.conf"));
    }

    #[test]
    fn root_needs_neither_fusermount_nor_leave() {
        let root = Machine {
            root: true,
            fusermount: false,
            allow_other: true,
            ..machine()
        };
        assert_eq!(why_not(&root), None);
    }

    #[test]
    fn a_commented_line_allows_nothing_and_a_bare_one_does() {
        let with = |config: &str| Machine {
            allow_other: true,
            config: config.to_owned(),
            ..machine()
        };
        assert!(why_not(&with("#user_allow_other\n")).is_some());
        assert_eq!(why_not(&with("mount_max = 9\nuser_allow_other\n")), None);
    }
}
