//! Images of the whole disk, and the cut, which makes the durable one the only one.

use std::collections::HashMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::content::Content;
use super::file::File;
use super::names::{Change, Ino, Names, ROOT};
use super::node::{Attr, Body, Node};
use super::tails::{Remains, remains};
use super::{Model, later};
use crate::disk::facts::{CutReport, DiskImage, DiskStatus, DroppedBytes, FileStatus};
use crate::domain::op::Micros;

/// All files and folders of one state of the disk: folders before what they hold.
#[derive(Clone, Debug, Default)]
pub struct Image {
    pub entries: Vec<ImageEntry>,
}

#[derive(Clone, Debug)]
pub struct ImageEntry {
    pub path: String,
    pub attr: Attr,
    /// `None` for a folder.
    pub content: Option<Content>,
    marks_from: Option<u64>,
}

impl Model {
    /// This state of the disk. The durable one is what a cut at this instant would leave, to the byte.
    #[must_use]
    pub fn image(&self, which: DiskImage) -> Image {
        match which {
            DiskImage::Written => self.image_of(&self.names.written.paths(), |_, file| {
                file.written().clone()
            }),
            DiskImage::Durable => {
                let (paths, remains) = self.remains();
                self.image_of(&paths, |ino, _| remains[&ino].content.clone())
            }
        }
    }

    fn image_of(&self, paths: &[(String, Ino)], content: impl Fn(Ino, &File) -> Content) -> Image {
        let entries = paths.iter().map(|(path, ino)| {
            let node = &self.nodes[ino];
            let file = node.as_file();
            ImageEntry {
                path: path.clone(),
                attr: node.attr,
                content: file.map(|file| content(*ino, file)),
                marks_from: file.and_then(|file| file.marks_from),
            }
        });
        Image {
            entries: entries.collect(),
        }
    }

    /// What a cut would leave of every file that has a durable name.
    fn remains(&self) -> (Vec<(String, Ino)>, HashMap<Ino, Remains>) {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed.wrapping_add(self.cuts));
        let paths = self.names.durable.paths();
        let mut all = HashMap::new();
        for (_, ino) in &paths {
            if let Some(file) = self.nodes[ino].as_file()
                && !all.contains_key(ino)
            {
                let left = remains(file, self.tail, self.around.neighbours, &mut rng);
                all.insert(*ino, left);
            }
        }
        (paths, all)
    }

    /// The power fails: what was not durable is gone, by the plan's models. All numbers of files change, so that
    /// nothing that was open or cached before can be mistaken for what is there now.
    pub fn cut(&mut self, at: Micros) -> CutReport {
        let written_marks = self.written_marks();
        let (paths, remains) = self.remains();
        let files = self.dropped(&remains);
        let undone_names = self.names.undone();
        let fsyncs_in_flight = self.syncs.len() as u32;
        let image = self.image_of(&paths, |ino, _| remains[&ino].content.clone());
        self.cuts += 1;
        self.become_image(image, at);
        CutReport {
            at,
            files,
            undone_names,
            last_fsync_began: None,
            last_fsync_ended: None,
            fsyncs_in_flight,
            written_marks,
            kept_marks: self.written_marks(),
        }
    }

    fn dropped(&self, remains: &HashMap<Ino, Remains>) -> Vec<DroppedBytes> {
        let paths = self.names.written.paths().into_iter();
        let files = paths.filter_map(|(path, ino)| Some((path, ino, self.nodes[&ino].as_file()?)));
        files
            .map(|(path, ino, file)| {
                let left = remains.get(&ino);
                DroppedBytes {
                    path,
                    kept_bytes: left.map_or(0, |left| left.kept),
                    dropped_bytes: left.map_or(file.size(), |left| left.dropped),
                    zeroed_bytes: left.map_or(0, |left| left.zeroed),
                    tail: self.tail,
                }
            })
            .collect()
    }

    fn become_image(&mut self, image: Image, now: Micros) {
        let root = self.nodes.remove(&ROOT).expect("it cannot be removed");
        self.nodes = HashMap::from([(ROOT, root)]);
        self.names = Names::new(self.metadata);
        self.syncs.clear();
        self.next_tick = later(now, Self::TICK);
        (self.used, self.held) = (0, 0);
        let mut folders = HashMap::from([(String::new(), ROOT)]);
        for entry in image.entries {
            let (parent, name) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            let (folder, name) = (folders[parent], name.to_owned());
            let ino = self.next_ino;
            self.next_ino += 1;
            let body = match entry.content {
                None => {
                    self.names.written.add_folder(ino);
                    self.names.durable.add_folder(ino);
                    folders.insert(entry.path.clone(), ino);
                    Body::Folder
                }
                Some(content) => {
                    let file = File::durable_as(content, entry.marks_from, &self.around.marker);
                    self.used += file.size();
                    self.held += file.held();
                    Body::File(file)
                }
            };
            let node = Node::new(folder, name.clone(), entry.attr, body);
            self.nodes.insert(ino, node);
            self.names.settle(&Change::Link { folder, name, ino });
        }
    }

    /// Markers in every AOF as written, and in those that are gone.
    pub fn written_marks(&self) -> u64 {
        let files = self.nodes.values().filter(|node| !node.retired);
        let marks: u64 = files.filter_map(Node::as_file).map(File::marks).sum();
        self.retired_marks + marks
    }

    #[must_use]
    pub fn status(&self) -> DiskStatus {
        let durable = self.names.durable.paths();
        let mut durable_inos: Vec<Ino> = durable.iter().map(|(_, ino)| *ino).collect();
        durable_inos.sort_unstable();
        durable_inos.dedup();
        let durable_files = durable_inos
            .iter()
            .filter_map(|ino| self.nodes[ino].as_file());
        let durable_marks: u64 = durable_files.map(|file| file.durable().marks).sum();
        let files: Vec<FileStatus> = self
            .names
            .written
            .paths()
            .into_iter()
            .filter_map(|(path, ino)| {
                let file = self.nodes[&ino].as_file()?;
                Some(FileStatus {
                    name_durable: durable.binary_search(&(path.clone(), ino)).is_ok(),
                    path,
                    written_bytes: file.size(),
                    durable_bytes: file.durable().data_end,
                })
            })
            .collect();
        DiskStatus {
            written_marks: self.written_marks(),
            durable_marks: self.retired_marks + durable_marks,
            written_bytes: self.used,
            durable_bytes: files
                .iter()
                .filter(|file| file.name_durable)
                .map(|file| file.durable_bytes)
                .sum(),
            files,
            over_memory: self.over_memory,
            ..DiskStatus::default()
        }
    }
}
