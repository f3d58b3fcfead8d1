//! The adapters that are shipped, with the packages as they are: a sound plain store passes everything, LangChain's
//! history is caught at what it really does.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::python::{file, python};
use crate::support::Program;

fn report(adapter: &str) -> Value {
    let program = Program::new();
    let path = program.path("report.json");
    let path_text = path.display().to_string();
    let store = format!("{} {}", python().display(), file(adapter).display());
    let arguments = [
        "check",
        "--store-cmd",
        &store,
        "--report",
        &path_text,
        "--store-timeout",
        "30",
    ];
    let output = program.run(&arguments);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(&text).unwrap()
}

fn of_verdict(report: &Value, verdict: &str) -> BTreeSet<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let of_verdict = checks.filter(|check| check["verdict"] == verdict);
    of_verdict
        .map(|check| check["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_plain_redis_py_store_passes_every_check_that_looks_at_a_store() {
    let report = report("assets/adapters/redis_py_store.py");
    assert_eq!(report["verdict"], "held", "{report:#}");
    assert!(
        report["counts"]["held"].as_u64().unwrap() >= 24,
        "{report:#}"
    );
}

#[test]
fn langchains_history_is_caught_at_a_damaged_entry_and_at_a_lost_reply() {
    let report = report("assets/adapters/langchain_store.py");
    let expected = [
        "damaged-data-invalid",
        "damaged-data-truncated",
        "retry-lost-reply",
    ];
    let expected: BTreeSet<String> = expected.map(str::to_owned).into();
    assert_eq!(of_verdict(&report, "violated"), expected, "{report:#}");
    assert_eq!(report["counts"]["inconclusive"], 0, "{report:#}");
    assert!(
        report["counts"]["held"].as_u64().unwrap() >= 18,
        "{report:#}"
    );
}
