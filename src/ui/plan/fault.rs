//! The fault: what is done to the server, and why some faults cannot be done on some backends.

use egui::{Button, ComboBox, RichText, Ui, vec2};

use super::{disk, field};
use crate::app::state::AppState;
use crate::domain::fault::FaultKind;
use crate::domain::plan::{Field, PlanDraft, backend_cannot};
use crate::ui::part;
use crate::ui::theme::semibold;

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    part::group(ui, "Fault");
    let combo = ComboBox::from_id_salt("fault")
        .width(ui.available_width())
        .truncate()
        .selected_text(RichText::new(draft.fault.title()).family(semibold()));
    let shown = combo.show_ui(ui, |ui| {
        for kind in FaultKind::ALL {
            let reason = backend_cannot(&draft.backend, kind)
                .map(str::to_owned)
                .or_else(|| {
                    disk::unavailable(state, draft).filter(|_| kind == FaultKind::PowerLoss)
                });
            let entry = Button::selectable(kind == draft.fault, kind.title());
            let entry = entry.min_size(vec2(ui.available_width(), 24.0));
            let entry = ui.add_enabled(reason.is_none(), entry);
            let entry = match reason {
                None => entry.on_hover_text(kind.explanation()),
                Some(reason) => entry.on_disabled_hover_text(reason),
            };
            if entry.clicked() {
                draft.fault = kind;
                ui.close();
            }
        }
    });
    shown
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Fault"));
    part::note(ui, draft.fault.explanation());
    match draft.fault {
        FaultKind::GracefulStop => {
            field::number(
                ui,
                state,
                Some(Field::Grace),
                "Grace",
                &mut draft.grace_secs,
                0.5,
                " s",
            );
        }
        FaultKind::Pause => {
            field::number(
                ui,
                state,
                Some(Field::Pause),
                "Frozen for",
                &mut draft.pause_secs,
                0.5,
                " s",
            );
        }
        _ => {}
    }
}
