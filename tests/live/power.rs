//! Power cuts, slow and failing disks, and faults at their moment. Every count is held against what an independent
//! server and client find on the data that the fault left.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::Program;

const RDB: &str = "appendonly no\nsave \"\"";
const AOF: &str = "appendonly yes\nsave \"\"";

/// Some 1,000 messages a second on two connections, each waiting for its answer, as two bots would write.
const CHAT: [&str; 8] = [
    "--rate",
    "1000",
    "--writers",
    "2",
    "--depth",
    "1",
    "--sessions",
    "40",
];

struct Drill {
    program: Program,
    code: i32,
    report: Value,
}

impl Drill {
    fn run(arguments: &[&str]) -> Drill {
        let program = Program::new();
        let all: Vec<&str> = arguments.iter().chain(&CHAT).copied().collect();
        let (code, report) = program.drill(&all);
        Drill {
            program,
            code,
            report,
        }
    }

    /// With a configuration of the test's own for a preset.
    fn with_config(config: &str, arguments: &[&str]) -> Drill {
        let program = Program::new();
        let path = program.path("redis.conf");
        std::fs::write(&path, config).unwrap();
        let path = path.display().to_string();
        let mut all = vec!["--redis-conf", &path];
        all.extend(arguments.iter().chain(&CHAT));
        let (code, report) = program.drill(&all);
        Drill {
            program,
            code,
            report,
        }
    }

    fn count(&self, class: &str) -> u64 {
        self.report["counts"][class].as_u64().unwrap()
    }

    fn lost(&self) -> u64 {
        self.count("lost")
    }

    fn window(&self) -> f64 {
        self.report["loss_window_secs"].as_f64().unwrap_or(0.0)
    }

    fn disk(&self, field: &str) -> u64 {
        let disk = &self.report["faults"][0]["disk"];
        disk[field].as_u64().unwrap_or_else(|| panic!("{disk}"))
    }

    fn why(&self) -> &str {
        self.report["sentences"]["why"][0].as_str().unwrap()
    }

    /// What an independent server finds on the kept data, which must be what the report says was found: prefixes of
    /// what was written, to the message.
    fn recount(&self, config: &str) -> u64 {
        let kept = self.program.count_kept(config);
        assert_prefixes(&kept);
        let found = kept.values().map(|list| list.len() as u64).sum();
        let reported = self.count("survived") + self.count("resurfaced");
        assert_eq!(found, reported, "{}", self.report["counts"]);
        assert_eq!(self.count("acked"), self.count("survived") + self.lost());
        found
    }

    fn assert_clean_cut(&self) {
        let cut = &self.report["cut"];
        assert_ne!(cut["kind"], "anomaly", "{cut}");
    }

    fn assert_on_target(&self) {
        let faults = self.report["faults"].as_array().unwrap();
        let moment = &faults.last().unwrap()["moment"];
        assert_eq!(moment["on_target"], true, "{moment}");
    }
}

fn assert_prefixes(lists: &BTreeMap<String, Vec<String>>) {
    for (key, list) in lists {
        for (i, element) in list.iter().enumerate() {
            let json: Value = serde_json::from_str(element).unwrap();
            assert_eq!(json["seq"], i + 1, "{key}");
        }
    }
}

#[test]
fn a_power_cut_under_everysec_takes_exactly_what_the_disk_had_not_fsynced() {
    let mut lossy = 0;
    for seconds in ["1.3", "1.6", "1.9", "2.2"] {
        let arguments = ["--preset", "aof-everysec", "--fault", "power-loss"];
        let drill = Drill::run(&[&arguments[..], &["--seconds", seconds]].concat());
        drill.recount(AOF);
        drill.assert_clean_cut();
        assert_eq!(drill.lost(), drill.disk("answered_not_durable"));
        let dropped = &drill.report["faults"][0]["disk"]["cut"]["files"];
        assert!(!dropped.as_array().unwrap().is_empty(), "{dropped}");
        // The machine may be slow, the disk is not: more than the promise would be a wrong cut.
        assert_eq!(drill.code, 0, "{} {}", drill.window(), drill.why());
        lossy += u32::from(drill.lost() > 0);
    }
    assert!(lossy >= 3, "only {lossy} of 4 cuts took anything");
}

