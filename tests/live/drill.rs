//! Whole drills by the program's own command line on real servers. What it reports is held against what
//! an independent server and client count on the data directory that the fault left.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Program, Server, connect, lists, text};

const RDB: &str = "appendonly no\nsave \"\"";
const AOF: &str = "appendonly yes\nsave \"\"";

fn total(lists: &BTreeMap<String, Vec<String>>) -> u64 {
    lists.values().map(|list| list.len() as u64).sum()
}

/// Messages of each list number 1, 2, 3, … without a gap.
fn assert_prefixes(lists: &BTreeMap<String, Vec<String>>) {
    for (key, list) in lists {
        for (i, element) in list.iter().enumerate() {
            let json: serde_json::Value = serde_json::from_str(element).unwrap();
            assert_eq!(json["seq"], i + 1, "{key}");
        }
    }
}

#[test]
fn a_kill_under_rdb_takes_exactly_what_the_snapshot_does_not_hold() {
    let program = Program::new();
    let arguments = [
        "--preset",
        "rdb-5s",
        "--messages",
        "6500",
        "--rate",
        "1000",
        "--seconds",
        "60",
    ];
    let (code, report) = program.drill(&arguments);
    let found = program.count_kept(RDB);
    assert_prefixes(&found);
    let kept = total(&found);
    assert!(
        kept > 1000 && kept < 6500,
        "a snapshot was taken and was not the last word: {kept}"
    );
    assert_eq!(report["counts"]["acked"], 6500);
    assert_eq!(report["counts"]["survived"], kept);
    assert_eq!(report["counts"]["lost"], 6500 - kept);
    assert_eq!(report["cut"]["kind"], "clean");
    assert_eq!((code, report["verdict"].as_str()), (0, Some("held")));
    // At 1,000 a second the oldest of the lost was acknowledged that many milliseconds before the stream's
    // end at least; how long after the end the kill comes depends on how busy the machine is.
    let window = report["loss_window_secs"].as_f64().unwrap();
    let least = (6500 - kept) as f64 / 1000.0;
    assert!(
        window > least - 0.1 && window < least + 5.0,
        "{window} s for {} messages",
        6500 - kept
    );
}

#[test]
fn a_kill_under_aof_always_takes_nothing() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-always",
        "--messages",
        "1500",
        "--rate",
        "max",
        "--seconds",
        "60",
    ]);
    let found = program.count_kept(AOF);
    assert_prefixes(&found);
    assert_eq!(total(&found), 1500);
    assert_eq!(report["counts"]["survived"], 1500);
    assert_eq!((code, report["counts"]["lost"].as_u64()), (0, Some(0)));
}

#[test]
fn a_kill_under_load_counts_writes_in_flight_as_what_they_are() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-everysec",
        "--rate",
        "max",
        "--seconds",
        "2",
        "--writers",
        "4",
        "--depth",
        "16",
    ]);
    let found = program.count_kept(AOF);
    assert_prefixes(&found);
    let counts = &report["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(total(&found), number("survived") + number("resurfaced"));
    assert_eq!(number("acked"), number("survived") + number("lost"));
    assert_eq!(
        number("attempted"),
        number("acked") + number("resurfaced") + number("absent") + number("refused")
    );
    // Everysec loses acknowledged writes to a process kill only if an fsync is in flight, and then within the promise.
    assert_eq!(code, 0, "{counts}");
}

#[test]
fn without_persistence_everything_vanishes_and_that_was_the_deal() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "none",
        "--messages",
        "500",
        "--sessions",
        "20",
        "--rate",
        "max",
    ]);
    assert_eq!(total(&program.count_kept(RDB)), 0);
    assert_eq!(report["counts"]["lost"], 500);
    assert_eq!(report["sessions"]["vanished"], report["sessions"]["total"]);
    assert_eq!(code, 0);
}

