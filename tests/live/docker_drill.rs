//! Whole drills on containers, counted again by a server of the test's own on the data that was kept.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::docker::{IMAGE, docker, engine_answers};
use crate::support::{Program, Server, lists};

const AOF: &str = "appendonly yes\nsave \"\"";

fn drill(program: &Program, arguments: &[&str]) -> (i32, serde_json::Value) {
    let fixed = [
        "--backend",
        "docker",
        "--image",
        IMAGE,
        "--messages",
        "1500",
        "--rate",
        "max",
    ];
    program.drill(&[&fixed[..], arguments].concat())
}

fn nothing_is_left(program: &Program) {
    let run = program
        .latest()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let label = format!("label=crashdrill.session={run}");
    assert_eq!(docker(&["ps", "-aq", "--filter", &label]), "");
    assert_eq!(docker(&["volume", "ls", "-q", "--filter", &label]), "");
}

#[test]
fn a_killed_container_comes_back_with_all_that_aof_had() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let (code, report) = drill(&program, &["--preset", "aof-everysec"]);
    // What docker copies out of the volume is what an independent server finds.
    let server = Server::on_kept_data(&program.path("kept/after-fault-1"), AOF);
    let found: usize = lists(&mut server.connection()).values().map(Vec::len).sum();
    assert_eq!(found, 1500);
    assert_eq!(
        (code, report["counts"]["survived"].as_u64()),
        (0, Some(1500)),
        "{report:#}"
    );
    nothing_is_left(&program);
}

#[test]
fn a_removed_container_loses_nothing_with_its_volume_kept_and_everything_without() {
    if !engine_answers() {
        return;
    }
    let lost = |fault: &str| {
        let program = Program::new();
        let (code, report) = program.drill(&[
            "--backend",
            "docker",
            "--image",
            IMAGE,
            "--messages",
            "400",
            "--rate",
            "max",
            "--preset",
            "aof-always",
            "--fault",
            fault,
        ]);
        nothing_is_left(&program);
        assert_eq!(code, 0, "{report:#}");
        let kept = program
            .count_kept(AOF)
            .values()
            .map(Vec::len)
            .sum::<usize>() as u64;
        assert_eq!(report["counts"]["survived"], kept);
        assert_eq!(report["counts"]["lost"], 400 - kept);
        400 - kept
    };
    assert_eq!(lost("container-removed"), 0);
    assert_eq!(lost("container-removed-with-volume"), 400);
}

#[test]
fn a_stopped_container_saves_its_snapshot_within_its_grace() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let (code, report) = drill(
        &program,
        &["--preset", "rdb-defaults", "--fault", "graceful-stop"],
    );
    assert_eq!(
        (code, report["counts"]["lost"].as_u64()),
        (0, Some(0)),
        "{report:#}"
    );
    assert_eq!(report["faults"][0]["escalated"], false);
    let kept: usize = program
        .count_kept("appendonly no\nsave \"\"")
        .values()
        .map(Vec::len)
        .sum();
    assert_eq!(kept, 1500);
    nothing_is_left(&program);
}

#[test]
fn an_image_that_cannot_be_had_is_told_with_the_ways_out() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let output = program.run(&[
        "run",
        "--backend",
        "docker",
        "--image",
        "127.0.0.1:9/no/such:image",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let told = crate::support::text(&output.stdout);
    assert!(
        told.contains("Cannot pull") && told.contains("local image"),
        "{told}"
    );
    nothing_is_left(&program);
}

#[test]
fn our_own_sigkill_leaves_no_container_a_second_later() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let arguments = [
        "run",
        "--backend",
        "docker",
        "--image",
        IMAGE,
        "--seconds",
        "60",
        "-q",
    ];
    let mut child = program
        .command(&arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !program.runs().join("latest/journal.bin").exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the drill does not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    let run = program
        .latest()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let label = format!("label=crashdrill.session={run}");
    let left = || {
        docker(&["ps", "-aq", "--filter", &label])
            + &docker(&["volume", "ls", "-q", "--filter", &label])
    };
    assert_ne!(left(), "");
    child.kill().unwrap();
    child.wait().unwrap();
    let died = Instant::now();
    while !left().is_empty() {
        assert!(
            died.elapsed() < Duration::from_secs(1),
            "a container outlives us by more than a second"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_power_cut_under_a_container_takes_exactly_what_was_not_fsynced() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let (_, report) = program.drill(&[
        "--backend",
        "docker",
        "--image",
        IMAGE,
        "--preset",
        "aof-everysec",
        "--fault",
        "power-loss",
        "--rate",
        "1000",
        "--seconds",
        "2.5",
        "--fsync-delay",
        "3s:*.incr.aof",
        "--trigger",
        "fsync-late=1s",
    ]);
    let server = Server::on_kept_data(&program.path("kept/after-fault-1"), AOF);
    let found: usize = lists(&mut server.connection()).values().map(Vec::len).sum();
    let counts = &report["counts"];
    let number = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(found as u64, number("survived") + number("resurfaced"));
    assert!(number("lost") > 0, "{counts}");
    let fault = &report["faults"][0];
    assert_eq!(fault["disk"]["answered_not_durable"], number("lost"));
    assert_eq!(fault["moment"]["on_target"], true, "{fault}");
    nothing_is_left(&program);
}

/// The act of this name in a report.
fn act<'a>(report: &'a serde_json::Value, act: &str) -> &'a serde_json::Value {
    let mut acts = report["acts"].as_array().unwrap().iter();
    acts.find(|one| one["act"] == act)
        .unwrap_or_else(|| panic!("no {act}: {}", report["timeline"]))
}

#[test]
fn a_file_in_a_container_is_damaged_and_a_copy_of_it_repaired_in_another() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let arguments = [
        "--preset",
        "aof-always",
        "--damage",
        "zero:aof=4096",
        "--repair",
    ];
    let (code, report) = drill(&program, &arguments);
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    assert!(report["grounds"].to_string().contains("Bad file format"));
    let finding = &act(&report, "repair")["findings"][0];
    assert_eq!(finding["outcome"], "started", "{finding}");
    let lost = finding["lost"].as_u64().unwrap();
    assert!((15..60).contains(&lost), "{finding}");
    nothing_is_left(&program);

    // The same bytes are on the kept copy, which an independent server refuses, too.
    let aof = program.path("kept/after-fault-1/appendonlydir/appendonly.aof.1.incr.aof");
    let bytes = std::fs::read(aof).unwrap();
    assert!(bytes[bytes.len() - 4096..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_tail_of_a_containers_aof_is_cut_on_scratch_containers() {
    if !engine_answers() {
        return;
    }
    let program = Program::new();
    let (code, report) = drill(&program, &["--preset", "aof-everysec", "--tail-cut"]);
    assert_eq!(code, 0, "{}", report["sentences"]);
    let findings = act(&report, "tail_cut")["findings"].as_array().unwrap();
    let ends = findings.iter().filter(|one| one["image"] == "cut_at");
    let lost: Vec<_> = ends.map(|one| one["lost"].as_u64()).collect();
    assert_eq!((lost[0], lost[16]), (Some(1500), Some(0)), "{findings:?}");
    assert!(lost.is_sorted_by(|a, b| a >= b));
    nothing_is_left(&program);
}
