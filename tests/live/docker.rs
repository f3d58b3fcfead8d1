//! The docker backend against a real engine. What it does is counted with an independent client and with the
//! docker command, not by what the backend says of itself.
//!
//! Without an engine the tests say so and pass; with CRASHDRILL_REQUIRE_DOCKER=1 they fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crashdrill::backend::docker::{DockerBackend, Engine, LocalImage, owner, probe};
use crashdrill::backend::{Backend, Endpoint, ServerSpec, Watch};
use crashdrill::domain::event::Fix;
use crashdrill::domain::fault::ServerEnd;

pub const IMAGE: &str = "crashdrill/redis:7.0-test";
const ALWAYS: &str = "save \"\"\nappendonly yes\nappendfsync always\n";
const SIGKILL: ServerEnd = ServerEnd::Signal { signal: 9 };

// ---- what the tests stand on

/// True if an engine answers; the test image is built at the first call.
pub fn engine_answers() -> bool {
    static ANSWERS: OnceLock<bool> = OnceLock::new();
    *ANSWERS.get_or_init(|| {
        let began = Instant::now();
        let answer = probe(Duration::from_secs(2));
        println!("probe: {:?}", began.elapsed());
        if let Err(error) = answer {
            assert!(
                std::env::var("CRASHDRILL_REQUIRE_DOCKER").as_deref() != Ok("1"),
                "CRASHDRILL_REQUIRE_DOCKER=1, but {error}\n{}",
                error.details
            );
            eprintln!("docker tests skipped: {error}");
            return false;
        }
        if docker(&["images", "-q", IMAGE]).is_empty() {
            script("test-image", &[IMAGE]);
        }
        true
    })
}

fn script(name: &str, arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name);
    output(Command::new(path).args(arguments))
}

pub fn docker(arguments: &[&str]) -> String {
    output(Command::new("docker").args(arguments))
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A run's name that no other test has.
fn new_run() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("live-{}-{number}", std::process::id())
}

fn spec(run: &str, config: &str) -> ServerSpec {
    ServerSpec {
        config: config.to_owned(),
        run: run.to_owned(),
        scratch: PathBuf::from("/tmp"),
        data: None,
    }
}

fn backend(config: &str) -> DockerBackend {
    DockerBackend::new(IMAGE.to_owned(), spec(&new_run(), config))
}

/// Containers and volumes on the engine that carry the run's label.
fn left_of(run: &str) -> Vec<String> {
    let filter = format!("label=crashdrill.session={run}");
    let containers = docker(&["ps", "-a", "--format", "{{.Names}}", "--filter", &filter]);
    let volumes = docker(&["volume", "ls", "-q", "--filter", &filter]);
    containers
        .lines()
        .chain(volumes.lines())
        .map(str::to_owned)
        .collect()
}

#[derive(Default)]
struct Recorder {
    said: Mutex<Vec<(String, Option<f64>)>>,
    cancel: AtomicBool,
}

