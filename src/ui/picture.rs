//! The middle: the verdict in one sentence, the curves, the lanes. Or what to do next.

use egui::text::LayoutJob;
use egui::{Align, Frame, Layout, Margin, RichText, TextFormat, Ui};

use super::part::{self, Weight, wish};
use super::theme::{Theme, semibold, sizes};
use super::{curves, icon, images, ladder, lanes};
use crate::app::action::Action;
use crate::app::state::{AppState, LivePicture, Picture, Shown, View, Zoom};
use crate::domain::event::{Fix, Phase, Progress};
use crate::domain::ladder::{Gauges, Ladder};
use crate::domain::lanes::Tick;
use crate::domain::series;
use crate::domain::verdict::{Ground, Verdict};
use crate::report::wording;
use crate::report::wording::number::count;

pub fn show(ui: &mut Ui, state: &AppState, brush: &mut lanes::Brush, actions: &mut Vec<Action>) {
    Frame::new().inner_margin(Margin::same(12)).show(ui, |ui| {
        failure(ui, state, actions);
        match &state.picture.shown {
            Shown::Nothing => nothing(ui, state, actions),
            Shown::Opening(run) => {
                part::empty(
                    ui,
                    icon::HISTORY,
                    "Judging the run from its evidence",
                    run,
                    |ui| {
                        ui.spinner();
                    },
                );
            }
            Shown::Live(live) => streaming(ui, state, live, brush, actions),
            Shown::Judged(picture) => judged(ui, state, picture, brush, actions),
        }
    });
}

/// What went wrong, where the user looks, with the way out as a button.
fn failure(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let Some(failure) = &state.drill.failure else {
        return;
    };
    let theme = Theme::of(ui);
    let told = told_by_verdict(state, &failure.error);
    part::card(ui, theme.bad_bg, theme.bad, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(icon::ERROR).color(theme.bad).size(18.0));
            ui.vertical(|ui| {
                ui.label(
                    RichText::new("The drill could not go on")
                        .family(semibold())
                        .color(theme.bad),
                );
                if !told {
                    ui.add(egui::Label::new(&failure.error).wrap().selectable(true));
                    ui.add_space(4.0);
                }
                ui.horizontal(|ui| {
                    if let Some(fix) = failure.fix {
                        wish(ui, state, actions, Action::UseFix(fix), "", Weight::Primary);
                    }
                    if failure.fix != Some(Fix::TryAgain) {
                        let again = Action::UseFix(Fix::TryAgain);
                        wish(ui, state, actions, again, "", Weight::Normal);
                    }
                    wish(
                        ui,
                        state,
                        actions,
                        Action::DismissFailure,
                        "",
                        Weight::Quiet,
                    );
                });
            });
        });
    });
    ui.add_space(8.0);
}

/// The verdict below names the same error: once is enough.
fn told_by_verdict(state: &AppState, error: &str) -> bool {
    let Shown::Judged(picture) = &state.picture.shown else {
        return false;
    };
    let mut grounds = picture.record.judgement.grounds.iter();
    grounds.any(|ground| matches!(ground, Ground::DrillFailed { error: told } if told == error))
}

fn nothing(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let plan = &state.plan.draft;
    let what = format!(
        "A server with preset {} takes {} chats for {} s, then: {}. Afterwards you see which messages are gone, session by session",
        plan.preset,
        count(plan.sessions),
        plan.seconds,
        plan.fault.title().to_lowercase(),
    );
    part::empty(
        ui,
        icon::RUN,
        "What does a crash take from your chats?",
        &what,
        |ui| {
            ui.horizontal(|ui| {
                // Centred by hand: a row does not know its width before it is drawn.
                let width = 250.0;
                ui.add_space((ui.available_width() - width).max(0.0) / 2.0);
                wish(
                    ui,
                    state,
                    actions,
                    Action::RunDrill,
                    icon::RUN,
                    Weight::Primary,
                );
                wish(
                    ui,
                    state,
                    actions,
                    Action::StartServer,
                    icon::SERVER,
                    Weight::Normal,
                );
            });
            ui.add_space(6.0);
            part::note(
                ui,
                "Run drill does all steps; Start server lets you go by hand",
            );
        },
    );
}

/// Share of the free height that the curves take; the lanes get the rest.
const CURVES: f32 = 0.36;
/// The ladder has gaps to show, a legend and gauges.
const LADDER: f32 = 0.56;
/// Below this a curve and its legend cannot be read.
const CURVES_LEAST: f32 = 96.0;
/// Below this height sentences take one line, and the ladder the place of the lanes.
const ROOMY: f32 = 440.0;

