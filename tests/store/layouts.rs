//! One chat in each layout: the same messages come out of all of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::proxy::Proxy;
use crate::support::{Program, Server};
use crate::{command, inspect, message, session, url};

fn exported(program: &Program, url: &str) -> BTreeMap<String, Vec<Value>> {
    let path = program.path("all.jsonl");
    let (code, json, said) = inspect(
        program,
        url,
        &["--export", path.to_str().unwrap(), "--force"],
    );
    assert!(code < 2, "{json} {said}");
    let mut sessions: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let key = line["key"].as_str().unwrap().to_owned();
        sessions.entry(key).or_default().push(line);
    }
    sessions
}

fn messages(count: u64) -> Vec<Value> {
    (1..=count)
        .map(|seq| serde_json::from_str(&message(seq)).unwrap())
        .collect()
}

#[test]
fn every_layout_gives_the_same_chat() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    let all: Vec<String> = (1..=20).map(message).collect();
    session(&server, "session:list:messages", 20);
    let context = all.join(",");
    command(&server, &["SET", "chat:array", &format!("[{context}]")]);
    let object = format!(r#"{{"user":"x","history":[{context}]}}"#);
    command(&server, &["SET", "chat:object", &object]);
    for (at, text) in all.iter().enumerate() {
        let number = (at + 1).to_string();
        command(&server, &["HSET", "chat:hash", &number, text]);
        command(&server, &["ZADD", "chat:zset", &number, text]);
        command(&server, &["XADD", "chat:stream", "*", "m", text]);
    }
    let program = Program::new();
    let sessions = exported(&program, &url(&server));
    assert_eq!(sessions.len(), 6);
    for (key, lines) in sessions {
        let found: Vec<Value> = lines.iter().map(|line| line["message"].clone()).collect();
        assert_eq!(found, messages(20), "{key}");
    }
}

#[test]
fn bytes_are_bytes_and_a_long_list_comes_by_pages() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    let mut connection = server.connection();
    redis::cmd("RPUSH")
        .arg("session:\u{1f600}:messages")
        .arg(&b"\x80\x04\x95pickle"[..])
        .exec(&mut connection)
        .unwrap();
    let wide = "y".repeat(100_000);
    for seq in 1..=60 {
        redis::cmd("RPUSH")
            .arg("session:wide:messages")
            .arg(format!(r#"{{"seq":{seq},"content":"{wide}"}}"#))
            .exec(&mut connection)
            .unwrap();
    }
    let program = Program::new();
    let proxy = Proxy::before(server.port);
    let sessions = exported(&program, &proxy.url());
    assert_eq!(
        sessions["session:\u{1f600}:messages"][0]["hex"],
        "8004957069636b6c65"
    );
    assert_eq!(sessions["session:wide:messages"].len(), 60);
    let pages = proxy
        .words()
        .into_iter()
        .filter(|words| words[0] == "LRANGE" && words[1] == "session:wide:messages");
    assert!(pages.count() > 10, "6 MB in a few replies");
    let (_, json, _) = inspect(&program, &url(&server), &[]);
    assert_eq!(
        crate::behind(&json, "undecodable"),
        ["session:\u{1f600}:messages"]
    );
}

/// Also where the real module is not at hand: a server of the test's own answers as it does.
#[test]
fn a_session_in_redis_json_is_read_by_json_get() {
    let document = format!("{{\"messages\":[{},{}]}}", message(1), message(3));
    let bulk = move |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let proxy = Proxy::answering(move |words| match words[0].to_uppercase().as_str() {
        "PING" => "+PONG\r\n".into(),
        "INFO" => bulk("redis_version:7.4.0\r\nrole:master\r\n"),
        "DBSIZE" => ":1\r\n".into(),
        "SCAN" => format!("*2\r\n$1\r\n0\r\n*1\r\n{}", bulk("chat:json")),
        "TYPE" => "+ReJSON-RL\r\n".into(),
        "PTTL" => ":-1\r\n".into(),
        "MEMORY" => ":500\r\n".into(),
        "OBJECT" if words[1] == "IDLETIME" => ":4\r\n".into(),
        "OBJECT" => bulk("raw"),
        "JSON.GET" => bulk(&document),
        "CONFIG" => "*0\r\n".into(),
        _ => "-ERR unknown command\r\n".into(),
    });
    let (code, json, said) = inspect(&Program::new(), &proxy.url(), &[]);
    assert_eq!((code, &json["messages"]), (1, &2.into()), "{said}");
    assert_eq!(crate::behind(&json, "hole"), ["chat:json"]);
}

#[test]
fn patterns_decide_what_a_session_is() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    session(&server, "app/7/talk", 2);
    session(&server, "session:1:messages", 2);
    let program = Program::new();
    let look = |arguments: &[&str]| {
        let (code, json, said) = inspect(&program, &url(&server), arguments);
        assert_eq!(code, 0, "{said}");
        json["sessions"].as_u64().unwrap()
    };
    assert_eq!(look(&[]), 1);
    assert_eq!(look(&["--pattern", "app/<id>/talk", "--separator", "/"]), 1);
    assert_eq!(
        look(&["--pattern", "app/<id>/talk", "--pattern", "session:<id>:*"]),
        2
    );
    let (code, _, said) = inspect(&program, &url(&server), &["--pattern", "app:*"]);
    assert_eq!(code, 64);
    assert!(said.contains("<id>"), "{said}");
}
