//! What was found, the worst first, each with why it matters and the sessions behind it.

use egui::{Color32, RichText, ScrollArea, Ui};

use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::Seen;
use crate::domain::memory::finding::{Finding, Kind, Severity};
use crate::report::wording::number::counted;
use crate::ui::icon;
use crate::ui::part;
use crate::ui::theme::{Theme, semibold, sizes};

/// Colour, ground and icon of a severity. The word stands beside them.
#[must_use]
pub fn look(theme: &Theme, severity: Option<Severity>) -> (Color32, Color32, &'static str) {
    match severity {
        Some(Severity::Bad) => (theme.bad, theme.bad_bg, icon::ERROR),
        Some(Severity::Warning) => (theme.warn, theme.warn_bg, icon::WARNING),
        Some(Severity::Note) => (theme.weak, theme.raised, icon::INFO),
        None => (theme.good, theme.good_bg, icon::HELD),
    }
}

pub fn show(ui: &mut Ui, state: &AppState, seen: &Seen, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    ui.label(RichText::new("Findings").family(semibold()).size(15.0));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.set_width(ui.available_width() - 4.0);
        if seen.found.findings.is_empty() {
            part::badge(ui, theme.good, icon::HELD, "Nothing unhealthy was found");
        }
        for finding in &seen.found.findings {
            one(ui, state, finding, actions);
            ui.add_space(2.0);
        }
        for unknown in &seen.found.survey.unknown {
            part::note(ui, unknown);
        }
    });
}

fn one(ui: &mut Ui, state: &AppState, finding: &Finding, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let (ink, _, glyph) = look(theme, Some(finding.severity));
    part::card(ui, theme.field, theme.line, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            ui.label(RichText::new(glyph).color(ink));
            ui.label(RichText::new(finding.severity.title()).color(ink));
            ui.label(RichText::new(finding.kind.title()).family(semibold()));
        });
        let seen = RichText::new(&finding.seen).size(sizes().small);
        ui.add(egui::Label::new(seen).wrap());
        part::note(ui, finding.kind.why());
        let Kind::Sessions(mark) = finding.kind else {
            return;
        };
        let on = state.store.table.only == Some(mark);
        let (text, wish) = if on {
            ("Show all sessions".to_owned(), None)
        } else {
            let text = format!("Show {}", counted(finding.sessions, "session"));
            (text, Some(mark))
        };
        let button = ui.button(&text);
        let name = format!("{text}: {}", finding.kind.title());
        button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
        if button.clicked() {
            actions.push(Action::Store(StoreAction::Only(wish)));
        }
    });
}
