//! It asks and never changes: held against what goes over the wire, and against the server's own digest.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::domain::memory::layout::Layout;
use crashdrill::inspect::{Budget, Target, gauge, transcript};

use crate::proxy::Proxy;
use crate::support::{Program, Server};
use crate::{command, inspect, message, session};

/// Whatever else is sent is a bug, however harmless.
const ALLOWED: [&str; 29] = [
    "PING",
    "INFO",
    "CONFIG GET",
    "DBSIZE",
    "ROLE",
    "ACL WHOAMI",
    "HELLO",
    "AUTH",
    "SELECT",
    "CLIENT SETNAME",
    "CLIENT NO-TOUCH",
    "SCAN",
    "TYPE",
    "PTTL",
    "OBJECT ENCODING",
    "OBJECT IDLETIME",
    "OBJECT FREQ",
    "MEMORY USAGE",
    "STRLEN",
    "GETRANGE",
    "LLEN",
    "LRANGE",
    "HLEN",
    "HSCAN",
    "ZCARD",
    "ZRANGE",
    "XLEN",
    "XRANGE",
    "JSON.GET",
];

const DEBUG: &str = "save \"\"\nenable-debug-command local\nrequirepass secret\nuser me on >word allcommands allkeys";

fn secret(server: &Server, words: &[&str]) -> redis::Value {
    let mut connection = crate::support::connect(server.port, Some("secret"));
    redis::cmd("SELECT").arg(3).exec(&mut connection).unwrap();
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| {
        command.arg(*word);
    });
    command.query(&mut connection).unwrap()
}

fn start(dir: &Path) -> Server {
    let port = crate::support::free_port();
    let child = crate::support::spawn_server(dir, port, DEBUG);
    crate::support::connect(port, Some("secret"));
    Server { child, port }
}

/// One session in each layout, small ones and ones that need pages, and keys that are no sessions.
fn fill(server: &Server) {
    let long = "x".repeat(2000);
    for number in 1..=400u64 {
        let text = message(number);
        let wide = format!(r#"{{"seq":{number},"content":"{long}"}}"#);
        secret(server, &["RPUSH", "session:small:messages", &text]);
        secret(server, &["RPUSH", "session:large:messages", &wide]);
        secret(server, &["ZADD", "chat:zset", &number.to_string(), &wide]);
        secret(server, &["HSET", "chat:hash", &number.to_string(), &wide]);
        secret(server, &["XADD", "chat:stream", "*", "data", &wide]);
    }
    let all: Vec<String> = (1..=3000).map(message).collect();
    let context = format!("[{}]", all.join(","));
    secret(server, &["SET", "chat:whole", &context]);
    secret(server, &["SADD", "tags", "a", "b"]);
    secret(server, &["SET", "counter", "7"]);
}

#[test]
fn nothing_but_reading_commands_reaches_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path());
    fill(&server);
    let digest = secret(&server, &["DEBUG", "DIGEST"]);
    let proxy = Proxy::before(server.port);
    let program = Program::new();
    let url = format!("redis://me:word@127.0.0.1:{}/3", proxy.port);
    let (save, export) = (program.path("a.inventory"), program.path("a.jsonl"));
    let (save, export) = (save.to_str().unwrap(), export.to_str().unwrap());
    let first = inspect(&program, &url, &["--save", save, "--export", export]);
    assert_eq!(first.0, 0, "{first:?}");
    assert_eq!(first.1["sessions"], 6);
    let again = inspect(&program, &url, &["--diff", save, "--budget", "0"]);
    assert_eq!(
        (again.0, &again.1["diff"]["unchanged"]),
        (0, &6.into()),
        "{again:?}"
    );
    look(&url);

    let sent: BTreeSet<String> = proxy.commands().into_iter().collect();
    let strange: Vec<&String> = sent
        .iter()
        .filter(|command| !ALLOWED.contains(&command.as_str()))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    for needed in ["SCAN", "LRANGE", "GETRANGE", "HSCAN", "ZRANGE", "XRANGE"] {
        assert!(sent.contains(needed), "{needed} is not even tested");
    }
    assert_eq!(secret(&server, &["DEBUG", "DIGEST"]), digest);
    for words in proxy.words() {
        let range = |at: usize| words[at].parse::<i64>().unwrap();
        if words[0] == "LRANGE" && words[1] == "session:large:messages" {
            assert!(
                range(3) - range(2) < 400 && range(3) >= 0,
                "not all at once: {words:?}"
            );
        }
    }
}

/// What the window does with single sessions and its gauges.
fn look(url: &str) {
    let target = Target::parse(url).unwrap();
    let budget = Arc::new(Budget::new(0));
    for (key, layout, total) in [
        ("session:large:messages", Layout::List, 400),
        ("chat:zset", Layout::Zset, 400),
        ("chat:hash", Layout::Hash, 400),
        ("chat:stream", Layout::Stream, 400),
        ("chat:whole", Layout::String, 3000),
    ] {
        let page = transcript::page(&target, &budget, key.as_bytes(), layout, 200).unwrap();
        assert_eq!(
            (page.total, page.lines.len(), page.lines[0].number),
            (total, 200, 201)
        );
        assert!(
            String::from_utf8_lossy(&page.lines[0].bytes).contains("201"),
            "{key}"
        );
    }
    let mut seen = 0;
    gauge::watch(&target, &budget, &mut |facts| {
        seen += 1;
        assert!(facts.count("used_memory") > 0);
        seen < 2
    })
    .unwrap();
}

#[test]
fn a_budget_is_kept_on_the_wire() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    for number in 0..150 {
        session(&server, &format!("session:{number}:messages"), 2);
    }
    let proxy = Proxy::before(server.port);
    let begun = Instant::now();
    let (code, json, said) = inspect(&Program::new(), &proxy.url(), &["--budget", "300"]);
    let took = begun.elapsed();
    assert_eq!((code, &json["sessions"]), (0, &150.into()), "{said}");
    let sent = proxy.commands().len();
    assert!(sent > 150 * 6, "{sent}");
    // A tenth of a second may have been saved up, and the last batch is not waited for.
    let least = Duration::from_secs_f64(sent as f64 / 300.0 - 0.4);
    assert!(took >= least, "{sent} commands in {took:?}");
}

#[test]
fn metadata_are_asked_before_reading_can_touch_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    session(&server, "session:1:messages", 3);
    let idle = || match command(&server, &["OBJECT", "IDLETIME", "session:1:messages"]) {
        redis::Value::Int(secs) => secs,
        other => panic!("{other:?}"),
    };
    while idle() < 5 {
        std::thread::sleep(Duration::from_millis(100));
    }
    let program = Program::new();
    let proxy = Proxy::before(server.port);
    inspect(&program, &proxy.url(), &[]);
    let commands = proxy.commands();
    let place = |name: &str| commands.iter().position(|c| c == name).unwrap();
    assert!(place("OBJECT IDLETIME") < place("LRANGE"));
    // The server here has no CLIENT NO-TOUCH: that reading shows is what the documentation says.
    assert!(idle() < 5, "{} s", idle());
}
