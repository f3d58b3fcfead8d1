//! CPU time of one frame with a million acknowledged messages in ten thousand sessions.
//!
//! `cargo bench --bench frame`. Counts layout and tessellation on one core, not the upload to the GPU.

#[path = "../tests/support/drill_fixture.rs"]
#[allow(dead_code)]
mod drill_fixture;
#[path = "../tests/support/store_fixture.rs"]
#[allow(dead_code)]
mod store_fixture;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crashdrill::app::action::Action;
use crashdrill::app::effect::Fact;
use crashdrill::app::effect::paint;
use crashdrill::app::state::{AppState, Screen, Settings, Zoom};
use crashdrill::app::store_action::StoreAction;
use crashdrill::app::store_effect::StoreFact;
use crashdrill::app::store_order::{Wanted, order};
use crashdrill::app::store_state::StoreView;
use crashdrill::app::update;
use crashdrill::domain::event::LiveView;
use crashdrill::domain::lanes::Lanes;
use drill_fixture::Spec;
use egui::{Event, Modifiers, MouseWheelUnit, Pos2, RawInput, Rect, pos2, vec2};

fn main() {
    let presets = crashdrill::domain::preset::Preset::embedded();
    let plan = drill_fixture::plan(&Spec::LARGE, &presets);
    let began = Instant::now();
    let record = Arc::new(drill_fixture::record(&Spec::LARGE, plan));
    println!(
        "made a record of {} ops in {:.2} s",
        record.history.ops.len(),
        began.elapsed().as_secs_f64()
    );
    let began = Instant::now();
    let picture = Arc::new(paint(record));
    println!(
        "computed its picture in {:.0} ms, off the frame's thread",
        began.elapsed().as_secs_f64() * 1e3
    );

    let mut bench = Bench::new(update::start(Settings::default(), presets));
    update::learn(&mut bench.state, Fact::PictureReady(picture));
    bench.measure("at rest", 200, |_, _| Vec::new());
    bench.measure("pointer over the lanes", 200, |n, _| {
        vec![Event::PointerMoved(pos2(500.0 + n as f32, 760.0))]
    });
    bench.measure("pointer over the curves", 200, |n, _| {
        vec![Event::PointerMoved(pos2(450.0 + n as f32, 350.0))]
    });
    bench.measure("scrolling the lanes", 300, |n, _| {
        let delta = vec2(0.0, if n % 300 < 150 { -40.0 } else { 40.0 });
        vec![Event::PointerMoved(pos2(600.0, 760.0)), wheel(delta)]
    });
    bench.measure("zooming the lanes", 100, |n, state| {
        let half = 5e5 / (1.0 + f64::from(n));
        update::act(state, Action::ZoomTo(Zoom::Range(6e5 - half, 6e5 + half)));
        Vec::new()
    });
    bench.measure("another session each frame", 200, |n, state| {
        let session = crashdrill::domain::op::SessionId(n % 10_000);
        update::act(state, Action::Select(Some(session)));
        Vec::new()
    });
    streaming(&mut bench);
    store(&mut bench);
}

