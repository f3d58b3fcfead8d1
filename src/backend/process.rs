//! A local `redis-server` or `valkey-server` as a child process: own directory, own port, own group.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::group;
use super::lease::{self, CONFIG_FILE, Holding, LOG_FILE};
use super::port::Port;
use super::process_id::ProcessId;
use super::{Backend, BackendError, Endpoint, LogLine, Result, ServerSpec, Watch, Wire};
use crate::domain::event::Fix;
use crate::domain::fault::ServerEnd;

/// Programs looked for on PATH, in this order.
pub const PROGRAMS: [&str; 3] = ["redis-server", "valkey-server", "redict-server"];

/// Finds the server's program.
///
/// # Errors
/// Names what was looked for and how to get it.
pub fn find_program(wanted: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = wanted {
        let wrong = if !path.is_file() {
            "there is no server program at"
        } else if !is_executable(path) {
            "nothing that can be run is at"
        } else {
            return Ok(path.to_owned());
        };
        let path = path.display();
        return Err(BackendError::new(format!("{wrong} {path}: choose another"))
            .fix(Fix::ChooseServerProgram));
    }
    let folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let found = PROGRAMS
        .iter()
        .flat_map(|program| folders.iter().map(move |folder| folder.join(program)))
        .find(|path| is_executable(path));
    found.ok_or_else(|| {
        BackendError::new(format!(
            "none of {} is on PATH: install one (Debian, Ubuntu: apt install redis-server; macOS: brew install redis), give its path, or use Docker",
            PROGRAMS.join(", ")
        ))
        .fix(Fix::UseDocker)
    })
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The backend.
pub struct ProcessBackend {
    program: Option<PathBuf>,
    spec: ServerSpec,
    server: Option<Server>,
}

/// What exists once the server has been started for the first time.
struct Server {
    program: PathBuf,
    /// Text of the configuration file.
    config: String,
    dir: PathBuf,
    port: Port,
    password: String,
    child: Option<Child>,
    leader: Option<ProcessId>,
    end: Option<ServerEnd>,
    log_at: u64,
    log_rest: String,
}

impl ProcessBackend {
    #[must_use]
    pub fn new(program: Option<PathBuf>, spec: ServerSpec) -> Self {
        ProcessBackend {
            program,
            spec,
            server: None,
        }
    }

    fn server(&mut self) -> Result<&mut Server> {
        self.server
            .as_mut()
            .ok_or_else(|| BackendError::new("the server was never started"))
    }

    /// Makes directory, port, password and configuration.
    fn prepare(&self) -> Result<Server> {
        let program = find_program(self.program.as_deref())?;
        let failed = |doing: &str, path: &Path, error: &std::io::Error| {
            BackendError::new(format!("cannot {doing} {}: {error}", path.display()))
                .details(error.to_string())
        };
        let dir = lease::held_directory(&self.spec.scratch).map_err(|error| {
            let scratch = &self.spec.scratch;
            failed("make a directory for the server in", scratch, &error)
        })?;
        let port = Port::claim()
            .map_err(|error| BackendError::new(format!("no free port on 127.0.0.1: {error}")))?;
        let password = super::random_password()?;
        let config = format!(
            "{}\n# Crashdrill's own lines: a directory, a port and a log of this run's\n\
             dir {:?}\nbind 127.0.0.1\nport {}\nrequirepass {password}\nprotected-mode yes\n\
             daemonize no\nlogfile {:?}\nloglevel notice\n",
            self.spec.config,
            self.spec
                .data
                .as_ref()
                .unwrap_or(&dir)
                .display()
                .to_string(),
            port.number(),
            dir.join(LOG_FILE).display().to_string(),
        );
        let path = dir.join(CONFIG_FILE);
        fs::write(&path, &config).map_err(|error| failed("write", &path, &error))?;
        Ok(Server {
            program,
            config,
            dir,
            port,
            password,
            child: None,
            leader: None,
            end: None,
            log_at: 0,
            log_rest: String::new(),
        })
    }
}

impl Server {
    fn spawn(&mut self) -> Result<()> {
        let mut command = Command::new(&self.program);
        command
            .arg(self.dir.join(CONFIG_FILE))
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(self.output()?)
            .stderr(self.output()?);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().map_err(|error| {
            BackendError::new(format!("cannot start {}: {error}", self.program.display()))
                .fix(Fix::ChooseServerProgram)
                .details(error.to_string())
        })?;
        let leader = ProcessId::of(child.id() as i32);
        lease::hold(Holding::Group(leader.clone()));
        (self.child, self.leader, self.end) = (Some(child), Some(leader), None);
        Ok(())
    }

    /// What the server says before it has opened its log (a configuration that it does not understand)
    /// belongs into the log, too.
    fn output(&self) -> Result<Stdio> {
        let path = self.dir.join(LOG_FILE);
        let file = File::options().create(true).append(true).open(&path);
        file.map(Stdio::from)
            .map_err(|error| BackendError::new(format!("cannot write {}: {error}", path.display())))
    }

    fn poll(&mut self) -> Result<Option<ServerEnd>> {
        if let Some(child) = &mut self.child {
            let status = child.try_wait().map_err(|error| {
                BackendError::new(format!("cannot wait for the server: {error}"))
            })?;
            if let Some(status) = status {
                self.settle(status);
            }
        }
        Ok(self.end.clone())
    }

    /// The leader is dead: its children go with it.
    fn settle(&mut self, status: std::process::ExitStatus) {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        self.end = Some(match signal {
            Some(signal) => ServerEnd::Signal { signal },
            None => ServerEnd::Exit {
                code: status.code().unwrap_or(-1),
            },
        });
        self.child = None;
        if let Some(leader) = self.leader.take() {
            group::kill(&leader, Duration::from_secs(5));
            lease::release(Holding::Group(leader));
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let Some(pid) = self
            .leader
            .as_ref()
            .and_then(|leader| Pid::from_raw(leader.pid))
        else {
            return Err(BackendError::new("the server is not running"));
        };
        kill_process_group(pid, signal).map_err(|error| {
            BackendError::new(format!("cannot signal the server's process group: {error}"))
        })
    }

    /// To the leader alone, as an operator would: the server deals with its own children.
    fn terminate(&self) -> Result<()> {
        let leader = self.leader.as_ref();
        let leader = leader.and_then(|leader| Pid::from_raw(leader.pid));
        let leader = leader.ok_or_else(|| BackendError::new("the server is not running"))?;
        rustix::process::kill_process(leader, Signal::TERM)
            .map_err(|error| BackendError::new(format!("cannot send SIGTERM: {error}")))
    }

    fn wait(&mut self) -> Result<ServerEnd> {
        if let Some(mut child) = self.child.take() {
            let status = child.wait().map_err(|error| {
                BackendError::new(format!("cannot wait for the server: {error}"))
            })?;
            self.settle(status);
        }
        Ok(self.end.clone().unwrap_or(ServerEnd::Unknown))
    }

    fn kill(&mut self) -> Result<ServerEnd> {
        if self.poll()?.is_none() {
            self.signal(Signal::KILL)?;
        }
        self.wait()
    }
}

impl Backend for ProcessBackend {
    fn id(&self) -> &'static str {
        "process"
    }

    fn identity(&self) -> String {
        let leader = self
            .server
            .as_ref()
            .and_then(|server| server.leader.as_ref());
        leader
            .map(|leader| leader.pid.to_string())
            .unwrap_or_default()
    }

    fn program(&self) -> String {
        let program = self
            .server
            .as_ref()
            .map(|server| &server.program)
            .or(self.program.as_ref());
        program
            .map(|path| path.display().to_string())
            .unwrap_or_default()
    }

    fn start(&mut self, watch: &dyn Watch) -> Result<Endpoint> {
        if self.server.is_none() {
            self.server = Some(self.prepare()?);
        }
        let server = self.server()?;
        watch.doing(&format!("Starting {}", server.program.display()), None);
        server.spawn()?;
        Ok(Endpoint {
            host: "127.0.0.1".into(),
            port: server.port.number(),
            user: None,
            password: Some(server.password.clone()),
            database: 0,
            wire: Wire::Tcp,
        })
    }

    fn ended(&mut self) -> Result<Option<ServerEnd>> {
        self.server()?.poll()
    }

    fn kill(&mut self) -> Result<ServerEnd> {
        self.server()?.kill()
    }

    fn stop(&mut self, grace: Duration) -> Result<(ServerEnd, bool)> {
        let server = self.server()?;
        server.terminate()?;
        let begun = Instant::now();
        loop {
            if let Some(end) = server.poll()? {
                return Ok((end, false));
            }
            if begun.elapsed() >= grace {
                return Ok((server.kill()?, true));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn terminate(&mut self) -> Result<()> {
        self.server()?.terminate()
    }

    fn configure(&mut self, lines: &str) -> Result<()> {
        let server = self.server()?;
        let path = server.dir.join(CONFIG_FILE);
        fs::write(&path, format!("{}{lines}\n", server.config))
            .map_err(|error| BackendError::new(format!("cannot write {}: {error}", path.display())))
    }

    fn pause(&mut self) -> Result<()> {
        self.server()?.signal(Signal::STOP)
    }

    fn resume(&mut self) -> Result<()> {
        self.server()?.signal(Signal::CONT)
    }

    fn remove(&mut self, _volume: bool) -> Result<ServerEnd> {
        Err(BackendError::new(
            "a local process has no container to remove",
        ))
    }

    fn new_log_lines(&mut self) -> Result<Vec<LogLine>> {
        let Some(server) = &mut self.server else {
            return Ok(Vec::new());
        };
        let path = server.dir.join(LOG_FILE);
        let failed = |error| BackendError::new(format!("cannot read {}: {error}", path.display()));
        let Ok(mut file) = File::open(&path) else {
            return Ok(Vec::new());
        };
        file.seek(SeekFrom::Start(server.log_at)).map_err(failed)?;
        let mut bytes = Vec::new();
        server.log_at += file.read_to_end(&mut bytes).map_err(failed)? as u64;
        server.log_rest.push_str(&String::from_utf8_lossy(&bytes));
        let whole = server.log_rest.rfind('\n').map_or(0, |end| end + 1);
        let lines: String = server.log_rest.drain(..whole).collect();
        Ok(lines
            .lines()
            .map(|text| LogLine {
                text: text.to_owned(),
            })
            .collect())
    }

    fn copy_data(&mut self, to: &Path) -> Result<()> {
        let own = self.server()?.dir.clone();
        let from = self.spec.data.as_ref().unwrap_or(&own);
        super::copy_dir(from, to, &[CONFIG_FILE, LOG_FILE]).map_err(|error| {
            BackendError::new(format!(
                "cannot copy the data directory to {}: {error}",
                to.display()
            ))
        })
    }

    fn place_data(&mut self, from: &Path) -> Result<()> {
        if self.server.is_none() {
            self.server = Some(self.prepare()?);
        }
        let own = self.server()?.dir.clone();
        let to = self.spec.data.as_ref().unwrap_or(&own);
        super::copy_dir(from, to, &[CONFIG_FILE, LOG_FILE]).map_err(|error| {
            BackendError::new(format!(
                "cannot copy files into the data directory {}: {error}",
                to.display()
            ))
        })
    }

    fn another(&self) -> Result<Box<dyn Backend>> {
        let program = self.server.as_ref().map(|server| server.program.clone());
        let spec = ServerSpec {
            data: None,
            ..self.spec.clone()
        };
        Ok(Box::new(ProcessBackend::new(
            program.or_else(|| self.program.clone()),
            spec,
        )))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the directory that `prepare` has made"
    )]
    fn close(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // A stopped process does not die of SIGTERM, but it does of SIGKILL.
        let killed = server.kill();
        let removed = fs::remove_dir_all(&server.dir);
        lease::release(Holding::Directory(server.dir.clone()));
        killed?;
        removed.map_err(|error| {
            BackendError::new(format!("cannot remove {}: {error}", server.dir.display()))
        })
    }
}

impl Drop for ProcessBackend {
    fn drop(&mut self) {
        let _ = self.close();
    }
}
