//! Draws the table of runs.

use egui::{Align, Frame, Layout, Margin, RichText, TextEdit, Ui, vec2};
use egui_extras::{Column, TableBuilder};

use super::model;
use crate::app::action::Action;
use crate::app::state::RunSummary;
use crate::app::state::{AppState, RunColumn};
use crate::report::wording::number::count;
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::theme::{Theme, semibold};

const ROW: f32 = 32.0;

pub fn show(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    Frame::new().inner_margin(Margin::same(12)).show(ui, |ui| {
        tools(ui, state, actions);
        ui.add_space(8.0);
        if let Some(error) = &state.runs.error {
            crate::ui::plan::problem(ui, error);
        }
        if state.runs.rows.is_empty() {
            return empty(ui, state, actions);
        }
        let rows = model::rows(&state.runs);
        if rows.is_empty() {
            return part::empty(
                ui,
                icon::SEARCH,
                "No run fits the filter",
                "Clear the filter to see all runs",
                |_| {},
            );
        }
        table(ui, state, &rows, actions);
    });
}

fn empty(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    if state.runs.loading {
        return part::empty(ui, icon::HISTORY, "Reading the runs", "", |ui| {
            ui.spinner();
        });
    }
    let hint = "Every drill leaves its plan, journal, timeline and verdict here, to be opened and judged again";
    part::empty(ui, icon::HISTORY, "No runs yet", hint, |ui| {
        wish(
            ui,
            state,
            actions,
            Action::RunDrill,
            icon::RUN,
            Weight::Primary,
        );
    });
}

fn tools(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    part::row_with_end(
        ui,
        actions,
        |ui, _| {
            ui.label(RichText::new("Runs").family(semibold()).size(18.0));
            let all = count(state.runs.rows.len() as u64);
            let shown = model::rows(&state.runs).len();
            let text = if shown == state.runs.rows.len() {
                all
            } else {
                format!("{} of {all}", count(shown as u64))
            };
            ui.label(RichText::new(text).color(theme.weak));
        },
        |ui, actions| {
            wish(
                ui,
                state,
                actions,
                Action::RefreshRuns,
                icon::REFRESH,
                Weight::Quiet,
            );
            let mut filter = state.runs.filter.clone();
            let hint = RichText::new("Filter by preset, fault, verdict…").color(theme.faint);
            let edit = TextEdit::singleline(&mut filter)
                .hint_text(hint)
                .desired_width(260.0)
                .margin(vec2(8.0, 5.0));
            let response = ui.add(edit);
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Filter runs")
            });
            if response.changed() {
                actions.push(Action::FilterRuns(filter));
            }
        },
    );
}

fn table(ui: &mut Ui, state: &AppState, rows: &[&RunSummary], actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let right = Layout::right_to_left(Align::Center);
    let left = Layout::left_to_right(Align::Center);
    let builder = TableBuilder::new(ui)
        .striped(false)
        .sense(egui::Sense::click())
        .cell_layout(left)
        .column(Column::exact(146.0))
        .column(Column::initial(124.0).at_least(90.0).clip(true))
        .column(Column::initial(104.0).at_least(80.0).clip(true))
        .column(Column::exact(70.0))
        .column(Column::exact(112.0))
        .column(Column::exact(100.0))
        .column(Column::exact(80.0))
        .column(Column::remainder().at_least(40.0).clip(true))
        .column(Column::exact(150.0));
    let header = builder.header(26.0, |mut header| {
        for column in RunColumn::ALL {
            header.col(|ui| heading(ui, state, column, actions));
        }
        header.col(|ui| {
            ui.add_space(10.0);
            ui.label(RichText::new("In one sentence").color(theme.weak));
        });
        header.col(|_| {});
    });
    header.body(|body| {
        body.rows(ROW, rows.len(), |mut row| {
            let run = rows[row.index()];
            let time = run
                .began
                .with_timezone(&chrono::Local)
                .format("%Y-%m-%d %H:%M:%S");
            row.col(|ui| {
                ui.label(RichText::new(time.to_string()));
            });
            for text in [&run.preset, &run.fault, &run.backend] {
                row.col(|ui| {
                    ui.add(egui::Label::new(text).truncate());
                });
            }
            row.col(|ui| verdict(ui, run));
            row.col(|ui| {
                ui.with_layout(right, |ui| ui.label(number(run.acked)));
            });
            row.col(|ui| {
                let vanished = run.lost.is_some_and(|lost| lost > 0);
                let ink = if vanished { theme.lost } else { theme.weak };
                ui.with_layout(right, |ui| {
                    ui.label(RichText::new(number(run.lost)).color(ink))
                });
            });
            row.col(|ui| {
                ui.add_space(10.0);
                // Its word stands in a column of its own.
                let words = run.sentence.split_once(": ").map_or("", |(_, words)| words);
                let text = run.broken.as_deref().unwrap_or(words);
                ui.add(egui::Label::new(RichText::new(text).color(theme.weak)).truncate());
            });
            row.col(|ui| buttons(ui, state, run, actions));
            if row.response().double_clicked() && run.broken.is_none() {
                actions.push(Action::OpenRun(run.dir.clone()));
            }
        });
    });
}

/// What nobody has looked at is not zero.
fn number(known: Option<u64>) -> String {
    known.map_or_else(|| "unknown".into(), count)
}

fn heading(ui: &mut Ui, state: &AppState, column: RunColumn, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let sort = state.runs.sort;
    let on = sort.column == column;
    let ink = if on { theme.text } else { theme.weak };
    let arrow = match (on, sort.ascending) {
        (false, _) => "",
        (true, true) => icon::UP,
        (true, false) => icon::DOWN,
    };
    let text = RichText::new(format!("{} {arrow}", column.title())).color(ink);
    let numeric = matches!(column, RunColumn::Acked | RunColumn::Lost);
    let layout = if numeric {
        Layout::right_to_left(Align::Center)
    } else {
        Layout::left_to_right(Align::Center)
    };
    ui.with_layout(layout, |ui| {
        ui.spacing_mut().button_padding.x = 0.0;
        let response = ui.add(egui::Button::new(text).frame(false));
        let name = format!("Sort by {}", column.title().to_lowercase());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if response.clicked() {
            actions.push(Action::SortRuns(column));
        }
    });
}

fn verdict(ui: &mut Ui, run: &RunSummary) {
    let theme = Theme::of(ui);
    let word = model::verdict_word(run);
    let (color, glyph) = match (&run.broken, run.verdict) {
        (Some(_), _) => (theme.bad, icon::ERROR),
        (None, Some(verdict)) => {
            let (color, _, glyph) = theme.verdict(verdict);
            (color, glyph)
        }
        (None, None) => (theme.weak, icon::UNKNOWN),
    };
    part::badge(ui, color, glyph, word);
}

fn buttons(ui: &mut Ui, state: &AppState, run: &RunSummary, actions: &mut Vec<Action>) {
    ui.spacing_mut().item_spacing.x = 0.0;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        wish(
            ui,
            state,
            actions,
            Action::AskDelete(Box::new(run.clone())),
            icon::DELETE,
            Weight::Icon,
        );
        wish(
            ui,
            state,
            actions,
            Action::RevealRun(run.dir.clone()),
            icon::FOLDER,
            Weight::Icon,
        );
        if run.broken.is_none() {
            wish(
                ui,
                state,
                actions,
                Action::OpenRun(run.dir.clone()),
                icon::OPEN,
                Weight::Quiet,
            );
        }
    });
}
