//! Judges a survey: what each session's TTL and the server's state say, and all findings in the order of badness.

use std::time::Duration;

use super::finding::{Finding, Kind, Severity, Trouble, severity_of, severity_of_trouble};
use super::mark::Mark;
use super::server::{ConfigFile, Expectation, ServerFacts};
use super::survey::{Survey, Ttl};
use crate::domain::preset::Keeping;

/// What the user says should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long a session lives after its last message.
    pub ttl: Option<Duration>,
    pub expect: Option<Expectation>,
}

/// A TTL may differ from the policy by this share before it is called far.
const TTL_TOLERANCE: f64 = 0.1;
/// And by this much in any case: clocks, retries, slow jobs.
const TTL_SLACK: Duration = Duration::from_secs(60);
/// Above this share of maxmemory, eviction is near.
const NEARLY_FULL: f64 = 0.9;
/// A snapshot is overdue at this multiple of its save point's time.
const OVERDUE: u64 = 2;

/// Marks sessions by TTL and eviction, and tells all findings, the worst first. Can be called again with another
/// policy.
pub fn judge(survey: &mut Survey, facts: &ServerFacts, policy: &Policy) -> Vec<Finding> {
    for mark in [Mark::NoTtl, Mark::TtlFar, Mark::Evictable] {
        survey.unmark(mark);
    }
    mark_ttls(survey, policy.ttl);
    mark_evictable(survey, facts);
    let mut findings = sessions(survey);
    findings.extend(server(survey, facts, policy));
    findings.sort_by_key(|finding| {
        (
            std::cmp::Reverse(finding.severity),
            std::cmp::Reverse(finding.sessions),
            finding.kind,
        )
    });
    findings
}

fn sessions(survey: &Survey) -> Vec<Finding> {
    let mut counts = [0u64; Mark::ALL.len()];
    for row in &survey.rows {
        row.marks.iter().for_each(|mark| counts[mark as usize] += 1);
    }
    let found = Mark::ALL
        .into_iter()
        .filter(|mark| counts[*mark as usize] > 0);
    found
        .map(|mark| Finding {
            kind: Kind::Sessions(mark),
            severity: severity_of(mark),
            sessions: counts[mark as usize],
            seen: format!("{} of {} sessions", counts[mark as usize], survey.sessions),
        })
        .collect()
}

fn mark_ttls(survey: &mut Survey, policy: Option<Duration>) {
    let rows = || survey.rows.iter().filter(|row| row.session);
    let with = rows()
        .filter(|row| matches!(row.ttl(), Ttl::Left(_)))
        .count();
    let without = rows().filter(|row| row.ttl() == Ttl::Forever).count();
    let most_have = with > without;
    for number in 0..survey.rows.len() {
        let row = &survey.rows[number];
        let ttl = row.ttl();
        let last_at = row.last_at_secs;
        if !row.session {
            continue;
        }
        let number = number as u32;
        match (ttl, policy) {
            (Ttl::Forever, Some(policy)) => survey.mark(number, Mark::NoTtl, || {
                format!("it lives for ever, the policy is {}", words(policy))
            }),
            (Ttl::Forever, None) if most_have => survey.mark(number, Mark::NoTtl, || {
                format!("{with} of {} sessions have one", with + without)
            }),
            (Ttl::Left(left), Some(policy)) => {
                let age = (last_at > 0).then(|| survey.began_millis / 1000 - i64::from(last_at));
                if let Some(words) = far(left, policy, age) {
                    survey.mark(number, Mark::TtlFar, || words);
                }
            }
            _ => {}
        }
    }
}

/// A TTL counts down from the last refresh. More than the policy was never set by it; less than the policy minus
/// the age of the last message was set by something shorter, since appending refreshes.
fn far(left: Duration, policy: Duration, age_secs: Option<i64>) -> Option<String> {
    let slack = policy.mul_f64(TTL_TOLERANCE).max(TTL_SLACK.min(policy / 2));
    if left > policy + slack {
        return Some(format!(
            "{} are left, the policy is {}",
            words(left),
            words(policy)
        ));
    }
    let age = Duration::from_secs(u64::try_from(age_secs?).ok()?);
    let least = policy.checked_sub(age)?.checked_sub(slack)?;
    (left < least).then(|| {
        format!(
            "{} are left {} after its last message, the policy is {}",
            words(left),
            words(age),
            words(policy)
        )
    })
}

