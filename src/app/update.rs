//! The only writer of [`AppState`]: wishes and facts come in, effects go out. No I/O, no clock.

use std::sync::Arc;

use super::action::Action;
use super::effect::{Effect, Fact};
use super::state::{
    AppState, Dialog, DrillState, Failure, Images, LivePicture, LogTab, PictureState, PlanState,
    Purpose, Screen, Settings, Shown, Side, Toast, Tone, Zoom,
};
use crate::domain::event::{DrillEvent, Fix, TimedEvent};
use crate::domain::fault::Fault;
use crate::domain::plan::{Field, PlanDraft};
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
        look: settings.look,
        ..AppState::default()
    };
    check_plan(&mut state);
    state
}

/// What is worth keeping for the next start.
#[must_use]
pub fn settings(state: &AppState) -> Settings {
    Settings {
        draft: state.plan.draft.clone(),
        look: state.look.clone(),
        imported: state.plan.imported.clone(),
    }
}

/// Grants a wish, or leaves the state alone if it is not available.
pub fn act(state: &mut AppState, action: Action) -> Vec<Effect> {
    if action.available(state).is_err() {
        return Vec::new();
    }
    match action {
        Action::RunDrill => launch(state, Mode::Scripted),
        Action::StartServer => launch(state, Mode::ByHand),
        Action::Stream => vec![Effect::Order(Command::Stream)],
        Action::Pause => vec![Effect::Order(Command::Pause)],
        Action::Kill => {
            let fault = state
                .drill
                .fault
                .unwrap_or(Fault::new(state.plan.draft.fault));
            vec![Effect::Order(Command::Fault(fault))]
        }
        Action::Restart => vec![Effect::Order(Command::Restart)],
        Action::Verify => vec![Effect::Order(Command::Verify)],
        Action::Finish => vec![Effect::Order(Command::Finish)],
        Action::Cancel => {
            state.drill.cancelling = true;
            vec![Effect::Order(Command::Cancel)]
        }
        Action::UseFix(fix) => use_fix(state, fix),
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
        | Action::ListImages => edit(state, action),
        Action::Show(_)
        | Action::Toggle(_)
        | Action::Resize(..)
        | Action::Theme(_)
        | Action::ShowLog(_)
        | Action::CopyLog
        | Action::Select(_)
        | Action::ZoomTo(_)
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
        | Action::CloseDialog => dialog(state, action),
        Action::OpenFile(path) => vec![Effect::OpenPath(path)],
        Action::DismissToast(id) => {
            state.toasts.retain(|toast| toast.id != id);
            Vec::new()
        }
        Action::CloseWindow => close_window(state),
    }
}

fn launch(state: &mut AppState, mode: Mode) -> Vec<Effect> {
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
    state.drill.progress.phase = crate::domain::event::Phase::Starting;
    show(state, Shown::Live(LivePicture::default()));
    vec![Effect::SaveSettings, Effect::Launch(Box::new(plan), mode)]
}

fn use_fix(state: &mut AppState, fix: Fix) -> Vec<Effect> {
    let mode = if state.drill.by_hand {
        Mode::ByHand
    } else {
        Mode::Scripted
    };
    let mut draft = state.plan.draft.clone();
    match fix {
        Fix::UseLocalServer => draft.backend = "process".into(),
        Fix::UseDocker => draft.backend = "docker".into(),
        Fix::AllowNonEmpty => draft.allow_nonempty = true,
        Fix::TryAgain => {}
        Fix::ChooseServerProgram | Fix::ChooseAnotherImage => {
            let program = fix == Fix::ChooseServerProgram;
            draft.backend = if program { "process" } else { "docker" }.into();
            state.plan.focus = Some(if program {
                Field::Program
            } else {
                Field::Image
            });
            state.look.plan_open = true;
            state.drill.failure = None;
            set_draft(state, draft);
            return vec![Effect::SaveSettings];
        }
    }
    if draft != state.plan.draft {
        set_draft(state, draft);
    }
    if state.drill.running || !state.plan.errors.is_empty() {
        return vec![Effect::SaveSettings];
    }
    launch(state, mode)
}

