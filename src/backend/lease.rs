//! What we own right now, written down so that somebody else can clean up when we cannot.
//!
//! Two nets under every run: a *janitor*, a child process of our own program that waits for our end
//! (SIGKILL included) and then ends what we started; and the *sweep* at the next start, for the case
//! that the janitor died with us. Both act on the lease alone, and only where its owner is dead.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::group;
use super::mounts;
use super::process_id::ProcessId;

/// Names of our temporary directories begin so and hold this file; the sweep removes no others.
pub const SCRATCH_PREFIX: &str = "crashdrill-server-";
pub const CONFIG_FILE: &str = "crashdrill.conf";
/// The server's standard output and its log.
pub const LOG_FILE: &str = "crashdrill-server.log";

/// Something that must not outlive us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// A server's process group, named by its leader.
    Group(ProcessId),
    /// A temporary directory of ours.
    Directory(PathBuf),
    /// The folder that a faulty disk of ours is mounted on.
    Mount(PathBuf),
    /// Containers and volumes labelled with this run.
    Docker { run: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Owner(ProcessId),
    Hold(Holding),
    Release(Holding),
}

/// The one lease of this process.
struct Lease {
    file: File,
    path: PathBuf,
    janitor: Option<(Child, ChildStdin)>,
}

static LEASE: OnceLock<Mutex<Lease>> = OnceLock::new();

/// Opens the lease of this process in `folder` and starts the janitor from `program`, if one is given.
///
/// # Errors
/// The folder cannot be written, or the janitor cannot be started.
pub fn open(folder: &Path, program: Option<&Path>) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let me = ProcessId::of_this_process();
    let path = folder.join(format!("{}-{}.lease", me.pid, me.started));
    let file = OpenOptions::new().create(true).append(true).open(&path)?;
    let janitor = program
        .map(|program| start_janitor(program, &path))
        .transpose()?;
    let mut lease = Lease {
        file,
        path,
        janitor,
    };
    lease.write(&Line::Owner(me));
    let _ = LEASE.set(Mutex::new(lease));
    Ok(())
}

/// Notes that something of ours exists. Call it *before* the thing can outlive us, if its name is known.
pub fn hold(holding: Holding) {
    with_lease(|lease| lease.write(&Line::Hold(holding)));
}

/// Makes a temporary directory of ours in `parent`, held from before it exists: our death between the two would leave
/// it behind.
///
/// # Errors
/// `parent` cannot be written.
pub fn held_directory(parent: &Path) -> std::io::Result<PathBuf> {
    let made = tempfile::Builder::new()
        .prefix(SCRATCH_PREFIX)
        .make_in(parent, |path| {
            let holding = Holding::Directory(path.to_owned());
            hold(holding.clone());
            let mut builder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(path).inspect_err(|_| release(holding))
        })?;
    let (_, path) = made.keep()?;
    Ok(path)
}

/// Notes that it is gone.
pub fn release(holding: Holding) {
    with_lease(|lease| lease.write(&Line::Release(holding)));
}

/// Closes the lease: nothing is held any more. The janitor ends by itself.
pub fn close() {
    with_lease(|lease| {
        let _ = fs::remove_file(&lease.path);
        if let Some((mut child, stdin)) = lease.janitor.take() {
            drop(stdin);
            let _ = child.wait();
        }
    });
}

fn with_lease(act: impl FnOnce(&mut Lease)) {
    if let Some(lease) = LEASE.get() {
        act(&mut lease
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Lease {
    fn write(&mut self, line: &Line) {
        let text = serde_json::to_string(line).expect("a line of plain data") + "\n";
        let _ = self.file.write_all(text.as_bytes());
    }
}

fn start_janitor(program: &Path, lease: &Path) -> std::io::Result<(Child, ChildStdin)> {
    let mut command = Command::new(program);
    command
        .arg("janitor")
        .arg(lease)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // In a group of its own: Ctrl-C in the terminal is for us, not for the janitor.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn()?;
    let stdin = child.stdin.take().expect("it was asked for");
    Ok((child, stdin))
}

/// The janitor's whole life: wait until the owner's end of the pipe closes, then clean up.
pub fn janitor(lease: &Path, reap_docker: &dyn Fn(&str)) {
    let mut waiting = String::new();
    let _ = BufReader::new(std::io::stdin()).read_line(&mut waiting);
    clean(lease, reap_docker);
}

/// Cleans up after owners that are dead; live ones are left alone. Returns what was cleaned.
pub fn sweep(folder: &Path, reap_docker: &dyn Fn(&str)) -> Vec<Holding> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let leases = entries.flatten().map(|entry| entry.path());
    let dead = leases.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "lease")
            && owner(path).is_none_or(|owner| !owner.is_alive())
    });
    let mut cleaned: Vec<Holding> = dead.flat_map(|path| clean(&path, reap_docker)).collect();
    // Also where the lease is lost: a dead disk is of no use to anybody.
    for path in mounts::stale(&std::env::temp_dir()) {
        if mounts::end(&path) {
            cleaned.push(Holding::Mount(path));
        }
    }
    cleaned
}

fn lines(lease: &Path) -> Vec<Line> {
    let text = fs::read_to_string(lease).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn owner(lease: &Path) -> Option<ProcessId> {
    lines(lease).into_iter().find_map(|line| match line {
        Line::Owner(owner) => Some(owner),
        _ => None,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "only directories that `is_ours` has proven"
)]
fn clean(lease: &Path, reap_docker: &dyn Fn(&str)) -> Vec<Holding> {
    let mut held = Vec::new();
    for line in lines(lease) {
        match line {
            Line::Owner(_) => {}
            Line::Hold(holding) => held.push(holding),
            Line::Release(holding) => held.retain(|one| *one != holding),
        }
    }
    // Servers first: one that still runs would write into the directory that is being removed.
    for holding in &held {
        match holding {
            Holding::Group(leader) => group::kill(leader, Duration::from_secs(2)),
            Holding::Docker { run } => reap_docker(run),
            Holding::Directory(path) if is_ours(path) => {
                for server in group::writing_to(&path.join(LOG_FILE)) {
                    group::kill(&server, Duration::from_secs(2));
                }
            }
            Holding::Directory(_) | Holding::Mount(_) => {}
        }
    }
    // Then disks, before the directories that they are mounted in.
    for holding in &held {
        if let Holding::Mount(path) = holding {
            mounts::end(path);
        }
    }
    for holding in &held {
        if let Holding::Directory(path) = holding
            && is_ours(path)
        {
            let _ = fs::remove_dir_all(path);
        }
    }
    let _ = fs::remove_file(lease);
    held
}

/// A lease is a file that anybody may have written: never remove a directory that is not named as ours are, and that
/// holds something else. An empty one has just been made.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let empty = || fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    name.starts_with(SCRATCH_PREFIX) && (path.join(CONFIG_FILE).exists() || empty())
}
