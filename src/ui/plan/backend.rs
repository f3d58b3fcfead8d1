//! The backend: who owns the server, and where it comes from.

use egui::{Button, RichText, Ui, vec2};

use super::field;
use crate::app::action::Action;
use crate::app::state::{AppState, Images};
use crate::domain::plan::{Field, PlanDraft};
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, sizes};

const CHOICES: [(&str, &str, &str); 4] = [
    (
        "auto",
        "Auto",
        "Docker when an engine answers, else the local program; the timeline says which and why",
    ),
    (
        "process",
        "Process",
        "A redis-server or valkey-server of this machine, in a folder and on a port of its own",
    ),
    (
        "docker",
        "Docker",
        "A container with a volume of its own, removed afterwards",
    ),
    (
        "external",
        "External",
        "Your own server; you say how it is killed and started",
    ),
];

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft, actions: &mut Vec<Action>) {
    part::group(ui, "Server");
    let chosen = CHOICES
        .iter()
        .find(|choice| choice.0 == draft.backend)
        .map_or("auto", |choice| choice.0);
    let choices = CHOICES.map(|(id, title, _)| (id, title));
    if let Some(id) = part::segments(ui, chosen, &choices) {
        draft.backend = id.into();
    }
    if let Some((.., hint)) = CHOICES.iter().find(|choice| choice.0 == chosen) {
        part::note(ui, hint);
    }
    if let Some(error) = state.plan.error(Field::Backend) {
        field::problem(ui, error);
    }
    match chosen {
        "process" => program(ui, state, draft, actions),
        "docker" => image(ui, state, draft, actions),
        "external" => external(ui, state, draft),
        _ => {}
    }
    if state.plan.focus.is_some() {
        actions.push(Action::FocusTaken);
    }
}

fn program(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft, actions: &mut Vec<Action>) {
    field::text(
        ui,
        state,
        Some(Field::Program),
        "Program",
        &mut draft.program,
        "found on PATH",
    );
    wish(
        ui,
        state,
        actions,
        Action::ChooseProgram,
        icon::FOLDER,
        Weight::Quiet,
    );
}

fn image(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft, actions: &mut Vec<Action>) {
    field::text(
        ui,
        state,
        Some(Field::Image),
        "Image",
        &mut draft.image,
        "redis:7-alpine",
    );
    let theme = Theme::of(ui);
    match &state.plan.images {
        Images::Unknown => {
            wish(
                ui,
                state,
                actions,
                Action::ListImages,
                icon::LIST,
                Weight::Quiet,
            );
        }
        Images::Asked => {
            part::note(ui, "Asking Docker…");
        }
        Images::Unavailable(reason) => {
            part::note(ui, reason);
            wish(
                ui,
                state,
                actions,
                Action::ListImages,
                icon::REFRESH,
                Weight::Quiet,
            );
        }
        Images::Known(images) if images.is_empty() => {
            part::note(ui, "No image is here yet: the first drill pulls it");
        }
        Images::Known(images) => {
            for name in images {
                let on = *name == draft.image;
                let text = RichText::new(name).size(sizes().small).color(theme.text);
                let entry = Button::selectable(on, text).truncate();
                if ui
                    .add(entry.min_size(vec2(ui.available_width(), 20.0)))
                    .clicked()
                {
                    draft.image.clone_from(name);
                }
            }
        }
    }
}

fn external(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    field::text(
        ui,
        state,
        Some(Field::Url),
        "Address",
        &mut draft.url,
        "redis://127.0.0.1:6379",
    );
    let kill = &mut draft.kill_command;
    field::text(
        ui,
        state,
        Some(Field::KillCommand),
        "Kill command",
        kill,
        "systemctl kill -s KILL redis",
    );
    let start = &mut draft.start_command;
    field::text(
        ui,
        state,
        Some(Field::StartCommand),
        "Start command",
        start,
        "systemctl start redis",
    );
    field::check(ui, "Write even if it holds keys", &mut draft.allow_nonempty);
    part::note(
        ui,
        "Only keys under a random prefix are written, and they are deleted afterwards",
    );
}
