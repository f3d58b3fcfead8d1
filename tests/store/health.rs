//! Each planted illness is found, with the session behind it, and a sound store has none.

use crate::support::{Program, Server};
use crate::{behind, command, findings, inspect, message, session, try_command, url};

const AOF: &str = "save \"\"\nappendonly yes\nappendfsync everysec";

#[test]
fn a_sound_store_is_healthy() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), AOF);
    for number in 0..20 {
        let key = format!("session:{number}:messages");
        session(&server, &key, 5);
        command(&server, &["EXPIRE", &key, "86400"]);
    }
    let (code, json, said) = inspect(
        &Program::new(),
        &url(&server),
        &["--strict", "--expect", "aof-everysec"],
    );
    assert_eq!(findings(&json), [], "{json:#}");
    assert_eq!(
        (code, &json["conclusion"]),
        (0, &"Healthy".into()),
        "{said}"
    );
    assert_eq!(
        (&json["sessions"], &json["messages"]),
        (&20.into(), &100.into())
    );
}

#[test]
fn every_illness_of_a_session_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), AOF);
    let key = |name: &str| format!("session:{name}:messages");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        session(&server, &key(name), 4);
    }
    let set = |name: &str, at: &str, text: &str| {
        command(&server, &["LSET", &key(name), at, text]);
    };
    set("a", "3", r#"{"seq":4,"role":"user","cont"#);
    set("b", "3", &message(9));
    set("c", "3", &message(3));
    set(
        "d",
        "3",
        r#"{"role":"user","content":"no seq","timestamp":1767225699}"#,
    );
    set(
        "e",
        "3",
        r#"{"seq":4,"role":"user","content":"x","timestamp":1767225699,"v":2}"#,
    );
    set(
        "f",
        "3",
        r#"{"seq":4,"role":"user","content":"x","timestamp":5}"#,
    );
    set(
        "g",
        "3",
        r#"{"seq":4,"role":"user","content":"x","timestamp":"2026-01-01T00:00:09Z"}"#,
    );
    command(&server, &["LPOP", &key("h")]);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        command(&server, &["EXPIRE", &key(name), "3600"]);
    }
    let (code, json, _) = inspect(&Program::new(), &url(&server), &[]);
    assert_eq!(code, 1);
    for (name, sessions) in [
        ("undecodable", vec!["a"]),
        ("hole", vec!["b"]),
        ("repeated_seq", vec!["c"]),
        ("missing_seq", vec!["d"]),
        ("mixed_schema", vec!["e", "g"]),
        ("time_backwards", vec!["f"]),
        ("begins_late", vec!["h"]),
        ("no_ttl", vec!["j"]),
    ] {
        let expected: Vec<String> = sessions.into_iter().map(key).collect();
        assert_eq!(behind(&json, name), expected, "{name}");
    }
    assert_eq!(json["findings"].as_array().unwrap().len(), 8, "{json:#}");
}

#[test]
fn ttls_are_held_against_the_policy() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), AOF);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    for (name, ttl) in [
        ("week", "604800"),
        ("month", "2592000"),
        ("short", "300"),
        ("never", "0"),
    ] {
        let key = format!("session:{name}:messages");
        let text = format!(r#"{{"seq":1,"role":"user","content":"x","timestamp":{now}}}"#);
        command(&server, &["RPUSH", &key, &text]);
        if ttl != "0" {
            command(&server, &["EXPIRE", &key, ttl]);
        }
    }
    let (code, json, _) = inspect(&Program::new(), &url(&server), &["--ttl", "7d"]);
    assert_eq!(
        behind(&json, "ttl_far"),
        ["session:month:messages", "session:short:messages"]
    );
    assert_eq!(behind(&json, "no_ttl"), ["session:never:messages"]);
    assert_eq!(code, 0, "warnings do not fail");
    let (code, _, _) = inspect(&Program::new(), &url(&server), &["--ttl", "7d", "--strict"]);
    assert_eq!(code, 1, "unless they are told to");
}

#[test]
fn a_server_that_keeps_too_little_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    session(&server, "session:1:messages", 2);
    let program = Program::new();
    let (code, json, _) = inspect(&program, &url(&server), &[]);
    assert_eq!(findings(&json), [("no_persistence".into(), 0)]);
    assert_eq!(code, 0);
    let (code, json, _) = inspect(&program, &url(&server), &["--expect", "rdb-classic"]);
    assert_eq!(code, 1);
    assert!(findings(&json).contains(&("weaker_than_expected".into(), 0)));
    let (code, _, said) = inspect(&program, &url(&server), &["--expect", "rdb-clasic"]);
    assert_eq!(code, 64);
    assert!(said.contains("rdb-classic"), "{said}");
}

