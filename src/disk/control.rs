//! The faulty disk as the engine holds it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use fuser::BackgroundSession;

use super::availability::unavailable;
use super::copy_out;
use super::facts::{CutReport, DiskImage, DiskStatus, Struck};
use super::gate::Gate;
use super::glue::Glue;
use super::log::DiskLog;
use super::mishap::Mishaps;
use super::model::{Circumstances, Model};
use super::mount;
use super::spec::{DiskError, MountSpec};
use crate::domain::disk::DiskMoment;
use crate::domain::op::Micros;

/// A mounted faulty disk. Clones are handles of the same one; when the last goes, it is unmounted.
///
/// The order at a power cut: stop the server's process group, [`FaultyDisk::freeze`], SIGKILL,
/// [`FaultyDisk::release_held`], wait for the server's end, drain the client sockets, [`FaultyDisk::cut`], start.
#[derive(Clone)]
pub struct FaultyDisk(Arc<Mounted>);

struct Mounted {
    gate: Arc<Gate>,
    at: PathBuf,
    session: Mutex<Option<BackgroundSession>>,
    timer: Mutex<Option<JoinHandle<()>>>,
}

impl FaultyDisk {
    /// # Errors
    /// No FUSE, a folder that is not there, not empty or busy, a log that cannot be made: the message ends with
    /// the way out, and nothing is left mounted.
    pub fn mount(spec: MountSpec) -> Result<FaultyDisk, DiskError> {
        if let Some(why) = unavailable(spec.allow_other) {
            return Err(DiskError::new(why));
        }
        let root = mount::root_of(&spec.at)?;
        let log = DiskLog::create(&spec.log).map_err(|error| {
            DiskError::new(format!(
                "the disk's log cannot be written to {} ({error}): free the place or name another folder",
                spec.log.display()
            ))
        })?;
        let now = (spec.now)();
        let around = Circumstances {
            marker: spec.marker,
            memory_limit_bytes: spec.memory_limit_bytes,
            neighbours: spec.neighbours,
            epoch: SystemTime::now() - Duration::from_micros(now.0),
        };
        let model = Model::new(&spec.plan, around, root, now);
        let mishaps = Mishaps::new(&spec.plan);
        let gate = Arc::new(Gate::new(model, log, mishaps, spec.now));
        gate.note_mounted(&spec.plan);
        let session = mount::mount(Glue(gate.clone()), &spec.at, spec.allow_other)?;
        let keeper = gate.clone();
        let timer = std::thread::Builder::new()
            .name("disk-timer".to_owned())
            .spawn(move || keeper.keep_time());
        let disk = FaultyDisk(Arc::new(Mounted {
            gate,
            at: spec.at,
            session: Mutex::new(Some(session)),
            timer: Mutex::default(),
        }));
        let timer = timer.map_err(|error| {
            DiskError::new(format!(
                "no thread for the faulty disk ({error}): close other programs"
            ))
        })?;
        *disk.0.timer.lock().unwrap_or_else(PoisonError::into_inner) = Some(timer);
        Ok(disk)
    }

    /// The disk's time zero: a stall `3s@5s` comes 5 s after it and never before it, and the flusher's clock and the
    /// age of what is dirty by then count from it. The drill says so when its stream begins; a second time is no news.
    pub fn time_begins(&self) {
        self.0.gate.time_begins();
    }

    /// Cheap: called 20 times a second.
    #[must_use]
    pub fn status(&self) -> DiskStatus {
        self.0.gate.lock().status()
    }

    /// Freezes the whole disk at that operation; forgets what it froze at before.
    pub fn arm(&self, moment: DiskMoment) {
        self.0.gate.arm(moment);
    }

    pub fn disarm(&self) {
        self.0.gate.disarm();
    }

    /// The operation that the disk froze at, since the last [`FaultyDisk::arm`].
    #[must_use]
    pub fn struck(&self) -> Option<Struck> {
        self.0.gate.struck()
    }

    /// The same, waited for.
    #[must_use]
    pub fn wait_struck(&self, patience: Duration) -> Option<Struck> {
        self.0.gate.wait_struck(patience)
    }

    /// From now on every operation that changes, syncs, opens or reads a file waits, nothing becomes durable, and
    /// fsyncs in flight stay so. Returns the instant; the first one if the disk is frozen already.
    pub fn freeze(&self) -> Micros {
        self.0.gate.freeze()
    }

    /// What waited is done, as if nothing had been.
    pub fn thaw(&self) {
        self.0.gate.thaw();
    }

    /// Held operations and fsyncs in flight return EIO without effect, so that a killed server can die; and while
    /// the disk stays frozen, what still comes from its threads does, too. Call it right after the SIGKILL.
    pub fn release_held(&self) {
        self.0.gate.release_held();
    }

    /// The power cut: everything that was not durable at the freeze is gone, by the plan's models. The disk thaws.
    /// It wants a frozen disk and a dead server; one that is not frozen is cut at this instant.
    pub fn cut(&self) -> CutReport {
        self.0.gate.cut()
    }

    /// After a kill without a cut: what was written stays, since the page cache outlives the server. Held
    /// operations end without effect, and the disk thaws.
    pub fn survive_kill(&self) {
        self.0.gate.survive_kill();
    }

    /// Copies an image out, as of this instant, also while the disk is frozen. The disk goes on meanwhile.
    /// The durable image is what [`FaultyDisk::cut`] would leave at the same instant, random tails included.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn export(&self, image: DiskImage, to: &Path) -> Result<(), DiskError> {
        let image = self.0.gate.lock().model.image(image);
        copy_out::copy_out(&image, to)
    }

    /// Can be called twice. Lazy where files are open.
    ///
    /// # Errors
    /// The system refuses even the lazy unmount; the message tells the command.
    pub fn unmount(&self) -> Result<(), DiskError> {
        self.0.unmount()
    }
}

impl Mounted {
    fn unmount(&self) -> Result<(), DiskError> {
        self.gate.close();
        let session = self
            .session
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let result = session.map_or(Ok(()), |session| mount::unmount(session, &self.at));
        let timer = self
            .timer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(timer) = timer {
            let _ = timer.join();
        }
        result
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = self.unmount();
    }
}
