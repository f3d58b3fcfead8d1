//! The Runs screen.

use chrono::Duration;
use crashdrill::app::effect::Fact;
use crashdrill::app::state::{Dialog, RunColumn};
use crashdrill::domain::event::RunId;
use crashdrill::domain::plan::PlanDraft;
use crashdrill::domain::preset::Preset;
use crashdrill::domain::verdict::Verdict;
use crashdrill::engine::launch::{LaunchOptions, Mode, launch};
use crashdrill::engine::store::RunSummary;
use egui_kittest::kittest::Queryable as _;

use crate::drill_fixture;
use crate::stage::{Play, Stage};

pub fn summaries() -> Vec<RunSummary> {
    let one = |n: i64, preset: &str, verdict, lost, broken: Option<&str>| RunSummary {
        id: RunId(format!(
            "20261120-20{:02}12-{preset}-process-kill-x{n}",
            33 - n
        )),
        dir: format!("/runs/{n}").into(),
        began: drill_fixture::began() - Duration::minutes(n),
        preset: preset.into(),
        fault: "process-kill".into(),
        backend: "process".into(),
        verdict,
        sentence: match verdict {
            Some(Verdict::Held) => "The preset kept its promise".into(),
            Some(Verdict::Violated) => "The preset broke its promise".into(),
            Some(Verdict::Inconclusive) => "No verdict: the drill was cancelled".into(),
            None => String::new(),
        },
        acked: verdict.map(|_| 24_000),
        lost: verdict.map(|_| lost),
        broken: broken.map(str::to_owned),
    };
    vec![
        one(0, "rdb-5s", Some(Verdict::Held), 9_120, None),
        one(1, "aof-everysec", Some(Verdict::Violated), 31, None),
        one(2, "none", Some(Verdict::Inconclusive), 0, None),
        one(3, "mixed", None, 0, None),
        one(4, "aof-always", None, 0, Some("plan.json is missing")),
    ]
}

fn opened() -> Stage {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Runs");
    stage.wait("the list", |state| !state.runs.loading);
    stage.learn(Fact::RunsListed(Ok(summaries())));
    stage
}

#[test]
fn an_empty_list_says_what_to_do() {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Runs");
    stage.wait("the list", |state| !state.runs.loading);
    assert!(stage.reads("No runs yet"));
    assert!(stage.has("Run drill"));
}

#[test]
fn every_run_shows_its_verdict_as_a_word() {
    let stage = opened();
    for word in [
        "Held",
        "Violated",
        "Inconclusive",
        "Not judged",
        "Broken",
        "unknown",
        "9,120",
        "plan.json is missing",
    ] {
        assert!(
            stage.window.query_all_by_label(word).next().is_some(),
            "{word}"
        );
    }
    assert_eq!(
        stage.window.query_all_by_label("Open").count(),
        4,
        "a broken run cannot be opened"
    );
}

#[test]
fn runs_are_filtered_by_any_words_and_sorted_by_any_column() {
    let mut stage = opened();
    stage.window.get_by_label("Filter runs").focus();
    stage.settle();
    stage
        .window
        .get_by_label("Filter runs")
        .type_text("everysec violated");
    stage.settle();
    assert_eq!(stage.window.query_all_by_label("Open").count(), 1);
    assert!(stage.has("1 of 5"), "the count says what is shown");
    stage.click("Sort by vanished");
    assert_eq!(stage.state().runs.sort.column, RunColumn::Lost);
    assert!(!stage.state().runs.sort.ascending);
    stage.click("Sort by vanished");
    assert!(stage.state().runs.sort.ascending);
}

#[test]
fn deleting_asks_first() {
    let mut stage = opened();
    stage
        .window
        .get_all_by_label("Delete…")
        .next()
        .unwrap()
        .click();
    stage.settle();
    assert!(matches!(
        stage.state().dialog,
        Some(Dialog::DeleteRun { .. })
    ));
    assert!(stage.reads("this cannot be undone"));
    stage.click("Cancel");
    assert!(stage.state().dialog.is_none());
    assert_eq!(stage.state().runs.rows.len(), 5);
}

/// Runs a real drill of a blink into the stage's folder of runs.
fn drilled(stage: &Stage) {
    let draft = PlanDraft {
        preset: "none".into(),
        backend: "process".into(),
        rate_max: true,
        max_messages: 200,
        ..PlanDraft::default()
    };
    let options = LaunchOptions {
        mode: Mode::Scripted,
        runs: stage.folder().join("runs"),
        wake: Box::new(|| ()),
    };
    let handle = launch(draft.parse(&Preset::embedded()).unwrap(), options);
    handle.events.iter().for_each(drop);
}

#[test]
fn a_run_is_opened_by_judging_it_again() {
    let mut stage = Stage::new(Play::Mute);
    drilled(&stage);
    let runs = stage.folder().join("runs/latest");
    let written = |file: &str| {
        std::fs::metadata(runs.join(file))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = (written("verdict.json"), written("reports/report.html"));
    stage.click("Runs");
    stage.wait("the list", |state| !state.runs.rows.is_empty());
    stage
        .window
        .get_all_by_label("Open")
        .next()
        .unwrap()
        .click();
    stage.settle();
    stage.wait("the picture", |state| {
        matches!(
            state.picture.shown,
            crashdrill::app::state::Shown::Judged(_)
        )
    });
    assert!(stage.reads("Acknowledged and recovered"));
    let after = (written("verdict.json"), written("reports/report.html"));
    assert_eq!(before, after, "looking at a run changes nothing of it");
}

#[test]
fn in_the_smallest_window_every_button_of_a_run_is_within_reach() {
    let settings = crashdrill::app::state::Settings::default();
    let mut stage = Stage::sized(Play::Mute, [1024.0, 700.0], settings, |builder| builder);
    stage.click("Runs");
    stage.wait("the list", |state| !state.runs.loading);
    stage.learn(Fact::RunsListed(Ok(summaries()[..1].to_vec())));
    for button in ["Open", "Show folder", "Delete…"] {
        let right = stage.control(button).rect().right();
        assert!(right <= 1024.0, "{button} ends at {right}");
    }
}
