//! Wishes of the user: a closed list, with text, tooltip, shortcut and availability beside each.
//!
//! Nothing happens here. Buttons, shortcuts and the palette all speak these words to `update`.

use std::borrow::Cow;
use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::check_action::CheckAction;
use super::check_state::CheckFormat;
use super::state::{
    AppState, Dialog, LogTab, Purpose, RunColumn, Screen, Shown, Side, ThemeChoice, View, Zoom,
};
use super::store_action::StoreAction;
use crate::domain::event::{DrillEvent, Fix, Phase};
use crate::domain::fault::FaultKind;
use crate::domain::op::SessionId;
use crate::domain::plan::{Field, PlanDraft};
use crate::domain::trigger::Trigger;
use crate::domain::verdict::Cut;
use crate::engine::store::RunSummary;
use crate::report::Format;

#[derive(Clone, Debug)]
pub enum Action {
    RunDrill,
    StartServer,
    Stream,
    Pause,
    Kill,
    PowerCut,
    /// Kill, and show beside it what a power cut of the same instant would have left.
    Compare,
    WhatIf,
    Arm,
    Disarm,
    Restart,
    Repair,
    CutTail,
    Verify,
    Finish,
    Cancel,
    UseFix(Fix),
    DismissFailure,

    EditPlan(Box<PlanDraft>),
    FocusTaken,
    Undo,
    Redo,
    ResetPlan,
    ImportConf,
    ChooseProgram,
    ListImages,

    Show(Screen),
    Toggle(Side),
    Resize(Side, f32),
    Theme(ThemeChoice),
    ShowLog(LogTab),
    CopyLog,

    Select(Option<SessionId>),
    ZoomTo(Zoom),
    View(View),
    ShowRaw(bool),

    Export,
    ExportAs(Format),
    TypePathInstead(Purpose),
    EditPath(String),
    AcceptPath,
    Overwrite,

    RefreshRuns,
    OpenRun(PathBuf),
    RevealRun(PathBuf),
    AskDelete(Box<RunSummary>),
    Delete,
    /// The imported file as this plan's preset, once the user has seen what was left out.
    UseImported,
    FilterRuns(String),
    SortRuns(RunColumn),
    RevealThisRun,

    Check(CheckAction),

