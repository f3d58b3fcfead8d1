//! The proxy between a real server and real clients. What has happened is asked of the server by a connection
//! of its own, never of the proxy alone.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crashdrill::domain::network::{NetworkFault, NetworkHappening};
use crashdrill::domain::op::Micros;
use crashdrill::network::framing::Words;
use crashdrill::network::gate::Matcher;
use crashdrill::network::proxy::{Options, Proxy};

use crate::support::{Server, connect};

const MEMORY: &str = "appendonly no\nsave \"\"";
const PATIENCE: Duration = Duration::from_secs(20);

struct Stage {
    server: Server,
    proxy: Proxy,
    clock: Arc<AtomicU64>,
    _dir: tempfile::TempDir,
}

/// A server behind a proxy whose clock stands still until the test moves it.
fn stage(faults: &[NetworkFault]) -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), MEMORY);
    let clock = Arc::new(AtomicU64::new(0));
    let hand = Arc::clone(&clock);
    let options = Options {
        faults: faults.to_vec(),
        now: Arc::new(move || Micros(hand.load(Ordering::SeqCst))),
        ..Options::default()
    };
    let proxy = Proxy::with(([127, 0, 0, 1], server.port).into(), options).unwrap();
    Stage {
        server,
        proxy,
        clock,
        _dir: dir,
    }
}

