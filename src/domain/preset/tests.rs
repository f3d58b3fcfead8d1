//! Presets as people write them, with the errors they get; and the shipped ones held to their word.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const GOOD: &str = "# title: Mine\n# explanation: A preset\n#   of my own.\n# promise process-kill: window 500ms\n\n# a remark\nsave 60 1\nappendonly no\n";

fn errors(text: &str) -> Vec<String> {
    let errors = Preset::parse("mine.conf", text).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_preset_is_its_header_and_its_directives() {
    let preset = Preset::parse("/home/me/mine.conf", GOOD).unwrap();
    assert_eq!(preset.id, "mine");
    assert_eq!(preset.title, "Mine");
    assert_eq!(preset.explanation, "A preset of my own.");
    let window = Duration::from_millis(500);
    assert_eq!(
        preset.promise(FaultKind::ProcessKill),
        Promise::Window { window }
    );
    assert_eq!(preset.promise(FaultKind::Pause), Promise::Everything);
    assert_eq!(preset.directives[0].line, 7);
    assert_eq!(preset.config_text(), GOOD);
}

#[test]
fn windows_line_endings_and_a_byte_order_mark_change_nothing() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(
        Preset::parse("mine.conf", &windows),
        Preset::parse("mine.conf", GOOD)
    );
}

#[test]
fn everything_wrong_is_named_with_its_line_and_what_would_be_right() {
    let text = "# title: Mine\n# explanation: x\n# promise process-kil: nothing\n# promise pause: maybe\n\nappendfsnyc always\nport 6379\nsave 60\nappendonly \"yes\n";
    let errors = errors(text);
    for (error, parts) in errors.iter().zip([
        ["mine.conf:3: ", "process-kill"],
        ["mine.conf:4: ", "since-snapshot"],
        ["mine.conf:6: ", "did you mean appendfsync?"],
        ["mine.conf:7: ", "port has no place in a preset"],
        ["mine.conf:8: ", "it takes pairs of seconds"],
        ["mine.conf:9: ", "the quote \" is never closed"],
    ]) {
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    assert_eq!(errors.len(), 6, "{errors:#?}");
}

#[test]
fn a_missing_header_or_field_is_a_clear_error() {
    assert_eq!(
        errors(""),
        ["mine.conf: the file is empty: a preset has a header and directives"]
    );
    for (text, part) in [
        ("save 60 1\n", "mine.conf:1: the header is missing"),
        (
            "# explanation: x\n\nsave 60 1\n",
            "mine.conf:1: the header has no title",
        ),
        (
            "# title: x\n\nsave 60 1\n",
            "mine.conf:1: the header has no explanation",
        ),
        (
            "# title:\n# explanation: x\n",
            "mine.conf:1: # title: has no value",
        ),
        (
            "# title: x\n# title: y\n# explanation: x\n",
            "mine.conf:2: a second title",
        ),
        (
            "# titel: x\n# explanation: x\n",
            "mine.conf:1: unknown header field \"titel\", did you mean title?",
        ),
        (
            "# title: x\n# explanation: x\n# hello\n",
            "mine.conf:3: \"hello\" is no header line",
        ),
    ] {
        let errors = errors(text);
        assert!(errors[0].starts_with(part), "{errors:#?}");
    }
    let nameless = Preset::parse("über uns.conf", GOOD).unwrap_err();
    assert!(
        nameless[0].message.contains("letters, digits"),
        "{}",
        nameless[0]
    );
}

#[test]
fn the_users_files_stand_over_the_embedded_ones_and_errors_beside_the_good_ones() {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let loaded = load_all(&[
        file("rdb-5s.conf", GOOD),
        file("broken.conf", ""),
        file("new.conf", GOOD),
    ]);
    let ids: Vec<_> = loaded.presets.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids.len(), 10);
    assert_eq!((ids[0], ids[9]), ("rdb-5s", "new"));
    assert_eq!(loaded.presets[0].title, "Mine");
    assert_eq!(loaded.errors.len(), 1);
    assert_eq!(loaded.errors[0].file, "broken.conf");
}

#[test]
fn shipped_presets_say_for_every_fault_exactly_what_their_directives_can_keep() {
    for preset in Preset::embedded() {
        assert_eq!(preset.promises, preset.implied_promises(), "{}", preset.id);
        let names: Vec<_> = preset.directives.iter().map(|d| d.name.as_str()).collect();
        assert!(
            names.contains(&"save") && names.contains(&"appendonly"),
            "{}",
            preset.id
        );
    }
}

#[test]
fn the_values_to_verify_are_those_that_config_get_prints() {
    let text = "# title: x\n# explanation: x\n\nsave 900 1\nMAXMEMORY 100mb\nsave 300 10\nappendonly no\nappendonly YES\n";
    let preset = Preset::parse("x.conf", text).unwrap();
    let expected: Vec<_> = preset.expected_config();
    let expected: Vec<_> = expected.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    assert_eq!(
        expected,
        [
            ("save", "900 1 300 10"),
            ("maxmemory", "104857600"),
            ("appendonly", "yes")
        ]
    );
    let none = Preset::embedded().pop().unwrap();
    assert_eq!(none.expected_config()[0], ("save".into(), String::new()));
}

