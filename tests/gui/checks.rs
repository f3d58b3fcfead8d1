//! The Checks screen. Suites are real where a button starts one; news of others are told in their place.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::app::action::Action;
use crashdrill::app::check_action::CheckAction;
use crashdrill::app::check_state::{CheckForm, CheckFormat, Picked, check};
use crashdrill::app::effect::{Effect, Fact};
use crashdrill::app::state::{Purpose, Screen, Settings};
use crashdrill::app::update;
use crashdrill::checks::runner::CheckEvent;
use crashdrill::domain::check::{
    Candidate, CheckResult, Finding, Group, Layout, Standing, SuiteRecord, Trial, judge,
};
use crashdrill::domain::verdict::Verdict;

use crate::stage::{Play, Stage};

fn trial(candidate: Candidate, finding: Finding) -> Trial {
    Trial {
        candidate,
        finding,
        evidence: vec![
            "32 writers, all before their SETEX at once: 1 of 32 messages found, 31 vanished"
                .into(),
        ],
    }
}

fn result(id: &str, naive: Finding, sound: Finding) -> CheckResult {
    let (naive, tested) = (
        trial(Candidate::Naive, naive),
        trial(Candidate::Sound, sound),
    );
    let (verdict, ground) = judge(&naive, &tested);
    CheckResult {
        check: *check(id).unwrap(),
        standing: Standing::Judged {
            verdict,
            ground,
            naive,
            tested,
        },
        took: Duration::from_millis(120),
    }
}

fn caught() -> Finding {
    Finding::Caught("messages vanished: 1 of 2, 7 of 8, 31 of 32".into())
}

fn passed() -> Finding {
    Finding::Passed("no message vanished at 2, 8 and 32 writers".into())
}

/// One of each standing.
pub fn results() -> Vec<CheckResult> {
    vec![
        result("lost-update-push", caught(), passed()),
        result("lost-update-watch", caught(), caught()),
        result("lost-update-lua", passed(), passed()),
        CheckResult {
            check: *check("restart-older-engine").unwrap(),
            standing: Standing::NotRun("not run here: it takes two engines".into()),
            took: Duration::ZERO,
        },
    ]
}

pub fn record() -> Arc<SuiteRecord> {
    Arc::new(SuiteRecord {
        began: crate::drill_fixture::began(),
        took: Duration::from_secs_f64(5.5),
        server: "Redis 7.0.15".into(),
        address: None,
        layout: None,
        seed: 7,
        store_command: None,
        tool_version: "0.1.0".into(),
        cancelled: false,
        results: results(),
    })
}

pub fn opened() -> Stage {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Checks");
    stage
}

/// As if a suite had come to its end.
pub fn finished() -> Stage {
    let mut stage = opened();
    for result in results() {
        stage.learn(Fact::Check(CheckEvent::Finished(Box::new(result))));
    }
    stage.learn(Fact::Check(CheckEvent::Done(record())));
    stage
}

