//! Drills step by step through the engine, as the window's buttons do it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::domain::event::{DrillEvent, Phase};
use crashdrill::domain::fault::{Fault, FaultKind};
use crashdrill::domain::image::{Image, TailWitness};
use crashdrill::domain::plan::PlanDraft;
use crashdrill::domain::preset::Preset;
use crashdrill::domain::record::RunRecord;
use crashdrill::domain::verdict::{SessionState, Verdict};
use crashdrill::engine::command::Command;
use crashdrill::engine::launch::{DrillHandle, LaunchOptions, Mode, launch};

use crate::support::{connect, lists};

struct ByHand {
    handle: DrillHandle,
    _runs: tempfile::TempDir,
}

impl ByHand {
    fn start(preset: &str) -> Self {
        Self::with(preset, PlanDraft::default())
    }

    fn with(preset: &str, draft: PlanDraft) -> Self {
        let draft = PlanDraft {
            preset: preset.into(),
            backend: "process".into(),
            sessions: 30,
            rate: 1000.0,
            ..draft
        };
        let runs = tempfile::tempdir().unwrap();
        let options = LaunchOptions {
            mode: Mode::ByHand,
            runs: runs.path().to_owned(),
            wake: Box::new(|| ()),
        };
        let handle = launch(draft.parse(&Preset::embedded()).unwrap(), options);
        let by_hand = ByHand {
            handle,
            _runs: runs,
        };
        by_hand.reach(Phase::Ready);
        by_hand
    }

    fn reach(&self, phase: Phase) {
        let begun = Instant::now();
        while self.handle.progress.borrow().phase != phase {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{phase:?} not reached"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn order(&self, command: Command, then: Phase) {
        self.handle.commands.send(command).unwrap();
        self.reach(then);
    }

    /// Where the server listens, as the drill told it.
    fn address(&self) -> String {
        let told = self
            .handle
            .events
            .iter()
            .find_map(|event| match event.event {
                DrillEvent::ServerStarted { info, .. } => Some(info.address),
                _ => None,
            });
        told.expect("a server was started")
    }

    fn judged(&self) -> Arc<RunRecord> {
        loop {
            let event = self
                .handle
                .events
                .recv_timeout(Duration::from_secs(20))
                .expect("a verdict");
            if let DrillEvent::Judged {
                record: Some(record),
                ..
            } = event.event
            {
                return record;
            }
        }
    }
}

/// Leaves nothing running, however the test has ended: no janitor waits for a test's death.
impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = self.handle.commands.send(Command::Cancel);
        if let Some(thread) = self.handle.thread.take() {
            let _ = thread.join();
        }
    }
}

const KILL: Command = Command::Fault(Fault {
    kind: FaultKind::ProcessKill,
    grace: Duration::ZERO,
    pause: Duration::ZERO,
});

#[test]
fn a_lost_tail_that_is_written_past_becomes_a_hole() {
    let drill = ByHand::start("none");
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(700));
    drill.order(KILL, Phase::Down);
    drill.order(Command::Restart, Phase::Ready);
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(700));
    drill.handle.commands.send(Command::Verify).unwrap();
    let record = drill.judged();
    let sessions = record.judgement.sessions;
    assert!(sessions.of(SessionState::Hole) > 0, "{sessions:?}");
    assert_eq!(
        record.judgement.faults[0].lost,
        record.judgement.counts.lost
    );
    assert_eq!(
        record.judgement.verdict,
        Verdict::Held,
        "{:?}",
        record.judgement.grounds
    );
    // RPUSH's answers locate the hole: the first answer after the restart counts from what was left.
    let after = record
        .history
        .ops
        .iter()
        .filter(|op| op.invoked > record.history.faults[0].dead);
    assert!(after.clone().any(|op| op.length > 0 && op.length < op.seq));
    drill.order(Command::Finish, Phase::Finished);
}

/// The server of a drill, seen by a client that shares nothing with it but the address.
fn independent(address: &str) -> redis::Connection {
    let (_, port) = address.rsplit_once(':').unwrap();
    let wanted = format!("port {port}");
    let dirs = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let confs =
        dirs.filter_map(|dir| std::fs::read_to_string(dir.path().join("crashdrill.conf")).ok());
    let conf = confs
        .filter(|conf| conf.lines().any(|line| line == wanted))
        .last()
        .unwrap();
    let password = conf
        .lines()
        .find_map(|line| line.strip_prefix("requirepass "))
        .unwrap();
    connect(port.parse().unwrap(), Some(password))
}

