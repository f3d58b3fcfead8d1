//! The life of a drill: start, stream, fault, restart, read back, judge, clean up.
//!
//! Straight-line: `script` is what **Run drill** does, `by_hand` is the same steps in the user's order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::attention::{Attention, ReadbackWatch};
use super::command::Command;
use super::load::{Load, LoadError, Streaming};
use super::ready::{self, Started};
use super::snapshots::SnapshotLog;
use super::store::RunDir;
use crate::backend::{Backend, BackendError, Endpoint, Watch};
use crate::client::info::{self, Info};
use crate::client::{Connection, connect, scan};
use crate::domain::checker::{self, Circumstances};
use crate::domain::event::{DrillEvent, Fix, LiveView, Phase, ServerInfo};
use crate::domain::fault::{Fault, FaultKind, FaultRecord, PersistenceInfo, ServerEnd};
use crate::domain::history::History;
use crate::domain::op::SessionId;
use crate::domain::plan::DrillPlan;
use crate::domain::readback::Readback;
use crate::domain::record::RunRecord;
use crate::domain::workload::{KeySpace, MessageMaker};
use crate::journal::JournalWriter;
use crate::report::wording;

/// A drill under way.
pub struct Drill {
    pub plan: DrillPlan,
    pub dir: RunDir,
    pub backend: Box<dyn Backend>,
    pub keys: KeySpace,
    pub attention: Arc<Attention>,
    server: Option<ServerInfo>,
    endpoint: Option<Endpoint>,
    connection: Option<Connection>,
    load: Option<Load>,
    streaming: Option<Streaming>,
    faults: Vec<FaultRecord>,
    snapshots: SnapshotLog,
    latest_info: Option<PersistenceInfo>,
    /// Lines of the server's log since its last start.
    log: Vec<String>,
    evicted: Lives,
    expired: Lives,
    readback: Option<Arc<Readback>>,
    /// What was judged last; the ops live here while nothing streams.
    history: Option<Arc<History>>,
    judged: bool,
    next_look: Instant,
    next_info: Instant,
    rate_before: (Instant, u64),
}

/// Why a drill ends before its script does.
pub enum Stop {
    Cancelled,
    Failed { error: String, fix: Option<Fix> },
}

impl From<BackendError> for Stop {
    fn from(error: BackendError) -> Self {
        let details = if error.details.is_empty() || error.message.contains(&error.details) {
            String::new()
        } else {
            format!("\n{}", error.details)
        };
        Stop::Failed {
            error: error.message + &details,
            fix: error.fix,
        }
    }
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Self {
        Stop::failed(error.to_string())
    }
}

impl Stop {
    fn failed(error: impl Into<String>) -> Self {
        Stop::Failed {
            error: error.into(),
            fix: None,
        }
    }

    /// A file of the run could not be written.
    pub fn unwritten(error: anyhow::Error) -> Self {
        Stop::failed(format!("{error:#}"))
    }
}

type Step<T = ()> = Result<T, Stop>;

/// A counter of the server's that begins anew with each of its lives.
#[derive(Debug, Default)]
struct Lives {
    past: u64,
    now: u64,
}

impl Lives {
    fn saw(&mut self, value: u64) {
        self.now = value;
    }

    fn ended(&mut self) {
        self.past += std::mem::take(&mut self.now);
    }