impl Watch for Recorder {
    fn doing(&self, text: &str, share: Option<f64>) {
        self.said.lock().unwrap().push((text.to_owned(), share));
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

fn start(backend: &mut DockerBackend) -> Endpoint {
    backend
        .start(&Recorder::default())
        .unwrap_or_else(|error| panic!("{error}\n{}", error.details))
}

fn connection(endpoint: &Endpoint) -> redis::RedisResult<redis::Connection> {
    let url = format!(
        "redis://:{}@{}:{}/",
        endpoint.password.as_deref().unwrap(),
        endpoint.host,
        endpoint.port
    );
    let wait = Duration::from_secs(2);
    let connection = redis::Client::open(url)?.get_connection_with_timeout(wait)?;
    connection.set_read_timeout(Some(wait))?;
    Ok(connection)
}

/// Connects once the server answers: Docker's proxy accepts before Redis listens.
fn client(endpoint: &Endpoint) -> redis::Connection {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = connection(endpoint).and_then(|mut connection| {
            redis::cmd("PING").query::<String>(&mut connection)?;
            Ok(connection)
        });
        match answer {
            Ok(connection) => return connection,
            Err(error) if Instant::now() > deadline => panic!("not ready: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn push(client: &mut redis::Connection, entry: &str) -> i64 {
    redis::cmd("RPUSH")
        .arg("session:1:messages")
        .arg(entry)
        .query(client)
        .unwrap()
}

fn entries(client: &mut redis::Connection) -> Vec<String> {
    redis::cmd("LRANGE")
        .arg("session:1:messages")
        .arg(0)
        .arg(-1)
        .query(client)
        .unwrap()
}

fn config_of(client: &mut redis::Connection, directive: &str) -> String {
    let pair: Vec<String> = redis::cmd("CONFIG")
        .arg("GET")
        .arg(directive)
        .query(client)
        .unwrap();
    pair[1].clone()
}

fn end_of(backend: &mut DockerBackend) -> ServerEnd {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(end) = backend.ended().unwrap() {
            return end;
        }
        assert!(Instant::now() < deadline, "the server lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn log_of(backend: &mut DockerBackend) -> String {
    let lines = backend.new_log_lines().unwrap();
    let texts: Vec<_> = lines.into_iter().map(|line| line.text).collect();
    texts.join("\n")
}

// ---- the life of a server

#[test]
fn a_killed_server_comes_back_at_the_same_address_with_its_data() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    assert_eq!(endpoint.host, "127.0.0.1");
    let mut one = client(&endpoint);
    assert_eq!(config_of(&mut one, "appendfsync"), "always");
    assert_eq!(config_of(&mut one, "dir"), "/data/store");
    assert_eq!(push(&mut one, "a"), 1);
    assert_eq!(backend.ended().unwrap(), None);
    assert_eq!(backend.identity().len(), 12);

    let began = Instant::now();
    assert_eq!(backend.kill().unwrap(), SIGKILL);
    println!("kill: {:?}", began.elapsed());
    assert_eq!(backend.ended().unwrap(), Some(SIGKILL));
    assert!(connection(&endpoint).is_err());

    let began = Instant::now();
    assert_eq!(start(&mut backend), endpoint);
    let mut two = client(&endpoint);
    println!("start to PONG: {:?}", began.elapsed());
    assert_eq!(backend.ended().unwrap(), None);
    assert_eq!(entries(&mut two), ["a"]);
    backend.close().unwrap();
}

#[test]
fn only_the_password_opens_the_server_and_only_loopback_leads_to_it() {
    if !engine_answers() {
        return;
    }
    let run = new_run();
    let mut backend = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS));
    let endpoint = start(&mut backend);
    drop(client(&endpoint));
    let mut stranger = redis::Client::open(format!("redis://127.0.0.1:{}/", endpoint.port))
        .unwrap()
        .get_connection()
        .unwrap();
    let refused = redis::cmd("GET").arg("x").query::<String>(&mut stranger);
    assert!(refused.unwrap_err().to_string().contains("NOAUTH"));

    let name = &left_of(&run)[0];
    let of_host = |field: &str| {
        docker(&[
            "inspect",
            "-f",
            &format!("{{{{json .HostConfig.{field}}}}}"),
            name,
        ])
    };
    assert!(of_host("PortBindings").contains("\"HostIp\":\"127.0.0.1\""));
    assert_eq!(of_host("CapDrop"), "[\"ALL\"]");
    assert_eq!(of_host("SecurityOpt"), "[\"no-new-privileges\"]");
    assert_eq!(of_host("ReadonlyRootfs"), "true");
    assert_eq!(of_host("Memory"), "1073741824");
    assert_eq!(of_host("MemorySwap"), "1073741824");
    assert_eq!(of_host("PidsLimit"), "256");
    assert_eq!(of_host("AutoRemove"), "false");
    backend.close().unwrap();
}

#[test]
fn a_graceful_stop_ends_with_code_0() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    drop(client(&endpoint));
    let (end, escalated) = backend.stop(Duration::from_secs(10)).unwrap();
    assert_eq!((end, escalated), (ServerEnd::Exit { code: 0 }, false));
    backend.close().unwrap();
}

#[test]
fn a_server_that_outlives_its_grace_is_killed() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    let mut busy = client(&endpoint);
    // Not DEBUG SLEEP: SIGTERM cuts it short.
    let deaf = std::thread::spawn(move || {
        redis::cmd("EVAL")
            .arg("while true do end")
            .arg(0)
            .query::<String>(&mut busy)
            .is_err()
    });
    std::thread::sleep(Duration::from_millis(200));
    let began = Instant::now();
    let (end, escalated) = backend.stop(Duration::from_millis(500)).unwrap();
    assert_eq!((end, escalated), (SIGKILL, true));
    assert!(began.elapsed() < Duration::from_secs(10));
    assert!(deaf.join().unwrap());
    backend.close().unwrap();
}

