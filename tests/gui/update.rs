//! The only writer of the state, without a window.

use std::sync::Arc;

use crashdrill::app::action::Action;
use crashdrill::app::effect::{Effect, End, Fact, paint};
use crashdrill::app::state::{AppState, Settings, Shown, Side};
use crashdrill::app::update::{act, learn, settings, start};
use crashdrill::domain::event::{DrillEvent, Fix, Phase, Progress, RunId, TimedEvent};
use crashdrill::domain::fault::{Fault, FaultKind, FaultRecord, ServerEnd};
use crashdrill::domain::op::Micros;
use crashdrill::domain::plan::PlanDraft;
use crashdrill::engine::command::Command;

use crate::drill_fixture::{self as fixture, Spec};
use crate::stage::presets;

fn fresh() -> AppState {
    start(Settings::default(), presets())
}

fn at(phase: Phase, by_hand: bool) -> AppState {
    let mut state = fresh();
    act(
        &mut state,
        if by_hand {
            Action::StartServer
        } else {
            Action::RunDrill
        },
    );
    learn(
        &mut state,
        Fact::Progress(Progress {
            phase,
            ..Progress::default()
        }),
    );
    state
}

fn typed(state: &AppState, change: impl FnOnce(&mut PlanDraft)) -> Action {
    let mut draft = state.plan.draft.clone();
    change(&mut draft);
    Action::EditPlan(Box::new(draft))
}

#[test]
fn buttons_follow_the_phase() {
    let orders = [
        Action::Stream,
        Action::Pause,
        Action::Kill,
        Action::Restart,
        Action::Verify,
        Action::Finish,
        Action::Cancel,
    ];
    let table = [
        (
            Phase::Starting,
            [false, false, false, false, false, false, true],
        ),
        (Phase::Ready, [true, false, true, false, true, true, true]),
        (
            Phase::Streaming,
            [false, true, true, false, true, true, true],
        ),
        (
            Phase::Faulting,
            [false, false, false, false, false, false, true],
        ),
        (Phase::Down, [false, false, false, true, false, true, true]),
        (
            Phase::Restarting,
            [false, false, false, false, false, false, true],
        ),
        (
            Phase::ReadingBack,
            [false, false, false, false, false, false, true],
        ),
        (
            Phase::TearingDown,
            [false, false, false, false, false, false, false],
        ),
    ];
    for (phase, expected) in table {
        let state = at(phase, true);
        let found: Vec<bool> = orders
            .iter()
            .map(|order| order.available(&state).is_ok())
            .collect();
        assert_eq!(found, expected, "{phase:?}");
    }
}

#[test]
fn a_scripted_drill_takes_no_order_but_cancel() {
    let mut state = at(Phase::Streaming, false);
    assert!(act(&mut state, Action::Kill).is_empty());
    assert!(act(&mut state, Action::Pause).is_empty());
    let effects = act(&mut state, Action::Cancel);
    assert!(matches!(effects[..], [Effect::Order(Command::Cancel)]));
    assert!(act(&mut state, Action::Cancel).is_empty(), "once is enough");
}

#[test]
fn typing_a_number_is_one_step_back_and_choices_are_one_each() {
    let mut state = fresh();
    for sessions in [2, 20, 200_000] {
        let action = typed(&state, |draft| draft.sessions = sessions);
        act(&mut state, action);
    }
    for preset in ["none", "mixed"] {
        let action = typed(&state, |draft| draft.preset = preset.into());
        act(&mut state, action);
    }
    assert_eq!(state.plan.undo.len(), 3);
    act(&mut state, Action::Undo);
    assert_eq!(state.plan.draft.preset, "none");
    act(&mut state, Action::Undo);
    assert_eq!(
        (state.plan.draft.preset.as_str(), state.plan.draft.sessions),
        ("rdb-5s", 200_000)
    );
    act(&mut state, Action::Undo);
    assert_eq!(state.plan.draft, PlanDraft::default());
    act(&mut state, Action::Redo);
    assert_eq!(state.plan.draft.sessions, 200_000);
}

#[test]
fn a_plan_with_an_error_does_not_start() {
    let mut state = fresh();
    let action = typed(&state, |draft| draft.sessions = 0);
    act(&mut state, action);
    assert!(act(&mut state, Action::RunDrill).is_empty());
    assert!(!state.drill.running);
}

#[test]
fn starting_saves_the_plan_first() {
    let mut state = fresh();
    let effects = act(&mut state, Action::RunDrill);
    assert!(
        matches!(effects[..], [Effect::SaveSettings, Effect::Launch(..)]),
        "{effects:?}"
    );
}

#[test]
fn a_fix_edits_the_draft_and_runs_again_in_the_same_mode() {
    let mut state = at(Phase::Starting, true);
    let event = DrillEvent::Failed {
        error: "x".into(),
        fix: Some(Fix::UseLocalServer),
    };
    learn(
        &mut state,
        Fact::Event(TimedEvent {
            at: Micros(1),
            event,
        }),
    );
    learn(&mut state, Fact::DrillEnded(End::InPeace));
    act(&mut state, Action::UseFix(Fix::UseLocalServer));
    assert_eq!(state.plan.draft.backend, "process");
    assert!(state.drill.running && state.drill.by_hand && state.drill.failure.is_none());
}

