//! The command line's words.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::domain::check::{Group, Layout};
use crate::domain::contract::parse_duration;
use crate::domain::fault::FaultKind;
use crate::domain::plan::{DrillPlan, PlanDraft};

/// See what a Redis crash takes from LLM chat memory
///
/// Without a subcommand the window opens.
#[derive(Debug, Parser)]
#[command(name = "crashdrill", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Folder of the runs [default: crashdrill/runs in your data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub runs: Option<PathBuf>,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 promise held, 1 violated, 2 inconclusive, 64 wrong use, 70 internal error";

const INSPECT_EXIT_CODES: &str = "Exit codes: 0 healthy, 1 bad findings, 2 inconclusive (the scan is not complete), 64 wrong use, 70 internal error";

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run one drill: start, stream, fault, restart, read back, judge
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Run the checks: hazards of memory stores on real servers, against naive and sound stores, or against yours
    #[command(after_help = EXIT_CODES)]
    Check(Box<CheckArgs>),
    /// Judge a run again from its evidence alone
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArgs),
    /// Look into a memory store: sessions, health, what changed since an inventory. It reads and never writes
    ///
    /// On servers before 7.2 reading refreshes the idle time that LRU eviction goes by; from 7.2 on CLIENT NO-TOUCH
    /// spares it. The password may stand in the address, in CRASHDRILL_PASSWORD, or in the system's keyring.
    #[command(after_help = INSPECT_EXIT_CODES)]
    Inspect(Box<InspectArgs>),
    /// List or delete runs
    #[command(name = "runs")]
    Runs(RunsArgs),
    /// List presets, show one, or import a redis.conf as one
    Presets(PresetsArgs),
    #[command(hide = true)]
    Janitor { lease: PathBuf },
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Persistence preset; `crashdrill presets` lists them
    #[arg(long, default_value = "rdb-5s")]
    pub preset: String,
    /// Use this production redis.conf as the preset instead (persistence and memory directives only)
    #[arg(long, value_name = "FILE", conflicts_with = "preset")]
    pub redis_conf: Option<PathBuf>,
    /// What is done to the server: process-kill, power-loss, graceful-stop, pause, container-removed, container-removed-with-volume
    #[arg(long, default_value = "process-kill")]
    pub fault: FaultKind,
    /// Who owns the server: auto, process, docker, external
    #[arg(long, default_value = "auto")]
    pub backend: String,
    /// Path of redis-server or valkey-server [default: looked for on PATH]
    #[arg(long, value_name = "PATH")]
    pub server: Option<PathBuf>,
    /// Container image
    #[arg(long, default_value = "redis:7-alpine")]
    pub image: String,
    /// External server: redis://[user[:password]@]host:port[/database]
    #[arg(long)]
    pub url: Option<String>,
    /// External server: your command that kills it
    #[arg(long, value_name = "CMD")]
    pub kill_cmd: Option<String>,
    /// External server: your command that starts it again
    #[arg(long, value_name = "CMD")]
    pub start_cmd: Option<String>,
    /// External server: write (under a prefix of our own) although it holds keys
    #[arg(long)]
    pub allow_nonempty: bool,
    /// Chat sessions
    #[arg(long, default_value_t = 200)]
    pub sessions: u64,
    /// Messages a second, or `max` for as fast as it goes [default: 2000, with --store-cmd 300]
    #[arg(long, allow_hyphen_values = true)]
    pub rate: Option<String>,
    /// How long to stream before the fault: 12, 500ms, 2m
    #[arg(long, value_name = "TIME", default_value = "9", value_parser = seconds)]
    pub seconds: f64,
    /// Stop streaming after this many messages
    #[arg(long)]
    pub messages: Option<u64>,
    /// Connections
    #[arg(long, default_value_t = 8)]
    pub writers: u64,
    /// Ops that a connection has under way at most
    #[arg(long, default_value_t = 4)]
    pub depth: u64,
    /// Exact size of a message in bytes [default: natural sizes]
    #[arg(long)]
    pub message_bytes: Option<u64>,
    /// Same seed, same bytes
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Graceful stop: time from SIGTERM to SIGKILL
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = seconds)]
    pub grace: f64,
    /// Pause: how long the server stays frozen
    #[arg(long, value_name = "TIME", default_value = "3", value_parser = seconds)]
    pub pause: f64,
    #[command(flatten)]
    pub conditions: ConditionArgs,
    /// How long a client waits for one reply; after that the write is in doubt [default: 2, with --store-cmd 10]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub op_timeout: Option<f64>,
    /// Write and read through your own memory store: a command that speaks JSON lines (assets/adapters/README.md)
    #[arg(long, value_name = "CMD")]
    pub store_cmd: Option<String>,
    /// Judge by this many lost messages at most, instead of the preset's promise
    #[arg(long, value_name = "N")]
    pub max_lost: Option<u64>,
    /// Judge by this loss window at most, instead of the preset's promise
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub max_window: Option<f64>,
    /// Write a report; the ending tells the format: .html .md .json .xml (JUnit) .csv (lost messages). Repeatable
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Overwrite reports that exist
    #[arg(long)]
    pub force: bool,
    /// Keep the server's data directory as the fault left it
    #[arg(long, value_name = "DIR")]
    pub keep_data: Option<PathBuf>,
    /// Print the verdict only
    #[arg(long, short)]
    pub quiet: bool,
}

