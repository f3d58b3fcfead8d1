//! The window's brain: state, actions, the update that alone writes state, effects, and the drill's link.
//!
//! It draws nothing: `ui` does, and only this file calls it.

pub mod action;
pub mod check_action;
pub mod check_effect;
pub mod check_state;
mod dialog;
pub mod effect;
mod link;
pub mod persist;
pub mod state;
pub mod store_action;
pub mod store_effect;
pub mod store_order;
pub mod store_state;
pub mod update;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use eframe::egui;

use action::Action;
use effect::{Doors, Effects, Fact};
use state::{AppState, Settings, ThemeChoice};

use crate::domain::preset::Preset;
use crate::engine::launch::launch;
use crate::engine::{housekeeping, presets, store};

/// Longest that a closing window waits for a drill to clean up.
const CLOSE_WITHIN: Duration = Duration::from_secs(15);

/// The window as eframe runs it.
pub struct App {
    state: AppState,
    effects: Effects,
    brush: crate::ui::Brush,
    theme: Option<ThemeChoice>,
    closing_since: Option<Instant>,
}

impl App {
    #[must_use]
    pub fn new(
        ctx: &egui::Context,
        doors: Doors,
        settings: Settings,
        presets: Vec<Preset>,
    ) -> Self {
        crate::ui::install(ctx);
        App {
            state: update::start(settings, presets),
            effects: Effects::new(doors, ctx.clone()),
            brush: crate::ui::Brush::default(),
            theme: None,
            closing_since: None,
        }
    }

    #[must_use]
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// Lets a fact happen as if the outside had told it.
    pub fn learn(&mut self, fact: Fact) {
        let effects = update::learn(&mut self.state, fact);
        self.perform(effects);
    }

    pub fn act(&mut self, action: Action) {
        let effects = update::act(&mut self.state, action);
        self.perform(effects);
    }

    /// Presets that an earlier version kept in the window's own settings go among the user's files.
    fn adopt_presets(&mut self) {
        let presets = self.state.plan.imported.clone();
        let save = |preset| effect::Effect::SavePreset(Box::new(preset));
        self.perform(presets.into_iter().map(save).collect());
    }

    fn perform(&mut self, effects: Vec<effect::Effect>) {
        for effect in effects {
            let state = &self.state;
            self.effects.perform(effect, || update::settings(state));
        }
    }

    fn close_requested(&mut self, ctx: &egui::Context) {
        let requested = ctx.input(|input| input.viewport().close_requested());
        if requested && self.effects.busy() {
            let since = *self.closing_since.get_or_insert_with(Instant::now);
            if since.elapsed() < CLOSE_WITHIN {
                ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
                if !self.state.closing {
                    self.act(Action::CloseWindow);
                }
            }
        }
        if let Some(since) = self.closing_since {
            if since.elapsed() >= CLOSE_WITHIN {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
            ctx.request_repaint_after(Duration::from_millis(200));
        }
    }

    fn apply_theme(&mut self, ctx: &egui::Context) {
        let wanted = self.state.look.theme;
        if self.theme != Some(wanted) {
            self.theme = Some(wanted);
            ctx.set_theme(match wanted {
                ThemeChoice::System => egui::ThemePreference::System,
                ThemeChoice::Dark => egui::ThemePreference::Dark,
                ThemeChoice::Light => egui::ThemePreference::Light,
            });
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        for fact in self.effects.drain() {
            self.learn(fact);
        }
        self.close_requested(ctx);
        self.apply_theme(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let mut actions = Vec::new();
        crate::ui::draw(ui, &self.state, &mut self.brush, &mut actions);
        if !actions.is_empty() {
            for action in actions {
                self.act(action);
            }
            // What was just decided is seen in a frame of its own.
            ui.ctx().request_repaint();
        }
    }
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// If there is no display, or the window system or its libraries refuse.
pub fn run_window(runs: PathBuf) -> Result<()> {
    let program = std::env::current_exe().ok();
    let swept = housekeeping::begin(program.as_deref())?;
    let result = open_window(runs, &swept);
    housekeeping::end();
    result
}

fn open_window(runs: PathBuf, swept: &[String]) -> Result<()> {
    let path = persist::default_path();
    let folder = store::presets_dir().ok();
    let (presets, left_out) = presets::load(folder.as_deref());
    let (settings, trouble) = path.as_deref().map(persist::load).unwrap_or_default();
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Crashdrill")
            .with_app_id("crashdrill")
            .with_icon(icon()?)
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([1024.0, 700.0]),
        // Named, because the default changes with the features that tests switch on.
        renderer: eframe::Renderer::Glow,
        ..Default::default()
    };
    let create = move |cc: &eframe::CreationContext<'_>| {
        close_on_signals(&cc.egui_ctx)?;
        let doors = Doors {
            launch: Box::new(launch),
            runs,
            settings: path,
            presets: folder,
        };
        let mut app = App::new(&cc.egui_ctx, doors, settings, presets);
        let swept = (!swept.is_empty()).then(|| {
            format!(
                "Removed what a window that died had left: {}",
                swept.join(", ")
            )
        });
        app.perform(vec![effect::Effect::LookAtDisk]);
        app.adopt_presets();
        for text in trouble.into_iter().chain(left_out).chain(swept) {
            app.learn(Fact::Trouble(text));
        }
        Ok(Box::new(app) as Box<dyn eframe::App>)
    };
    let run = || eframe::run_native("crashdrill", options, Box::new(create));
    // A missing libxkbcommon-x11 is a panic inside winit and not an error.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(no_window(&error.to_string())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
                .unwrap_or_default();
            Err(no_window(&text))
        }
    }
}

/// Ctrl-C and SIGTERM close the window as its own button does, so that a running drill is torn down.
fn close_on_signals(ctx: &egui::Context) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let ctx = ctx.clone();
    let wait = move || {
        for _signal in signals.forever() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            ctx.request_repaint();
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)?;
    Ok(())
}

fn no_window(cause: &str) -> anyhow::Error {
    // winit puts the place in its own source before the cause.
    let cause = cause.rsplit_once(".rs:").map_or(cause, |(_, rest)| {
        rest.split_once(": ").map_or(rest, |(_, cause)| cause)
    });
    let cause = cause.trim_end_matches('.');
    anyhow!(
        "opening the window failed: {cause}. Without a display, use `crashdrill run`, which does the same drill headless; with one, scripts/run installs the libraries that a window needs"
    )
}

fn icon() -> Result<egui::IconData> {
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png"))
        .map_err(|error| anyhow!("the window's icon cannot be read: {error}"))
}
