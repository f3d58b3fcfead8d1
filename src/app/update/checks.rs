//! Checks: wishes and news.

use std::path::PathBuf;

use super::super::check_action::CheckAction;
use super::super::check_effect::CheckEffect;
use super::super::check_state::{CheckFormat, catalogue};
use super::super::effect::Effect;
use super::super::state::{AppState, Purpose, Tone};
use super::toast;
use crate::checks::runner::CheckEvent;

pub(super) fn act(state: &mut AppState, action: CheckAction) -> Vec<Effect> {
    let checks = &mut state.checks;
    match action {
        CheckAction::RunAll => {
            let all = catalogue().iter().map(|entry| entry.check.id).collect();
            launch(state, all)
        }
        CheckAction::RunPicked => {
            let picked = checks.picked_ids();
            launch(state, picked)
        }
        CheckAction::Cancel => {
            checks.cancelling = true;
            vec![Effect::Check(CheckEffect::Cancel)]
        }
        CheckAction::Pick(picked) => {
            checks.picked = picked;
            Vec::new()
        }
        CheckAction::Edit(form) => {
            checks.form = *form;
            vec![Effect::SaveSettings]
        }
        CheckAction::Export(format) => vec![Effect::AskPath(Purpose::Checks(format))],
        CheckAction::DismissFailure => {
            checks.failure = None;
            Vec::new()
        }
    }
}

fn launch(state: &mut AppState, checks: Vec<&'static str>) -> Vec<Effect> {
    let now = &mut state.checks;
    now.running = true;
    now.cancelling = false;
    now.failure = None;
    now.now.clear();
    // An old result beside new ones would lie about the server that it was found on.
    now.results.retain(|id, _| !checks.contains(id));
    now.wanted.clone_from(&checks);
    let form = Box::new(now.form.clone());
    vec![Effect::Check(CheckEffect::Launch { form, checks })]
}

pub(super) fn path_chosen(
    state: &AppState,
    format: CheckFormat,
    path: PathBuf,
    overwrite: bool,
) -> Vec<Effect> {
    let Some(record) = state.checks.record.clone() else {
        return Vec::new();
    };
    vec![Effect::Check(CheckEffect::Export {
        record,
        format,
        path,
        overwrite,
    })]
}

pub(super) fn learn(state: &mut AppState, event: CheckEvent) -> Vec<Effect> {
    let checks = &mut state.checks;
    match event {
        CheckEvent::Server(server) => checks.server = server,
        CheckEvent::Started(id) => checks.now.push(id),
        CheckEvent::Finished(result) => {
            checks.now.retain(|id| *id != result.check.id);
            checks.results.insert(result.check.id, *result);
        }
        CheckEvent::Swept { prefix, keys } => {
            let text =
                format!("Removed what a suite that died had left: {keys} keys under {prefix}");
            toast(state, Tone::Good, text, None);
        }
        CheckEvent::Left { prefix, why } => {
            let text =
                format!("Keys under {prefix} are left ({why}); the next suite there removes them");
            toast(state, Tone::Warning, text, None);
        }
        CheckEvent::Done(record) => {
            checks.record = Some(record);
            return ended(state);
        }
        CheckEvent::Failed(why) => {
            checks.failure = Some(why);
            return ended(state);
        }
    }
    Vec::new()
}

fn ended(state: &mut AppState) -> Vec<Effect> {
    state.checks.running = false;
    state.checks.cancelling = false;
    state.checks.now.clear();
    if state.closing && !state.drill.running {
        return vec![Effect::CloseWindow];
    }
    Vec::new()
}
