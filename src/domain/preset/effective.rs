//! What directives come to once Redis has read them: defaults, accumulation, the last one wins. From it
//! follow the promises that can be kept, the values to verify, and the plain words.
//!
//! Sources: `src/config.c` (setConfigSaveOption), `src/aof.c` (flushAppendOnlyFile), `src/server.c`
//! (prepareForShutdown), and the kills that were measured on 7.0.15.

use std::collections::BTreeMap;
use std::time::Duration;

use super::directive::{SavePoint, normalised, print_save_points, save_points};
use super::{Directive, Keeping};
use crate::domain::contract::Promise;
use crate::domain::fault::FaultKind;

/// Redis without a configuration file, since 6.2.
const DEFAULT_SAVE: [SavePoint; 3] = [(3600, 1), (300, 100), (60, 10_000)];

/// Redis postpones its write for at most 2 s while an fsync is in flight, and answers all the same.
const POSTPONED_AT_MOST: Duration = Duration::from_secs(2);

/// What a power cut takes under `everysec` on a healthy disk: the time between two fsyncs and the length of the
/// second. Measured up to 1.51 s (7.0.15; ext4, XFS, a virtual machine, the faulty disk); the next whole second.
const EVERYSEC_AT_MOST: Duration = Duration::from_secs(2);

/// How long Linux keeps what nobody has fsynced: 30 s until it is old (vm.dirty_expire_centisecs), 5 s until
/// somebody looks. Measured up to 35 s on ext4; the 30 s of redis.conf are too few.
const WRITTEN_BACK_AFTER: Duration = Duration::from_secs(35);

pub(super) struct Effective {
    save: Vec<SavePoint>,
    /// Last value of each other directive, as CONFIG GET prints it.
    values: BTreeMap<String, String>,
}

impl Effective {
    /// Of checked directives; what is not sound is left out.
    pub fn of(directives: &[Directive]) -> Effective {
        let mut save: Option<Vec<SavePoint>> = None;
        let mut values = BTreeMap::new();
        for directive in directives {
            if directive.name == "save" {
                match save_points(&directive.value) {
                    // `save ""` takes back all save points before it; the first line takes back the defaults.
                    Some(points) if points.is_empty() => save = Some(points),
                    Some(points) => save.get_or_insert_default().extend(points),
                    None => {}
                }
            } else if let Ok(value) = normalised(directive) {
                values.insert(directive.name.clone(), value);
            }
        }
        Effective {
            save: save.unwrap_or_else(|| DEFAULT_SAVE.to_vec()),
            values,
        }
    }

