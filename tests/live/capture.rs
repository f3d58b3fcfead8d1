//! Kill & compare: the images' numbers are those of the real kill and the real cut, counted by an independent server.

use serde_json::Value;

use crate::support::Program;

const AOF: &str = "appendonly yes\nsave \"\"";

/// A drill on the faulty disk; report, and the two findings of its captured instant.
fn drill(program: &Program, fault: &str, more: &[&str]) -> (Value, Value, Value) {
    let mut arguments = vec!["--fault", fault, "--compare"];
    arguments.extend(more);
    if !more.contains(&"--rate") {
        arguments.extend(["--seconds", "2.5", "--rate", "1000"]);
    }
    let (_, report) = program.drill(&arguments);
    let mut acts = report["acts"].as_array().unwrap().iter();
    let act = acts
        .find(|one| one["act"] == "compare")
        .unwrap_or_else(|| panic!("{}", report["timeline"]));
    let (kill, power) = (act["findings"][0].clone(), act["findings"][1].clone());
    (report, kill, power)
}

fn found(program: &Program) -> u64 {
    let lists = program.count_kept(AOF);
    lists.values().map(|list| list.len() as u64).sum()
}

#[test]
fn the_written_image_is_what_the_real_kill_leaves() {
    let program = Program::new();
    // As fast as it goes: whatever was written between the capture and the kill would be seen.
    let fast = [
        "--preset",
        "aof-everysec",
        "--rate",
        "max",
        "--seconds",
        "0.7",
    ];
    let (report, kill, power) = drill(&program, "process-kill", &fast);
    let fault = &report["faults"][0];
    assert_eq!(
        (&kill["lost"], &kill["acked"]),
        (&fault["lost"], &fault["acked"])
    );
    assert_eq!(kill["found"], found(&program));
    assert_eq!(power["outcome"], "started", "{power}");
    let (kill, power) = (kill["lost"].as_u64(), power["lost"].as_u64());
    assert!(kill <= power, "{kill:?} {power:?}");
}

#[test]
fn the_durable_image_is_what_the_real_cut_leaves() {
    for (preset, more) in [
        ("aof-everysec", &[][..]),
        ("aof-no", &["--write-back", "never"]),
        ("aof-always", &[]),
        ("aof-everysec", &["--tail", "prefix"]),
        ("aof-everysec", &["--fsync-delay", "0.7s"]),
    ] {
        let program = Program::new();
        let arguments = [&["--preset", preset], more].concat();
        let (report, kill, power) = drill(&program, "power-loss", &arguments);
        let fault = &report["faults"][0];
        let of_cut = (&fault["lost"], &fault["acked"], &fault["window_secs"]);
        let of_image = (&power["lost"], &power["acked"], &power["window_secs"]);
        assert_eq!(of_image.0, of_cut.0, "{preset} {more:?}");
        assert_eq!(of_image.1, of_cut.1, "{preset} {more:?}");
        assert!(
            of_cut.2.is_null() || of_image.2 == of_cut.2,
            "{preset} {more:?}"
        );
        assert_eq!(power["found"], found(&program), "{preset} {more:?}");
        // A process kill at that instant would have taken no more.
        assert!(kill["lost"].as_u64() <= power["lost"].as_u64());
        let lost = fault["lost"].as_u64().unwrap();
        match preset {
            "aof-always" => assert_eq!(lost, 0),
            "aof-no" => assert_eq!(fault["lost"], fault["acked"]),
            _ => {}
        }
    }
}

#[test]
fn a_tail_that_is_refused_is_refused_on_both() {
    let program = Program::new();
    let arguments = ["--preset", "aof-everysec", "--tail", "zero", "--repair"];
    let (report, _, power) = drill(&program, "power-loss", &arguments);
    let refused = report["grounds"].to_string().contains("refused_to_start");
    assert_eq!(power["outcome"] == "refused", refused, "{power}");
    let acts = report["acts"].as_array().unwrap();
    let repaired = acts.iter().find(|act| act["act"] == "repair");
    assert_eq!(repaired.is_some(), refused);
}
