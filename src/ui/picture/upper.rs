//! The pictures above the lanes, one at a time: the curves, the ladder, or what scratch servers found.
//!
//! Owns how the height is shared; what is drawn in it is for `curves`, `ladder`, `images` and `lanes`.

use egui::{Align, Layout, RichText, Ui};

use crate::app::action::Action;
use crate::app::state::{AppState, View};
use crate::domain::ladder::{Gauges, Ladder};
use crate::ui::theme::{Theme, semibold, sizes};
use crate::ui::{images, ladder, part};

/// Share of the free height that the curves take; the lanes get the rest.
pub const CURVES: f32 = 0.36;
/// The ladder has gaps to show, a legend and gauges.
const LADDER: f32 = 0.56;
/// Below this a curve and its legend cannot be read.
const CURVES_LEAST: f32 = 96.0;
/// Below this height sentences take one line, and the ladder the place of the lanes.
pub const ROOMY: f32 = 440.0;

/// The ladder as a picture shows it.
pub struct Steps<'a> {
    pub ladder: &'a Ladder,
    pub sentence: String,
    /// The end of the stretch that is drawn, in seconds.
    pub end: f64,
    pub gauges: Option<Gauges>,
    pub faults: Vec<(f64, f64)>,
}

/// What stands above the lanes.
pub struct Upper<'a> {
    pub title: &'a str,
    pub sentence: &'a str,
    pub curves: &'a dyn Fn(&mut Ui, f32),
    pub ladder: Option<Steps<'a>>,
    pub instants: images::Instants<'a>,
}

/// The chosen picture, and below it the lanes; in a low window the ladder takes their place.
pub fn pictures(
    ui: &mut Ui,
    state: &AppState,
    upper: Upper<'_>,
    actions: &mut Vec<Action>,
    lanes: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    let view = view(state);
    if view == View::Images {
        tabs(ui, state, "What was tried", actions);
        return images::show(ui, state, &upper.instants);
    }
    roomy(ui, |ui| {
        let low = ui.available_height() < ROOMY;
        let alone = low && view == View::Ladder;
        let top = ui.cursor().top();
        if view == View::Ladder {
            let share = if alone { 1.0 } else { LADDER };
            let height = ui.available_height() * share;
            tabs(ui, state, "From sent to safe", actions);
            match &upper.ladder {
                Some(steps) => ladder_picture(ui, steps, top + height, low),
                None => {
                    part::note(ui, "This run kept no ladder");
                }
            }
        } else {
            let height = (ui.available_height() * CURVES).max(120.0);
            tabs(ui, state, upper.title, actions);
            sentence(ui, upper.sentence, low);
            let left = height - (ui.cursor().top() - top);
            (upper.curves)(ui, left.max(CURVES_LEAST));
        }
        if !alone {
            ui.add_space(6.0);
            lanes(ui, actions);
        }
    });
}

/// The view that can be shown: images only where something was tried.
fn view(state: &AppState) -> View {
    match state.picture.view {
        View::Images if Action::View(View::Images).available(state).is_err() => View::Curves,
        view => view,
    }
}

/// What the picture is called, and the choice among the pictures.
fn tabs(ui: &mut Ui, state: &AppState, title: &str, actions: &mut Vec<Action>) {
    let all = [
        (View::Curves, "Curves"),
        (View::Ladder, "Ladder"),
        (View::Images, "What if"),
    ];
    let images = Action::View(View::Images).available(state).is_ok();
    let choices = if images { &all[..] } else { &all[..2] };
    ui.allocate_ui_with_layout(
        egui::vec2(ui.available_width(), 30.0),
        Layout::right_to_left(Align::Center),
        |ui| {
            if let Some(view) = part::segments(ui, view(state), choices) {
                actions.push(Action::View(view));
            }
            // The title takes what is left.
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(title).family(semibold()).size(sizes().title);
                ui.add(egui::Label::new(text).truncate());
            });
        },
    );
}

fn ladder_picture(ui: &mut Ui, steps: &Steps<'_>, bottom: f32, low: bool) {
    sentence(ui, &steps.sentence, low);
    let exact = steps.ladder.last().is_none_or(|rung| rung.exact);
    ladder::legend(ui, exact);
    let gauges = if ui.available_width() < 540.0 {
        86.0
    } else {
        42.0
    };
    let left = bottom - ui.cursor().top() - gauges;
    let height = left.max(CURVES_LEAST);
    ladder::plot(ui, steps.ladder, steps.end, &steps.faults, height);
    if let Some(gauges) = &steps.gauges {
        ladder::gauges(ui, gauges);
    }
}

/// The one sentence of a picture; cut to a line where there is little room, and whole under the pointer.
pub fn sentence(ui: &mut Ui, text: &str, low: bool) {
    if !low {
        part::note(ui, text);
        return;
    }
    let theme = Theme::of(ui);
    let label = RichText::new(text).color(theme.weak).size(sizes().small);
    ui.add(egui::Label::new(label).truncate())
        .on_hover_text(text);
}

/// Both pictures, or a stretch to scroll through where the window is too low for them.
fn roomy(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    /// Curves that can be read, and six lanes.
    const LEAST: f32 = 310.0;
    if ui.available_height() >= LEAST {
        return add(ui);
    }
    egui::ScrollArea::vertical()
        .id_salt("pictures")
        .auto_shrink(false)
        .show(ui, |ui| {
            let size = egui::vec2(ui.available_width() - 4.0, LEAST);
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            add(&mut ui.new_child(egui::UiBuilder::new().max_rect(rect)));
        });
}
