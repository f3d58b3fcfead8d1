//! The only writer of [`AppState`]: wishes and facts come in, effects go out. No I/O, no clock.

mod checks;
mod dialog;
mod drill;
mod plan;
mod store;

use std::sync::Arc;

use super::action::Action;
use super::check_effect::CheckEffect;
use super::check_state::ChecksState;
use super::effect::{Effect, Fact};
use super::state::{
    AppState, Dialog, Images, LogTab, PictureState, PlanState, Screen, Settings, Shown, Side,
    Toast, Tone, Zoom,
};
use super::store_state::StoreState;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::preset::Preset;
use crate::engine::command::Command;
use crate::engine::launch::Mode;

/// The state of a window that has just opened.
#[must_use]
pub fn start(settings: Settings, embedded: Vec<Preset>) -> AppState {
    let mut presets = embedded;
    presets.extend(settings.imported.iter().cloned());
    let mut state = AppState {
        plan: PlanState {
            draft: settings.draft,
            imported: settings.imported,
            presets,
            ..PlanState::default()
        },
        store: StoreState {
            form: settings.store,
            ..StoreState::default()
        },
        look: settings.look,
        checks: ChecksState {
            form: settings.checks,
            ..ChecksState::default()
        },
        ..AppState::default()
    };
    plan::check_plan(&mut state);
    state
}

/// What is worth keeping for the next start.
#[must_use]
pub fn settings(state: &AppState) -> Settings {
    Settings {
        draft: state.plan.draft.clone(),
        look: state.look.clone(),
        imported: state.plan.imported.clone(),
        store: state.store.form.clone(),
        checks: state.checks.form.clone(),
    }
}

/// Grants a wish, or leaves the state alone if it is not available.
pub fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    if action.available(state).is_err() {
        return Vec::new();
    }
    match action {
        Action::RunDrill => drill::launch(state, Mode::Scripted),
        Action::StartServer => drill::launch(state, Mode::ByHand),
        Action::Stream => vec![Effect::Order(Command::Stream)],
        Action::Pause => vec![Effect::Order(Command::Pause)],
        Action::Kill => vec![Effect::Order(Command::Fault(drill::fault(state)))],
        Action::PowerCut => {
            let fault = Fault {
                kind: FaultKind::PowerLoss,
                ..drill::fault(state)
            };
            vec![Effect::Order(Command::Fault(fault))]
        }
        Action::Compare => vec![Effect::Order(Command::Compare)],
        Action::WhatIf => vec![Effect::Order(Command::WhatIf)],
        Action::Arm => {
            let Ok(trigger) = state.plan.draft.trigger.parse() else {
                return Vec::new();
            };
            vec![Effect::Order(Command::Arm(drill::fault(state), trigger))]
        }
        Action::Disarm => vec![Effect::Order(Command::Disarm)],
        Action::Repair => vec![Effect::Order(Command::Repair)],
        Action::CutTail => vec![Effect::Order(Command::TailCut)],
        Action::Restart => vec![Effect::Order(Command::Restart)],
        Action::Verify => vec![Effect::Order(Command::Verify)],
        Action::Finish => vec![Effect::Order(Command::Finish)],
        Action::Cancel => {
            state.drill.cancelling = true;
            vec![Effect::Order(Command::Cancel)]
        }
        Action::UseFix(fix) => plan::use_fix(state, fix),
        Action::UseImported => plan::use_imported(state),
        Action::DismissFailure => {
            state.drill.failure = None;
            Vec::new()
        }
        Action::EditPlan(_)
        | Action::FocusTaken
        | Action::Undo
        | Action::Redo
        | Action::ResetPlan
        | Action::ImportConf
        | Action::ChooseProgram
        | Action::ListImages => plan::edit(state, action),
        Action::Show(_)
        | Action::Toggle(_)
        | Action::Resize(..)
        | Action::Theme(_)
        | Action::ShowLog(_)
        | Action::CopyLog
        | Action::Select(_)
        | Action::ZoomTo(_)
        | Action::View(_)
        | Action::ShowRaw(_) => look(state, action),
        Action::RefreshRuns
        | Action::OpenRun(_)
        | Action::RevealRun(_)
        | Action::RevealThisRun
        | Action::AskDelete(_)
        | Action::Delete
        | Action::FilterRuns(_)
        | Action::SortRuns(_) => runs(state, action),
        Action::Export
        | Action::ExportAs(_)
        | Action::TypePathInstead(_)
        | Action::EditPath(_)
        | Action::AcceptPath
        | Action::Overwrite
        | Action::OpenPalette
        | Action::EditPalette(..)
        | Action::CloseDialog => dialog::dialog(state, action),
        Action::Check(action) => checks::act(state, action),
        Action::OpenFile(path) => vec![Effect::OpenPath(path)],
        Action::DismissToast(id) => {
            state.toasts.retain(|toast| toast.id != id);
            Vec::new()
        }
        Action::CloseWindow => close_window(state),
        Action::Store(action) => store::act(state, action),
    }
}

