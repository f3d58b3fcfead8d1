//! Wrong use and wrong servers: a clear sentence and the right exit code, never a hang.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::support::{Program, Server, free_port};

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Program::new().run(arguments);
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), told)
}

#[test]
fn the_list_names_groups_and_checks() {
    let (code, told) = run(&["check", "--list"]);
    assert_eq!(code, Some(0));
    for group in crashdrill::domain::check::Group::ALL {
        assert!(told.contains(group.title()), "{told}");
    }
    assert!(told.contains("lost-update-watch"), "{told}");
    let (_, told) = run(&["check", "--list", "--group", "lock"]);
    assert!(
        told.contains("lock-paused-holder") && !told.contains("retry-"),
        "{told}"
    );
}

#[test]
fn wrong_words_end_with_64_and_say_what_is_right() {
    for (arguments, expected) in [
        (vec!["check", "--group", "lokc"], "did you mean lock"),
        (
            vec!["check", "--check", "lock-pausedholder"],
            "did you mean lock-paused-holder",
        ),
        (
            vec!["check", "--layout", "set"],
            "list, string, hash, zset, stream",
        ),
        (
            vec!["check", "--server", "/no/such/server"],
            "/no/such/server",
        ),
        (
            vec!["check", "http://localhost"],
            "redis://[user[:password]@]host:port",
        ),
        (
            vec!["check", "--store-cmd", "python 'my store.py"],
            "is no command",
        ),
        (vec!["check", "--report", "a.csv"], ".xml (JUnit XML)"),
        (
            vec!["check", "--junit", "/no/such/folder/a.xml"],
            "does not exist",
        ),
        (
            vec!["check", "redis://127.0.0.1:1", "--server", "/bin/true"],
            "does not go with an address",
        ),
    ] {
        let (code, told) = run(&arguments);
        assert_eq!(code, Some(64), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}

#[test]
fn a_server_that_is_not_there_or_will_not_let_us_in_is_named() {
    let port = free_port();
    let (code, told) = run(&["check", &format!("redis://127.0.0.1:{port}/3")]);
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains(&format!("no Redis answers at 127.0.0.1:{port}/3")),
        "{told}"
    );

    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"");
    let () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "right"])
        .query(&mut server.connection())
        .unwrap();
    let url = format!("redis://:wrong@127.0.0.1:{}/", server.port);
    let (code, told) = run(&["check", &url]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("check address, user and password"), "{told}");
    assert!(!told.contains("wrong@"), "no password is printed: {told}");
}

#[test]
fn what_is_no_redis_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            let mut bytes = [0; 512];
            let _ = client.read(&mut bytes);
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let (code, told) = run(&["check", &format!("redis://127.0.0.1:{port}/")]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("no Redis answers"), "{told}");
}

#[test]
fn a_server_program_that_is_no_server_is_told_so() {
    let (code, told) = run(&["check", "--server", "/bin/true", "--group", "lock"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("the server ended by itself"), "{told}");
}

#[test]
fn reports_are_written_and_not_overwritten() {
    let program = Program::new();
    let (junit, page) = (program.path("a.xml"), program.path("a.html"));
    let (junit_text, page_text) = (junit.display().to_string(), page.display().to_string());
    let arguments = [
        "check",
        "--group",
        "lock",
        "--junit",
        &junit_text,
        "--report",
        &page_text,
    ];
    let output = program.run(&arguments);
    assert_eq!(output.status.code(), Some(0));
    let xml = std::fs::read_to_string(&junit).unwrap();
    for count in [
        "tests=\"4\"",
        "failures=\"0\"",
        "errors=\"0\"",
        "skipped=\"0\"",
    ] {
        assert!(xml.contains(count), "{xml}");
    }
    assert!(
        std::fs::read_to_string(&page)
            .unwrap()
            .contains("Paused past the lease")
    );
    let again = program.run(&arguments);
    assert_eq!(again.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
}
