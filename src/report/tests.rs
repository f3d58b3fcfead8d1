//! The same run in every format: same sentences, nothing of others that means anything, bounded size.

use std::path::Path;

use super::fixture;
use super::*;
use crate::domain::event::{DrillEvent, TimedEvent};
use crate::domain::fault::{FaultKind, PersistenceInfo};
use crate::domain::op::Micros;
use crate::domain::verdict::{Class, Ground, SessionState, Verdict};

fn text(format: Format, record: &RunRecord) -> String {
    String::from_utf8(render(format, record)).unwrap()
}

fn json(record: &RunRecord) -> serde_json::Value {
    serde_json::from_slice(&render(Format::Json, record)).unwrap()
}

fn records() -> Vec<RunRecord> {
    vec![
        fixture::small(),
        fixture::violated(),
        fixture::empty(),
        fixture::hole(),
        fixture::streamed(3000),
        fixture::with_acts(),
        fixture::power_loss(),
    ]
}

#[test]
fn a_file_name_asks_for_a_format_or_is_told_which_there_are() {
    assert_eq!(Format::from_path(Path::new("a/out.HTML")), Ok(Format::Html));
    assert_eq!(Format::from_path(Path::new("junit.xml")), Ok(Format::Junit));
    let error = Format::from_path(Path::new("out.pdf")).unwrap_err();
    assert!(
        error.contains("out.pdf ends in .pdf") && error.contains(".csv"),
        "{error}"
    );
    let error = Format::from_path(Path::new("out")).unwrap_err();
    assert!(error.contains("has no ending"), "{error}");
}

#[test]
fn every_format_quotes_the_same_verdict_and_the_same_loss() {
    for record in records() {
        for sentence in [
            wording::verdict_sentence(&record),
            wording::loss_sentence(&record),
        ] {
            for format in [Format::Html, Format::Markdown, Format::Json, Format::Junit] {
                let report = text(format, &record);
                assert!(report.contains(&sentence), "{format:?} lacks: {sentence}");
            }
        }
    }
}

#[test]
fn loss_and_promise_are_two_statements() {
    let record = fixture::small();
    assert_eq!(
        wording::verdict_sentence(&record),
        "Held: 3 messages vanished, as this preset allows"
    );
    assert_eq!(
        wording::loss_sentence(&record),
        "3 of 8 acknowledged messages vanished, the oldest 2.2 s before the fault"
    );
    assert_eq!(
        wording::promise_sentence(&record.judgement.faults[0]),
        "As this preset allows: a process kill may take everything acknowledged since the last finished snapshot began"
    );
    assert_eq!(
        wording::why_sentence(&record, 0).unwrap(),
        "Redis came back to the snapshot that began 3.2 s before the kill"
    );
    assert_eq!(
        wording::lanes_sentence(&record),
        "Of 4 sessions, 1 vanished, 1 lost its tail and 2 are intact"
    );
    assert_eq!(
        wording::verdict_sentence(&fixture::violated()),
        "Violated: 3 messages vanished that this preset promised to keep"
    );
    assert_eq!(
        wording::grounds(&fixture::violated()),
        [
            "Promise broken: a process kill may take nothing that was acknowledged, and 3 of 3 lost messages lie outside that"
        ]
    );
    assert_eq!(
        wording::verdict_sentence(&fixture::empty()),
        "Inconclusive: nothing was acknowledged, so there is nothing to judge"
    );
}

/// A record of one preset and fault in which `lost` says whether the last three are gone.
fn drill(preset: &str, kind: FaultKind, lost: bool) -> RunRecord {
    let mut record = fixture::small();
    let base = fixture::plan(preset, FaultKind::ProcessKill);
    record.plan.preset = base.preset;
    record.plan.fault.kind = kind;
    record.plan.fault.grace = std::time::Duration::from_secs(1);
    let history = std::sync::Arc::make_mut(&mut record.history);
    history.faults[0].fault = record.plan.fault;
    record.judgement.faults[0].fault = kind;
    if !lost {
        record.judgement.faults[0].lost = 0;
        record.judgement.counts.lost = 0;
    }
    record
}