#[test]
fn a_paused_server_is_silent_and_answers_after_it_is_resumed() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    let mut one = client(&endpoint);
    backend.pause().unwrap();
    one.set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let silent = redis::cmd("PING").query::<String>(&mut one).unwrap_err();
    assert!(silent.is_timeout(), "{silent}");
    assert_eq!(backend.ended().unwrap(), None);
    backend.resume().unwrap();
    let mut two = client(&endpoint);
    push(&mut two, "a");

    // Both orders reach a paused server.
    backend.pause().unwrap();
    let (end, escalated) = backend.stop(Duration::from_secs(10)).unwrap();
    assert_eq!((end, escalated), (ServerEnd::Exit { code: 0 }, false));
    start(&mut backend);
    drop(client(&endpoint));
    backend.pause().unwrap();
    assert_eq!(backend.kill().unwrap(), SIGKILL);
    start(&mut backend);
    assert_eq!(entries(&mut client(&endpoint)), ["a"]);
    backend.close().unwrap();
}

#[test]
fn a_removed_container_comes_back_with_its_volume_and_empty_without_it() {
    if !engine_answers() {
        return;
    }
    let run = new_run();
    let mut backend = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS));
    let endpoint = start(&mut backend);
    push(&mut client(&endpoint), "a");
    let first = backend.identity();

    assert_eq!(backend.remove(false).unwrap(), SIGKILL);
    assert_eq!(backend.ended().unwrap(), Some(SIGKILL));
    assert_eq!(left_of(&run).len(), 1, "the volume alone is left");
    let copy = tempfile::tempdir().unwrap();
    backend.copy_data(copy.path()).unwrap();
    let aof = std::fs::read_to_string(copy.path().join("appendonlydir/appendonly.aof.1.incr.aof"));
    assert!(aof.unwrap().contains("session:1:messages"));
    assert_eq!(start(&mut backend), endpoint);
    assert_ne!(backend.identity(), first);
    assert_eq!(entries(&mut client(&endpoint)), ["a"]);

    assert_eq!(backend.remove(true).unwrap(), SIGKILL);
    assert!(left_of(&run).is_empty());
    let copy = tempfile::tempdir().unwrap();
    backend.copy_data(copy.path()).unwrap();
    assert_eq!(std::fs::read_dir(copy.path()).unwrap().count(), 0);
    assert_eq!(start(&mut backend), endpoint);
    let mut three = client(&endpoint);
    assert!(entries(&mut three).is_empty());
    assert_eq!(config_of(&mut three, "appendonly"), "yes");
    let log = log_of(&mut backend);
    assert_eq!(log.matches("Server initialized").count(), 3, "{log}");
    backend.close().unwrap();
}