fn edit(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::EditPlan(draft) => set_draft(state, *draft),
        Action::FocusTaken => {
            state.plan.focus = None;
            return Vec::new();
        }
        Action::Undo => {
            if let Some(draft) = state.plan.undo.pop() {
                let newer = std::mem::replace(&mut state.plan.draft, draft);
                state.plan.redo.push(newer);
                state.plan.typing = None;
            }
        }
        Action::Redo => {
            if let Some(draft) = state.plan.redo.pop() {
                let older = std::mem::replace(&mut state.plan.draft, draft);
                state.plan.undo.push(older);
                state.plan.typing = None;
            }
        }
        Action::ResetPlan => set_draft(state, PlanDraft::default()),
        Action::ImportConf => return vec![Effect::AskPath(Purpose::ImportConf)],
        Action::ChooseProgram => return vec![Effect::AskPath(Purpose::ServerProgram)],
        Action::ListImages => {
            state.plan.images = Images::Asked;
            return vec![Effect::ListImages];
        }
        _ => {}
    }
    check_plan(state);
    vec![Effect::SaveSettings]
}

/// Undo steps that are kept.
const MAX_UNDO: usize = 200;

/// Takes a new draft as one undo step. Typing on in the same field belongs to the step before.
fn set_draft(state: &mut AppState, draft: PlanDraft) {
    if draft == state.plan.draft {
        return;
    }
    let field = changed_field(&state.plan.draft, &draft);
    if field.is_none() || field != state.plan.typing {
        state.plan.undo.push(state.plan.draft.clone());
        if state.plan.undo.len() > MAX_UNDO {
            state.plan.undo.remove(0);
        }
    }
    state.plan.redo.clear();
    state.plan.typing = field;
    state.plan.draft = draft;
    check_plan(state);
}

/// The one field that was typed in. `None` if it was a choice or several fields: such a change stands alone.
fn changed_field(old: &PlanDraft, new: &PlanDraft) -> Option<String> {
    const CHOICES: [&str; 5] = ["preset", "backend", "fault", "rate_max", "allow_nonempty"];
    let (old, new) = (
        serde_json::to_value(old).ok()?,
        serde_json::to_value(new).ok()?,
    );
    let new = new.as_object()?;
    let mut changed = old
        .as_object()?
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(value))
        .map(|(key, _)| key.clone());
    let field = changed.next()?;
    (changed.next().is_none() && !CHOICES.contains(&field.as_str())).then_some(field)
}

fn check_plan(state: &mut AppState) {
    state.plan.errors = state
        .plan
        .draft
        .parse(&state.plan.presets)
        .err()
        .unwrap_or_default();
}

