//! The Store screen, on real servers wherever a server matters.

use std::sync::Arc;
use std::time::Instant;

use crashdrill::app::action::Action;
use crashdrill::app::effect::Fact;
use crashdrill::app::state::{Dialog, Settings};
use crashdrill::app::store_action::{StoreAction, StoreFile};
use crashdrill::app::store_effect::StoreFact;
use crashdrill::app::store_state::{Column, StoreView};
use crashdrill::domain::memory::mark::Mark;
use crashdrill::domain::plan::PlanDraft;
use crashdrill::engine::launch::launch;
use egui_kittest::kittest::Queryable as _;

use crate::stage::{Play, Stage};
use crate::store_fixture as fixture;
use crate::support::{Server, text};

fn message(seq: u32, content: &str) -> String {
    let role = if seq % 2 == 1 { "user" } else { "assistant" };
    format!(r#"{{"seq":{seq},"role":"{role}","content":"{content} {seq}"}}"#)
}

fn push(server: &Server, key: &str, messages: &[String]) {
    redis::cmd("RPUSH")
        .arg(key)
        .arg(messages)
        .exec(&mut server.connection())
        .unwrap();
}

/// Sixty sound sessions and one with a hole.
fn server(dir: &std::path::Path) -> Server {
    let server = Server::start(dir, "save \"\"\nappendonly yes");
    for number in 0..60 {
        let messages: Vec<String> = (1..=4).map(|seq| message(seq, "hello")).collect();
        push(&server, &format!("session:{number:03}:messages"), &messages);
    }
    let holey = [message(1, "before"), message(4, "after")];
    push(&server, "session:holey:messages", &holey);
    push(&server, "queue:jobs", &["x".into()]);
    server
}

fn opened() -> Stage {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Store");
    stage
}

fn type_into(stage: &mut Stage, field: &str, text: &str) {
    stage.control(field).focus();
    stage.settle();
    stage.control(field).type_text(text);
    stage.settle();
}

fn look_at(server: &Server) -> Stage {
    let mut stage = opened();
    let url = format!("redis://127.0.0.1:{}", server.port);
    type_into(&mut stage, "Address", &url);
    stage.click("Look");
    stage.wait("a scan", |state| {
        state.store.seen.is_some() && !state.store.table.sorting
    });
    stage
}

fn fixed(keys: u32) -> Stage {
    let mut stage = opened();
    show(&mut stage, fixture::seen(keys));
    stage
}

pub fn show(stage: &mut Stage, seen: crashdrill::app::store_state::Seen) {
    stage.learn(Fact::Store(StoreFact::Begun {
        look: 0,
        place: fixture::place(),
    }));
    stage.learn(Fact::Store(StoreFact::Seen {
        look: 0,
        seen: Arc::new(seen),
    }));
    stage.wait("an order", |state| !state.store.table.sorting);
}

#[test]
fn an_empty_screen_says_what_to_do() {
    let stage = opened();
    assert!(stage.reads("No store looked into yet"));
    assert!(!stage.enabled("Look"), "there is no address");
}

#[test]
fn a_look_shows_findings_first_and_the_sessions_behind_them() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = look_at(&server);
    let badge = format!("Not ours: 127.0.0.1:{}, master. Reading only", server.port);
    assert!(stage.reads(&badge));
    assert!(stage.reads("62 keys, 61 sessions, 242 messages"));
    assert!(stage.reads("Hole in seq"));
    // The ill one is first although it came in any order.
    let first = stage.state().store.table.rows[0];
    let seen = stage.state().store.seen.clone().unwrap();
    assert_eq!(seen.found.survey.key(first), b"session:holey:messages");

    stage.click("Show 1 session: Hole in seq");
    stage.wait("the filter", |state| !state.store.table.sorting);
    assert_eq!(stage.state().store.table.only, Some(Mark::Hole));
    assert_eq!(stage.state().store.table.rows.len(), 1);
    stage.click("session:holey:messages");
    stage.wait("the transcript", |state| state.store.page.is_some());
    assert!(stage.reads("User: before 1"));
    assert!(stage.reads("Assistant: after 4"));
    assert!(stage.reads("seq 2 to 3 are missing"));
    stage.click("JSON");
    assert!(stage.reads(r#"{"seq":4,"role":"assistant""#));
    stage.click("Only Hole in seq");
    stage.wait("all of them", |state| !state.store.table.sorting);
    assert_eq!(stage.state().store.table.rows.len(), 61);
}

#[test]
fn gauges_move_while_the_screen_is_in_sight() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = look_at(&server);
    stage.click("Pictures");
    stage.wait("two readings", |state| state.store.gauges.len() >= 2);
    assert!(stage.reads("Memory used: "));
    assert!(stage.reads("Messages in a session: most sessions"));
    assert!(stage.reads("session:: "), "a tile for each namespace");
    stage.click("Runs");
    stage.window.run_steps(5);
    let stood = stage.state().store.gauges.len();
    std::thread::sleep(std::time::Duration::from_millis(2500));
    stage.window.run_steps(5);
    assert!(stage.state().store.gauges.len() <= stood + 1);
}

#[test]
fn errors_stand_where_they_belong_with_the_way_out() {
    let mut stage = opened();
    type_into(&mut stage, "Address", "http://x");
    stage.click("Look");
    assert!(stage.reads("write it as redis://"));
    assert!(stage.state().store.scanning.is_none());

    let mut stage = opened();
    let port = crate::support::free_port();
    type_into(&mut stage, "Address", &format!("redis://127.0.0.1:{port}"));
    type_into(&mut stage, "TTL policy", "soon");
    stage.click("Look");
    assert!(stage.reads("is not a time"));
    stage
        .window
        .state_mut()
        .act(Action::Store(StoreAction::Edit(
            crashdrill::app::store_state::StoreField::Ttl,
            String::new(),
        )));
    stage.click("Look");
    stage.wait("the failure", |state| state.store.error.is_some());
    assert!(stage.reads("Check host and port"));
}

#[test]
fn where_only_the_encryption_is_wrong_the_right_address_is_a_button() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = opened();
    let secure = format!("rediss://127.0.0.1:{}", server.port);
    type_into(&mut stage, "Address", &secure);
    stage.click("Look");
    stage.wait("the failure", |state| state.store.error.is_some());
    assert!(stage.reads("does not speak TLS"));
    stage.click("Use redis://");
    stage.click("Look");
    stage.wait("a scan", |state| state.store.seen.is_some());
}

