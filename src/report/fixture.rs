//! Runs that never ran: small enough to check by hand, judged by hand. For the tests of every room.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use crate::domain::contract::Promise;
use crate::domain::event::{DrillEvent, RunId, ServerInfo, TimedEvent};
use crate::domain::fault::{FaultKind, FaultRecord, PersistenceInfo, ServerEnd, Snapshot};
use crate::domain::history::History;
use crate::domain::op::{Cause, Completion, Micros, Op, SessionId};
use crate::domain::plan::{BackendChoice, DrillPlan, PlanDraft};
use crate::domain::preset::Preset;
use crate::domain::readback::{Readback, SessionReadback};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{
    Class, Counts, Cut, FaultFinding, Ground, Judgement, SessionCounts, SessionFinding,
    SessionState, Verdict,
};
use crate::domain::workload::{KeySpace, SessionMix};

/// The default drill on a local process, with a preset and a fault.
pub(crate) fn plan(preset: &str, fault: FaultKind) -> DrillPlan {
    let draft = PlanDraft {
        preset: preset.into(),
        fault,
        ..PlanDraft::default()
    };
    let mut plan = draft.parse(&Preset::embedded()).expect("a sound draft");
    plan.backend = BackendChoice::Process { program: None };
    plan
}

/// An acknowledged op: session, seq, invoked and completed in milliseconds.
pub(crate) fn acked(session: u32, seq: u32, invoked: u64, completed: u64) -> Op {
    Op {
        completed: Micros(completed * 1000),
        completion: Completion::Acked,
        cause: Cause::None,
        length: seq,
        ..Op::invoke(SessionId(session), seq, 0, Micros(invoked * 1000))
    }
}

/// Four sessions, ten messages, a snapshot that began at 6 s, a kill at 9.2 s: session 0 lost two of
/// four, session 1 nothing, session 2 its only one, session 3 had one in flight that came back.
pub(crate) fn small() -> RunRecord {
    let ops = vec![
        acked(0, 1, 1000, 1001),
        acked(1, 1, 2000, 2001),
        acked(0, 2, 3000, 3001),
        acked(1, 2, 4000, 4001),
        acked(3, 1, 5000, 5001),
        acked(0, 3, 7000, 7001),
        acked(2, 1, 8000, 8001),
        acked(0, 4, 9000, 9001),
        Op::invoke(SessionId(3), 2, 0, Micros(9_199_000)),
    ];
    let classes = vec![
        Class::Survived,
        Class::Survived,
        Class::Survived,
        Class::Survived,
        Class::Survived,
        Class::Lost,
        Class::Lost,
        Class::Lost,
        Class::Absent,
    ];
    record(
        plan("rdb-5s", FaultKind::ProcessKill),
        ops,
        classes,
        Micros(9_200_000),
        Micros(6_000_000),
    )
}

/// `messages` of the default workload at an even rate, all lost that were acknowledged after the last snapshot began.
pub(crate) fn streamed(messages: u32) -> RunRecord {
    let plan = plan("rdb-5s", FaultKind::ProcessKill);
    let (killed, fork) = (Micros(12_204_000), Micros(10_912_000));
    let mut mixes: Vec<SessionMix> = SessionMix::all(&plan.workload);
    let mut seqs = vec![0u32; plan.workload.sessions as usize];
    let (mut ops, mut classes) = (Vec::new(), Vec::new());
    for n in 0..messages {
        let writer = n as usize % mixes.len();
        let session = mixes[writer].draw();
        let seq = &mut seqs[session.0 as usize];
        *seq += 1;
        // Not quite even: a stream that breathes.
        let share = f64::from(n) / f64::from(messages);
        let secs = 0.2 + 12.0 * (share + 0.012 * (share * 19.0).sin());
        let invoked = Micros((secs * 1e6) as u64);
        let mut op = Op::invoke(session, *seq, writer as u16, invoked);
        if invoked.0 + 400 < killed.0 {
            op.completed = Micros(invoked.0 + 400);
            op.completion = Completion::Acked;
            op.cause = Cause::None;
            op.length = *seq;
        }
        classes.push(match op.completion {
            Completion::Acked if op.completed < fork => Class::Survived,
            Completion::Acked => Class::Lost,
            _ => Class::Absent,
        });
        ops.push(op);
    }
    record(plan, ops, classes, killed, fork)
}

