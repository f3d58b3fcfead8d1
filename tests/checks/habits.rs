//! Stores of a user's with one bad habit each: every one is caught by the check that is meant for it, and the same
//! store without the habit passes that check.

use serde_json::Value;

use crate::python::{file, python};
use crate::support::Program;

/// The suite's report with this habit before these checks.
fn report(habit: &str, checks: &[&str], patience: &str) -> (Option<i32>, Value) {
    let program = Program::new();
    let path = program.path("report.json");
    let path_text = path.display().to_string();
    let store = format!(
        "{} {} {habit}",
        python().display(),
        file("tests/checks/habits.py").display()
    );
    let mut arguments = vec!["check", "--store-cmd", &store, "--report", &path_text];
    arguments.extend(["--store-timeout", patience, "--quiet"]);
    for check in checks {
        arguments.extend(["--check", check]);
    }
    let output = program
        .command(&arguments)
        .env("ADAPTERS", file("assets/adapters"))
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), serde_json::from_str(&text).unwrap())
}

fn caught(habit: &str, check: &str, words: &str) {
    let (code, report) = report(habit, &[check], "10");
    let told = &report["checks"][0]["tested"]["text"];
    assert_eq!(code, Some(1), "{habit}: {report:#}");
    assert_eq!(
        report["checks"][0]["verdict"], "violated",
        "{habit}: {report:#}"
    );
    assert!(told.as_str().unwrap().contains(words), "{habit}: {told}");
}

#[test]
fn a_store_without_a_habit_passes_what_the_habits_fail() {
    let checks = [
        "round-trip-types",
        "retry-lost-reply",
        "expiry-policy",
        "isolation-two-suites",
        "damaged-data-invalid",
        "damaged-data-wrong-type",
        "lost-update-push",
    ];
    let (code, report) = report("", &checks, "10");
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["counts"]["held"], checks.len(), "{report:#}");
}

#[test]
fn a_store_that_drops_the_last_message_is_caught() {
    caught("drops-last", "round-trip-text", "messages written");
}

#[test]
fn a_store_that_duplicates_on_a_retry_is_caught() {
    caught(
        "duplicates",
        "retry-lost-reply",
        "the retry made 2 of one message",
    );
}

#[test]
fn a_store_that_loses_the_type_is_caught() {
    caught("loses-type", "round-trip-numbers", "wrote integer");
}

#[test]
fn a_store_that_ignores_the_time_to_live_is_caught() {
    caught("ignores-ttl", "expiry-policy", "lives for ever");
}

#[test]
fn a_store_that_shares_one_namespace_is_caught() {
    caught("shares", "isolation-two-suites", "one prefix");
}

#[test]
fn a_store_that_swallows_errors_is_caught() {
    caught("swallows", "damaged-data-invalid", "no error");
    caught("swallows", "damaged-data-wrong-type", "no error");
}

#[test]
fn a_store_that_reads_modifies_and_writes_is_caught() {
    caught("read-modify-write", "lost-update-push", "messages vanished");
}

#[test]
fn a_store_that_dies_is_a_finding_with_its_last_words() {
    caught("dies", "round-trip-types", "died at append");
    caught(
        "dies",
        "round-trip-types",
        "Segmentation fault (not really)",
    );
}

#[test]
fn a_store_that_prints_noise_is_a_finding() {
    caught("noise", "round-trip-types", "no JSON: Connected to Redis!");
}

#[test]
fn a_store_that_hangs_is_a_finding_and_not_a_hang() {
    let begun = std::time::Instant::now();
    let (code, report) = report("hangs", &["round-trip-types"], "2");
    assert_eq!(code, Some(1), "{report:#}");
    let told = report["checks"][0]["tested"]["text"].as_str().unwrap();
    assert!(
        told.contains("hangs: no answer to append within 2 s"),
        "{told}"
    );
    assert!(begun.elapsed().as_secs() < 90);
    let left = std::process::Command::new("pgrep")
        .args(["-f", "habits.py hangs$"])
        .output()
        .unwrap();
    assert!(left.stdout.is_empty(), "the hanging store lives on");
}

/// Nobody is left to end the store but the janitor.
#[test]
fn a_killed_suite_takes_the_processes_of_the_store_with_it() {
    let program = Program::new();
    let marker = format!("habits.py hangs killed{}", std::process::id());
    let lives = |marker: &str| {
        let found = std::process::Command::new("pgrep")
            .args(["-f", marker])
            .output()
            .unwrap();
        !found.stdout.is_empty()
    };
    let hanging = program.path("hanging");
    let folder = file("tests/checks");
    let store = format!("{} {}/{marker}", python().display(), folder.display());
    let mut suite = program
        .command(&["check", "--check", "round-trip-text", "--store-cmd", &store])
        .args(["--store-timeout", "600"])
        .env("ADAPTERS", file("assets/adapters"))
        .env("HANGING", &hanging)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let begun = std::time::Instant::now();
    // A store that still waits for a line would end by itself.
    while !hanging.exists() {
        assert!(begun.elapsed().as_secs() < 60, "the store never hung");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The suite's own command line holds the marker, too: the store is what remains of it.
    let store_process = format!("^[^ ]*python[^ ]* [^ ]*{marker}");
    assert!(lives(&store_process));
    suite.kill().unwrap();
    suite.wait().unwrap();
    let killed = std::time::Instant::now();
    while lives(&store_process) {
        assert!(killed.elapsed().as_secs() < 30, "the store lives on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
