//! Drills on a server that is not ours: the test's own, with commands that kill and start it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Program, connect, free_port, spawn_server, text};

/// A server of the test's own, with commands that kill and start it.
struct External {
    dir: tempfile::TempDir,
    port: u16,
}

impl External {
    fn start(config: &str) -> Self {
        let external = External {
            dir: tempfile::tempdir().unwrap(),
            port: free_port(),
        };
        let pidfile = external.dir.path().join("pid");
        let config = format!("{config}\ndaemonize yes\npidfile {}", pidfile.display());
        spawn_server(external.dir.path(), external.port, &config)
            .wait()
            .unwrap();
        connect(external.port, None);
        external
    }

    fn arguments(&self) -> Vec<String> {
        let dir = self.dir.path().display();
        [
            "run",
            "--backend",
            "external",
            "--quiet",
            "--url",
            &format!("redis://127.0.0.1:{}", self.port),
            "--kill-cmd",
            &format!("kill -9 $(cat {dir}/pid)"),
            "--start-cmd",
            &format!("redis-server {dir}/test.conf"),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

impl Drop for External {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap_or_default();
        let _ = Command::new("kill").args(["-9", pid.trim()]).status();
    }
}

#[test]
fn an_external_server_keeps_its_own_keys_and_loses_only_ours() {
    let program = Program::new();
    let external = External::start("appendonly yes\nappendfsync always\nsave \"\"");
    let mut connection = connect(external.port, None);
    let _: () = redis::cmd("SET")
        .arg("somebody")
        .arg("else")
        .query(&mut connection)
        .unwrap();

    let run = |more: &[&str]| {
        let mut arguments = external.arguments();
        arguments.extend(more.iter().map(ToString::to_string));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        program.run(&arguments)
    };
    let preset = [
        "--preset",
        "aof-always",
        "--messages",
        "500",
        "--rate",
        "max",
    ];
    let asked = run(&preset);
    assert_eq!(asked.status.code(), Some(2));
    assert!(
        text(&asked.stdout).contains("holds 1 keys")
            && text(&asked.stdout).contains("--allow-nonempty"),
        "{}",
        text(&asked.stdout)
    );

    let report = program.path("external.json");
    let report_path = report.display().to_string();
    let agreed = run(&[&preset[..], &["--allow-nonempty", "--report", &report_path]].concat());
    assert_eq!(
        agreed.status.code(),
        Some(0),
        "{}{}",
        text(&agreed.stdout),
        text(&agreed.stderr)
    );
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(
        (
            json["counts"]["acked"].as_u64(),
            json["counts"]["lost"].as_u64()
        ),
        (Some(500), Some(0))
    );
    let mut connection = connect(external.port, None);
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert_eq!(keys, ["somebody"], "our keys are gone, the others are not");

    let wrong = run(&["--preset", "rdb-5s", "--messages", "10", "--allow-nonempty"]);
    assert!(
        text(&wrong.stdout).contains("on the server and \"5 1\" in preset rdb-5s"),
        "{}",
        text(&wrong.stdout)
    );
}

/// The arguments with another value of one option.
fn with(arguments: &[String], option: &str, value: &str) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    let at = arguments.iter().position(|one| one == option).unwrap();
    arguments[at + 1] = value.to_owned();
    arguments
}

#[test]
fn ctrl_c_ends_a_command_that_hangs_and_the_server_is_left_running() {
    let program = Program::new();
    let external = External::start("appendonly yes\nappendfsync always\nsave \"\"");
    let mark = external.dir.path().join("hangs");
    // It kills, and then hangs: with a child, as a script does.
    let kill = format!(
        "kill -9 $(cat {0}/pid); touch {1}; sleep 300 & wait",
        external.dir.path().display(),
        mark.display()
    );
    let mut arguments = with(&external.arguments(), "--kill-cmd", &kill);
    arguments.extend(["--preset", "aof-always", "--messages", "200"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = program
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !mark.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "no kill command was run"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let begun = Instant::now();
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stdout);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "the command was waited for"
    );
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("the drill was cancelled"), "{told}");
    // Killed by the command, and started again by us: as it was found.
    connect(external.port, None);
}

#[test]
fn a_server_that_is_back_before_the_kill_command_has_returned_is_judged_all_the_same() {
    let program = Program::new();
    let external = External::start("appendonly no\nsave \"\"");
    let dir = external.dir.path().display().to_string();
    // As a supervisor does it: dead and up again before anybody has looked. Long enough for a load to reconnect.
    let kill = format!(
        "kill -9 $(cat {dir}/pid); sleep 0.2; redis-server {dir}/test.conf; sleep 1; touch {dir}/killed"
    );
    let start = format!("touch {dir}/started; false");
    let mut arguments = with(&external.arguments(), "--kill-cmd", &kill);
    arguments = with(&arguments, "--start-cmd", &start);
    let report = program.path("external.json");
    let more = [
        "--preset",
        "none",
        "--rate",
        "500",
        "--seconds",
        "2",
        "--report",
    ];
    arguments.extend(more.map(str::to_owned));
    arguments.push(report.display().to_string());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = program.run(&arguments);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(external.dir.path().join("killed").exists());
    assert!(
        !external.dir.path().join("started").exists(),
        "nothing was there to be started"
    );
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    // Nothing was written to the new life: everything acknowledged is gone, and nothing else is there.
    let counts = &json["counts"];
    assert!(counts["acked"].as_u64().unwrap() > 100, "{counts}");
    assert_eq!(counts["lost"], counts["acked"], "{counts}");
    assert_eq!(
        (&counts["resurfaced"], &counts["unexpected"]),
        (&0.into(), &0.into())
    );
}
