//! What goes wrong is said in words, and what was found until then is kept.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::proxy::Proxy;
use crate::support::{Program, Server, connect, free_port, spawn_server, text};
use crate::{command, findings, inspect, session, url};

fn fails(url: &str, code: i32, words: &[&str]) {
    let begun = Instant::now();
    let (found, json, said) = inspect(&Program::new(), url, &[]);
    assert_eq!(found, code, "{url}: {said}");
    assert!(json.is_null(), "{json}");
    for word in words {
        assert!(said.contains(word), "{url}: \"{word}\" is not in: {said}");
    }
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn addresses_that_lead_nowhere_say_why() {
    fails("http://127.0.0.1:6379", 64, &["redis://"]);
    fails("127.0.0.1:6379", 64, &["redis://"]);
    let port = free_port();
    fails(
        &format!("redis://127.0.0.1:{port}"),
        2,
        &["refused", "Check host and port"],
    );
    fails(
        "unix:///nowhere/redis.sock",
        2,
        &["/nowhere/redis.sock", "Check the path"],
    );
    fails("redis://no-such-host.invalid:6379", 2, &["no-such-host"]);
}

#[test]
fn a_database_that_is_not_there_and_a_server_that_is_full_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    fails(&format!("{}/99", url(&server)), 2, &["has no database 99"]);
    let mut connection = server.connection();
    redis::cmd("CONFIG")
        .arg(&["SET", "maxclients", "1"])
        .exec(&mut connection)
        .unwrap();
    fails(&url(&server), 2, &["as many clients as it takes"]);
}

#[test]
fn wrong_passwords_are_refused_and_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let child = spawn_server(dir.path(), port, "save \"\"\nrequirepass right");
    connect(port, Some("right"));
    let _server = Server { child, port };
    fails(
        &format!("redis://127.0.0.1:{port}"),
        2,
        &["does not let us in", "password"],
    );
    let (_, _, said) = inspect(
        &Program::new(),
        &format!("redis://:hunter2@127.0.0.1:{port}"),
        &[],
    );
    assert!(said.contains("does not let us in"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let output = Program::new()
        .command(&["inspect", &format!("redis://127.0.0.1:{port}"), "--json"])
        .env("CRASHDRILL_PASSWORD", "right")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn without_a_keyring_a_password_is_kept_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let child = spawn_server(dir.path(), port, "save \"\"\nrequirepass open-sesame");
    connect(port, Some("open-sesame"));
    let _server = Server { child, port };
    let program = Program::new();
    let output = program
        .command(&[
            "inspect",
            &format!("redis://:open-sesame@127.0.0.1:{port}"),
            "--remember",
        ])
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", program.home.path())
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("The password is not remembered"), "{said}");
    let found = Command::new("grep")
        .args(["-r", "open-sesame"])
        .arg(program.home.path())
        .output()
        .unwrap();
    assert!(found.stdout.is_empty(), "{}", text(&found.stdout));
}

#[test]
fn what_is_no_redis_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 512]);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    fails(&format!("redis://127.0.0.1:{port}"), 2, &["is not a Redis"]);

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    fails(
        &format!("redis://127.0.0.1:{port}"),
        2,
        &["did not answer within"],
    );
}

#[test]
fn a_server_that_goes_away_leaves_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), "save \"\"");
    for number in 0..400 {
        session(&server, &format!("session:{number}:messages"), 1);
    }
    let program = Program::new();
    let file = program.path("part.inventory");
    let proxy = Proxy::before(server.port);
    let address = proxy.url();
    let arguments = [
        "inspect",
        &address,
        "--json",
        "--budget",
        "600",
        "--save",
        file.to_str().unwrap(),
    ];
    let child = program
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // By what has gone over the wire, not by the clock.
    let begun = Instant::now();
    while proxy.commands().iter().filter(|c| *c == "LRANGE").count() < 50 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    server.child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{json:#}");
    let sessions = json["sessions"].as_u64().unwrap();
    assert!((50..400).contains(&sessions), "{sessions}");
    let stopped = json["stopped"].as_str().unwrap();
    assert!(
        stopped.contains("went away") && stopped.contains("of 400 keys"),
        "{stopped}"
    );
    assert_eq!(json["complete"], false);

    // Against such a look nothing is called vanished.
    drop(server);
    let empty = tempfile::tempdir().unwrap();
    let server = Server::start(empty.path(), "save \"\"\nappendonly yes");
    let (code, json, _) = inspect(&program, &url(&server), &["--diff", file.to_str().unwrap()]);
    assert_eq!(code, 1, "these were seen, and are gone: {json:#}");
}

