//! Records and drills out of nothing: a synthetic crash with known losses, for the window's tests and
//! for looking at the window. Deterministic, apart from the clock that paces the fake drill.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeZone, Utc};
use crashdrill::domain::contract::{Contract, Promise};
use crashdrill::domain::event::{
    DrillEvent, Fix, LiveView, Phase, Progress, RunId, ServerInfo, TimedEvent,
};
use crashdrill::domain::fault::{Fault, FaultRecord, ServerEnd};
use crashdrill::domain::history::History;
use crashdrill::domain::op::{Cause, Completion, Micros, Op};
use crashdrill::domain::plan::{DrillPlan, PlanDraft};
use crashdrill::domain::preset::Preset;
use crashdrill::domain::readback::{Readback, SessionReadback};
use crashdrill::domain::record::RunRecord;
use crashdrill::domain::verdict::{
    Class, Counts, Cut, FaultFinding, Ground, Judgement, SessionCounts, SessionFinding,
    SessionState, Verdict,
};
use crashdrill::domain::workload::{KeySpace, SessionMix, Workload};
use crashdrill::engine::command::Command;
use crashdrill::engine::launch::{DrillHandle, LaunchOptions, Mode};
use tokio::sync::watch;

/// A crash to make up.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    pub sessions: u32,
    pub messages: u32,
    /// Of each round's messages, the share that reached the disk.
    pub kept: f64,
    /// Rounds of streaming; each ends with a fault, and only the first loses anything.
    pub rounds: u32,
    pub verdict: Verdict,
    pub seed: u64,
}

impl Spec {
    /// Two hundred sessions, twelve seconds, the last third gone.
    pub const SMALL: Spec = Spec {
        sessions: 200,
        messages: 24_000,
        kept: 0.62,
        rounds: 1,
        verdict: Verdict::Held,
        seed: 7,
    };

    /// What the frame budget is measured with.
    pub const LARGE: Spec = Spec {
        sessions: 10_000,
        messages: 1_000_000,
        ..Spec::SMALL
    };
}

const MICROS_PER_MESSAGE: u64 = 500;
const ROUND_TRIP: u64 = 300;
const IN_FLIGHT: u32 = 24;

pub fn plan(spec: &Spec, presets: &[Preset]) -> DrillPlan {
    let draft = PlanDraft {
        sessions: u64::from(spec.sessions),
        seed: spec.seed,
        backend: "process".into(),
        ..PlanDraft::default()
    };
    draft.parse(presets).expect("the default draft is a plan")
}

pub fn began() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 20, 33, 12).unwrap()
}

pub fn server() -> ServerInfo {
    ServerInfo {
        engine: "Redis".into(),
        version: "7.0.15".into(),
        address: "127.0.0.1:43117".into(),
        identity: "31842".into(),
        program: "/usr/bin/redis-server".into(),
        os: "Linux".into(),
        in_force: vec![
            ("save".into(), "5 1".into()),
            ("appendonly".into(), "no".into()),
        ],
    }
}

/// The whole record of the made-up crash.
pub fn record(spec: &Spec, plan: DrillPlan) -> RunRecord {
    let (history, classes) = history(spec, &plan.workload);
    let (findings, readback) = findings(&history, &classes);
    let judgement = judgement(spec, &plan, &history, &classes, findings);
    let (history, classes) = (Arc::new(history), Arc::new(classes));
    let mut record = RunRecord {
        id: RunId("20261120-203312-rdb-5s-process-kill-x7f3".into()),
        dir: PathBuf::from("/runs/20261120-203312-rdb-5s-process-kill-x7f3"),
        began: began(),
        plan,
        keys: KeySpace::default(),
        backend: "process".into(),
        server: Some(server()),
        timeline: Vec::new(),
        history,
        readback: Some(Arc::new(readback)),
        ladder: None,
        judgement,
        classes,
        tool_version: env!("CARGO_PKG_VERSION").into(),
    };
    record.timeline = timeline(&record);
    record
}

