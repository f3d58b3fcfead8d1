//! A window without a desktop, and hands to use it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::app::App;
use crashdrill::app::action::Action;
use crashdrill::app::effect::{Doors, Fact, Launcher, paint};
use crashdrill::app::state::{AppState, Settings, Shown};
use crashdrill::domain::event::{DrillEvent, LiveView, Phase, Progress, RunId, TimedEvent};
use crashdrill::domain::fault::FaultKind;
use crashdrill::domain::ladder::Ladder;
use crashdrill::domain::lanes::Lanes;
use crashdrill::domain::op::Micros;
use crashdrill::domain::preset::Preset;
use crashdrill::domain::record::RunRecord;
use crashdrill::engine::launch::DrillHandle;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::act_fixture as acts;
use crate::drill_fixture::{self as fixture, Script, Spec};

pub fn presets() -> Vec<Preset> {
    crashdrill::domain::preset::Preset::embedded()
}

pub struct Stage {
    pub window: Harness<'static, App>,
    _folder: tempfile::TempDir,
}

/// A drill that never ends by itself and tells nothing: tests tell in its place.
fn mute() -> DrillHandle {
    let (commands, orders) = std::sync::mpsc::channel();
    let (facts, events) = std::sync::mpsc::channel();
    let (meter, progress) = tokio::sync::watch::channel(Progress::default());
    // Kept for ever, so that the drill does not look dead.
    std::mem::forget((orders, facts, meter));
    DrillHandle {
        commands,
        events,
        progress,
        live: Arc::default(),
        thread: None,
    }
}

/// What a started drill does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// The fake drill, fifty times as fast as life.
    Fast,
    /// Fails on backend auto, and only there.
    NoDocker,
    Mute,
}

impl Stage {
    pub fn new(play: Play) -> Stage {
        Stage::sized(play, [1280.0, 800.0], Settings::default(), |builder| {
            builder
        })
    }

