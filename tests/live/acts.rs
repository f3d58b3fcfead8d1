//! The second acts of a drill on real servers: a network that loses answers, damaged files, repair. Whatever is
//! reported is counted again by an independent server and client on the kept data.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Program;

const RDB: &str = "appendonly no\nsave \"\"";
const AOF: &str = "appendonly yes\nsave \"\"";

type Lists = BTreeMap<String, Vec<String>>;

fn total(lists: &Lists) -> u64 {
    lists.values().map(|list| list.len() as u64).sum()
}

fn acts<'a>(report: &'a Value, act: &str) -> Vec<&'a Value> {
    let acts = report["acts"].as_array().unwrap().iter();
    acts.filter(|one| one["act"] == act).collect()
}

/// A drill whose AOF is the same bytes every time: one connection, one message after the other.
fn one_by_one(program: &Program, messages: &str, more: &[&str]) -> (i32, Value) {
    let mut arguments = vec![
        "--preset",
        "aof-always",
        "--messages",
        messages,
        "--rate",
        "max",
        "--writers",
        "1",
        "--depth",
        "1",
        "--sessions",
        "5",
    ];
    arguments.extend(more);
    program.drill(&arguments)
}

#[test]
fn lost_answers_are_in_doubt_and_found_again_and_never_counted_lost() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-always",
        "--messages",
        "1500",
        "--seconds",
        "60",
        "--rate",
        "1000",
        "--writers",
        "4",
        "--depth",
        "1",
        "--network",
        "lost-reply@0.5s",
    ]);
    // Each connection had one write under way, and it had been executed.
    let lost: Vec<u64> = acts(&report, "network")
        .iter()
        .map(|act| act["replies_lost"].as_u64().unwrap())
        .collect();
    assert_eq!(lost, [1, 1, 1, 1]);
    let counts = &report["counts"];
    assert_eq!(counts["resurfaced"], 4);
    assert_eq!((&counts["absent"], &counts["lost"]), (&0.into(), &0.into()));
    assert_eq!(counts["acked"], 1496);
    assert_eq!((code, &report["verdict"]), (0, &"held".into()));
    assert_eq!(total(&program.count_kept(AOF)), 1500);
    let page = std::fs::read_to_string(program.latest().join("reports/report.md")).unwrap();
    assert!(page.contains("4 answers on purpose"), "{page}");
}

#[test]
fn a_stall_of_the_network_makes_writes_in_doubt_and_the_stream_goes_on() {
    let program = Program::new();
    let (_, report) = program.drill(&[
        "--preset",
        "aof-always",
        "--messages",
        "2000",
        "--seconds",
        "60",
        "--rate",
        "500",
        "--network",
        "half-open=3s@0.5s",
    ]);
    let counts = &report["counts"];
    let doubt = counts["resurfaced"].as_u64().unwrap() + counts["absent"].as_u64().unwrap();
    assert!(doubt > 0, "{counts}");
    assert_eq!(counts["lost"], 0);
    let found = total(&program.count_kept(AOF));
    let (acked, resurfaced) = (&counts["acked"], &counts["resurfaced"]);
    assert_eq!(
        found,
        acked.as_u64().unwrap() + resurfaced.as_u64().unwrap()
    );
    assert_eq!(acts(&report, "network").len(), 2);
    let page = std::fs::read_to_string(program.latest().join("reports/report.md")).unwrap();
    assert!(
        page.contains(&format!("{doubt} writes got no answer")),
        "{page}"
    );
}

/// Elements of the sound lists that are gone, and elements that are in none of them.
fn differences(sound: &Lists, damaged: &Lists) -> (u64, u64) {
    let all = |lists: &Lists| -> Vec<(String, String)> {
        let pairs = lists.iter().flat_map(|(key, list)| {
            let element = |element: &String| (key.clone(), element.clone());
            list.iter().map(element).collect::<Vec<_>>()
        });
        pairs.collect()
    };
    let (sound, damaged) = (all(sound), all(damaged));
    let gone = sound.iter().filter(|one| !damaged.contains(one)).count();
    let strange = damaged.iter().filter(|one| !sound.contains(one)).count();
    (gone as u64, strange as u64)
}

