//! Pictures of every screen and state, drawn by software. `UPDATE_SNAPSHOTS=1` makes them anew.

use crashdrill::app::action::Action;
use crashdrill::app::check_action::CheckAction;
use crashdrill::app::check_state::Picked;
use crashdrill::app::effect::Fact;
use crashdrill::app::state::{LogTab, Purpose, Screen, Settings, ThemeChoice, View, Zoom};
use crashdrill::app::store_action::StoreAction;
use crashdrill::app::store_effect::StoreFact;
use crashdrill::app::store_state::StoreView;
use crashdrill::checks::runner::CheckEvent;
use crashdrill::domain::event::{DrillEvent, Fix, Phase, Progress};
use crashdrill::domain::fault::{Fault, FaultKind, FaultRecord, ServerEnd};
use crashdrill::domain::image::Image;
use crashdrill::domain::op::Micros;
use crashdrill::domain::preset::{Dropped, Imported};
use crashdrill::domain::trigger::Trigger;
use crashdrill::domain::verdict::Verdict;
use crashdrill::report::Format;
use egui_kittest::{SnapshotOptions, SnapshotResults};

use std::sync::Arc;

use crate::act_fixture as acts;
use crate::drill_fixture::Spec;
use crate::runs::summaries;
use crate::stage::{Play, Stage, presets};
use crate::store_fixture;

const SMALL: [f32; 2] = [1280.0, 800.0];
const LEAST: [f32; 2] = [1024.0, 700.0];
const LARGE: [f32; 2] = [1920.0, 1080.0];

/// One state in one size and one mode.
fn look(
    all: &mut SnapshotResults,
    name: &str,
    size: [f32; 2],
    theme: ThemeChoice,
    arrange: impl FnOnce(&mut Stage),
) {
    // Long transcripts are measured a few milliseconds a frame, and panels slide.
    look_after(all, name, size, theme, 250, arrange);
}

/// After this many frames.
fn look_after(
    all: &mut SnapshotResults,
    name: &str,
    size: [f32; 2],
    theme: ThemeChoice,
    frames: usize,
    arrange: impl FnOnce(&mut Stage),
) {
    let mut settings = Settings::default();
    settings.look.theme = theme;
    let mut stage = Stage::sized(Play::Mute, size, settings, |builder| {
        builder
            .wgpu()
            .with_render_cursor(false)
            .with_step_dt(1.0 / 60.0)
    });
    stage.settle();
    arrange(&mut stage);
    stage.window.run_steps(frames);
    let mode = if theme == ThemeChoice::Dark {
        "dark"
    } else {
        "light"
    };
    let name = format!("{name}-{mode}-{}", size[0]);
    let options = SnapshotOptions::new().output_path("tests/gui/snapshots");
    stage.window.snapshot_options(name, &options);
    all.extend_harness(&mut stage.window);
}

/// In both modes.
fn looks(all: &mut SnapshotResults, name: &str, arrange: impl Fn(&mut Stage)) {
    look(all, name, SMALL, ThemeChoice::Dark, &arrange);
    look(all, name, SMALL, ThemeChoice::Light, &arrange);
}

fn act(stage: &mut Stage, action: Action) {
    stage.window.state_mut().act(action);
    stage.settle();
}

#[test]
fn empty() {
    let all = &mut SnapshotResults::new();
    looks(all, "empty", |_| {});
}

#[test]
fn streaming() {
    let all = &mut SnapshotResults::new();
    looks(all, "streaming", |stage| {
        act(stage, Action::StartServer);
        stage.stream();
    });
}

#[test]
fn fault_done() {
    let all = &mut SnapshotResults::new();
    looks(all, "fault-done", |stage| {
        act(stage, Action::StartServer);
        stage.stream();
        let fault = Fault::new(FaultKind::ProcessKill);
        stage.tell(
            6.2,
            DrillEvent::FaultBegan {
                fault,
                before: None,
            },
        );
        let record = Box::new(FaultRecord {
            fault,
            at: Micros(6_200_000),
            dead: Micros(6_202_000),
            end: ServerEnd::Signal { signal: 9 },
            escalated: false,
            before: None,
            last_snapshot: None,
            disk: None,
            hit: None,
        });
        stage.tell(6.202, DrillEvent::FaultDone { record });
        let phase = Phase::Down;
        let acked = 12_000;
        stage.learn(Fact::Progress(Progress {
            phase,
            acked,
            ..Progress::default()
        }));
    });
}

