//! A real server on the faulty disk: stopped, frozen, killed, cut, started again, and counted by a client of its
//! own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crashdrill::disk::CutReport;
use crashdrill::domain::disk::{DiskPlan, Tail};

use crate::stand::Stand;
use crate::support::{connect, free_port};

const PATIENCE: Duration = Duration::from_secs(30);

struct Redis {
    child: Child,
    port: u16,
    config: String,
}

impl Redis {
    fn start(stand: &Stand, config: &str) -> Redis {
        let port = free_port();
        let config = format!(
            "{config}\nport {port}\nbind 127.0.0.1\ndir {}\n",
            stand.at.display()
        );
        let path = stand.log.with_file_name("redis.conf");
        std::fs::write(&path, &config).unwrap();
        Redis {
            child: spawn(&path),
            port,
            config,
        }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// The order at a cut: stop, freeze, kill, let go, wait, cut.
    fn power_loss(&mut self, stand: &Stand) -> CutReport {
        self.signal("-STOP");
        stand.disk.freeze();
        self.child.kill().unwrap();
        stand.disk.release_held();
        self.child.wait().unwrap();
        stand.disk.cut()
    }

    /// Started again on what is left; its words if it refuses.
    fn restart(&mut self, stand: &Stand) -> Result<u64, String> {
        let path = stand.log.with_file_name("redis.conf");
        std::fs::write(&path, &self.config).unwrap();
        self.child = spawn(&path);
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "it neither starts nor ends");
            if self.child.try_wait().unwrap().is_some() {
                let log = std::fs::read_to_string(stand.log.with_file_name("redis.log"));
                return Err(log.unwrap());
            }
            let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap();
            let found = client.get_connection().and_then(|mut connection| {
                redis::cmd("LLEN").arg("chat").query::<u64>(&mut connection)
            });
            match found {
                Ok(found) => return Ok(found),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(config: &Path) -> Child {
    Command::new("redis-server")
        .arg(config)
        .args([
            "--logfile",
            config.with_file_name("redis.log").to_str().unwrap(),
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

fn aof(policy: &str) -> String {
    format!("save \"\"\nappendonly yes\nappendfsync {policy}\nauto-aof-rewrite-percentage 0")
}

/// Writes numbered messages one by one for this long; how many were acknowledged.
fn write(port: u16, least: Duration, from: u64) -> u64 {
    let mut connection = connect(port, None);
    let begun = Instant::now();
    let mut acked = from;
    while begun.elapsed() < least {
        let length: u64 = redis::cmd("RPUSH")
            .arg("chat")
            .arg(format!("message {acked}"))
            .query(&mut connection)
            .unwrap();
        acked += 1;
        assert_eq!(length, acked);
    }
    acked
}

/// The messages are those that were written, in their order, from the first on.
fn is_prefix(port: u16) -> bool {
    let mut connection = connect(port, None);
    let all: Vec<String> = redis::cmd("LRANGE")
        .arg("chat")
        .arg(0)
        .arg(-1)
        .query(&mut connection)
        .unwrap();
    all.iter()
        .enumerate()
        .all(|(at, text)| *text == format!("message {at}"))
}

#[test]
fn always_loses_nothing_that_was_acknowledged() {
    let stand = Stand::new(DiskPlan::default());
    let mut redis = Redis::start(&stand, &aof("always"));
    let acked = write(redis.port, Duration::from_millis(700), 0);
    let report = redis.power_loss(&stand);
    let found = redis.restart(&stand).unwrap();
    assert!(acked > 50 && found >= acked, "{found} of {acked}");
    assert!(is_prefix(redis.port));
    assert_eq!(report.kept_marks, found);
}

#[test]
fn everysec_loses_a_clean_end_and_the_disk_knows_how_much() {
    let stand = Stand::new(DiskPlan::default());
    let mut redis = Redis::start(&stand, &aof("everysec"));
    // Until an fsync lies a moment back and something was written since.
    let mut acked = write(redis.port, Duration::from_millis(1500), 0);
    loop {
        acked = write(redis.port, Duration::from_millis(50), acked);
        let status = stand.disk.status();
        if status.fsyncs_in_flight == 0
            && status.durable_marks > 0
            && status.written_marks > status.durable_marks
        {
            break;
        }
    }
    let report = redis.power_loss(&stand);
    let found = redis.restart(&stand).unwrap();
    assert!(found > 0 && found < acked, "{found} of {acked}");
    assert!(is_prefix(redis.port));
    assert_eq!((report.kept_marks, report.written_marks), (found, acked));
    // And again, on what is left.
    let acked = write(redis.port, Duration::from_millis(1500), found);
    let report = redis.power_loss(&stand);
    let found = redis.restart(&stand).unwrap();
    assert!(found <= acked && is_prefix(redis.port));
    assert_eq!((report.kept_marks, report.written_marks), (found, acked));
}

#[test]
fn without_fsync_everything_goes_and_a_kill_takes_nothing() {
    let stand = Stand::new(DiskPlan::default());
    let mut redis = Redis::start(&stand, &aof("no"));
    let acked = write(redis.port, Duration::from_millis(500), 0);
    redis.signal("-STOP");
    stand.disk.freeze();
    redis.child.kill().unwrap();
    stand.disk.release_held();
    redis.child.wait().unwrap();
    stand.disk.survive_kill();
    assert_eq!(redis.restart(&stand), Ok(acked));
    let again = write(redis.port, Duration::from_millis(300), acked);
    let report = redis.power_loss(&stand);
    assert_eq!((report.written_marks, report.kept_marks), (again, 0));
    assert_eq!(redis.restart(&stand), Ok(0));
}

#[test]
fn the_ext4_tail_makes_the_server_refuse_and_the_repair_brings_it_back() {
    let plan = DiskPlan {
        tail: Tail::Ext4,
        ..DiskPlan::default()
    };
    let stand = Stand::with(plan, |spec| spec.neighbours = true);
    let mut redis = Redis::start(&stand, &aof("everysec"));
    let mut acked = write(redis.port, Duration::from_millis(1500), 0);
    // Until the last block is allocated and bytes were added to it.
    loop {
        acked = write(redis.port, Duration::from_millis(20), acked);
        let status = stand.disk.status();
        let aof = status
            .files
            .iter()
            .find(|file| file.path.ends_with("incr.aof"))
            .unwrap();
        let room = 4096 - aof.durable_bytes % 4096;
        if aof.durable_bytes > 0
            && aof.durable_bytes % 4096 > 0
            && room > 100
            && aof.written_bytes > aof.durable_bytes + 100
        {
            break;
        }
    }
    let report = redis.power_loss(&stand);
    let zeroed = report
        .files
        .iter()
        .map(|file| file.zeroed_bytes)
        .sum::<u64>();
    assert!((1..4096).contains(&zeroed), "{zeroed}");
    let words = redis.restart(&stand).unwrap_err();
    assert!(
        words.contains("Bad file format reading the append only file"),
        "{words}"
    );
    let manifest = stand.at.join("appendonlydir/appendonly.aof.manifest");
    let mut fix = Command::new("redis-check-aof")
        .arg("--fix")
        .arg(manifest)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::io::Write::write_all(fix.stdin.as_mut().unwrap(), b"y\n").unwrap();
    assert!(fix.wait().unwrap().success());
    let found = redis.restart(&stand).unwrap();
    assert_eq!(found, report.kept_marks);
    assert!(found > 0 && found < acked && is_prefix(redis.port));
}

#[test]
fn a_killed_server_that_waits_for_a_stalled_fsync_dies_at_once() {
    let plan = DiskPlan {
        fsync_delay: "300s@0.5s".parse().unwrap(),
        ..DiskPlan::default()
    };
    let stand = Stand::new(plan);
    let mut redis = Redis::start(&stand, &aof("everysec"));
    stand.disk.time_begins();
    let begun = Instant::now();
    let mut acked = 0;
    while stand.disk.status().fsyncs_in_flight == 0 {
        assert!(begun.elapsed() < PATIENCE);
        acked = write(redis.port, Duration::from_millis(50), acked);
    }
    acked = write(redis.port, Duration::from_millis(300), acked);
    let begun = Instant::now();
    let report = redis.power_loss(&stand);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "it hung for {:?}",
        begun.elapsed()
    );
    assert_eq!(report.fsyncs_in_flight, 1);
    let found = redis.restart(&stand).unwrap();
    assert!(found < acked && is_prefix(redis.port), "{found} of {acked}");
}

#[test]
fn a_rewrite_does_not_lower_the_marks() {
    let stand = Stand::new(DiskPlan::default());
    let mut redis = Redis::start(&stand, &aof("no"));
    let acked = write(redis.port, Duration::from_millis(400), 0);
    let before = stand.disk.status();
    assert_eq!((before.written_marks, before.durable_marks), (acked, 0));
    let mut connection = connect(redis.port, None);
    let _: String = redis::cmd("BGREWRITEAOF").query(&mut connection).unwrap();
    let begun = Instant::now();
    let gone = |stand: &Stand| {
        let files = stand.disk.status().files;
        files.iter().any(|file| file.path.ends_with("2.base.rdb"))
            && !files.iter().any(|file| file.path.ends_with(".1.incr.aof"))
    };
    while !gone(&stand) {
        assert!(begun.elapsed() < PATIENCE, "{:?}", stand.disk.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    let acked = write(redis.port, Duration::from_millis(200), acked);
    assert_eq!(stand.disk.status().written_marks, acked);
    redis.power_loss(&stand);
    let found = redis.restart(&stand).unwrap();
    assert!(
        found > 0 && found < acked && is_prefix(redis.port),
        "{found} of {acked}"
    );
}