#[test]
fn failed_and_overdue_snapshots_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let server = Server::start(dir.path(), "save 3600 1\nenable-protected-configs yes");
    session(&server, "session:1:messages", 2);
    // A server that cannot save refuses even PING: one connection from before serves to the end.
    let mut connection = server.connection();
    let mut set = |name: &str, value: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg(name)
            .arg(value)
            .exec(&mut connection)
            .unwrap();
    };
    set("dir", data.to_str().unwrap());
    std::fs::remove_dir(&data).unwrap();
    let _ = try_command(&server, &["BGSAVE"]);
    let begun = std::time::Instant::now();
    let program = Program::new();
    loop {
        let (code, json, said) = inspect(&program, &url(&server), &[]);
        assert!(json.is_object(), "{said}");
        if findings(&json).contains(&("snapshot_failed".into(), 0)) {
            assert_eq!(code, 1);
            break;
        }
        assert!(begun.elapsed().as_secs() < 20, "{json:#}");
    }
    // The save point is as old as it may be at once; a server that cannot save falls behind it.
    set("save", "1 1");
    std::thread::sleep(std::time::Duration::from_millis(3500));
    let (_, json, _) = inspect(&program, &url(&server), &[]);
    assert!(
        findings(&json).contains(&("snapshot_overdue".into(), 0)),
        "{json:#}"
    );
}

#[test]
fn the_switch_to_aof_by_a_restart_is_warned_of_and_then_seen() {
    let dir = tempfile::tempdir().unwrap();
    let program = Program::new();
    {
        let server = Server::start(dir.path(), "save 3600 1");
        session(&server, "session:1:messages", 2);
        command(&server, &["SAVE"]);
        let (_, json, _) = inspect(&program, &url(&server), &[]);
        assert_eq!(findings(&json), [("switch_to_aof".into(), 0)]);
    }
    let server = Server::start(dir.path(), "save 3600 1\nappendonly yes");
    let (_, json, _) = inspect(&program, &url(&server), &[]);
    assert_eq!(json["keys"], 0, "Redis ignores dump.rdb: {json:#}");
    assert_eq!(findings(&json), [("empty_with_aof".into(), 0)]);
}

#[test]
fn where_the_configuration_file_can_be_read_the_trap_is_certain() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save 3600 1\nappendonly yes");
    session(&server, "session:1:messages", 2);
    command(&server, &["CONFIG", "SET", "appendonly", "no"]);
    let (code, json, _) = inspect(&Program::new(), &url(&server), &[]);
    assert_eq!(findings(&json), [("aof_at_restart".into(), 0)]);
    assert_eq!(code, 1);
    let seen = json["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("test.conf says appendonly yes"), "{seen}");

    std::fs::remove_file(dir.path().join("test.conf")).unwrap();
    let (code, json, _) = inspect(&Program::new(), &url(&server), &[]);
    assert_eq!(findings(&json), [("switch_to_aof".into(), 0)]);
    assert_eq!(code, 0);
    let seen = json["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("is not known"), "{seen}");
}

#[test]
fn eviction_is_found_before_and_after_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(
        dir.path(),
        "save \"\"\nappendonly yes\nmaxmemory 100mb\nmaxmemory-policy volatile-ttl",
    );
    session(&server, "session:ttl:messages", 2);
    command(&server, &["EXPIRE", "session:ttl:messages", "600"]);
    session(&server, "session:ever:messages", 2);
    let program = Program::new();
    let (_, json, _) = inspect(&program, &url(&server), &[]);
    assert_eq!(behind(&json, "evictable"), ["session:ttl:messages"]);
    assert!(!findings(&json).iter().any(|(name, _)| name == "evicted"));
    command(&server, &["CONFIG", "SET", "maxmemory", "1mb"]);
    let _ = try_command(&server, &["SET", "more", "x"]);
    let (_, json, _) = inspect(&program, &url(&server), &[]);
    let found = findings(&json);
    for name in ["evicted", "nearly_full"] {
        assert!(found.contains(&(name.into(), 0)), "{name}: {found:?}");
    }
}
