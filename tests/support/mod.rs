//! What tests count with: an independent server on the evidence, an independent client, the program itself.
//!
//! Nothing here asks the tool what it thinks; numbers come from `redis-server` and plain commands.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A `redis-server` of the test's own.
pub struct Server {
    pub child: Child,
    pub port: u16,
}

impl Server {
    /// Starts on a free port with these lines of configuration and waits for PONG.
    pub fn start(dir: &Path, config: &str) -> Server {
        let port = free_port();
        let child = spawn_server(dir, port, config);
        let server = Server { child, port };
        server.connection();
        server
    }

    /// As [`Server::start`], by another program.
    pub fn of(program: &str, dir: &Path, config: &str) -> Server {
        let port = free_port();
        let child = spawn_program(program, dir, port, config);
        let server = Server { child, port };
        server.connection();
        server
    }

    /// Starts on a copy of a data directory that a drill has kept.
    pub fn on_kept_data(kept: &Path, config: &str) -> Server {
        Server::start(kept, config)
    }

    pub fn connection(&self) -> redis::Connection {
        connect(self.port, None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn spawn_server(dir: &Path, port: u16, config: &str) -> Child {
    spawn_program("redis-server", dir, port, config)
}

/// Another server than the system's, as `scripts/test-servers` brings them; `None` where they were not fetched.
///
/// With CRASHDRILL_REQUIRE_SERVERS=1 a missing one fails the test.
pub fn other_server(name: &str) -> Option<String> {
    let folder = std::env::var("CRASHDRILL_SERVERS").unwrap_or_default();
    let path = Path::new(&folder).join(name);
    if path.is_file() {
        return Some(path.display().to_string());
    }
    assert!(
        std::env::var("CRASHDRILL_REQUIRE_SERVERS").as_deref() != Ok("1"),
        "CRASHDRILL_REQUIRE_SERVERS=1, but there is no {name} in CRASHDRILL_SERVERS=\"{folder}\": run scripts/test-servers"
    );
    eprintln!("skipped: no {name}; run scripts/test-servers and set CRASHDRILL_SERVERS");
    None
}

pub fn spawn_program(program: &str, dir: &Path, port: u16, config: &str) -> Child {
    let conf = dir.join("test.conf");
    let text = format!(
        "{config}\nport {port}\nbind 127.0.0.1\ndir {}\n",
        dir.display()
    );
    std::fs::write(&conf, text).unwrap();
    Command::new(program)
        .arg(conf)
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// An independent connection, retried for ten seconds.
pub fn connect(port: u16, password: Option<&str>) -> redis::Connection {
    let login = password.map_or(String::new(), |password| format!(":{password}@"));
    let client = redis::Client::open(format!("redis://{login}127.0.0.1:{port}/")).unwrap();
    let begun = Instant::now();
    loop {
        let answer = client.get_connection().and_then(|mut connection| {
            redis::cmd("PING")
                .query::<String>(&mut connection)
                .map(|_| connection)
        });
        match answer {
            Ok(connection) => return connection,
            Err(error) if begun.elapsed() > Duration::from_secs(10) => panic!("no PONG: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Every list on the server, whole.
pub fn lists(connection: &mut redis::Connection) -> BTreeMap<String, Vec<String>> {
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
    keys.into_iter()
        .map(|key| {
            let list = redis::cmd("LRANGE")
                .arg(&key)
                .arg(0)
                .arg(-1)
                .query(connection)
                .unwrap();
            (key, list)
        })
        .collect()
}

/// The program under test with folders of its own.
pub struct Program {
    pub home: tempfile::TempDir,
}

impl Program {
    pub fn new() -> Self {
        Program {
            home: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crashdrill"));
        command
            .args(arguments)
            .env("HOME", self.home.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .stdin(Stdio::null());
        if !arguments.contains(&"--runs") {
            command.arg("--runs").arg(self.runs());
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// `run` on a local process with a JSON report and the data kept; exit code and report.
    pub fn drill(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let report = self.path("report.json");
        let kept = self.path("kept");
        let (report_text, kept_text) = (report.display().to_string(), kept.display().to_string());
        let mut all = vec![
            "run",
            "--report",
            &report_text,
            "--force",
            "--keep-data",
            &kept_text,
        ];
        if !arguments.contains(&"--backend") {
            all.extend(["--backend", "process"]);
        }
        all.extend(arguments);
        let output = self.run(&all);
        let json = std::fs::read(&report).unwrap_or_else(|_| {
            panic!(
                "no report: {}\n{}",
                text(&output.stdout),
                text(&output.stderr)
            )
        });
        (
            output.status.code().unwrap(),
            serde_json::from_slice(&json).unwrap(),
        )
    }

    /// Counts again what the first fault left, with a server and a client of the test's own.
    pub fn count_kept(&self, config: &str) -> BTreeMap<String, Vec<String>> {
        let server = Server::on_kept_data(&self.path("kept/after-fault-1"), config);
        lists(&mut server.connection())
    }

    /// Makes room for the data of another drill.
    #[expect(
        clippy::disallowed_methods,
        reason = "a folder in the test's own temporary one"
    )]
    pub fn forget_kept(&self) {
        let _ = std::fs::remove_dir_all(self.path("kept"));
    }

    pub fn latest(&self) -> PathBuf {
        std::fs::canonicalize(self.runs().join("latest")).unwrap()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits for a thing that another process does soon.
pub fn wait_until(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
