//! Literal histories, and the properties that hold for any.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::contract::{Gate, Promise};
use crate::domain::fault::{Fault, FaultKind, PersistenceInfo, ServerEnd, Snapshot};
use crate::domain::op::{Cause, Op, SessionId};
use crate::domain::plan::PlanDraft;
use crate::domain::preset::Preset;
use crate::domain::readback::{Altered, SessionReadback};
use crate::domain::verdict::{Cut, SessionState};

fn plan(preset: &str) -> DrillPlan {
    let draft = PlanDraft {
        preset: preset.into(),
        ..PlanDraft::default()
    };
    draft.parse(&Preset::embedded()).unwrap()
}

fn secs(at: f64) -> Micros {
    Micros((at * 1e6) as u64)
}

/// `(session, seq, acked at)`, invoked a millisecond earlier, on one connection.
fn acked(ops: &[(u32, u32, f64)]) -> Vec<Op> {
    let op = |&(session, seq, at): &(u32, u32, f64)| Op {
        completed: secs(at),
        length: seq,
        completion: Completion::Acked,
        cause: Cause::None,
        ..Op::invoke(SessionId(session), seq, 0, secs(at - 0.001))
    };
    ops.iter().map(op).collect()
}

fn kill(at: f64) -> FaultRecord {
    FaultRecord {
        fault: Fault::new(FaultKind::ProcessKill),
        at: secs(at),
        dead: secs(at + 0.001),
        end: ServerEnd::Signal { signal: 9 },
        escalated: false,
        before: Some(PersistenceInfo::default()),
        last_snapshot: None,
        disk: None,
        hit: None,
    }
}

fn found(sessions: &[(u32, &[(u32, u32)])]) -> Readback {
    Readback {
        started: Micros::NEVER,
        sessions: sessions
            .iter()
            .map(|(session, runs)| SessionReadback {
                runs: runs.to_vec(),
                ..SessionReadback::empty(SessionId(*session))
            })
            .collect(),
        ..Readback::default()
    }
}

fn two_sessions() -> History {
    History {
        ops: acked(&[
            (0, 1, 1.0),
            (1, 1, 2.0),
            (0, 2, 3.0),
            (1, 2, 4.0),
            (0, 3, 5.0),
        ]),
        faults: vec![kill(6.0)],
        torn: false,
    }
}

fn judged(preset: &str, history: &History, readback: &Readback) -> Judgement {
    judge(
        &plan(preset),
        history,
        Some(readback),
        &Circumstances::default(),
    )
    .0
}

#[test]
fn nothing_lost_holds_under_every_preset() {
    let readback = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    for preset in Preset::embedded() {
        let judgement = judged(&preset.id, &two_sessions(), &readback);
        assert_eq!(judgement.verdict, Verdict::Held, "{}", preset.id);
        assert_eq!(judgement.grounds, [Ground::WithinContract]);
        assert_eq!(judgement.faults[0].cut, Cut::NotNeeded);
        assert_eq!(judgement.loss_window, None);
    }
}

#[test]
fn one_cut_through_two_sessions_is_a_clean_one() {
    let readback = found(&[(0, &[(1, 1)]), (1, &[(1, 1)])]);
    let judgement = judged("aof-always", &two_sessions(), &readback);
    assert_eq!(judgement.verdict, Verdict::Violated);
    assert_eq!(judgement.counts.lost, 3);
    assert_eq!(judgement.loss_window, Some(Duration::from_secs(3)));
    assert_eq!(judgement.findings[0].state, SessionState::TailLost);
    let clean = Cut::Clean {
        survived: 2,
        lost: 3,
        after: secs(1.999),
        not_after: secs(3.0),
    };
    assert_eq!(judgement.faults[0].cut, clean);
}

