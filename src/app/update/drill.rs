//! The drill: its start, what it tells, its end, and its picture.

use std::sync::Arc;

use super::super::effect::{Effect, End};
use super::super::state::{
    AppState, DrillState, Failure, LiveFault, LivePicture, Picture, Screen, Shown, Tone, View,
};
use super::{read_log, show, toast};
use crate::domain::event::{DrillEvent, Fix, Phase, TimedEvent};
use crate::domain::fault::Fault;
use crate::domain::lanes::{Mark, MarkKind};
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
        on_faulty_disk: plan.disk.is_some(),
        ..DrillState::default()
    };
    state.drill.progress.phase = Phase::Starting;
    if state.picture.view == View::Images {
        state.picture.view = View::Curves;
    }
    show(state, Shown::Live(LivePicture::default()));
    vec![Effect::SaveSettings, Effect::Launch(Box::new(plan), mode)]
}

/// The running drill's fault with its parameters, else the draft's.
pub(super) fn fault(state: &AppState) -> Fault {
    let usual = Fault::new(state.plan.draft.fault);
    state.drill.fault.unwrap_or(usual)
}

pub(super) fn event_happened(state: &mut AppState, timed: TimedEvent) -> Vec<Effect> {
    // What was tried in an earlier round does not stand for what happens now.
    let goes_on = matches!(
        timed.event,
        DrillEvent::StreamStarted | DrillEvent::FaultBegan { .. }
    );
    if goes_on && state.picture.view == View::Images {
        state.picture.view = View::Curves;
    }
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
            drill.refused = false;
        }
        DrillEvent::ServerRefused { .. } => drill.refused = true,
        DrillEvent::Armed { trigger, .. } => drill.armed = Some(trigger.clone()),
        DrillEvent::Disarmed | DrillEvent::MomentMissed { .. } | DrillEvent::FaultDone { .. } => {
            drill.armed = None;
        }
        // What was just found out is what the user waits for.
        DrillEvent::Compared { .. }
        | DrillEvent::WhatIf { .. }
        | DrillEvent::TailCutTried { .. }
        | DrillEvent::Repaired { .. } => state.picture.view = View::Images,
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
        _ => {}
    }
    if let Shown::Live(live) = &mut state.picture.shown {
        live_fault(live, &timed);
    }
    state.drill.timeline.push(timed);
    effects.extend(read_log(state));
    effects
}

/// What an event changes in the faults of the live picture.
fn live_fault(live: &mut LivePicture, timed: &TimedEvent) {
    let last = live.faults.last_mut();
    match (&timed.event, last) {
        (DrillEvent::FaultBegan { fault, .. }, _) => live.faults.push(LiveFault {
            label: fault.kind.title().to_owned(),
            from: timed.at.secs(),
            done: None,
            until: None,
        }),
        (DrillEvent::FaultDone { record }, Some(fault)) => {
            fault.from = record.at.secs();
            fault.done = Some(record.dead.secs());
            // A thawed server was never gone.
            let thawed = !record.fault.kind.ends_server();
            fault.until = thawed.then(|| record.dead.secs());
        }
        (DrillEvent::ServerRestarted { .. }, Some(fault)) if fault.until.is_none() => {
            fault.until = Some(timed.at.secs());
        }
        _ => return,
    }
    mark_faults(live);
}

/// The faults as lines through the lanes.
pub(super) fn mark_faults(live: &mut LivePicture) {
    let faults = live.faults.iter();
    let marks = faults.map(|fault| Mark {
        at: live.acked_by(fault.done.unwrap_or(fault.from)),
        kind: MarkKind::Fault,
        label: fault.label.to_lowercase(),
    });
    let marks = marks.collect();
    Arc::make_mut(&mut live.lanes).marks = marks;
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