fn history(spec: &Spec, workload: &Workload) -> (History, Vec<Class>) {
    let whole = Workload {
        writers: 1,
        sessions: spec.sessions,
        ..*workload
    };
    let mut mix = SessionMix::all(&whole).swap_remove(0);
    let mut next_seq = vec![0u32; spec.sessions as usize];
    let mut history = History::default();
    let mut classes = Vec::new();
    let per_round = spec.messages / spec.rounds.max(1);
    let mut clock = 400_000u64;
    for round in 0..spec.rounds.max(1) {
        let kept = if round == 0 {
            (f64::from(per_round) * spec.kept) as u32
        } else {
            per_round
        };
        for n in 0..per_round + IN_FLIGHT {
            let session = mix.draw();
            next_seq[session.0 as usize] += 1;
            let seq = next_seq[session.0 as usize];
            let mut op = Op::invoke(session, seq, (session.0 % 8) as u16, Micros(clock));
            if n < per_round {
                op.completed = Micros(clock + ROUND_TRIP);
                op.completion = Completion::Acked;
                op.cause = Cause::None;
                op.length = seq;
                classes.push(if n < kept {
                    Class::Survived
                } else {
                    Class::Lost
                });
            } else {
                op.cause = Cause::Disconnected;
                let found = round > 0 && n % 3 == 0;
                classes.push(if found {
                    Class::Resurfaced
                } else {
                    Class::Absent
                });
            }
            history.ops.push(op);
            clock += MICROS_PER_MESSAGE;
        }
        history.faults.push(FaultRecord {
            fault: Fault::new(crashdrill::domain::fault::FaultKind::ProcessKill),
            at: Micros(clock),
            dead: Micros(clock + 2_000),
            end: ServerEnd::Signal { signal: 9 },
            escalated: false,
            before: None,
            last_snapshot: None,
            disk: None,
            hit: None,
        });
        clock += 1_500_000;
    }
    (history, classes)
}

fn findings(history: &History, classes: &[Class]) -> (Vec<SessionFinding>, Readback) {
    let index = history.by_session();
    let mut readback = Readback::default();
    let mut findings = Vec::new();
    for session in index.sessions() {
        let mut read = SessionReadback::empty(session);
        let (mut acked, mut lost, mut hole, mut found) = (0, 0, false, 0);
        for &i in index.ops_of(session) {
            let class = classes[i as usize];
            acked += u32::from(history.ops[i as usize].completion == Completion::Acked);
            if class == Class::Lost {
                lost += 1;
            } else if class.found() {
                hole |= lost > 0;
                found += 1;
                read.push(history.ops[i as usize].seq);
            }
        }
        readback.sessions.push(read);
        let state = match (lost, found) {
            (0, _) => SessionState::Intact,
            (_, 0) => SessionState::Vanished,
            _ if hole => SessionState::Hole,
            _ => SessionState::TailLost,
        };
        findings.push(SessionFinding {
            session,
            state,
            acked,
            lost,
            found,
        });
    }
    (findings, readback)
}

