//! Stores that misbehave, as shell scripts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Ask, Fault, Store};

const GREETING: &str = r#"read line; echo '{"id":1,"ok":true,"version":1,"name":"script"}';"#;

fn start(script: &str) -> Result<Store, Fault> {
    let words = ["sh", "-c", script].map(str::to_owned);
    Store::start(
        &words,
        "redis://x/0",
        "p:",
        None,
        Duration::from_millis(400),
        Arc::new(|| false),
    )
}

fn fault(script: &str) -> String {
    let begun = Instant::now();
    let fault = start(script)
        .and_then(|mut store| store.ask(Ask::Delete { session: "s" }))
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "never a hang");
    match fault {
        Fault::Unwell(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_that_does_as_told_is_asked() {
    let mut store = start(&format!(
        r#"{GREETING} read line; echo '{{"id":2,"ok":true}}'; read line"#
    ))
    .unwrap();
    assert_eq!(store.name, "script");
    store.ask(Ask::Delete { session: "s" }).unwrap();
}

#[test]
fn a_store_that_hangs_is_a_finding_and_its_children_go_with_it() {
    let marker = format!("{}.5", 70_000 + std::process::id());
    let text = fault(&format!("{GREETING} sleep {marker} & sleep {marker}"));
    assert!(text.contains("hangs: no answer to delete"), "{text}");
    let left = std::process::Command::new("pgrep")
        .args(["-f", &format!("^sleep {marker}")])
        .output()
        .unwrap();
    assert!(left.stdout.is_empty(), "a child of the store lives on");
}

#[test]
fn a_store_that_dies_is_a_finding_with_its_last_words() {
    let text = fault(&format!("{GREETING} echo 'out of luck' >&2; exit 3"));
    assert!(text.contains("died at delete: exit status: 3"), "{text}");
    assert!(text.contains("out of luck"), "{text}");
}

#[test]
fn a_store_that_answers_nonsense_is_a_finding() {
    let text = fault(&format!("{GREETING} echo 'Connected to Redis!'; sleep 9"));
    assert!(text.contains("no JSON: Connected to Redis!"), "{text}");
    let text = fault(&format!(
        r#"{GREETING} echo '{{"id":7,"ok":true}}'; sleep 9"#
    ));
    assert!(text.contains("another id"), "{text}");
    let text = fault(&format!(r#"{GREETING} echo '{{"id":2}}'; sleep 9"#));
    assert!(text.contains("without \"ok\""), "{text}");
    let text = fault(r#"read line; echo '{"id":1,"ok":true,"version":9}'; sleep 9"#);
    assert!(text.contains("protocol version 9"), "{text}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let words = ["/no/such/store".to_owned()];
    let error = Store::start(
        &words,
        "",
        "",
        None,
        Duration::from_secs(1),
        Arc::new(|| false),
    );
    let Err(Fault::Unwell(text)) = error else {
        panic!("it cannot start");
    };
    assert!(text.contains("/no/such/store"), "{text}");
}

#[test]
fn what_a_store_says_is_kept_apart_from_what_it_is() {
    let answer = r#"{"id":2,"ok":false,"kind":"refused","error":"OOM"}"#;
    let mut store = start(&format!("{GREETING} read line; echo '{answer}'; read line")).unwrap();
    let said = store.ask(Ask::Delete { session: "s" });
    assert_eq!(said, Err(Fault::Refused("OOM".into())));
}
