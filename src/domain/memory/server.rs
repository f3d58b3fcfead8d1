//! What the server says of itself, as far as a store's health hangs on it: INFO and CONFIG GET as plain fields.

use std::collections::BTreeMap;

use crate::domain::preset::{Keeping, Preset};

/// Directives that are asked for.
pub const DIRECTIVES: [&str; 8] = [
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "save",
    "maxmemory",
    "maxmemory-policy",
    "aof-use-rdb-preamble",
    "stop-writes-on-bgsave-error",
];

/// What the file says that the server reads when it is started again: INFO and CONFIG GET tell only what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigFile {
    /// Why it was not read.
    Unread(String),
    Read {
        path: String,
        appendonly: bool,
    },
}

impl Default for ConfigFile {
    fn default() -> Self {
        ConfigFile::Unread("the server does not tell its path".into())
    }
}

impl ConfigFile {
    /// The text of a configuration file: the last line about a directive counts, and what another file may say
    /// over it is not known.
    #[must_use]
    pub fn parse(path: &str, text: &str) -> ConfigFile {
        let mut appendonly = false;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap_or_default().to_lowercase();
            let value = words.next().unwrap_or_default();
            match name.as_str() {
                "include" => return ConfigFile::Unread(format!("{path} includes other files")),
                "appendonly" => {
                    appendonly = value.trim_matches(['"', '\'']).eq_ignore_ascii_case("yes");
                }
                _ => {}
            }
        }
        ConfigFile::Read {
            path: path.to_owned(),
            appendonly,
        }
    }
}

/// INFO and CONFIG GET. A field that was not answered is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerFacts {
    pub info: BTreeMap<String, String>,
    pub config: BTreeMap<String, String>,
    pub file: ConfigFile,
    /// CLIENT NO-TOUCH is in force: reading leaves idle times alone.
    pub untouched: bool,
}

impl ServerFacts {
    #[must_use]
    pub fn parse_info(text: &str) -> BTreeMap<String, String> {
        let field = |line: &str| {
            let (name, value) = line.trim_end().split_once(':')?;
            Some((name.to_owned(), value.to_owned()))
        };
        text.lines().filter_map(field).collect()
    }

    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }

    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).parse().ok()
    }

    /// Zero where it is not told.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.number(name).unwrap_or(0)
    }

    #[must_use]
    pub fn config(&self, name: &str) -> Option<&str> {
        self.config.get(name).map(String::as_str)
    }

    /// `redis 7.0.15`, `valkey 8.0.1`.
    #[must_use]
    pub fn version(&self) -> String {
        let forks = [
            ("valkey_version", "Valkey"),
            ("dragonfly_version", "Dragonfly"),
        ];
        let fork = forks
            .iter()
            .find(|(field, _)| self.info.contains_key(*field));
        let (field, name) = fork.copied().unwrap_or(("redis_version", "Redis"));
        format!("{name} {}", self.text(field))
    }

    /// `master`, `slave`; empty if unknown.
    #[must_use]
    pub fn role(&self) -> &str {
        self.text("role")
    }

    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.text("cluster_enabled") == "1"
    }

    /// Whether the AOF is in force; INFO tells what runs, CONFIG only what was set.
    #[must_use]
    pub fn aof(&self) -> Option<bool> {
        match self.text("aof_enabled") {
            "1" => Some(true),
            "0" => Some(false),
            _ => self.config("appendonly").map(|value| value == "yes"),
        }
    }

    /// Save points in seconds and changes; `None` if CONFIG GET was not answered.
    #[must_use]
    pub fn save_points(&self) -> Option<Vec<(u64, u64)>> {
        self.config("save").map(save_points)
    }

    /// What Redis loads after a restart; `None` if too little is known.
    #[must_use]
    pub fn keeping(&self) -> Option<Keeping> {
        if self.aof()? {
            return Some(match self.config("appendfsync")? {
                "always" => Keeping::AofAlways,
                "no" => Keeping::AofNo,
                _ => Keeping::AofEverysec,
            });
        }
        let points = self.save_points()?;
        Some(if points.is_empty() {
            Keeping::Nothing
        } else {
            Keeping::Snapshots
        })
    }

    /// Of `maxmemory`, where there is one.
    #[must_use]
    pub fn fullness(&self) -> Option<f64> {
        let most = self.count("maxmemory");
        (most > 0).then(|| self.count("used_memory") as f64 / most as f64)
    }

    #[must_use]
    pub fn policy(&self) -> &str {
        match self.text("maxmemory_policy") {
            "" => self.config("maxmemory-policy").unwrap_or(""),
            policy => policy,
        }
    }

    /// The server counts how often keys are used instead of how long ago.
    #[must_use]
    pub fn counts_frequency(&self) -> bool {
        self.policy().ends_with("lfu")
    }

    /// The server's clock in milliseconds since 1970, where it tells it (Redis 7.0 and later).
    #[must_use]
    pub fn clock_millis(&self) -> Option<i64> {
        let micros: i64 = self.text("server_time_usec").parse().ok()?;
        Some(micros / 1000)
    }
}