/// Frames until `done`, for as long as real servers may take on a busy machine.
fn wait(stage: &mut Stage, what: &str, done: impl Fn(&Stage) -> bool) {
    let began = Instant::now();
    while !done(stage) {
        assert!(
            began.elapsed() < Duration::from_secs(90),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
        stage.window.step();
    }
    stage.settle();
}

#[test]
fn every_group_and_check_can_be_looked_at_before_anything_has_run() {
    let mut stage = opened();
    for group in Group::ALL {
        assert!(stage.reads(group.title()), "{group}");
    }
    stage.click("Lock, 4");
    stage.click("Paused past the lease");
    assert!(stage.reads("A holder that was paused past its lease cannot overwrite"));
    assert!(stage.reads("It has not run yet"));
    assert!(stage.enabled("Run check"));
    assert!(
        !stage.enabled("Save checks as JUnit…"),
        "there is nothing to save yet"
    );
}

#[test]
fn a_click_runs_a_group_on_a_real_server_and_shows_both_stores() {
    let mut stage = opened();
    stage.click("Lock, 4");
    stage.click("Run group");
    assert!(stage.state().checks.running);
    assert!(!stage.enabled("Run all checks"));
    wait(&mut stage, "the group's end", |stage| {
        !stage.state().checks.running
    });
    assert_eq!(stage.state().checks.failure, None);
    let tally = stage.state().checks.tally(Group::Lock);
    assert_eq!((tally.held, tally.violated, tally.inconclusive), (4, 0, 0));
    assert!(stage.reads("4 of 4 held"));
    stage.click("Look at Get, then set");
    assert!(stage.reads("8 of 8 contenders stood before their SET at once; 8 believe"));
    assert!(stage.reads("8 of 8 contenders stood before their SET at once; 1 believe"));
    assert!(stage.reads("Naive store: GET, then SET"));
    assert!(stage.reads("Sound store: SET with NX and PX"));
}

#[test]
fn a_suite_is_cancelled_and_cleans_up() {
    let mut stage = opened();
    stage.click("Run all checks");
    wait(&mut stage, "a first result", |stage| {
        !stage.state().checks.results.is_empty()
    });
    stage.click("Cancel checks");
    wait(&mut stage, "the end", |stage| !stage.state().checks.running);
    let record = stage.state().checks.record.clone().unwrap();
    assert!(record.cancelled);
    assert_ne!(record.verdict(), Verdict::Held);
    assert!(
        record.tally().not_run > 0,
        "what was left is told as not run"
    );
}

#[test]
fn verdicts_are_words_and_a_violated_check_says_why() {
    let mut stage = finished();
    assert!(stage.reads("1 held, 1 violated, 1 inconclusive, 1 not run"));
    stage.click("Lost update, Violated, 1 of 3 held, 1 violated, 1 inconclusive");
    stage.click("WATCH and MULTI, Violated");
    assert!(stage.reads("the sound store was caught: messages vanished"));
    stage.click("Lua, Inconclusive");
    assert!(stage.reads("proves nothing"));
    stage.click("Restart, Not run, 0 of 12 held, 1 not run");
    stage.find_and_click("To a newer engine and back, Not run");
    assert!(stage.reads("it takes two engines"));
}

#[test]
fn progress_names_what_is_under_way() {
    let mut stage = opened();
    // The launch itself is not wanted here: the wish is granted without its effects.
    let form = Box::new(CheckForm::default());
    stage
        .window
        .state_mut()
        .act(Action::Check(CheckAction::Edit(form)));
    stage.learn(Fact::Check(CheckEvent::Started("lock-dead-holder")));
    stage.click("Lock, Running, 4");
    stage.click("A holder that dies, Running");
    assert!(stage.state().checks.now.contains(&"lock-dead-holder"));
}

#[test]
fn a_wrong_field_is_told_where_the_suite_would_be() {
    let mut stage = opened();
    stage.control("Address").focus();
    stage.settle();
    stage.control("Address").type_text("http://localhost");
    stage.settle();
    stage.click("Run group");
    wait(&mut stage, "the refusal", |stage| {
        stage.state().checks.failure.is_some()
    });
    assert!(stage.reads("The checks could not begin"));
    assert!(stage.reads("redis://[user[:password]@]host:port"));
    stage.click("Dismiss");
    assert!(!stage.reads("The checks could not begin"));
}

#[test]
fn layout_servers_and_store_are_kept_but_no_address() {
    let mut state = update::start(Settings::default(), crate::stage::presets());
    let form = CheckForm {
        layout: Some(Layout::Stream),
        server: "/opt/redis/bin/redis-server".into(),
        other_server: String::new(),
        address: "redis://:secret@127.0.0.1:6379".into(),
        store: "python my_store.py".into(),
    };
    let effects = update::act(
        &mut state,
        Action::Check(CheckAction::Edit(Box::new(form.clone()))),
    );
    assert!(matches!(effects.as_slice(), [Effect::SaveSettings]));
    let text = serde_json::to_string(&update::settings(&state)).unwrap();
    assert!(!text.contains("secret"), "{text}");
    let kept: Settings = serde_json::from_str(&text).unwrap();
    assert_eq!(
        kept.checks,
        CheckForm {
            address: String::new(),
            ..form
        }
    );
}

#[test]
fn a_finished_suite_is_saved_as_junit() {
    let mut stage = finished();
    let path = stage.folder().join("checks.xml");
    let purpose = Purpose::Checks(CheckFormat::Junit);
    stage.learn(Fact::PathChosen(purpose, path.clone()));
    wait(&mut stage, "the file", |_| path.exists());
    wait(&mut stage, "the toast", |stage| {
        !stage.state().toasts.is_empty()
    });
    let xml = std::fs::read_to_string(&path).unwrap();
    assert!(xml.contains("lost-update-watch"), "{xml}");
}

#[test]
fn closing_the_window_ends_a_running_suite_first() {
    let mut state = update::start(Settings::default(), crate::stage::presets());
    state.screen = Screen::Checks;
    let picked = Picked::Group(Group::Lock);
    update::act(&mut state, Action::Check(CheckAction::Pick(picked)));
    update::act(&mut state, Action::Check(CheckAction::RunPicked));
    let effects = update::act(&mut state, Action::CloseWindow);
    assert!(state.closing && state.checks.cancelling);
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::CloseWindow))
    );
    let effects = update::learn(&mut state, Fact::Check(CheckEvent::Done(record())));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::CloseWindow))
    );
}
