//! Drills on other servers than the system's: one AOF file before Redis 7, and a WAITAOF that lies or tells the truth.
//!
//! The programs are brought by `scripts/test-servers`. Without them the tests say so and pass; with
//! CRASHDRILL_REQUIRE_SERVERS=1 they fail.

use serde_json::Value;

use crate::support::Program;
pub use crate::support::other_server as server;

fn act<'a>(report: &'a Value, act: &str) -> &'a Value {
    let mut acts = report["acts"].as_array().unwrap().iter();
    acts.find(|one| one["act"] == act).expect(act)
}

fn tail_cut(server: &str) -> Value {
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-everysec",
        "--server",
        server,
        "--seconds",
        "4",
        "--rate",
        "500",
        "--tail-cut",
    ]);
    assert_eq!(code, 0, "{}", report["sentences"]);
    report
}

#[test]
fn a_waitaof_that_tells_the_truth_narrows_the_range_of_a_tail_cut() {
    let Some(server) = server("redis-8.2") else {
        return;
    };
    let report = tail_cut(&server);
    let act = act(&report, "tail_cut");
    assert_eq!(
        act["tail_cut"]["witness"], "waitaof",
        "{}",
        report["timeline"]
    );
    let acked = report["counts"]["acked"].as_u64().unwrap();
    let findings = act["findings"].as_array().unwrap();
    let (findings, zeros): (Vec<_>, Vec<_>) =
        findings.iter().partition(|one| one["image"] == "cut_at");
    // Zeros behind what is proven durable.
    assert!(!zeros.is_empty());
    for zeros in zeros {
        assert_eq!(zeros["cut_at_bytes"], act["tail_cut"]["durable_bytes"]);
        assert_eq!(zeros["outcome"], "refused", "{zeros}");
    }
    let lost = |at: usize| findings[at]["lost"].as_u64().unwrap();
    // A second or two of 500 a second at most, not the whole stream; at the full length nothing.
    let most = lost(0);
    assert!(most > 0 && most < acked, "{most} of {acked}");
    assert_eq!(lost(findings.len() - 1), 0);
}

#[test]
fn a_waitaof_that_lies_is_found_out_and_is_no_witness() {
    let Some(server) = server("redis-7.4") else {
        return;
    };
    let report = tail_cut(&server);
    let act = act(&report, "tail_cut");
    assert_eq!(act["tail_cut"]["witness"], "none");
    assert_eq!(act["findings"][0]["lost"], report["counts"]["acked"]);
    let timeline = report["timeline"].to_string();
    assert!(
        timeline.contains("WAITAOF failed its self-test"),
        "{timeline}"
    );
}

#[test]
fn before_redis_7_the_one_aof_file_is_damaged_and_repaired_the_same() {
    let Some(server) = server("redis-6.2") else {
        return;
    };
    let program = Program::new();
    let (code, report) = program.drill(&[
        "--preset",
        "aof-always",
        "--server",
        &server,
        "--messages",
        "300",
        "--rate",
        "max",
        "--damage",
        "zero:aof=4096",
        "--repair",
    ]);
    assert_eq!((code, &report["verdict"]), (1, &"violated".into()));
    assert_eq!(act(&report, "damage")["damage"]["path"], "appendonly.aof");
    let finding = &act(&report, "repair")["findings"][0];
    assert_eq!(finding["outcome"], "started", "{finding}");
    let lost = finding["lost"].as_u64().unwrap();
    assert!((15..60).contains(&lost), "{finding}");
    assert_eq!(finding["found"].as_u64().unwrap(), 300 - lost);
}