#[test]
fn the_users_gate_turns_an_allowed_loss_into_a_violation() {
    let program = Program::new();
    let drill = |gate: &str| {
        program
            .drill(&[
                "--preset",
                "none",
                "--messages",
                "50",
                "--rate",
                "max",
                "--max-lost",
                gate,
            ])
            .0
    };
    assert_eq!(drill("49"), 1);
    program.forget_kept();
    assert_eq!(drill("50"), 0);
}

#[test]
fn a_graceful_stop_saves_and_one_without_grace_does_not() {
    let program = Program::new();
    let drill = |grace: &str| {
        program.forget_kept();
        program.drill(&[
            "--preset",
            "rdb-defaults",
            "--fault",
            "graceful-stop",
            "--grace",
            grace,
            "--messages",
            "2000",
            "--rate",
            "max",
        ])
    };
    let (code, report) = drill("10");
    assert_eq!(total(&program.count_kept(RDB)), 2000);
    assert_eq!((code, report["counts"]["lost"].as_u64()), (0, Some(0)));

    let (code, report) = drill("0");
    let kept = total(&program.count_kept(RDB));
    assert_eq!(report["counts"]["lost"], 2000 - kept);
    // The save may win the race against a SIGKILL sent at once, but then nothing is lost.
    assert_eq!(code, i32::from(kept < 2000));
    assert_eq!(report["faults"][0]["escalated"], kept < 2000);
}