    fn total(&self) -> u64 {
        self.past + self.now
    }
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
            evicted: Lives::default(),
            expired: Lives::default(),
            readback: None,
            history: None,
            judged: false,
            next_look: Instant::now(),
            next_info: Instant::now(),
            rate_before: (Instant::now(), 0),
        }
    }

    /// The plan from start to verdict.
    pub fn script(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
        self.start(live)?;
        self.stream()?;
        self.stream_until(self.plan.stream_for)?;
        self.fault(self.plan.fault)?;
        if self.plan.fault.kind.ends_server() {
            self.restart()?;
        } else {
            // A paused server owes its answers: let them come before anything is read.
            self.stream_until(AFTER_PAUSE)?;
        }
        self.verify()
    }

    /// The same steps in the user's order, any number of times.
    pub fn by_hand(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
        self.start(live)?;
        loop {
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            match self.attention.next_command() {
                None => {
                    self.look_after()?;
                    std::thread::sleep(Duration::from_millis(5));
                }
                Some(Command::Finish) => return Ok(()),
                Some(Command::Cancel) => return Err(Stop::Cancelled),
                Some(command) => self.obey(command)?,
            }
        }
    }

    fn obey(&mut self, command: Command) -> Step {
        let phase = self.attention.current().phase;
        let up = matches!(phase, Phase::Ready | Phase::Streaming);
        match command {
            Command::Stream if phase == Phase::Ready => self.stream(),
            Command::Pause if phase == Phase::Streaming => self.pause_stream(),
            Command::Fault(fault) if up => match self.backend.cannot(fault.kind) {
                Some(reason) => self.warn(&format!(
                    "{} is not possible here: {reason}",
                    fault.kind.title()
                )),
                None => self.fault(fault),
            },
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

    fn warn(&self, text: &str) -> Step {
        self.attention.tell(DrillEvent::Warned {
            text: text.to_owned(),
        });
        Ok(())
    }

    /// Starts the server for the first time and proves that the preset is in force.
    fn start(&mut self, live: Arc<Mutex<LiveView>>) -> Step {
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
        self.endpoint = Some(endpoint);
        self.look_at_namespace()?;
        let info = self.greet()?;
        self.dir.write_effective_config(&info)?;
        let journal = JournalWriter::create(
            &self.dir.journal(),
            self.attention.clock.began_unix_micros(),
        )
        .map_err(|error| Stop::failed(error.to_string()))?;
        self.load = Some(Load::new(
            self.plan.workload,
            self.plan.max_messages,
            self.attention.clock,
            self.keys.clone(),
            journal,
            live,
        ));
        self.attention.tell(DrillEvent::ServerStarted {
            info,
            took: begun.elapsed(),
        });
        self.attention.phase(Phase::Ready);
        Ok(())
    }

    fn cancelled_or(&self, error: BackendError) -> Stop {
        if self.attention.is_cancelled() {
            Stop::Cancelled
        } else {
            error.into()
        }
    }

    /// Somebody else's server may hold somebody else's keys: never write beside them unasked.
    fn look_at_namespace(&mut self) -> Step {
        let crate::domain::plan::BackendChoice::External(external) = &self.plan.backend else {
            return Ok(());
        };
        if external.allow_nonempty {
            return Ok(());
        }
        let connection = self.connection()?;
        let size = info::key_count(connection).map_err(|error| Stop::failed(error.to_string()))?;
        if size == 0 {
            return Ok(());
        }
        Err(Stop::Failed {
            error: format!(
                "the server at {} holds {size} keys. Crashdrill would write under the prefix {} and remove only that, but the kill concerns them all: agree with --allow-nonempty",
                self.backend.program(),
                self.keys.prefix
            ),
            fix: Some(Fix::AllowNonEmpty),
        })
    }

    /// Who answers, and what is in force there.
    fn greet(&mut self) -> Step<ServerInfo> {
        let expected = self.plan.preset.expected_config();
        let names: Vec<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
        let external = self.backend.id() == "external";
        let failed = |error: &dyn std::fmt::Display| {
            Stop::failed(format!("the server does not describe itself: {error}"))
        };
        let connection = self.connection()?;
        let mut server = Info::fetch(connection)
            .map_err(|error| failed(&error))?
            .server();
        let config = info::config(connection, &names).map_err(|error| failed(&error))?;
        for (name, wanted) in &expected {
            let Some(value) = config.get(name) else {
                self.warn(&format!(
                    "this server does not know the directive {name}; the preset sets it to {wanted}"
                ))?;
                continue;
            };
            if value != wanted {
                let text = format!(
                    "{name} is \"{value}\" on the server and \"{wanted}\" in preset {}",
                    self.plan.preset.id
                );
                match (external, self.plan.gate) {
                    (true, Some(_)) => self.warn(&text)?,
                    (true, None) => {
                        return Err(Stop::failed(format!(
                            "{text}: choose the preset that fits the server, or judge by your own --max-lost or --max-window"
                        )));
                    }
                    (false, _) => {
                        return Err(Stop::failed(format!("the preset is not in force: {text}")));
                    }
                }
            }
            server.in_force.push((name.clone(), value.clone()));
        }
        let endpoint = self.endpoint.as_ref().expect("set before the greeting");
        server.address = format!("{}:{}", endpoint.host, endpoint.port);
        server.identity = self.backend.identity();
        server.program = self.backend.program();
        self.server = Some(server.clone());
        Ok(server)
    }

    fn connection(&mut self) -> Step<&mut Connection> {
        let endpoint = self
            .endpoint
            .as_ref()
            .ok_or_else(|| Stop::failed("the server was never started"))?;
        if self.connection.is_none() {
            let open = connect::connect(endpoint, INFO_PATIENCE);
            self.connection =
                Some(open.map_err(|error| Stop::failed(format!("cannot connect: {error}")))?);
        }
        Ok(self.connection.as_mut().expect("made just now"))
    }

    fn stream(&mut self) -> Step {
        self.take_back_ops();
        let (Some(load), Some(endpoint)) = (self.load.take(), &self.endpoint) else {
            return self.warn("nothing to stream to");
        };
        let streaming = load
            .stream(endpoint)
            .map_err(|error| Stop::failed(format!("cannot stream: {error}")))?;
        self.streaming = Some(streaming);
        self.attention.tell(DrillEvent::StreamStarted);
        self.attention.phase(Phase::Streaming);
        Ok(())
    }

    /// Ten million ops are not kept twice: judging lends them to the record, and takes them back.
    fn take_back_ops(&mut self) {
        if let (Some(load), Some(history)) = (&mut self.load, self.history.take()) {
            load.ops = match Arc::try_unwrap(history) {
                Ok(history) => history.ops,
                Err(shared) => shared.ops.clone(),
            };
        }
    }

    fn stream_until(&mut self, time: Duration) -> Step {
        let begun = Instant::now();
        while begun.elapsed() < time && !self.streaming.as_ref().is_none_or(Streaming::has_finished)
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
        Ok(())
    }

    fn end_stream(&mut self) -> Step {
        if let Some(streaming) = self.streaming.take() {
            let (load, result) = streaming.stop();
            self.load = Some(load);
            self.meter();
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

    /// What the drill does while nothing else is to be done: meters, log, INFO, signs of death.
    fn look_after(&mut self) -> Step {
        self.meter();
        if Instant::now() < self.next_look {
            return Ok(());
        }
        let pace = if self.backend.id() == "docker" {
            200
        } else {
            20
        };
        self.next_look = Instant::now() + Duration::from_millis(pace);
        self.collect_log();
        let phase = self.attention.current().phase;
        if !matches!(phase, Phase::Ready | Phase::Streaming) {
            return Ok(());
        }
        if let Some(end) = self.backend.ended()? {
            return Err(self.died(&end));
        }
        if self.streaming.as_ref().is_some_and(Streaming::has_finished)
            && self.plan.max_messages.is_none()
        {
            // It ends by itself only when it cannot go on; its result says why.
            self.end_stream()?;
        }
        if Instant::now() >= self.next_info {
            self.next_info = Instant::now() + INFO_EVERY;
            self.take_info();
        }
        Ok(())
    }

    /// The server has ended and it was not us: what is missing later cannot be laid to our fault.
    fn died(&mut self, end: &ServerEnd) -> Stop {
        self.collect_log();
        let last_words = ready::last_words(&self.log);
        let words = last_words.join("\n  ");
        self.attention.tell(DrillEvent::ServerDied {
            end: end.clone(),
            last_words,
        });
        Stop::failed(format!(
            "the server ended by itself: {end}. Its last words:\n  {words}"
        ))
    }

    fn meter(&mut self) {
        use std::sync::atomic::Ordering::Relaxed;
        let Some(streaming) = &self.streaming else {
            self.attention.progress(|progress| {
                progress.in_flight = 0;
                progress.acked_per_sec = 0.0;
                progress.backlog = 0;
            });
            return;
        };
        let meter = &streaming.meter;
        let acked = meter.acked.load(Relaxed);
        let (since, before) = self.rate_before;
        let rate = (since.elapsed() >= Duration::from_millis(250)).then(|| {
            self.rate_before = (Instant::now(), acked);
            acked.saturating_sub(before) as f64 / since.elapsed().as_secs_f64()
        });
        self.attention.progress(|progress| {
            progress.acked = acked;
            progress.sent = meter.sent.load(Relaxed);
            progress.refused = meter.refused.load(Relaxed);
            progress.in_flight = progress.sent.saturating_sub(meter.completed.load(Relaxed));
            progress.backlog = meter.backlog.load(Relaxed);
            if let Some(rate) = rate {
                progress.acked_per_sec = rate;
            }
        });
    }

    fn collect_log(&mut self) {
        let Ok(lines) = self.backend.new_log_lines() else {
            return;
        };
        let now = self.attention.clock.now();
        let unix = self.attention.clock.began_unix_micros() + now.0;
        let fork_usec = self
            .latest_info
            .as_ref()
            .map_or(MAX_FORK_USEC, |info| info.latest_fork_usec.max(1_000));
        for line in lines {
            self.dir.append_log(&line.text);
            if let Some(snapshot) = self.snapshots.line(&line.text, now, unix, fork_usec) {
                self.attention
                    .tell(DrillEvent::SnapshotFinished { snapshot });
            }
            self.log.push(line.text);
        }
    }

    /// Asks the server how its persistence is; silence is no answer and no failure.
    fn take_info(&mut self) -> Option<PersistenceInfo> {
        let now = self.attention.clock.now();
        let fetched = self.connection().ok().map(Info::fetch);
        let Some(Ok(fetched)) = fetched else {
            self.connection = None;
            return None;
        };
        let info = fetched.persistence(now);
        self.evicted.saw(info.evicted_keys);
        self.expired.saw(info.expired_keys);
        if self.backend.id() == "external"
            && let Some(snapshot) = self.snapshots.info(&info)
        {
            self.attention
                .tell(DrillEvent::SnapshotFinished { snapshot });
        }
        self.latest_info = Some(info.clone());
        let shown = info.clone();
        self.attention
            .progress(|progress| progress.info = Some(shown));
        Some(info)
    }

    /// Performs a fault under load and drains what the server had answered before it died.
    fn fault(&mut self, fault: Fault) -> Step {
        self.attention.phase(Phase::Faulting);
        self.collect_log();
        let before = self.take_info();
        self.attention.tell(DrillEvent::FaultBegan {
            fault,
            before: before.clone(),
        });
        let at = self.attention.clock.now();
        let (end, escalated) = self.perform(fault)?;
        if fault.kind.ends_server() {
            self.connection = None;
            self.end_stream()?;
        }
        let dead = self.attention.clock.now();
        self.collect_log();
        let record = FaultRecord {
            fault,
            at,
            dead,
            end,
            escalated,
            before,
            last_snapshot: self.snapshots.last,
        };
        self.faults.push(record.clone());
        self.attention.tell(DrillEvent::FaultDone { record });
        if fault.kind.ends_server() {
            self.evicted.ended();
            self.expired.ended();
            self.snapshots.server_ended();
            self.keep_data()?;
            self.attention.phase(Phase::Down);
        } else {
            self.attention.phase(if self.streaming.is_some() {
                Phase::Streaming
            } else {
                Phase::Ready
            });
        }
        Ok(())
    }

    fn perform(&mut self, fault: Fault) -> Step<(ServerEnd, bool)> {
        Ok(match fault.kind {
            FaultKind::ProcessKill => (self.backend.kill()?, false),
            FaultKind::GracefulStop => {
                let text = format!(
                    "SIGTERM sent, SIGKILL after {} s",
                    fault.grace.as_secs_f64()
                );
                self.attention.doing(&text, None);
                self.backend.stop(fault.grace)?
            }
            FaultKind::Pause => {
                self.backend.pause()?;
                let begun = Instant::now();
                while begun.elapsed() < fault.pause && !self.attention.is_cancelled() {
                    let share = begun.elapsed().as_secs_f64() / fault.pause.as_secs_f64();
                    self.attention.doing("Server is paused", Some(share));
                    self.meter();
                    std::thread::sleep(Duration::from_millis(5));
                }
                self.backend.resume()?;
                (ServerEnd::Unknown, false)
            }
            FaultKind::ContainerRemoved => (self.backend.remove(false)?, false),
            FaultKind::ContainerRemovedWithVolume => (self.backend.remove(true)?, false),
        })
    }

    /// The data directory as the fault left it, for anybody to count again.
    fn keep_data(&mut self) -> Step {
        let Some(to) = self.plan.keep_data.clone() else {
            return Ok(());
        };
        let to = to.join(format!("after-fault-{}", self.faults.len()));
        self.attention.doing(
            &format!("Copying the data directory to {}", to.display()),
            None,
        );
        std::fs::create_dir_all(&to)
            .map_err(|error| Stop::failed(format!("cannot make {}: {error}", to.display())))?;
        self.backend.copy_data(&to)?;
        self.attention.tell(DrillEvent::DataKept { path: to });
        Ok(())
    }

    /// Starts the dead server on its data. A server that ends by itself has refused: a result.
    fn restart(&mut self) -> Step {
        self.attention.phase(Phase::Restarting);
        self.log.clear();
        let begun = Instant::now();
        let endpoint = self.backend.start(&*self.attention)?;
        self.endpoint = Some(endpoint.clone());
        match ready::wait(&mut *self.backend, &endpoint, &*self.attention)
            .map_err(|e| self.cancelled_or(e))?
        {
            Started::Ready => {
                let took = begun.elapsed();
                let info = self.greet()?;
                self.attention
                    .tell(DrillEvent::ServerRestarted { info, took });
                self.attention.phase(Phase::Ready);
            }
            Started::Ended(end) => {
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
            }
        }
        Ok(())
    }

    fn refused_to_start(&self) -> bool {
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

    fn read_back(&mut self) -> Step {
        self.attention.phase(Phase::ReadingBack);
        let Some(endpoint) = self.endpoint.clone() else {
            return Ok(());
        };
        self.take_back_ops();
        let begun = Instant::now();
        let started = self.attention.clock.now();
        let ops = self.load.as_ref().map_or(&[][..], |load| &load.ops);
        let mut spoken = vec![false; self.plan.workload.sessions as usize];
        for op in ops {
            spoken[op.session.0 as usize] = true;
        }
        let sessions: Vec<SessionId> = (0..self.plan.workload.sessions)
            .map(SessionId)
            .filter(|s| spoken[s.0 as usize])
            .collect();
        let watch = ReadbackWatch {
            attention: &self.attention,
            sessions: sessions.len(),
        };
        let maker = MessageMaker::new(&self.plan.workload);
        let found = scan::lists(&endpoint, &self.keys, &maker, &sessions, &watch);
        let known = sessions.iter().copied().collect();
        let foreign_keys =
            match scan::foreign_keys(&endpoint, &self.keys, &known, MOST_FOREIGN_KEYS) {
                Ok(keys) => keys,
                Err(error) => {
                    self.warn(&format!("cannot look for keys that are not ours: {error}"))?;
                    Vec::new()
                }
            };
        self.take_info();
        let readback = Readback {
            started,
            finished: self.attention.clock.now(),
            sessions: found,
            foreign_keys,
            evicted_keys: self.evicted.total(),
            expired_keys: self.expired.total(),
        };
        self.dir.write_readback(&readback)?;
        self.attention.tell(DrillEvent::ReadbackFinished {
            sessions: readback.sessions.len() as u64,
            entries: readback
                .sessions
                .iter()
                .map(crate::domain::readback::SessionReadback::len)
                .sum(),
            unread_sessions: readback
                .sessions
                .iter()
                .filter(|s| s.failure.is_some())
                .count() as u64,
            took: begun.elapsed(),
        });
        self.readback = Some(Arc::new(readback));
        if self.attention.is_cancelled() {
            Err(Stop::Cancelled)
        } else {
            Ok(())
        }
    }

    fn judge(&mut self) -> Step {
        self.attention.phase(Phase::Judging);
        self.take_back_ops();
        let ops = self
            .load
            .as_mut()
            .map(|load| std::mem::take(&mut load.ops))
            .unwrap_or_default();
        let history = Arc::new(History {
            ops,
            faults: self.faults.clone(),
            torn: false,
        });
        self.history = Some(Arc::clone(&history));
        let timeline = self.attention.timeline();
        let circumstances = Circumstances::of(&timeline);
        let (judgement, classes) = checker::judge(
            &self.plan,
            &history,
            self.readback.as_deref(),
            &circumstances,
        );
        let record = Arc::new(RunRecord {
            id: self.dir.id.clone(),
            dir: self.dir.path.clone(),
            began: self.attention.clock.began(),
            plan: self.plan.clone(),
            keys: self.keys.clone(),
            backend: self.backend.id().to_owned(),
            server: self.server.clone(),
            timeline,
            history,
            readback: self.readback.clone(),
            judgement,
            classes: Arc::new(classes),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        self.dir.write_verdict(&record)?;
        self.judged = true;
        let sentence = wording::verdict_sentence(&record);
        self.attention.tell(DrillEvent::Judged {
            record: Some(record),
            sentence,
        });
        let up = !self.refused_to_start()
            && self.faults.last().is_none_or(|_| self.connection.is_some());
        self.attention
            .phase(if up { Phase::Ready } else { Phase::Down });
        Ok(())
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
        self.attention.phase(Phase::TearingDown);
        self.connection = None;
        if let Err(error) = self.clean_up() {
            let _ = self.warn(&format!("cleaning up: {error}"));
        }
        self.attention.tell(DrillEvent::RunFinished);
        self.attention.phase(Phase::Finished);
    }

    fn clean_up(&mut self) -> Result<(), BackendError> {
        let backend = self.backend.close();
        if let Some(endpoint) = &self.endpoint
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
const INFO_EVERY: Duration = Duration::from_millis(250);
const INFO_PATIENCE: Duration = Duration::from_millis(500);
/// Assumed for a fork that INFO has not told of yet; forks of small servers take well under it.
const MAX_FORK_USEC: u64 = 20_000;
const MOST_FOREIGN_KEYS: usize = 1_000;