#[test]
fn a_survivor_behind_a_loss_is_an_anomaly() {
    // Message 2 of session 0 (acked at 3 s) is gone, message 2 of session 1 (invoked at 3.999 s) is there.
    let readback = found(&[(0, &[(1, 1)]), (1, &[(1, 2)])]);
    let judgement = judged("rdb-5s", &two_sessions(), &readback);
    let anomaly = Cut::Anomaly {
        lost_op: 2,
        survived_op: 3,
        unexplained: 1,
    };
    assert_eq!(judgement.faults[0].cut, anomaly);
    assert_eq!(judgement.verdict, Verdict::Violated);
}

/// On two connections only time orders: a write that was answered before another was invoked came first.
#[test]
fn writes_on_two_connections_are_in_order_only_if_they_do_not_overlap() {
    let cut = |lost_acked_at: f64| {
        let mut history = two_sessions();
        // Message 1 of session 0 is lost; message 2 of session 1, on another connection, invoked at 3.999 s, is not.
        history.ops = acked(&[(0, 1, lost_acked_at), (1, 1, 4.0)]);
        history.ops[1].writer = 1;
        let readback = found(&[(0, &[]), (1, &[(1, 1)])]);
        judged("rdb-5s", &history, &readback).faults[0].cut.clone()
    };
    assert!(matches!(
        cut(3.998),
        Cut::Anomaly {
            lost_op: 0,
            survived_op: 1,
            unexplained: 1
        }
    ));
    assert!(matches!(
        cut(3.9995),
        Cut::Clean {
            survived: 1,
            lost: 1,
            ..
        }
    ));
}

#[test]
fn a_window_promise_counts_from_the_instant_of_the_fault() {
    let readback = found(&[(0, &[(1, 2)]), (1, &[(1, 1)])]);
    // Lost: acked 4.0 and 5.0; the kill came at 6.0; two seconds are allowed.
    assert_eq!(
        judged("aof-everysec", &two_sessions(), &readback).verdict,
        Verdict::Held
    );
    let mut later = two_sessions();
    later.faults = vec![kill(6.5)];
    let judgement = judged("aof-everysec", &later, &readback);
    assert_eq!(judgement.verdict, Verdict::Violated);
    assert_eq!(judgement.faults[0].outside, 1);
}

#[test]
fn a_snapshot_protects_what_was_acknowledged_before_its_fork() {
    let readback = found(&[(0, &[(1, 1)]), (1, &[(1, 1)])]);
    let mut history = two_sessions();
    history.faults[0].last_snapshot = Some(Snapshot {
        fork: secs(2.5),
        finished: secs(2.6),
    });
    assert_eq!(judged("rdb-5s", &history, &readback).verdict, Verdict::Held);
    history.faults[0].last_snapshot = Some(Snapshot {
        fork: secs(3.5),
        finished: secs(3.6),
    });
    let judgement = judged("rdb-5s", &history, &readback);
    assert_eq!(
        (judgement.verdict, judgement.faults[0].outside),
        (Verdict::Violated, 1)
    );
}