/// A judged record of one fault, from ops and their classes.
pub(crate) fn record(
    plan: DrillPlan,
    ops: Vec<Op>,
    classes: Vec<Class>,
    killed: Micros,
    fork: Micros,
) -> RunRecord {
    let dead = Micros(killed.0 + 35_000);
    let fault = FaultRecord {
        fault: plan.fault,
        at: killed,
        dead,
        end: ServerEnd::Signal { signal: 9 },
        escalated: false,
        before: Some(PersistenceInfo {
            at: Micros(killed.0 - 40_000),
            ..PersistenceInfo::default()
        }),
        last_snapshot: Some(Snapshot {
            fork,
            finished: Micros(fork.0 + 30_000),
        }),
        disk: None,
        hit: None,
    };
    let judgement = judge(&plan, &ops, &classes, &fault);
    let server = ServerInfo {
        engine: "Redis".into(),
        version: "7.0.15".into(),
        address: "127.0.0.1:43117".into(),
        identity: "4711".into(),
        program: "/usr/bin/redis-server".into(),
        os: "Linux 6.1 x86_64".into(),
        in_force: plan.preset.expected_config(),
    };
    let history = History {
        ops,
        faults: vec![fault.clone()],
        torn: false,
    };
    RunRecord {
        id: RunId("20261120-203312-rdb-5s-process-kill-x7f3".into()),
        dir: PathBuf::from(
            "/home/me/.local/share/crashdrill/runs/20261120-203312-rdb-5s-process-kill-x7f3",
        ),
        began: DateTime::from_timestamp(1_795_206_792, 0).expect("a date"),
        keys: KeySpace::default(),
        backend: "process".into(),
        timeline: timeline(&server, &fault),
        server: Some(server),
        readback: Some(Arc::new(readback(&history, &classes))),
        ladder: None,
        history: Arc::new(history),
        judgement,
        classes: Arc::new(classes),
        tool_version: "0.1.0".into(),
        plan,
    }
}

fn readback(history: &History, classes: &[Class]) -> Readback {
    let index = history.by_session();
    let sessions = index.sessions().map(|session| {
        let mut found = SessionReadback::empty(session);
        for op in index.ops_of(session) {
            if classes[*op as usize].found() {
                found.push(history.ops[*op as usize].seq);
            }
        }
        found
    });
    Readback {
        sessions: sessions.collect(),
        ..Readback::default()
    }
}

/// Counts what the classes say: not the checker, which has its own tests.
fn judge(plan: &DrillPlan, ops: &[Op], classes: &[Class], fault: &FaultRecord) -> Judgement {
    let mut counts = Counts::default();
    let last = ops
        .iter()
        .map(|op| op.session.0 as usize + 1)
        .max()
        .unwrap_or(0);
    let mut findings: Vec<SessionFinding> = (0..last)
        .map(|n| SessionFinding {
            session: SessionId(n as u32),
            state: SessionState::Intact,
            acked: 0,
            lost: 0,
            found: 0,
        })
        .collect();
    for (op, class) in ops.iter().zip(classes) {
        counts.attempted += 1;
        *counts.of_mut(*class) += 1;
        let finding = &mut findings[op.session.0 as usize];
        let acked = op.completion == Completion::Acked;
        counts.acked += u64::from(acked);
        finding.acked += u32::from(acked);
        finding.lost += u32::from(*class == Class::Lost);
        finding.found += u32::from(class.found());
    }
    let mut sessions = SessionCounts::default();
    for finding in &mut findings {
        finding.state = match (finding.lost, finding.found) {
            (0, _) => SessionState::Intact,
            (_, 0) => SessionState::Vanished,
            _ => SessionState::TailLost,
        };
        *sessions.of_mut(finding.state) += 1;
        sessions.total += 1;
    }
    let pairs = || ops.iter().zip(classes);
    let oldest = pairs()
        .filter(|(_, c)| **c == Class::Lost)
        .map(|(op, _)| op.completed)
        .min();
    let newest = pairs()
        .filter(|(_, c)| **c == Class::Survived)
        .map(|(op, _)| op.invoked)
        .max();
    let window = oldest.map(|oldest| fault.at.since(oldest));
    Judgement {
        verdict: Verdict::Held,
        grounds: vec![Ground::WithinContract],
        loss_window: window,
        faults: vec![FaultFinding {
            fault: fault.fault.kind,
            at: fault.at,
            contract: plan.contract(fault.fault.kind),
            acked: counts.acked,
            lost: counts.lost,
            window,
            outside: 0,
            held: Some(true),
            cut: match oldest {
                None => Cut::NotNeeded,
                Some(oldest) => Cut::Clean {
                    survived: counts.survived,
                    lost: counts.lost,
                    after: newest.unwrap_or_default(),
                    not_after: oldest,
                },
            },
        }],
        counts,
        sessions,
        findings,
    }
}

