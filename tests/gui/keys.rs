//! Shortcuts and the command palette.

use crashdrill::app::action::Action;
use crashdrill::app::state::{Dialog, Screen};
use crashdrill::domain::event::Phase;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use crate::stage::{Play, Stage};

fn press(stage: &mut Stage, modifiers: Modifiers, key: Key) {
    stage.window.key_press_modifiers(modifiers, key);
    stage.settle();
}

#[test]
fn a_drill_can_be_steered_without_a_mouse() {
    let mut stage = Stage::new(Play::Fast);
    stage.window.state_mut().act(Action::StartServer);
    stage.wait_for(Phase::Ready);
    press(&mut stage, Modifiers::NONE, Key::Space);
    stage.wait_for(Phase::Streaming);
    press(&mut stage, Modifiers::NONE, Key::K);
    stage.wait_for(Phase::Down);
    press(&mut stage, Modifiers::NONE, Key::R);
    stage.wait_for(Phase::Ready);
    press(&mut stage, Modifiers::NONE, Key::V);
    stage.wait("the verdict", |state| {
        matches!(
            state.picture.shown,
            crashdrill::app::state::Shown::Judged(_)
        )
    });
    press(&mut stage, Modifiers::COMMAND, Key::E);
    assert!(matches!(stage.state().dialog, Some(Dialog::Export)));
    press(&mut stage, Modifiers::NONE, Key::Escape);
    assert!(stage.state().dialog.is_none());
}

#[test]
fn letters_in_a_text_field_are_letters() {
    let mut stage = Stage::new(Play::Fast);
    stage.window.state_mut().act(Action::StartServer);
    stage.wait_for(Phase::Ready);
    stage.click("Docker");
    stage
        .window
        .get_by_role_and_label(egui::accesskit::Role::TextInput, "Image")
        .focus();
    stage.settle();
    press(&mut stage, Modifiers::NONE, Key::K);
    press(&mut stage, Modifiers::NONE, Key::Space);
    assert_eq!(stage.state().drill.phase(), Phase::Ready);
}

#[test]
fn control_enter_runs_the_drill() {
    let mut stage = Stage::new(Play::Mute);
    press(&mut stage, Modifiers::COMMAND, Key::Enter);
    assert!(stage.state().drill.running && !stage.state().drill.by_hand);
}

#[test]
fn undo_and_redo_have_their_keys() {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Process");
    press(&mut stage, Modifiers::COMMAND, Key::Z);
    assert_eq!(stage.state().plan.draft.backend, "auto");
    press(&mut stage, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(stage.state().plan.draft.backend, "process");
}

#[test]
fn redo_is_not_taken_for_undo() {
    let mut stage = Stage::new(Play::Mute);
    for backend in ["Process", "Docker", "External"] {
        stage.click(backend);
    }
    press(&mut stage, Modifiers::COMMAND, Key::Z);
    press(&mut stage, Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(stage.state().plan.draft.backend, "external");
}

#[test]
fn letters_speak_to_the_screen_that_is_looked_at() {
    let mut stage = Stage::new(Play::Fast);
    stage.window.state_mut().act(Action::StartServer);
    stage.wait_for(Phase::Ready);
    stage.click("Runs");
    for key in [Key::K, Key::Space, Key::V] {
        press(&mut stage, Modifiers::NONE, key);
    }
    stage.window.run_steps(20);
    assert_eq!(stage.state().drill.phase(), Phase::Ready);
    press(&mut stage, Modifiers::COMMAND, Key::Num1);
    press(&mut stage, Modifiers::ALT, Key::K);
    stage.window.run_steps(20);
    assert_eq!(
        stage.state().drill.phase(),
        Phase::Ready,
        "Alt+K is another key"
    );
    press(&mut stage, Modifiers::NONE, Key::K);
    stage.wait_for(Phase::Down);
}

#[test]
fn the_palette_lists_every_action_by_name() {
    let mut stage = Stage::new(Play::Mute);
    press(&mut stage, Modifiers::COMMAND, Key::K);
    let names: Vec<String> = Action::palette()
        .iter()
        .filter(|action| !matches!(action, Action::OpenPalette))
        .map(|action| action.text(stage.state()).into_owned())
        .collect();
    for name in names {
        assert!(!name.is_empty());
        assert!(
            stage.window.query_all_by_label(&name).next().is_some(),
            "{name} is not in the palette"
        );
    }
}

#[test]
fn the_palette_finds_by_a_few_letters_and_obeys_the_arrows() {
    let mut stage = Stage::new(Play::Mute);
    press(&mut stage, Modifiers::COMMAND, Key::K);
    stage.window.get_by_label("Command").type_text("runs");
    stage.settle();
    press(&mut stage, Modifiers::NONE, Key::ArrowDown);
    press(&mut stage, Modifiers::NONE, Key::ArrowUp);
    press(&mut stage, Modifiers::NONE, Key::Enter);
    assert!(stage.state().dialog.is_none());
    assert_eq!(stage.state().screen, Screen::Runs);
}

#[test]
fn every_action_that_can_be_greyed_says_why() {
    let stage = Stage::new(Play::Mute);
    for action in Action::palette() {
        if let Err(reason) = action.available(stage.state()) {
            assert!(
                reason.len() > 8 && !reason.ends_with('.'),
                "{action:?}: {reason}"
            );
        }
    }
}
