//! The life of a drill: start, stream, fault, restart, read back, judge, clean up.
//!
//! Straight-line: `script` is what **Run drill** does, `by_hand` is the same steps in the user's order.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::attention::Attention;
use super::capture::Captured;
use super::command::Command;
use super::disk::DrillDisk;
use super::ladder::Climb;
use super::lives::Lives;
use super::load::{Load, Streaming};
use super::ready::{self, Started};
use super::snapshots::SnapshotLog;
use super::stop::{Step, Stop};
use super::store::RunDir;
use super::wire::Wire;
use crate::backend::{Backend, BackendError, Endpoint};
use crate::client::waitaof::Witness;
use crate::client::{Connection, scan};
use crate::domain::event::{Door, DrillEvent, LiveView, Phase, ServerInfo};
use crate::domain::fault::{FaultRecord, PersistenceInfo, ServerEnd};
use crate::domain::history::History;
use crate::domain::op::Micros;
use crate::domain::plan::DrillPlan;
use crate::domain::readback::Readback;
use crate::domain::record::RunRecord;
use crate::domain::workload::KeySpace;
use crate::journal::JournalWriter;

/// A drill under way.
pub struct Drill {
    pub plan: DrillPlan,
    pub dir: RunDir,
    pub backend: Box<dyn Backend>,
    pub keys: KeySpace,
    pub attention: Arc<Attention>,
    pub(super) server: Option<ServerInfo>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) connection: Option<Connection>,
    pub(super) load: Option<Load>,
    pub(super) streaming: Option<Streaming>,
    pub(super) faults: Vec<FaultRecord>,
    pub(super) snapshots: SnapshotLog,
    pub(super) latest_info: Option<PersistenceInfo>,
    /// Lines of the server's log since its last start.
    pub(super) log: Vec<String>,
    /// When the server's log was looked at last.
    pub(super) log_read: Micros,
    pub(super) evicted: Lives,
    pub(super) expired: Lives,
    pub(super) readback: Option<Arc<Readback>>,
    /// What was judged last; the ops live here while nothing streams.
    pub(super) history: Option<Arc<History>>,
    pub(super) judged: bool,
    /// The newest judgement, for the reports at the end.
    pub(super) record: Option<Arc<RunRecord>>,
    pub(super) next_look: Instant,
    pub(super) next_info: Instant,
    /// The server did not answer when it was asked last.
    pub(super) silent: bool,
    pub(super) rate_before: (Instant, u64),
    /// When the stream began, and what was acknowledged before.
    pub(super) stream_began: (Instant, u64),
    /// The network between the load and the server, if the plan has a fault for it.
    pub(super) wire: Option<Wire>,
    /// The next fault's instant is captured, to show both of its ends.
    pub(super) capture: bool,
    pub(super) captured: Option<Captured>,
    /// Images that are tried while the stream goes on.
    pub(super) trials: Vec<JoinHandle<()>>,
    /// WAITAOF beside the stream, if it is believed here.
    pub(super) witness: Option<Witness>,
    /// WAITAOF has passed its self-test on this server.
    pub(super) waitaof_believed: bool,
    /// Why a tail-cut replay would have no witness.
    pub(super) no_witness: Option<String>,
    /// The faulty disk under the server's data directory.
    pub(super) disk: Option<DrillDisk>,
    pub(super) climb: Climb,
    /// Shared with the load and the window.
    pub(super) live: Arc<Mutex<LiveView>>,
    /// A full or failing disk has made the server end by itself.
    pub(super) gave_up: bool,
}

impl Drill {
    pub fn new(
        plan: DrillPlan,
        dir: RunDir,
        backend: Box<dyn Backend>,
        keys: KeySpace,
        attention: Arc<Attention>,
    ) -> Self {
        Drill {
            plan,
            dir,
            backend,
            keys,
            attention,
            server: None,
            endpoint: None,
            connection: None,
            load: None,
            streaming: None,
            faults: Vec::new(),
            snapshots: SnapshotLog::default(),
            latest_info: None,
            log: Vec::new(),
            log_read: Micros(0),
            evicted: Lives::default(),
            expired: Lives::default(),
            readback: None,
            history: None,
            judged: false,
            record: None,
            next_look: Instant::now(),
            next_info: Instant::now(),
            silent: false,
            rate_before: (Instant::now(), 0),
            stream_began: (Instant::now(), 0),
            wire: None,
            capture: false,
            captured: None,
            trials: Vec::new(),
            witness: None,
            waitaof_believed: false,
            no_witness: None,
            disk: None,
            climb: Climb::default(),
            live: Arc::default(),
            gave_up: false,
        }
    }

