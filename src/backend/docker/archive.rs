//! Tar archives in both directions: the Docker API takes and gives nothing else.
//!
//! Knows the server's two users of /data: the configuration file and the data directory below it.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Where the volume is mounted.
pub(super) const VOLUME: &str = "/data";
pub(super) const CONFIG_FILE: &str = "/data/redis.conf";

/// The server's `dir`. A folder of our own in the volume, because a fresh volume belongs to whoever owns
/// /data in the image: with uid 1000 the official image said "Can't open or create append-only dir", and an
/// image without /data gives a volume of root's.
pub(super) const STORE: &str = "/data/store";

/// User and group of the official images; other images need no such user, only numbers.
pub(super) const UID: u64 = 999;
pub(super) const GID: u64 = 1000;

/// What is unpacked under [`VOLUME`] before the server starts.
pub(super) fn config_archive(config: &str) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut store = header(0o700);
    store.set_entry_type(tar::EntryType::Directory);
    archive.append_data(&mut store, "store/", io::empty())?;
    // It holds the password.
    let mut header = header(0o400);
    header.set_size(config.len() as u64);
    archive.append_data(&mut header, "redis.conf", config.as_bytes())?;
    archive.into_inner()
}

/// The files below `from`, as they shall lie in [`STORE`].
pub(super) fn store_archive(from: &Path) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            let target = Path::new("store").join(&name);
            if entry.file_type()?.is_dir() {
                let mut header = header(0o755);
                header.set_entry_type(tar::EntryType::Directory);
                archive.append_data(&mut header, target, io::empty())?;
                folders.push(name);
            } else {
                let content = std::fs::read(entry.path())?;
                let mut header = header(0o644);
                header.set_size(content.len() as u64);
                archive.append_data(&mut header, target, &content[..])?;
            }
        }
    }
    archive.into_inner()
}

fn header(mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_mode(mode);
    header.set_uid(UID);
    header.set_gid(GID);
    header
}

/// Unpacks the archive of [`STORE`] into `to`, files and folders only, without the outermost folder.
/// An entry that points elsewhere is an error: the archive comes from a container.
pub(super) fn unpack(archive: impl Read, to: &Path) -> io::Result<()> {
    for entry in tar::Archive::new(archive).entries()? {
        let mut entry = entry?;
        let target = to.join(inner_path(&entry.path()?)?);
        match entry.header().entry_type() {
            tar::EntryType::Directory => std::fs::create_dir_all(&target)?,
            tar::EntryType::Regular | tar::EntryType::Continuous | tar::EntryType::GNUSparse => {
                if let Some(parent) = target.parent() {
                    std::fs::create_dir_all(parent)?;
                }
                io::copy(&mut entry, &mut std::fs::File::create_new(&target)?)?;
            }
            // Redis makes no links or devices.
            _ => {}
        }
    }
    Ok(())
}

fn inner_path(path: &Path) -> io::Result<PathBuf> {
    let mut inner = PathBuf::new();
    let mut depth = 0;
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) => {
                if depth > 0 {
                    inner.push(name);
                }
                depth += 1;
            }
            _ => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the archive holds a path that leads outside: {}",
                        path.display()
                    ),
                ));
            }
        }
    }
    Ok(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, content) in entries {
            let mut header = header(0o644);
            header.set_size(content.len() as u64);
            // Written by hand: the builder refuses "..".
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn files_land_below_the_target_without_the_outermost_folder() {
        let to = tempfile::tempdir().unwrap();
        let bytes = archive(&[
            ("store/dump.rdb", b"R"),
            ("store/appendonlydir/x.aof", b"A"),
        ]);
        unpack(&bytes[..], to.path()).unwrap();
        assert_eq!(std::fs::read(to.path().join("dump.rdb")).unwrap(), b"R");
        assert_eq!(
            std::fs::read(to.path().join("appendonlydir/x.aof")).unwrap(),
            b"A"
        );
    }

    #[test]
    fn what_is_packed_for_the_store_is_unpacked_as_it_was() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::create_dir(from.path().join("appendonlydir")).unwrap();
        std::fs::write(from.path().join("appendonlydir/x.aof"), "A").unwrap();
        std::fs::write(from.path().join("dump.rdb"), "R").unwrap();
        unpack(&store_archive(from.path()).unwrap()[..], to.path()).unwrap();
        let read = |name| std::fs::read_to_string(to.path().join(name)).unwrap();
        assert_eq!(
            (read("appendonlydir/x.aof"), read("dump.rdb")),
            ("A".into(), "R".into())
        );
    }

    #[test]
    fn a_path_that_leads_outside_is_refused() {
        let to = tempfile::tempdir().unwrap();
        for path in ["store/../../evil", "/etc/evil"] {
            assert!(
                unpack(&archive(&[(path, b"x")])[..], to.path()).is_err(),
                "{path}"
            );
        }
    }

    #[test]
    fn the_config_is_readable_by_the_server_only() {
        let bytes = config_archive("requirepass x\n").unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let seen: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (
                    entry.path().unwrap().display().to_string(),
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("store/".to_owned(), 0o700, UID),
                ("redis.conf".to_owned(), 0o400, UID)
            ]
        );
    }
}
