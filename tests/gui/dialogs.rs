//! Export, paths, closing.

use crashdrill::app::action::Action;
use crashdrill::app::effect::Fact;
use crashdrill::app::state::{Dialog, Purpose};
use crashdrill::domain::event::{Phase, Progress};
use crashdrill::report::Format;
use egui_kittest::kittest::Queryable as _;

use crate::drill_fixture::Spec;
use crate::stage::{Play, Stage};

#[test]
fn every_format_can_be_exported() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    stage.click("Export…");
    for format in Format::ALL {
        stage.control(format.title());
    }
    stage.click("Cancel");
    assert!(stage.state().dialog.is_none());
}

#[test]
fn without_a_portal_the_path_is_typed_and_nothing_is_overwritten_unasked() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    let path = stage.folder().join("report.md");
    for round in 0..2 {
        stage.learn(Fact::NoPortal(Purpose::Export(Format::Markdown)));
        assert!(stage.reads("the path has to be typed"));
        stage
            .window
            .state_mut()
            .act(Action::EditPath(path.display().to_string()));
        stage.settle();
        stage.click("OK");
        if round == 0 {
            stage.wait("the report", |state| !state.toasts.is_empty());
            assert!(path.exists());
            assert!(stage.reads("Saved "));
            std::fs::write(&path, "mine").unwrap();
        } else {
            stage.wait("the question", |state| {
                matches!(state.dialog, Some(Dialog::Overwrite { .. }))
            });
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
            stage.click("Replace");
            stage.wait("the second report", |state| state.next_toast == 2);
            assert_ne!(std::fs::read_to_string(&path).unwrap(), "mine");
        }
    }
}

#[test]
fn a_report_that_cannot_be_saved_says_why_and_where() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    let path = stage.folder().join("no/such/folder.html");
    stage.learn(Fact::PathChosen(
        Purpose::Export(Format::Html),
        path.clone(),
    ));
    stage.wait("the error", |state| state.dialog.is_some());
    assert!(stage.reads("Saving the report failed"));
    // The path is still there to be mended.
    let kept = |stage: &Stage| match &stage.state().dialog {
        Some(Dialog::TypePath { text, .. }) => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kept(&stage), path.display().to_string());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    stage.click("OK");
    stage.wait("the report", |state| !state.toasts.is_empty());
    assert!(path.exists() && stage.state().dialog.is_none());
    stage.click("Dismiss message");
    assert!(stage.state().toasts.is_empty());
}

#[test]
fn a_closed_window_cleans_up_first() {
    let mut stage = Stage::new(Play::Mute);
    stage.window.state_mut().act(Action::RunDrill);
    let phase = Phase::TearingDown;
    stage.learn(Fact::Progress(Progress {
        phase,
        ..Progress::default()
    }));
    stage.window.state_mut().act(Action::CloseWindow);
    stage.settle();
    assert!(stage.reads("Cleaning up…"));
    assert!(stage.state().drill.running);
}

#[test]
fn panels_fold_away() {
    let mut stage = Stage::new(Play::Mute);
    for side in [
        "Show or hide plan",
        "Show or hide inspector",
        "Show or hide timeline",
    ] {
        stage.window.state_mut().act(Action::OpenPalette);
        stage.settle();
        stage.find_and_click(side);
        stage.settle();
    }
    stage.window.run_steps(30);
    let look = &stage.state().look;
    assert!(!look.plan_open && !look.inspector_open && !look.log_open);
    assert!(stage.window.query_by_label("Import redis.conf…").is_none());
}

#[test]
fn a_palette_that_was_short_for_one_query_is_long_again_for_the_next() {
    let mut stage = Stage::new(Play::Mute);
    stage.window.state_mut().act(Action::OpenPalette);
    stage.settle();
    let many = stage.control("Go to checks").rect();
    let window = &mut stage.window;
    window
        .state_mut()
        .act(Action::EditPalette("ladder".into(), 0));
    stage.settle();
    assert!(!stage.has("Go to checks"));
    let window = &mut stage.window;
    window
        .state_mut()
        .act(Action::EditPalette(String::new(), 0));
    stage.settle();
    assert_eq!(stage.control("Go to checks").rect(), many);
    let list = stage.control("Show ladder").rect();
    stage.click("Show ladder");
    assert!(stage.state().dialog.is_none(), "{list} is in sight");
}
