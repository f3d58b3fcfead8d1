//! Dialogs: what stands in front, and what follows from the answer.

use std::path::PathBuf;

use super::super::action::Action;
use super::super::effect::{Effect, NotExported};
use super::super::state::{AppState, Dialog, Purpose, Shown, Tone};
use super::plan::set_draft;
use super::toast;
use crate::domain::plan::PlanDraft;

pub(super) fn dialog(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Export => state.dialog = Some(Dialog::Export),
        Action::ExportAs(format) => {
            state.dialog = None;
            return vec![Effect::AskPath(Purpose::Export(format))];
        }
        Action::TypePathInstead(purpose) => {
            let text = suggested_path(state, purpose);
            state.dialog = Some(Dialog::TypePath {
                purpose,
                text,
                error: None,
            });
        }
        Action::EditPath(new) => {
            if let Some(Dialog::TypePath { text, error, .. }) = &mut state.dialog {
                *text = new;
                *error = None;
            }
        }
        Action::AcceptPath => {
            if let Some(Dialog::TypePath { purpose, text, .. }) = state.dialog.take() {
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
pub(super) fn suggested_path(state: &AppState, purpose: Purpose) -> String {
    match (purpose, &state.picture.shown) {
        (Purpose::Export(format), Shown::Judged(picture)) => {
            let name = format!("{}.{}", picture.record.id, format.ending());
            picture.record.dir.join(name).display().to_string()
        }
        _ => String::new(),
    }
}

/// The path stays where it can be mended.
pub(super) fn not_exported(state: &mut AppState, failed: NotExported) -> Vec<Effect> {
    if state.dialog.is_some() {
        return toast(state, Tone::Bad, failed.error, None);
    }
    state.dialog = Some(Dialog::TypePath {
        purpose: Purpose::Export(failed.format),
        text: failed.path.display().to_string(),
        error: Some(failed.error),
    });
    Vec::new()
}

pub(super) fn path_chosen(
    state: &mut AppState,
    purpose: Purpose,
    path: PathBuf,
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
        (Purpose::Store(what), _) => super::store::path_chosen(state, what, path, overwrite),
        (Purpose::Checks(format), _) => super::checks::path_chosen(state, format, path, overwrite),
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