/// The table of a store of a million keys, sorted off the frame's thread.
fn store(bench: &mut Bench) {
    let began = Instant::now();
    let seen = Arc::new(store_fixture::seen(1_000_000));
    println!(
        "made a store of a million keys in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let began = Instant::now();
    let wanted = Wanted::of(&bench.state.store.table);
    let rows = Arc::new(order(&seen.found.survey, &wanted));
    println!(
        "sorted it by health in {:.0} ms, off the frame's thread",
        began.elapsed().as_secs_f64() * 1e3
    );
    let place = store_fixture::place();
    let facts = [
        StoreFact::Begun { look: 0, place },
        StoreFact::Seen { look: 0, seen },
        StoreFact::Ordered {
            generation: 1,
            rows,
        },
    ];
    for fact in facts {
        update::learn(&mut bench.state, Fact::Store(fact));
    }
    update::act(&mut bench.state, Action::Show(Screen::Store));
    bench.measure("store at rest", 200, |_, _| Vec::new());
    bench.measure("scrolling a million keys", 300, |n, _| {
        let delta = vec2(0.0, if n % 300 < 150 { -400.0 } else { 400.0 });
        vec![Event::PointerMoved(pos2(600.0, 600.0)), wheel(delta)]
    });
    for (name, view) in [
        ("namespaces", StoreView::Namespaces),
        ("pictures of a store", StoreView::Pictures),
    ] {
        update::act(&mut bench.state, Action::Store(StoreAction::View(view)));
        bench.measure(name, 100, |_, _| Vec::new());
    }
}

/// The live picture at its bounds; making the sample is part of the frame that shows it.
fn streaming(bench: &mut Bench) {
    let mut view = LiveView::default();
    view.by_session.resize(10_000, 0);
    for n in 0..LiveView::MAX_TICKS as u32 {
        let session = (n.wrapping_mul(2_654_435_761) >> 8) % 10_000;
        view.by_session[session as usize] += 17;
        view.ticks.push((session, n * 17));
    }
    view.acked = (0..LiveView::MAX_POINTS)
        .map(|n| [n as f64 / 100.0, n as f64 * 50.0])
        .collect();
    update::act(&mut bench.state, Action::StartServer);
    let began = cpu_time();
    for _ in 0..50 {
        std::hint::black_box(Lanes::live(&view));
    }
    let sample = (cpu_time() - began).as_secs_f64() * 1e3 / 50.0;
    println!(
        "{:<28} mean   {sample:6.2} ms   (12 times a second)",
        "making the live sample"
    );
    let acked: Vec<[f64; 2]> = view.acked.iter().step_by(14).copied().collect();
    bench.measure("streaming", 100, |_, state| {
        let (acked, lanes) = (acked.clone(), Lanes::live(&view));
        update::learn(
            state,
            Fact::Live {
                acked,
                lanes,
                ladder: Default::default(),
            },
        );
        Vec::new()
    });
}

fn wheel(delta: egui::Vec2) -> Event {
    Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta,
        phase: egui::TouchPhase::Move,
        modifiers: Modifiers::NONE,
        source: egui::MouseWheelSource::Wheel,
    }
}

struct Bench {
    ctx: egui::Context,
    brush: crashdrill::ui::Brush,
    state: AppState,
    time: f64,
}

impl Bench {
    fn new(state: AppState) -> Bench {
        let ctx = egui::Context::default();
        crashdrill::ui::install(&ctx);
        Bench {
            ctx,
            brush: crashdrill::ui::Brush::default(),
            state,
            time: 0.0,
        }
    }

    fn frame(&mut self, events: Vec<Event>) -> (Duration, usize) {
        self.time += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, vec2(1920.0, 1080.0))),
            time: Some(self.time),
            events,
            ..RawInput::default()
        };
        let began = cpu_time();
        let mut actions = Vec::new();
        let mut output = self.ctx.run_ui(input, |ui| {
            crashdrill::ui::draw(ui, &self.state, &mut self.brush, &mut actions);
        });
        let meshes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let took = cpu_time() - began;
        output.textures_delta.clear();
        (took, meshes.len())
    }

    fn measure(
        &mut self,
        name: &str,
        frames: u32,
        mut events: impl FnMut(u32, &mut AppState) -> Vec<Event>,
    ) {
        for _ in 0..30 {
            self.frame(Vec::new());
        }
        let mut times: Vec<Duration> = (0..frames)
            .map(|n| {
                let events = events(n, &mut self.state);
                self.frame(events).0
            })
            .collect();
        times.sort();
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let median = millis(times[times.len() / 2]);
        let worst = millis(times[times.len() * 99 / 100]);
        println!("{name:<28} median {median:6.2} ms   99th of a hundred {worst:6.2} ms");
    }
}

/// CPU time of this thread: a busy machine does not count.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