#[test]
fn choosing_another_image_leads_to_the_field_and_starts_nothing() {
    let mut state = fresh();
    act(&mut state, Action::UseFix(Fix::ChooseAnotherImage));
    assert_eq!(
        state.plan.focus,
        Some(crashdrill::domain::plan::Field::Image)
    );
    assert_eq!(state.plan.draft.backend, "docker");
    assert!(!state.drill.running);
}

#[test]
fn a_run_from_the_list_never_covers_a_running_drill() {
    let mut state = at(Phase::Streaming, true);
    let event = DrillEvent::RunStarted {
        run: RunId("other".into()),
        dir: "/runs/other".into(),
    };
    learn(
        &mut state,
        Fact::Event(TimedEvent {
            at: Micros(1),
            event,
        }),
    );
    let record = fixture::record(&Spec::SMALL, fixture::plan(&Spec::SMALL, &presets()));
    learn(
        &mut state,
        Fact::PictureReady(Arc::new(paint(Arc::new(record)))),
    );
    assert!(matches!(state.picture.shown, Shown::Live(_)));
    assert_eq!(state.toasts.len(), 1);
}

#[test]
fn closing_waits_for_the_drill() {
    let mut state = at(Phase::Streaming, false);
    let effects = act(&mut state, Action::CloseWindow);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Order(Command::Cancel)))
    );
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::CloseWindow))
    );
    let effects = learn(&mut state, Fact::DrillEnded(End::InPeace));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::CloseWindow))
    );
    let mut idle = fresh();
    let effects = act(&mut idle, Action::CloseWindow);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::CloseWindow))
    );
}

#[test]
fn settings_come_back_as_they_were() {
    let mut state = fresh();
    act(&mut state, Action::Toggle(Side::Log));
    let action = typed(&state, |draft| draft.seed = 99);
    act(&mut state, action);
    let kept = settings(&state);
    let again = start(kept.clone(), presets());
    assert_eq!(settings(&again), kept);
    assert!(!again.look.log_open && again.plan.draft.seed == 99);
}

#[test]
fn a_drill_that_crashes_says_so_and_where_its_evidence_is() {
    let mut state = at(Phase::Streaming, false);
    learn(&mut state, Fact::DrillEnded(End::Crashed));
    assert!(!state.drill.running);
    let failure = state.drill.failure.as_ref().unwrap();
    assert!(failure.error.contains("open the run under Runs"));
}

#[test]
fn a_fault_stands_in_the_live_picture_from_its_beginning_to_its_end() {
    let mut state = at(Phase::Streaming, true);
    let tell = |state: &mut AppState, secs: f64, event| {
        let at = Micros((secs * 1e6) as u64);
        learn(state, Fact::Event(TimedEvent { at, event }));
        let Shown::Live(live) = &state.picture.shown else {
            panic!("not live")
        };
        (live.faults.clone(), live.lanes.marks.clone())
    };
    tell(&mut state, 0.0, DrillEvent::StreamStarted);
    let acked = (0..100)
        .map(|n| [f64::from(n) / 10.0, f64::from(n)])
        .collect();
    let lanes = crashdrill::domain::lanes::Lanes::marked(100, Vec::new());
    let ladder = Default::default();
    learn(
        &mut state,
        Fact::Live {
            acked,
            lanes,
            ladder,
        },
    );
    let fault = Fault::new(FaultKind::Pause);
    let began = DrillEvent::FaultBegan {
        fault,
        before: None,
    };
    let (faults, marks) = tell(&mut state, 4.0, began);
    assert_eq!(
        (faults[0].from, faults[0].until),
        (4.0, None),
        "it is not over yet"
    );
    assert_eq!(
        (marks[0].at, marks[0].label.as_str()),
        (40, "pause"),
        "a line through the lanes"
    );
    let record = FaultRecord {
        fault,
        at: Micros(4_000_000),
        dead: Micros(7_000_000),
        end: ServerEnd::Unknown,
        escalated: false,
        before: None,
        last_snapshot: None,
        disk: None,
        hit: None,
    };
    let (faults, _) = tell(
        &mut state,
        7.0,
        DrillEvent::FaultDone {
            record: record.into(),
        },
    );
    assert_eq!(
        faults[0].until,
        Some(7.0),
        "thawed: nothing has to be started again"
    );
}

#[test]
fn where_no_faulty_disk_can_be_had_the_fix_is_a_kill_and_a_cut_tail() {
    let mut state = fresh();
    let draft = PlanDraft {
        fault: FaultKind::PowerLoss,
        compare: true,
        tail: "ext4".into(),
        fsync_delay: "1.5s".into(),
        trigger: "before-rename:*.rdb#1".into(),
        backend: "process".into(),
        ..PlanDraft::default()
    };
    act(&mut state, Action::EditPlan(Box::new(draft)));
    act(&mut state, Action::UseFix(Fix::TailCut));
    let draft = &state.plan.draft;
    assert_eq!(draft.fault, FaultKind::ProcessKill);
    assert!(draft.tail_cut && !draft.compare);
    assert!(state.plan.errors.is_empty(), "{:?}", state.plan.errors);
    let plan = draft.parse(&presets()).unwrap();
    assert_eq!(plan.disk, None, "nothing asks for the disk any more");
}
