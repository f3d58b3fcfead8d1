//! The plan panel.

use crashdrill::app::action::Action;
use crashdrill::domain::plan::PlanDraft;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::stage::{Play, Stage};

fn edit(stage: &mut Stage, change: impl FnOnce(&mut PlanDraft)) {
    let mut draft = stage.state().plan.draft.clone();
    change(&mut draft);
    stage
        .window
        .state_mut()
        .act(Action::EditPlan(Box::new(draft)));
    stage.settle();
}

#[test]
fn the_promise_stands_there_before_anything_starts() {
    let mut stage = Stage::new(Play::Mute);
    assert!(stage.reads("everything acknowledged since the last finished snapshot began"));
    assert!(stage.reads("save 5 1"));
    edit(&mut stage, |draft| draft.preset = "aof-always".into());
    assert!(stage.reads("it may lose nothing that was acknowledged"));
}

#[test]
fn a_preset_is_chosen_from_the_list() {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Preset");
    let entry = "AOF, fsync once a second";
    stage
        .window
        .get_all_by_label_contains(entry)
        .next()
        .unwrap()
        .click();
    stage.settle();
    assert_eq!(stage.state().plan.draft.preset, "aof-everysec");
}

#[test]
fn a_fault_that_the_backend_cannot_do_is_greyed() {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Process");
    assert_eq!(stage.state().plan.draft.backend, "process");
    stage.click("Fault");
    assert!(!stage.enabled("Container removed, volume kept"));
    assert!(stage.enabled("Graceful stop"));
    stage.click("Graceful stop");
    assert!(
        stage.has("Stop gracefully"),
        "the button is named after the fault"
    );
    assert!(stage.has("Grace"));
}

#[test]
fn a_wrong_field_says_what_it_takes_and_holds_the_drill_back() {
    let mut stage = Stage::new(Play::Mute);
    edit(&mut stage, |draft| {
        draft.sessions = 0;
        draft.writers = 0;
    });
    assert!(stage.reads("0 sessions: it takes 1 to"));
    assert!(
        stage.reads("0 writers: it takes 1 to"),
        "also in a folded group"
    );
    assert!(
        stage
            .window
            .get_all_by_label("Run drill")
            .all(|node| node.accesskit_node().is_disabled())
    );
    stage.click("Undo plan edit");
    assert!(!stage.reads("0 sessions"));
    stage.click("Redo plan edit");
    assert!(stage.reads("0 sessions"));
    stage.click("Reset to defaults");
    assert_eq!(stage.state().plan.draft, PlanDraft::default());
}

#[test]
fn every_backend_shows_its_fields() {
    let mut stage = Stage::new(Play::Mute);
    for (backend, fields) in [
        ("Process", vec!["Program", "Choose server program…"]),
        ("Docker", vec!["Image", "List local images"]),
        (
            "External",
            vec![
                "Address",
                "Kill command",
                "Start command",
                "Write even if it holds keys",
            ],
        ),
    ] {
        stage.click(backend);
        for field in fields {
            assert!(
                stage.window.query_all_by_label(field).next().is_some(),
                "{field} of {backend}"
            );
        }
    }
    assert!(stage.reads("give the server's address"));
}

#[test]
fn every_number_has_a_name() {
    let mut stage = Stage::new(Play::Mute);
    stage.find_and_click("Writers, sizes, seed");
    stage.find_and_click("Own limits and evidence");
    for name in [
        "Sessions",
        "Rate",
        "Stream for",
        "Writers",
        "Pipeline depth",
        "Message size",
        "At most",
        "Seed",
    ] {
        stage
            .window
            .get_by_role_and_label(egui::accesskit::Role::SpinButton, name);
    }
    stage.find_and_click("As fast as it goes");
    assert!(stage.state().plan.draft.rate_max);
    stage.find_and_click("Lost at most");
    assert_eq!(stage.state().plan.draft.max_lost, Some(0));
    assert!(stage.reads("By your own limits"));
}

#[test]
fn the_plan_is_kept_at_once() {
    let mut stage = Stage::new(Play::Mute);
    edit(&mut stage, |draft| draft.sessions = 321);
    let path = stage.folder().join("config/window.json");
    let (settings, trouble) = crashdrill::app::persist::load(&path);
    assert_eq!((settings.draft.sessions, trouble), (321, None));
    std::fs::write(&path, "{").unwrap();
    let (settings, trouble) = crashdrill::app::persist::load(&path);
    assert_eq!(settings.draft, PlanDraft::default());
    assert!(trouble.unwrap().contains("window.json"));
}

#[test]
fn an_imported_file_becomes_the_preset_and_says_what_was_left_out() {
    let mut stage = Stage::new(Play::Mute);
    let conf = stage.folder().join("production.conf");
    std::fs::write(&conf, "port 6379\nsave 60 1000\ndir /var/lib/redis\n").unwrap();
    let fact = crashdrill::app::effect::Fact::PathChosen(
        crashdrill::app::state::Purpose::ImportConf,
        conf,
    );
    stage.learn(fact);
    stage.wait("the import", |state| state.dialog.is_some());
    assert!(stage.reads("2 lines were left out"));
    assert_eq!(
        stage.state().plan.draft.preset,
        "rdb-5s",
        "nothing is changed unasked"
    );
    stage.click("Use this preset");
    assert_eq!(stage.state().plan.draft.preset, "imported-production");
    assert!(stage.reads("save 60 1000"));
    // Where the command line finds it, too.
    stage.wait("the file", |state| !state.toasts.is_empty());
    assert!(stage.reads("crashdrill run --preset imported-production"));
    let own = stage.folder().join("config/presets");
    let (presets, errors) = crashdrill::engine::presets::load(Some(&own));
    assert!(
        presets
            .iter()
            .any(|preset| preset.id == "imported-production"),
        "{errors:?}"
    );
    let settings = stage.folder().join("config/window.json");
    assert!(
        crashdrill::app::persist::load(&settings)
            .0
            .imported
            .is_empty()
    );
}