#[test]
fn the_data_directory_can_be_copied_from_a_dead_and_from_a_paused_server() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend("save \"\"\n");
    let endpoint = start(&mut backend);
    let mut one = client(&endpoint);
    let noise = "x".repeat(3_000_000);
    push(&mut one, &noise);
    redis::cmd("CONFIG")
        .arg(&["SET", "rdbcompression", "no"])
        .exec(&mut one)
        .unwrap();
    redis::cmd("SAVE").exec(&mut one).unwrap();
    backend.pause().unwrap();
    let paused = tempfile::tempdir().unwrap();
    backend.copy_data(paused.path()).unwrap();
    backend.kill().unwrap();
    let dead = tempfile::tempdir().unwrap();
    backend.copy_data(dead.path()).unwrap();
    let [paused, dead] =
        [paused, dead].map(|dir| std::fs::read(dir.path().join("dump.rdb")).unwrap());
    assert!(dead.starts_with(b"REDIS") && dead.len() > 3_000_000);
    assert!(paused == dead);
    backend.close().unwrap();
}

#[test]
fn closing_leaves_nothing_can_be_done_twice_and_happens_on_drop_too() {
    if !engine_answers() {
        return;
    }
    let run = new_run();
    let mut closed = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS));
    start(&mut closed);
    assert_eq!(left_of(&run).len(), 2);
    closed.close().unwrap();
    assert!(left_of(&run).is_empty());
    closed.close().unwrap();

    let mut dropped = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS));
    start(&mut dropped);
    dropped.pause().unwrap();
    drop(dropped);
    assert!(left_of(&run).is_empty());
}

#[test]
fn each_log_line_is_told_once_in_order_over_all_starts() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    drop(client(&endpoint));
    let first = log_of(&mut backend);
    assert_eq!(first.matches("Ready to accept connections").count(), 1);
    assert_eq!(log_of(&mut backend), "");
    backend.stop(Duration::from_secs(10)).unwrap();
    start(&mut backend);
    drop(client(&endpoint));
    let second = log_of(&mut backend);
    let words = second
        .find("SIGTERM")
        .zip(second.find("Ready to accept connections"));
    assert!(words.is_some_and(|(stop, ready)| stop < ready), "{second}");
    backend.close().unwrap();
}

#[test]
fn an_image_with_another_user_and_no_volume_of_its_own_works_too() {
    if !engine_answers() {
        return;
    }
    let image = "crashdrill/redis:no-data-test";
    let source = docker(&["create", IMAGE]);
    output(Command::new("sh").arg("-c").arg(format!(
        "docker export {source} | docker import -c 'USER 1000:1000' -c 'ENV PATH=/usr/local/bin' -c 'ENTRYPOINT [\"redis-server\"]' - {image}"
    )));
    docker(&["rm", "-v", &source]);
    let mut backend = DockerBackend::new(image.to_owned(), spec(&new_run(), ALWAYS));
    let endpoint = start(&mut backend);
    let mut one = client(&endpoint);
    push(&mut one, "a");
    redis::cmd("BGREWRITEAOF").exec(&mut one).unwrap();
    backend.kill().unwrap();
    start(&mut backend);
    assert_eq!(entries(&mut client(&endpoint)), ["a"]);
    backend.close().unwrap();
    docker(&["rmi", image]);
}

// ---- bad days

#[test]
fn a_port_taken_while_the_server_is_down_is_named_and_a_later_start_works() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend(ALWAYS);
    let endpoint = start(&mut backend);
    push(&mut client(&endpoint), "a");
    backend.kill().unwrap();
    let thief = TcpListener::bind(("127.0.0.1", endpoint.port)).unwrap();
    let error = backend.start(&Recorder::default()).unwrap_err();
    let port = format!("another program took port 127.0.0.1:{}", endpoint.port);
    assert!(error.message.contains(&port), "{error}");
    assert_eq!(error.fix, Some(Fix::TryAgain));
    assert!(
        error.details.contains("address already in use"),
        "{}",
        error.details
    );
    assert_eq!(backend.ended().unwrap(), Some(SIGKILL));
    drop(thief);
    assert_eq!(start(&mut backend), endpoint);
    assert_eq!(entries(&mut client(&endpoint)), ["a"]);
    backend.close().unwrap();
}

