//! Crashdrill beside its peers, in one run on one machine: medians and ratios.
//!
//! `cargo bench --no-default-features --bench peers [-- rpush|disk|readback|restart|ten-million]`
//!
//! | what | peer |
//! |---|---|
//! | journaled acknowledged RPUSH a second | `redis-benchmark`, same server, connections, pipeline and value size |
//! | RPUSH a second with the server's directory on the faulty disk | the same on the plain directory |
//! | readback and verdict of a million messages | a bare LRANGE loop that throws the bytes away |
//! | kill, restart, verdict for 100,000 messages | bare kill, respawn, PONG, LRANGE of everything |

use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::backend::{Endpoint, Wire};
use crashdrill::client::scan::{self, ScanWatch};
use crashdrill::domain::checker::{self, Circumstances};
use crashdrill::domain::event::{DrillEvent, Phase};
use crashdrill::domain::fault::{Fault, FaultKind, FaultRecord, ServerEnd};
use crashdrill::domain::history::History;
use crashdrill::domain::op::{Micros, SessionId};
use crashdrill::domain::plan::{DrillPlan, PlanDraft};
use crashdrill::domain::preset::Preset;
use crashdrill::domain::readback::Readback;
use crashdrill::domain::workload::{KeySpace, MessageMaker, Rate, Workload};
use crashdrill::engine::Clock;
use crashdrill::engine::command::Command as Order;
use crashdrill::engine::launch::{DrillHandle, LaunchOptions, Mode, launch};
use crashdrill::engine::load::Load;
use crashdrill::journal::JournalWriter;

const VALUE_BYTES: u32 = 160;
const ROUNDS: usize = 5;
const NO_PERSISTENCE: &str = "save \"\"\nappendonly no";
const EVERYSEC: &str = "save \"\"\nappendonly yes\nappendfsync everysec";

fn main() {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| word == name);
    if wanted("rpush") {
        rpush("pipeline 1, 50 connections", 50, 1, 300_000);
        rpush("pipeline 64, 4 connections", 4, 64, 2_000_000);
    }
    #[cfg(target_os = "linux")]
    if wanted("disk") {
        for policy in ["everysec", "always", "no"] {
            faulty_disk(policy);
        }
    }
    if wanted("readback") {
        readback();
    }
    if wanted("restart") {
        restart();
    }
    if wanted("ten-million") {
        ten_million();
    }
}

/// Runs the two in turn and prints medians and the median of the pairwise ratios.
fn side_by_side(
    what: &str,
    unit: &str,
    mut ours: impl FnMut() -> f64,
    mut peer: impl FnMut() -> f64,
) {
    let pairs: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ours(), peer())).collect();
    let median = |value: &dyn Fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = pairs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{what}: crashdrill {:.3} {unit}, peer {:.3} {unit}, ratio {:.2}",
        median(&|pair| pair.0),
        median(&|pair| pair.1),
        median(&|pair| pair.0 / pair.1)
    );
}

struct Server {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl Server {
    fn start(config: &str) -> Self {
        Self::start_with(config, None)
    }

    /// With its data somewhere else.
    #[cfg(target_os = "linux")]
    fn start_in(config: &str, data: &std::path::Path) -> Self {
        Self::start_with(config, Some(data))
    }

    fn start_with(config: &str, data: Option<&std::path::Path>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "{config}\nport {port}\nbind 127.0.0.1\ndir {}\n",
            data.unwrap_or(dir.path()).display()
        );
        std::fs::write(dir.path().join("bench.conf"), text).unwrap();
        let server = Server {
            child: Self::spawn(&dir),
            dir,
            port,
        };
        server.connection();
        server
    }

    fn spawn(dir: &tempfile::TempDir) -> Child {
        let conf = dir.path().join("bench.conf");
        Command::new("redis-server")
            .arg(conf)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed")
    }

    fn kill_and_respawn(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = Self::spawn(&self.dir);
    }

    fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap();
        loop {
            let pong = client.get_connection().and_then(|mut connection| {
                redis::cmd("PING")
                    .query::<String>(&mut connection)
                    .map(|_| connection)
            });
            match pong {
                Ok(connection) => return connection,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: "127.0.0.1".into(),
            port: self.port,
            user: None,
            password: None,
            database: 0,
            wire: Wire::Tcp,
        }
    }

    fn flush(&self) {
        let _: () = redis::cmd("FLUSHALL")
            .query(&mut self.connection())
            .unwrap();
    }