#[test]
fn a_password_in_an_address_is_taken_out_and_never_kept() {
    let dir = tempfile::tempdir().unwrap();
    let port = crate::support::free_port();
    let config = "save \"\"\nrequirepass open-sesame";
    let child = crate::support::spawn_server(dir.path(), port, config);
    crate::support::connect(port, Some("open-sesame"));
    let _server = Server { child, port };
    let mut stage = opened();
    let url = format!("redis://:open-sesame@127.0.0.1:{port}");
    type_into(&mut stage, "Address", &url);
    assert_eq!(
        stage.state().store.form.address,
        format!("redis://127.0.0.1:{port}")
    );
    stage.click("Remember");
    stage.click("Look");
    stage.wait("a scan", |state| state.store.seen.is_some());
    assert!(stage.reads("No sessions here"));
    assert_eq!(stage.state().store.form.known.len(), 1);
    let kept = std::fs::read_to_string(stage.folder().join("config/window.json")).unwrap();
    assert!(kept.contains(&format!("127.0.0.1:{port}")));
    assert!(!kept.contains("sesame"), "{kept}");
    assert!(!format!("{:?}", stage.state().store.place).contains("sesame"));
    // Where a keyring answers it has the password now: take it out again.
    let address = stage.state().store.form.known[0].clone();
    let forget = Action::Store(StoreAction::Forget(address));
    stage.window.state_mut().act(forget);
    assert!(stage.state().store.form.known.is_empty());
}

#[test]
fn a_slow_scan_shows_how_far_it_is_and_stop_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = opened();
    type_into(
        &mut stage,
        "Address",
        &format!("redis://127.0.0.1:{}", server.port),
    );
    let slow = Action::Store(StoreAction::SetBudget(60));
    stage.window.state_mut().act(slow);
    stage.click("Look");
    stage.wait("progress", |state| {
        let scanning = state.store.scanning.as_ref();
        scanning.is_some_and(|progress| progress.keys > 3)
    });
    assert!(stage.reads("of 62 keys"));
    assert!(stage.reads("of 60 a second"));
    assert!(!stage.enabled("Look"));
    stage.click("Stop");
    stage.wait("the end", |state| state.store.seen.is_some());
    let found = stage
        .state()
        .store
        .seen
        .as_ref()
        .unwrap()
        .found
        .survey
        .rows
        .len();
    assert!((4..62).contains(&found), "{found}");
    assert!(stage.reads("Inconclusive: the scan is not complete"));
}

