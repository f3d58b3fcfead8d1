//! The main job, by clicks.

use crashdrill::app::action::Action;
use crashdrill::app::effect::Fact;
use crashdrill::app::state::Shown;
use crashdrill::domain::event::{DrillEvent, Fix, Phase, Progress};
use crashdrill::domain::verdict::{Ground, Verdict};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::drill_fixture::Spec;
use crate::stage::{Play, Stage};

#[test]
fn the_first_window_says_what_to_do() {
    let stage = Stage::new(Play::Fast);
    assert!(stage.reads("What does a crash take from your chats?"));
    assert_eq!(stage.window.query_all_by_label("Run drill").count(), 2);
    for (control, reason) in [
        ("Stream", "Start the server first"),
        ("Kill", ""),
        ("Restart", ""),
        ("Verify", ""),
        ("Finish", ""),
        ("Export…", ""),
    ] {
        assert!(!stage.enabled(control), "{control} {reason}");
    }
}

#[test]
fn one_click_leads_to_a_verdict_with_a_loss_in_words_and_in_lanes() {
    let mut stage = Stage::new(Play::Fast);
    stage
        .window
        .get_all_by_label("Run drill")
        .next()
        .unwrap()
        .click();
    stage.settle();
    stage.wait("the verdict", |state| {
        matches!(state.picture.shown, Shown::Judged(_))
    });
    stage.wait("the end", |state| !state.drill.running);
    assert!(stage.reads("vanished, as this preset allows"));
    assert!(stage.reads("acknowledged messages vanished"));
    assert!(stage.enabled("Export…"));
    assert!(stage.reads("tail lost"), "the worst session is selected");
    // A long transcript is measured a few milliseconds a frame.
    stage.window.run_steps(200);
    assert!(
        stage.reads("(vanished)"),
        "its transcript shows what is missing"
    );
}

#[test]
fn by_hand_every_step_unlocks_the_next() {
    let mut stage = Stage::new(Play::Fast);
    stage
        .window
        .get_all_by_label("Start server")
        .next()
        .unwrap()
        .click();
    stage.settle();
    stage.wait_for(Phase::Ready);
    assert!(stage.enabled("Stream") && stage.enabled("Verify") && !stage.enabled("Restart"));
    stage.click("Stream");
    stage.wait_for(Phase::Streaming);
    stage.click("Pause");
    stage.wait_for(Phase::Ready);
    stage.click("Stream");
    stage.wait_for(Phase::Streaming);
    stage.click("Kill");
    stage.wait_for(Phase::Down);
    assert!(!stage.enabled("Kill") && !stage.enabled("Verify"));
    stage.click("Restart");
    stage.wait_for(Phase::Ready);
    stage.click("Verify");
    stage.wait("the verdict", |state| {
        matches!(state.picture.shown, Shown::Judged(_))
    });
    stage.wait_for(Phase::Ready);
    stage.click("Stream");
    stage.wait_for(Phase::Streaming);
    assert!(
        matches!(stage.state().picture.shown, Shown::Live(_)),
        "streaming on shows the live picture"
    );
    stage.click("Cancel");
    stage.wait("the end", |state| !state.drill.running);
}

#[test]
fn a_drill_that_cannot_start_offers_the_way_out_as_a_button() {
    let mut stage = Stage::new(Play::NoDocker);
    stage
        .window
        .get_all_by_label("Run drill")
        .next()
        .unwrap()
        .click();
    stage.wait("the failure", |state| {
        state.drill.failure.is_some() && !state.drill.running
    });
    assert!(stage.reads("Docker does not answer"));
    stage.click("Use local redis-server");
    assert_eq!(stage.state().plan.draft.backend, "process");
    stage.wait("the verdict of the second run", |state| {
        matches!(state.picture.shown, Shown::Judged(_))
    });
}

#[test]
fn a_failure_can_be_dismissed() {
    let mut stage = Stage::new(Play::Mute);
    let error = "The image redis:9 is not here and cannot be pulled".to_owned();
    let fix = Some(Fix::ChooseAnotherImage);
    stage.tell(1.0, DrillEvent::Failed { error, fix });
    assert!(stage.has("Choose another image…"));
    stage.click("Dismiss");
    assert!(!stage.has("Choose another image…"));
}