#[test]
fn the_reason_is_the_mechanism_that_took_or_kept_the_messages() {
    use FaultKind::{ContainerRemovedWithVolume, GracefulStop, Pause, ProcessKill};
    for (preset, kind, lost, part) in [
        (
            "aof-everysec",
            ProcessKill,
            false,
            "already in the page cache",
        ),
        ("aof-no", ProcessKill, false, "already in the page cache"),
        ("aof-always", ProcessKill, false, "only after the fsync"),
        (
            "aof-always",
            ProcessKill,
            true,
            "does not explain this loss",
        ),
        (
            "aof-everysec",
            ProcessKill,
            true,
            "40 ms before the kill, did not show one yet",
        ),
        ("none", ProcessKill, true, "died with the process"),
        ("rdb-5s", GracefulStop, false, "wrote a last snapshot first"),
        ("none", GracefulStop, true, "no save points"),
        ("none", Pause, false, "frozen for 3 s"),
        ("mixed", ContainerRemovedWithVolume, true, "empty directory"),
    ] {
        let why = wording::why_sentence(&drill(preset, kind, lost), 0).unwrap();
        assert!(why.contains(part), "{preset} {kind} {lost}: {why}");
    }
}

#[test]
fn a_power_cut_is_told_with_what_the_disk_had_not_fsynced() {
    let record = fixture::power_loss();
    let why = wording::why_sentence(&record, 0).unwrap();
    assert!(
        why.starts_with(
            "Redis had answered 3 writes that the disk had not fsynced; an fsync that began 2.2 s before the cut had not ended"
        ),
        "{why}"
    );
    for format in [Format::Html, Format::Markdown, Format::Junit] {
        let report = text(format, &record);
        assert!(report.contains("and hit it at 9.200 s"), "{format:?}");
    }
    let page = text(Format::Html, &record);
    assert!(page.contains("counted on the faulty disk") && page.contains("class=\"cut-gap\""));
    let report = json(&record);
    assert_eq!(report["faults"][0]["disk"]["answered_not_durable"], 3);
    assert_eq!(
        report["faults"][0]["disk"]["cut"]["files"][0]["dropped_bytes"],
        640
    );
    assert_eq!(report["faults"][0]["moment"]["aimed"], "fsync-late=2000ms");
    assert_eq!(report["ladder"]["exact"], true);
    assert_eq!(report["plan"]["conditions"]["disk"]["metadata"], "ordered");
}

#[test]
fn conditions_that_widen_a_loss_are_named_with_it() {
    use crate::domain::disk::{FsyncDelay, Metadata};
    let mut record = fixture::power_loss();
    let why = |record: &RunRecord| wording::why_sentence(record, 0).unwrap();

    let by = std::time::Duration::from_secs(3);
    record.plan.disk.as_mut().unwrap().fsync_delay = FsyncDelay::Constant { by };
    assert!(why(&record).contains("not one second when fsync is slow"));

    let history = std::sync::Arc::make_mut(&mut record.history);
    let disk = history.faults[0].disk.as_mut().unwrap();
    disk.cut.as_mut().unwrap().undone_names = vec!["create appendonlydir".into()];
    record.plan.disk.as_mut().unwrap().metadata = Metadata::Strict;
    assert!(why(&record).contains("never fsyncs the directory above its appendonlydir"));

    let mut record = fixture::power_loss();
    record.plan.preset =
        fixture::plan("aof-everysec-no-fsync-on-rewrite", FaultKind::PowerLoss).preset;
    let history = std::sync::Arc::make_mut(&mut record.history);
    let before = history.faults[0].before.as_mut().unwrap();
    before.aof_rewrite_in_progress = true;
    assert!(why(&record).contains("nothing was fsynced while a snapshot or a rewrite ran"));
}

#[test]
fn a_kill_that_takes_what_waited_in_memory_is_told_to_the_message() {
    let mut record = fixture::power_loss();
    record.plan.fault.kind = FaultKind::ProcessKill;
    let history = std::sync::Arc::make_mut(&mut record.history);
    history.faults[0].fault.kind = FaultKind::ProcessKill;
    history.faults[0]
        .disk
        .as_mut()
        .unwrap()
        .answered_not_written = 3;
    record.judgement.faults[0].fault = FaultKind::ProcessKill;
    let why = wording::why_sentence(&record, 0).unwrap();
    assert!(
        why.starts_with("Redis had answered 3 writes that were in its own memory only: an fsync that began 2.2 s before the kill"),
        "{why}"
    );
}