fn judgement(
    spec: &Spec,
    plan: &DrillPlan,
    history: &History,
    classes: &[Class],
    findings: Vec<SessionFinding>,
) -> Judgement {
    let mut counts = Counts {
        attempted: history.ops.len() as u64,
        acked: history.count(Completion::Acked),
        ..Counts::default()
    };
    for class in classes {
        *counts.of_mut(*class) += 1;
    }
    let mut sessions = SessionCounts {
        total: findings.len() as u64,
        ..SessionCounts::default()
    };
    for finding in &findings {
        *sessions.of_mut(finding.state) += 1;
    }
    let first_lost = classes.iter().position(|class| *class == Class::Lost);
    let mut faults = Vec::new();
    for (n, fault) in history.faults.iter().enumerate() {
        let lost = if n == 0 { counts.lost } else { 0 };
        let acked = counts.acked / history.faults.len() as u64;
        let at_lost = first_lost.map(|i| history.ops[i]);
        let cut = match at_lost {
            Some(op) if lost > 0 => Cut::Clean {
                survived: acked - lost,
                lost,
                after: op.invoked,
                not_after: op.completed,
            },
            _ => Cut::NotNeeded,
        };
        let contract = match spec.verdict {
            Verdict::Violated => Contract::Preset(Promise::Window {
                window: Duration::from_secs(2),
            }),
            _ => plan.contract(fault.fault.kind),
        };
        faults.push(FaultFinding {
            fault: fault.fault.kind,
            at: fault.at,
            contract,
            acked,
            lost,
            window: at_lost
                .filter(|_| lost > 0)
                .map(|op| fault.at.since(op.completed)),
            outside: if spec.verdict == Verdict::Violated {
                lost / 2
            } else {
                0
            },
            held: Some(spec.verdict == Verdict::Held),
            cut,
        });
    }
    let grounds = match spec.verdict {
        Verdict::Held => vec![Ground::WithinContract],
        Verdict::Violated => vec![Ground::OutsideContract {
            fault: 0,
            outside: counts.lost / 2,
        }],
        Verdict::Inconclusive => vec![Ground::PartlyRead { unread_sessions: 3 }],
    };
    Judgement {
        verdict: spec.verdict,
        grounds,
        counts,
        sessions,
        loss_window: faults.iter().filter_map(|fault| fault.window).max(),
        faults,
        findings,
    }
}

fn timeline(record: &RunRecord) -> Vec<TimedEvent> {
    let at = |micros: u64, event| TimedEvent {
        at: Micros(micros),
        event,
    };
    let mut events = vec![
        at(
            0,
            DrillEvent::RunStarted {
                run: record.id.clone(),
                dir: record.dir.clone(),
            },
        ),
        at(
            20_000,
            DrillEvent::BackendChosen {
                backend: "process".into(),
                reason: "auto: no Docker engine answers, so the local redis-server is used".into(),
            },
        ),
        at(
            310_000,
            DrillEvent::ServerStarted {
                info: server(),
                took: Duration::from_millis(290),
            },
        ),
        at(400_000, DrillEvent::StreamStarted),
    ];
    for fault in &record.history.faults {
        events.push(at(
            fault.at.0,
            DrillEvent::FaultBegan {
                fault: fault.fault,
                before: None,
            },
        ));
        events.push(at(
            fault.dead.0,
            DrillEvent::FaultDone {
                record: Box::new(fault.clone()),
            },
        ));
        events.push(at(
            fault.dead.0 + 400_000,
            DrillEvent::ServerRestarted {
                info: server(),
                took: Duration::from_millis(380),
            },
        ));
    }
    let end = events.last().map_or(0, |event| event.at.0);
    events.push(at(
        end + 90_000,
        DrillEvent::ReadbackFinished {
            sessions: record.judgement.sessions.total,
            entries: record.judgement.counts.survived,
            unread_sessions: 0,
            took: Duration::from_millis(88),
        },
    ));
    events
}

/// What the fake drill shall do instead of a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Normal,
    /// Fails at once as if Docker were not running.
    NoDocker,
}

/// A drill without a server: events, progress and live picture of [`record`], at `speed` times real time.
pub fn launch(plan: DrillPlan, options: LaunchOptions, script: Script, speed: f64) -> DrillHandle {
    let (commands, orders) = channel();
    let (facts, events) = channel();
    let (meter, progress) = watch::channel(Progress::default());
    let live = Arc::new(Mutex::new(LiveView::default()));
    let shared = live.clone();
    let mut fake = Fake {
        orders,
        facts,
        meter,
        live: shared,
        wake: options.wake,
        began: Instant::now(),
        speed,
        sent: 0,
        rounds: 0,
        cancelled: false,
    };
    let thread = std::thread::Builder::new()
        .name("fake-drill".into())
        .spawn(move || fake.run(&plan, options.mode, &options.runs, script))
        .expect("a thread can be started");
    DrillHandle {
        commands,
        events,
        progress,
        live,
        thread: Some(thread),
    }
}

