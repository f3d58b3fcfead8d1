//! The drill: its start, what it tells, its end, and its picture.

use std::sync::Arc;

use super::super::effect::{Effect, End};
use super::super::state::{
    AppState, DrillState, Failure, LivePicture, Picture, Screen, Shown, Tone,
};
use super::{read_log, show, toast};
use crate::domain::event::{DrillEvent, Fix, Phase, TimedEvent};
use crate::engine::launch::Mode;

pub(super) fn launch(state: &mut AppState, mode: Mode) -> Vec<Effect> {
    let Ok(plan) = state.plan.draft.parse(&state.plan.presets) else {
        return Vec::new();
    };
    state.screen = Screen::Drill;
    state.dialog = None;
    state.plan.typing = None;
    state.log.server.clear();
    state.drill = DrillState {
        running: true,
        by_hand: mode == Mode::ByHand,
        fault: Some(plan.fault),
        ..DrillState::default()
    };
    state.drill.progress.phase = Phase::Starting;
    show(state, Shown::Live(LivePicture::default()));
    vec![Effect::SaveSettings, Effect::Launch(Box::new(plan), mode)]
}

pub(super) fn event_happened(state: &mut AppState, timed: TimedEvent) -> Vec<Effect> {
    let drill = &mut state.drill;
    let mut effects = Vec::new();
    match &timed.event {
        DrillEvent::RunStarted { run, dir } => {
            drill.run = Some(run.clone());
            drill.dir = Some(dir.clone());
        }
        DrillEvent::BackendChosen { backend, reason } => {
            drill.backend.clone_from(backend);
            drill.backend_reason.clone_from(reason);
        }
        DrillEvent::ServerStarted { info, .. } | DrillEvent::ServerRestarted { info, .. } => {
            drill.server = Some(info.clone());
        }
        DrillEvent::Failed { error, fix } => {
            drill.failure = Some(Failure {
                error: error.clone(),
                fix: *fix,
            });
        }
        DrillEvent::Judged {
            record: Some(record),
            ..
        } => effects.push(Effect::Paint(record.clone())),
        // Streaming on after a verdict: the old picture gives way to the live one.
        // And what is done after a verdict must not stand under it.
        DrillEvent::StreamStarted | DrillEvent::FaultBegan { .. }
            if !matches!(state.picture.shown, Shown::Live(_)) =>
        {
            show(state, Shown::Live(LivePicture::default()));
        }
        DrillEvent::FaultDone { record } => {
            if let Shown::Live(live) = &mut state.picture.shown {
                let label = record.fault.kind.title().to_owned();
                live.faults.push((record.at.secs(), label));
            }
        }
        _ => {}
    }
    state.drill.timeline.push(timed);
    effects.extend(read_log(state));
    effects
}

pub(super) fn drill_ended(state: &mut AppState, end: End) -> Vec<Effect> {
    if end == End::Crashed {
        state.drill.failure = Some(Failure {
            error: "The drill ended unexpectedly, which is a fault of Crashdrill. What its journal holds can be judged: open the run under Runs".into(),
            fix: Some(Fix::TryAgain),
        });
    }
    state.drill.running = false;
    state.drill.cancelling = false;
    if let Shown::Live(live) = &state.picture.shown
        && live.acked.is_empty()
    {
        show(state, Shown::Nothing);
    }
    let mut effects = read_log(state);
    if state.screen == Screen::Runs {
        effects.push(Effect::ListRuns);
    }
    if state.closing && !state.checks.running {
        effects.push(Effect::CloseWindow);
    }
    effects
}

pub(super) fn picture_ready(state: &mut AppState, picture: Arc<Picture>) -> Vec<Effect> {
    let ours = state.drill.run.as_ref() == Some(&picture.record.id);
    if !ours {
        if state.drill.running {
            // A run opened from the list never covers a drill that is under way.
            return toast(
                state,
                Tone::Warning,
                "Finish the running drill first, then open the run".into(),
                None,
            );
        }
        state.drill = DrillState {
            run: Some(picture.record.id.clone()),
            dir: Some(picture.record.dir.clone()),
            backend: picture.record.backend.clone(),
            server: picture.record.server.clone(),
            fault: Some(picture.record.plan.fault),
            ..DrillState::default()
        };
        state.log.server.clear();
    }
    if !state.drill.running || !ours {
        state.drill.timeline.clone_from(&picture.record.timeline);
    }
    // The worst session stands first, and its transcript tells the story at once.
    let worst = picture.lanes.lanes.first().map(|lane| lane.session);
    show(state, Shown::Judged(picture));
    state.picture.selected = worst;
    read_log(state)
}