/// Conditions of the disk and the network, and the moment of the fault.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Conditions and moments")]
pub struct ConditionArgs {
    /// Faulty disk under the data directory: sync, ordered (as ext4 and XFS), strict (worst case of POSIX), none [default: ordered where the fault or another option needs one, else none]
    #[arg(long, value_name = "MODEL")]
    pub disk: Option<String>,
    /// What a power cut leaves of bytes that were not fsynced: drop, prefix, zero, pages, ext4 [default: drop]
    #[arg(long, value_name = "MODEL")]
    pub tail: Option<String>,
    /// Un-fsynced data of this age becomes durable by itself, or `never` [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub write_back: Option<String>,
    /// An fsync takes so much longer: 1.5s, a range 0.5s..3s, or a stall 3s@5s (3 s long, at second 5); with :FILES behind it for those files only
    #[arg(long, value_name = "TIME")]
    pub fsync_delay: Option<String>,
    /// The disk is full after this many bytes: 1000000, 64k, 10m
    #[arg(long, value_name = "BYTES")]
    pub disk_space: Option<String>,
    /// An operation fails: fsync:*.aof#3 the third, fsync:*.aof#3+ all from the third on
    #[arg(long, value_name = "OP:FILES#N")]
    pub io_error: Option<String>,
    /// Moment of the fault, once the streaming time is over: acks=5000, bgsave=40%, bgsave-rename, after-bgsave, rewrite, rewrite-incr, rewrite-manifest, final-save, loading, fsync-late=500ms, aof-buffer, before-rename:*.rdb#1
    #[arg(long, value_name = "MOMENT")]
    pub trigger: Option<String>,
    /// A BGSAVE, an AOF rewrite and the final save take about this long
    #[arg(long, value_name = "TIME")]
    pub save_time: Option<String>,
    /// Damage to a file between death and restart: truncate:aof=100, zero:aof=4096, flip:rdb; files are aof, base, manifest, rdb
    #[arg(long, value_name = "DAMAGE")]
    pub damage: Option<String>,
    /// Fault between client and server: lost-reply@3s, delay=20ms, half-open=5s@3s, reset@3s, bandwidth=100000
    #[arg(long, value_name = "FAULT")]
    pub network: Option<String>,
    /// Kill & compare: show what a process kill and what a power cut would have left, from the same instant
    #[arg(long)]
    pub compare: bool,
    /// After a process kill, try every end of the AOF that a power cut could have left
    #[arg(long)]
    pub tail_cut: bool,
    /// If the server refuses its data: run redis-check-aof --fix on a copy and show what that saves
    #[arg(long)]
    pub repair: bool,
}