#[test]
fn judged_with_loss() {
    let all = &mut SnapshotResults::new();
    looks(all, "judged-loss", |stage| {
        stage.show(&Spec {
            verdict: Verdict::Violated,
            ..Spec::SMALL
        });
    });
    let arrange = |stage: &mut Stage| {
        stage.show(&Spec {
            verdict: Verdict::Violated,
            ..Spec::SMALL
        });
    };
    look(all, "judged-loss", LEAST, ThemeChoice::Dark, arrange);
    look(all, "judged-loss", LARGE, ThemeChoice::Dark, arrange);
    look(all, "judged-loss", LARGE, ThemeChoice::Light, arrange);
}

#[test]
fn judged_held_with_a_hole_and_the_cut_from_near() {
    let all = &mut SnapshotResults::new();
    looks(all, "judged-held", |stage| {
        stage.show(&Spec {
            rounds: 2,
            ..Spec::SMALL
        });
        act(stage, Action::ZoomTo(Zoom::Cut));
    });
}

#[test]
fn judged_without_loss() {
    let all = &mut SnapshotResults::new();
    looks(all, "judged-nothing-lost", |stage| {
        stage.show(&Spec {
            kept: 1.0,
            ..Spec::SMALL
        });
    });
}

#[test]
fn inconclusive_with_raw_json() {
    let all = &mut SnapshotResults::new();
    looks(all, "inconclusive", |stage| {
        stage.show(&Spec {
            verdict: Verdict::Inconclusive,
            ..Spec::SMALL
        });
        act(stage, Action::ShowRaw(true));
    });
}

#[test]
fn failed_with_a_way_out() {
    let all = &mut SnapshotResults::new();
    looks(all, "failed", |stage| {
        let error = "Docker does not answer at unix:///var/run/docker.sock: connection refused. Start Docker, or use the local redis-server".to_owned();
        stage.tell(
            0.4,
            DrillEvent::Failed {
                error,
                fix: Some(Fix::UseLocalServer),
            },
        );
    });
}

#[test]
fn server_log() {
    let all = &mut SnapshotResults::new();
    look(all, "server-log", SMALL, ThemeChoice::Dark, |stage| {
        stage.show(&Spec::SMALL);
        act(stage, Action::ShowLog(LogTab::Server));
        let lines = [
            "31842:M 20 Nov 2026 20:33:17.402 * 1 changes in 5 seconds. Saving...",
            "31842:M 20 Nov 2026 20:33:17.403 * Background saving started by pid 31860",
            "31842:M 20 Nov 2026 20:33:17.504 * Background saving terminated with success",
        ];
        stage.learn(Fact::ServerLog(lines.map(str::to_owned).to_vec()));
    });
}

#[test]
fn wrong_fields() {
    let all = &mut SnapshotResults::new();
    looks(all, "wrong-fields", |stage| {
        let mut draft = stage.state().plan.draft.clone();
        draft.sessions = 0;
        draft.rate = -3.0;
        draft.backend = "docker".into();
        draft.image = String::new();
        act(stage, Action::EditPlan(Box::new(draft)));
    });
}

#[test]
fn runs() {
    let all = &mut SnapshotResults::new();
    looks(all, "runs", |stage| {
        stage.click("Runs");
        stage.wait("the list", |state| !state.runs.loading);
        stage.learn(Fact::RunsListed(Ok(summaries())));
    });
}

#[test]
fn runs_empty() {
    let all = &mut SnapshotResults::new();
    look(all, "runs-empty", SMALL, ThemeChoice::Dark, |stage| {
        stage.click("Runs");
        stage.wait("the list", |state| !state.runs.loading);
        stage.learn(Fact::RunsListed(Ok(Vec::new())));
    });
}

#[test]
fn palette() {
    let all = &mut SnapshotResults::new();
    looks(all, "palette", |stage| act(stage, Action::OpenPalette));
}