/// `7 d`, `4 h 20 min`, `35 s`.
#[must_use]
pub fn words(time: Duration) -> String {
    let secs = time.as_secs();
    let two = |a: u64, unit: &str, b: u64, small: &str| match b {
        0 => format!("{a} {unit}"),
        b => format!("{a} {unit} {b} {small}"),
    };
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => two(secs / 60, "min", secs % 60, "s"),
        3600..86_400 => two(secs / 3600, "h", secs % 3600 / 60, "min"),
        _ => two(secs / 86_400, "d", secs % 86_400 / 3600, "h"),
    }
}

fn mark_evictable(survey: &mut Survey, facts: &ServerFacts) {
    let policy = facts.policy().to_owned();
    if facts.fullness().is_none() || policy.is_empty() || policy == "noeviction" {
        return;
    }
    let volatile = policy.starts_with("volatile");
    for number in 0..survey.rows.len() {
        let row = &survey.rows[number];
        if row.session && (!volatile || matches!(row.ttl(), Ttl::Left(_))) {
            survey.mark(number as u32, Mark::Evictable, || {
                format!("maxmemory-policy is {policy}")
            });
        }
    }
}

fn server(survey: &Survey, facts: &ServerFacts, policy: &Policy) -> Vec<Finding> {
    let mut found: Vec<(Trouble, String)> = Vec::new();
    persistence(survey, facts, policy, &mut found);
    disk(facts, survey.began_millis / 1000, &mut found);
    memory(facts, &mut found);
    if facts.is_cluster() {
        found.push((Trouble::Cluster, "cluster_enabled is 1".into()));
    }
    if facts.role() == "slave" {
        let host = format!(
            "{}:{}",
            facts.text("master_host"),
            facts.text("master_port")
        );
        found.push((Trouble::Replica, format!("its master is {host}")));
    }
    found
        .into_iter()
        .map(|(trouble, seen)| Finding {
            kind: Kind::Server(trouble),
            severity: severity_of_trouble(trouble),
            sessions: 0,
            seen,
        })
        .collect()
}

fn persistence(
    survey: &Survey,
    facts: &ServerFacts,
    policy: &Policy,
    found: &mut Vec<(Trouble, String)>,
) {
    let short = policy
        .expect
        .as_ref()
        .and_then(|expect| expect.shortfall(facts));
    if let Some(short) = short {
        found.push((Trouble::WeakerThanExpected, short));
    }
    let keeping = facts.keeping();
    let aof = facts.aof() == Some(true);
    match keeping {
        Some(Keeping::Nothing) => found.push((
            Trouble::NoPersistence,
            "appendonly is no and there are no save points".into(),
        )),
        Some(Keeping::Snapshots) if !survey.rows.is_empty() => {
            found.push(at_restart(survey.rows.len(), &facts.file));
        }
        _ => {}
    }
    let fsyncs = matches!(keeping, Some(Keeping::AofAlways | Keeping::AofEverysec));
    if fsyncs && facts.config("no-appendfsync-on-rewrite") == Some("yes") {
        let seen = "no-appendfsync-on-rewrite is yes".into();
        found.push((Trouble::FsyncSkipped, seen));
    }
    let rewriting =
        facts.text("aof_rewrite_in_progress") == "1" || facts.text("aof_rewrite_scheduled") == "1";
    let failed = facts.text("aof_last_bgrewrite_status") == "err";
    let points = facts.save_points().unwrap_or_default();
    if aof && facts.number("aof_base_size") == Some(0) && (rewriting || failed) {
        let seen = if failed {
            "the first rewrite failed"
        } else {
            "the first rewrite runs"
        };
        found.push((Trouble::AofWithoutBase, seen.into()));
    } else if aof && survey.rows.is_empty() && survey.stopped.is_none() && !points.is_empty() {
        let up = Duration::from_secs(facts.count("uptime_in_seconds"));
        let seen = format!("no key, {} after its start", words(up));
        found.push((Trouble::EmptyWithAof, seen));
    }
}

/// Whether the next restart falls into the trap is certain only where the file can be read that it goes by.
fn at_restart(keys: usize, file: &ConfigFile) -> (Trouble, String) {
    let kept = format!("{keys} keys are kept by snapshots only");
    match file {
        ConfigFile::Read {
            path,
            appendonly: true,
        } => (
            Trouble::AofAtRestart,
            format!("{kept}, and {path} says appendonly yes"),
        ),
        ConfigFile::Read { path, .. } => (
            Trouble::SwitchToAof,
            format!("{kept}; {path} does not turn the AOF on"),
        ),
        ConfigFile::Unread(why) => (
            Trouble::SwitchToAof,
            format!(
                "{kept}; whether the server's configuration file says appendonly yes is not known: {why}"
            ),
        ),
    }
}