#[test]
fn a_pause_loses_nothing_and_leaves_writes_in_doubt() {
    let drill = ByHand::start("aof-everysec");
    let address = drill.address();
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(500));
    // Longer than the client's patience of two seconds with one reply.
    let pause = Fault {
        pause: Duration::from_millis(2600),
        ..Fault::new(FaultKind::Pause)
    };
    drill.handle.commands.send(Command::Fault(pause)).unwrap();
    drill.reach(Phase::Faulting);
    drill.reach(Phase::Streaming);
    std::thread::sleep(Duration::from_millis(500));
    drill.order(Command::Pause, Phase::Ready);
    let counted: usize = lists(&mut independent(&address))
        .values()
        .map(Vec::len)
        .sum();
    drill.handle.commands.send(Command::Verify).unwrap();
    let record = drill.judged();
    let counts = record.judgement.counts;
    assert_eq!(
        counts.survived + counts.resurfaced,
        counted as u64,
        "{counts:?}"
    );
    assert!(
        counts.resurfaced + counts.absent > 0,
        "the paused server owed answers: {counts:?}"
    );
    assert_eq!(
        (counts.lost, record.judgement.verdict),
        (0, Verdict::Held),
        "{:?}",
        record.judgement.grounds
    );
}

/// Whoever ended it, it was not our fault that did.
#[test]
fn a_server_that_died_by_itself_is_not_counted_as_killed() {
    let drill = ByHand::start("none");
    let address = drill.address();
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(300));
    let mut connection = independent(&address);
    let _: redis::RedisResult<()> = redis::cmd("SHUTDOWN").arg("NOSAVE").query(&mut connection);
    drill.handle.commands.send(KILL).unwrap();
    let judgement = drill.judged().judgement.clone();
    assert_eq!(
        (judgement.verdict, judgement.faults.len()),
        (Verdict::Inconclusive, 0),
        "{:?}",
        judgement.grounds
    );
}

/// A verdict is never older than the journal: what was streamed after it is judged at the end.
#[test]
fn finishing_judges_what_came_after_the_last_verdict() {
    let drill = ByHand::start("none");
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(300));
    drill.handle.commands.send(Command::Verify).unwrap();
    let first = drill.judged().judgement.counts.acked;
    drill.reach(Phase::Ready);
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(300));
    drill.handle.commands.send(Command::Finish).unwrap();
    let last = drill.judged();
    assert!(last.judgement.counts.acked > first);
    assert_eq!(last.judgement.counts.survived, last.judgement.counts.acked);
    drill.reach(Phase::Finished);
    let again = crashdrill::engine::store::replay(&last.dir).unwrap();
    assert_eq!(again.judgement, last.judgement);
}

/// What was read back before a kill says nothing about what the kill has left.
#[test]
fn a_kill_after_the_readback_is_not_judged_by_it() {
    let drill = ByHand::start("rdb-5s");
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_millis(300));
    drill.handle.commands.send(Command::Verify).unwrap();
    drill.judged();
    drill.reach(Phase::Ready);
    drill.order(KILL, Phase::Down);
    drill.handle.commands.send(Command::Finish).unwrap();
    let judgement = drill.judged().judgement.clone();
    assert_eq!(
        judgement.verdict,
        Verdict::Inconclusive,
        "{:?}",
        judgement.grounds
    );
    assert_eq!(judgement.counts.unread, judgement.counts.attempted);
}

#[test]
fn an_order_that_does_not_fit_changes_nothing_and_says_so() {
    let drill = ByHand::start("aof-always");
    drill.handle.commands.send(Command::Restart).unwrap();
    drill.order(Command::Stream, Phase::Streaming);
    drill.order(Command::Pause, Phase::Ready);
    drill.order(Command::Finish, Phase::Finished);
    let told: Vec<_> = drill
        .handle
        .events
        .try_iter()
        .map(|event| event.event)
        .collect();
    assert!(
        told.iter()
            .any(|event| matches!(event, DrillEvent::Warned { .. })),
        "{told:#?}"
    );
    assert!(matches!(told.last(), Some(DrillEvent::RunFinished)));
}

