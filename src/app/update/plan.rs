//! Edits of the plan, and the way back from each.

use super::super::action::Action;
use super::super::effect::Effect;
use super::super::state::{AppState, Dialog, Images, Purpose};
use super::drill;
use crate::domain::event::Fix;
use crate::domain::fault::FaultKind;
use crate::domain::plan::{Field, PlanDraft};
use crate::domain::preset::Preset;
use crate::domain::trigger::Trigger;
use crate::engine::launch::Mode;

pub(super) fn use_fix(state: &mut AppState, fix: Fix) -> Vec<Effect> {
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
        Fix::TailCut => cut_the_tail(&mut draft),
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
    drill::launch(state, mode)
}

/// What can be had without a faulty disk in the place of a power loss.
fn cut_the_tail(draft: &mut PlanDraft) {
    draft.fault = FaultKind::ProcessKill;
    draft.tail_cut = true;
    draft.compare = false;
    for only_on_the_disk in [
        &mut draft.disk,
        &mut draft.tail,
        &mut draft.write_back,
        &mut draft.fsync_delay,
        &mut draft.disk_space,
        &mut draft.io_error,
    ] {
        only_on_the_disk.clear();
    }
    let needs_disk = |trigger: Trigger| trigger.needs_disk();
    if draft.trigger.parse().is_ok_and(needs_disk) {
        draft.trigger.clear();
    }
}

pub(super) fn use_imported(state: &mut AppState) -> Vec<Effect> {
    let Some(Dialog::Imported { preset, .. }) = state.dialog.take() else {
        return Vec::new();
    };
    add_preset(state, preset.clone());
    vec![Effect::SaveSettings, Effect::SavePreset(Box::new(preset))]
}

pub(super) fn edit(state: &mut AppState, action: Action) -> Vec<Effect> {
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
pub(super) const MAX_UNDO: usize = 200;

/// Takes a new draft as one undo step. Typing on in the same field belongs to the step before.
pub(super) fn set_draft(state: &mut AppState, draft: PlanDraft) {
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
pub(super) fn changed_field(old: &PlanDraft, new: &PlanDraft) -> Option<String> {
    const CHOICES: [&str; 10] = [
        "preset",
        "backend",
        "fault",
        "rate_max",
        "allow_nonempty",
        "disk",
        "tail",
        "compare",
        "tail_cut",
        "repair",
    ];
    let (old, new) = (
        serde_json::to_value(old).ok()?,
        serde_json::to_value(new).ok()?,
    );
    let (old, new) = (old.as_object()?, new.as_object()?);
    let mut changed = old
        .iter()
        .filter(|(key, value)| new.get(*key) != Some(value));
    let (field, value) = changed.next()?;
    let another = another_kind(
        value.as_str(),
        new.get(field).and_then(|value| value.as_str()),
    );
    let choice = CHOICES.contains(&field.as_str()) || another;
    (changed.next().is_none() && !choice).then(|| field.clone())
}

/// `bgsave=40%` and `rewrite` are two choices, `bgsave=40%` and `bgsave=41%` the same one with another number.
fn another_kind(old: Option<&str>, new: Option<&str>) -> bool {
    let kind = |text: &str| {
        let end = text.find(['=', ':', '@']).unwrap_or(text.len());
        text[..end].to_owned()
    };
    match (old, new) {
        (Some(old), Some(new))
            if old.contains(['=', ':', '@']) || new.contains(['=', ':', '@']) =>
        {
            kind(old) != kind(new)
        }
        _ => false,
    }
}

pub(super) fn check_plan(state: &mut AppState) {
    state.plan.errors = state
        .plan
        .draft
        .parse(&state.plan.presets)
        .err()
        .unwrap_or_default();
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
