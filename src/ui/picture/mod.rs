//! The middle: the verdict in one sentence, the pictures, the lanes. Or what to do next.

mod failure;
mod upper;

use egui::text::LayoutJob;
use egui::{Frame, Margin, RichText, TextFormat, Ui};

use self::upper::{CURVES, ROOMY, Steps, Upper, pictures, sentence};
use super::part::{self, Weight, wish};
use super::theme::{Theme, semibold, sizes};
use super::{curves, icon, images, lanes};
use crate::app::action::Action;
use crate::app::state::{AppState, LivePicture, Picture, Shown, Zoom};
use crate::domain::event::{Phase, Progress};
use crate::domain::ladder::Ladder;
use crate::domain::lanes::Tick;
use crate::domain::series;
use crate::domain::verdict::Verdict;
use crate::report::wording;
use crate::report::wording::number::count;

/// How much of a fault the ladder shows, in seconds: enough to see it.
const AFTER: f64 = 0.3;

pub fn show(ui: &mut Ui, state: &AppState, brush: &mut lanes::Brush, actions: &mut Vec<Action>) {
    Frame::new().inner_margin(Margin::same(12)).show(ui, |ui| {
        failure::show(ui, state, actions);
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

fn nothing(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let plan = &state.plan.draft;
    let what = format!(
        "A server with “{}” takes {} chats for {} s, then: {}. Afterwards you see which messages are gone, session by session",
        state
            .plan
            .preset()
            .map_or(plan.preset.as_str(), |preset| preset.title.as_str()),
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
                let width = 214.0;
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
    // A server that stays down would push what led to its end out of the picture.
    let faults = live.faults.iter();
    let faults: Vec<(f64, f64)> = faults
        .map(|fault| {
            let until = fault.until.unwrap_or(now);
            (fault.from, until.min(newest + AFTER).max(fault.from))
        })
        .collect();
    let ladder_says = if state.drill.phase() == Phase::Down {
        wording::ladder::death_sentence(&live.ladder)
    } else {
        wording::ladder::now_sentence(&live.ladder)
    };
    let upper = Upper {
        title: "Acknowledged over time",
        sentence: "the numbers come from the journal, live",
        curves: &|ui, height| curves::live(ui, live, now, height),
        ladder: Some(Steps {
            ladder: &live.ladder,
            sentence: ladder_says,
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
