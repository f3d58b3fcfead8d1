//! Stores on other servers than the system's: RedisJSON by its real module, and a server that spares idle times.
//!
//! The programs are brought by `scripts/test-servers`. Without them the tests say so and pass; with
//! CRASHDRILL_REQUIRE_SERVERS=1 they fail.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crashdrill::domain::memory::layout::Layout;
use crashdrill::inspect::{Budget, Target, transcript};
use serde_json::Value;

use crate::proxy::Proxy;
use crate::support::{Program, Server, other_server};
use crate::{behind, command, findings, inspect, message, session, url};

fn json_server(dir: &Path) -> Option<Server> {
    let (program, module) = (other_server("redis-7.4")?, other_server("rejson.so")?);
    let config = format!("save \"\"\nappendonly yes\nloadmodule {module}");
    Some(Server::of(&program, dir, &config))
}

fn set(server: &Server, key: &str, document: &str) {
    command(server, &["JSON.SET", key, "$", document]);
}

fn array(seqs: impl Iterator<Item = u64>) -> String {
    format!("[{}]", seqs.map(message).collect::<Vec<_>>().join(","))
}

#[test]
fn sessions_in_redis_json_are_judged_saved_compared_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = json_server(dir.path()) else {
        return;
    };
    set(&server, "chat:whole", &array(1..=5));
    let object = format!(r#"{{"user":"x","messages":{}}}"#, array(1..=4));
    set(&server, "chat:object", &object);
    set(&server, "chat:holey", &array([1, 2, 5].into_iter()));
    for key in ["chat:whole", "chat:object"] {
        command(&server, &["EXPIRE", key, "3600"]);
    }
    let program = Program::new();
    let proxy = Proxy::before(server.port);
    let (save, export) = (program.path("a.inventory"), program.path("a.jsonl"));
    let (save, export) = (save.to_str().unwrap(), export.to_str().unwrap());
    let arguments = ["--save", save, "--export", export, "--ttl", "1h"];
    let (code, json, said) = inspect(&program, &proxy.url(), &arguments);
    assert_eq!((code, &json["messages"]), (1, &12.into()), "{said}");
    assert_eq!(behind(&json, "hole"), ["chat:holey"]);
    assert_eq!(behind(&json, "no_ttl"), ["chat:holey"]);
    assert_eq!(findings(&json).len(), 2, "{json:#}");
    assert!(json["bytes"].as_u64().unwrap() > 1000, "{json:#}");
    let sent: BTreeSet<String> = proxy.commands().into_iter().collect();
    assert!(sent.contains("JSON.GET"), "{sent:?}");

    let exported = std::fs::read_to_string(export).unwrap();
    let whole: Vec<Value> = exported
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["key"] == "chat:whole")
        .map(|line| line["message"].clone())
        .collect();
    let expected: Vec<Value> = (1..=5)
        .map(|seq| serde_json::from_str(&message(seq)).unwrap())
        .collect();
    assert_eq!(whole, expected);

    command(&server, &["JSON.ARRPOP", "chat:whole", "$", "-1"]);
    command(&server, &["JSON.ARRPOP", "chat:object", "$.messages", "1"]);
    set(&server, "chat:new", &array(1..=2));
    let (_, json, said) = inspect(&program, &url(&server), &["--diff", save]);
    let change = |key: &str| {
        let changed = json["diff"]["changed"].as_array().unwrap();
        let found = changed.iter().find(|one| one["key"] == key);
        found.map_or(String::new(), |one| one["change"].as_str().unwrap().into())
    };
    assert_eq!(change("chat:whole"), "tail_lost", "{json:#} {said}");
    assert_eq!(change("chat:object"), "hole");
    assert_eq!(change("chat:new"), "new");
    assert_eq!(json["diff"]["unchanged"], 1);
}

#[test]
fn a_transcript_in_redis_json_is_paged_and_ends_with_the_session() {
    let dir = tempfile::tempdir().unwrap();
    let Some(server) = json_server(dir.path()) else {
        return;
    };
    set(&server, "chat:long", &array(1..=450));
    let target = Target::parse(&url(&server)).unwrap();
    let budget = Arc::new(Budget::new(0));
    let page = |from| transcript::page(&target, &budget, b"chat:long", Layout::Json, from).unwrap();
    let last = page(400);
    assert_eq!((last.total, last.lines.len()), (450, 50));
    let shown: Value = serde_json::from_slice(&last.lines[0].bytes).unwrap();
    assert_eq!(shown["seq"], 401);
    command(&server, &["DEL", "chat:long"]);
    assert_eq!(page(0).trouble.as_deref(), Some("the session is gone"));
}

/// Seconds since somebody used the key, by an independent client.
fn idle(server: &Server, key: &str) -> i64 {
    match command(server, &["OBJECT", "IDLETIME", key]) {
        redis::Value::Int(secs) => secs,
        other => panic!("{other:?}"),
    }
}

fn lru(server: &Server) {
    session(server, "session:1:messages", 3);
    command(server, &["SET", "chat:2", &array(1..=3)]);
    for key in ["session:1:messages", "chat:2"] {
        while idle(server, key) < 5 {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

const LRU: &str = "save \"\"\nappendonly yes\nmaxmemory 100mb\nmaxmemory-policy allkeys-lru";

fn touched(json: &Value) -> bool {
    findings(json)
        .iter()
        .any(|(name, _)| name == "touched_by_reading")
}

#[test]
fn where_the_server_can_spare_idle_times_a_look_leaves_them_alone() {
    let Some(program) = other_server("redis-8.2") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let server = Server::of(&program, dir.path(), LRU);
    lru(&server);
    let (code, json, said) = inspect(&Program::new(), &url(&server), &[]);
    assert_eq!((code, &json["messages"]), (0, &6.into()), "{said}");
    let target = Target::parse(&url(&server)).unwrap();
    let budget = Arc::new(Budget::new(0));
    for (key, layout) in [
        ("session:1:messages", Layout::List),
        ("chat:2", Layout::String),
    ] {
        let page = transcript::page(&target, &budget, key.as_bytes(), layout, 0).unwrap();
        assert_eq!(page.lines.len(), 3);
        assert!(idle(&server, key) >= 5, "{key} was touched");
    }
    assert!(!touched(&json), "{json:#}");
}

#[test]
fn where_it_cannot_the_look_says_that_it_left_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), LRU);
    lru(&server);
    let (_, json, _) = inspect(&Program::new(), &url(&server), &[]);
    assert!(idle(&server, "session:1:messages") < 5);
    assert!(touched(&json), "{json:#}");
}