#[test]
fn dialogs() {
    let all = &mut SnapshotResults::new();
    look(all, "export", SMALL, ThemeChoice::Dark, |stage| {
        stage.show(&Spec::SMALL);
        act(stage, Action::Export);
    });
    look(all, "typed-path", SMALL, ThemeChoice::Light, |stage| {
        stage.show(&Spec::SMALL);
        stage.learn(Fact::NoPortal(Purpose::Export(Format::Html)));
    });
    look(all, "overwrite", SMALL, ThemeChoice::Dark, |stage| {
        stage.learn(Fact::Exists("/home/ada/report.html".into(), Format::Html));
    });
    look(all, "delete-run", SMALL, ThemeChoice::Light, |stage| {
        act(stage, Action::AskDelete(Box::new(summaries().remove(0))));
    });
    look(all, "closing", SMALL, ThemeChoice::Dark, |stage| {
        act(stage, Action::RunDrill);
        act(stage, Action::CloseWindow);
    });
}

#[test]
fn import_result() {
    let all = &mut SnapshotResults::new();
    looks(all, "imported", |stage| {
        let mut preset = presets().remove(3);
        preset.id = "production".into();
        preset.title = "Imported from production.conf".into();
        let drop = |line, directive: &str, reason: &str| Dropped {
            line,
            directive: directive.into(),
            reason: reason.into(),
            invalid: false,
        };
        let dropped = vec![
            drop(3, "bind", "the drill's own server listens on loopback only"),
            drop(4, "port", "the drill's own server takes a free port"),
            drop(9, "requirepass", "the drill makes a password of its own"),
            drop(12, "include", "other files are not read"),
        ];
        stage.learn(Fact::ConfImported(Ok(Box::new(Imported {
            preset,
            dropped,
        }))));
    });
}

#[test]
fn toasts() {
    let all = &mut SnapshotResults::new();
    look(all, "toasts", SMALL, ThemeChoice::Dark, |stage| {
        stage.learn(Fact::Exported(Ok("/home/ada/reports/crash.html".into())));
        stage.learn(Fact::Trouble(
            "Opening failed: no program is known for this file: /home/ada/reports/crash.html"
                .into(),
        ));
    });
}

fn store(all: &mut SnapshotResults, name: &str, view: StoreView) {
    let arrange = |stage: &mut Stage| {
        act(stage, Action::Show(Screen::Store));
        crate::store::show(stage, store_fixture::seen(400));
        for gauge in store_fixture::gauges() {
            let reading = Fact::Store(StoreFact::Gauge(gauge));
            stage.window.state_mut().learn(reading);
        }
        let compared = Ok(store_fixture::compared());
        stage.learn(Fact::Store(StoreFact::Compared(compared)));
        act(stage, Action::Store(StoreAction::View(view)));
        if view == StoreView::Sessions {
            let row = stage.state().store.table.rows[0];
            act(stage, Action::Store(StoreAction::Select(Some(row))));
            let page = Ok(Arc::new(store_fixture::page()));
            let look = 0;
            stage.learn(Fact::Store(StoreFact::Page { look, row, page }));
        }
    };
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        look_after(all, name, SMALL, theme, 30, arrange);
    }
}

#[test]
fn store_sessions() {
    store(
        &mut SnapshotResults::new(),
        "store-sessions",
        StoreView::Sessions,
    );
}

#[test]
fn store_namespaces() {
    store(
        &mut SnapshotResults::new(),
        "store-namespaces",
        StoreView::Namespaces,
    );
}

#[test]
fn store_pictures() {
    store(
        &mut SnapshotResults::new(),
        "store-pictures",
        StoreView::Pictures,
    );
}

#[test]
fn store_changes() {
    store(
        &mut SnapshotResults::new(),
        "store-changes",
        StoreView::Changes,
    );
}

#[test]
fn store_empty() {
    let all = &mut SnapshotResults::new();
    looks(all, "store-empty", |stage| {
        act(stage, Action::Show(Screen::Store));
    });
}