    /// The plan from start to verdict.
    pub fn script(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
        self.start(live)?;
        self.capture = self.plan.compare;
        self.call_witness()?;
        self.stream()?;
        if !self.plan.trigger.comes_while_streaming() {
            self.stream_until(self.plan.stream_for)?;
        }
        if self.fault_at(self.plan.fault, self.plan.trigger.clone())? {
            if self.plan.fault.kind.ends_server() {
                self.before_restart()?;
                self.restart()?;
                self.after_restart()?;
            } else {
                // A paused server owes its answers: let them come before anything is read.
                self.stream_until(AFTER_PAUSE)?;
            }
        }
        self.verify()
    }

    /// The same steps in the user's order, any number of times.
    pub fn by_hand(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
        self.start(live)?;
        self.call_witness()?;
        loop {
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            match self.attention.next_command() {
                None => {
                    self.look_after()?;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Some(Command::Finish) => return self.settle(),
                Some(Command::Cancel) => return Err(Stop::Cancelled),
                Some(command) => {
                    self.obey(command)?;
                    self.attention.at_rest();
                }
            }
        }
    }

    /// What has happened since the last verdict deserves one, as long as there is a server to read from.
    fn settle(&mut self) -> Step {
        let phase = self.attention.current().phase;
        if !self.judged && matches!(phase, Phase::Ready | Phase::Streaming) {
            return self.verify();
        }
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Step {
        let phase = self.attention.current().phase;
        let up = matches!(phase, Phase::Ready | Phase::Streaming);
        let counts_bytes = matches!(
            command,
            Command::Compare | Command::WhatIf | Command::TailCut | Command::Repair
        );
        if counts_bytes && self.plan.store.is_some() {
            return self.warn(
                "not possible with a store of your own: it counts our own writes in Redis' files",
            );
        }
        match command {
            Command::Stream if phase == Phase::Ready => self.stream(),
            Command::Pause if phase == Phase::Streaming => self.pause_stream(),
            Command::Fault(fault) if up => match self.cannot(fault.kind) {
                Some(reason) => self.warn(&format!(
                    "{} is not possible here: {reason}",
                    fault.kind.title()
                )),
                None => self.fault(fault, None),
            },
            Command::Arm(fault, trigger) if up => match self.cannot(fault.kind) {
                Some(reason) => self.warn(&format!(
                    "{} is not possible here: {reason}",
                    fault.kind.title()
                )),
                None => self.fault_at(fault, trigger).map(|_| ()),
            },
            Command::Compare if up => self.kill_and_compare(),
            Command::WhatIf if up => self.what_if(),
            Command::TailCut if phase == Phase::Down => self.tail_cut(),
            Command::Damage(damage) if phase == Phase::Down => match self.damage(damage) {
                Err(Stop::Failed { error, .. }) => self.warn(&error),
                done => done,
            },
            Command::Repair if phase == Phase::Down && self.refused_to_start() => self.repair(),
            Command::Restart if phase == Phase::Down => self.restart(),
            Command::Verify if up => {
                if phase == Phase::Streaming {
                    self.pause_stream()?;
                }
                self.verify()
            }
            Command::Verify if phase == Phase::Down && self.refused_to_start() => self.verify(),
            other => self.warn(&format!(
                "{other:?} does not fit: {}",
                phase.title().to_lowercase()
            )),
        }
    }

    pub(super) fn warn(&self, text: &str) -> Step {
        self.attention.tell(DrillEvent::Warned {
            text: text.to_owned(),
        });
        Ok(())
    }

    /// Starts the server for the first time and proves that the preset is in force.
    fn start(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
        self.live = Arc::clone(&live);
        self.attention.phase(Phase::Starting);
        let begun = Instant::now();
        let endpoint = self.backend.start(&*self.attention)?;
        match ready::wait(&mut *self.backend, &endpoint, &*self.attention)
            .map_err(|e| self.cancelled_or(e))?
        {
            Started::Ready => {}
            Started::Ended(end) => {
                self.collect_log();
                let words = ready::last_words(&self.log).join("\n  ");
                return Err(Stop::failed(format!(
                    "the server did not start: {end}. Its own words:\n  {words}"
                )));
            }
        }
        self.open_door(&live, &endpoint);
        self.endpoint = Some(endpoint);
        self.look_at_namespace()?;
        let info = self.greet()?;
        self.dir.write_effective_config(&info)?;
        let journal = JournalWriter::create(
            &self.dir.journal(),
            self.attention.clock.began_unix_micros(),
        )
        .map_err(|error| Stop::failed(error.to_string()))?;
        let store = self.store_command()?;
        self.load = Some(Load::new(
            self.plan.workload,
            self.plan.max_messages,
            self.plan.op_timeout,
            self.attention.clock,
            self.keys.clone(),
            journal,
            live,
            store,
        ));
        self.attention.tell(DrillEvent::ServerStarted {
            info,
            took: begun.elapsed(),
        });
        self.attention.phase(Phase::Ready);
        Ok(())
    }

    pub(super) fn cancelled_or(&self, error: BackendError) -> Stop {
        if self.attention.is_cancelled() {
            Stop::Cancelled
        } else {
            error.into()
        }
    }

    fn stream(&mut self) -> Step {
        self.take_back_ops();
        self.judged = false;
        let (Some(load), Some(server)) = (self.load.take(), self.endpoint.clone()) else {
            return self.warn("nothing to stream to");
        };
        let endpoint = self.line_to(&server)?;
        if let Some(disk) = &self.disk {
            disk.disk.time_begins();
        }
        let streaming = load
            .stream(&endpoint)
            .map_err(|error| Stop::failed(format!("cannot stream: {error}")))?;
        self.streaming = Some(streaming);
        self.await_store()?;
        self.stream_began = (Instant::now(), self.attention.current().acked);
        self.start_witness();
        self.attention.tell(DrillEvent::StreamStarted);
        self.attention.phase(Phase::Streaming);
        Ok(())
    }

    /// Ten million ops are not kept twice: judging lends them to the record, and takes them back.
    pub(super) fn take_back_ops(&mut self) {
        self.record = None;
        if let (Some(load), Some(history)) = (&mut self.load, self.history.take()) {
            load.ops = match Arc::try_unwrap(history) {
                Ok(history) => history.ops,
                Err(shared) => shared.ops.clone(),
            };
        }
    }

    fn stream_until(&mut self, time: Duration) -> Step {
        let begun = Instant::now();
        while begun.elapsed() < time
            && !self.gave_up
            && !self.streaming.as_ref().is_none_or(Streaming::has_finished)
        {
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let share = begun.elapsed().as_secs_f64() / time.as_secs_f64();
            self.attention
                .progress(|progress| progress.share = Some(share.min(1.0)));
            self.look_after()?;
            std::thread::sleep(Duration::from_millis(2).min(time.saturating_sub(begun.elapsed())));
        }
        // It has ended by itself: all messages are sent, or it could not go on, which its result tells.
        if self.streaming.as_ref().is_some_and(Streaming::has_finished) {
            self.end_stream()?;
        }
        Ok(())
    }

    pub(super) fn end_stream(&mut self) -> Step {
        if let Some(streaming) = self.streaming.take() {
            let meter = Arc::clone(&streaming.meter);
            if self.attention.is_cancelled() {
                streaming.hurry();
            }
            let (load, result) = streaming.stop();
            self.load = Some(load);
            // The last replies came in after the last look.
            self.count(&meter);
            self.meter();
            self.hear_network();
            self.hear_store(&meter);
            self.tell_pace();
            result?;
        }
        Ok(())
    }

    fn pause_stream(&mut self) -> Step {
        self.end_stream()?;
        let acked = self.attention.current().acked;
        self.attention.tell(DrillEvent::StreamPaused { acked });
        self.attention.phase(Phase::Ready);
        Ok(())
    }

    /// Lets the window look into the server. Port and password stay the same over every restart.
    fn open_door(&self, live: &Mutex<LiveView>, endpoint: &Endpoint) {
        let mut view = live
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        view.door = Some(Door {
            host: endpoint.host.clone(),
            port: endpoint.port,
            user: endpoint.user.clone(),
            password: endpoint.password.clone(),
            database: endpoint.database,
            ours: self.backend.id() != "external",
        });
    }

    /// Starts the dead server on its data. A server that ends by itself has refused: a result.
    fn restart(&mut self) -> Step {
        self.attention.phase(Phase::Restarting);
        self.log.clear();
        self.gave_up = false;
        let begun = Instant::now();
        let started = self.backend.start(&*self.attention);
        let endpoint = started.map_err(|e| self.cancelled_or(e))?;
        self.endpoint = Some(endpoint.clone());
        match ready::wait(&mut *self.backend, &endpoint, &*self.attention)
            .map_err(|e| self.cancelled_or(e))?
        {
            Started::Ready => self.come_back(begun),
            Started::Ended(end) => self.refused(end),
        }
    }

    /// The server is ready again.
    pub(super) fn come_back(&mut self, begun: Instant) -> Step {
        let took = begun.elapsed();
        self.silent = false;
        let info = self.greet()?;
        self.witness = None;
        self.disk_round_begins();
        self.attention
            .tell(DrillEvent::ServerRestarted { info, took });
        self.attention.phase(Phase::Ready);
        Ok(())
    }

    /// The server has ended before it was ready: a result, told in its own words.
    pub(super) fn refused(&mut self, end: ServerEnd) -> Step {
        self.collect_log();
        let words = ready::last_words(&self.log);
        if words
            .iter()
            .any(|line| line.contains("Address already in use"))
        {
            return Err(Stop::failed(format!(
                "somebody has taken the port of the dead server: {}",
                words.join("; ")
            )));
        }
        self.attention
            .tell(DrillEvent::ServerRefused { end, words });
        self.attention.phase(Phase::Down);
        Ok(())
    }

    pub(super) fn disk_round_begins(&mut self) {
        let acked = self.attention.current().acked;
        self.climb.came_back(acked);
        if let Some(disk) = &mut self.disk {
            disk.round_begins(acked);
        }
    }

    pub(super) fn refused_to_start(&self) -> bool {
        let timeline = self.attention.timeline();
        let starts = timeline.iter().rev().find_map(|event| match event.event {
            DrillEvent::ServerRefused { .. } => Some(true),
            DrillEvent::ServerStarted { .. } | DrillEvent::ServerRestarted { .. } => Some(false),
            _ => None,
        });
        starts == Some(true)
    }

    /// Reads everything back, if there is a server to read from, and judges.
    fn verify(&mut self) -> Step {
        self.end_stream()?;
        if !self.refused_to_start() {
            self.read_back()?;
        }
        self.judge()
    }

    /// Ends the run, however it went: the last word on it, the server gone, nothing left behind.
    pub fn finish(&mut self, result: Step) {
        match result {
            Ok(()) => {}
            Err(Stop::Cancelled) => self.attention.tell(DrillEvent::Cancelled),
            Err(Stop::Failed { error, fix }) => {
                self.attention.tell(DrillEvent::Failed { error, fix });
            }
        }
        if let Err(Stop::Failed { error, .. }) = self.end_stream() {
            let _ = self.warn(&error);
        }
        let over = matches!(
            self.attention.timeline().last(),
            Some(last) if matches!(last.event, DrillEvent::Failed { .. })
        );
        if (!self.judged || over)
            && let Err(Stop::Failed { error, .. }) = self.judge()
        {
            let _ = self.warn(&error);
        }
        self.await_trials();
        // What the server has said since it came back.
        self.collect_log();
        self.attention.phase(Phase::TearingDown);
        self.wire = None;
        self.witness = None;
        self.connection = None;
        if let Err(error) = self.clean_up() {
            let _ = self.warn(&format!("cleaning up: {error}"));
        }
        if let Some(Err(error)) = self.record.as_deref().map(super::store::write_reports) {
            let _ = self.warn(&format!("{error:#}"));
        }
        self.attention.tell(DrillEvent::RunFinished);
        self.attention.phase(Phase::Finished);
    }

    fn clean_up(&mut self) -> Result<(), BackendError> {
        let disk = self.disk.take();
        let backend = match &disk {
            None => self.backend.close(),
            Some(disk) => {
                disk.disk.disarm();
                disk.disk.thaw();
                DrillDisk::releasing(&disk.disk, Duration::ZERO, || self.backend.close())
            }
        };
        let backend = backend.and(disk.map_or(Ok(()), DrillDisk::close));
        if let Some(endpoint) = &self.endpoint
            && backend.is_ok()
            && !self.keys.prefix.is_empty()
        {
            // Ours under the prefix, and nothing else; the server has just been started again if it was down.
            let _ = ready::wait(&mut *self.backend, endpoint, &*self.attention);
            let removed = scan::remove_namespace(endpoint, &self.keys);
            removed.map_err(|error| {
                BackendError::new(format!(
                    "keys with the prefix {} are left on the server: {error}",
                    self.keys.prefix
                ))
            })?;
        }
        backend
    }
}

/// How long a paused drill streams on after the thaw.
const AFTER_PAUSE: Duration = Duration::from_secs(1);

/// The folder of the data that fault number `fault`, from 1, has left.
pub(super) fn kept_name(fault: usize) -> String {
    format!("after-fault-{fault}")
}