/// A server program that runs `before` at its second start, then the real one.
fn sabotaged_server(program: &Program, before: &str) -> String {
    let path = program.path("sabotaged-server");
    let script = format!(
        "#!/bin/sh\ndir=$(dirname \"$1\")\nif [ -e \"$dir/started-before\" ]; then\n{before}\nfi\ntouch \"$dir/started-before\"\nexec redis-server \"$@\"\n"
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// 300 messages under `appendfsync always`, with `before` done to the data between kill and restart.
fn sabotaged_drill(program: &Program, before: &str) -> (i32, serde_json::Value) {
    let server = sabotaged_server(program, before);
    program.drill(&[
        "--preset",
        "aof-always",
        "--server",
        &server,
        "--messages",
        "300",
        "--rate",
        "max",
    ])
}

#[test]
fn a_server_that_refuses_its_damaged_aof_is_a_result_in_the_servers_words() {
    let program = Program::new();
    // The first byte of a command: Redis would load an altered body without a word.
    let damage = "sed -i '0,/^\\*3/s//!3/' \"$dir/appendonlydir/appendonly.aof.1.incr.aof\"";
    let (code, report) = sabotaged_drill(&program, damage);
    assert_eq!((code, report["verdict"].as_str()), (1, Some("violated")));
    let told = report.to_string();
    assert!(
        told.contains("refused_to_start") && told.contains("Bad file format"),
        "{told}"
    );
}

/// The checker's own acid test in real life: a store that silently drops acknowledged messages.
#[test]
fn a_store_that_eats_a_message_is_caught_under_aof_always() {
    let program = Program::new();
    // The AOF ends before its last command, cleanly: a loss that no promise of `always` allows.
    let eat = "aof=\"$dir/appendonlydir/appendonly.aof.1.incr.aof\"; last=$(grep -abo '^\\*3' \"$aof\" | tail -1 | cut -d: -f1); truncate -s \"$last\" \"$aof\"";
    let (code, report) = sabotaged_drill(&program, eat);
    assert_eq!(
        total(&program.count_kept(AOF)),
        300,
        "before the sabotage all is there"
    );
    assert_eq!(
        (code, report["counts"]["lost"].as_u64()),
        (1, Some(1)),
        "{report:#}"
    );
}

/// One changed byte in an AOF is loaded without a word (it has no checksum): only the bodies tell.
#[test]
fn an_altered_message_is_caught_though_no_message_is_missing() {
    let program = Program::new();
    let alter = "sed -i '0,/\"role\":\"user\"/s//\"role\":\"uzer\"/' \"$dir/appendonlydir/appendonly.aof.1.incr.aof\"";
    let (code, report) = sabotaged_drill(&program, alter);
    let counts = &report["counts"];
    assert_eq!(
        (code, counts["corrupted"].as_u64(), counts["lost"].as_u64()),
        (1, Some(1), Some(0)),
        "{report:#}"
    );
    assert_eq!(report["sessions"]["corrupted"], 1);
}

#[test]
fn a_server_that_does_not_start_is_told_with_its_own_words() {
    let program = Program::new();
    let path = program.path("broken-server");
    std::fs::write(
        &path,
        "#!/bin/sh\necho '*** FATAL CONFIG FILE ERROR (test) ***' >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = program.run(&[
        "run",
        "--backend",
        "process",
        "--server",
        path.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(
        told.contains("FATAL CONFIG FILE ERROR") && told.contains("exited with code 1"),
        "{told}"
    );
}

#[test]
fn no_server_program_is_told_with_the_ways_out() {
    let program = Program::new();
    let output = program
        .command(&["run", "--backend", "process"])
        .env("PATH", "/nonexistent")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout);
    assert!(
        told.contains("redis-server") && told.contains("apt install"),
        "{told}"
    );
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let program = Program::new();
    let written = || {
        program.forget_kept();
        // One writer: with several, how far each has come when the last message is sent is a race.
        program.drill(&[
            "--preset",
            "aof-always",
            "--messages",
            "800",
            "--writers",
            "1",
            "--rate",
            "max",
            "--seed",
            "99",
        ]);
        program.count_kept(AOF)
    };
    assert_eq!(written(), written());
}

#[test]
fn a_replay_comes_to_the_same_report_and_a_torn_journal_to_none() {
    let program = Program::new();
    let (_, first) = program.drill(&[
        "--preset",
        "none",
        "--messages",
        "400",
        "--rate",
        "max",
        "--max-lost",
        "0",
    ]);
    let again = program.path("again.json");
    let replay = |name: &str| {
        program
            .run(&[
                "replay",
                name,
                "--force",
                "--report",
                again.to_str().unwrap(),
            ])
            .status
            .code()
    };
    assert_eq!(replay("latest"), Some(1));
    let second: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&again).unwrap()).unwrap();
    for part in [
        "verdict",
        "counts",
        "sessions",
        "cut",
        "loss_window_secs",
        "faults",
    ] {
        assert_eq!(first[part], second[part], "{part}");
    }

    for ending in ["html", "md", "json", "xml", "csv"] {
        let report = program.latest().join(format!("reports/report.{ending}"));
        assert!(
            std::fs::metadata(&report).is_ok_and(|data| data.len() > 100),
            "{}",
            report.display()
        );
    }
    let journal = program.latest().join("journal.bin");
    let bytes = std::fs::read(&journal).unwrap();
    // Cut between two records nothing looks torn, but less is there than was known at the readback.
    std::fs::write(&journal, &bytes[..bytes.len() - 320]).unwrap();
    assert_eq!(replay("latest"), Some(2));
    std::fs::write(&journal, &bytes[..bytes.len() - 7]).unwrap();
    assert_eq!(replay("latest"), Some(2));
    let torn: serde_json::Value = serde_json::from_slice(&std::fs::read(&again).unwrap()).unwrap();
    let told = torn.to_string();
    assert!(
        told.contains("journal_torn") && told.contains("torn at byte"),
        "{told}"
    );
    assert!(torn["counts"]["lost"].as_u64() <= first["counts"]["lost"].as_u64());
}