#[test]
fn a_power_cut_under_always_takes_nothing_that_was_acknowledged() {
    let drill = Drill::run(&[
        "--preset",
        "aof-always",
        "--fault",
        "power-loss",
        "--seconds",
        "1.5",
    ]);
    drill.recount(AOF);
    assert!(drill.count("acked") > 100);
    assert_eq!((drill.code, drill.lost()), (0, 0), "{}", drill.why());
    assert_eq!(drill.disk("answered_not_durable"), 0);
}

#[test]
fn a_power_cut_without_fsync_takes_everything_since_the_last_write_back() {
    let arguments = ["--preset", "aof-no", "--fault", "power-loss"];
    let never = Drill::run(&[&arguments[..], &["--seconds", "1.5"]].concat());
    assert_eq!(never.recount(AOF), 0);
    assert_eq!(never.lost(), never.count("acked"));

    // The system looks every 5 s.
    let written_back = ["--seconds", "6", "--write-back", "1s"];
    let drill = Drill::run(&[&arguments[..], &written_back].concat());
    let kept = drill.recount(AOF);
    assert!(kept > 0 && drill.lost() > 0, "{}", drill.report["counts"]);
    drill.assert_clean_cut();
}

#[test]
fn a_kill_takes_what_waited_in_memory_to_the_message_and_mostly_nothing() {
    let mut quiet = 0;
    for seconds in ["1.1", "1.4", "1.7", "2"] {
        let arguments = ["--preset", "aof-everysec", "--disk", "ordered"];
        let drill = Drill::run(&[&arguments[..], &["--seconds", seconds]].concat());
        drill.recount(AOF);
        assert_eq!(drill.lost(), drill.disk("answered_not_written"));
        quiet += u32::from(drill.lost() == 0);
    }
    assert!(quiet >= 3, "only {quiet} of 4 kills took nothing");
}

#[test]
fn a_kill_armed_at_a_pending_fsync_takes_answered_writes() {
    let mut lossy = 0;
    for _ in 0..3 {
        let drill = Drill::run(&[
            "--preset",
            "aof-everysec",
            "--seconds",
            "1",
            "--fsync-delay",
            "150ms",
            "--trigger",
            "aof-buffer",
        ]);
        drill.recount(AOF);
        drill.assert_on_target();
        assert_eq!(drill.lost(), drill.disk("answered_not_written"));
        assert_eq!(drill.code, 0, "within 2 s: {}", drill.why());
        lossy += u32::from(drill.lost() > 0);
    }
    assert!(lossy >= 2, "only {lossy} of 3 armed kills took anything");
}

#[test]
fn a_stalled_fsync_makes_a_kill_take_answered_writes() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--seconds",
        "2",
        "--fsync-delay",
        "3s@1s:*.incr.aof",
        "--trigger",
        "fsync-late=1s",
    ]);
    drill.recount(AOF);
    drill.assert_on_target();
    assert!(drill.lost() > 0, "{}", drill.why());
    assert_eq!(drill.lost(), drill.disk("answered_not_written"));
    assert!(
        drill.why().contains("in its own memory only"),
        "{}",
        drill.why()
    );
    assert!(drill.window() < 3.2, "{}", drill.window());
}

#[test]
fn a_power_cut_on_a_slow_disk_breaks_the_promise_of_everysec_and_says_why() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--fault",
        "power-loss",
        "--seconds",
        "3",
        "--fsync-delay",
        "8s@1s:*.incr.aof",
        "--trigger",
        "fsync-late=2.5s",
    ]);
    drill.recount(AOF);
    assert_eq!(drill.lost(), drill.disk("answered_not_durable"));
    assert!(drill.window() > 2.4, "{}", drill.window());
    assert_eq!(drill.code, 1);
    assert!(
        drill.why().contains("not one second when fsync is slow"),
        "{}",
        drill.why()
    );
}

#[test]
fn strict_metadata_breaks_even_always() {
    let drill = Drill::run(&[
        "--preset",
        "aof-always",
        "--fault",
        "power-loss",
        "--disk",
        "strict",
        "--seconds",
        "1",
    ]);
    assert_eq!(drill.recount(AOF), 0);
    assert_eq!(drill.lost(), drill.count("acked"));
    assert_eq!(drill.code, 1);
    assert!(
        drill.why().contains("never fsyncs the directory"),
        "{}",
        drill.why()
    );
}

