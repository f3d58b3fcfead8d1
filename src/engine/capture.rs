//! One captured instant of the faulty disk, both images of it, and what scratch servers make of them: Kill & compare
//! with the server stopped, What if while the stream goes on.

use std::sync::Arc;

use super::drill::Drill;
use super::scratch::{Examiner, instant};
use super::stop::{Step, Stop};
use crate::backend::scratch::ScratchFolder;
use crate::backend::{Backend, Watch};
use crate::disk::DiskImage;
use crate::domain::checker::ops_at;
use crate::domain::event::DrillEvent;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::history::History;
use crate::domain::image::{Comparison, Image, ImageFinding, ImageOutcome};
use crate::domain::op::Micros;
use crate::journal::{self, JournalWriter};

/// Both images of one instant.
pub struct Captured {
    written: ScratchFolder,
    durable: ScratchFolder,
}

const NO_DISK: &str = "both ends of an instant are seen on the faulty disk only, and there is none under this server: choose one with --disk; elsewhere the tail-cut replay gives a range";

impl Drill {
    /// A process kill whose instant is captured.
    pub(super) fn kill_and_compare(&mut self) -> Step {
        if self.disk.is_none() {
            return self.warn(NO_DISK);
        }
        self.capture = true;
        let done = self.fault(Fault::new(FaultKind::ProcessKill), None);
        self.capture = false;
        done
    }

    /// Stops the server and its disk. From here on nothing is written.
    pub(super) fn hold_still(&mut self) -> Micros {
        // A server that waits for the disk may not be stoppable; the freeze holds it then.
        let _waits_for_the_disk = self.backend.pause();
        match &self.disk {
            Some(disk) => match disk.disk.struck() {
                Some(struck) => struck.at,
                None => disk.disk.freeze(),
            },
            None => self.attention.clock.now(),
        }
    }

    /// Copies both images out of the frozen disk.
    pub(super) fn capture_images(&mut self) -> Step {
        self.attention.doing("Capturing both images", None);
        let captured = Captured {
            written: self.export(DiskImage::Written)?,
            durable: self.export(DiskImage::Durable)?,
        };
        self.captured = Some(captured);
        Ok(())
    }

    fn export(&self, image: DiskImage) -> Step<ScratchFolder> {
        let disk = self.disk.as_ref().ok_or_else(|| Stop::failed(NO_DISK))?;
        let folder = ScratchFolder::new()?;
        disk.disk
            .export(image, folder.data())
            .map_err(|error| Stop::failed(error.message))?;
        Ok(folder)
    }

    /// Tries both images of the fault that has just been done: every answer is in, and the fault's own arithmetic
    /// holds for both.
    pub(super) fn compare_captured(&mut self) -> Step {
        let Some(captured) = self.captured.take() else {
            return Ok(());
        };
        self.attention.doing("Trying both images", None);
        let history = self.known_history();
        let examiner = self.examiner();
        let like = &*self.backend;
        let comparison = Comparison {
            kill: examiner.examine(like, captured.written.data(), Image::Written, &history),
            power: examiner.examine(like, captured.durable.data(), Image::Durable, &history),
        };
        self.attention.tell(DrillEvent::Compared { comparison });
        Ok(())
    }

    /// What a power cut now would take. The image is copied out in between two operations of the disk; everything
    /// else happens on a thread of its own.
    pub(super) fn what_if(&mut self) -> Step {
        if self.disk.is_none() {
            return self.warn(NO_DISK);
        }
        // What is acknowledged by now was acknowledged before the image: a loss is never invented.
        let at = self.attention.clock.now();
        let trial = Trial {
            at,
            image: self.export(DiskImage::Durable)?,
            like: self.backend.another()?,
            examiner: self.examiner(),
            journal: self.dir.journal(),
            earlier: self.faults.clone(),
        };
        let attention = Arc::clone(&self.attention);
        let thread = std::thread::Builder::new()
            .name("what-if".into())
            .spawn(move || {
                let finding = trial.run();
                attention.tell(DrillEvent::WhatIf { finding });
            })
            .map_err(|error| Stop::failed(format!("no thread for the trial: {error}")))?;
        self.trials.retain(|trial| !trial.is_finished());
        self.trials.push(thread);
        Ok(())
    }

    pub(super) fn await_trials(&mut self) {
        for trial in self.trials.drain(..) {
            let _ = trial.join();
        }
    }
}

/// An image of the running drill, on its way to a scratch server.
struct Trial {
    at: Micros,
    image: ScratchFolder,
    like: Box<dyn Backend>,
    examiner: Examiner,
    journal: std::path::PathBuf,
    earlier: Vec<crate::domain::fault::FaultRecord>,
}

impl Trial {
    fn run(self) -> ImageFinding {
        // The ops belong to the load; the journal has them soon.
        let settle = JournalWriter::FLUSH_EVERY * 10;
        let waited = self.examiner.attention.clock.now().since(self.at);
        std::thread::sleep(settle.saturating_sub(waited));
        let journal = match journal::read(&self.journal) {
            Ok(journal) => journal,
            Err(error) => {
                return ImageFinding {
                    at: self.at,
                    image: Image::Durable,
                    acked: 0,
                    outcome: ImageOutcome::Failed {
                        error: error.to_string(),
                    },
                };
            }
        };
        let mut faults = self.earlier;
        faults.push(instant(FaultKind::PowerLoss, self.at, self.at));
        let history = History {
            ops: ops_at(&journal.ops, self.at),
            faults,
            torn: false,
        };
        self.examiner
            .examine(&*self.like, self.image.data(), Image::Durable, &history)
    }
}