    pub fn sized(
        play: Play,
        size: [f32; 2],
        settings: Settings,
        more: impl FnOnce(egui_kittest::HarnessBuilder<App>) -> egui_kittest::HarnessBuilder<App>,
    ) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let runs = folder.path().join("runs");
        let kept = folder.path().join("config/window.json");
        let own = folder.path().join("config/presets");
        let builder = more(Harness::builder().with_size(size).with_max_steps(40));
        let window = builder.build_eframe(move |cc| {
            let doors = Doors {
                launch: Box::new(move |plan, options| match play {
                    Play::Fast => fixture::launch(plan, options, Script::Normal, 50.0),
                    Play::NoDocker if plan.backend.id() == "auto" => {
                        fixture::launch(plan, options, Script::NoDocker, 50.0)
                    }
                    Play::NoDocker => fixture::launch(plan, options, Script::Normal, 50.0),
                    Play::Mute => mute(),
                }),
                runs,
                settings: Some(kept),
                presets: Some(own),
            };
            App::new(&cc.egui_ctx, doors, settings, presets())
        });
        Stage {
            window,
            _folder: folder,
        }
    }

    /// A window whose drills are started by this launcher.
    pub fn launching(launch: Launcher, settings: Settings) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let runs = folder.path().join("runs");
        let kept = folder.path().join("config/window.json");
        let builder = Harness::builder()
            .with_size([1280.0, 800.0])
            .with_max_steps(40);
        let window = builder.build_eframe(move |cc| {
            let doors = Doors {
                launch,
                runs,
                settings: Some(kept),
                presets: None,
            };
            App::new(&cc.egui_ctx, doors, settings, presets())
        });
        Stage {
            window,
            _folder: folder,
        }
    }

    pub fn folder(&self) -> PathBuf {
        self._folder.path().to_owned()
    }

    pub fn state(&self) -> &AppState {
        self.window.state().state()
    }

    pub fn learn(&mut self, fact: Fact) {
        self.window.state_mut().learn(fact);
        self.settle();
    }

    pub fn tell(&mut self, secs: f64, event: DrillEvent) {
        let at = Micros((secs * 1e6) as u64);
        self.learn(Fact::Event(TimedEvent { at, event }));
    }

    /// A few frames; a blinking cursor or a spinner never lets a window come to rest.
    pub fn settle(&mut self) {
        self.window.run_steps(6);
    }

    pub fn click(&mut self, label: &str) {
        self.control(label).click();
        self.settle();
    }

    /// As [`Stage::click`], for what may have to be scrolled to.
    pub fn find_and_click(&mut self, label: &str) {
        self.control(label).scroll_to_me();
        self.window.run_steps(20);
        self.click(label);
    }

    /// The control of this name: not the text beside it.
    pub fn control<'a>(&'a self, label: &'a str) -> egui_kittest::Node<'a> {
        let mut found = self.window.query_all_by_label(label);
        let control =
            found.find(|node| node.accesskit_node().role() != egui::accesskit::Role::Label);
        control.unwrap_or_else(|| panic!("there is no control \"{label}\""))
    }

    pub fn has(&self, label: &str) -> bool {
        self.window.query_by_label(label).is_some()
    }

    /// Some name on the screen contains this text.
    pub fn reads(&self, text: &str) -> bool {
        self.window
            .query_all_by_label_contains(text)
            .next()
            .is_some()
    }

    pub fn enabled(&self, label: &str) -> bool {
        !self.control(label).accesskit_node().is_disabled()
    }

    /// Frames until `done`; panics after ten seconds.
    pub fn wait(&mut self, what: &str, done: impl Fn(&AppState) -> bool) {
        let began = Instant::now();
        while !done(self.state()) {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "waited in vain for {what}"
            );
            std::thread::sleep(Duration::from_millis(5));
            self.window.step();
        }
        self.settle();
    }

    pub fn wait_for(&mut self, phase: Phase) {
        self.wait(phase.title(), |state| state.drill.phase() == phase);
    }

    /// Shows the judged picture of a made-up crash.
    pub fn show(&mut self, spec: &Spec) {
        self.show_with(spec, |_| ());
    }

    /// As [`Stage::show`], changed before it is painted.
    pub fn show_with(&mut self, spec: &Spec, change: impl FnOnce(&mut RunRecord)) {
        let mut record = fixture::record(spec, fixture::plan(spec, &presets()));
        change(&mut record);
        self.learn(Fact::PictureReady(Arc::new(paint(Arc::new(record)))));
    }

    /// As if a drill had been streaming for six seconds.
    pub fn stream(&mut self) {
        let run = RunId("20261120-203312-rdb-5s-process-kill-x7f3".into());
        let dir = PathBuf::from("/runs").join(&run.0);
        self.tell(0.0, DrillEvent::RunStarted { run, dir });
        let info = fixture::server();
        let took = Duration::from_millis(290);
        self.tell(0.3, DrillEvent::ServerStarted { info, took });
        self.tell(0.4, DrillEvent::StreamStarted);
        let record = fixture::record(&Spec::SMALL, fixture::plan(&Spec::SMALL, &presets()));
        let mut live = LiveView::default();
        live.by_session.resize(200, 0);
        for (n, op) in record.history.ops.iter().take(12_000).enumerate() {
            live.by_session[op.session.0 as usize] += 1;
            live.ticks.push((op.session.0, n as u32));
            if n % 20 == 0 {
                live.acked.push([op.completed.secs(), n as f64]);
            }
        }
        self.learn(Fact::Progress(Progress {
            phase: Phase::Streaming,
            doing: "Streaming chats".into(),
            share: Some(0.5),
            sent: 12_012,
            acked: 12_000,
            in_flight: 12,
            acked_per_sec: 1998.0,
            ..Progress::default()
        }));
        self.learn(Fact::Live {
            acked: live.acked.clone(),
            lanes: Lanes::live(&live),
            ladder: Ladder::default(),
        });
    }

    /// As [`Stage::stream`], by hand on the faulty disk, and looked at ten times a second.
    pub fn climb(&mut self) {
        let mut draft = self.state().plan.draft.clone();
        draft.preset = "aof-everysec".into();
        draft.fault = FaultKind::PowerLoss;
        draft.backend = "process".into();
        self.window
            .state_mut()
            .act(Action::EditPlan(Box::new(draft)));
        self.window.state_mut().act(Action::StartServer);
        self.stream();
        self.look(6.4, Phase::Streaming);
    }

    /// The ladder, the lanes and the meter as they are at this second.
    pub fn look(&mut self, secs: f64, phase: Phase) {
        let ladder = acts::ladder(0.4, secs, 2000.0);
        let progress = Progress {
            at: Micros((secs * 1e6) as u64),
            phase,
            sent: ladder.last().unwrap().sent,
            acked: ladder.last().unwrap().acked,
            in_flight: 12,
            acked_per_sec: 1998.0,
            kill_takes: ladder.kill_takes(),
            cut_takes: ladder.cut_takes(),
            gaps_exact: true,
            ..Progress::default()
        };
        let (acked, lanes) = match &self.state().picture.shown {
            Shown::Live(live) => (live.acked.clone(), Lanes::clone(&live.lanes)),
            _ => (Vec::new(), Lanes::default()),
        };
        self.learn(Fact::Progress(progress));
        self.learn(Fact::Live {
            acked,
            lanes,
            ladder,
        });
    }

    pub fn judged(&self) -> bool {
        matches!(self.state().picture.shown, Shown::Judged(_))
    }
}