#[test]
fn an_fsync_in_flight_and_a_grace_that_ran_out_are_named() {
    let mut record = drill("mixed", FaultKind::ProcessKill, true);
    std::sync::Arc::make_mut(&mut record.history).faults[0].before = Some(PersistenceInfo {
        aof_pending_bio_fsync: 1,
        aof_buffer_length: 12_345,
        ..PersistenceInfo::default()
    });
    let why = wording::why_sentence(&record, 0).unwrap();
    assert!(why.contains("12,345 bytes were in its own memory"), "{why}");

    let mut record = drill("rdb-5s", FaultKind::GracefulStop, true);
    std::sync::Arc::make_mut(&mut record.history).faults[0].escalated = true;
    let why = wording::why_sentence(&record, 0).unwrap();
    assert_eq!(
        why,
        "The final save outlived the grace of 1 s, so SIGKILL came"
    );

    let mut record = drill("rdb-5s", FaultKind::GracefulStop, true);
    let text = "save 5 1\nshutdown-on-sigterm nosave";
    record.plan.preset = crate::domain::preset::import(text, "x.conf").preset;
    let why = wording::why_sentence(&record, 0).unwrap();
    assert!(
        why.starts_with("Redis is told not to save when it stops; Redis came back"),
        "{why}"
    );
}

#[test]
fn json_has_what_a_script_asks_for_at_its_top_level() {
    let report = json(&fixture::small());
    assert_eq!(report["schema"], "crashdrill.report/1");
    assert_eq!(report["verdict"], "held");
    assert_eq!(report["counts"]["lost"], 3);
    assert_eq!(report["counts"]["acked"], 8);
    assert_eq!(report["loss_window_secs"], 2.199);
    assert_eq!(report["sessions"]["tail_lost"], 1);
    assert_eq!(report["sessions"]["vanished"], 1);
    assert_eq!(report["cut"]["kind"], "clean");
    assert_eq!(report["lost"][0]["seqs"], serde_json::json!([[3, 4]]));
    assert_eq!(report["lost"][1]["key"], "session:00002:messages");
}

#[test]
fn second_acts_are_told_in_every_format_with_their_numbers() {
    let record = fixture::with_acts();
    let sentences = [
        "The network lost 16 answers on purpose",
        "flipped at byte 21,780: 0x72 became 0x52",
        "removed 1,100 bytes of the AOF; the server starts again, 500 of 585 acknowledged messages are saved and 85 are gone for good",
        "A process kill would have left: none of 585 acknowledged messages lost; a power cut: Redis refuses to start",
        "Had the power failed at 8.412 s: not tried: no port",
        "over 3 possible ends of the AOF a power cut would have lost between 0 and 7 acknowledged messages, and on 1 of them Redis refuses to start",
    ];
    let html = text(Format::Html, &record);
    // Only punctuation that markdown would read as its own is escaped.
    let markdown = text(Format::Markdown, &record).replace('\\', "");
    for sentence in sentences {
        assert!(html.contains(sentence), "{sentence}");
        assert!(markdown.contains(sentence), "{sentence}\n{markdown}");
    }
    assert!(html.contains("Bad &lt;file&gt; format") && !html.contains("<file>"));
    let acts = json(&record)["acts"].clone();
    let names: Vec<_> = acts.as_array().unwrap().iter().map(|a| &a["act"]).collect();
    let expected = [
        "network", "network", "damage", "repair", "compare", "what_if", "tail_cut",
    ];
    assert_eq!(names, expected);
    assert_eq!(acts[0]["replies_lost"], 16);
    assert_eq!(acts[4]["findings"][1]["words"][0], "Bad <file> format");
    assert_eq!(acts[6]["findings"][1]["cut_at_bytes"], 200);
    // Without an act there is no section of theirs.
    assert!(!text(Format::Html, &fixture::small()).contains("Second acts"));
}

#[test]
fn json_is_as_its_schema_describes_it() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../assets/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for record in records() {
        let report = json(&record);
        let errors: Vec<_> = validator
            .iter_errors(&report)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema": "crashdrill.report/1"})));
}

#[test]
fn junit_fails_what_is_violated_and_errs_on_what_is_not_known() {
    let held = text(Format::Junit, &fixture::small());
    assert!(
        held.contains("tests=\"3\"")
            && held.contains("failures=\"0\"")
            && held.contains("errors=\"0\""),
        "{held}"
    );
    let violated = text(Format::Junit, &fixture::violated());
    assert!(
        violated.contains("failures=\"1\"") && violated.contains("<failure"),
        "{violated}"
    );
    let empty = text(Format::Junit, &fixture::empty());
    assert!(
        empty.contains("errors=\"1\"") && empty.contains("<error"),
        "{empty}"
    );
    let mut damaged = fixture::small();
    damaged.judgement.verdict = Verdict::Violated;
    damaged.judgement.grounds = vec![Ground::Damaged { entries: 1 }];
    let damaged = text(Format::Junit, &damaged);
    assert!(damaged.contains("failures=\"1\""), "{damaged}");
}