fn disk(facts: &ServerFacts, now_secs: i64, found: &mut Vec<(Trouble, String)>) {
    let failed = |name: &str| facts.text(name) == "err";
    if failed("rdb_last_bgsave_status") {
        found.push((
            Trouble::SnapshotFailed,
            "rdb_last_bgsave_status is err".into(),
        ));
    }
    if failed("aof_last_write_status") {
        found.push((
            Trouble::AofWriteFailed,
            "aof_last_write_status is err".into(),
        ));
    }
    if failed("aof_last_bgrewrite_status") {
        found.push((
            Trouble::RewriteFailed,
            "aof_last_bgrewrite_status is err".into(),
        ));
    }
    if let Some(seen) = overdue(facts, now_secs) {
        found.push((Trouble::SnapshotOverdue, seen));
    }
    let delayed = facts.count("aof_delayed_fsync");
    if delayed > 0 {
        found.push((
            Trouble::FsyncDelayed,
            format!("aof_delayed_fsync is {delayed}"),
        ));
    }
    let (pending, buffer) = (
        facts.count("aof_pending_bio_fsync"),
        facts.count("aof_buffer_length"),
    );
    if pending > 0 && buffer > 0 {
        found.push((
            Trouble::FsyncPending,
            format!("{buffer} bytes wait in the server's buffer"),
        ));
    }
}

/// Redis saves when as many changes have come together and the last save is as long ago; `server.c`, serverCron.
fn overdue(facts: &ServerFacts, now_secs: i64) -> Option<String> {
    if facts.text("rdb_bgsave_in_progress") == "1" {
        return None;
    }
    let last = i64::try_from(facts.number("rdb_last_save_time")?).ok()?;
    let age = u64::try_from(now_secs - last).ok()?;
    let changes = facts.count("rdb_changes_since_last_save");
    let missed = facts
        .save_points()?
        .into_iter()
        .find(|(secs, least)| changes >= *least && age > secs * OVERDUE)?;
    Some(format!(
        "{changes} changes in {}, and there is a save point at {} changes in {}",
        words(Duration::from_secs(age)),
        missed.1,
        words(Duration::from_secs(missed.0))
    ))
}

fn memory(facts: &ServerFacts, found: &mut Vec<(Trouble, String)>) {
    let policy = facts.policy();
    let evicted = facts.count("evicted_keys");
    if evicted > 0 {
        found.push((
            Trouble::Evicted,
            format!("{evicted} since the server's start, policy {policy}"),
        ));
    }
    let Some(fullness) = facts.fullness() else {
        return;
    };
    if fullness > NEARLY_FULL {
        let seen = format!("{:.0} % of maxmemory, policy {policy}", fullness * 100.0);
        found.push((Trouble::NearlyFull, seen));
    }
    if policy == "noeviction" {
        let seen = format!("maxmemory is {}", facts.count("maxmemory"));
        found.push((Trouble::RefusesWhenFull, seen));
    } else if policy.ends_with("lru") && !facts.untouched {
        found.push((Trouble::TouchedByReading, format!("policy {policy}")));
    }
}

/// The worst of several findings.
#[must_use]
pub fn worst(findings: &[Finding]) -> Option<Severity> {
    findings.iter().map(|finding| finding.severity).max()
}

#[cfg(test)]
mod tests {
    use super::super::server::fixture::facts;
    use super::super::survey::fixture;
    use super::*;