#[test]
fn an_inventory_is_saved_and_compared_with() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = look_at(&server);
    let file = stage.folder().join("before.inventory");
    let choose = |stage: &mut Stage, what| {
        let chosen = Fact::PathChosen(crashdrill::app::state::Purpose::Store(what), file.clone());
        stage.learn(chosen);
        stage.wait("the file", |state| !state.store.saving);
    };
    choose(&mut stage, StoreFile::Inventory);
    assert!(file.exists());

    redis::cmd("RPOP")
        .arg("session:007:messages")
        .exec(&mut server.connection())
        .unwrap();
    stage.click("Look");
    stage.wait("another look", |state| {
        state.store.scanning.is_none() && !state.store.table.sorting
    });
    choose(&mut stage, StoreFile::Before);
    assert_eq!(stage.state().store.view, StoreView::Changes);
    assert!(stage.reads("Lost its tail: session:007:messages, the last 1 message gone"));
    assert!(stage.reads("60 sessions unchanged"));

    std::fs::write(&file, b"torn").unwrap();
    choose(&mut stage, StoreFile::Before);
    assert!(stage.reads("no inventory"), "refused with words");
}

#[test]
fn without_a_file_dialog_the_path_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = look_at(&server);
    let purpose = crashdrill::app::state::Purpose::Store(StoreFile::Csv);
    stage.learn(Fact::NoPortal(purpose));
    assert!(matches!(
        stage.state().dialog,
        Some(Dialog::TypePath { .. })
    ));
    assert!(stage.reads("Export the sessions as"));
    let file = stage.folder().join("all.csv");
    type_into(&mut stage, "Path", &file.display().to_string());
    stage.click("OK");
    stage.wait("the export", |state| !state.store.saving);
    let csv = std::fs::read_to_string(&file).unwrap();
    assert_eq!(csv.lines().count(), 1 + 242);
    assert!(csv.contains("holey,session:holey:messages,list,2,4,assistant,,after 4"));
}

fn export_to(stage: &mut Stage, file: std::path::PathBuf) {
    let purpose = crashdrill::app::state::Purpose::Store(StoreFile::JsonLines);
    stage.learn(Fact::PathChosen(purpose, file));
}

#[test]
fn an_export_shows_how_far_it_is_and_stop_keeps_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path());
    let mut stage = look_at(&server);
    let slow = |per_sec| Action::Store(StoreAction::SetBudget(per_sec));
    stage.window.state_mut().act(slow(60));
    let file = stage.folder().join("part.jsonl");
    export_to(&mut stage, file.clone());
    stage.wait("progress", |state| {
        let exporting = state.store.exporting.as_ref();
        exporting.is_some_and(|progress| progress.messages > 3)
    });
    assert!(stage.reads("Exporting: "));
    assert!(stage.reads("of 62 keys"));
    assert!(!stage.enabled("Save inventory…"), "one file at a time");
    stage.click("Stop export");
    stage.wait("the end", |state| !state.store.saving);
    assert!(stage.reads("The export is not complete: stopped after"));
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    assert!((4..242).contains(&lines), "{lines}");

    // The slider is for exports, too, and a failed one leaves nothing behind.
    let whole = stage.folder().join("all.jsonl");
    export_to(&mut stage, whole.clone());
    stage.window.state_mut().act(slow(0));
    stage.wait("the end", |state| !state.store.saving);
    assert_eq!(
        std::fs::read_to_string(&whole).unwrap().lines().count(),
        242
    );
    drop(server);
    let none = stage.folder().join("none.jsonl");
    export_to(&mut stage, none);
    stage.wait("the end", |state| !state.store.saving);
    let left = std::fs::read_dir(stage.folder()).unwrap();
    let names = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let ours: Vec<String> = names.filter(|name| name.contains("none")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn a_value_of_a_hundred_megabytes_is_bytes_page_by_page() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    for words in [
        ["SETBIT", "chat:huge", "0", "1"],
        ["SETRANGE", "chat:huge", "104857596", "tail"],
    ] {
        let mut command = redis::Cmd::new();
        command.arg(&words[..]);
        command.exec(&mut server.connection()).unwrap();
    }
    let mut stage = look_at(&server);
    stage.click("chat:huge");
    stage.wait("the page", |state| state.store.page.is_some());
    assert!(stage.reads("1 to 200 of 25,600"));
    assert!(stage.reads("more than 64 MiB are not decoded"));
    assert!(stage.reads("\\x80\\x00"));
    stage.click("Last");
    stage.wait("the end", |state| {
        state
            .store
            .page
            .as_ref()
            .is_some_and(|page| page.from == 25_400)
    });
    assert!(stage.reads("25,401 to 25,600 of 25,600"));
}

