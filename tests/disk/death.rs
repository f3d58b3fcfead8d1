//! A process that has mounted a disk is killed: nothing of it stays.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crashdrill::backend::lease::{self, Holding};
use crashdrill::backend::mounts;
use crashdrill::disk::FaultyDisk;
use crashdrill::domain::disk::DiskPlan;

use crate::stand::spec;

const PATIENCE: Duration = Duration::from_secs(30);

/// The life of the process that is killed.
#[test]
#[ignore = "the child process of the tests beside it"]
fn child() {
    let dir = PathBuf::from(std::env::var_os("DISK_TEST_DIR").expect("started by its parent"));
    let program = std::env::var_os("DISK_TEST_JANITOR").map(PathBuf::from);
    lease::open(&dir.join("leases"), program.as_deref()).unwrap();
    let mut spec = spec(&dir, DiskPlan::default());
    spec.at = tempfile::Builder::new()
        .prefix("crashdrill-disk-")
        .tempdir_in(&dir)
        .unwrap()
        .keep();
    lease::hold(Holding::Mount(spec.at.clone()));
    let at = spec.at.clone();
    let disk = FaultyDisk::mount(spec).unwrap();
    fs::write(at.join("a"), "x").unwrap();
    disk.freeze();
    println!("\nmounted {}", at.display());
    // Until the parent kills it.
    std::thread::sleep(Duration::from_secs(600));
}

/// Not below the system's temporary folder: whoever starts Crashdrill beside these tests sweeps there.
fn place() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn start(dir: &Path, janitor: bool) -> (Child, PathBuf) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "death::child", "--ignored", "--nocapture"])
        .env("DISK_TEST_DIR", dir)
        .stdout(Stdio::piped());
    if janitor {
        command.env("DISK_TEST_JANITOR", env!("CARGO_BIN_EXE_crashdrill"));
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("mounted ").map(PathBuf::from));
    (child, said.expect("the child has mounted its disk"))
}

fn is_listed(at: &Path) -> bool {
    let list = fs::read_to_string("/proc/self/mountinfo").unwrap();
    list.contains(at.to_str().unwrap())
}

/// A program on the disk that waits for it, as a server does.
fn waiting_program(at: &Path) -> Child {
    let path = at.join("a");
    Command::new("sh")
        .args(["-c", "echo y >> \"$0\""])
        .arg(path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_janitor_unmounts_what_a_killed_process_has_mounted() {
    let dir = place();
    let (mut child, at) = start(dir.path(), true);
    let mut waiting = waiting_program(&at);
    assert!(is_listed(&at));
    std::thread::sleep(Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    while is_listed(&at) || at.exists() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{} is still mounted",
            at.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        !waiting.wait().unwrap().success(),
        "who waited for the disk was let go"
    );
}

#[test]
fn the_next_start_finds_and_cleans_a_stale_mount() {
    let dir = place();
    let (mut child, at) = start(dir.path(), false);
    child.kill().unwrap();
    child.wait().unwrap();
    let error = fs::read_dir(&at).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected, "{error}");
    // A new disk on the same place is refused with the way out.
    let mut again = spec(dir.path(), DiskPlan::default());
    again.at = at.clone();
    let refused = FaultyDisk::mount(again).err().unwrap().to_string();
    assert!(refused.contains("fusermount3 -uz"), "{refused}");
    let cleaned = lease::sweep(&dir.path().join("leases"), &|_| ());
    assert!(cleaned.contains(&Holding::Mount(at.clone())), "{cleaned:?}");
    assert!(!is_listed(&at) && !at.exists());
}

#[test]
fn a_stale_mount_is_found_even_without_its_lease() {
    let dir = place();
    let (mut child, at) = start(dir.path(), false);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        mounts::stale(&dir.path().join("leases")),
        Vec::<PathBuf>::new()
    );
    assert_eq!(mounts::stale(dir.path()), std::slice::from_ref(&at));
    assert!(mounts::end(&at));
    assert_eq!(mounts::stale(dir.path()), Vec::<PathBuf>::new());
    assert!(!is_listed(&at));
}

#[test]
fn a_living_disk_is_never_swept() {
    let dir = place();
    let (mut child, at) = start(dir.path(), false);
    let cleaned = lease::sweep(&dir.path().join("leases"), &|_| ());
    let listed = is_listed(&at) && mounts::stale(dir.path()).is_empty();
    child.kill().unwrap();
    child.wait().unwrap();
    lease::sweep(&dir.path().join("leases"), &|_| ());
    assert!(
        listed && !cleaned.contains(&Holding::Mount(at)),
        "{cleaned:?}"
    );
}
