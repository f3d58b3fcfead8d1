//! The directives that a preset may carry and the values that Redis takes for them; and why the others
//! have no place in a preset. The one list: whatever is not on it is not passed to a server.

use super::Directive;

/// What a directive's value looks like.
#[derive(Clone, Copy, Debug)]
enum Kind {
    YesNo,
    /// Exactly one of these.
    Choice(&'static [&'static str]),
    /// Any number of these; CONFIG GET prints them in this order.
    Flags(&'static [&'static str]),
    /// Pairs of seconds and changes, or empty.
    SavePoints,
    /// Bytes, with or without a unit.
    Memory,
    /// As `Memory`, or a percentage of `maxmemory`.
    MemoryOrPercent,
    /// A whole number from … to …
    Number(i64, i64),
}

use Kind::{Choice, Flags, Memory, MemoryOrPercent, Number, SavePoints, YesNo};

const MAX: i64 = i64::MAX;
const INT: i64 = i32::MAX as i64;
const SHUTDOWN: Kind = Flags(&["default", "save", "nosave", "now", "force"]);
pub(super) const POLICIES: [&str; 8] = [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

/// From `redis.conf` and `src/config.c` of 6.2 to 8.4. A server that is too old for one says so itself.
const KNOWN: &[(&str, Kind)] = &[
    // Snapshots.
    ("save", SavePoints),
    ("stop-writes-on-bgsave-error", YesNo),
    ("rdbcompression", YesNo),
    ("rdbchecksum", YesNo),
    ("rdb-save-incremental-fsync", YesNo),
    ("rdb-key-save-delay", Number(-INT, INT)),
    ("key-load-delay", Number(-INT, INT)),
    ("sanitize-dump-payload", Choice(&["no", "yes", "clients"])),
    // The append-only file.
    ("appendonly", YesNo),
    ("appendfsync", Choice(&["always", "everysec", "no"])),
    ("no-appendfsync-on-rewrite", YesNo),
    ("auto-aof-rewrite-percentage", Number(0, INT)),
    ("auto-aof-rewrite-min-size", Memory),
    ("aof-load-truncated", YesNo),
    ("aof-load-corrupt-tail-max-size", Memory),
    ("aof-use-rdb-preamble", YesNo),
    ("aof-timestamp-enabled", YesNo),
    ("aof-rewrite-incremental-fsync", YesNo),
    // The end.
    ("shutdown-timeout", Number(0, INT)),
    ("shutdown-on-sigterm", SHUTDOWN),
    ("shutdown-on-sigint", SHUTDOWN),
    // Memory.
    ("maxmemory", Memory),
    ("maxmemory-policy", Choice(&POLICIES)),
    ("maxmemory-samples", Number(1, INT)),
    ("maxmemory-eviction-tenacity", Number(0, 100)),
    ("maxmemory-clients", MemoryOrPercent),
    ("active-expire-effort", Number(1, 10)),
    ("lazyfree-lazy-eviction", YesNo),
    ("lazyfree-lazy-expire", YesNo),
    ("lazyfree-lazy-server-del", YesNo),
    ("lazyfree-lazy-user-del", YesNo),
    ("lazyfree-lazy-user-flush", YesNo),
    ("activerehashing", YesNo),
    // `yes` needs a server built with its own jemalloc: packaged ones would refuse to start.
    ("activedefrag", Choice(&["no"])),
    ("jemalloc-bg-thread", YesNo),
    ("disable-thp", YesNo),
    ("hz", Number(1, 500)),
    ("dynamic-hz", YesNo),
    // How values lie in memory, and so in a snapshot.
    ("list-max-listpack-size", Number(-INT, INT)),
    ("list-max-ziplist-size", Number(-INT, INT)),
    ("list-compress-depth", Number(0, INT)),
    ("hash-max-listpack-entries", Number(0, MAX)),
    ("hash-max-listpack-value", Memory),
    ("hash-max-ziplist-entries", Number(0, MAX)),
    ("hash-max-ziplist-value", Memory),
    ("set-max-intset-entries", Number(0, MAX)),
    ("set-max-listpack-entries", Number(0, MAX)),
    ("set-max-listpack-value", Memory),
    ("zset-max-listpack-entries", Number(0, MAX)),
    ("zset-max-listpack-value", Memory),
    ("zset-max-ziplist-entries", Number(0, MAX)),
    ("zset-max-ziplist-value", Memory),
    ("hll-sparse-max-bytes", Memory),
    ("stream-node-max-bytes", Memory),
    ("stream-node-max-entries", Number(0, MAX)),
];

/// Whether a preset may carry this directive with this value; if not, why, and what it may be instead.
pub(super) fn check(directive: &Directive) -> Result<(), String> {
    normalised(directive).map(|_| ())
}

/// Whether a preset may carry this directive at all.
pub(super) fn is_ours(name: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == name)
}