#[test]
fn the_running_drills_own_server_is_one_click_away() {
    let settings = Settings {
        draft: PlanDraft {
            backend: "process".into(),
            preset: "none".into(),
            ..PlanDraft::default()
        },
        ..Settings::default()
    };
    let mut stage = Stage::launching(Box::new(launch), settings);
    stage.click("Store");
    assert!(!stage.enabled("This drill's server"));
    stage.click("Drill");
    stage.click("Start server");
    stage.wait("a server", |state| {
        state.drill.phase() == crashdrill::domain::event::Phase::Ready
    });
    stage.click("Stream");
    stage.wait("messages", |state| state.drill.progress.acked > 200);
    stage.click("Store");
    stage.click("This drill's server");
    stage.wait("a scan", |state| {
        state.store.seen.is_some() && !state.store.table.sorting
    });
    assert!(stage.reads("Started by this drill: 127.0.0.1:"));
    assert!(
        stage
            .state()
            .store
            .seen
            .as_ref()
            .unwrap()
            .found
            .survey
            .sessions
            > 0
    );
    stage.window.state_mut().act(Action::Cancel);
    stage.wait("the end", |state| !state.drill.running);
}

#[test]
fn sessions_are_filtered_and_sorted_by_any_column() {
    let mut stage = fixed(400);
    let texts = |stage: &Stage, count: usize| -> Vec<String> {
        let store = &stage.state().store;
        let survey = &store.seen.as_ref().unwrap().found.survey;
        let rows = store.table.rows.iter().take(count);
        rows.map(|row| text(survey.key(*row))).collect()
    };
    stage.click("Sort by bytes");
    stage.wait("order", |state| !state.store.table.sorting);
    assert_eq!(stage.state().store.table.column, Column::Bytes);
    let bytes = |stage: &Stage| -> Vec<u64> {
        let store = &stage.state().store;
        let survey = &store.seen.as_ref().unwrap().found.survey;
        let rows = store.table.rows.iter();
        rows.map(|row| survey.rows[*row as usize].bytes).collect()
    };
    assert!(bytes(&stage).is_sorted_by(|a, b| a >= b));
    stage.click("Sort by bytes");
    stage.wait("order", |state| !state.store.table.sorting);
    assert!(bytes(&stage).is_sorted());
    type_into(&mut stage, "Filter sessions", "zset skiplist");
    stage.wait("order", |state| !state.store.table.sorting);
    assert!(
        texts(&stage, 1000)
            .iter()
            .all(|key| key.starts_with("chat:zset:"))
    );
    assert!(!texts(&stage, 1).is_empty());
    type_into(&mut stage, "Filter sessions", " nothing-like-it");
    stage.wait("order", |state| !state.store.table.sorting);
    assert!(stage.reads("No session fits"));
}

#[test]
fn namespaces_open_one_level_at_a_time() {
    let mut stage = fixed(400);
    stage.click("Namespaces");
    assert!(stage.reads("chat:, "));
    assert!(!stage.reads("zset:, "));
    let label = stage.window.get_by_label_contains("chat:, ");
    label.click();
    stage.settle();
    assert!(stage.reads("zset:, "));
}

#[test]
fn binary_and_broken_messages_are_shown_as_what_they_are() {
    let mut stage = fixed(400);
    let row = stage.state().store.table.rows[0];
    stage
        .window
        .state_mut()
        .act(Action::Store(StoreAction::Select(Some(row))));
    stage.learn(Fact::Store(StoreFact::Page {
        look: 0,
        row,
        page: Ok(Arc::new(fixture::page())),
    }));
    assert!(stage.reads("User: Where is my order 4711?"));
    assert!(stage.reads("\\x80"));
    assert_eq!(
        stage
            .window
            .query_all_by_label_contains("(cannot be decoded)")
            .count(),
        2
    );
}

/// A generous bound for a build without optimisation: a million keys in a release build are the frame bench's.
#[test]
fn a_long_table_does_not_slow_the_frame() {
    let mut stage = fixed(200_000);
    let began = Instant::now();
    stage.window.run_steps(20);
    let each = began.elapsed() / 20;
    assert!(each.as_millis() < 150, "{each:?} a frame");
    assert!(stage.state().store.table.rows.len() == 190_000);
    // Sorting so many takes longer than a frame, and is seen meanwhile.
    let by_key = Action::Store(StoreAction::Sort(Column::Session));
    stage.window.state_mut().act(by_key);
    stage.window.run_steps(1);
    assert!(stage.reads("Sorting by session"));
    stage.wait("the order", |state| !state.store.table.sorting);
    assert!(stage.reads("190,000 shown"));
    // To the very end, by one key.
    stage.window.key_press(egui::Key::End);
    stage.window.run_steps(3);
    let last = *stage.state().store.table.rows.last().unwrap();
    let survey = &stage.state().store.seen.as_ref().unwrap().found.survey;
    let key = text(survey.key(last));
    assert!(stage.reads(&key), "{key}");
}