#[test]
fn a_kill_during_a_snapshot_comes_back_to_the_fork_of_the_one_before() {
    let drill = Drill::with_config(
        "save 1 1\nappendonly no\n",
        &["--seconds", "3", "--trigger", "bgsave=50%"],
    );
    let kept = drill.recount(RDB);
    drill.assert_on_target();
    drill.assert_clean_cut();
    assert!(kept > 0 && drill.lost() > 0, "{}", drill.report["counts"]);
    assert_eq!(drill.code, 0, "{}", drill.why());
}

#[test]
fn a_power_cut_between_a_snapshots_file_and_its_rename_leaves_the_old_state() {
    let drill = Drill::run(&[
        "--preset",
        "rdb-defaults",
        "--fault",
        "power-loss",
        "--seconds",
        "1",
        "--trigger",
        "bgsave-rename",
    ]);
    drill.assert_on_target();
    assert_eq!(drill.recount(RDB), 0);
    let witness = &drill.report["faults"][0]["moment"]["witness"];
    assert_eq!(witness, "disk_operation");
}

#[test]
fn a_power_cut_right_after_a_snapshot_takes_what_came_after_its_fork() {
    let drill = Drill::run(&[
        "--preset",
        "rdb-defaults",
        "--fault",
        "power-loss",
        "--seconds",
        "1",
        "--trigger",
        "after-bgsave",
    ]);
    let kept = drill.recount(RDB);
    drill.assert_on_target();
    drill.assert_clean_cut();
    assert!(kept > 500, "{kept}");
    assert_eq!(drill.code, 0, "{}", drill.why());
}

#[test]
fn a_graceful_stop_keeps_what_each_policy_can_keep() {
    let stop = |preset: &str, more: &[&str]| {
        let arguments = ["--preset", preset, "--fault", "graceful-stop"];
        let time = ["--seconds", "0.7"];
        Drill::run(&[&arguments[..], &time, more].concat())
    };
    for preset in ["aof-always", "aof-everysec", "aof-no", "mixed"] {
        let drill = stop(preset, &[]);
        drill.recount(AOF);
        assert_eq!((drill.lost(), drill.code), (0, 0), "{preset}");
    }
    let drill = stop("rdb-defaults", &[]);
    drill.recount(RDB);
    assert_eq!((drill.lost(), drill.code), (0, 0));

    let drill = stop("none", &[]);
    assert_eq!(drill.recount(RDB), 0);

    let drill = stop("rdb-defaults", &["--save-time", "4s", "--grace", "500ms"]);
    assert_eq!(drill.recount(RDB), 0);
    assert_eq!(drill.report["faults"][0]["escalated"], true);
    assert!(
        drill.why().contains("outlived the grace"),
        "{}",
        drill.why()
    );
}

#[test]
fn always_without_fsync_on_rewrite_is_not_safe_while_a_child_runs() {
    let drill = Drill::with_config(
        "save \"\"\nappendonly yes\nappendfsync always\nno-appendfsync-on-rewrite yes\n",
        &[
            "--fault",
            "power-loss",
            "--seconds",
            "1",
            "--save-time",
            "3s",
            "--trigger",
            "bgsave=50%",
        ],
    );
    drill.recount(AOF);
    drill.assert_on_target();
    drill.assert_clean_cut();
    assert!(drill.lost() > 0, "{}", drill.why());
    assert_eq!(drill.lost(), drill.disk("answered_not_durable"));
    assert!(
        drill.why().contains("no-appendfsync-on-rewrite was yes"),
        "{}",
        drill.why()
    );
}

/// Redis 7.0 fsyncs when the second of the wall clock changes: begins in the middle of one.
fn begin_in_the_middle_of_a_second() {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let wait = (1_400 - u64::from(since.subsec_millis())) % 1_000;
    std::thread::sleep(Duration::from_millis(wait));
}

/// The rewrite opens a new INCR file and hands the old one's last fsync to another thread. That one stalls, the new
/// file's fsync does not, and the cut comes right after it: what was written last to the old file is missing
/// between what survives.
fn cut_with_a_slow_old_file() -> Drill {
    begin_in_the_middle_of_a_second();
    Drill::run(&[
        "--preset",
        "aof-everysec",
        "--fault",
        "power-loss",
        "--seconds",
        "1",
        "--fsync-delay",
        "20s@2.85s:*.1.incr.aof",
        "--save-time",
        "20s",
        "--trigger",
        "after-fsync:*.2.incr.aof#1",
    ])
}

