//! Crash drills against stores of a user's: what the report counts is held against what an independent client reads
//! from the data that the fault left.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::python::{file, python};
use crate::support::{Program, Server};

const RDB: &str = "appendonly no\nsave \"\"";
const AOF: &str = "appendonly yes\nsave \"\"";

fn shipped(adapter: &str) -> String {
    format!("{} {}", python().display(), file(adapter).display())
}

const REDIS_PY: &str = "assets/adapters/redis_py_store.py";
const LANGCHAIN: &str = "assets/adapters/langchain_store.py";

/// A small load that a busy machine keeps up with.
fn drill(program: &Program, store: &str, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec!["--store-cmd", store, "--sessions", "20", "--writers", "2"];
    arguments.extend(more);
    program.drill(&arguments)
}

/// Messages in all lists of the kept data, whatever the store calls them.
fn kept(program: &Program, config: &str) -> u64 {
    let server = Server::on_kept_data(&program.path("kept/after-fault-1"), config);
    let mut connection = server.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    let lengths = keys.iter().map(|key| {
        let length = redis::cmd("LLEN").arg(key).query::<u64>(&mut connection);
        // Beside its lists a store may keep sets of ids.
        length.unwrap_or(0)
    });
    lengths.sum()
}

fn count(report: &Value, name: &str) -> u64 {
    report["counts"][name].as_u64().unwrap()
}

#[test]
fn a_kill_under_rdb_takes_the_tail_of_either_store() {
    for adapter in [REDIS_PY, LANGCHAIN] {
        let program = Program::new();
        let more = ["--preset", "rdb-5s", "--seconds", "8", "--rate", "100"];
        let (code, report) = drill(&program, &shipped(adapter), &more);
        let kept = kept(&program, RDB);
        assert!(kept > 0, "{adapter}: a snapshot was taken");
        assert!(
            count(&report, "lost") > 0,
            "{adapter}: {}",
            report["counts"]
        );
        let found = count(&report, "survived") + count(&report, "resurfaced");
        assert_eq!(found, kept, "{adapter}: {}", report["counts"]);
        let acked = count(&report, "survived") + count(&report, "lost");
        assert_eq!(acked, count(&report, "acked"), "{adapter}");
        assert_eq!(report["cut"]["kind"], "clean", "{adapter}");
        assert_eq!(
            (code, report["verdict"].as_str()),
            (0, Some("held")),
            "{adapter}"
        );
    }
}

#[test]
fn a_power_cut_under_everysec_takes_at_most_what_everysec_allows() {
    let program = Program::new();
    let more = [
        "--preset",
        "aof-everysec",
        "--fault",
        "power-loss",
        "--seconds",
        "3",
    ];
    let (code, report) = drill(&program, &shipped(LANGCHAIN), &more);
    let found = count(&report, "survived") + count(&report, "resurfaced");
    assert_eq!(found, kept(&program, AOF), "{}", report["counts"]);
    assert_eq!((code, report["verdict"].as_str()), (0, Some("held")));
}

#[test]
fn always_loses_nothing_of_either_store() {
    for (adapter, fault) in [(REDIS_PY, "power-loss"), (LANGCHAIN, "process-kill")] {
        let program = Program::new();
        let more = [
            "--preset",
            "aof-always",
            "--fault",
            fault,
            "--messages",
            "150",
        ];
        let (code, report) = drill(&program, &shipped(adapter), &more);
        assert_eq!(count(&report, "acked"), 150, "{adapter}");
        assert_eq!(count(&report, "survived"), 150, "{adapter}");
        assert_eq!(kept(&program, AOF), 150, "{adapter}");
        assert_eq!(code, 0, "{adapter}");
    }
}

/// A drill with a store that has a habit: exit code, report, everything told.
fn habit(program: &Program, habit: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let path = program.path("report.json").display().to_string();
    let store = format!("{} {habit} drilled", shipped("tests/checks/habits.py"));
    let mut arguments = vec!["run", "--backend", "process", "--report", &path, "--force"];
    arguments.extend(["--store-cmd", &store, "--sessions", "20", "--writers", "2"]);
    arguments.extend(["--preset", "aof-always", "--op-timeout", "0.5"]);
    arguments.extend(more);
    let output = program
        .command(&arguments)
        .env("ADAPTERS", file("assets/adapters"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let report = std::fs::read_to_string(&path).map(|text| serde_json::from_str(&text).unwrap());
    (output.status.code(), report.unwrap_or_default(), told)
}

#[test]
fn a_store_that_acknowledges_and_does_not_write_is_caught() {
    let program = Program::new();
    let (code, report, told) = habit(&program, "forgets", &["--messages", "200"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(count(&report, "lost") > 0, "{}", report["counts"]);
}

#[test]
fn a_store_that_hangs_dies_or_babbles_is_told_in_words_and_never_waited_for() {
    // The last one does its part again once it is started anew: what it has acknowledged is judged all the same.
    let cases = [
        ("hangs", 2, "hangs: no answer to append within 0.5 s"),
        ("dies", 2, "Segmentation fault (not really)"),
        ("noise", 2, "no JSON: Connected to Redis!"),
        (
            "tires-after-20",
            0,
            "hangs: no answer to append within 0.5 s",
        ),
    ];
    for (name, expected, words) in cases {
        let program = Program::new();
        let begun = Instant::now();
        let (code, _, told) = habit(&program, name, &["--seconds", "6"]);
        assert_eq!(code, Some(expected), "{name}: {told}");
        assert!(told.contains(words), "{name}: {told}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{name}");
    }
}

#[test]
fn what_counts_our_own_writes_does_not_go_with_a_store() {
    let program = Program::new();
    for option in ["--compare", "--tail-cut", "--repair"] {
        let arguments = ["run", "--backend", "process", "--store-cmd", "true", option];
        let output = program.run(&arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{told}");
        assert!(
            told.contains(&format!("{option}: counts our own writes")),
            "{told}"
        );
    }
    let output = program.run(&["run", "--store-cmd", "python 'my store.py"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(
        told.contains("--store-cmd: \"python 'my store.py\" is no command"),
        "{told}"
    );
}