#[test]
fn what_failed_is_said_once() {
    let mut stage = Stage::new(Play::Mute);
    let error = "the server ended by itself: killed by signal 11".to_owned();
    stage.show_with(&Spec::SMALL, |record| {
        let ground = Ground::DrillFailed {
            error: error.clone(),
        };
        record.judgement.verdict = Verdict::Inconclusive;
        record.judgement.grounds = vec![ground];
    });
    stage.tell(
        7.0,
        DrillEvent::Failed {
            error: error.clone(),
            fix: None,
        },
    );
    assert!(stage.has("Try again"));
    let told = stage.window.query_all_by_label_contains(&error).count();
    assert_eq!(told, 2, "in the verdict and in the timeline");
}

#[test]
fn a_run_without_a_message_draws_no_empty_axes() {
    let mut stage = Stage::new(Play::Mute);
    stage.show_with(&Spec::SMALL, |record| {
        record.history = Default::default();
        record.classes = Default::default();
    });
    assert!(stage.reads("There is nothing to draw"));
    assert!(!stage.reads("Acknowledged and recovered"));
}

#[test]
fn a_server_that_refuses_to_start_says_what_can_be_done() {
    let mut stage = Stage::new(Play::Mute);
    stage.window.state_mut().act(Action::StartServer);
    stage.stream();
    let words = vec!["Bad file format reading the append only file".to_owned()];
    let end = crashdrill::domain::fault::ServerEnd::Exit { code: 1 };
    stage.tell(8.0, DrillEvent::ServerRefused { end, words });
    let phase = Phase::Down;
    stage.learn(Fact::Progress(Progress {
        phase,
        ..Progress::default()
    }));
    assert!(stage.reads("The server refused to start: its words are below"));
    assert!(stage.enabled("Verify") && stage.enabled("Restart") && !stage.enabled("Kill"));
}

#[test]
fn a_lane_opens_its_transcript_and_json() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    let second = {
        let Shown::Judged(picture) = &stage.state().picture.shown else {
            panic!("not judged")
        };
        picture.lanes.lanes[1].session
    };
    let label = format!("Session {second}, ");
    stage
        .window
        .get_all_by_label_contains(&label)
        .next()
        .unwrap()
        .click();
    stage.settle();
    assert_eq!(stage.state().picture.selected, Some(second));
    stage.click("JSON");
    assert!(stage.reads("\"content\":"));
    stage.click("Chat");
    assert!(!stage.reads("\"content\":"));
}

#[test]
fn the_cut_can_be_looked_at_from_near() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    stage.click("Around the cut");
    assert_eq!(
        stage.state().picture.zoom,
        crashdrill::app::state::Zoom::Cut
    );
    stage.click("Whole run");
}

#[test]
fn each_verdict_is_a_word_and_not_only_a_colour() {
    for verdict in [Verdict::Held, Verdict::Violated, Verdict::Inconclusive] {
        let mut stage = Stage::new(Play::Mute);
        stage.show(&Spec {
            verdict,
            ..Spec::SMALL
        });
        assert!(stage.judged());
        assert!(stage.reads(verdict.title()), "{verdict:?}");
    }
}

/// The harness panics at a letter that no bundled font has; so this shows every language.
#[test]
fn no_chat_shows_empty_boxes() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec::SMALL);
    let sessions: Vec<_> = {
        let Shown::Judged(picture) = &stage.state().picture.shown else {
            panic!("not judged")
        };
        picture
            .lanes
            .lanes
            .iter()
            .take(14)
            .map(|lane| lane.session)
            .collect()
    };
    let mut seen = String::new();
    for session in sessions {
        stage.window.state_mut().act(Action::Select(Some(session)));
        stage.window.run_steps(40);
        for node in stage.window.query_all_by_label_contains("User: ") {
            seen += &node
                .accesskit_node()
                .label()
                .or(node.accesskit_node().value())
                .unwrap_or_default();
        }
    }
    for (script, letters) in [
        ("Chinese", '\u{4e00}'..='\u{9fff}'),
        ("Arabic", '\u{600}'..='\u{6ff}'),
        ("emoji", '\u{1f300}'..='\u{1faff}'),
    ] {
        assert!(
            seen.chars().any(|c| letters.contains(&c)),
            "no {script} among {} letters",
            seen.len()
        );
    }
}

#[test]
fn a_lost_tail_that_was_written_past_is_called_a_hole() {
    let mut stage = Stage::new(Play::Mute);
    stage.show(&Spec {
        rounds: 2,
        ..Spec::SMALL
    });
    assert!(stage.reads("hole"));
}