#[test]
fn an_older_file_that_is_fsynced_later_leaves_true_holes() {
    // On a machine that stands still for a moment the stall may meet an fsync before the rewrite.
    let tries = std::iter::repeat_with(cut_with_a_slow_old_file).take(3);
    let drill = tries
        .into_iter()
        .find(|drill| drill.report["cut"]["kind"] == "anomaly")
        .expect("one of three cuts leaves holes");
    drill.assert_on_target();
    assert_eq!(drill.code, 1);
    assert!(drill.why().contains("no clean cut"), "{}", drill.why());
    let kept = drill.program.count_kept(AOF);
    let holes = kept.values().filter(|list| {
        let seqs = list.iter().map(|element| {
            let json: Value = serde_json::from_str(element).unwrap();
            json["seq"].as_u64().unwrap()
        });
        seqs.enumerate().any(|(i, seq)| seq != i as u64 + 1)
    });
    let holes = holes.count() as u64;
    assert!(holes > 0);
    assert_eq!(drill.report["sessions"]["hole"], holes);
}

#[test]
fn a_full_disk_is_answered_with_refusals_and_one_batch_is_answered_and_gone() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--disk-space",
        "64k",
        "--seconds",
        "2",
    ]);
    drill.recount(AOF);
    assert!(drill.count("refused") > 0, "{}", drill.report["counts"]);
    assert!(drill.lost() < 100, "{}", drill.report["counts"]);
    let log = std::fs::read_to_string(drill.program.latest().join("server.log")).unwrap();
    assert!(
        log.contains("No space left on device") || log.contains("Short write"),
        "{log}"
    );
}

#[test]
fn always_ends_itself_on_a_full_disk_and_has_lost_nothing() {
    let drill = Drill::run(&[
        "--preset",
        "aof-always",
        "--disk-space",
        "64k",
        "--seconds",
        "5",
        "--fault",
        "power-loss",
    ]);
    drill.recount(AOF);
    assert_eq!((drill.lost(), drill.code), (0, 0), "{}", drill.why());
    assert_eq!(drill.report["faults"][0]["end"], "exited with code 1");
}

#[test]
fn a_failed_fsync_makes_the_server_refuse_and_a_cut_take_what_came_before() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--io-error",
        "fsync:*.aof#2+",
        "--seconds",
        "4",
        "--fault",
        "power-loss",
    ]);
    drill.recount(AOF);
    assert!(drill.count("refused") > 0, "{}", drill.report["counts"]);
    assert!(drill.lost() > 0, "{}", drill.report["counts"]);
    assert_eq!(drill.lost(), drill.disk("answered_not_durable"));
}

#[test]
fn a_moment_that_never_comes_is_inconclusive_and_nothing_is_killed() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--seconds",
        "1",
        "--messages",
        "300",
        "--trigger",
        "acks=100000",
    ]);
    assert_eq!(drill.code, 2);
    assert_eq!(drill.report["faults"].as_array().unwrap().len(), 0);
    let ground = &drill.report["grounds"][0];
    assert_eq!(ground["ground"], "moment_missed", "{ground}");
}

#[test]
fn a_server_that_dies_loading_comes_back_with_everything_all_the_same() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--seconds",
        "1",
        "--trigger",
        "loading",
    ]);
    drill.assert_on_target();
    drill.recount(AOF);
    assert_eq!(drill.report["faults"].as_array().unwrap().len(), 2);
    assert_eq!(drill.code, 0, "{}", drill.why());
}

#[test]
fn a_replay_judges_a_power_cut_the_same_from_the_evidence_alone() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--fault",
        "power-loss",
        "--seconds",
        "1.5",
        "--tail",
        "zero",
    ]);
    let run = drill.program.latest();
    assert!(run.join("disk.jsonl").exists() && run.join("ladder.jsonl").exists());
    let again = drill.program.path("again.json").display().to_string();
    let output = drill.program.run(&["replay", "latest", "--report", &again]);
    assert_eq!(output.status.code(), Some(drill.code));
    let again: Value = serde_json::from_slice(&std::fs::read(&again).unwrap()).unwrap();
    for field in ["verdict", "counts", "sentences", "faults", "cut", "ladder"] {
        assert_eq!(again[field], drill.report[field], "{field}");
    }
}

