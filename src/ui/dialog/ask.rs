//! The dialogs that ask one thing.

use std::path::Path;

use egui::{Align, Layout, RichText, ScrollArea, TextEdit, Ui, vec2};

use crate::app::action::Action;
use crate::app::state::RunSummary;
use crate::app::state::{AppState, Purpose};
use crate::app::state::{Dropped, Format};
use crate::domain::preset::Preset;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold};

const WIDTH: f32 = 460.0;

fn title(ui: &mut Ui, text: &str) {
    ui.set_width(WIDTH);
    ui.label(RichText::new(text).family(semibold()).size(17.0));
    ui.add_space(6.0);
}

/// Buttons on the right, the one that goes on outermost.
fn buttons(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    ui.add_space(12.0);
    let row = vec2(ui.available_width(), 30.0);
    ui.allocate_ui_with_layout(row, Layout::right_to_left(Align::Center), add);
}

pub fn export(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    title(ui, "Export report");
    part::note(ui, "The same sentences and numbers in every format");
    ui.add_space(6.0);
    for format in Format::ALL {
        ui.horizontal(|ui| {
            let what = match format {
                Format::Html => "one file with pictures, opens offline",
                Format::Markdown => "for a ticket or a wiki",
                Format::Json => "for programs, versioned",
                Format::Junit => "for CI",
                Format::Csv => "one line for each message that vanished",
            };
            let weight = if format == Format::Html {
                Weight::Primary
            } else {
                Weight::Normal
            };
            ui.allocate_ui_with_layout(
                vec2(190.0, 30.0),
                Layout::left_to_right(Align::Center),
                |ui| {
                    ui.set_min_width(190.0);
                    wish(
                        ui,
                        state,
                        actions,
                        Action::ExportAs(format),
                        icon::EXPORT,
                        weight,
                    );
                },
            );
            part::note(ui, what);
        });
    }
    buttons(ui, |ui| {
        wish(ui, state, actions, Action::CloseDialog, "", Weight::Normal);
    });
}

pub fn path(
    ui: &mut Ui,
    state: &AppState,
    purpose: Purpose,
    text: &str,
    error: Option<&str>,
    actions: &mut Vec<Action>,
) {
    title(
        ui,
        match purpose {
            Purpose::Export(_) | Purpose::Checks(_) => "Save the report as",
            Purpose::ImportConf => "Import a redis.conf",
            Purpose::ServerProgram => "Choose server program",
            Purpose::Store(what) => what.title(),
        },
    );
    match error {
        Some(error) => crate::ui::plan::problem(ui, error),
        None => {
            part::note(
                ui,
                "No file dialog answers on this desktop, so the path has to be typed",
            );
        }
    }
    ui.add_space(4.0);
    let mut edited = text.to_owned();
    let response = ui.add(
        TextEdit::singleline(&mut edited)
            .desired_width(WIDTH)
            .margin(vec2(8.0, 6.0)),
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Path"));
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if !response.has_focus() && !entered {
        response.request_focus();
    }
    if edited != text {
        actions.push(Action::EditPath(edited));
    }
    if entered {
        actions.push(Action::AcceptPath);
    }
    buttons(ui, |ui| {
        wish(ui, state, actions, Action::AcceptPath, "", Weight::Primary);
        wish(ui, state, actions, Action::CloseDialog, "", Weight::Normal);
    });
}

pub fn overwrite(ui: &mut Ui, state: &AppState, path: &Path, actions: &mut Vec<Action>) {
    title(ui, "Replace the file?");
    ui.add(egui::Label::new(path.display().to_string()).wrap());
    part::note(ui, "A file of this name exists already");
    buttons(ui, |ui| {
        wish(ui, state, actions, Action::Overwrite, "", Weight::Danger);
        wish(ui, state, actions, Action::CloseDialog, "", Weight::Normal);
    });
}

pub fn delete(ui: &mut Ui, state: &AppState, run: &RunSummary, actions: &mut Vec<Action>) {
    title(ui, "Delete this run?");
    ui.add(egui::Label::new(&run.id.0).wrap());
    part::note(
        ui,
        "Its journal, readback, logs and reports are removed from disk; this cannot be undone",
    );
    buttons(ui, |ui| {
        wish(
            ui,
            state,
            actions,
            Action::Delete,
            icon::DELETE,
            Weight::Danger,
        );
        wish(ui, state, actions, Action::CloseDialog, "", Weight::Normal);
    });
}

pub fn imported(ui: &mut Ui, preset: &Preset, dropped: &[Dropped], actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    title(ui, "Import as a preset");
    ui.label(&preset.title);
    ui.add_space(4.0);
    part::card(ui, theme.field, theme.line, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for directive in &preset.directives {
            let line = format!("{} {}", directive.name, directive.value);
            ui.label(RichText::new(line).monospace());
        }
    });
    if !dropped.is_empty() {
        ui.add_space(6.0);
        let count = dropped.len();
        let noun = if count == 1 { "line was" } else { "lines were" };
        ui.label(RichText::new(format!("{count} {noun} left out")).family(semibold()));
        ScrollArea::vertical().max_height(220.0).show(ui, |ui| {
            ui.set_width(ui.available_width());
            for one in dropped {
                ui.horizontal_wrapped(|ui| {
                    ui.spacing_mut().item_spacing.x = 8.0;
                    ui.label(
                        RichText::new(format!("line {}", one.line))
                            .monospace()
                            .color(theme.faint),
                    );
                    ui.label(RichText::new(&one.directive).monospace());
                    ui.label(RichText::new(&one.reason).color(theme.weak));
                });
            }
        });
    }
    buttons(ui, |ui| {
        if ui.button("Use this preset").clicked() {
            actions.push(Action::UseImported);
        }
        if ui.button("Cancel").clicked() {
            actions.push(Action::CloseDialog);
        }
    });
}