#[test]
fn a_server_that_nobody_watched_cannot_be_held_to_its_snapshots() {
    let readback = found(&[(0, &[]), (1, &[])]);
    let mut history = two_sessions();
    history.faults[0].before = None;
    let judgement = judged("rdb-5s", &history, &readback);
    assert_eq!(
        judgement.grounds,
        [Ground::SnapshotNotObserved { fault: 0 }]
    );
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn a_tail_that_is_written_past_becomes_a_hole() {
    let mut history = two_sessions();
    // After the restart the server had 1 message of session 0; message 4 was pushed behind it.
    let mut past = acked(&[(0, 4, 8.0)]);
    past[0].length = 2;
    history.ops.extend(past);
    history.faults.push(kill(9.0));
    let readback = found(&[(0, &[(1, 1), (4, 4)]), (1, &[(1, 1)])]);
    let judgement = judged("none", &history, &readback);
    assert_eq!(judgement.findings[0].state, SessionState::Hole);
    assert_eq!(judgement.faults[0].lost, 3);
    assert_eq!(judgement.faults[1].lost, 0);
    assert!(matches!(
        judgement.faults[0].cut,
        Cut::Clean { lost: 3, .. }
    ));
    assert_eq!(judgement.verdict, Verdict::Held);
}

#[test]
fn an_unanswered_write_is_never_lost() {
    let mut history = two_sessions();
    history.ops.push(Op::invoke(SessionId(0), 4, 0, secs(5.99)));
    history.ops.push(Op::invoke(SessionId(1), 3, 0, secs(5.99)));
    let readback = found(&[(0, &[(1, 4)]), (1, &[(1, 2)])]);
    let judgement = judged("aof-always", &history, &readback);
    assert_eq!(
        (judgement.counts.resurfaced, judgement.counts.absent),
        (1, 1)
    );
    assert_eq!(judgement.verdict, Verdict::Held);
}

#[test]
fn damage_violates_even_a_promise_of_nothing() {
    let mut readback = found(&[(0, &[(1, 2)]), (1, &[(1, 2)])]);
    readback.sessions[0].altered.push(Altered {
        index: 2,
        seq: Some(3),
        raw: "{}".into(),
    });
    let judgement = judged("none", &two_sessions(), &readback);
    assert_eq!(judgement.counts.corrupted, 1);
    assert_eq!(judgement.findings[0].state, SessionState::Corrupted);
    assert_eq!(judgement.verdict, Verdict::Violated);
}

#[test]
fn duplicates_and_disorder_are_named() {
    let readback = found(&[(0, &[(1, 3), (2, 2)]), (1, &[(2, 2), (1, 1)])]);
    let judgement = judged("none", &two_sessions(), &readback);
    assert_eq!(
        (judgement.counts.duplicated, judgement.counts.reordered),
        (1, 1)
    );
    assert_eq!(judgement.verdict, Verdict::Violated);
}

#[test]
fn green_needs_evidence() {
    let plan = plan("none");
    let verdict = |history: &History, readback: Option<&Readback>, ground: Option<Ground>| {
        let circumstances = Circumstances {
            grounds: ground.into_iter().collect(),
        };
        judge(&plan, history, readback, &circumstances).0.verdict
    };
    let all = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    let history = two_sessions();
    assert_eq!(verdict(&history, Some(&all), None), Verdict::Held);
    assert_eq!(verdict(&history, None, None), Verdict::Inconclusive);
    assert_eq!(
        verdict(&History::default(), Some(&found(&[])), None),
        Verdict::Inconclusive
    );
    let partly = found(&[(0, &[(1, 3)])]);
    assert_eq!(
        verdict(&history, Some(&partly), None),
        Verdict::Inconclusive
    );
    assert_eq!(
        verdict(&history, Some(&all), Some(Ground::Cancelled)),
        Verdict::Inconclusive
    );
    let torn = History {
        torn: true,
        ..two_sessions()
    };
    assert_eq!(verdict(&torn, Some(&all), None), Verdict::Inconclusive);
    let words = Ground::RefusedToStart {
        words: vec!["Bad file format".into()],
    };
    assert_eq!(verdict(&history, None, Some(words)), Verdict::Violated);
}

#[test]
fn a_readback_older_than_a_fault_proves_nothing_about_it() {
    let mut readback = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    readback.started = secs(5.5);
    let judgement = judged("rdb-5s", &two_sessions(), &readback);
    assert_eq!(judgement.grounds, [Ground::NoReadback]);
    assert_eq!(
        (judgement.verdict, judgement.counts.unread),
        (Verdict::Inconclusive, 5)
    );
}

#[test]
fn what_was_written_after_the_readback_is_not_lost() {
    let mut history = two_sessions();
    history.ops.extend(acked(&[(0, 4, 9.0)]));
    let mut readback = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    readback.started = secs(8.0);
    let judgement = judged("aof-always", &history, &readback);
    assert_eq!((judgement.counts.lost, judgement.counts.unread), (0, 1));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn eviction_is_not_laid_to_the_crash() {
    let mut readback = found(&[(0, &[]), (1, &[(1, 2)])]);
    readback.evicted_keys = 1;
    let judgement = judged("aof-always", &two_sessions(), &readback);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn a_list_that_others_write_to_proves_nothing() {
    let mut history = two_sessions();
    history.ops[2].length = 5;
    let readback = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    let judgement = judged("aof-always", &history, &readback);
    assert_eq!(judgement.grounds, [Ground::ForeignWrites { sessions: 1 }]);
}

#[test]
fn a_gate_replaces_the_promise() {
    let readback = found(&[(0, &[(1, 2)]), (1, &[(1, 2)])]);
    let gated = |max_lost, max_window| {
        let mut plan = plan("none");
        plan.gate = Some(Gate {
            max_lost,
            max_window,
        });
        judge(
            &plan,
            &two_sessions(),
            Some(&readback),
            &Circumstances::default(),
        )
        .0
        .verdict
    };
    assert_eq!(gated(Some(1), None), Verdict::Held);
    assert_eq!(gated(Some(0), None), Verdict::Violated);
    assert_eq!(gated(None, Some(Duration::from_secs(1))), Verdict::Held);
    assert_eq!(
        gated(None, Some(Duration::from_millis(999))),
        Verdict::Violated
    );
}

/// Any history of up to three sessions, and any readback, sane or not.
fn any_history() -> impl Strategy<Value = (History, Readback)> {
    let op = (0u32..3, 0u8..3, 0u64..5_000, 0u64..5_000, 0u16..2);
    let session = (
        prop::collection::vec((0u32..9, 0u32..3), 0..4),
        prop::collection::vec(prop::option::of(0u32..9), 0..3),
        prop::bool::weighted(0.1),
    );
    let ops = prop::collection::vec(op, 0..24);
    let faults = prop::collection::vec(0u64..9_000, 0..3);
    let sessions = prop::collection::vec(session, 0..4);
    (ops, faults, sessions, prop::bool::ANY).prop_map(|(ops, mut faults, sessions, torn)| {
        let mut next = [0u32; 3];
        let mut times: Vec<_> = ops;
        times.sort_by_key(|op| op.2);
        let ops = times
            .into_iter()
            .map(|(session, completion, invoked, took, writer)| {
                next[session as usize] += 1;
                let mut op = Op::invoke(
                    SessionId(session),
                    next[session as usize],
                    writer,
                    Micros(invoked),
                );
                if completion < 2 {
                    op.completed = Micros(invoked + took);
                    op.completion = [Completion::Acked, Completion::Refused][completion as usize];
                    op.length = op.seq;
                }
                op
            });
        let ops = ops.collect();
        faults.sort_unstable();
        let faults = faults.into_iter().map(|at| kill(at as f64 / 1e6)).collect();
        let sessions = sessions
            .into_iter()
            .enumerate()
            .map(|(i, (runs, altered, failed))| {
                let altered = altered.into_iter().map(|seq| Altered {
                    index: 0,
                    seq,
                    raw: String::new(),
                });
                SessionReadback {
                    session: SessionId(i as u32),
                    failure: failed.then(|| "timeout".into()),
                    runs: runs
                        .into_iter()
                        .map(|(first, more)| (first, first + more))
                        .collect(),
                    altered: altered.collect(),
                }
            });
        let readback = Readback {
            started: Micros::NEVER,
            sessions: sessions.collect(),
            ..Readback::default()
        };
        (History { ops, faults, torn }, readback)
    })
}

proptest! {
    #[test]
    fn the_classes_partition_the_attempts((history, readback) in any_history(), preset in 0usize..9) {
        let presets = Preset::embedded();
        let plan = plan(&presets[preset % presets.len()].id);
        let (judgement, classes) = judge(&plan, &history, Some(&readback), &Circumstances::default());
        prop_assert_eq!(classes.len(), history.ops.len());
        let counts = judgement.counts;
        let sum: u64 = Class::ALL.iter().map(|class| counts.of(*class)).sum();
        prop_assert_eq!(sum, counts.attempted);
        prop_assert_eq!(counts.attempted, history.ops.len() as u64);
        for (op, class) in history.ops.iter().zip(&classes) {
            let fits = match op.completion {
                Completion::Acked => !matches!(class, Class::Resurfaced | Class::Absent | Class::Refused | Class::Phantom),
                Completion::Refused => matches!(class, Class::Refused | Class::Phantom),
                Completion::Indeterminate => !matches!(class, Class::Survived | Class::Lost | Class::Refused | Class::Phantom | Class::Reordered),
            };
            prop_assert!(fits, "{:?} classed {:?}", op, class);
        }
        let blamed: u64 = judgement.faults.iter().map(|fault| fault.lost).sum();
        prop_assert!(blamed <= counts.lost);
        let states: u64 = SessionState::WORST_FIRST.iter().map(|state| judgement.sessions.of(*state)).sum();
        prop_assert_eq!(states, judgement.sessions.total);
        if judgement.verdict == Verdict::Held {
            prop_assert!(counts.acked > 0 && counts.unread == 0 && !history.faults.is_empty());
        }
    }

    /// A store that throws away one acknowledged message of the front of each list breaks every
    /// promise but the one that promises nothing; and that one it breaks by corrupting.
    #[test]
    fn a_sabotaged_store_violates_every_promise(n in 3u32..40, victim in 0u32..40, preset in 0usize..9) {
        let presets = Preset::embedded();
        let preset = &presets[preset % presets.len()];
        let ops: Vec<_> = (0..n).map(|i| (0, i + 1, 1.0 + f64::from(i) * 0.1)).collect();
        let mut fault = kill(1.0 + f64::from(n) * 0.1 + 5.0);
        fault.last_snapshot = Some(Snapshot { fork: fault.at, finished: fault.at });
        let history = History { ops: acked(&ops), faults: vec![fault], torn: false };
        let victim = victim % n + 1;
        let runs = [(1, victim - 1), (victim + 1, n)];
        let mut readback = found(&[(0, &runs.into_iter().filter(|(a, b)| a <= b).collect::<Vec<_>>())]);
        if preset.promise(FaultKind::ProcessKill) == Promise::Everything {
            readback.sessions[0].altered.push(Altered { index: 0, seq: Some(victim), raw: "?".into() });
        }
        let judgement = judged(&preset.id, &history, &readback);
        prop_assert_eq!(judgement.verdict, Verdict::Violated, "{:?}", judgement.grounds);
    }
}

#[test]
fn a_moment_that_was_missed_leaves_the_verdict_open_until_a_fault_was_performed_after_all() {
    use crate::domain::event::{DrillEvent, TimedEvent};
    use crate::domain::trigger::Trigger;
    let event = |event| TimedEvent {
        at: secs(1.0),
        event,
    };
    let mut timeline = vec![event(DrillEvent::MomentMissed {
        trigger: Trigger::AofBuffer,
        reason: "waited 30 s for it".into(),
    })];
    let history = History {
        faults: Vec::new(),
        ..two_sessions()
    };
    let readback = found(&[(0, &[(1, 3)]), (1, &[(1, 2)])]);
    let plan = plan("aof-everysec");
    let judged = |circumstances: &Circumstances| {
        let (judgement, _) = judge(&plan, &history, Some(&readback), circumstances);
        (judgement.verdict, judgement.grounds)
    };
    let (verdict, grounds) = judged(&Circumstances::of(&timeline));
    assert_eq!(verdict, Verdict::Inconclusive);
    assert!(
        matches!(grounds[..], [Ground::MomentMissed { .. }]),
        "{grounds:?}"
    );
    let record = Box::new(kill(6.0));
    timeline.push(event(DrillEvent::FaultDone { record }));
    assert_eq!(Circumstances::of(&timeline), Circumstances::default());
}