#[test]
fn csv_holds_each_lost_message_as_it_was_written() {
    let record = fixture::small();
    let bytes = render(Format::Csv, &record);
    let mut table = ::csv::Reader::from_reader(&bytes[..]);
    let rows: Vec<Vec<String>> = table.deserialize().map(Result::unwrap).collect();
    let brief: Vec<_> = rows.iter().map(|row| row[..5].join(" ")).collect();
    assert_eq!(
        brief,
        [
            "session:00000:messages 3 user 7.001000 2.199000",
            "session:00002:messages 1 user 8.001000 1.199000",
            "session:00000:messages 4 assistant 9.001000 0.199000",
        ]
    );
    assert!(rows.iter().all(|row| row[5].chars().count() >= 20));
}

#[test]
fn a_tail_that_was_written_past_is_a_hole_and_belongs_to_the_first_fault() {
    let record = fixture::hole();
    assert_eq!(
        wording::lanes_sentence(&record),
        "Of 1 session, 1 has a hole"
    );
    let table = text(Format::Csv, &record);
    assert!(
        table.contains("\"session:00000:messages\",2,\"assistant\",2.001000,2.999000,"),
        "{table}"
    );
    let html = text(Format::Html, &record);
    assert_eq!(html.matches("Process kill at").count(), 2);
    assert_eq!(
        json(&record)["lost"][0]["seqs"],
        serde_json::json!([[2, 2]])
    );
}

#[test]
fn what_could_not_be_read_is_never_said_to_be_lost() {
    let mut record = fixture::small();
    let classes = std::sync::Arc::make_mut(&mut record.classes);
    classes.iter_mut().for_each(|class| *class = Class::Unread);
    let counts = &mut record.judgement.counts;
    (counts.lost, counts.survived, counts.absent, counts.unread) = (0, 0, 0, 9);
    record.judgement.verdict = Verdict::Inconclusive;
    record.judgement.grounds = vec![Ground::PartlyRead { unread_sessions: 4 }];
    assert_eq!(
        wording::loss_sentence(&record),
        "No acknowledged message is known to be lost, and 9 could not be looked at"
    );
    let html = text(Format::Html, &record);
    assert!(!html.contains("class=\"gap\"") && html.contains("class=\"unknown\""));
    assert_eq!(text(Format::Csv, &record).lines().count(), 1);

    record.readback = None;
    assert_eq!(
        wording::loss_sentence(&record),
        "What became of 8 acknowledged messages is not known: nothing was read back"
    );
    assert!(!text(Format::Html, &record).contains("recovered line"));
}

#[test]
fn the_users_own_limits_stand_in_the_place_of_the_promise() {
    let mut record = fixture::violated();
    let gate = crate::domain::contract::Gate {
        max_lost: Some(1),
        max_window: Some(std::time::Duration::from_millis(500)),
    };
    record.plan.gate = Some(gate);
    record.judgement.faults[0].contract = crate::domain::contract::Contract::Gate(gate);
    assert_eq!(
        wording::verdict_sentence(&record),
        "Violated: 3 messages vanished, which is more than your limits allow"
    );
    assert_eq!(
        wording::promise_sentence(&record.judgement.faults[0]),
        "Outside your limits: a process kill may take at most 1 message, and only what was acknowledged in the last 500 ms, and 3 of 3 lost messages lie outside that"
    );
    let line = wording::command_line(&record.plan);
    assert!(line.ends_with("--max-lost 1 --max-window 0.5"), "{line}");
}