fn streaming(
    ui: &mut Ui,
    state: &AppState,
    live: &LivePicture,
    brush: &mut lanes::Brush,
    actions: &mut Vec<Action>,
) {
    let theme = Theme::of(ui);
    let progress = &state.drill.progress;
    part::card(ui, theme.panel, theme.line, |ui| {
        ui.horizontal(|ui| {
            let acked = format!("{} acknowledged", count(progress.acked));
            ui.label(
                RichText::new(acked)
                    .family(semibold())
                    .size(sizes().headline),
            );
            ui.add_space(8.0);
            ui.label(RichText::new(details(progress)).color(theme.weak));
        });
        let hint = live_hint(state);
        ui.label(RichText::new(hint).color(theme.weak));
    });
    ui.add_space(8.0);
    let now = progress.at.secs();
    let newest = live.ladder.last().map_or(0.0, |rung| rung.at.secs());
    let faults = live.faults.iter();
    let faults: Vec<(f64, f64)> = faults
        .map(|fault| (fault.from, fault.until.unwrap_or(now)))
        .collect();
    let upper = Upper {
        title: "Acknowledged over time",
        sentence: "the numbers come from the journal, live",
        curves: &|ui, height| curves::live(ui, live, now, height),
        ladder: Some(Steps {
            ladder: &live.ladder,
            sentence: wording::ladder::now_sentence(&live.ladder),
            end: newest,
            gauges: live.ladder.last().map(|rung| rung.gauges),
            faults,
        }),
        instants: images::Instants {
            lanes: &live.lanes,
            acked_by: &|at| live.acked_by(at.secs()),
        },
    };
    pictures(ui, state, upper, actions, |ui, actions| {
        title(
            ui,
            "Sessions",
            "loudest first, a live sample of the newest messages",
        );
        lanes::show(ui, &live.lanes, &state.picture, brush, actions);
    });
}

/// The ladder as a picture shows it.
struct Steps<'a> {
    ladder: &'a Ladder,
    sentence: String,
    /// The end of the stretch that is drawn, in seconds.
    end: f64,
    gauges: Option<Gauges>,
    faults: Vec<(f64, f64)>,
}

/// What stands above the lanes.
struct Upper<'a> {
    title: &'a str,
    sentence: &'a str,
    curves: &'a dyn Fn(&mut Ui, f32),
    ladder: Option<Steps<'a>>,
    instants: images::Instants<'a>,
}

