//! A mounted disk in a scratch folder, unmounted at the end of the test.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crashdrill::disk::{DiskImage, FaultyDisk, MountSpec};
use crashdrill::domain::disk::DiskPlan;
use crashdrill::domain::op::Micros;

pub const MARKER: &[u8] = b"RPUSH\r\n";

pub struct Stand {
    pub disk: FaultyDisk,
    pub at: PathBuf,
    pub log: PathBuf,
    pub _dir: tempfile::TempDir,
}

pub fn spec(dir: &std::path::Path, plan: DiskPlan) -> MountSpec {
    let at = dir.join("disk");
    fs::create_dir_all(&at).unwrap();
    let begun = Instant::now();
    MountSpec {
        at,
        plan,
        log: dir.join("disk.jsonl"),
        now: Arc::new(move || Micros::from(begun.elapsed())),
        allow_other: false,
        marker: MARKER.to_vec(),
        memory_limit_bytes: 1 << 30,
        neighbours: false,
    }
}

impl Stand {
    pub fn new(plan: DiskPlan) -> Self {
        Self::with(plan, |_| {})
    }

    pub fn with(plan: DiskPlan, change: impl FnOnce(&mut MountSpec)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = spec(dir.path(), plan);
        change(&mut spec);
        let (at, log) = (spec.at.clone(), spec.log.clone());
        let disk = FaultyDisk::mount(spec).unwrap();
        Stand {
            disk,
            at,
            log,
            _dir: dir,
        }
    }

    pub fn append(&self, name: &str, data: &[u8]) -> File {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.at.join(name));
        let mut file = file.unwrap();
        file.write_all(data).unwrap();
        file
    }

    pub fn sync_folder(&self, name: &str) {
        File::open(self.at.join(name)).unwrap().sync_all().unwrap();
    }

    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.at.join(name)).ok()
    }

    /// Every file of an image with its bytes.
    pub fn exported(&self, image: DiskImage) -> Vec<(String, Vec<u8>)> {
        let to = tempfile::tempdir().unwrap();
        self.disk.export(image, to.path()).unwrap();
        listing(to.path())
    }

    /// Every file of the mounted disk with its bytes.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        listing(&self.at)
    }
}

/// All files below a folder with their bytes, by path.
pub fn listing(root: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let (mut out, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                out.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    out.sort();
    out
}