#[test]
fn plain_words_tell_what_the_directives_come_to() {
    let words = |id: &str| {
        let presets = Preset::embedded();
        presets.iter().find(|p| p.id == id).unwrap().plain_words()
    };
    assert_eq!(
        words("rdb-5s"),
        ["Snapshots after 5 s if at least 1 write", "No AOF"]
    );
    assert_eq!(
        words("aof-everysec-no-fsync-on-rewrite"),
        [
            "No snapshots",
            "Every command is appended to the AOF; fsync once a second",
            "No fsync while a snapshot or an AOF rewrite runs",
            "A rewritten AOF begins with an RDB image",
        ]
    );
    assert_eq!(
        words("none"),
        ["No snapshots", "No AOF", "Nothing is written to disk"]
    );
    assert_eq!(
        words("mixed")[0],
        "Snapshots after 1 hour if at least 1 write, after 5 min if at least 100 writes, after 60 s if at least 10000 writes"
    );
    let memory = import("maxmemory 256mb\nmaxmemory-policy allkeys-lru", "x").preset;
    assert_eq!(
        memory.plain_words()[2],
        "At most 256 MiB of memory; keys are evicted by allkeys-lru, which is no crash loss"
    );
}

#[test]
fn an_import_keeps_persistence_and_memory_and_says_why_it_drops_the_rest() {
    let text = "bind 0.0.0.0\r\nport 6379\r\ndir /var/lib/redis\r\nrequirepass \"s3 cret\"\r\ninclude /etc/redis/more.conf\r\nloadmodule /x.so\r\nreplicaof 10.0.0.1 6379\r\ncluster-enabled yes\r\nlogfile \"\"\r\ndaemonize yes\r\nappenddirname \"a\"\r\ndbfilename dump.rdb\r\n# fine\r\nsave \"\"\r\nsave 900 1\r\nsave 300 10\r\nappendonly yes\r\nappendfsync everysec\r\nappendfsync always\r\nmaxmemory 2gb\r\nfrobnicate 1\r\nrdbcompression perhaps\r\n";
    let Imported { preset, dropped } = import(text, "/etc/redis/redis.conf");
    assert_eq!(preset.id, "imported-redis");
    assert_eq!(preset.title, "Imported from redis.conf");
    assert_eq!(preset.promise(FaultKind::ProcessKill), Promise::Nothing);
    assert_eq!(preset.expected_config()[0].1, "900 1 300 10");
    let lines: Vec<u32> = dropped.iter().map(|d| d.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22]);
    assert!(dropped.iter().all(|d| d.reason.len() > 20));
    // A password must not travel in a reason.
    assert!(!format!("{dropped:?}").contains("s3 cret"));
}

#[test]
fn a_power_cut_is_promised_by_what_is_fsynced_and_when() {
    let promise = |text| {
        let preset = import(text, "x.conf").preset;
        preset.promise(FaultKind::PowerLoss).to_string()
    };
    assert_eq!(promise("save \"\""), "everything");
    assert_eq!(promise("save 60 1"), "since-snapshot");
    assert_eq!(promise("appendonly yes"), "window 2s");
    assert_eq!(promise("appendonly yes\nappendfsync no"), "window 35s");
    let always = "appendonly yes\nappendfsync always\n";
    assert_eq!(promise(always), "nothing");
    // Redis looks at this setting before it looks at the policy.
    let unsynced = format!("{always}no-appendfsync-on-rewrite yes");
    assert_eq!(promise(&unsynced), "window 35s");
}

#[test]
fn an_import_without_a_directive_promises_what_redis_does_by_default() {
    let promise = |text| {
        import(text, "x.conf")
            .preset
            .promise(FaultKind::ProcessKill)
    };
    assert_eq!(promise(""), Promise::SinceSnapshot);
    assert_eq!(promise("save \"\""), Promise::Everything);
    assert_eq!(promise("save 60 1\nsave ''"), Promise::Everything);
    let window = Duration::from_secs(2);
    assert_eq!(promise("appendonly yes"), Promise::Window { window });
    let stop = |text| {
        import(text, "x.conf")
            .preset
            .promise(FaultKind::GracefulStop)
    };
    assert_eq!(stop("shutdown-on-sigterm nosave"), Promise::SinceSnapshot);
    assert_eq!(stop("save ''\nshutdown-on-sigterm save"), Promise::Nothing);
    assert_eq!(
        stop("appendonly yes\nshutdown-on-sigterm nosave now"),
        Promise::Nothing
    );
}

/// Lines that look like a configuration file, and some that do not.
fn lines() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("save"),
        Just("appendonly"),
        Just("APPENDFSYNC"),
        Just("maxmemory"),
        Just("dir"),
        Just("shutdown-on-sigterm"),
        Just("maxmemory-clients"),
        Just("list-max-listpack-size"),
        Just("#"),
    ];
    let value = prop_oneof![
        "[0-9]{1,4} [0-9]{1,3}",
        "(yes|no|always|everysec|nosave force)",
        "-?[0-9]{1,12}(kb|MB|g|%)?",
        "\\PC{0,12}",
        "[\"'].{0,8}[\"']?",
    ];
    let line = prop_oneof![
        (name, value).prop_map(|(name, value)| format!("{name} {value}")),
        "\\PC{0,30}",
        any::<String>(),
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn whatever_is_imported_can_be_read_again_and_drops_nothing_more(text in lines(), name in any::<String>()) {
        let preset = import(&text, &name).preset;
        let again = Preset::parse(&format!("{}.conf", preset.id), &preset.text).unwrap();
        prop_assert_eq!(&again, &preset);
        let second = import(&preset.text, &preset.id);
        prop_assert!(second.dropped.is_empty(), "{:?}", second.dropped);
        prop_assert_eq!(&second.preset.promises, &preset.promises);
        prop_assert_eq!(second.preset.expected_config(), again.expected_config());
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in lines()) {
        let _ = Preset::parse("x.conf", &text);
        let _ = Preset::parse("x.conf", &format!("# title: x\n# explanation: x\n\n{text}"));
    }
}