#[test]
fn a_refused_config_ends_the_server_and_its_words_are_in_the_log() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend("appendonly perhaps\n");
    start(&mut backend);
    assert_eq!(end_of(&mut backend), ServerEnd::Exit { code: 1 });
    let log = log_of(&mut backend);
    assert!(log.contains("FATAL CONFIG FILE ERROR"), "{log}");
    assert!(log.contains(">>> 'appendonly perhaps'"), "{log}");
    backend.close().unwrap();
}

#[test]
fn an_image_that_is_missing_and_out_of_reach_names_the_ways_out() {
    if !engine_answers() {
        return;
    }
    let run = new_run();
    let image = "registry.invalid/redis:7";
    let mut backend = DockerBackend::new(image.to_owned(), spec(&run, ALWAYS));
    let error = backend.start(&Recorder::default()).unwrap_err();
    assert!(
        error
            .message
            .starts_with("Cannot pull registry.invalid/redis:7: "),
        "{error}"
    );
    assert!(
        error.message.contains("docker load"),
        "{error}\n{}",
        error.details
    );
    assert_eq!(error.fix, Some(Fix::ChooseAnotherImage));
    let mut misspelt = DockerBackend::new("Redis:7".to_owned(), spec(&run, ALWAYS));
    let error = misspelt.start(&Recorder::default()).unwrap_err();
    assert!(
        error.message.contains("is not an image name"),
        "{error}\n{}",
        error.details
    );
    assert!(left_of(&run).is_empty());
}

#[test]
fn an_image_without_a_server_is_refused_and_leaves_nothing() {
    if !engine_answers() {
        return;
    }
    let image = "crashdrill/empty:test";
    output(Command::new("sh").arg("-c").arg(format!(
        "tar -c --files-from /dev/null | docker import -c 'CMD [\"sh\"]' - {image}"
    )));
    let run = new_run();
    let mut backend = DockerBackend::new(image.to_owned(), spec(&run, ALWAYS));
    let error = backend.start(&Recorder::default()).unwrap_err();
    assert!(
        error.message.contains("does not hold the server program"),
        "{error}\n{}",
        error.details
    );
    backend.close().unwrap();
    assert!(left_of(&run).is_empty());
    docker(&["rmi", image]);
}

#[test]
fn no_engine_and_no_permission_name_the_local_server_as_the_way_out() {
    // Root may open every socket: step down first, in a process of its own.
    if rustix::process::geteuid().is_root() {
        let this = "docker::no_engine_and_no_permission_name_the_local_server_as_the_way_out";
        let told = output(
            Command::new("setpriv")
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(std::env::current_exe().unwrap())
                .args([this, "--exact"]),
        );
        assert!(told.contains("1 passed"), "{told}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let reason = |path: &Path| {
        let host = format!("unix://{}", path.display());
        let error = Engine::connect_to(&host).err().unwrap();
        assert_eq!(error.fix, Some(Fix::UseLocalServer));
        assert!(error.message.contains("local redis-server"), "{error}");
        assert!(error.details.contains(&host), "{}", error.details);
        error.message
    };
    let nothing = dir.path().join("nothing.sock");
    assert!(reason(&nothing).contains("no engine listens at"));

    let locked = dir.path().join("locked.sock");
    let listener = std::os::unix::net::UnixListener::bind(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    assert!(reason(&locked).contains("add yourself to group docker"));
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o600)).unwrap();
    drop(listener);
    assert!(reason(&locked).contains("is not running"));
}