/// Port, password and directory of the server that a running drill has started.
fn server_of(program: &Program, tmp: &Path) -> (u16, String, std::path::PathBuf) {
    let begun = Instant::now();
    loop {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "no server appeared"
        );
        let dirs = std::fs::read_dir(tmp)
            .unwrap()
            .flatten()
            .map(|entry| entry.path());
        let conf = dirs
            .map(|dir| dir.join("crashdrill.conf"))
            .find(|conf| conf.exists());
        if let Some(text) = conf
            .as_ref()
            .and_then(|conf| std::fs::read_to_string(conf).ok())
        {
            let value = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name));
                line.map(|value| value.trim().to_owned())
            };
            let streaming = program.runs().join("latest/journal.bin").exists();
            if let (Some(port), Some(password), true) =
                (value("port "), value("requirepass "), streaming)
            {
                return (
                    port.parse().unwrap(),
                    password,
                    conf.unwrap().parent().unwrap().to_owned(),
                );
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn sum_of_lengths(connection: &mut redis::Connection) -> u64 {
    total(&lists(connection))
}

#[test]
fn our_own_sigkill_leaves_no_server_and_loses_at_most_a_tenth_of_a_second_of_journal() {
    let program = Program::new();
    let tmp = program.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut child = program
        .command(&[
            "run",
            "--backend",
            "process",
            "--preset",
            "aof-no",
            "--rate",
            "1000",
            "--seconds",
            "60",
            "-q",
        ])
        .env("TMPDIR", &tmp)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (port, password, dir) = server_of(&program, &tmp);
    let mut connection = connect(port, Some(&password));
    std::thread::sleep(Duration::from_millis(1500));
    // Acknowledged by now or a little later: at 1,000 a second, a tenth of a second is a hundred.
    let counted = sum_of_lengths(&mut connection);
    std::thread::sleep(Duration::from_millis(100));
    child.kill().unwrap();
    child.wait().unwrap();

    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() || dir.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "the server outlives us by more than a second"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = program.run(&[
        "replay",
        "latest",
        "--report",
        program.path("r.json").to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(program.path("r.json")).unwrap()).unwrap();
    let journaled = report["counts"]["attempted"].as_u64().unwrap();
    assert!(
        counted > 1000 && journaled >= counted,
        "counted {counted}, journaled {journaled}"
    );
    assert_eq!(report["counts"]["lost"], 0, "what is not known is not lost");
}

#[test]
fn sigterm_tears_down_and_judges_inconclusive() {
    let program = Program::new();
    let tmp = program.path("tmp");
    std::fs::create_dir(&tmp).unwrap();
    let mut child = program
        .command(&["run", "--backend", "process", "--seconds", "60", "-q"])
        .env("TMPDIR", &tmp)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (port, _, dir) = server_of(&program, &tmp);
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!dir.exists());
    let verdict = std::fs::read_to_string(program.latest().join("verdict.json")).unwrap();
    assert!(verdict.contains("cancelled"), "{verdict}");
}

#[test]
fn wrong_use_ends_with_64_and_says_what_would_be_right() {
    let program = Program::new();
    let existing = program.path("exists.html");
    std::fs::write(&existing, "precious").unwrap();
    let existing = existing.to_str().unwrap();
    let folder = program.path("folder.html");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let tls = [
        "run",
        "--backend",
        "external",
        "--url",
        "rediss://127.0.0.1:1",
        "--kill-cmd",
        "true",
        "--start-cmd",
        "true",
    ];
    let plain = program.path("plain");
    std::fs::write(&plain, "not a program").unwrap();
    let plain = plain.to_str().unwrap();
    let process = ["run", "--backend", "process"];
    let missing = [&process[..], &["--server", "/no/such/redis-server"]].concat();
    let not_executable = [&process[..], &["--server", plain]].concat();
    let unwritable_runs = [&process[..], &["--runs", "/proc/runs"]].concat();
    let unwritable_report = [&process[..], &["--report", "/proc/report.html"]].concat();
    let beside_the_backend = [&process[..], &["--url", "redis://127.0.0.1:1"]].concat();
    let keep_external = [
        &tls[..3],
        &["--url", "redis://127.0.0.1:1"],
        &tls[5..],
        &["--keep-data", "kept"],
    ]
    .concat();
    let cases: [(&[&str], &str); 17] = [
        (
            &missing,
            "--server: there is no server program at /no/such/redis-server",
        ),
        (&not_executable, "--server: nothing that can be run"),
        (&unwritable_runs, "--runs: cannot write into /proc/runs"),
        (&unwritable_report, "/proc/report.html cannot be written"),
        (
            &beside_the_backend,
            "--url: backend process does not use it; add --backend external",
        ),
        (
            &keep_external,
            "--keep-data: the data directory of an external server",
        ),
        (&["run", "--backend", "docker", "--server", "x"], "--image"),
        (&["runs", "--runs", plain], "--runs: cannot read"),
        (&["run", "--report", folder, "--force"], "is a folder"),
        (&tls, "redis://"),
        (&["run", "--preset", "nope"], "known are"),
        (&["run", "--sessions", "0"], "1 to"),
        (&["run", "--rate", "-3"], "--rate"),
        (&["run", "--report", existing], "--force"),
        (&["run", "--report", "x.pdf"], ".html"),
        (
            &[
                "run",
                "--backend",
                "process",
                "--fault",
                "container-removed",
            ],
            "docker",
        ),
        (&["replay", "no-such-run"], "crashdrill runs"),
    ];
    for (arguments, hint) in cases {
        let output = program.run(arguments);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {told}");
        assert!(told.contains(hint), "{arguments:?}: {told}");
    }
    assert_eq!(std::fs::read_to_string(existing).unwrap(), "precious");
}

/// A file size limit stands for a full disk: writing fails, and nothing may be guessed from then on.
#[test]
fn a_journal_that_cannot_be_written_ends_the_drill_and_says_so() {
    let program = Program::new();
    let exe = env!("CARGO_BIN_EXE_crashdrill");
    let runs = program.runs().display().to_string();
    let script = format!(
        "trap '' XFSZ; ulimit -f 2000; exec {exe} run --backend process --preset none --rate max --seconds 30 --runs {runs}"
    );
    let begun = Instant::now();
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("HOME", program.home.path())
        .env("XDG_DATA_HOME", program.path("data"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stdout);
    assert!(told.contains("cannot write the journal"), "{told}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it does not go on streaming"
    );
    // What had been written is whole, and a replay says what is missing.
    assert_eq!(program.run(&["replay", "latest"]).status.code(), Some(2));
}

#[test]
fn data_kept_from_an_earlier_drill_is_not_mixed_with_new() {
    let program = Program::new();
    std::fs::create_dir_all(program.path("kept/after-fault-1/appendonlydir")).unwrap();
    let kept = program.path("kept").display().to_string();
    let output = program.run(&[
        "run",
        "--backend",
        "process",
        "--seconds",
        "1",
        "--keep-data",
        &kept,
    ]);
    assert_eq!(output.status.code(), Some(64));
    let told = text(&output.stderr);
    assert!(
        told.contains("--keep-data") && told.contains("after-fault-1"),
        "{told}"
    );
}

#[test]
fn a_runs_folder_that_cannot_be_written_is_named() {
    let program = Program::new();
    std::fs::write(program.path("runs"), "a file where the folder should be").unwrap();
    let output = program.run(&["run", "--backend", "process", "--seconds", "1"]);
    assert_eq!(output.status.code(), Some(64));
    let told = text(&output.stderr);
    assert!(
        told.contains("--runs") && told.contains("cannot write"),
        "{told}"
    );
}

#[test]
fn the_kept_server_of_a_test_is_really_independent() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), RDB);
    assert_eq!(total(&lists(&mut server.connection())), 0);
}

