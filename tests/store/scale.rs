//! How much memory a scan takes: a small part of the way to a million here, the whole way by hand.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Program, Server};
use crate::url;

/// Fills a server with list sessions of three messages each, by redis-cli --pipe.
fn fill(server: &Server, sessions: u64) {
    let mut pipe = Command::new("redis-cli")
        .args(["-p", &server.port.to_string(), "--pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-cli is installed");
    let mut out = std::io::BufWriter::new(pipe.stdin.take().unwrap());
    for number in 0..sessions {
        let key = format!("session:{number:07}:messages");
        let messages: Vec<String> = (1..=3).map(crate::message).collect();
        write!(out, "*5\r\n$5\r\nRPUSH\r\n${}\r\n{key}\r\n", key.len()).unwrap();
        for message in messages {
            write!(out, "${}\r\n{message}\r\n", message.len()).unwrap();
        }
    }
    drop(out);
    assert!(pipe.wait().unwrap().success());
}

/// Runs the program: its peak resident memory in KiB, its exit code, and the JSON that it printed.
pub fn peak_of(program: &Program, arguments: &[&str]) -> (u64, Option<i32>, serde_json::Value) {
    let mut child = program
        .command(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = format!("/proc/{}/status", child.id());
    let ended = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(peak > 0, "its memory was never seen");
    let output = child.wait_with_output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap();
    (peak, ended.code(), json)
}

/// Peak resident memory of the scan in KiB, and how long it took.
fn measure(sessions: u64) -> (u64, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    fill(&server, sessions);
    let program = Program::new();
    let file = program.path("all.inventory");
    let address = url(&server);
    let arguments = [
        "inspect",
        &address,
        "--json",
        "--quiet",
        "--budget",
        "0",
        "--save",
        file.to_str().unwrap(),
    ];
    let begun = Instant::now();
    let (peak, code, json) = peak_of(&program, &arguments);
    let took = begun.elapsed();
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!(json["sessions"], sessions);
    assert_eq!(json["messages"], sessions * 3);
    println!("{sessions} sessions: {peak} KiB at most, {took:?}");
    (peak, took)
}

#[test]
fn memory_grows_by_a_few_hundred_bytes_a_session() {
    let (small, _) = measure(1_000);
    let (large, _) = measure(41_000);
    let each = (large - small) as f64 * 1024.0 / 40_000.0;
    // 512 MiB for a million are 536 bytes each, the program itself included.
    assert!(each < 450.0, "{each} bytes a session");
}

#[test]
#[ignore = "takes minutes and half a gigabyte for the server: run it by its name"]
fn a_million_sessions_stay_under_512_mib() {
    let (peak, _) = measure(1_000_000);
    assert!(peak < 512 << 10, "{peak} KiB");
}