/// `3600 1 300 100` in pairs.
fn save_points(text: &str) -> Vec<(u64, u64)> {
    let numbers: Vec<u64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    numbers
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

/// What somebody expects a server to keep: a preset's persistence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The preset's id.
    pub preset: String,
    pub keeping: Keeping,
    save: Vec<(u64, u64)>,
    no_fsync_on_rewrite: bool,
}

impl Expectation {
    #[must_use]
    pub fn of(preset: &Preset) -> Expectation {
        let values = preset.expected_config();
        let value = |name: &str| {
            let found = values.iter().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value.as_str())
        };
        Expectation {
            preset: preset.id.clone(),
            keeping: preset.keeping(),
            save: save_points(value("save")),
            no_fsync_on_rewrite: value("no-appendfsync-on-rewrite") == "yes",
        }
    }

    /// How the server falls short; `None` if it keeps as much, or too little is known.
    #[must_use]
    pub fn shortfall(&self, facts: &ServerFacts) -> Option<String> {
        let keeping = facts.keeping()?;
        if strength(keeping) < strength(self.keeping) {
            return Some(format!(
                "it runs with {}, {} is {}",
                words(keeping),
                self.preset,
                words(self.keeping)
            ));
        }
        let careless = facts.config("no-appendfsync-on-rewrite") == Some("yes");
        if careless && !self.no_fsync_on_rewrite && strength(self.keeping) > 2 {
            return Some(format!(
                "no-appendfsync-on-rewrite is yes, in {} it is no: while a child runs nothing is fsynced",
                self.preset
            ));
        }
        let rarest = |points: &[(u64, u64)]| points.iter().map(|(secs, _)| *secs).min();
        if keeping == Keeping::Snapshots && self.keeping == Keeping::Snapshots {
            let (here, wanted) = (rarest(&facts.save_points()?)?, rarest(&self.save)?);
            if here > wanted {
                return Some(format!(
                    "it saves after {here} s at the earliest, {} after {wanted} s",
                    self.preset
                ));
            }
        }
        None
    }
}

/// By what a power loss may take.
fn strength(keeping: Keeping) -> u8 {
    match keeping {
        Keeping::Nothing => 0,
        Keeping::Snapshots => 1,
        Keeping::AofNo => 2,
        Keeping::AofEverysec => 3,
        Keeping::AofAlways => 4,
    }
}

/// In plain words.
#[must_use]
pub fn words(keeping: Keeping) -> &'static str {
    match keeping {
        Keeping::Nothing => "no persistence",
        Keeping::Snapshots => "snapshots only",
        Keeping::AofNo => "an AOF that is never fsynced",
        Keeping::AofEverysec => "an AOF fsynced every second",
        Keeping::AofAlways => "an AOF fsynced before each answer",
    }
}

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;

    pub fn facts(info: &[(&str, &str)], config: &[(&str, &str)]) -> ServerFacts {
        let map = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        ServerFacts {
            info: map(info),
            config: map(config),
            file: ConfigFile::default(),
            untouched: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::facts;
    use super::*;

    fn expectation(preset: &str) -> Expectation {
        let preset = Preset::embedded()
            .into_iter()
            .find(|known| known.id == preset);
        Expectation::of(&preset.unwrap())
    }

    #[test]
    fn a_server_that_keeps_less_than_expected_falls_short() {
        let rdb = facts(
            &[("aof_enabled", "0")],
            &[("save", "3600 1 300 100"), ("appendfsync", "everysec")],
        );
        let everysec = facts(
            &[("aof_enabled", "1")],
            &[("save", ""), ("appendfsync", "everysec")],
        );
        let shortfall = expectation("aof-everysec").shortfall(&rdb).unwrap();
        assert!(shortfall.contains("snapshots only"), "{shortfall}");
        assert_eq!(expectation("aof-everysec").shortfall(&everysec), None);
        assert!(expectation("aof-always").shortfall(&everysec).is_some());
        assert_eq!(expectation("rdb-defaults").shortfall(&everysec), None);
        let rare = expectation("rdb-5s").shortfall(&rdb).unwrap();
        assert!(rare.contains("300 s"), "{rare}");
        assert_eq!(
            expectation("aof-always").shortfall(&ServerFacts::default()),
            None
        );
    }

    #[test]
    fn a_configuration_file_tells_what_the_next_start_does() {
        let read = |text: &str| match ConfigFile::parse("/etc/r.conf", text) {
            ConfigFile::Read { appendonly, .. } => Some(appendonly),
            ConfigFile::Unread(_) => None,
        };
        assert_eq!(read("# appendonly yes\nsave 60 1\n"), Some(false));
        assert_eq!(read("appendonly no\nAppendOnly \"yes\"\n"), Some(true));
        assert_eq!(read("appendonly yes\nappendonly no\n"), Some(false));
        assert_eq!(read("appendonly no\ninclude /etc/more.conf\n"), None);
    }

    #[test]
    fn careless_rewrites_fall_short_too() {
        let careless = facts(
            &[("aof_enabled", "1")],
            &[
                ("save", ""),
                ("appendfsync", "always"),
                ("no-appendfsync-on-rewrite", "yes"),
            ],
        );
        assert!(expectation("aof-always").shortfall(&careless).is_some());
    }
}