#[test]
fn a_damaged_line_of_the_timeline_is_told_and_nothing_is_proven() {
    let program = Program::new();
    let drill = ["--preset", "none", "--messages", "100", "--rate", "max"];
    assert_eq!(program.drill(&drill).0, 0);
    let path = program.latest().join("timeline.jsonl");
    let whole = std::fs::read_to_string(&path).unwrap();
    let replay = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let output = program.run(&["replay", "latest"]);
        (output.status.code(), crate::support::text(&output.stdout))
    };
    let lines: Vec<&str> = whole.lines().collect();
    let began = lines
        .iter()
        .position(|line| line.contains("stream_started"))
        .unwrap();
    let mut damaged = lines.clone();
    damaged[began] = "{\"at\":12,\"event\":\"stream_st";
    let (code, told) = replay(&(damaged.join("\n") + "\n"));
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains(&format!("timeline.jsonl:{} is no event", began + 1)),
        "{told}"
    );
    // Our own death cuts the last line, and that is no damage; nor does it take what stood before.
    let (code, told) = replay(&whole[..whole.len() - 9]);
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn what_was_never_judged_has_no_loss_in_the_list() {
    let program = Program::new();
    program.drill(&["--preset", "none", "--messages", "100", "--rate", "max"]);
    let listed = || -> serde_json::Value {
        serde_json::from_slice(&program.run(&["runs", "--json"]).stdout).unwrap()
    };
    assert_eq!(
        (&listed()[0]["acked"], &listed()[0]["lost"]),
        (&100.into(), &100.into())
    );
    std::fs::remove_file(program.latest().join("verdict.json")).unwrap();
    assert!(listed()[0]["acked"].is_null() && listed()[0]["lost"].is_null());
}

