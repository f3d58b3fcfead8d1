//! Checks on a server that somebody else has started: what was there stays there, and nothing of ours does.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crashdrill::network::gate::Matcher;
use crashdrill::network::proxy::Proxy;

use crate::support::{Program, Server};

const MEMORY: &str = "appendonly no\nsave \"\"";

/// A server with somebody's keys, behind a proxy that records.
struct Theirs {
    server: Server,
    proxy: Proxy,
    _dir: tempfile::TempDir,
}

fn theirs() -> Theirs {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), MEMORY);
    let mut connection = server.connection();
    for number in 0..50 {
        let key = format!("session:{number}:messages");
        let () = redis::cmd("RPUSH")
            .arg(key)
            .arg("theirs")
            .query(&mut connection)
            .unwrap();
    }
    let () = redis::cmd("SET")
        .arg("crashdrill-check:not-ours")
        .arg("theirs")
        .query(&mut connection)
        .unwrap();
    let proxy = Proxy::start(([127, 0, 0, 1], server.port).into()).unwrap();
    Theirs {
        server,
        proxy,
        _dir: dir,
    }
}

impl Theirs {
    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.proxy.address().port())
    }

    fn keys(&self) -> BTreeSet<String> {
        let keys: Vec<String> = redis::cmd("KEYS")
            .arg("*")
            .query(&mut self.server.connection())
            .unwrap();
        keys.into_iter().collect()
    }
}

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn on_a_given_server_only_our_own_keys_come_and_go() {
    let (theirs, program) = (theirs(), Program::new());
    let before = theirs.keys();
    let output = program.run(&["check", &theirs.url()]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(
        theirs.keys(),
        before,
        "nothing of ours is left, nothing of theirs is gone"
    );
    assert!(
        told.contains("not run here: it fills the server's memory"),
        "{told}"
    );
    assert_eq!(theirs.proxy.not_recorded(), 0);
    let passed = theirs.proxy.passed();
    assert!(
        passed.len() > 1000,
        "the record is not empty: {}",
        passed.len()
    );
    for command in &passed {
        let name = command.words.name.as_str();
        let first = command
            .words
            .arguments
            .first()
            .map(|a| String::from_utf8_lossy(a).to_uppercase());
        let harmful = matches!(
            name,
            "FLUSHALL"
                | "FLUSHDB"
                | "KEYS"
                | "MONITOR"
                | "SHUTDOWN"
                | "DEBUG"
                | "REPLICAOF"
                | "SAVE"
                | "BGSAVE"
                | "CLUSTER"
        ) || (name == "CONFIG" && first.as_deref() != Some("GET"));
        assert!(!harmful, "{name} {first:?}");
    }
}

#[test]
fn what_a_killed_suite_has_left_is_removed_by_the_next() {
    let (theirs, program) = (theirs(), Program::new());
    let before = theirs.keys();
    // The suite stands still in the middle of its work.
    let held = theirs.proxy.hold(Matcher::command().name("RPUSH").nth(40));
    let url = theirs.url();
    let mut child = program
        .command(&["check", &url, "--group", "lost-update"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(held.wait_held(Duration::from_secs(60)).is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    held.cut();
    assert_ne!(theirs.keys(), before, "the killed suite has left keys");
    let output = program.run(&["check", &url, "--check", "expiry-zero"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("Removed what a suite that died had left"),
        "{told}"
    );
    assert_eq!(theirs.keys(), before);
    let again = program.run(&["check", &url, "--check", "expiry-zero"]);
    assert!(
        !String::from_utf8_lossy(&again.stderr).contains("Removed"),
        "only once"
    );
}

#[test]
fn cancelling_cleans_up_and_is_inconclusive() {
    let (theirs, program) = (theirs(), Program::new());
    let before = theirs.keys();
    let held = theirs.proxy.hold(Matcher::command().name("EVAL").nth(3));
    let url = theirs.url();
    let mut child = program
        .command(&["check", &url])
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(held.wait_held(Duration::from_secs(60)).is_some());
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupted.success());
    // The suite goes on only after it has understood.
    let understood = stderr
        .by_ref()
        .any(|line| line.unwrap().starts_with("Cancelling"));
    assert!(understood);
    held.release();
    let rest = std::thread::spawn(move || stderr.map_while(Result::ok).count());
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    rest.join().unwrap();
    let told = told(&output);
    assert!(begun.elapsed() < Duration::from_secs(60), "{told}");
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("cancelled"), "{told}");
    assert_eq!(theirs.keys(), before, "{told}");
}

#[test]
fn the_keys_of_a_suite_that_is_alive_are_left_alone() {
    let (theirs, program) = (theirs(), Program::new());
    let before = theirs.keys();
    let held = theirs.proxy.hold(Matcher::command().name("RPUSH").nth(40));
    let url = theirs.url();
    let mut child = program
        .command(&["check", &url, "--group", "lost-update"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(held.wait_held(Duration::from_secs(60)).is_some());
    let alive = &theirs.keys() - &before;
    assert!(!alive.is_empty(), "it has keys and stands still");
    let output = program.run(&["check", &url, "--check", "expiry-zero"]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("Removed what a suite"), "{told}");
    let after = &theirs.keys() - &before;
    assert_eq!(after, alive, "not a key of the living one is gone");
    held.release();
    assert_eq!(child.wait().unwrap().code(), Some(0), "and it ends well");
    assert_eq!(theirs.keys(), before);
}

#[test]
fn a_unix_socket_is_an_address_and_what_needs_a_proxy_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("redis.sock");
    let config = format!("{MEMORY}\nunixsocket {}", socket.display());
    let server = Server::start(dir.path(), &config);
    let () = redis::cmd("SET")
        .arg("theirs")
        .arg("1")
        .query(&mut server.connection())
        .unwrap();
    let program = Program::new();
    let url = format!("unix://{}", socket.display());
    let groups = ["check", &url, "--group", "round-trip", "--group", "retry"];
    let output = program.run(&groups);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("on a plain TCP address only"), "{told}");
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query(&mut server.connection())
        .unwrap();
    assert_eq!(keys, ["theirs"]);
}

#[test]
fn cancelling_does_not_wait_for_a_store_that_hangs_or_never_greets() {
    let python = crate::python::python();
    let habits = crate::python::file("tests/checks/habits.py");
    let hanging = format!("{} {} hangs cancelled", python.display(), habits.display());
    let never = "sh -c 'touch \"$HANGING\"; sleep 3600'".to_owned();
    for store in [hanging, never] {
        let program = Program::new();
        let mark = program.path("hanging");
        let arguments = ["check", "--store-cmd", &store, "--store-timeout", "600"];
        let child = program
            .command(&arguments)
            .env("ADAPTERS", crate::python::file("assets/adapters"))
            .env("HANGING", &mark)
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        crate::support::wait_until("store that hangs", || mark.exists());
        std::thread::sleep(Duration::from_millis(300));
        let interrupted = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(interrupted.success());
        let begun = Instant::now();
        let output = child.wait_with_output().unwrap();
        let took = begun.elapsed();
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        // A second on a free machine; the store alone would take ten minutes.
        assert!(took < Duration::from_secs(8), "{took:?}: {told}");
        assert!(told.contains("cancelled"), "{told}");
        eprintln!("cancelled in {took:?}");
    }
}

/// `ca.pem`, and `server.pem` with its key, for 127.0.0.1.
const CERTIFICATES: &str = "
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Test CA' -keyout ca.key -out ca.pem &&
openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout server.key -out server.csr &&
echo subjectAltName=IP:127.0.0.1 > san &&
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out server.pem";

#[test]
fn an_encrypted_address_is_checked_with_its_authority_and_told_what_is_wrong_without() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("sh")
        .args(["-c", CERTIFICATES])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", told(&made));
    let tls = crate::support::free_port();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let config = format!(
        "{MEMORY}\ntls-port {tls}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no",
        file("server.pem"),
        file("server.key"),
        file("ca.pem"),
    );
    let server = Server::start(dir.path(), &config);
    let program = Program::new();
    let (encrypted, ca) = (format!("rediss://127.0.0.1:{tls}"), file("ca.pem"));
    let store = format!(
        "{} {}",
        crate::python::python().display(),
        crate::python::file("assets/adapters/redis_py_store.py").display()
    );
    let group = ["--group", "round-trip"];
    for more in [&[][..], &["--store-cmd", store.as_str()]] {
        let arguments = [&["check", &encrypted, "--ca", &ca], &group[..], more].concat();
        let output = program.run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    }
    let keys: u64 = redis::cmd("DBSIZE")
        .query(&mut server.connection())
        .unwrap();
    assert_eq!(keys, 0);
    let untrusted = told(&program.run(&["check", &encrypted]));
    assert!(untrusted.contains("is not trusted"), "{untrusted}");
    let plain = format!("rediss://127.0.0.1:{}", server.port);
    let plain = told(&program.run(&["check", &plain, "--ca", &ca]));
    assert!(plain.contains("redis://"), "{plain}");
    let without = told(&program.run(&["check", "--ca", &ca]));
    assert!(without.contains("--ca: it goes with"), "{without}");
}
