//! A password at the terminal: asked for without an echo, and only where somebody sits before one.

use std::process::Command;

use crate::support::{Program, Server, text};
use crate::{command, message};

/// Runs the program on a terminal of its own, types the word once the echo is off, and tells what the terminal saw.
const TYPE: &str = r#"
import os, pty, sys, termios, time
word, program = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(program[0], program)
seen, typed, end = b"", False, time.time() + 60
while time.time() < end:
    if not typed and b"Password" in seen and not termios.tcgetattr(terminal)[3] & termios.ECHO:
        os.write(terminal, word.encode() + b"\n")
        typed = True
    try:
        os.set_blocking(terminal, False)
        more = os.read(terminal, 4096)
    except BlockingIOError:
        time.sleep(0.02)
        continue
    except OSError:
        break
    if not more:
        break
    seen += more
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

fn server(dir: &std::path::Path) -> (Server, String) {
    let server = Server::start(dir, "save \"\"\nappendonly yes");
    command(&server, &["RPUSH", "session:1:messages", &message(1)]);
    let user = ["on", ">open-sesame", "~*", "+@all"];
    let words: Vec<&str> = ["ACL", "SETUSER", "me"].into_iter().chain(user).collect();
    command(&server, &words);
    let address = format!("redis://me@127.0.0.1:{}", server.port);
    (server, address)
}

#[test]
fn a_user_without_a_password_is_asked_for_it_and_it_is_not_echoed() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, address) = server(dir.path());
    let program = Program::new();
    let typed = |word: &str| {
        let output = Command::new("python3")
            .args(["-c", TYPE, word, env!("CARGO_BIN_EXE_crashdrill")])
            .args(["inspect", &address, "--quiet"])
            .env("HOME", program.home.path())
            .env("XDG_RUNTIME_DIR", program.home.path())
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .output()
            .expect("python3 is installed");
        (output.status.code(), text(&output.stdout))
    };
    let (code, seen) = typed("open-sesame");
    assert!(seen.contains("Password of me at 127.0.0.1:"), "{seen}");
    assert!(seen.contains("1 session, 1 message"), "{seen}");
    assert!(!seen.contains("sesame"), "{seen}");
    assert_eq!(code, Some(0), "{seen}");
    let (code, seen) = typed("wrong");
    assert_eq!(code, Some(2), "{seen}");
    assert!(seen.contains("does not let us in"), "{seen}");
}

#[test]
fn a_script_is_not_left_waiting_for_a_password() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, address) = server(dir.path());
    let program = Program::new();
    let output = program
        .command(&["inspect", &address, "--quiet"])
        .env("XDG_RUNTIME_DIR", program.home.path())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("does not let us in"), "{said}");
    assert!(!said.contains("Password of"), "{said}");
}