fn look(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Show(screen) => {
            state.screen = screen;
            return match screen {
                Screen::Runs => {
                    let mut effects = store::shown(state, false);
                    effects.extend(runs(state, Action::RefreshRuns));
                    effects
                }
                Screen::Store => store::shown(state, true),
                Screen::Drill | Screen::Checks => store::shown(state, false),
            };
        }
        Action::Toggle(side) => {
            let open = match side {
                Side::Plan => &mut state.look.plan_open,
                Side::Inspector => &mut state.look.inspector_open,
                Side::Log => &mut state.look.log_open,
            };
            *open = !*open;
            return vec![Effect::SaveSettings];
        }
        Action::Resize(side, size) => {
            let kept = match side {
                Side::Plan => &mut state.look.plan_size,
                Side::Inspector => &mut state.look.inspector_size,
                Side::Log => &mut state.look.log_size,
            };
            *kept = size;
            return vec![Effect::SaveSettings];
        }
        Action::Theme(theme) => {
            state.look.theme = theme;
            return vec![Effect::SaveSettings];
        }
        Action::ShowLog(tab) => {
            state.log.tab = tab;
            state.look.log_open = true;
            return read_log(state);
        }
        Action::CopyLog => return vec![Effect::Copy(log_text(state))],
        Action::Select(session) => {
            state.picture.selected = session;
            if session.is_some() {
                state.look.inspector_open = true;
            }
        }
        Action::ZoomTo(zoom) => state.picture.zoom = zoom,
        Action::View(view) => state.picture.view = view,
        Action::ShowRaw(raw) => state.picture.raw = raw,
        _ => {}
    }
    Vec::new()
}

/// The server's log is read from the run's folder, and only while somebody looks at it.
fn read_log(state: &AppState) -> Vec<Effect> {
    match (&state.drill.dir, state.log.tab) {
        (Some(dir), LogTab::Server) => vec![Effect::ReadServerLog(dir.clone())],
        _ => Vec::new(),
    }
}