/// Folders that faulty disks of this program are mounted on, by the kernel's list: the source names the process.
fn mounts_of(process: u32) -> Vec<String> {
    let source = format!("crashdrill:{process}");
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
    let ours = mounts.lines().filter_map(|line| {
        let (from, rest) = line.split_once(' ')?;
        let at = rest.split(' ').next()?;
        (from == source).then(|| at.to_owned())
    });
    ours.collect()
}

#[test]
fn our_own_sigkill_leaves_no_disk_and_no_server() {
    let program = Program::new();
    let mut child = program
        .command(&[
            "run",
            "--backend",
            "process",
            "--preset",
            "aof-everysec",
            "--fault",
            "power-loss",
            "--seconds",
            "60",
            "--fsync-delay",
            "30s@0.1s",
        ])
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let patience = Duration::from_secs(20);
    while !program.runs().join("latest/effective.conf").exists() {
        assert!(begun.elapsed() < patience, "the server does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    // An fsync hangs by now, and with it a thread of the server's that no signal reaches.
    std::thread::sleep(Duration::from_millis(1500));
    let mounted = mounts_of(child.id());
    assert_eq!(mounted.len(), 1, "{mounted:?}");
    let process = child.id();
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    while !mounts_of(process).is_empty() || std::path::Path::new(&mounted[0]).exists() {
        assert!(begun.elapsed() < patience, "{mounted:?} is left");
        std::thread::sleep(Duration::from_millis(20));
    }
    let log = std::fs::read_to_string(program.latest().join("server.log")).unwrap();
    let pid = log.split(':').next().unwrap();
    let begun = Instant::now();
    while std::path::Path::new("/proc").join(pid).exists() {
        assert!(begun.elapsed() < patience, "the server {pid} is left");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Redis truncates away what did not fit, a thousand times a second, and the disk must keep pace: the fault comes at
/// its time, and the batch that was answered although its write had failed is laid to the full disk.
#[test]
fn a_full_disk_does_not_hold_up_the_drill_and_is_named_as_the_cause() {
    let drill = Drill::run(&[
        "--preset",
        "aof-everysec",
        "--fault",
        "process-kill",
        "--disk-space",
        "300k",
        "--seconds",
        "8",
    ]);
    let faults = drill.report["faults"].as_array().unwrap();
    let at = faults[0]["at_secs"].as_f64().unwrap();
    assert!(at < 14.0, "the fault came at {at} s");
    assert!(drill.count("refused") > 0);
    if drill.lost() > 0 {
        assert!(
            drill.why().contains("the disk was full after"),
            "{}",
            drill.why()
        );
    }
}

/// What the model of the disk cannot hold is no full disk of a user, and proves nothing about Redis.
#[test]
fn a_model_without_memory_is_inconclusive_and_says_how_to_get_more() {
    let program = Program::new();
    let output = program
        .command(&["run", "--preset", "aof-everysec", "--backend", "process"])
        .args(["--fault", "power-loss", "--seconds", "20"])
        .env("CRASHDRILL_DISK_MEMORY", "200000")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("run out of memory"), "{text}");
    assert!(text.contains("CRASHDRILL_DISK_MEMORY=BYTES"), "{text}");
}

/// The moment lies in the rewrite, whatever INFO said before it: nothing was fsynced since it began, under
/// `always`, too, and the sentence says why.
#[test]
fn always_without_fsync_in_a_rewrite_loses_the_whole_rewrite_and_says_so() {
    let program = Program::new();
    let preset = program.path("production.conf");
    let text = "appendonly yes\nappendfsync always\nno-appendfsync-on-rewrite yes\nsave \"\"\n";
    std::fs::write(&preset, text).unwrap();
    let preset = preset.display().to_string();
    let arguments = [
        "--redis-conf",
        &preset,
        "--fault",
        "power-loss",
        "--rate",
        "500",
    ];
    let moment = [
        "--seconds",
        "1",
        "--save-time",
        "2s",
        "--trigger",
        "rewrite-manifest",
    ];
    let (code, report) = program.drill(&[&arguments[..], &moment[..]].concat());
    assert_eq!(code, 0, "{}", report["sentences"]);
    let lost = report["counts"]["lost"].as_u64().unwrap();
    assert!(lost > 200, "{}", report["counts"]);
    let why = report["sentences"]["why"][0].as_str().unwrap();
    assert!(why.contains("no-appendfsync-on-rewrite was yes"), "{why}");
}