    fn kinds(findings: &[Finding]) -> Vec<Kind> {
        findings.iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn the_odd_one_out_has_no_ttl() {
        let mut survey = fixture::survey(&[
            ("a", Some(60), &[1]),
            ("b", Some(60), &[1]),
            ("c", None, &[1]),
        ]);
        let findings = judge(&mut survey, &ServerFacts::default(), &Policy::default());
        assert_eq!(kinds(&findings), [Kind::Sessions(Mark::NoTtl)]);
        assert!(survey.rows[2].marks.has(Mark::NoTtl));
        assert_eq!(
            survey.detail(2, Mark::NoTtl),
            Some("2 of 3 sessions have one")
        );

        let mut all = fixture::survey(&[("a", None, &[1]), ("b", None, &[1])]);
        assert!(judge(&mut all, &ServerFacts::default(), &Policy::default()).is_empty());
    }

    #[test]
    fn a_ttl_is_held_against_the_policy_and_the_last_message() {
        let day = Duration::from_secs(86_400);
        let hour = Duration::from_secs(3600);
        assert_eq!(far(day, day, None), None);
        assert!(far(2 * day, day, None).is_some(), "longer than it can be");
        assert_eq!(far(hour, day, None), None, "it may have been counting down");
        assert_eq!(far(hour, day, Some(82_800)), None);
        assert!(
            far(hour, day, Some(600)).is_some(),
            "the last message is ten minutes old"
        );
        assert!(far(Duration::from_secs(1), Duration::from_secs(2), Some(0)).is_none());
        assert_eq!(words(7 * day), "7 d");
        assert_eq!(words(hour + Duration::from_secs(1200)), "1 h 20 min");
    }

    #[test]
    fn the_servers_own_words_are_findings() {
        let mut survey = fixture::survey(&[("a", None, &[1])]);
        let now = survey.began_millis / 1000;
        let ill = facts(
            &[
                ("aof_enabled", "1"),
                ("aof_last_write_status", "err"),
                ("aof_delayed_fsync", "3"),
                ("aof_pending_bio_fsync", "1"),
                ("aof_buffer_length", "512"),
                ("rdb_last_bgsave_status", "err"),
                ("rdb_last_save_time", &(now - 500).to_string()),
                ("rdb_changes_since_last_save", "7"),
                ("evicted_keys", "4"),
                ("maxmemory", "100"),
                ("used_memory", "95"),
                ("maxmemory_policy", "allkeys-lru"),
            ],
            &[
                ("appendfsync", "always"),
                ("no-appendfsync-on-rewrite", "yes"),
                ("save", "60 1"),
            ],
        );
        let findings = judge(&mut survey, &ill, &Policy::default());
        assert_eq!(worst(&findings), Some(Severity::Bad));
        for trouble in [
            Trouble::AofWriteFailed,
            Trouble::SnapshotFailed,
            Trouble::SnapshotOverdue,
            Trouble::FsyncDelayed,
            Trouble::FsyncPending,
            Trouble::FsyncSkipped,
            Trouble::Evicted,
            Trouble::NearlyFull,
            Trouble::TouchedByReading,
        ] {
            assert!(
                kinds(&findings).contains(&Kind::Server(trouble)),
                "{trouble:?}"
            );
        }
        assert!(kinds(&findings).contains(&Kind::Sessions(Mark::Evictable)));
    }

    #[test]
    fn a_sound_server_gives_no_finding() {
        let mut survey = fixture::survey(&[("a", None, &[1])]);
        let now = survey.began_millis / 1000;
        let sound = facts(
            &[
                ("aof_enabled", "1"),
                ("aof_last_write_status", "ok"),
                ("rdb_last_bgsave_status", "ok"),
                ("rdb_last_save_time", &(now - 70).to_string()),
                ("rdb_changes_since_last_save", "7"),
                ("maxmemory", "0"),
                ("maxmemory_policy", "noeviction"),
            ],
            &[("appendfsync", "everysec"), ("save", "60 1")],
        );
        assert_eq!(judge(&mut survey, &sound, &Policy::default()), []);
    }

    #[test]
    fn the_trap_of_switching_to_aof_is_seen_before_and_after() {
        let mut survey = fixture::survey(&[("a", None, &[1])]);
        let rdb = facts(&[("aof_enabled", "0")], &[("save", "60 1")]);
        let findings = judge(&mut survey, &rdb, &Policy::default());
        assert_eq!(kinds(&findings), [Kind::Server(Trouble::SwitchToAof)]);
        assert!(findings[0].seen.contains("is not known"), "{findings:?}");
        let mut certain = rdb.clone();
        certain.file = ConfigFile::parse("/etc/r.conf", "appendonly yes");
        let findings = judge(&mut survey, &certain, &Policy::default());
        assert_eq!(kinds(&findings), [Kind::Server(Trouble::AofAtRestart)]);
        assert_eq!(findings[0].severity, Severity::Bad);
        let fallen = facts(
            &[("aof_enabled", "1"), ("uptime_in_seconds", "5")],
            &[("save", "60 1"), ("appendfsync", "everysec")],
        );
        let mut empty = Survey::default();
        let findings = judge(&mut empty, &fallen, &Policy::default());
        assert_eq!(kinds(&findings), [Kind::Server(Trouble::EmptyWithAof)]);
    }
}