struct Fake {
    orders: Receiver<Command>,
    facts: std::sync::mpsc::Sender<TimedEvent>,
    meter: watch::Sender<Progress>,
    live: Arc<Mutex<LiveView>>,
    wake: Box<dyn Fn() + Send + Sync>,
    began: Instant,
    speed: f64,
    sent: u32,
    rounds: u32,
    cancelled: bool,
}

impl Fake {
    fn now(&self) -> Micros {
        Micros::from(self.began.elapsed().mul_f64(self.speed))
    }

    fn tell(&self, event: DrillEvent) {
        let at = self.now();
        let _ = self.facts.send(TimedEvent { at, event });
        (self.wake)();
    }

    fn phase(&self, phase: Phase, doing: &str, share: Option<f64>) {
        let _ = self.meter.send(Progress {
            at: self.now(),
            phase,
            doing: doing.into(),
            share,
            sent: u64::from(self.sent),
            acked: u64::from(self.sent),
            in_flight: if phase == Phase::Streaming { 12 } else { 0 },
            acked_per_sec: if phase == Phase::Streaming {
                1998.0
            } else {
                0.0
            },
            ..Progress::default()
        });
        (self.wake)();
    }

    fn sleep(&self, secs: f64) {
        std::thread::sleep(Duration::from_secs_f64(secs / self.speed));
    }

    fn run(&mut self, plan: &DrillPlan, mode: Mode, runs: &Path, script: Script) {
        let run = RunId("20261120-203312-rdb-5s-process-kill-x7f3".into());
        let dir = runs.join(&run.0);
        self.tell(DrillEvent::RunStarted { run, dir });
        self.phase(Phase::Starting, "Starting redis-server", None);
        self.sleep(0.4);
        if script == Script::NoDocker {
            self.tell(DrillEvent::Failed {
                error: "Docker does not answer at unix:///var/run/docker.sock: connection refused. Start Docker, or use the local redis-server".into(),
                fix: Some(Fix::UseLocalServer),
            });
            self.tell(DrillEvent::RunFinished);
            self.phase(Phase::Finished, "", None);
            return;
        }
        self.tell(DrillEvent::BackendChosen {
            backend: "process".into(),
            reason: "no Docker engine answers, so the local redis-server is used".into(),
        });
        self.tell(DrillEvent::ServerStarted {
            info: server(),
            took: Duration::from_millis(290),
        });
        self.phase(Phase::Ready, "", None);
        match mode {
            Mode::Scripted => self.scripted(plan),
            Mode::ByHand => self.by_hand(plan),
        }
        self.phase(Phase::TearingDown, "Stopping redis-server", None);
        self.sleep(0.3);
        self.tell(DrillEvent::RunFinished);
        self.phase(Phase::Finished, "", None);
    }

    fn scripted(&mut self, plan: &DrillPlan) {
        self.stream(plan, Some(plan.stream_for));
        if !self.cancelled {
            self.fault(plan.fault);
            self.restart();
        }
        self.verify(plan);
    }

    fn by_hand(&mut self, plan: &DrillPlan) {
        loop {
            match self.orders.recv() {
                Ok(Command::Stream) => {
                    if let Some(Command::Fault(fault)) = self.stream(plan, None) {
                        self.fault(fault);
                    }
                    if self.cancelled {
                        return self.verify(plan);
                    }
                }
                Ok(Command::Fault(fault)) => self.fault(fault),
                Ok(Command::Restart) => self.restart(),
                Ok(Command::Verify) => {
                    self.verify(plan);
                    self.phase(Phase::Ready, "", None);
                }
                // Tests tell in its place what comes of these.
                Ok(
                    Command::Pause
                    | Command::Arm(..)
                    | Command::Disarm
                    | Command::Compare
                    | Command::WhatIf
                    | Command::TailCut
                    | Command::Damage(_)
                    | Command::Repair,
                ) => {}
                Ok(Command::Cancel) => {
                    self.cancelled = true;
                    return self.verify(plan);
                }
                Ok(Command::Finish) | Err(_) => return self.verify(plan),
            }
        }
    }