/// The same drill twice, once with a flipped bit. Redis says nothing of it; the bodies do.
#[test]
fn a_flipped_bit_in_the_aof_is_found_by_comparing_bodies() {
    let (mut altered, mut missing) = (false, false);
    for seed in 1..=40 {
        let (seed, program) = (seed.to_string(), Program::new());
        one_by_one(&program, "300", &["--seed", &seed]);
        let sound = program.count_kept(AOF);
        assert_eq!(total(&sound), 300);
        program.forget_kept();
        let flip = ["--damage", "flip:aof", "--seed", &seed];
        let (code, report) = one_by_one(&program, "300", &flip);
        if report["grounds"].to_string().contains("refused_to_start") {
            continue;
        }
        let (gone, strange) = differences(&sound, &program.count_kept(AOF));
        let counts = &report["counts"];
        let count = |class: &str| counts[class].as_u64().unwrap();
        // An altered message is gone and strange at once; a vanished one may lie under another key.
        assert_eq!(
            count("lost") + count("corrupted"),
            gone,
            "seed {seed}: {counts}"
        );
        assert_eq!(
            count("corrupted") + count("unexpected"),
            strange,
            "seed {seed}: {counts}"
        );
        assert_eq!(code, i32::from(gone + strange > 0));
        altered |= count("corrupted") == 1;
        missing |= count("lost") == 1;
        let log = std::fs::read_to_string(program.latest().join("server.log")).unwrap();
        assert!(!log.contains("Bad file format"), "{log}");
        if altered && missing {
            return;
        }
    }
    panic!("altered: {altered}, missing: {missing}");
}

#[test]
fn a_truncated_tail_loads_to_a_clean_cut() {
    let program = Program::new();
    let (code, report) = one_by_one(&program, "300", &["--damage", "truncate:aof=1000"]);
    let found = total(&program.count_kept(AOF));
    assert!((280..300).contains(&found), "{found}");
    assert_eq!(report["counts"]["lost"], 300 - found);
    assert_eq!(report["cut"]["kind"], "clean");
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    let damage = &acts(&report, "damage")[0]["damage"];
    assert_eq!(damage["bytes"], 1000);
    assert!(
        damage["path"].as_str().unwrap().ends_with("incr.aof"),
        "{damage}"
    );
}

#[test]
fn a_zeroed_tail_is_refused_in_the_servers_words_and_a_repair_saves_the_rest() {
    let program = Program::new();
    let (code, report) = one_by_one(&program, "300", &["--damage", "zero:aof=4096", "--repair"]);
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    let words = report["grounds"].to_string();
    assert!(words.contains("Bad file format"), "{words}");
    let repair = acts(&report, "repair")[0];
    let finding = &repair["findings"][0];
    assert_eq!(finding["outcome"], "started", "{repair}");

    // The same by other hands: Redis' own tool on the kept data, and a count.
    let kept = program.path("kept/after-fault-1");
    assert!(
        refuses(&kept),
        "the kept data is as damaged as the server's"
    );
    fix(&kept.join("appendonlydir/appendonly.aof.manifest"));
    let saved = total(&program.count_kept(AOF));
    assert!((250..300).contains(&saved), "{saved}");
    assert_eq!(finding["lost"], 300 - saved);
    assert_eq!(finding["found"], saved);
    let shrunk = repair["repair"]["bytes_before"].as_u64().unwrap()
        - repair["repair"]["bytes_after"].as_u64().unwrap();
    assert!((4096..4600).contains(&shrunk), "{shrunk}");
    let sentence = repair["sentence"].as_str().unwrap();
    assert!(
        sentence.contains(&format!("{saved} of 300 acknowledged messages are saved")),
        "{sentence}"
    );
}

#[test]
fn a_flipped_bit_in_a_snapshot_is_refused_and_has_no_repair() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "rdb-defaults",
        "--fault",
        "graceful-stop",
        "--messages",
        "300",
        "--damage",
        "flip:rdb",
        "--repair",
    ]);
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    let refused = report["grounds"].to_string();
    assert!(refused.contains("refused_to_start"), "{refused}");
    assert!(refuses_with(&program.path("kept/after-fault-1"), RDB));
    assert!(acts(&report, "repair").is_empty());
    let timeline = report["timeline"].to_string();
    assert!(timeline.contains("has no repair"), "{timeline}");
}

fn fix(manifest: &Path) {
    let mut child = Command::new("redis-check-aof")
        .arg("--fix")
        .arg(manifest)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-tools is installed");
    use std::io::Write;
    child.stdin.take().unwrap().write_all(b"y\ny\n").unwrap();
    assert!(child.wait().unwrap().success());
}

fn refuses(data: &Path) -> bool {
    refuses_with(data, AOF)
}