    OpenPalette,
    EditPalette(String, usize),
    CloseDialog,
    OpenFile(PathBuf),
    DismissToast(u64),
    CloseWindow,
    Store(StoreAction),
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn bare(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

impl Action {
    /// Every wish that needs no further word, in the order of the palette.
    #[must_use]
    pub fn palette() -> Vec<Action> {
        vec![
            Action::RunDrill,
            Action::StartServer,
            Action::Stream,
            Action::Pause,
            Action::Kill,
            Action::PowerCut,
            Action::Compare,
            Action::WhatIf,
            Action::Arm,
            Action::Disarm,
            Action::Restart,
            Action::Repair,
            Action::CutTail,
            Action::Verify,
            Action::Finish,
            Action::Cancel,
            Action::Export,
            Action::ImportConf,
            Action::Undo,
            Action::Redo,
            Action::ResetPlan,
            Action::Show(Screen::Drill),
            Action::Show(Screen::Runs),
            Action::Show(Screen::Checks),
            Action::Check(CheckAction::RunAll),
            Action::Check(CheckAction::RunPicked),
            Action::Check(CheckAction::Cancel),
            Action::Check(CheckAction::Export(CheckFormat::Html)),
            Action::Check(CheckAction::Export(CheckFormat::Markdown)),
            Action::Check(CheckAction::Export(CheckFormat::Json)),
            Action::Check(CheckAction::Export(CheckFormat::Junit)),
            Action::RefreshRuns,
            Action::RevealThisRun,
            Action::View(View::Curves),
            Action::View(View::Ladder),
            Action::View(View::Images),
            Action::ZoomTo(Zoom::All),
            Action::ZoomTo(Zoom::Cut),
            Action::ShowRaw(true),
            Action::ShowRaw(false),
            Action::Toggle(Side::Plan),
            Action::Toggle(Side::Inspector),
            Action::Toggle(Side::Log),
            Action::ShowLog(LogTab::Timeline),
            Action::ShowLog(LogTab::Server),
            Action::CopyLog,
            Action::ListImages,
            Action::ChooseProgram,
            Action::Show(Screen::Store),
            Action::Store(StoreAction::LookAtOurs),
            Action::Theme(ThemeChoice::System),
            Action::Theme(ThemeChoice::Dark),
            Action::Theme(ThemeChoice::Light),
            Action::OpenPalette,
            Action::CloseWindow,
        ]
    }

    /// As on the button.
    #[must_use]
    pub fn text(&self, state: &AppState) -> Cow<'static, str> {
        let text = match self {
            Action::RunDrill => "Run drill",
            Action::StartServer => "Start server",
            Action::Stream => "Stream",
            Action::Pause => "Pause",
            Action::Kill => kill_text(fault(state)),
            Action::PowerCut => "Power cut",
            Action::Compare => "Kill & compare",
            Action::WhatIf => "What if now?",
            Action::Arm => "Arm",
            Action::Disarm => "Disarm",
            Action::Restart => "Restart",
            Action::Repair => "Repair",
            Action::CutTail => "Cut the tail",
            Action::Verify => "Verify",
            Action::Finish => "Finish",
            Action::Cancel => "Cancel",
            Action::UseFix(fix) => fix_text(*fix),
            Action::DismissFailure => "Dismiss",
            Action::Undo => "Undo plan edit",
            Action::Redo => "Redo plan edit",
            Action::ResetPlan => "Reset to defaults",
            Action::ImportConf => "Import redis.conf…",
            Action::ChooseProgram => "Choose server program…",
            Action::ListImages => "List local images",
            Action::Show(Screen::Drill) => "Go to drill",
            Action::Show(Screen::Runs) => "Go to runs",
            Action::Show(Screen::Store) => "Go to store",
            Action::Store(action) => action.text(),
            Action::Show(Screen::Checks) => "Go to checks",
            Action::Check(action) => action.text(state),
            Action::Toggle(Side::Plan) => "Show or hide plan",
            Action::Toggle(Side::Inspector) => "Show or hide inspector",
            Action::Toggle(Side::Log) => "Show or hide timeline",
            Action::Theme(ThemeChoice::System) => "Theme of the system",
            Action::Theme(ThemeChoice::Dark) => "Dark theme",
            Action::Theme(ThemeChoice::Light) => "Light theme",
            Action::ShowLog(LogTab::Timeline) => "Timeline",
            Action::ShowLog(LogTab::Server) => "Server log",
            Action::CopyLog => "Copy",
            Action::View(View::Curves) => "Show curves",
            Action::View(View::Ladder) => "Show ladder",
            Action::View(View::Images) => "Show what if",
            Action::ZoomTo(Zoom::Cut) => "Around the cut",
            Action::ZoomTo(_) => "Whole run",
            Action::ShowRaw(true) => "Raw JSON",
            Action::ShowRaw(false) => "Chat",
            Action::Export => "Export…",
            Action::ExportAs(format) => format.title(),
            Action::TypePathInstead(_) => "Type a path…",
            Action::AcceptPath => "OK",
            Action::Overwrite => "Replace",
            Action::RefreshRuns => "Refresh runs",
            Action::OpenRun(_) => "Open",
            Action::RevealRun(_) => "Show folder",
            Action::RevealThisRun => "Show folder of this run",
            Action::AskDelete(_) => "Delete…",
            Action::Delete => "Delete",
            Action::UseImported => "Use this preset",
            Action::OpenPalette => "Command palette",
            Action::CloseDialog => "Cancel",
            Action::OpenFile(_) => "Open",
            Action::CloseWindow => "Close window",
            Action::EditPlan(_)
            | Action::FocusTaken
            | Action::Resize(..)
            | Action::Select(_)
            | Action::EditPath(_)
            | Action::FilterRuns(_)
            | Action::SortRuns(_)
            | Action::EditPalette(..)
            | Action::DismissToast(_) => "",
        };
        Cow::Borrowed(text)
    }

    /// What it does, for the tooltip; empty where the text says it all.
    #[must_use]
    pub fn tooltip(&self, state: &AppState) -> &'static str {
        match self {
            Action::RunDrill => {
                "Start a server, stream, perform the fault, restart, read back and judge"
            }
            Action::StartServer => "Start the server only and go on by hand",
            Action::Stream => "Write chat messages, and journal each one",
            Action::Pause => "Stop writing; the server stays up",
            Action::Kill => fault(state).explanation(),
            Action::PowerCut => "The server dies and everything that was not fsynced is gone",
            Action::Compare => {
                "One instant, two ends: kill the server, and show beside it what a power cut would have left"
            }
            Action::WhatIf => {
                "Start a scratch server on what is durable now and show what would be gone; the stream goes on"
            }
            Action::Arm => "Let the fault strike at the moment that the plan names",
            Action::Disarm => "Let the moment pass",
            Action::Repair => "redis-check-aof --fix on a copy of the data, and what that saves",
            Action::CutTail => {
                "A scratch server on every legal end of the AOF: the range of what a power cut could have left"
            }
            Action::Restart => "Start the dead server again on the data it left",
            Action::Verify => "Read every session back and judge what is missing",
            Action::Finish => "Judge what there is, clean up and end the run",
            Action::Cancel => "Stop now and clean up; the run is kept and inconclusive",
            Action::ResetPlan => "Set every field back to the plan that works as it is",
            Action::ImportConf => {
                "Take persistence and memory directives from your own configuration file"
            }
            Action::Export => "Save a report of this run",
            Action::OpenRun(_) => "Judge the run again from its evidence and show it",
            Action::RevealRun(_) | Action::RevealThisRun => {
                "Plan, journal, timeline, server log and reports of the run"
            }
            Action::ZoomTo(Zoom::Cut) => "Only the messages on both sides of the cut",
            Action::ShowRaw(true) => "The bytes as they were written",
            Action::Store(action) => action.tooltip(),
            Action::Check(action) => action.tooltip(),
            _ => "",
        }
    }