/// The value as CONFIG GET prints it.
pub(super) fn normalised(directive: &Directive) -> Result<String, String> {
    let Some((_, kind)) = KNOWN.iter().find(|(name, _)| *name == directive.name) else {
        return Err(why_not(&directive.name));
    };
    value(*kind, &directive.value).ok_or_else(|| {
        format!(
            "{} cannot be \"{}\"; it takes {}",
            directive.name,
            directive.value.escape_debug(),
            takes(*kind)
        )
    })
}

fn value(kind: Kind, text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    match kind {
        YesNo => value(Choice(&["yes", "no"]), text),
        Choice(choices) => choices.contains(&lower.as_str()).then_some(lower),
        Flags(flags) => {
            let given: Vec<&str> = lower.split(' ').collect();
            given.iter().all(|flag| flags.contains(flag)).then(|| {
                let in_order = flags.iter().filter(|flag| given.contains(flag));
                in_order.copied().collect::<Vec<_>>().join(" ")
            })
        }
        SavePoints => save_points(text).map(|points| print_save_points(&points)),
        Memory => memory(&lower).map(|bytes| bytes.to_string()),
        MemoryOrPercent => match lower.strip_suffix('%') {
            Some(digits) => number(digits, 0, 100).map(|percent| format!("{percent}%")),
            None => value(Memory, text),
        },
        Number(min, max) => number(&lower, min, max).map(|number| number.to_string()),
    }
}

/// What a directive of this kind takes, for an error message.
fn takes(kind: Kind) -> String {
    match kind {
        YesNo => "yes or no".into(),
        Choice([one]) => format!("{one} only"),
        Choice(choices) | Flags(choices) => choices.join(", "),
        SavePoints => {
            "pairs of seconds (from 1) and changes (from 0), for example 60 1000, or \"\" for no snapshots".into()
        }
        Memory => "bytes or a size such as 100mb".into(),
        MemoryOrPercent => "bytes, a size such as 100mb, or a percentage such as 5%".into(),
        Number(min, MAX | INT) => format!("a whole number from {min}"),
        Number(min, max) => format!("a whole number from {min} to {max}"),
    }
}

fn number(text: &str, min: i64, max: i64) -> Option<i64> {
    // Redis takes no plus sign; Rust would.
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
}