fn look(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Show(screen) => {
            state.screen = screen;
            return match screen {
                Screen::Runs => runs(state, Action::RefreshRuns),
                Screen::Drill => Vec::new(),
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
                let (title, detail) = crate::domain::story::tell(&timed.event);
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

fn dialog(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Export => state.dialog = Some(Dialog::Export),
        Action::ExportAs(format) => {
            state.dialog = None;
            return vec![Effect::AskPath(Purpose::Export(format))];
        }
        Action::TypePathInstead(purpose) => {
            let text = suggested_path(state, purpose);
            state.dialog = Some(Dialog::TypePath { purpose, text });
        }
        Action::EditPath(new) => {
            if let Some(Dialog::TypePath { text, .. }) = &mut state.dialog {
                *text = new;
            }
        }
        Action::AcceptPath => {
            if let Some(Dialog::TypePath { purpose, text }) = state.dialog.take() {
                return path_chosen(state, purpose, text.trim().into(), false);
            }
        }
        Action::Overwrite => {
            if let Some(Dialog::Overwrite { path, format }) = state.dialog.take() {
                return path_chosen(state, Purpose::Export(format), path, true);
            }
        }
        Action::OpenPalette => {
            state.dialog = Some(Dialog::Palette {
                query: String::new(),
                cursor: 0,
            });
        }
        Action::EditPalette(query, cursor) => {
            state.dialog = Some(Dialog::Palette { query, cursor });
        }
        Action::CloseDialog => state.dialog = None,
        _ => {}
    }
    Vec::new()
}

/// Where a file of this purpose goes if the user has no other idea.
fn suggested_path(state: &AppState, purpose: Purpose) -> String {
    match (purpose, &state.picture.shown) {
        (Purpose::Export(format), Shown::Judged(picture)) => {
            let name = format!("{}.{}", picture.record.id, format.ending());
            picture.record.dir.join(name).display().to_string()
        }
        _ => String::new(),
    }
}

fn path_chosen(
    state: &mut AppState,
    purpose: Purpose,
    path: std::path::PathBuf,
    overwrite: bool,
) -> Vec<Effect> {
    if path.as_os_str().is_empty() {
        return Vec::new();
    }
    match (purpose, &state.picture.shown) {
        (Purpose::Export(format), Shown::Judged(picture)) => vec![Effect::Export {
            record: picture.record.clone(),
            format,
            path,
            overwrite,
        }],
        (Purpose::Export(_), _) => Vec::new(),
        (Purpose::ImportConf, _) => vec![Effect::ImportConf(path)],
        (Purpose::ServerProgram, _) => {
            let program = path.display().to_string();
            let draft = PlanDraft {
                program,
                ..state.plan.draft.clone()
            };
            set_draft(state, draft);
            vec![Effect::SaveSettings]
        }
    }
}

fn close_window(state: &mut AppState) -> Vec<Effect> {
    if !state.drill.running {
        return vec![Effect::SaveSettings, Effect::CloseWindow];
    }
    state.closing = true;
    state.drill.cancelling = true;
    vec![Effect::SaveSettings, Effect::Order(Command::Cancel)]
}

/// Takes in what has happened.
pub fn learn(state: &mut AppState, fact: Fact) -> Vec<Effect> {
    match fact {
        Fact::Event(event) => event_happened(state, event),
        Fact::Progress(progress) => {
            // The meter stands still at the end; the thread's end is what counts.
            state.drill.progress = progress;
            Vec::new()
        }
        Fact::Live { acked, lanes } => {
            if let Shown::Live(live) = &mut state.picture.shown {
                live.acked = acked;
                live.lanes = Arc::new(lanes);
                state.picture.generation += 1;
            }
            Vec::new()
        }
        Fact::DrillEnded => drill_ended(state),
        Fact::PictureReady(picture) => picture_ready(state, picture),
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
        Fact::PathChosen(purpose, path) => path_chosen(state, purpose, path, true),
        Fact::NoPortal(purpose) => dialog(state, Action::TypePathInstead(purpose)),
        Fact::Exists(path, format) => {
            state.dialog = Some(Dialog::Overwrite { path, format });
            Vec::new()
        }
        Fact::Exported(Ok(path)) => {
            let text = format!("Saved {}", path.display());
            toast(state, Tone::Good, text, Some(path))
        }
        Fact::Exported(Err(error)) => toast(state, Tone::Bad, error, None),
        Fact::ConfImported(Ok(imported)) => {
            let imported = *imported;
            add_preset(state, imported.preset.clone());
            state.dialog = Some(Dialog::Imported {
                preset: imported.preset,
                dropped: imported.dropped,
            });
            vec![Effect::SaveSettings]
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
        Fact::ServerLog(lines) => {
            state.log.server = lines;
            Vec::new()
        }
        Fact::Trouble(error) => toast(state, Tone::Bad, error, None),
    }
}

fn event_happened(state: &mut AppState, timed: TimedEvent) -> Vec<Effect> {
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
        DrillEvent::StreamStarted if !matches!(state.picture.shown, Shown::Live(_)) => {
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

fn drill_ended(state: &mut AppState) -> Vec<Effect> {
    state.drill.running = false;
    state.drill.cancelling = false;
    if let Shown::Live(live) = &state.picture.shown
        && live.acked.is_empty()
    {
        show(state, Shown::Nothing);
    }
    let mut effects = read_log(state);
    if state.closing {
        effects.push(Effect::CloseWindow);
    }
    effects
}

fn picture_ready(state: &mut AppState, picture: Arc<super::state::Picture>) -> Vec<Effect> {
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

fn show(state: &mut AppState, shown: Shown) {
    state.picture = PictureState {
        shown,
        selected: None,
        zoom: Zoom::All,
        raw: state.picture.raw,
        generation: state.picture.generation + 1,
    };
}

fn add_preset(state: &mut AppState, preset: Preset) {
    for list in [&mut state.plan.presets, &mut state.plan.imported] {
        list.retain(|known| known.id != preset.id);
        list.push(preset.clone());
    }
    let draft = PlanDraft {
        preset: preset.id,
        ..state.plan.draft.clone()
    };
    set_draft(state, draft);
    check_plan(state);
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