    #[must_use]
    pub fn shortcut(&self) -> Option<KeyboardShortcut> {
        Some(match self {
            Action::RunDrill => ctrl(Key::Enter),
            Action::Stream | Action::Pause => bare(Key::Space),
            Action::Kill => bare(Key::K),
            Action::PowerCut => bare(Key::P),
            Action::Compare => bare(Key::C),
            Action::WhatIf => bare(Key::W),
            Action::Arm => bare(Key::A),
            Action::Disarm => bare(Key::D),
            Action::Repair => bare(Key::F),
            Action::CutTail => bare(Key::T),
            Action::Restart => bare(Key::R),
            Action::Verify => bare(Key::V),
            Action::Export => ctrl(Key::E),
            Action::Undo => ctrl(Key::Z),
            Action::Redo => {
                KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z)
            }
            Action::OpenPalette => ctrl(Key::K),
            Action::Show(Screen::Drill) => ctrl(Key::Num1),
            Action::Show(Screen::Runs) => ctrl(Key::Num2),
            Action::Show(Screen::Store) => ctrl(Key::Num3),
            Action::Show(Screen::Checks) => ctrl(Key::Num4),
            _ => return None,
        })
    }

    /// Whether it can be done now.
    ///
    /// # Errors
    /// Why not, in words for the tooltip of the greyed button.
    pub fn available(&self, state: &AppState) -> Result<(), &'static str> {
        let phase = state.drill.phase();
        match self {
            Action::RunDrill | Action::StartServer => startable(state),
            Action::Stream => by_hand(state, phase == Phase::Ready, "Needs a server that is up"),
            Action::Pause => by_hand(state, phase == Phase::Streaming, "Nothing is streaming"),
            Action::Kill => {
                let up = matches!(phase, Phase::Ready | Phase::Streaming);
                by_hand(state, up, "Needs a server that is up")
            }
            Action::PowerCut | Action::Compare | Action::WhatIf => {
                let up = matches!(phase, Phase::Ready | Phase::Streaming);
                by_hand(state, up, "Needs a server that is up")?;
                need(
                    state.drill.on_faulty_disk,
                    "Needs the faulty disk: choose one under Disk in the plan, and start the server again",
                )
            }
            Action::Arm => {
                let up = matches!(phase, Phase::Ready | Phase::Streaming);
                by_hand(state, up, "Needs a server that is up")?;
                need(state.drill.armed.is_none(), "Armed already: disarm first")?;
                need(
                    armable(state),
                    "Choose under Moment in the plan when it shall strike",
                )
            }
            Action::Disarm => by_hand(state, state.drill.armed.is_some(), "Nothing is armed"),
            Action::Repair => {
                let refused = phase == Phase::Down && state.drill.refused;
                by_hand(state, refused, "The server has not refused to start")
            }
            Action::CutTail => {
                by_hand(state, phase == Phase::Down, "The server is not down")?;
                need(
                    last_fault(state) == Some(FaultKind::ProcessKill),
                    "Follows a process kill: that leaves the AOF as it was written",
                )
            }
            Action::View(View::Images) => {
                let any = state
                    .drill
                    .timeline
                    .iter()
                    .any(|timed| is_image(&timed.event));
                need(
                    any,
                    "Nothing was tried yet: What if now? or Kill & compare does",
                )
            }
            Action::Restart => by_hand(state, phase == Phase::Down, "The server is not down"),
            Action::Verify => {
                let up = matches!(phase, Phase::Ready | Phase::Streaming);
                // That it gives nothing back is a result, too.
                let refused = phase == Phase::Down && state.drill.refused;
                by_hand(state, up || refused, "Needs a server that is up")
            }
            Action::Finish => {
                let steady = matches!(phase, Phase::Ready | Phase::Streaming | Phase::Down);
                by_hand(state, steady, "Wait until the present step is done")
            }
            Action::Cancel => cancellable(state, phase),
            Action::Undo => need(!state.plan.undo.is_empty(), "No edit to undo"),
            Action::Redo => need(!state.plan.redo.is_empty(), "No edit to redo"),
            Action::Export | Action::RevealThisRun => {
                let judged = matches!(state.picture.shown, Shown::Judged(_));
                need(judged, "There is no judged run to look at yet")
            }
            Action::ZoomTo(Zoom::Cut) => {
                let cut = match &state.picture.shown {
                    Shown::Judged(picture) => *picture.record.judgement.cut() != Cut::NotNeeded,
                    _ => false,
                };
                need(
                    cut,
                    "There is no cut: nothing acknowledged is known to be lost",
                )
            }
            Action::ZoomTo(_) => {
                let judged = matches!(state.picture.shown, Shown::Judged(_));
                need(judged, "There is no judged run to look at yet")
            }
            Action::Store(action) => action.available(state),
            Action::Check(action) => action.available(state),
            Action::UseImported => need(
                matches!(state.dialog, Some(Dialog::Imported { .. })),
                "Nothing was imported",
            ),
            Action::Delete => need(
                matches!(state.dialog, Some(Dialog::DeleteRun { .. })),
                "No run was chosen",
            ),
            _ => Ok(()),
        }
    }
}