/// Bytes of a size as `memtoull` reads it: k is 1000 and kb is 1024.
fn memory(lower: &str) -> Option<u64> {
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    // Redis keeps these in signed 64 bits.
    let count = u64::try_from(number(digits, 0, MAX)?).ok()?;
    count
        .checked_mul(unit)
        .filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// Seconds and changes.
pub(super) type SavePoint = (u64, u64);

/// The save points of one `save` line; none for `save ""`.
pub(super) fn save_points(text: &str) -> Option<Vec<SavePoint>> {
    let numbers: Vec<u64> = text
        .split_ascii_whitespace()
        .map(|word| number(word, 0, INT).and_then(|n| u64::try_from(n).ok()))
        .collect::<Option<_>>()?;
    let pairs = numbers.chunks_exact(2);
    let whole = pairs.remainder().is_empty();
    let points: Vec<SavePoint> = pairs.map(|pair| (pair[0], pair[1])).collect();
    (whole && points.iter().all(|(secs, _)| *secs >= 1)).then_some(points)
}

pub(super) fn print_save_points(points: &[SavePoint]) -> String {
    let pairs: Vec<String> = points
        .iter()
        .map(|(secs, changes)| format!("{secs} {changes}"))
        .collect();
    pairs.join(" ")
}

/// `, did you mean X?` or nothing.
pub(super) fn did_you_mean<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> String {
    known
        .map(|name| (strsim::damerau_levenshtein(typed, name), name))
        .min()
        // Two typing errors in a short name make another name; in a long one they are still typing errors.
        .filter(|(distance, name)| *distance <= (name.len() / 4).clamp(1, 4))
        .map(|(_, name)| format!(", did you mean {name}?"))
        .unwrap_or_default()
}

/// Why a directive has no place in a preset.
pub(super) fn why_not(name: &str) -> String {
    match reason(name) {
        Some(reason) => format!("{name} has no place in a preset: {reason}"),
        None => {
            let names = KNOWN.iter().map(|(name, _)| *name);
            let guess = did_you_mean(name, names);
            if guess.is_empty() {
                format!(
                    "unknown directive \"{}\"; a preset carries persistence and memory directives: save, appendonly, appendfsync, maxmemory, …",
                    name.escape_debug()
                )
            } else {
                format!("unknown directive \"{}\"{guess}", name.escape_debug())
            }
        }
    }
}

/// Directives of Redis that are none of a preset's, by name or by beginning.
fn reason(name: &str) -> Option<&'static str> {
    const PATHS: &str = "the drill gives every server a directory of its own";
    const ADDRESS: &str = "the drill listens on an address of its own, on loopback";
    const ACCESS: &str = "the drill sets its own password or none";
    const MODULES: &str = "a module can do anything, and the drill would not know what";
    const REPLICATION: &str = "the drill's server stands alone";
    const CLIENTS: &str = "it governs clients, not what a crash takes";
    const LOGS: &str = "the drill keeps the server's log itself";
    const PROCESS: &str = "the drill starts and watches the process itself";
    const DIAGNOSTICS: &str = "it measures, and takes no part in what a crash takes";
    let exact = match name {
        "dir" | "dbfilename" | "appenddirname" | "appendfilename" => PATHS,
        "bind" | "bind-source-addr" | "port" | "unixsocket" | "unixsocketperm"
        | "protected-mode" | "socket-mark-id" | "tcp-backlog" => ADDRESS,
        "requirepass" | "masterauth" | "masteruser" | "user" | "aclfile" | "acllog-max-len"
        | "acl-pubsub-default" => ACCESS,
        "rename-command" => "the drill needs the commands under their own names",
        "include" => "it names a file of another machine; import that file by itself",
        "loadmodule" | "loadmodule-ex" => MODULES,
        "daemonize"
        | "pidfile"
        | "supervised"
        | "set-proc-title"
        | "proc-title-template"
        | "always-show-logo" => PROCESS,
        "logfile" | "loglevel" => LOGS,
        "databases" => "the drill writes to database 0",
        "timeout"
        | "tcp-keepalive"
        | "maxclients"
        | "io-threads"
        | "io-threads-do-reads"
        | "tracking-table-max-keys"
        | "proto-max-bulk-len"
        | "notify-keyspace-events"
        | "lua-time-limit"
        | "busy-reply-threshold"
        | "latency-tracking"
        | "latency-tracking-info-percentiles" => CLIENTS,
        "latency-monitor-threshold"
        | "crash-log-enabled"
        | "crash-memcheck-enabled"
        | "ignore-warnings" => DIAGNOSTICS,
        "rdb-del-sync-files"
        | "lazyfree-lazy-replica-flush"
        | "slave-lazy-flush"
        | "replica-lazy-flush"
        | "slaveof"
        | "replicaof" => REPLICATION,
        "server-cpulist"
        | "server_cpulist"
        | "bio_cpulist"
        | "aof_rewrite_cpulist"
        | "bgsave_cpulist"
        | "oom-score-adj"
        | "oom-score-adj-values" => "it is made for the machine it came from",
        "locale-collate" => "it sorts text, and takes no part in what a crash takes",
        _ => "",
    };
    const BEGINNINGS: [(&str, &str); 12] = [
        (
            "active-defrag-",
            "defragmentation needs a server built with its own jemalloc",
        ),
        ("client-", CLIENTS),
        ("cluster-", REPLICATION),
        ("enable-", ACCESS),
        ("io-", CLIENTS),
        ("min-replicas-", REPLICATION),
        ("min-slaves-", REPLICATION),
        ("repl", REPLICATION),
        ("sentinel", REPLICATION),
        ("slave-", REPLICATION),
        ("slowlog-", DIAGNOSTICS),
        ("syslog-", LOGS),
    ];
    if !exact.is_empty() {
        return Some(exact);
    }
    if name.starts_with("tls-") {
        return Some(ADDRESS);
    }
    let beginning = BEGINNINGS.iter().find(|(start, _)| name.starts_with(start));
    beginning.map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(name: &str, value: &str) -> Result<String, String> {
        normalised(&Directive {
            name: name.into(),
            value: value.into(),
            line: 1,
        })
    }

    #[test]
    fn values_are_printed_as_config_get_prints_them() {
        // Each pair was read from redis-server 7.0.15.
        for (name, value, printed) in [
            ("save", "3600 1", "3600 1"),
            ("save", "", ""),
            ("maxmemory", "100Mb", "104857600"),
            ("maxmemory", "1k", "1000"),
            ("maxmemory-clients", "5%", "5%"),
            ("maxmemory-policy", "AllKeys-LRU", "allkeys-lru"),
            ("hash-max-ziplist-value", "1kb", "1024"),
            ("shutdown-on-sigterm", "force NOSAVE", "nosave force"),
            ("list-max-listpack-size", "-2", "-2"),
            ("appendonly", "YES", "yes"),
        ] {
            assert_eq!(
                normal(name, value).as_deref(),
                Ok(printed),
                "{name} {value}"
            );
        }
    }

    #[test]
    fn values_that_redis_refuses_are_refused_with_what_it_takes() {
        for (name, value, part) in [
            ("save", "60", "pairs of seconds"),
            ("save", "0 1", "pairs of seconds"),
            ("save", "60 -1", "pairs of seconds"),
            ("appendonly", "maybe", "yes or no"),
            ("appendfsync", "sometimes", "always, everysec, no"),
            ("maxmemory", "100tb", "100mb"),
            ("maxmemory", "99999999999gb", "100mb"),
            ("maxmemory", "", "100mb"),
            ("maxmemory-policy", "lru", "allkeys-lru"),
            ("maxmemory-samples", "+5", "a whole number from 1"),
            ("activedefrag", "yes", "no only"),
        ] {
            let error = normal(name, value).unwrap_err();
            assert!(error.contains(part), "{error}");
            assert!(error.contains(&format!("\"{value}\"")), "{error}");
        }
    }

    #[test]
    fn a_typing_error_is_answered_with_the_closest_name() {
        for (typed, meant) in [
            ("appendfsnyc", "appendfsync"),
            ("safe", "save"),
            ("apendonly", "appendonly"),
            ("max-memory", "maxmemory"),
        ] {
            let error = normal(typed, "yes").unwrap_err();
            assert!(
                error.ends_with(&format!("did you mean {meant}?")),
                "{error}"
            );
        }
        let error = normal("frobnicate", "yes").unwrap_err();
        assert!(error.contains("persistence and memory"), "{error}");
    }

    #[test]
    fn a_directive_of_redis_that_is_none_of_a_presets_is_named_as_such() {
        for name in [
            "dir",
            "port",
            "tls-port",
            "replicaof",
            "cluster-enabled",
            "slowlog-max-len",
        ] {
            let error = normal(name, "x").unwrap_err();
            assert!(
                error.starts_with(&format!("{name} has no place in a preset: ")),
                "{error}"
            );
        }
    }
}