impl ConditionArgs {
    fn draft(&self) -> PlanDraft {
        let text = |option: &Option<String>| option.clone().unwrap_or_default();
        PlanDraft {
            disk: text(&self.disk),
            tail: text(&self.tail),
            write_back: text(&self.write_back),
            fsync_delay: text(&self.fsync_delay),
            disk_space: text(&self.disk_space),
            io_error: text(&self.io_error),
            trigger: text(&self.trigger),
            damage: text(&self.damage),
            network: text(&self.network),
            compare: self.compare,
            tail_cut: self.tail_cut,
            repair: self.repair,
            save_time: text(&self.save_time),
            ..PlanDraft::default()
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    parse_duration(text).map(|time| time.as_secs_f64())
}

impl RunArgs {
    /// The draft that these words mean.
    ///
    /// # Errors
    /// `--rate` is neither a number nor `max`; `--messages 0` or `--message-bytes 0` would mean no limit.
    pub fn draft(&self) -> Result<PlanDraft, String> {
        let (usual, patience) = match self.store_cmd {
            None => (PlanDraft::default().rate, DrillPlan::DEFAULT_OP_TIMEOUT),
            Some(_) => (DrillPlan::STORE_RATE, DrillPlan::STORE_OP_TIMEOUT),
        };
        let typed = self.rate.as_deref();
        let rate_max = typed == Some("max");
        let rate = match typed.map(str::parse) {
            None => usual,
            Some(Ok(rate)) => rate,
            Some(Err(_)) if rate_max => 0.0,
            Some(Err(_)) => {
                return Err(format!(
                    "--rate: \"{}\" is neither a number nor max",
                    typed.unwrap_or_default()
                ));
            }
        };
        if self
            .store_cmd
            .as_deref()
            .is_some_and(|text| text.trim().is_empty())
        {
            return Err("--store-cmd: the command is empty: name your store's program".into());
        }
        for (option, value) in [
            ("--messages", self.messages),
            ("--message-bytes", self.message_bytes),
        ] {
            if value == Some(0) {
                return Err(format!("{option}: 0 is too few; leave it out for no limit"));
            }
        }
        self.fits_backend()?;
        let path = |path: &Option<PathBuf>| {
            path.as_ref()
                .map(|p| p.display().to_string())
                .unwrap_or_default()
        };
        Ok(PlanDraft {
            preset: self.preset.clone(),
            backend: self.backend.clone(),
            program: path(&self.server),
            image: self.image.clone(),
            url: self.url.clone().unwrap_or_default(),
            kill_command: self.kill_cmd.clone().unwrap_or_default(),
            start_command: self.start_cmd.clone().unwrap_or_default(),
            allow_nonempty: self.allow_nonempty,
            fault: self.fault,
            grace_secs: self.grace,
            pause_secs: self.pause,
            sessions: self.sessions,
            writers: self.writers,
            depth: self.depth,
            rate,
            rate_max,
            message_bytes: self.message_bytes.unwrap_or(0),
            seconds: self.seconds,
            max_messages: self.messages.unwrap_or(0),
            seed: self.seed,
            max_lost: self.max_lost,
            max_window_secs: self.max_window,
            op_timeout_secs: self.op_timeout.unwrap_or(patience.as_secs_f64()),
            keep_data: path(&self.keep_data),
            store_command: self.store_cmd.clone().unwrap_or_default(),
            ..self.conditions.draft()
        })
    }
}

impl RunArgs {
    /// An option that the backend would ignore is a mistake: somebody's own server would not be drilled at all.
    fn fits_backend(&self) -> Result<(), String> {
        let external = [
            ("--url", self.url.is_some()),
            ("--kill-cmd", self.kill_cmd.is_some()),
            ("--start-cmd", self.start_cmd.is_some()),
            ("--allow-nonempty", self.allow_nonempty),
        ];
        let given = external.iter().find(|(_, given)| *given);
        let backend = self.backend.as_str();
        match (backend, given) {
            ("external", _) | (_, None) => {}
            (_, Some((option, _))) => {
                return Err(format!(
                    "{option}: backend {backend} does not use it; add --backend external"
                ));
            }
        }
        match (backend, &self.server) {
            ("docker", Some(_)) => {
                Err("--server: a container brings its own server; choose it with --image".into())
            }
            ("external", Some(_)) => {
                Err("--server: your own start command says which server runs".into())
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// A Redis of yours: redis://[user[:password]@]host:port[/database], rediss://… for TLS, or
    /// unix:///path/to/socket [default: servers that we start]
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Certificate authority (PEM) that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Only this group; repeatable
    #[arg(long, value_name = "GROUP", value_parser = clap::value_parser!(Group))]
    pub group: Vec<Group>,
    /// Only this check, by its id; repeatable
    #[arg(long, value_name = "CHECK")]
    pub check: Vec<String>,
    /// How sessions lie in Redis: list, string, hash, zset, stream [default: all where it makes a difference]
    #[arg(long, value_parser = clap::value_parser!(Layout))]
    pub layout: Option<Layout>,
    /// Path of redis-server or valkey-server; given twice, sessions are carried between the two [default: looked for on PATH]
    #[arg(long, value_name = "PATH")]
    pub server: Vec<PathBuf>,
    /// Put your own memory store before the checks: a command that speaks JSON lines (assets/adapters/README.md)
    #[arg(long, value_name = "CMD")]
    pub store_cmd: Option<String>,
    /// Longest silence of your store before it counts as hanging
    #[arg(long, value_name = "TIME", default_value = "10", value_parser = seconds)]
    pub store_timeout: f64,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write a report; the ending tells the format: .html .md .json .xml (JUnit). Repeatable
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Overwrite reports that exist
    #[arg(long)]
    pub force: bool,
    /// List the checks and what each proves
    #[arg(long)]
    pub list: bool,
    /// Same seed, same values
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Print the verdict only
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Name or directory of the run; `latest` is the newest
    pub run: String,
    /// As for `run`
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Overwrite reports that exist
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// redis://[user[:password]@]host:port[/database], rediss://… for TLS, unix:///path/to/socket[?db=1]
    pub url: String,
    /// Password, unless it stands in the address or a keyring remembers it
    #[arg(
        long,
        env = "CRASHDRILL_PASSWORD",
        hide_env_values = true,
        hide = true,
        value_name = "PASSWORD"
    )]
    pub password: Option<String>,
    /// Keep the password in the system's keyring
    #[arg(long)]
    pub remember: bool,
    /// Certificate authority (PEM) that signed the server's certificate [default: the system's]
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Which keys are sessions: text, * for anything, <id> for the session [default: session:<id>:messages, and
    /// whatever sounds like a chat]
    #[arg(long, value_name = "PATTERN")]
    pub pattern: Vec<String>,
    /// Between the segments of a key
    #[arg(long, default_value = ":")]
    pub separator: String,
    /// How long a session should live after its last message: 30m, 7d
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub ttl: Option<std::time::Duration>,
    /// The server should keep at least what this preset keeps: aof-everysec, rdb-classic, …
    #[arg(long, value_name = "PRESET")]
    pub expect: Option<String>,
    /// Commands a second at most; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub budget: u32,
    /// Save what every session holds, to compare with later
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Compare with an inventory: what lost its tail, got a hole, vanished, expired, changed
    #[arg(long, value_name = "FILE")]
    pub diff: Option<PathBuf>,
    /// Export all sessions; the ending tells the format: .jsonl .csv
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Warnings fail, too
    #[arg(long)]
    pub strict: bool,
    /// Sessions named for each finding
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Delete this run and all its evidence
    #[arg(long, value_name = "RUN")]
    pub delete: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// Show this preset's file
    pub preset: Option<String>,
    /// Make a preset out of a production redis.conf and save it among yours
    #[arg(long, value_name = "FILE")]
    pub import: Option<PathBuf>,
    /// Replace a preset of that name
    #[arg(long)]
    pub force: bool,
}