    fn value<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.values.get(name).map_or(default, String::as_str)
    }

    fn yes(&self, name: &str, default: &str) -> bool {
        self.value(name, default) == "yes"
    }

    fn aof(&self) -> bool {
        self.yes("appendonly", "no")
    }

    /// The directives given, each once, with the values in force.
    pub fn expected(&self, given: &[Directive]) -> Vec<(String, String)> {
        let mut expected: Vec<(String, String)> = Vec::new();
        for Directive { name, .. } in given {
            if expected.iter().any(|(known, _)| known == name) {
                continue;
            }
            let value = match name.as_str() {
                "save" => Some(print_save_points(&self.save)),
                name => self.values.get(name).cloned(),
            };
            expected.extend(value.map(|value| (name.clone(), value)));
        }
        expected
    }

    /// What each fault can take under these directives.
    pub fn promises(&self) -> BTreeMap<FaultKind, Promise> {
        let killed = self.killed();
        FaultKind::ALL
            .into_iter()
            .map(|fault| {
                let promise = match fault {
                    FaultKind::ProcessKill | FaultKind::ContainerRemoved => killed,
                    FaultKind::PowerLoss => self.cut_off(),
                    FaultKind::GracefulStop => self.stopped(),
                    FaultKind::Pause => Promise::Nothing,
                    FaultKind::ContainerRemovedWithVolume => Promise::Everything,
                };
                (fault, promise)
            })
            .collect()
    }

    /// A kill leaves the page cache alone: only what Redis had not yet handed to the kernel is gone.
    fn killed(&self) -> Promise {
        match self.keeping() {
            Keeping::AofEverysec => Promise::Window {
                window: POSTPONED_AT_MOST,
            },
            Keeping::AofAlways | Keeping::AofNo => Promise::Nothing,
            Keeping::Snapshots => Promise::SinceSnapshot,
            Keeping::Nothing => Promise::Everything,
        }
    }

    pub fn skips_fsync_on_rewrite(&self) -> bool {
        self.yes("no-appendfsync-on-rewrite", "no")
    }

    /// A power cut takes what was not fsynced. Without fsync during a rewrite no policy keeps its promise while a
    /// child runs: `src/aof.c` looks at that setting before it looks at the policy, and `always`, too, lost
    /// 0.28 to 2.04 s in 20 of 20 cuts.
    fn cut_off(&self) -> Promise {
        let unsynced = self.skips_fsync_on_rewrite();
        let window = |window| Promise::Window { window };
        match self.keeping() {
            Keeping::AofNo => window(WRITTEN_BACK_AFTER),
            Keeping::AofAlways | Keeping::AofEverysec if unsynced => window(WRITTEN_BACK_AFTER),
            Keeping::AofAlways => Promise::Nothing,
            Keeping::AofEverysec => window(EVERYSEC_AT_MOST),
            Keeping::Snapshots => Promise::SinceSnapshot,
            Keeping::Nothing => Promise::Everything,
        }
    }

    pub fn keeping(&self) -> Keeping {
        match (self.aof(), self.value("appendfsync", "everysec")) {
            (true, "always") => Keeping::AofAlways,
            (true, "no") => Keeping::AofNo,
            (true, _) => Keeping::AofEverysec,
            (false, _) if self.save.is_empty() => Keeping::Nothing,
            (false, _) => Keeping::Snapshots,
        }
    }

    /// Whether SIGTERM brings a last snapshot: with save points, or by order.
    pub fn saves_when_stopped(&self) -> bool {
        let flags = self.value("shutdown-on-sigterm", "default");
        let told = |flag| flags.split(' ').any(|word| word == flag);
        told("save") || (!told("nosave") && !self.save.is_empty())
    }

    /// On SIGTERM Redis fsyncs its AOF, and writes a last snapshot if it has save points or is told to.
    fn stopped(&self) -> Promise {
        let saves = self.saves_when_stopped();
        match (self.aof() || saves, self.save.is_empty()) {
            (true, _) => Promise::Nothing,
            (false, true) => Promise::Everything,
            (false, false) => Promise::SinceSnapshot,
        }
    }

    pub fn plain_words(&self) -> Vec<String> {
        let mut words = vec![self.snapshot_words()];
        words.extend(self.aof_words());
        if self.aof() && !self.save.is_empty() {
            words.push("On a restart Redis loads the AOF only; the snapshots are copies".into());
        }
        if !self.aof() && self.save.is_empty() {
            words.push("Nothing is written to disk".into());
        }
        if let Some(flags) = self.values.get("shutdown-on-sigterm")
            && flags != "default"
        {
            words.push(format!("A graceful stop is done with: {flags}"));
        }
        words.extend(self.memory_words());
        words
    }

    fn snapshot_words(&self) -> String {
        if self.save.is_empty() {
            return "No snapshots".into();
        }
        let points: Vec<String> = self
            .save
            .iter()
            .map(|&(secs, changes)| format!("after {} if {}", time(secs), at_least(changes)))
            .collect();
        format!("Snapshots {}", points.join(", "))
    }

    fn aof_words(&self) -> Vec<String> {
        if !self.aof() {
            return vec!["No AOF".into()];
        }
        let fsync = match self.value("appendfsync", "everysec") {
            "always" => "fsync before every reply",
            "no" => "fsync left to the operating system",
            _ => "fsync once a second",
        };
        let mut words = vec![format!("Every command is appended to the AOF; {fsync}")];
        if self.yes("no-appendfsync-on-rewrite", "no") {
            words.push("No fsync while a snapshot or an AOF rewrite runs".into());
        }
        if self.value("auto-aof-rewrite-percentage", "100") == "0" {
            words.push("The AOF is never rewritten by itself".into());
        } else if self.yes("aof-use-rdb-preamble", "yes") {
            words.push("A rewritten AOF begins with an RDB image".into());
        }
        if !self.yes("aof-load-truncated", "yes") {
            words.push("An AOF with a cut-off tail keeps the server from starting".into());
        }
        words
    }

    fn memory_words(&self) -> Option<String> {
        let bytes: u64 = self
            .value("maxmemory", "0")
            .parse()
            .ok()
            .filter(|&b| b > 0)?;
        let then = match self.value("maxmemory-policy", "noeviction") {
            "noeviction" => "writes beyond it are refused".to_owned(),
            policy => format!("keys are evicted by {policy}, which is no crash loss"),
        };
        Some(format!("At most {} of memory; {then}", size(bytes)))
    }
}

fn time(secs: u64) -> String {
    match secs {
        3600 => "1 hour".into(),
        s if s % 3600 == 0 => format!("{} hours", s / 3600),
        s if s % 60 == 0 && s > 60 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}

fn at_least(changes: u64) -> String {
    match changes {
        0 | 1 => "at least 1 write".into(),
        n => format!("at least {n} writes"),
    }
}

fn size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >> shift > 0 && bytes.trailing_zeros() >= shift {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}