#[test]
fn something_else_than_an_engine_is_told_apart_and_a_mute_one_is_not_waited_for() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", web.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in web.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _length = stream.read(&mut request);
            let page = "<html>hello</html>";
            let _sent = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    let error = Engine::connect_to(&host).err().unwrap();
    assert!(error.message.contains("is not a Docker engine"), "{error}");

    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("tcp://{}", mute.local_addr().unwrap());
    let began = Instant::now();
    let error = Engine::connect_to(&host).err().unwrap();
    assert!(error.message.contains("does not answer in time"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// A socket of our own before the engine's, to be taken away.
struct Detour {
    path: PathBuf,
    open: Arc<AtomicBool>,
}

impl Detour {
    fn start(dir: &Path, engine: &str) -> Detour {
        let path = dir.join("engine.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let open = Arc::new(AtomicBool::new(true));
        let engine = engine.trim_start_matches("unix://").to_owned();
        let still_open = Arc::clone(&open);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                if !still_open.load(Ordering::Relaxed) {
                    return;
                }
                let near = near.unwrap();
                let far = UnixStream::connect(&engine).unwrap();
                let halves = [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far, near),
                ];
                for (mut from, mut to) in halves {
                    std::thread::spawn(move || {
                        let _ended = std::io::copy(&mut from, &mut to);
                        let _closed = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        Detour { path, open }
    }

    fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on a connection is refused, as when the engine has died.
    fn end(&self) {
        self.open.store(false, Ordering::Relaxed);
        // Each connection wakes the listener once; it is gone when none is taken any more.
        while UnixStream::connect(&self.path).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn an_engine_that_goes_away_is_named_and_what_it_keeps_is_reaped_later() {
    if !engine_answers() {
        return;
    }
    let engine = Engine::connect().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let detour = Detour::start(dir.path(), &engine.info.host);
    let run = new_run();
    let mut backend = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS)).host(detour.host());
    let endpoint = start(&mut backend);
    drop(client(&endpoint));
    detour.end();

    let error = backend.kill().unwrap_err();
    assert!(
        error.message.starts_with("Cannot kill the server: "),
        "{error}"
    );
    assert!(
        error.message.contains("is not running; start Docker"),
        "{error}"
    );
    assert_eq!(error.fix, Some(Fix::UseLocalServer));
    assert!(backend.ended().is_err() && backend.new_log_lines().is_err());
    let error = backend.close().unwrap_err();
    assert!(
        error.message.starts_with("Cannot remove the container: "),
        "{error}"
    );
    drop(backend);
    assert_eq!(left_of(&run).len(), 2);
    assert_eq!(engine.reap_session(&run).unwrap().len(), 2);
    assert!(left_of(&run).is_empty());
}

#[test]
fn a_server_beyond_its_memory_limit_was_taken_by_the_kernel_and_not_by_a_kill() {
    if !engine_answers() {
        return;
    }
    let mut backend = backend("save \"\"\n").memory_bytes(48 << 20);
    let endpoint = start(&mut backend);
    let mut one = client(&endpoint);
    let noise = "x".repeat(100_000);
    let mut written = 0;
    for number in 0..2_000 {
        let answer = redis::cmd("SET").arg(number).arg(&noise).exec(&mut one);
        if answer.is_err() {
            break;
        }
        written += 1;
    }
    assert!(written < 2_000);
    assert_eq!(end_of(&mut backend), ServerEnd::OutOfMemory);

    // The same server, ended by us: the flag of the first end must not speak for the second.
    start(&mut backend);
    drop(client(&endpoint));
    assert_eq!(backend.kill().unwrap(), SIGKILL);
    backend.close().unwrap();
}

#[test]
fn somebody_elses_kill_and_removal_are_seen() {
    if !engine_answers() {
        return;
    }
    let run = new_run();
    let mut backend = DockerBackend::new(IMAGE.to_owned(), spec(&run, ALWAYS));
    let endpoint = start(&mut backend);
    push(&mut client(&endpoint), "a");
    docker(&["kill", &backend.identity()]);
    assert_eq!(end_of(&mut backend), SIGKILL);
    start(&mut backend);
    drop(client(&endpoint));
    docker(&["rm", "-f", &backend.identity()]);
    assert_eq!(end_of(&mut backend), ServerEnd::Unknown);
    assert_eq!(backend.ended().unwrap(), Some(ServerEnd::Unknown));
    start(&mut backend);
    backend.kill().unwrap();
    docker(&["rm", &backend.identity()]);
    assert_eq!(start(&mut backend), endpoint);
    assert_eq!(entries(&mut client(&endpoint)), ["a"]);
    backend.close().unwrap();
    assert!(left_of(&run).is_empty());
}

// ---- images and pulls

#[test]
fn local_images_are_listed_servers_first() {
    if !engine_answers() {
        return;
    }
    let images = Engine::connect().unwrap().list_images().unwrap();
    let image = images.iter().find(|image| image.name == IMAGE).unwrap();
    assert!(image.size_bytes > 10_000_000);
    let first_other = images.iter().position(|image| !image.looks_like_a_server());
    let last_server = images.iter().rposition(LocalImage::looks_like_a_server);
    assert!(first_other.is_none_or(|other| last_server.is_some_and(|server| server < other)));
}

/// A registry behind a thin wire: the proxy lets through so many bytes a second.
struct Registry {
    pid: String,
    image: String,
    bytes_per_sec: Arc<AtomicU64>,
    _dir: tempfile::TempDir,
}

impl Registry {
    fn start() -> Registry {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().to_string();
        let pid = script("test-registry", &[dir.path().to_str().unwrap(), &port, "8"]);
        let bytes_per_sec = Arc::new(AtomicU64::new(u64::MAX));
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        let image = format!("{}/library/redis:7-alpine", proxy.local_addr().unwrap());
        let rate = Arc::clone(&bytes_per_sec);
        std::thread::spawn(move || {
            for near in proxy.incoming() {
                let near = near.unwrap();
                let Ok(far) = TcpStream::connect(format!("127.0.0.1:{port}")) else {
                    continue;
                };
                pipe(near.try_clone().unwrap(), far.try_clone().unwrap(), None);
                pipe(far, near, Some(Arc::clone(&rate)));
            }
        });
        Registry {
            pid,
            image,
            bytes_per_sec,
            _dir: dir,
        }
    }

    fn forget_image(&self) {
        let _missing = Command::new("docker")
            .args(["rmi", &self.image])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.forget_image();
        let _status = Command::new("kill").arg(&self.pid).status();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn pipe(mut from: TcpStream, mut to: TcpStream, rate: Option<Arc<AtomicU64>>) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if let Some(rate) = &rate {
                while rate.load(Ordering::Relaxed) == 0 {
                    std::thread::sleep(Duration::from_millis(20));
                }
                let rate = rate.load(Ordering::Relaxed);
                std::thread::sleep(Duration::from_secs_f64(length as f64 / rate as f64));
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        let _closed = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn a_pull_tells_how_far_it_is_can_be_cancelled_and_tells_when_it_stalls() {
    if !engine_answers() {
        return;
    }
    let registry = Registry::start();
    let engine = Engine::connect().unwrap();
    let image = registry.image.as_str();

    // Cancelled on the way: back at once, and the image is not there.
    registry.bytes_per_sec.store(2_000_000, Ordering::Relaxed);
    let watch = Recorder::default();
    let said = |watch: &Recorder| watch.said.lock().unwrap().clone();
    std::thread::scope(|scope| {
        let pull = scope.spawn(|| engine.pull(image, &watch));
        let deadline = Instant::now() + Duration::from_secs(20);
        while !said(&watch)
            .iter()
            .any(|(_, share)| share.is_some_and(|share| share > 0.02))
        {
            assert!(Instant::now() < deadline, "{:?}", said(&watch).last());
            std::thread::sleep(Duration::from_millis(5));
        }
        let cancelled = Instant::now();
        watch.cancel.store(true, Ordering::Relaxed);
        let error = pull.join().unwrap().unwrap_err();
        println!("cancel to return: {:?}", cancelled.elapsed());
        assert!(cancelled.elapsed() < Duration::from_millis(500));
        assert!(error.message.contains("cancelled"), "{error}");
    });
    let known = engine.list_images().unwrap();
    assert!(known.iter().all(|known| known.name != image));

    // Stalled for a while, then whole.
    registry.bytes_per_sec.store(0, Ordering::Relaxed);
    let watch = Recorder::default();
    std::thread::scope(|scope| {
        let pull = scope.spawn(|| engine.pull(image, &watch));
        let deadline = Instant::now() + Duration::from_secs(20);
        while !said(&watch)
            .iter()
            .any(|(text, _)| text.contains("no progress for"))
        {
            assert!(Instant::now() < deadline, "{:?}", said(&watch).last());
            std::thread::sleep(Duration::from_millis(20));
        }
        registry.bytes_per_sec.store(20_000_000, Ordering::Relaxed);
        pull.join().unwrap().unwrap();
    });
    let said = said(&watch);
    let shares: Vec<f64> = said.iter().filter_map(|(_, share)| *share).collect();
    assert!(
        shares.iter().any(|share| (0.1..0.9).contains(share)),
        "{shares:?}"
    );
    assert_eq!(shares.last(), Some(&1.0));
    // Two layers of 8 MiB of noise.
    assert!(
        said.iter().any(|(text, _)| text.contains(" of 16.8 MB")),
        "{said:?}"
    );
    assert!(docker(&["images", "-q", image]).len() == 12);

    // And the backend pulls by itself what is missing.
    registry.forget_image();
    registry.bytes_per_sec.store(u64::MAX, Ordering::Relaxed);
    let mut backend = DockerBackend::new(image.to_owned(), spec(&new_run(), ALWAYS));
    let watch = Recorder::default();
    let endpoint = backend.start(&watch).unwrap();
    assert!(
        watch
            .said
            .lock()
            .unwrap()
            .iter()
            .any(|(text, _)| text.starts_with("Pulling"))
    );
    drop(client(&endpoint));
    backend.close().unwrap();

    let missing = image.replace("7-alpine", "no-such-tag");
    let error = engine.pull(&missing, &Recorder::default()).unwrap_err();
    assert!(
        error.message.contains("check name and tag"),
        "{error}\n{}",
        error.details
    );
}

// ---- what a dead owner leaves

#[test]
fn what_a_dead_owner_left_is_reaped_and_a_live_owners_is_not() {
    if !engine_answers() {
        return;
    }
    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let ours = owner::our_label();
    let dead = ours.replacen(&std::process::id().to_string(), &ended.id().to_string(), 1);
    assert!(owner::is_alive(&ours) && !owner::is_alive(&dead));

    let (left_run, live_run) = (new_run(), new_run());
    let mut left = DockerBackend::new(IMAGE.to_owned(), spec(&left_run, ALWAYS)).owner(&dead);
    drop(client(&start(&mut left)));
    left.pause().unwrap();
    // As after a SIGKILL of the owner: nobody closes.
    std::mem::forget(left);
    let mut live = DockerBackend::new(IMAGE.to_owned(), spec(&live_run, ALWAYS));
    let endpoint = start(&mut live);
    drop(client(&endpoint));

    let engine = Engine::connect().unwrap();
    let began = Instant::now();
    let removed = engine.reap(owner::is_alive).unwrap();
    println!("reap: {:?}", began.elapsed());
    assert_eq!(
        removed
            .iter()
            .filter(|name| name.contains(&left_run))
            .count(),
        2
    );
    assert!(left_of(&left_run).is_empty());
    assert_eq!(live.ended().unwrap(), None);
    drop(client(&endpoint));

    let removed = engine.reap_session(&live_run).unwrap();
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert!(left_of(&live_run).is_empty());
    assert_eq!(end_of(&mut live), ServerEnd::Unknown);
    live.close().unwrap();
}