/// Whether a server ends by itself on a copy of this data.
fn refuses_with(data: &Path, config: &str) -> bool {
    let copy = tempfile::tempdir().unwrap();
    let status = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/.", data.display()))
        .arg(copy.path())
        .status()
        .unwrap();
    assert!(status.success());
    let mut child = crate::support::spawn_server(copy.path(), crate::support::free_port(), config);
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_secs(2) {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}

#[test]
fn the_tail_cut_replay_is_a_range_from_everything_to_what_the_kill_took() {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-everysec",
        "--messages",
        "2000",
        "--rate",
        "max",
        "--tail-cut",
    ]);
    assert_eq!(code, 0, "{}", report["sentences"]);
    let act = acts(&report, "tail_cut")[0];
    assert_eq!(act["tail_cut"]["witness"], "none");
    let why = act["tail_cut"]["no_witness"].as_str().unwrap();
    assert!(why.contains("no WAITAOF"), "{why}");
    let all = act["findings"].as_array().unwrap();
    let (findings, zeros) = all.split_at(17);
    // As ext4 may leave it: zeros up to the end of a block, and to the whole length. Redis refuses both.
    assert_eq!(zeros.len(), 2, "{zeros:?}");
    for zeros in zeros {
        assert_eq!(zeros["image"], "zero_from");
        assert_eq!(zeros["cut_at_bytes"], 0);
        assert_eq!(zeros["outcome"], "refused", "{zeros}");
        let words = zeros["sentence"].as_str().unwrap();
        assert!(words.contains("Bad file format"), "{words}");
    }
    assert_eq!(zeros[0]["zeros_to_bytes"], 4096);
    assert_eq!(zeros[1]["zeros_to_bytes"], findings[16]["cut_at_bytes"]);
    let lost: Vec<u64> = findings
        .iter()
        .map(|finding| finding["lost"].as_u64().unwrap())
        .collect();
    assert!(lost.is_sorted_by(|a, b| a >= b), "{lost:?}");
    // Nothing is proven durable on a server without WAITAOF; at its full length the AOF is what the kill left.
    assert_eq!((lost[0], lost[16]), (2000, 0));
    assert!(findings.iter().all(|finding| finding["single_cut"] == true));
    let sentence = act["sentence"].as_str().unwrap();
    assert!(
        sentence.starts_with("A range, not an observation"),
        "{sentence}"
    );
    assert!(
        sentence.contains("since this server has no WAITAOF"),
        "{sentence}"
    );
    assert!(
        sentence.contains("as ext4 may leave them, Redis refuses to start"),
        "{sentence}"
    );

    // Three of the ends again, by other hands.
    let kept = program.path("kept/after-fault-1");
    let aof = kept.join("appendonlydir/appendonly.aof.1.incr.aof");
    for place in [11, 6, 3] {
        let cut_at = findings[place]["cut_at_bytes"].as_u64().unwrap();
        let file = std::fs::File::options().write(true).open(&aof).unwrap();
        file.set_len(cut_at).unwrap();
        let found = total(&program.count_kept(AOF));
        assert_eq!(findings[place]["found"], found);
        assert_eq!(lost[place], 2000 - found);
    }
}

/// On ext4 the size of a file may survive a cut whose bytes did not. Redis refuses the zeros; its own tool cuts them
/// off, and what is lost then is the window of any other cut.
#[cfg(target_os = "linux")]
#[test]
fn an_ext4_tail_is_refused_after_a_power_cut_and_a_repair_saves_the_rest() {
    for _ in 0..4 {
        let program = Program::new();
        let (_, report) = program.drill(&[
            "--preset",
            "aof-everysec",
            "--fault",
            "power-loss",
            "--tail",
            "ext4",
            "--seconds",
            "2.5",
            "--rate",
            "1000",
            "--repair",
        ]);
        if !report["grounds"].to_string().contains("refused_to_start") {
            // The cut fell right behind an fsync, or at the very end of a block.
            continue;
        }
        let finding = &acts(&report, "repair")[0]["findings"][0];
        let kept = program.path("kept/after-fault-1");
        assert!(refuses(&kept));
        fix(&kept.join("appendonlydir/appendonly.aof.manifest"));
        let saved = total(&program.count_kept(AOF));
        assert_eq!(finding["found"], saved, "{finding}");
        let acked = report["counts"]["acked"].as_u64().unwrap();
        let lost = finding["lost"].as_u64().unwrap();
        assert!(lost > 0 && lost < acked, "{finding}");
        assert_eq!(finding["single_cut"], true);
        return;
    }
    panic!("no cut of four was refused");
}

/// Our own SIGKILL in the middle of scratch servers: the janitor ends and removes them.
#[cfg(target_os = "linux")]
#[test]
fn a_killed_program_leaves_no_scratch_server_and_no_copy_behind() {
    let program = Program::new();
    let temporary = program.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = program.command(&[
        "run",
        "--backend",
        "process",
        "--preset",
        "aof-everysec",
        "--messages",
        "20000",
        "--rate",
        "max",
        "--tail-cut",
    ]);
    command.env("TMPDIR", &temporary);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let left = || std::fs::read_dir(&temporary).unwrap().count();
    // The drill's own directory, the copy, and a scratch server's.
    crate::support::wait_until("three directories", || left() >= 3);
    child.kill().unwrap();
    child.wait().unwrap();
    crate::support::wait_until("an empty folder", || left() == 0);
    let pattern = temporary.display().to_string();
    let found = Command::new("pgrep")
        .arg("-f")
        .arg(&pattern)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}