    fn stream(&mut self, plan: &DrillPlan, limit: Option<Duration>) -> Option<Command> {
        self.tell(DrillEvent::StreamStarted);
        let whole = Workload {
            writers: 1,
            ..plan.workload
        };
        let mut mix = SessionMix::all(&whole).pop()?;
        let began = Instant::now();
        loop {
            match self.orders.recv_timeout(Duration::from_millis(33)) {
                Ok(Command::Cancel) | Err(RecvTimeoutError::Disconnected) => {
                    self.cancelled = true;
                    self.tell(DrillEvent::Cancelled);
                    return None;
                }
                Ok(Command::Pause) => {
                    let acked = u64::from(self.sent);
                    self.tell(DrillEvent::StreamPaused { acked });
                    self.phase(Phase::Ready, "", None);
                    return None;
                }
                Ok(order @ Command::Fault(_)) => return Some(order),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            }
            let elapsed = began.elapsed().mul_f64(self.speed);
            self.write(&mut mix, plan, (66.0 * self.speed) as u32);
            let share = limit.map(|limit| elapsed.as_secs_f64() / limit.as_secs_f64());
            self.phase(Phase::Streaming, "Streaming chats", share);
            if limit.is_some_and(|limit| elapsed >= limit) {
                return None;
            }
        }
    }

    fn write(&mut self, mix: &mut SessionMix, plan: &DrillPlan, count: u32) {
        let secs = self.now().secs();
        let mut live = self.live.lock().expect("nobody panics with the picture");
        live.by_session.resize(plan.workload.sessions as usize, 0);
        for _ in 0..count {
            let session = mix.draw().0;
            live.by_session[session as usize] += 1;
            if live.ticks.len() < LiveView::MAX_TICKS {
                live.ticks.push((session, self.sent));
            }
            self.sent += 1;
        }
        live.acked.push([secs, f64::from(self.sent)]);
        live.generation += 1;
    }

    fn fault(&mut self, fault: Fault) {
        self.rounds += 1;
        self.phase(Phase::Faulting, "Sending SIGKILL", None);
        self.tell(DrillEvent::FaultBegan {
            fault,
            before: None,
        });
        let at = self.now();
        self.tell(DrillEvent::FaultDone {
            record: Box::new(FaultRecord {
                fault,
                at,
                dead: Micros(at.0 + 2_000),
                end: ServerEnd::Signal { signal: 9 },
                escalated: false,
                before: None,
                last_snapshot: None,
                disk: None,
                hit: None,
            }),
        });
        self.phase(Phase::Down, "", None);
        self.sleep(0.5);
    }

    fn restart(&mut self) {
        self.phase(Phase::Restarting, "Waiting for the first PONG", None);
        self.sleep(0.5);
        self.tell(DrillEvent::ServerRestarted {
            info: server(),
            took: Duration::from_millis(380),
        });
        self.phase(Phase::Ready, "", None);
    }

    fn verify(&mut self, plan: &DrillPlan) {
        self.phase(Phase::ReadingBack, "Reading back 200 sessions", Some(0.5));
        self.sleep(0.4);
        let spec = Spec {
            sessions: plan.workload.sessions,
            messages: self.sent.max(2000),
            rounds: self.rounds.max(1),
            verdict: if self.cancelled {
                Verdict::Inconclusive
            } else {
                Verdict::Held
            },
            ..Spec::SMALL
        };
        let record = record(&spec, plan.clone());
        self.tell(DrillEvent::ReadbackFinished {
            sessions: record.judgement.sessions.total,
            entries: record.judgement.counts.survived,
            unread_sessions: 0,
            took: Duration::from_millis(88),
        });
        self.tell(DrillEvent::Judged {
            record: Some(Arc::new(record)),
            sentence: "Held: everything that vanished was written after the last snapshot".into(),
        });
    }
}
