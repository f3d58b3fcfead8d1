//! The right panel: the selected session, message by message.

use egui::{Frame, Margin, RichText, Ui};

use super::part;
use super::theme::{Theme, semibold, sizes};
use super::{chat, icon};
use crate::app::action::Action;
use crate::app::state::{AppState, Picture, Shown};
use crate::domain::op::SessionId;
use crate::domain::verdict::SessionState;
use crate::report::wording::number::count;

pub fn show(ui: &mut Ui, state: &AppState, brush: &mut chat::Brush, actions: &mut Vec<Action>) {
    let (Shown::Judged(picture), Some(session)) = (&state.picture.shown, state.picture.selected)
    else {
        let hint = match &state.picture.shown {
            Shown::Live(_) => "After the verdict, click a lane to read the chat that it stands for",
            Shown::Judged(_) => "Click a lane to read the chat that it stands for",
            _ => "The chat of a session appears here, with what vanished struck out",
        };
        return part::empty(ui, icon::USER, "No session selected", hint, |_| {});
    };
    Frame::new()
        .inner_margin(Margin {
            left: 12,
            right: 8,
            top: 8,
            bottom: 4,
        })
        .show(ui, |ui| {
            header(ui, state, picture, session, actions);
        });
    Frame::new()
        .inner_margin(Margin {
            left: 12,
            right: 2,
            top: 4,
            bottom: 4,
        })
        .show(ui, |ui| {
            let generation = state.picture.generation;
            chat::show(ui, picture, generation, session, state.picture.raw, brush);
        });
}

fn header(
    ui: &mut Ui,
    state: &AppState,
    picture: &Picture,
    session: SessionId,
    actions: &mut Vec<Action>,
) {
    let theme = Theme::of(ui);
    part::row_with_end(
        ui,
        actions,
        |ui, _| {
            let title = format!("Session {session}");
            ui.label(RichText::new(title).family(semibold()).size(15.0));
        },
        |ui, actions| {
            let choices = [(false, "Chat"), (true, "JSON")];
            if let Some(raw) = part::segments(ui, state.picture.raw, &choices) {
                actions.push(Action::ShowRaw(raw));
            }
        },
    );
    let findings = &picture.record.judgement.findings;
    let Ok(i) = findings.binary_search_by_key(&session, |finding| finding.session) else {
        return;
    };
    let finding = &findings[i];
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let glyph = match finding.state {
            SessionState::Intact => icon::HELD,
            SessionState::Unread => icon::UNKNOWN,
            _ => icon::VANISHED,
        };
        part::badge(
            ui,
            theme.session(finding.state),
            glyph,
            finding.state.title(),
        );
        let text = match finding.lost {
            0 => format!(
                "{} acknowledged, none vanished",
                count(u64::from(finding.acked))
            ),
            lost => format!(
                "{} of {} acknowledged vanished",
                count(u64::from(lost)),
                count(u64::from(finding.acked))
            ),
        };
        ui.label(RichText::new(text).color(theme.weak).size(sizes().small));
    });
}