/// The moment in the plan is one that a fault can wait for.
fn armable(state: &AppState) -> bool {
    let trigger = state.plan.draft.trigger.parse();
    trigger.is_ok_and(|trigger: Trigger| trigger != Trigger::Time)
        && state.plan.error(Field::Trigger).is_none()
}

fn last_fault(state: &AppState) -> Option<FaultKind> {
    let mut timeline = state.drill.timeline.iter().rev();
    timeline.find_map(|timed| match &timed.event {
        DrillEvent::FaultDone { record } => Some(record.fault.kind),
        _ => None,
    })
}

/// A scratch server was tried on an image of the data.
#[must_use]
pub fn is_image(event: &DrillEvent) -> bool {
    matches!(
        event,
        DrillEvent::Compared { .. }
            | DrillEvent::WhatIf { .. }
            | DrillEvent::TailCutTried { .. }
            | DrillEvent::Repaired { .. }
    )
}

fn need(condition: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(otherwise) }
}

fn startable(state: &AppState) -> Result<(), &'static str> {
    need(!state.drill.running, "A drill is running")?;
    need(
        state.plan.errors.is_empty(),
        "The plan has an error: see the red field",
    )
}

fn by_hand(state: &AppState, fits: bool, otherwise: &'static str) -> Result<(), &'static str> {
    need(state.drill.running, "Start the server first")?;
    need(
        state.drill.by_hand,
        "This drill runs by its plan; use Start server to go by hand",
    )?;
    need(fits, otherwise)
}

fn cancellable(state: &AppState, phase: Phase) -> Result<(), &'static str> {
    need(state.drill.running, "No drill is running")?;
    let ending = state.drill.cancelling || matches!(phase, Phase::TearingDown | Phase::Finished);
    need(!ending, "Already cleaning up")
}

/// The fault that **Kill** performs: the running drill's, else the draft's.
fn fault(state: &AppState) -> FaultKind {
    match (state.drill.running, state.drill.fault) {
        (true, Some(fault)) => fault.kind,
        _ => state.plan.draft.fault,
    }
}

fn kill_text(fault: FaultKind) -> &'static str {
    match fault {
        FaultKind::ProcessKill => "Kill",
        FaultKind::PowerLoss => "Cut power",
        FaultKind::GracefulStop => "Stop gracefully",
        FaultKind::Pause => "Freeze",
        FaultKind::ContainerRemoved => "Remove container",
        FaultKind::ContainerRemovedWithVolume => "Remove with volume",
    }
}

fn fix_text(fix: Fix) -> &'static str {
    match fix {
        Fix::UseLocalServer => "Use local redis-server",
        Fix::UseDocker => "Use Docker",
        Fix::ChooseServerProgram => "Choose server program…",
        Fix::ChooseAnotherImage => "Choose another image…",
        Fix::TryAgain => "Try again",
        Fix::AllowNonEmpty => "Write beside the existing keys",
        Fix::TailCut => "Kill the process and cut the tail",
    }
}