#[test]
fn ladder() {
    let all = &mut SnapshotResults::new();
    let arrange = |stage: &mut Stage| {
        stage.climb();
        stage.look(5.0, Phase::Streaming);
        act(stage, Action::View(View::Ladder));
    };
    looks(all, "ladder", arrange);
    look(all, "ladder", LEAST, ThemeChoice::Dark, arrange);
    look(all, "ladder", LARGE, ThemeChoice::Light, arrange);
    look(all, "ladder-judged", SMALL, ThemeChoice::Dark, |stage| {
        stage.show_with(&Spec::SMALL, |record| {
            let ladder = acts::ladder(0.1, 12.8, 2000.0);
            record.ladder = Some(std::sync::Arc::new(ladder));
        });
        act(stage, Action::View(View::Ladder));
    });
}

#[test]
fn second_acts() {
    let all = &mut SnapshotResults::new();
    let at = Micros(6_200_000);
    let compared = |stage: &mut Stage| {
        stage.climb();
        stage.look(6.2, Phase::Down);
        let comparison = acts::comparison(at, 12_000);
        stage.tell(6.3, DrillEvent::Compared { comparison });
    };
    looks(all, "compared", compared);
    look(all, "compared", LEAST, ThemeChoice::Dark, compared);
    look(all, "compared", LARGE, ThemeChoice::Dark, compared);
    looks(all, "refused", |stage| {
        stage.climb();
        stage.look(6.2, Phase::Down);
        let comparison = acts::refused_comparison(at, 12_000);
        stage.tell(6.3, DrillEvent::Compared { comparison });
        let (end, words) = (ServerEnd::Exit { code: 1 }, acts::words());
        stage.tell(6.5, DrillEvent::ServerRefused { end, words });
        let repair = acts::repair(at, 12_000);
        stage.tell(7.0, DrillEvent::Repaired { repair });
    });
    look(all, "tail-cut", SMALL, ThemeChoice::Light, |stage| {
        stage.climb();
        stage.look(6.2, Phase::Down);
        let tail_cut = acts::tail_cut(at, 12_000);
        stage.tell(7.0, DrillEvent::TailCutTried { tail_cut });
    });
    look(all, "what-if", SMALL, ThemeChoice::Dark, |stage| {
        stage.climb();
        let finding = acts::finding(Image::Durable, at, 12_000, 841);
        stage.tell(6.2, DrillEvent::WhatIf { finding });
        let fault = Fault::new(FaultKind::PowerLoss);
        let trigger = Trigger::RewriteManifest;
        stage.tell(6.3, DrillEvent::Armed { fault, trigger });
    });
}

/// The sections of the plan, open since something in them is set.
#[test]
fn conditions() {
    let all = &mut SnapshotResults::new();
    let settings = |theme| {
        let mut settings = Settings::default();
        settings.look.theme = theme;
        settings.draft.preset = "aof-everysec".into();
        settings.draft.fault = FaultKind::PowerLoss;
        settings.draft.backend = "process".into();
        settings.draft.trigger = "fsync-late=500ms".into();
        settings.draft.disk = "ordered".into();
        settings.draft.tail = "ext4".into();
        settings.draft.fsync_delay = "3s@5s".into();
        settings.draft.damage = "zero:aof=4096".into();
        settings.draft.network = "storm".into();
        settings
    };
    for (theme, scrolled) in [(ThemeChoice::Dark, false), (ThemeChoice::Light, true)] {
        let mut stage = Stage::sized(Play::Mute, LARGE, settings(theme), |builder| {
            builder.wgpu().with_render_cursor(false)
        });
        stage.settle();
        if scrolled {
            stage.control("Sessions").scroll_to_me();
        }
        stage.window.run_steps(60);
        let name = format!(
            "conditions-{}",
            if scrolled { "light-below" } else { "dark" }
        );
        let options = SnapshotOptions::new().output_path("tests/gui/snapshots");
        stage.window.snapshot_options(name, &options);
        all.extend_harness(&mut stage.window);
    }
}

#[test]
fn checks_before_and_after() {
    let all = &mut SnapshotResults::new();
    looks(all, "checks-empty", |stage| stage.click("Checks"));
    looks(all, "checks-violated", |stage| {
        stage.click("Checks");
        for result in crate::checks::results() {
            stage.learn(Fact::Check(CheckEvent::Finished(Box::new(result))));
        }
        stage.learn(Fact::Check(CheckEvent::Done(crate::checks::record())));
        let picked = Picked::Check("lost-update-watch");
        act(stage, Action::Check(CheckAction::Pick(picked)));
    });
}