#[test]
fn a_write_is_in_doubt_once_the_clients_patience_is_over() {
    let in_doubt = |patience: &str| {
        let program = Program::new();
        let (_, report) = program.drill(&[
            "--preset",
            "aof-always",
            "--fault",
            "pause",
            "--pause",
            "1.5",
            "--rate",
            "500",
            "--seconds",
            "1",
            "--op-timeout",
            patience,
        ]);
        let counts = &report["counts"];
        assert_eq!(counts["lost"], 0, "{counts}");
        counts["resurfaced"].as_u64().unwrap() + counts["absent"].as_u64().unwrap()
    };
    assert!(in_doubt("300ms") > 0);
    assert_eq!(in_doubt("30"), 0, "who waits long enough gets every answer");
}

/// A server that somebody stops with SIGSTOP answers nothing, and neither does one that its disk blocks: asking it
/// must not hold up the drill, which has its time to keep and an end to come to.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_hangs_holds_up_neither_the_streaming_time_nor_the_end() {
    let program = Program::new();
    let report = program.path("report.json");
    let seconds = "4";
    let child = program
        .command(&["run", "--preset", "aof-always", "--backend", "process"])
        .args(["--seconds", seconds, "--rate", "500", "--report"])
        .arg(&report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(1));
    let server = child_of(child.id(), "redis-server");
    rustix::process::kill_process(server, rustix::process::Signal::STOP).unwrap();
    let output = child.wait_with_output().unwrap();
    let took = begun.elapsed();
    assert_eq!(output.status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    let timeline = report["timeline"].as_array().unwrap();
    let at = |event: &str| {
        let found = timeline.iter().find(|one| one["event"] == event);
        found.unwrap()["at_secs"].as_f64().unwrap()
    };
    let streamed = at("fault_began") - at("stream_started");
    assert!(
        (4.0..5.2).contains(&streamed),
        "the fault came {streamed} s after the stream began"
    );
    assert_eq!(report["counts"]["lost"], 0);
}

/// The process of this name that is a child of `parent`.
#[cfg(target_os = "linux")]
fn child_of(parent: u32, name: &str) -> rustix::process::Pid {
    let parent = format!(" {parent} ");
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pid = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut ours = pid.filter(|pid: &i32| {
        // `pid (name) state ppid …`
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(name)
            && stat.rsplit_once(')').is_some_and(|(_, rest)| {
                rest.get(2..).is_some_and(|rest| rest.starts_with(&parent))
            })
    });
    rustix::process::Pid::from_raw(ours.next().expect("it runs")).unwrap()
}