    /// The peer of every readback: each list fetched whole, and thrown away.
    fn throw_away(&self, sessions: &[SessionId]) {
        let mut connection = self.connection();
        for session in sessions {
            let key = KeySpace::default().key(*session);
            let list: Vec<Vec<u8>> = redis::cmd("LRANGE")
                .arg(key)
                .arg(0)
                .arg(-1)
                .query(&mut connection)
                .unwrap();
            black_box(list);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Streams `messages` to the server, journaled; the history and how long it took.
fn stream(server: &Server, workload: Workload, messages: u64) -> (History, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let journal = JournalWriter::create(&dir.path().join("journal.bin"), 0).unwrap();
    let load = Load::new(
        workload,
        Some(messages),
        Duration::from_secs(2),
        Clock::start(),
        KeySpace::default(),
        journal,
        Arc::default(),
        None,
    );
    let begun = Instant::now();
    let streaming = load.stream(&server.endpoint()).unwrap();
    while !streaming.has_finished() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begun.elapsed();
    let (load, result) = streaming.stop();
    result.unwrap();
    assert!(
        load.ops.iter().all(|op| op.length > 0),
        "every op was acknowledged"
    );
    let at = Micros(load.ops.iter().map(|op| op.completed.0).max().unwrap_or(0) + 1);
    let fault = FaultRecord {
        fault: Fault::new(FaultKind::ProcessKill),
        at,
        dead: at,
        end: ServerEnd::Signal { signal: 9 },
        escalated: false,
        before: None,
        last_snapshot: None,
        disk: None,
        hit: None,
    };
    (
        History {
            ops: load.ops,
            faults: vec![fault],
            torn: false,
        },
        took,
    )
}

fn workload(sessions: u32, writers: u16, depth: u16, message_bytes: Option<u32>) -> Workload {
    Workload {
        sessions,
        writers,
        depth,
        rate: Rate::Max,
        message_bytes,
        seed: 7,
    }
}

fn rpush(what: &str, writers: u16, depth: u16, messages: u64) {
    let server = Server::start(NO_PERSISTENCE);
    let ours = || {
        server.flush();
        let workload = workload(10_000, writers, depth, Some(VALUE_BYTES));
        messages as f64 / stream(&server, workload, messages).1.as_secs_f64() / 1000.0
    };
    let peer = || {
        server.flush();
        redis_benchmark(server.port, writers, depth, messages)
    };
    side_by_side(&format!("RPUSH, {what}"), "thousand a second", ours, peer);
}

/// Thousand RPUSH a second, by its own measure.
fn redis_benchmark(port: u16, writers: u16, depth: u16, messages: u64) -> f64 {
    let value = "x".repeat(VALUE_BYTES as usize);
    let output = Command::new("redis-benchmark")
        .args([
            "-p",
            &port.to_string(),
            "-c",
            &writers.to_string(),
            "-P",
            &depth.to_string(),
        ])
        .args(["-n", &messages.to_string(), "-r", "10000", "--csv"])
        .args(["rpush", "session:__rand_int__:messages", &value])
        .output()
        .expect("redis-benchmark is installed");
    // The last line of its CSV: the command, then requests a second, then latencies.
    let csv = String::from_utf8(output.stdout).unwrap();
    let rate = csv
        .lines()
        .last()
        .and_then(|line| line.split("\",\"").nth(1)?.parse::<f64>().ok());
    rate.unwrap_or_else(|| panic!("no rate in {csv}")) / 1000.0
}

/// What the faulty disk costs: redis-benchmark on both, with 50 connections that send 16 commands at a time.
#[cfg(target_os = "linux")]
fn faulty_disk(policy: &str) {
    use crashdrill::disk::{FaultyDisk, MountSpec};
    const MESSAGES: u64 = 1_000_000;
    let config =
        format!("save \"\"\nappendonly yes\nappendfsync {policy}\nauto-aof-rewrite-percentage 0");
    let measured = |server: Server| redis_benchmark(server.port, 50, 16, MESSAGES);
    let on_the_disk = || {
        let clock = Clock::start();
        let (at, log) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let disk = FaultyDisk::mount(MountSpec {
            at: at.path().to_owned(),
            plan: crashdrill::domain::disk::DiskPlan::default(),
            log: log.path().join("disk.jsonl"),
            now: Arc::new(move || clock.now()),
            allow_other: false,
            // As redis-benchmark sends it: an AOF holds the words of the client.
            marker: b"rpush\r\n".to_vec(),
            memory_limit_bytes: 4 << 30,
            neighbours: true,
        })
        .unwrap();
        let rate = measured(Server::start_in(&config, at.path()));
        assert_eq!(
            disk.status().written_marks,
            MESSAGES,
            "each op is counted once"
        );
        disk.unmount().unwrap();
        rate
    };
    let plain = || {
        let at = tempfile::tempdir().unwrap();
        measured(Server::start_in(&config, at.path()))
    };
    let what =
        format!("RPUSH on the faulty disk, appendfsync {policy}, pipeline 16, 50 connections");
    side_by_side(&what, "thousand a second", on_the_disk, plain);
}

struct Silent;

impl ScanWatch for Silent {
    fn go_on(&self, _done: usize) -> bool {
        true
    }
}

fn plan(draft: PlanDraft) -> DrillPlan {
    draft.parse(&Preset::embedded()).unwrap()
}

fn readback() {
    let server = Server::start(NO_PERSISTENCE);
    let workload = workload(10_000, 4, 64, None);
    let history = stream(&server, workload, 1_000_000).0;
    let plan = plan(PlanDraft {
        preset: "aof-always".into(),
        ..PlanDraft::default()
    });
    let maker = MessageMaker::new(&workload);
    let sessions: Vec<SessionId> = history.by_session().sessions().collect();
    let ours = || {
        let begun = Instant::now();
        let found = scan::lists(
            &server.endpoint(),
            &KeySpace::default(),
            &maker,
            &sessions,
            &Silent,
        );
        let readback = Readback {
            // Begun after everything was written: an older one would prove nothing.
            started: Micros::NEVER,
            sessions: found,
            ..Readback::default()
        };
        let (judgement, _) =
            checker::judge(&plan, &history, Some(&readback), &Circumstances::default());
        assert_eq!(judgement.counts.survived, 1_000_000);
        begun.elapsed().as_secs_f64()
    };
    let peer = || {
        let begun = Instant::now();
        server.throw_away(&sessions);
        begun.elapsed().as_secs_f64()
    };
    side_by_side(
        "readback and verdict of 1,000,000 messages in 10,000 sessions",
        "s",
        ours,
        peer,
    );
}

fn start_drill(draft: PlanDraft, mode: Mode, runs: &std::path::Path) -> DrillHandle {
    launch(
        plan(draft),
        LaunchOptions {
            mode,
            runs: runs.to_owned(),
            wake: Box::new(|| ()),
        },
    )
}

fn fast(preset: &str, sessions: u64, messages: u64) -> PlanDraft {
    PlanDraft {
        preset: preset.into(),
        backend: "process".into(),
        sessions,
        writers: 4,
        depth: 64,
        rate_max: true,
        max_messages: messages,
        seconds: 3600.0,
        ..PlanDraft::default()
    }
}

fn restart() {
    const MESSAGES: u64 = 100_000;
    let mut server = Server::start(EVERYSEC);
    let sessions: Vec<SessionId> = stream(&server, workload(1000, 4, 64, None), MESSAGES)
        .0
        .by_session()
        .sessions()
        .collect();
    let ours = || {
        let runs = tempfile::tempdir().unwrap();
        let handle = start_drill(
            fast("aof-everysec", 1000, MESSAGES),
            Mode::Scripted,
            runs.path(),
        );
        let (mut killed, mut judged) = (None, None);
        for event in &handle.events {
            match event.event {
                DrillEvent::FaultBegan { .. } => killed = Some(event.at),
                DrillEvent::Judged {
                    record: Some(record),
                    ..
                } => {
                    assert_eq!(record.judgement.counts.acked, MESSAGES);
                    judged = Some(event.at);
                }
                _ => {}
            }
        }
        judged.unwrap().since(killed.unwrap()).as_secs_f64()
    };
    let peer = || {
        let begun = Instant::now();
        server.kill_and_respawn();
        server.throw_away(&sessions);
        begun.elapsed().as_secs_f64()
    };
    side_by_side(
        "kill, restart, verdict for 100,000 messages",
        "s",
        ours,
        peer,
    );
}

/// Peak memory of the tool itself over a drill of ten million messages. It has no peer.
fn ten_million() {
    const MESSAGES: u64 = 10_000_000;
    let runs = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let handle = start_drill(fast("none", 10_000, MESSAGES), Mode::ByHand, runs.path());
    let until = |reached: &dyn Fn() -> bool| {
        while !reached() {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(&|| handle.progress.borrow().phase == Phase::Ready);
    handle.commands.send(Order::Stream).unwrap();
    until(&|| handle.progress.borrow().acked == MESSAGES);
    handle.commands.send(Order::Verify).unwrap();
    let survived = handle.events.iter().find_map(|event| match event.event {
        DrillEvent::Judged {
            record: Some(record),
            ..
        } => Some(record.judgement.counts.survived),
        _ => None,
    });
    assert_eq!(survived, Some(MESSAGES));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("VmHWM: unknown");
    println!(
        "10,000,000 messages written and read back in {:.1} s; own peak memory {peak}",
        begun.elapsed().as_secs_f64()
    );
    handle.commands.send(Order::Finish).unwrap();
    handle.events.iter().for_each(drop);
}