/// The chosen picture, and below it the lanes; in a low window the ladder takes their place.
fn pictures(
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
fn sentence(ui: &mut Ui, text: &str, low: bool) {
    if !low {
        part::note(ui, text);
        return;
    }
    let theme = Theme::of(ui);
    let label = RichText::new(text).color(theme.weak).size(sizes().small);
    ui.add(egui::Label::new(label).truncate())
        .on_hover_text(text);
}

fn details(progress: &Progress) -> String {
    let mut parts = vec![format!("{} in flight", count(progress.in_flight))];
    if progress.refused > 0 {
        parts.push(format!("{} refused", count(progress.refused)));
    }
    if progress.backlog > 0 {
        parts.push(format!(
            "{} waiting: the server does not keep up",
            count(progress.backlog)
        ));
    }
    parts.join(", ")
}

/// What the user can expect, or do, in this phase.
fn live_hint(state: &AppState) -> &str {
    match (state.drill.phase(), state.drill.by_hand) {
        // An image may be on its way: say how far it is.
        (Phase::Starting, _) => &state.drill.progress.doing,
        (Phase::Ready, true) => "The server is up: stream chats, kill it, or verify",
        (Phase::Streaming, true) => "Kill the server whenever you like",
        (Phase::Streaming, false) => "The fault comes when the time of the plan is over",
        // A graceful stop and a pause say how far they are.
        (Phase::Faulting, _) if !state.drill.progress.doing.is_empty() => {
            &state.drill.progress.doing
        }
        (Phase::Down, true) if state.drill.refused => {
            "The server refused to start: its words are below; try again, or Verify to take that as the result"
        }
        (Phase::Down, false) if state.drill.refused => {
            "The server refused to start on what it left behind: its words are below"
        }
        (Phase::Down, true) => "The server is dead: restart it on what it left behind",
        (Phase::Down, false) => "The server is dead and will be restarted on what it left behind",
        (Phase::Restarting, _) => "The server loads what it left behind",
        (Phase::ReadingBack, _) => "Every session is being read back",
        (Phase::Judging, _) => "Every acknowledged message is looked for",
        (Phase::TearingDown, _) => "Everything that was started is being removed",
        _ => "",
    }
}

fn judged(
    ui: &mut Ui,
    state: &AppState,
    picture: &Picture,
    brush: &mut lanes::Brush,
    actions: &mut Vec<Action>,
) {
    headline(ui, picture);
    ui.add_space(8.0);
    if picture.curves.secs.is_empty() {
        return part::empty(
            ui,
            icon::INFO,
            "There is nothing to draw",
            "No message was acknowledged; the timeline below tells how far the drill came",
            |_| {},
        );
    }
    let record = &picture.record;
    let upper = Upper {
        title: "Acknowledged and recovered",
        sentence: &picture.sentences.curves,
        curves: &|ui, height| curves::judged(ui, picture, height),
        ladder: record
            .ladder
            .as_deref()
            .map(|ladder| judged_steps(picture, ladder)),
        instants: images::Instants {
            lanes: &picture.lanes,
            acked_by: &|at| picture.curves.acked_by(at.secs()),
        },
    };
    pictures(ui, state, upper, actions, |ui, actions| {
        lanes_header(ui, state, picture, actions);
        lanes::show(ui, &picture.lanes, &state.picture, brush, actions);
    });
}

/// The ladder before the last fault, and how the gauges stood then.
fn judged_steps<'a>(picture: &'a Picture, ladder: &'a Ladder) -> Steps<'a> {
    /// Enough of the fault to see it.
    const AFTER: f64 = 0.3;
    let bands = series::bands(&picture.record);
    let fault = bands.last().map(|band| band.from);
    let looks = fault.map_or(ladder.rungs.len(), |at| {
        ladder.rungs.partition_point(|rung| rung.at.secs() <= at)
    });
    Steps {
        ladder,
        sentence: picture.sentences.ladder.clone(),
        end: fault.map_or(f64::MAX, |at| at + AFTER),
        gauges: looks.checked_sub(1).map(|i| ladder.rungs[i].gauges),
        faults: bands
            .iter()
            .map(|band| (band.from, band.to.min(band.from + AFTER)))
            .collect(),
    }
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

fn lanes_header(ui: &mut Ui, state: &AppState, picture: &Picture, actions: &mut Vec<Action>) {
    let narrow = ui.available_width() < 480.0;
    let low = ui.available_height() < ROOMY * (1.0 - CURVES);
    part::row_with_end(
        ui,
        actions,
        |ui, _| {
            title_text(ui, "Sessions");
            if !narrow {
                lanes::legend(ui, &present(picture));
            }
        },
        |ui, actions| {
            let choices = [(Zoom::All, "Whole run"), (Zoom::Cut, "Around the cut")];
            if let Some(zoom) = part::segments(ui, state.picture.zoom, &choices) {
                actions.push(Action::ZoomTo(zoom));
            }
        },
    );
    if narrow && !low {
        ui.horizontal(|ui| lanes::legend(ui, &present(picture)));
    }
    let text = format!("{}. {}", picture.sentences.lanes, picture.sentences.cut);
    sentence(ui, &text, low);
}

/// The verdict with colour, icon and word; the loss in red, allowed or not; why.
fn headline(ui: &mut Ui, picture: &Picture) {
    let theme = Theme::of(ui);
    let judgement = &picture.record.judgement;
    let (color, ground, glyph) = theme.verdict(judgement.verdict);
    part::card(ui, ground, color, |ui| {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(glyph).color(color).size(26.0));
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                let mut first = LayoutJob::default();
                let word = format!("{}  ", judgement.verdict.title());
                first.append(&word, 0.0, format_of(sizes().headline, true, color));
                let sentence = &picture.sentences.verdict;
                first.append(sentence, 0.0, format_of(sizes().title, false, theme.text));
                ui.add(egui::Label::new(first).wrap());
                let lost = judgement.counts.lost > 0;
                let ink = match judgement.verdict {
                    _ if lost => theme.lost,
                    Verdict::Held => theme.good,
                    // What is not known is not green.
                    _ => theme.text,
                };
                let loss = RichText::new(&picture.sentences.loss)
                    .color(ink)
                    .size(sizes().title);
                ui.add(egui::Label::new(loss.family(semibold())).wrap());
                if !picture.sentences.why.is_empty() {
                    part::note(ui, &picture.sentences.why);
                }
            });
        });
    });
}

fn format_of(size: f32, bold: bool, color: egui::Color32) -> TextFormat {
    let family = if bold {
        semibold()
    } else {
        egui::FontFamily::Proportional
    };
    TextFormat {
        valign: egui::Align::BOTTOM,
        ..TextFormat::simple(egui::FontId::new(size, family), color)
    }
}

fn title_text(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).family(semibold()).size(sizes().title));
    ui.add_space(4.0);
}

/// What a picture is called, and its one sentence: beside the name, or below it where it does not fit.
fn title(ui: &mut Ui, text: &str, sentence: &str) {
    let theme = Theme::of(ui);
    let small = egui::FontId::proportional(sizes().small);
    let said = ui
        .painter()
        .layout_no_wrap(sentence.to_owned(), small, theme.weak);
    let left = ui.horizontal(|ui| {
        title_text(ui, text);
        let fits = said.size().x <= ui.available_width();
        if fits {
            part::note(ui, sentence);
        }
        !fits
    });
    if left.inner {
        part::note(ui, sentence);
    }
}

/// The ticks that this picture has, in the order of the legend.
fn present(picture: &Picture) -> Vec<Tick> {
    let counts = &picture.record.judgement.counts;
    let damaged = counts.phantom + counts.duplicated + counts.corrupted + counts.reordered;
    [
        (Tick::Recovered, counts.survived),
        (Tick::Lost, counts.lost),
        (Tick::InFlight, counts.resurfaced + counts.absent),
        (Tick::Damaged, damaged),
        (Tick::Unread, counts.unread),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(tick, _)| tick)
    .collect()
}
