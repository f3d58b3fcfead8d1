//! The workload: how many chats, how fast, how long.

use egui::Ui;

use super::field;
use crate::app::state::AppState;
use crate::domain::plan::{DrillPlan, Field, PlanDraft};
use crate::ui::part;

pub fn show(ui: &mut Ui, state: &AppState, draft: &mut PlanDraft) {
    part::group(ui, "Chats");
    field::number(
        ui,
        state,
        Some(Field::Sessions),
        "Sessions",
        &mut draft.sessions,
        1.0,
        "",
    );
    if !draft.rate_max {
        field::number(
            ui,
            state,
            Some(Field::Rate),
            "Rate",
            &mut draft.rate,
            10.0,
            " a second",
        );
    }
    field::check(ui, "As fast as it goes", &mut draft.rate_max);
    field::number(
        ui,
        state,
        Some(Field::Seconds),
        "Stream for",
        &mut draft.seconds,
        0.1,
        " s",
    );
    let spoke_to_redis = draft.store_command.trim().is_empty();
    field::text(
        ui,
        state,
        Some(Field::Store),
        "Your store",
        &mut draft.store_command,
        "a command, or empty",
    );
    let speaks_to_redis = draft.store_command.trim().is_empty();
    if spoke_to_redis && !speaks_to_redis {
        draft.rate = draft.rate.min(DrillPlan::STORE_RATE);
        let patience = DrillPlan::STORE_OP_TIMEOUT.as_secs_f64();
        draft.op_timeout_secs = draft.op_timeout_secs.max(patience);
    }
    if !speaks_to_redis {
        part::note(
            ui,
            "Everything is written and read back through it, as JSON lines; gaps in Redis' files are estimated",
        );
    }
    let folded = egui::CollapsingHeader::new("Writers, sizes, seed")
        .default_open(false)
        .show_unindented(ui, |ui| {
            field::number(
                ui,
                state,
                Some(Field::Writers),
                "Writers",
                &mut draft.writers,
                0.1,
                "",
            );
            field::number(
                ui,
                state,
                Some(Field::Depth),
                "Pipeline depth",
                &mut draft.depth,
                0.1,
                "",
            );
            let bytes = &mut draft.message_bytes;
            field::number(
                ui,
                state,
                Some(Field::MessageBytes),
                "Message size",
                bytes,
                1.0,
                " bytes",
            );
            part::note(ui, "0 bytes leaves messages as long as people write them");
            let messages = &mut draft.max_messages;
            field::number(
                ui,
                state,
                Some(Field::MaxMessages),
                "At most",
                messages,
                10.0,
                " messages",
            );
            part::note(ui, "0 messages sets no limit");
            field::number(ui, state, None, "Seed", &mut draft.seed, 1.0, "");
            let timeout = &mut draft.op_timeout_secs;
            let at = Some(Field::OpTimeout);
            field::number(ui, state, at, "Reply within", timeout, 0.1, " s");
            part::note(
                ui,
                "A write that is answered later is in doubt, as for a client that gives up",
            );
        });
    if !folded.fully_open() {
        advanced_errors(ui, state);
    }
}

/// An error in a folded field is not hidden with it.
fn advanced_errors(ui: &mut Ui, state: &AppState) {
    for at in [
        Field::Writers,
        Field::Depth,
        Field::MessageBytes,
        Field::MaxMessages,
        Field::OpTimeout,
    ] {
        if let Some(error) = state.plan.error(at) {
            field::problem(ui, error);
        }
    }
}
