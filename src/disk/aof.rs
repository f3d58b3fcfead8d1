//! Which files of a data directory make up the AOF, by its manifest, and which one is the snapshot.
//!
//! Redis 7 and later: a base file, INCR files and a manifest in a folder; before, one file. Reads and changes nothing.

use std::path::{Path, PathBuf};

/// The files of an AOF, as far as they are there. Paths are whole ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AofFiles {
    pub manifest: Option<PathBuf>,
    pub base: Option<PathBuf>,
    /// Oldest first; before Redis 7 the AOF itself.
    pub incr: Vec<PathBuf>,
}

impl AofFiles {
    /// Looks into `data` and its folders; the names of both are settings (`appenddirname`, `appendfilename`).
    ///
    /// # Errors
    /// A folder or the manifest cannot be read.
    pub fn of(data: &Path) -> std::io::Result<AofFiles> {
        let mut folders = vec![data.to_owned()];
        let mut single = None;
        for path in entries(data)? {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "aof")
                && !name(&path).starts_with("temp-")
            {
                single = Some(path);
            }
        }
        for folder in folders {
            let manifest = entries(&folder)?
                .into_iter()
                .find(|path| path.extension().is_some_and(|end| end == "manifest"));
            if let Some(manifest) = manifest {
                return AofFiles::listed(&folder, manifest);
            }
        }
        Ok(AofFiles {
            incr: single.into_iter().collect(),
            ..AofFiles::default()
        })
    }

    /// Lines are `file <name> seq <number> type <b|i|h>`, more words may follow (Redis `aof.c`, aofLoadManifest).
    fn listed(folder: &Path, manifest: PathBuf) -> std::io::Result<AofFiles> {
        let text = std::fs::read(&manifest)?;
        let text = String::from_utf8_lossy(&text);
        let mut files = AofFiles {
            manifest: Some(manifest),
            ..AofFiles::default()
        };
        let mut incr: Vec<(u64, PathBuf)> = Vec::new();
        for line in text.lines() {
            let words = shell_words::split(line).unwrap_or_default();
            let value = |key: &str| {
                let at = words.iter().position(|word| word == key)?;
                words.get(at + 1).cloned()
            };
            let (Some(file), Some(kind)) = (value("file"), value("type")) else {
                continue;
            };
            let path = folder.join(file);
            match kind.as_str() {
                "b" => files.base = Some(path),
                "i" => incr.push((
                    value("seq").and_then(|seq| seq.parse().ok()).unwrap_or(0),
                    path,
                )),
                // History files are waiting to be deleted; they are not loaded.
                _ => {}
            }
        }
        incr.sort();
        files.incr = incr.into_iter().map(|(_, path)| path).collect();
        Ok(files)
    }

    /// Base and INCR files that exist, in the order in which they are loaded.
    #[must_use]
    pub fn loaded(&self) -> Vec<PathBuf> {
        let all = self.base.iter().chain(&self.incr);
        all.filter(|path| path.is_file()).cloned().collect()
    }

    /// Length of all files that are loaded, together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let files = self.loaded();
        let sizes = files.iter().filter_map(|path| path.metadata().ok());
        sizes.map(|data| data.len()).sum()
    }
}

/// The snapshot at the top of a data directory; its name is a setting (`dbfilename`).
///
/// # Errors
/// The folder cannot be read.
pub fn snapshot(data: &Path) -> std::io::Result<Option<PathBuf>> {
    let snapshots = entries(data)?.into_iter().filter(|path| {
        path.is_file()
            && path.extension().is_some_and(|end| end == "rdb")
            && !name(path).starts_with("temp-")
    });
    Ok(snapshots.max_by_key(|path| name(path) == "dump.rdb"))
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_tells_which_files_count_and_which_is_the_newest() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("appendonlydir");
        std::fs::create_dir(&folder).unwrap();
        let manifest = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                        file appendonly.aof.1.incr.aof seq 1 type h\n\
                        file appendonly.aof.10.incr.aof seq 10 type i startoffset 7\n\
                        file \"appendonly.aof.9.incr.aof\" seq 9 type i\n";
        std::fs::write(folder.join("appendonly.aof.manifest"), manifest).unwrap();
        std::fs::write(folder.join("appendonly.aof.9.incr.aof"), "12345").unwrap();
        let files = AofFiles::of(data.path()).unwrap();
        assert_eq!(files.base, Some(folder.join("appendonly.aof.2.base.rdb")));
        assert_eq!(
            files.incr,
            [
                folder.join("appendonly.aof.9.incr.aof"),
                folder.join("appendonly.aof.10.incr.aof")
            ]
        );
        assert_eq!((files.loaded().len(), files.bytes()), (1, 5));
    }

    #[test]
    fn before_redis_7_there_is_one_file() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("appendonly.aof"), "x").unwrap();
        std::fs::write(data.path().join("temp-rewriteaof-3.aof"), "x").unwrap();
        std::fs::write(data.path().join("temp-17.rdb"), "x").unwrap();
        let files = AofFiles::of(data.path()).unwrap();
        assert_eq!(files.incr, [data.path().join("appendonly.aof")]);
        assert_eq!(snapshot(data.path()).unwrap(), None);
        std::fs::write(data.path().join("dump.rdb"), "x").unwrap();
        std::fs::write(data.path().join("other.rdb"), "x").unwrap();
        assert_eq!(
            snapshot(data.path()).unwrap(),
            Some(data.path().join("dump.rdb"))
        );
    }
}