/// Everything that could break out of a format, in every place where words of others stand.
fn hostile() -> RunRecord {
    const EVIL: &str = "</script></style>]]>\u{0}\u{1b}[31m|\n# <b onload=x>\"'&`*_~ \u{202e}";
    let mut record = fixture::small();
    record.plan.preset.title = EVIL.into();
    record.plan.preset.explanation = EVIL.into();
    record.plan.preset.text = EVIL.into();
    record.backend = EVIL.into();
    record.judgement.verdict = Verdict::Inconclusive;
    record.judgement.grounds = vec![Ground::RefusedToStart {
        words: vec![EVIL.into()],
    }];
    let server = record.server.as_mut().unwrap();
    server.engine = EVIL.into();
    server.program = EVIL.into();
    server.in_force = vec![(EVIL.into(), EVIL.into())];
    record.timeline.push(TimedEvent {
        at: Micros(1),
        event: DrillEvent::Warned { text: EVIL.into() },
    });
    record
}

#[test]
fn words_of_others_are_never_markup() {
    let record = hostile();
    let html = text(Format::Html, &record);
    assert_eq!(html.matches("<b onload").count(), 0);
    assert_eq!(html.matches("</script>").count(), 0);
    assert_eq!(html.matches("</style>").count(), 1);

    let junit = text(Format::Junit, &record);
    assert!(!junit.contains("<b onload") && !junit.contains('\u{0}') && !junit.contains('\u{1b}'));

    let markdown = text(Format::Markdown, &record);
    let outside_code: String = markdown.split("```").step_by(2).collect();
    assert!(!outside_code.contains("<b") && !outside_code.contains("\n# <"));

    let report = json(&record);
    assert_eq!(report["plan"]["preset"]["title"], record.plan.preset.title);
}

#[test]
fn a_password_in_an_address_is_not_repeated() {
    let mut record = fixture::small();
    record.plan.backend =
        crate::domain::plan::BackendChoice::External(crate::domain::plan::External {
            url: "redis://me:p@ss:w@host:6379/1".into(),
            kill_command: "systemctl kill -s KILL redis".into(),
            start_command: "systemctl start redis".into(),
            allow_nonempty: true,
        });
    for format in Format::ALL {
        let report = text(format, &record);
        assert!(!report.contains("p@ss"), "{format:?}");
    }
    let line = wording::command_line(&record.plan);
    assert!(
        line.contains("redis://me@host:6379/1") && line.contains("'systemctl kill -s KILL redis'"),
        "{line}"
    );
}

#[test]
fn a_million_messages_make_a_page_of_less_than_two_megabytes() {
    let record = fixture::streamed(1_000_000);
    let html = render(Format::Html, &record).len();
    assert!(html < 1_000_000, "{html}");
    let json = render(Format::Json, &record).len();
    assert!(json < 200_000, "{json}");
}

#[test]
fn every_term_is_explained() {
    for class in Class::ALL {
        assert!(!wording::class_words(class).is_empty());
    }
    for state in SessionState::WORST_FIRST {
        assert!(!wording::state_words(state).is_empty());
    }
}

/// Writes the pages for human eyes: `REPORT_SAMPLES=/tmp/samples cargo test report_samples -- --ignored`.
#[test]
#[ignore = "writes files for human eyes"]
fn report_samples() {
    let Some(dir) = std::env::var_os("REPORT_SAMPLES") else {
        return;
    };
    for (name, record) in [
        ("streamed", fixture::streamed(24_000)),
        ("small", fixture::small()),
        ("violated", fixture::violated()),
        ("empty", fixture::empty()),
        ("hostile", hostile()),
    ] {
        for format in Format::ALL {
            let path = Path::new(&dir).join(format!("{name}.{}", format.ending()));
            std::fs::write(path, render(format, &record)).unwrap();
        }
    }
}

#[test]
fn a_fault_is_drawn_until_the_server_was_up_again_and_a_pause_until_the_thaw() {
    let to = |kind| {
        let record = drill("rdb-5s", kind, true);
        let band = crate::domain::series::bands(&record).remove(0);
        (band.to * 1e6).round() as u64 - record.history.faults[0].dead.0
    };
    assert_eq!(
        to(FaultKind::ProcessKill),
        90_000,
        "the fixture restarts after 90 ms"
    );
    assert_eq!(to(FaultKind::Pause), 0);
    // The picture in the report draws the same.
    let width = |record: &RunRecord| -> f64 {
        let svg = text(Format::Html, record);
        let (_, rect) = svg.split_once("class=\"fault\"").unwrap();
        let (_, width) = rect.split_once("width=\"").unwrap();
        width.split_once('"').unwrap().0.parse().unwrap()
    };
    let mut late = fixture::small();
    let back = late.timeline.last_mut().unwrap();
    back.at.0 += 1_000_000;
    assert!(width(&late) > width(&fixture::small()) * 2.0);
}