#[test]
fn dropping_the_handle_cancels_and_cleans_up() {
    let mut drill = ByHand::start("aof-no");
    let address = drill.address();
    let (commands, _) = std::sync::mpsc::channel();
    let thread = drill.handle.thread.take().unwrap();
    // What a vanished window does: its end of the commands goes away.
    drop(std::mem::replace(&mut drill.handle.commands, commands));
    thread.join().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_fault_waits_for_its_moment_and_can_be_taken_back() {
    let drill = ByHand::start("aof-everysec");
    drill.order(Command::Stream, Phase::Streaming);
    let armed = |trigger: &str| {
        let fault = Fault::new(FaultKind::ProcessKill);
        let order = Command::Arm(fault, trigger.parse().unwrap());
        drill.handle.commands.send(order).unwrap();
    };
    let told = |wanted: &dyn Fn(&DrillEvent) -> bool| {
        let patience = Duration::from_secs(20);
        std::iter::from_fn(|| drill.handle.events.recv_timeout(patience).ok())
            .any(|timed| wanted(&timed.event))
    };
    armed("acks=1000000");
    assert!(told(&|event| matches!(event, DrillEvent::Armed { .. })));
    drill.handle.commands.send(Command::Disarm).unwrap();
    assert!(told(&|event| *event == DrillEvent::Disarmed));
    assert_eq!(drill.handle.progress.borrow().phase, Phase::Streaming);

    armed("rewrite");
    drill.reach(Phase::Down);
    drill.order(Command::Restart, Phase::Ready);
    drill.handle.commands.send(Command::Verify).unwrap();
    let record = drill.judged();
    let hit = record.history.faults[0].hit.clone().expect("it was armed");
    assert!(
        hit.on_target && hit.seen.contains("rewriting started by pid"),
        "{hit:?}"
    );
    assert_eq!(
        record.judgement.counts.lost,
        record.judgement.faults[0].lost
    );
    drill.order(Command::Finish, Phase::Finished);
}

impl ByHand {
    /// The next event that `wanted` takes something from.
    fn told<T>(&self, wanted: impl Fn(&DrillEvent) -> Option<T>) -> T {
        loop {
            let event = self
                .handle
                .events
                .recv_timeout(Duration::from_secs(20))
                .expect("an event");
            if let Some(found) = wanted(&event.event) {
                return found;
            }
        }
    }

    fn warned(&self) -> String {
        self.told(|event| match event {
            DrillEvent::Warned { text } => Some(text.clone()),
            _ => None,
        })
    }
}

#[test]
fn a_dead_servers_file_is_damaged_by_hand_and_a_copy_of_it_repaired() {
    let drill = ByHand::start("aof-always");
    let send = |command| drill.handle.commands.send(command).unwrap();
    drill.order(Command::Stream, Phase::Streaming);
    let zero = "zero:aof=4096".parse().unwrap();
    send(Command::Damage(zero));
    assert!(drill.warned().contains("does not fit"));
    send(Command::Compare);
    assert!(drill.warned().contains("tail-cut replay gives a range"));
    send(Command::WhatIf);
    assert!(drill.warned().contains("tail-cut replay gives a range"));
    std::thread::sleep(Duration::from_millis(700));
    drill.order(KILL, Phase::Down);
    send(Command::Repair);
    assert!(
        drill.warned().contains("does not fit"),
        "it has refused nothing yet"
    );
    // A preset without snapshots has no such file: that is said, and the drill goes on.
    send(Command::Damage("flip:rdb".parse().unwrap()));
    assert!(drill.warned().contains("\"rdb\""));
    send(Command::TailCut);
    let range = drill.told(|event| match event {
        DrillEvent::TailCutTried { tail_cut } => Some(tail_cut.clone()),
        _ => None,
    });
    let mut ends = range
        .findings
        .iter()
        .filter(|finding| matches!(finding.image, Image::CutAt { .. }));
    assert_eq!(ends.next_back().unwrap().lost(), Some(0));
    let why = range.no_witness.unwrap();
    assert!(why.contains("was not examined"), "{why}");
    // The bar of the last end goes with it.
    let begun = Instant::now();
    while drill.handle.progress.borrow().doing != Phase::Down.title() {
        let doing = &drill.handle.progress.borrow().doing;
        assert!(begun.elapsed() < Duration::from_secs(20), "{doing} stays");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(drill.handle.progress.borrow().share, None);
    send(Command::Damage(zero));
    send(Command::Restart);
    send(Command::Repair);
    let repair = drill.told(|event| match event {
        DrillEvent::Repaired { repair } => Some(repair.clone()),
        _ => None,
    });
    let saved = repair.finding.acked - repair.finding.lost().expect("it starts");
    assert!(saved > 0 && saved < repair.finding.acked, "{repair:?}");
    send(Command::Verify);
    let record = drill.judged();
    assert_eq!(record.judgement.verdict, Verdict::Violated);
}

/// Acknowledged so far, once it is more than `than`.
fn acked_beyond(drill: &ByHand, than: u64) -> u64 {
    let begun = Instant::now();
    loop {
        let acked = drill.handle.progress.borrow().acked;
        if acked > than {
            return acked;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{acked} stays");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A running drill on the faulty disk, asked what a power cut now would take.
fn what_if(preset: &str) -> (ByHand, crashdrill::domain::image::ImageFinding) {
    let draft = PlanDraft {
        disk: "ordered".into(),
        write_back: "never".into(),
        ..PlanDraft::default()
    };
    let drill = ByHand::with(preset, draft);
    drill.order(Command::Stream, Phase::Streaming);
    let before = acked_beyond(&drill, 500);
    drill.handle.commands.send(Command::WhatIf).unwrap();
    let finding = drill.told(|event| match event {
        DrillEvent::WhatIf { finding } => Some(finding.clone()),
        _ => None,
    });
    assert!(finding.acked >= before, "{finding:?}");
    // The stream has gone on, and goes on.
    let now = acked_beyond(&drill, finding.acked);
    acked_beyond(&drill, now + 200);
    assert_eq!(drill.handle.progress.borrow().phase, Phase::Streaming);
    (drill, finding)
}

#[cfg(target_os = "linux")]
#[test]
fn what_if_now_takes_everything_where_nothing_is_fsynced_and_nothing_where_all_is() {
    let (_drill, finding) = what_if("aof-no");
    assert_eq!(finding.lost(), Some(finding.acked), "{finding:?}");
    let (drill, finding) = what_if("aof-always");
    assert_eq!(finding.lost(), Some(0), "{finding:?}");
    // Nobody has touched the drill: a kill takes nothing of it.
    drill.order(KILL, Phase::Down);
    drill.order(Command::Restart, Phase::Ready);
    drill.handle.commands.send(Command::Verify).unwrap();
    let record = drill.judged();
    assert_eq!(record.judgement.counts.lost, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn kill_and_compare_by_hand_shows_both_ends_and_the_kill_is_a_kill() {
    let draft = PlanDraft {
        disk: "ordered".into(),
        write_back: "never".into(),
        ..PlanDraft::default()
    };
    let drill = ByHand::with("aof-no", draft);
    drill.order(Command::Stream, Phase::Streaming);
    acked_beyond(&drill, 500);
    drill.order(Command::Compare, Phase::Down);
    let comparison = drill.told(|event| match event {
        DrillEvent::Compared { comparison } => Some(comparison.clone()),
        _ => None,
    });
    drill.order(Command::Restart, Phase::Ready);
    drill.handle.commands.send(Command::Verify).unwrap();
    let record = drill.judged();
    let fault = &record.judgement.faults[0];
    assert_eq!(comparison.kill.lost(), Some(fault.lost));
    assert_eq!(comparison.power.lost(), Some(fault.acked), "{comparison:?}");
}

/// Of the first stream of a server; asked by the plan, WAITAOF is examined by hand, too.
#[test]
fn a_tail_cut_by_hand_has_the_witness_that_the_plan_asked_for() {
    let Some(server) = super::other_servers::server("redis-8.2") else {
        return;
    };
    let drill = ByHand::with(
        "aof-everysec",
        PlanDraft {
            program: server,
            tail_cut: true,
            ..PlanDraft::default()
        },
    );
    drill.order(Command::Stream, Phase::Streaming);
    std::thread::sleep(Duration::from_secs(4));
    drill.order(KILL, Phase::Down);
    drill.handle.commands.send(Command::TailCut).unwrap();
    let range = drill.told(|event| match event {
        DrillEvent::TailCutTried { tail_cut } => Some(tail_cut.clone()),
        _ => None,
    });
    assert_eq!(range.witness, TailWitness::WaitAof, "{range:?}");
    assert!(
        range.durable_bytes > 0 && range.durable_bytes < range.written_bytes,
        "{range:?}"
    );
    let lost = range.findings[0].lost().unwrap();
    assert!(lost > 0 && lost < range.findings[0].acked, "{range:?}");
}