#[test]
fn ctrl_c_keeps_what_was_found() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly yes");
    for number in 0..300 {
        session(&server, &format!("session:{number}:messages"), 1);
    }
    let proxy = Proxy::before(server.port);
    let program = Program::new();
    let child = program
        .command(&["inspect", &proxy.url(), "--json", "--budget", "300"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while proxy.commands().iter().filter(|c| *c == "LRANGE").count() < 10 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(2), "{json:#}");
    assert!((10..300).contains(&json["sessions"].as_u64().unwrap()));
    assert!(
        json["stopped"]
            .as_str()
            .unwrap()
            .starts_with("stopped after")
    );
}

#[test]
fn a_server_that_loads_is_waited_for_by_the_user_and_not_by_us() {
    let dir = tempfile::tempdir().unwrap();
    {
        let server = Server::start(dir.path(), "save \"\"");
        for number in 0..2000 {
            command(&server, &["SET", &format!("k{number}"), "x"]);
        }
        command(&server, &["SAVE"]);
    }
    let port = free_port();
    // 10 ms a key: it loads for twenty seconds.
    let child = spawn_server(
        dir.path(),
        port,
        "save \"\"\nkey-load-delay 10000\nloading-process-events-interval-bytes 1024",
    );
    let _server = Server { child, port };
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
    fails(
        &format!("redis://127.0.0.1:{port}"),
        2,
        &["is loading its data set"],
    );
}

#[test]
fn without_a_permission_the_rest_is_done_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    session(&server, "session:1:messages", 3);
    command(&server, &["SET", "chat:2", "[{\"role\":\"user\"}]"]);
    command(
        &server,
        &[
            "ACL", "SETUSER", "poor", "on", ">word", "~*", "+scan", "+type", "+lrange", "+llen",
            "+ping", "+dbsize",
        ],
    );
    let program = Program::new();
    let address = format!("redis://poor:word@127.0.0.1:{}", server.port);
    let (code, json, said) = inspect(&program, &address, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        (&json["sessions"], &json["messages"]),
        (&2.into(), &3.into())
    );
    let unknown = json["unknown"].to_string();
    for command in ["INFO", "CONFIG GET", "PTTL", "MEMORY USAGE", "STRLEN"] {
        assert!(unknown.contains(command), "{command}: {unknown}");
    }
    assert_eq!(crate::behind(&json, "unread"), ["chat:2"]);

    command(
        &server,
        &["ACL", "SETUSER", "blind", "on", ">word", "~*", "+ping"],
    );
    fails(
        &format!("redis://blind:word@127.0.0.1:{}", server.port),
        2,
        &["SCAN is needed and not permitted"],
    );
}

#[test]
fn a_store_that_changes_under_the_scan_is_read_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly yes");
    for number in 0..300 {
        session(&server, &format!("session:{number}:messages"), 3);
    }
    let proxy = Proxy::before(server.port);
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (code, json, said) = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = server.connection();
            let mut number = 0u64;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let key = format!("session:{}:messages", number % 150);
                let _ = redis::cmd("UNLINK").arg(&key).exec(&mut connection);
                let _ = redis::cmd("RPUSH")
                    .arg(&key)
                    .arg(crate::message(1))
                    .exec(&mut connection);
                number += 1;
            }
        });
        let result = inspect(&Program::new(), &proxy.url(), &["--budget", "3000"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        result
    });
    assert!(code == 0, "{json:#} {said}");
    let sessions = json["sessions"].as_u64().unwrap();
    assert!(
        sessions >= 150,
        "those that nobody touches are all there: {sessions}"
    );
    assert_eq!(json["complete"], true);
}

#[test]
fn one_node_of_a_cluster_says_that_it_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly yes\ncluster-enabled yes");
    let (_, json, _) = inspect(&Program::new(), &url(&server), &[]);
    assert!(findings(&json).contains(&("cluster".into(), 0)), "{json:#}");
}

#[test]
fn a_unix_socket_and_a_database_number_are_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("r.sock");
    let config = format!("save \"\"\nappendonly yes\nunixsocket {}", socket.display());
    let server = Server::start(dir.path(), &config);
    let mut connection = server.connection();
    redis::cmd("SELECT").arg(5).exec(&mut connection).unwrap();
    redis::cmd("RPUSH")
        .arg("session:1:messages")
        .arg(crate::message(1))
        .exec(&mut connection)
        .unwrap();
    let program = Program::new();
    let by_socket = format!("unix://{}?db=5", socket.display());
    for address in [by_socket, format!("{}/5", url(&server))] {
        let (code, json, said) = inspect(&program, &address, &[]);
        assert_eq!((code, &json["sessions"]), (0, &1.into()), "{said}");
        assert_eq!(json["store"], address);
    }
}