fn timeline(server: &ServerInfo, fault: &FaultRecord) -> Vec<TimedEvent> {
    let at = |micros, event| TimedEvent {
        at: Micros(micros),
        event,
    };
    vec![
        at(
            0,
            DrillEvent::BackendChosen {
                backend: "process".into(),
                reason: "chosen in the plan".into(),
            },
        ),
        at(
            140_000,
            DrillEvent::ServerStarted {
                info: server.clone(),
                took: Duration::from_millis(120),
            },
        ),
        at(200_000, DrillEvent::StreamStarted),
        at(
            fault.at.0,
            DrillEvent::FaultBegan {
                fault: fault.fault,
                before: fault.before.clone(),
            },
        ),
        at(
            fault.dead.0,
            DrillEvent::FaultDone {
                record: fault.clone(),
            },
        ),
        at(
            fault.dead.0 + 90_000,
            DrillEvent::ServerRestarted {
                info: server.clone(),
                took: Duration::from_millis(85),
            },
        ),
    ]
}

/// As [`small`], under a promise that it breaks.
pub(crate) fn violated() -> RunRecord {
    let mut record = small();
    record.judgement.verdict = Verdict::Violated;
    record.judgement.grounds = vec![Ground::OutsideContract {
        fault: 0,
        outside: 3,
    }];
    let finding = &mut record.judgement.faults[0];
    finding.contract = crate::domain::contract::Contract::Preset(Promise::Nothing);
    finding.outside = 3;
    finding.held = Some(false);
    record
}

/// Two kills: the first took a message, which was then written past; the second took nothing.
pub(crate) fn hole() -> RunRecord {
    let ops = vec![
        acked(0, 1, 1000, 1001),
        acked(0, 2, 2000, 2001),
        acked(0, 3, 7000, 7001),
    ];
    let classes = vec![Class::Survived, Class::Lost, Class::Survived];
    let (killed, fork) = (Micros(5_000_000), Micros(1_500_000));
    let mut record = record(
        plan("rdb-5s", FaultKind::ProcessKill),
        ops,
        classes,
        killed,
        fork,
    );
    let history = Arc::make_mut(&mut record.history);
    let mut second = history.faults[0].clone();
    (second.at, second.dead) = (Micros(9_000_000), Micros(9_030_000));
    second.last_snapshot = Some(Snapshot {
        fork: Micros(8_000_000),
        finished: Micros(8_020_000),
    });
    history.faults.push(second);
    let judgement = &mut record.judgement;
    judgement.findings[0].state = SessionState::Hole;
    (judgement.sessions.tail_lost, judgement.sessions.hole) = (0, 1);
    judgement.faults[0].acked = 2;
    if let Cut::Clean { survived, .. } = &mut judgement.faults[0].cut {
        *survived = 1;
    }
    let mut second = judgement.faults[0].clone();
    (second.at, second.acked, second.lost, second.window) = (Micros(9_000_000), 1, 0, None);
    second.cut = Cut::NotNeeded;
    judgement.faults.push(second);
    record
}

/// A drill that ended before anything happened.
pub(crate) fn empty() -> RunRecord {
    let mut record = record(
        plan("aof-everysec", FaultKind::ProcessKill),
        Vec::new(),
        Vec::new(),
        Micros(1_000_000),
        Micros(0),
    );
    record.history = Arc::new(History::default());
    record.readback = None;
    record.server = None;
    record.timeline.clear();
    record.judgement.verdict = Verdict::Inconclusive;
    record.judgement.grounds = vec![Ground::NothingAcked, Ground::NoReadback];
    record.judgement.faults.clear();
    record
}