impl Stage {
    fn client(&self) -> redis::Connection {
        let client = connect(self.proxy.address().port(), None);
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    fn length(&self, key: &str) -> u64 {
        redis::cmd("LLEN")
            .arg(key)
            .query(&mut self.server.connection())
            .unwrap()
    }

    fn at(&self, secs: u64) {
        self.clock.store(secs * 1_000_000, Ordering::SeqCst);
    }

    fn wait_for(&self, wanted: &NetworkHappening) {
        let begun = Instant::now();
        let mut seen = Vec::new();
        while begun.elapsed() < PATIENCE {
            seen.extend(self.proxy.new_happenings());
            if seen.iter().any(|(_, happening)| happening == wanted) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{wanted:?} has not come: {seen:?}");
    }
}

fn push(client: &mut redis::Connection, key: &str, value: &str) -> redis::RedisResult<u64> {
    redis::cmd("RPUSH").arg(key).arg(value).query(client)
}

/// Waits for a thing that another thread does soon.
fn soon(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn without_a_fault_every_byte_passes_and_the_record_is_complete() {
    let stage = stage(&[]);
    let mut client = stage.client();
    let big = "x".repeat(300_000);
    let mut pipe = redis::pipe();
    for i in 0..500 {
        pipe.cmd("SET").arg(format!("k{i}")).arg(&big[..i * 100]);
    }
    pipe.cmd("SET").arg("big").arg(&big);
    let _: Vec<String> = pipe.query(&mut client).unwrap();
    let mut direct = stage.server.connection();
    let got: String = redis::cmd("GET").arg("big").query(&mut direct).unwrap();
    assert!(got == big);
    let got: String = redis::cmd("GET").arg("big").query(&mut client).unwrap();
    assert!(got == big);
    let names: Vec<String> = stage
        .proxy
        .passed()
        .into_iter()
        .map(|passed| passed.words.name)
        .collect();
    assert_eq!(names.iter().filter(|name| *name == "SET").count(), 501);
    assert_eq!(names.iter().filter(|name| *name == "GET").count(), 1);
    assert_eq!(stage.proxy.not_recorded(), 0);
}

#[test]
fn a_lost_reply_is_a_write_that_is_there() {
    let stage = stage(&[NetworkFault::LostReply {
        at: Duration::from_secs(3),
    }]);
    let (mut busy, mut idle) = (stage.client(), stage.client());
    stage.proxy.begin_stream();
    assert_eq!(push(&mut busy, "a", "1").unwrap(), 1);
    stage.at(2);
    assert_eq!(push(&mut busy, "a", "2").unwrap(), 2);
    stage.at(3);
    // The fault falls between two commands: the next one of each connection has its reply lost.
    let mut written = 2;
    let error = loop {
        match push(&mut busy, "a", "x") {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(
        error.is_connection_dropped() || error.is_io_error(),
        "{error}"
    );
    assert_eq!(stage.length("a"), written + 1);
    let mut pipe = redis::pipe();
    for i in 0..16 {
        pipe.cmd("RPUSH").arg("b").arg(i);
    }
    assert!(pipe.query::<Vec<u64>>(&mut idle).is_err());
    assert_eq!(stage.length("b"), 16);
    let happened = stage.proxy.new_happenings();
    let lost: Vec<u64> = happened
        .iter()
        .map(|(_, happening)| match happening {
            NetworkHappening::RepliesLost { replies, .. } => *replies,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(lost, [1, 16]);
    // A connection that is made afterwards is a sound one.
    assert_eq!(push(&mut stage.client(), "a", "y").unwrap(), written + 2);
}

#[test]
fn a_stalled_network_passes_nothing_closes_nothing_and_goes_on() {
    let stage = stage(&[NetworkFault::HalfOpen {
        at: Duration::from_secs(1),
        lasts: Duration::from_secs(2),
    }]);
    let mut client = stage.client();
    push(&mut client, "a", "1").unwrap();
    stage.proxy.begin_stream();
    stage.at(1);
    stage.wait_for(&NetworkHappening::Stalled);
    client
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut late = connect_raw(&stage);
    let error = push(&mut client, "a", "2").unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(stage.length("a"), 1);
    assert_eq!(stage.proxy.connections(), 2);
    stage.at(3);
    stage.wait_for(&NetworkHappening::Flows);
    soon("the held write", || stage.length("a") == 2);
    assert_eq!(reply(&mut late), "+PONG\r\n");
}

/// A client that has asked PING and reads the answer later.
fn connect_raw(stage: &Stage) -> std::net::TcpStream {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(stage.proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    stream
}

fn reply(stream: &mut std::net::TcpStream) -> String {
    use std::io::Read;
    let mut bytes = [0; 64];
    let read = stream.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[test]
fn a_reset_reaches_the_client_as_one() {
    use std::io::Read;
    let stage = stage(&[NetworkFault::Reset {
        at: Duration::from_secs(1),
    }]);
    let mut raw = connect_raw(&stage);
    assert_eq!(reply(&mut raw), "+PONG\r\n");
    stage.proxy.begin_stream();
    stage.at(1);
    stage.wait_for(&NetworkHappening::Reset { connections: 1 });
    let error = raw.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    soon("the end of the connection", || {
        stage.proxy.connections() == 0
    });
    push(&mut stage.client(), "a", "1").unwrap();
}

#[test]
fn replies_come_late_and_all_at_their_own_time() {
    let by = Duration::from_millis(150);
    let stage = stage(&[NetworkFault::Delay { by }]);
    let mut client = stage.client();
    let begun = Instant::now();
    push(&mut client, "a", "1").unwrap();
    assert!(begun.elapsed() >= by);
    // A pipeline waits once, not once for each reply.
    let begun = Instant::now();
    let mut pipe = redis::pipe();
    for i in 0..50 {
        pipe.cmd("RPUSH").arg("a").arg(i);
    }
    let lengths: Vec<u64> = pipe.query(&mut client).unwrap();
    assert_eq!(lengths, (2..=51).collect::<Vec<u64>>());
    assert!(begun.elapsed() >= by && begun.elapsed() < by * 25);
}

#[test]
fn a_narrow_line_is_as_narrow_as_it_says() {
    let stage = stage(&[NetworkFault::Bandwidth {
        bytes_per_sec: 100_000,
    }]);
    let mut client = stage.client();
    let begun = Instant::now();
    push(&mut client, "a", &"x".repeat(60_000)).unwrap();
    assert!(
        begun.elapsed() >= Duration::from_millis(550),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_held_command_lets_another_connection_overtake_it() {
    let stage = stage(&[]);
    let held = stage
        .proxy
        .hold(Matcher::command().name("rpush").argument("a").nth(2));
    let (mut slow, mut quick) = (stage.client(), stage.client());
    let slow = std::thread::spawn(move || {
        (
            push(&mut slow, "a", "first").unwrap(),
            push(&mut slow, "a", "late").unwrap(),
        )
    });
    let message = held.wait_held(PATIENCE).expect("the second push");
    assert_eq!(message.command.arguments[1], b"late");
    assert_eq!(stage.length("a"), 1);
    push(&mut quick, "a", "overtook").unwrap();
    held.release();
    assert_eq!(slow.join().unwrap(), (1, 3));
    let list: Vec<String> = redis::cmd("LRANGE")
        .arg("a")
        .arg(0)
        .arg(-1)
        .query(&mut stage.server.connection())
        .unwrap();
    assert_eq!(list, ["first", "overtook", "late"]);
}

#[test]
fn a_held_reply_is_of_a_write_that_is_done_and_can_be_cut() {
    let stage = stage(&[]);
    let held = stage
        .proxy
        .hold(Matcher::reply().name("RPUSH").connection(1));
    let (mut other, mut client) = (stage.client(), stage.client());
    push(&mut other, "b", "passes").unwrap();
    let writer = std::thread::spawn(move || push(&mut client, "a", "1"));
    let message = held.wait_held(PATIENCE).expect("the reply");
    assert_eq!(
        (message.reply.as_slice(), stage.length("a")),
        (&b":1\r\n"[..], 1)
    );
    held.cut();
    assert!(writer.join().unwrap().is_err());
    assert_eq!(push(&mut other, "b", "lives").unwrap(), 2);
}

#[test]
fn a_command_cut_or_swallowed_never_reaches_the_server() {
    let stage = stage(&[]);
    let mut client = stage.client();
    stage.proxy.hold(Matcher::command().argument("cut")).cut();
    assert!(push(&mut client, "cut", "1").is_err());
    let mut client = stage.client();
    client
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let held = stage.proxy.hold(Matcher::command().argument("gone"));
    held.swallow();
    assert!(push(&mut client, "gone", "1").unwrap_err().is_timeout());
    assert_eq!((stage.length("cut"), stage.length("gone")), (0, 0));
    // A gate that is given up holds nothing.
    drop(stage.proxy.hold(Matcher::command()));
    push(&mut stage.client(), "a", "1").unwrap();
}

#[test]
fn what_was_answered_before_the_server_died_still_arrives_and_dropping_ends_everything() {
    let mut stage = stage(&[]);
    let held = stage.proxy.hold(Matcher::reply().name("RPUSH"));
    let mut client = stage.client();
    let writer = std::thread::spawn(move || (push(&mut client, "a", "1"), client));
    let message = held.wait_held(PATIENCE).unwrap();
    assert_eq!(message.command, words("RPUSH", &["a", "1"]));
    stage.server.child.kill().unwrap();
    stage.server.child.wait().unwrap();
    held.release();
    let (answer, mut client) = writer.join().unwrap();
    assert_eq!(answer.unwrap(), 1);
    assert!(push(&mut client, "a", "2").is_err());
    let address = stage.proxy.address();
    let held = stage.proxy.hold(Matcher::command());
    let pending = std::net::TcpStream::connect(address).unwrap();
    drop(stage);
    assert!(held.wait_held(Duration::ZERO).is_none());
    assert!(std::net::TcpStream::connect(address).is_err());
    drop(pending);
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    let left: Vec<String> = names
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
        .filter(|name| name.starts_with("proxy-"))
        .collect();
    // Every test has a process of its own under nextest.
    if std::env::var_os("NEXTEST").is_some() {
        assert!(left.is_empty(), "{left:?}");
    }
}

fn words(name: &str, arguments: &[&str]) -> Words {
    Words {
        name: name.into(),
        arguments: arguments
            .iter()
            .map(|word| word.as_bytes().to_vec())
            .collect(),
        count: arguments.len(),
    }
}