fn log_text(state: &AppState) -> String {
    match state.log.tab {
        LogTab::Server => state.log.server.join("\n"),
        LogTab::Timeline => {
            let lines = state.drill.timeline.iter().map(|timed| {
                let (title, detail) = crate::report::wording::events::tell(&timed.event);
                format!("{:>9.3} s  {title}  {detail}", timed.at.secs())
            });
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

fn runs(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::RefreshRuns => {
            state.runs.loading = true;
            vec![Effect::ListRuns]
        }
        Action::OpenRun(dir) => {
            let name = dir
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            state.screen = Screen::Drill;
            if !state.drill.running {
                show(state, Shown::Opening(name.unwrap_or_default()));
            }
            vec![Effect::OpenRun(dir)]
        }
        Action::RevealRun(dir) => vec![Effect::OpenPath(dir)],
        Action::RevealThisRun => match &state.picture.shown {
            Shown::Judged(picture) => vec![Effect::OpenPath(picture.record.dir.clone())],
            _ => Vec::new(),
        },
        Action::AskDelete(run) => {
            state.dialog = Some(Dialog::DeleteRun { run: *run });
            Vec::new()
        }
        Action::Delete => match state.dialog.take() {
            Some(Dialog::DeleteRun { run }) => vec![Effect::DeleteRun(run.dir)],
            other => {
                state.dialog = other;
                Vec::new()
            }
        },
        Action::FilterRuns(filter) => {
            state.runs.filter = filter;
            Vec::new()
        }
        Action::SortRuns(column) => {
            let sort = &mut state.runs.sort;
            sort.ascending = sort.column == column && !sort.ascending;
            sort.column = column;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn close_window(state: &mut AppState) -> Vec<Effect> {
    let mut effects = vec![Effect::SaveSettings];
    if state.checks.running {
        state.checks.cancelling = true;
        effects.push(Effect::Check(CheckEffect::Cancel));
    }
    if state.drill.running {
        state.drill.cancelling = true;
        effects.push(Effect::Order(Command::Cancel));
    }
    if effects.len() == 1 {
        effects.push(Effect::CloseWindow);
    } else {
        state.closing = true;
    }
    effects
}

/// Takes in what has happened.
pub fn learn(state: &mut AppState, fact: Fact) -> Vec<Effect> {
    match fact {
        Fact::Event(event) => drill::event_happened(state, event),
        Fact::Progress(progress) => {
            // The meter stands still at the end; the thread's end is what counts.
            state.drill.progress = progress;
            Vec::new()
        }
        Fact::Live {
            acked,
            lanes,
            ladder,
        } => {
            if let Shown::Live(live) = &mut state.picture.shown {
                live.acked = acked;
                live.ladder = ladder;
                live.lanes = Arc::new(lanes);
                drill::mark_faults(live);
                state.picture.generation += 1;
            }
            Vec::new()
        }
        Fact::DrillEnded(end) => drill::drill_ended(state, end),
        Fact::PictureReady(picture) => drill::picture_ready(state, picture),
        Fact::RunNotOpened(error) => {
            if matches!(state.picture.shown, Shown::Opening(_)) {
                show(state, Shown::Nothing);
            }
            toast(state, Tone::Bad, error, None)
        }
        Fact::RunsListed(listed) => {
            state.runs.loading = false;
            match listed {
                Ok(rows) => {
                    state.runs.rows = rows;
                    state.runs.error = None;
                }
                Err(error) => state.runs.error = Some(error),
            }
            Vec::new()
        }
        Fact::RunDeleted(Ok(dir)) => {
            state.runs.rows.retain(|run| run.dir != dir);
            toast(state, Tone::Good, "Run deleted".into(), None)
        }
        Fact::RunDeleted(Err(error)) => toast(state, Tone::Bad, error, None),
        Fact::PathChosen(purpose, path) => dialog::path_chosen(state, purpose, path, true),
        Fact::NoPortal(purpose) => dialog::dialog(state, Action::TypePathInstead(purpose)),
        Fact::Exists(path, format) => {
            state.dialog = Some(Dialog::Overwrite { path, format });
            Vec::new()
        }
        Fact::Exported(Ok(path)) => {
            let text = format!("Saved {}", path.display());
            toast(state, Tone::Good, text, Some(path))
        }
        Fact::Exported(Err(failed)) => dialog::not_exported(state, *failed),
        Fact::PresetSaved(Ok(id)) => {
            state.plan.imported.retain(|preset| preset.id != id);
            let text = format!("Saved among your presets: crashdrill run --preset {id}");
            toast(state, Tone::Good, text, None);
            vec![Effect::SaveSettings]
        }
        Fact::PresetSaved(Err(error)) => toast(state, Tone::Bad, error, None),
        Fact::ConfImported(Ok(imported)) => {
            let imported = *imported;
            state.dialog = Some(Dialog::Imported {
                preset: imported.preset,
                dropped: imported.dropped,
            });
            Vec::new()
        }
        Fact::ConfImported(Err(error)) => toast(state, Tone::Bad, error, None),
        Fact::ImagesListed(Ok(images)) => {
            state.plan.images = Images::Known(images);
            Vec::new()
        }
        Fact::ImagesListed(Err(error)) => {
            state.plan.images = Images::Unavailable(error);
            Vec::new()
        }
        Fact::DiskLookedAt(no_disk) => {
            state.plan.no_disk = no_disk;
            Vec::new()
        }
        Fact::ServerLog(lines) => {
            state.log.server = lines;
            Vec::new()
        }
        Fact::Check(event) => checks::learn(state, event),
        Fact::Trouble(error) => toast(state, Tone::Bad, error, None),
        Fact::Store(fact) => store::learn(state, fact),
    }
}

fn show(state: &mut AppState, shown: Shown) {
    state.picture = PictureState {
        shown,
        selected: None,
        zoom: Zoom::All,
        view: state.picture.view,
        raw: state.picture.raw,
        generation: state.picture.generation + 1,
    };
}

fn toast(
    state: &mut AppState,
    tone: Tone,
    text: String,
    open: Option<std::path::PathBuf>,
) -> Vec<Effect> {
    /// More than this nobody reads.
    const MAX_TOASTS: usize = 4;
    state.next_toast += 1;
    state.toasts.push(Toast {
        id: state.next_toast,
        tone,
        text,
        open,
    });
    if state.toasts.len() > MAX_TOASTS {
        state.toasts.remove(0);
    }
    Vec::new()
}
