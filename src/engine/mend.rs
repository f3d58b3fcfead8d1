//! Damage to the files of a dead server, and repair of a copy of what a server refuses.

use std::path::Path;

use super::drill::{Drill, kept_name};
use super::scratch::Examiner;
use super::stop::{Step, Stop};
use crate::backend::scratch::ScratchFolder;
use crate::backend::{Watch, repair};
use crate::disk::aof::AofFiles;
use crate::disk::damage;
use crate::domain::damage::Damage;
use crate::domain::event::DrillEvent;
use crate::domain::history::History;
use crate::domain::image::{Image, ImageFinding, ImageOutcome, Repair};

impl Drill {
    /// What the plan does to the dead server's data before it is started again.
    pub(super) fn before_restart(&mut self) -> Step {
        if self.plan.tail_cut {
            self.tail_cut()?;
        }
        match self.plan.damage {
            Some(damage) => self.damage(damage),
            None => Ok(()),
        }
    }

    /// What the plan does once the server has been started again, or has refused to be.
    pub(super) fn after_restart(&mut self) -> Step {
        if self.plan.repair && self.refused_to_start() {
            return self.repair();
        }
        Ok(())
    }

    /// Damages a file between death and restart: taken out, changed, and put back, so that it is the same for a
    /// folder, a mount and a container. Data that is kept is damaged, too: it stands for what is started on.
    pub(super) fn damage(&mut self, damage: Damage) -> Step {
        self.attention.doing(&format!("Damaging: {damage}"), None);
        let copy = ScratchFolder::new()?;
        self.backend.copy_data(copy.data())?;
        let done = damage::perform(copy.data(), damage, self.plan.workload.seed)
            .map_err(|error| Stop::failed(error.message))?;
        let changed = ScratchFolder::new()?;
        take_one(copy.data(), changed.data(), Path::new(&done.path))
            .map_err(|error| Stop::failed(format!("cannot copy {}: {error}", done.path)))?;
        self.backend.place_data(changed.data())?;
        if let Some(kept) = &self.plan.keep_data {
            let kept = kept.join(kept_name(self.faults.len()));
            take_one(copy.data(), &kept, Path::new(&done.path))
                .map_err(|error| Stop::failed(format!("cannot damage the kept data: {error}")))?;
        }
        self.attention.tell(DrillEvent::DamageDone { done });
        Ok(())
    }

    /// The second act after a refusal. The server's own data stays as it is.
    pub(super) fn repair(&mut self) -> Step {
        self.attention
            .doing("Repairing a copy of the data directory", None);
        let copy = ScratchFolder::new()?;
        self.backend.copy_data(copy.data())?;
        let failed = |error: std::io::Error| {
            Stop::failed(format!("cannot look into the copy to repair: {error}"))
        };
        let files = AofFiles::of(copy.data()).map_err(failed)?;
        let Some(target) = files
            .manifest
            .clone()
            .or_else(|| files.incr.last().cloned())
        else {
            return self.warn(
                "nothing can be repaired: the data directory holds no AOF, and a snapshot (RDB) that is damaged has no repair",
            );
        };
        let bytes_before = files.bytes();
        let program = self.backend.program();
        let fixed = match repair::fix(Some(Path::new(&program)), &target) {
            Ok(fixed) => fixed,
            Err(error) => return self.warn(&format!("nothing was repaired: {}", error.message)),
        };
        let bytes_after = AofFiles::of(copy.data()).map_err(failed)?.bytes();
        let finding = self.examine_repaired(copy.data(), &fixed);
        self.attention.tell(DrillEvent::Repaired {
            repair: Repair {
                program: fixed.program.display().to_string(),
                words: fixed.words,
                bytes_before,
                bytes_after,
                finding,
            },
        });
        Ok(())
    }

    fn examine_repaired(&mut self, data: &Path, fixed: &repair::Fixed) -> ImageFinding {
        let history = self.known_history();
        let finding = self
            .examiner()
            .examine(&*self.backend, data, Image::Repaired, &history);
        if fixed.succeeded {
            return finding;
        }
        // What a scratch server makes of it all the same is of no use: the program says that it is not repaired.
        let words = fixed.words.last().cloned().unwrap_or_default();
        ImageFinding {
            outcome: ImageOutcome::Failed {
                error: format!("redis-check-aof could not repair it: {words}"),
            },
            ..finding
        }
    }

    /// Everything up to now, for a server that is down.
    pub(super) fn known_history(&mut self) -> History {
        self.take_back_ops();
        History {
            ops: self
                .load
                .as_ref()
                .map_or_else(Vec::new, |load| load.ops.clone()),
            faults: self.faults.clone(),
            torn: false,
        }
    }

    pub(super) fn examiner(&self) -> Examiner {
        Examiner {
            plan: self.plan.clone(),
            keys: self.keys.clone(),
            attention: std::sync::Arc::clone(&self.attention),
        }
    }
}

/// Copies one file, with the folders above it.
fn take_one(from: &Path, to: &Path, file: &Path) -> std::io::Result<()> {
    let target = to.join(file);
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from.join(file), target).map(|_| ())
}
