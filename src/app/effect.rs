//! I/O because of a click. Whatever may take longer than a frame runs on a thread with a name, and what
//! comes of it returns as a [`Fact`]. It decides nothing: `update` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::check_effect::{self, CheckEffect, Examiner};
use super::dialog;
pub use super::link::End;
use super::link::Link;
use super::persist;
use super::state::{NoDisk, Picture, Purpose, Sentences, Settings};
use super::store_effect::{Lookout, StoreEffect, StoreFact, Teller};
use crate::checks::runner::CheckEvent;
use crate::domain::event::{Progress, TimedEvent};
use crate::domain::ladder::Ladder;
use crate::domain::lanes::Lanes;
use crate::domain::plan::DrillPlan;
use crate::domain::preset::{Imported, Preset};
use crate::domain::record::RunRecord;
use crate::domain::series::Curves;
use crate::engine::command::Command;
use crate::engine::launch::{DrillHandle, LaunchOptions, Mode};
use crate::engine::store::{self, RunSummary};
use crate::engine::{disk, images, presets};
use crate::report::{self, Format, wording};

/// What `update` wants to be done outside.
#[derive(Debug)]
pub enum Effect {
    Launch(Box<DrillPlan>, Mode),
    Order(Command),
    /// Computes the picture of a record.
    Paint(Arc<RunRecord>),
    SaveSettings,
    AskPath(Purpose),
    Export {
        record: Arc<RunRecord>,
        format: Format,
        path: PathBuf,
        overwrite: bool,
    },
    ImportConf(PathBuf),
    /// Among the user's own presets, where the command line finds it too.
    SavePreset(Box<Preset>),
    ListImages,
    /// Whether this machine can have a faulty disk.
    LookAtDisk,
    ListRuns,
    OpenRun(PathBuf),
    DeleteRun(PathBuf),
    ReadServerLog(PathBuf),
    OpenPath(PathBuf),
    Copy(String),
    Check(CheckEffect),
    CloseWindow,
    Store(StoreEffect),
}

/// What has come of it, and what the drill tells. Errors are whole sentences already.
#[derive(Debug)]
pub enum Fact {
    Event(TimedEvent),
    Progress(Progress),
    Live {
        acked: Vec<[f64; 2]>,
        lanes: Lanes,
        ladder: Ladder,
    },
    DrillEnded(End),
    PictureReady(Arc<Picture>),
    RunNotOpened(String),
    RunsListed(Result<Vec<RunSummary>, String>),
    RunDeleted(Result<PathBuf, String>),
    PathChosen(Purpose, PathBuf),
    NoPortal(Purpose),
    Exists(PathBuf, Format),
    Exported(Result<PathBuf, Box<NotExported>>),
    /// The preset's name.
    PresetSaved(Result<String, String>),
    ConfImported(Result<Box<Imported>, String>),
    ImagesListed(Result<Vec<String>, String>),
    DiskLookedAt(NoDisk),
    ServerLog(Vec<String>),
    Check(CheckEvent),
    Trouble(String),
    Store(StoreFact),
}

/// A report that could not be saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotExported {
    pub format: Format,
    pub path: PathBuf,
    pub error: String,
}

/// A drill's news is drawn within this time. Fifteen frames a second look alive, and where there is no
/// graphics card each frame more is taken from the drill's own processor.
const WAKE_WITHIN: std::time::Duration = std::time::Duration::from_millis(66);

/// How often a window with a drill looks after it, even if nothing wakes it.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_millis(250);

/// How a drill is started: the engine's own launch, or a test's.
pub type Launcher = Box<dyn Fn(DrillPlan, LaunchOptions) -> DrillHandle>;

/// The window's doors to the outside.
pub struct Doors {
    pub launch: Launcher,
    pub runs: PathBuf,
    /// Where the settings are kept; `None` keeps none.
    pub settings: Option<PathBuf>,
    /// The folder of the user's own presets, if the user has one.
    pub presets: Option<PathBuf>,
}

/// Performs effects and collects facts.
pub struct Effects {
    doors: Doors,
    ctx: egui::Context,
    link: Option<Link>,
    lookout: Lookout,
    examiner: Examiner,
    facts: Receiver<Fact>,
    tell: Sender<Fact>,
}

impl Effects {
    #[must_use]
    pub fn new(doors: Doors, ctx: egui::Context) -> Self {
        let (tell, facts) = channel();
        Effects {
            doors,
            ctx,
            link: None,
            lookout: Lookout::default(),
            examiner: Examiner::default(),
            facts,
            tell,
        }
    }

    pub fn perform(&mut self, effect: Effect, settings: impl FnOnce() -> Settings) {
        match effect {
            Effect::Launch(plan, mode) => self.launch(*plan, mode),
            Effect::Order(command) => {
                if let Some(link) = &self.link {
                    link.order(command);
                }
            }
            Effect::Paint(record) => self.spawn("paint", move || {
                Some(Fact::PictureReady(Arc::new(paint(record))))
            }),
            Effect::SaveSettings => self.save(&settings()),
            Effect::AskPath(purpose) => {
                self.spawn("file-dialog", move || dialog::ask(purpose));
            }
            Effect::Export {
                record,
                format,
                path,
                overwrite,
            } => self.spawn("export", move || {
                Some(export(&record, format, path, overwrite))
            }),
            Effect::ImportConf(path) => self.spawn("import", move || {
                Some(Fact::ConfImported(whole(
                    presets::import_file(&path).map(Box::new),
                )))
            }),
            Effect::SavePreset(preset) => {
                let Some(folder) = self.doors.presets.clone() else {
                    return;
                };
                self.spawn("save-preset", move || {
                    let saved = presets::save(&folder, &preset, true);
                    Some(Fact::PresetSaved(whole(saved.map(|_| preset.id))))
                });
            }
            Effect::ListImages => self.spawn("list-images", || {
                Some(Fact::ImagesListed(whole(images::list())))
            }),
            Effect::LookAtDisk => self.spawn("look-at-disk", || {
                Some(Fact::DiskLookedAt(NoDisk {
                    process: disk::unavailable(false),
                    docker: disk::unavailable(true),
                }))
            }),
            Effect::ListRuns => {
                let runs = self.doors.runs.clone();
                self.spawn("list-runs", move || {
                    Some(Fact::RunsListed(whole(store::list(&runs))))
                });
            }
            Effect::OpenRun(dir) => self.spawn("open-run", move || Some(open_run(&dir))),
            Effect::DeleteRun(dir) => self.spawn("delete-run", move || {
                Some(Fact::RunDeleted(whole(store::delete(&dir).map(|()| dir))))
            }),
            Effect::ReadServerLog(dir) => {
                self.spawn("read-log", move || Some(Fact::ServerLog(server_log(&dir))));
            }
            Effect::OpenPath(path) => self.spawn("open", move || open_outside(&path)),
            Effect::Check(effect) => self.check(effect),
            Effect::Copy(text) => self.ctx.copy_text(text),
            Effect::Store(effect) => {
                let door = self.link.as_ref().and_then(Link::door);
                let teller = Teller {
                    tell: self.tell.clone(),
                    ctx: self.ctx.clone(),
                };
                self.lookout.perform(effect, door, &teller);
            }
            Effect::CloseWindow => {
                self.ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
    }

    fn launch(&mut self, plan: DrillPlan, mode: Mode) {
        let ctx = self.ctx.clone();
        let options = LaunchOptions {
            mode,
            runs: self.doors.runs.clone(),
            wake: Box::new(move || ctx.request_repaint_after(WAKE_WITHIN)),
        };
        self.link = Some(Link::new((self.doors.launch)(plan, options)));
    }

    fn check(&mut self, effect: CheckEffect) {
        match effect {
            CheckEffect::Launch { form, checks } => {
                let ctx = self.ctx.clone();
                let wake = Box::new(move || ctx.request_repaint_after(WAKE_WITHIN));
                if let Err(why) = self.examiner.launch(&form, checks, wake) {
                    let _ = self.tell.send(Fact::Check(CheckEvent::Failed(why)));
                    self.ctx.request_repaint();
                }
            }
            CheckEffect::Cancel => self.examiner.cancel(),
            CheckEffect::Export {
                record,
                format,
                path,
                overwrite,
            } => self.spawn("export-checks", move || {
                Some(check_effect::export(&record, format, &path, overwrite))
            }),
        }
    }

    /// Written at once and not when the window closes: a killed window forgets nothing.
    fn save(&self, settings: &Settings) {
        let Some(path) = &self.doors.settings else {
            return;
        };
        if let Err(error) = persist::save(path, settings) {
            let _ = self.tell.send(Fact::Trouble(format!("{error:#}")));
        }
    }

    fn spawn(&self, name: &str, work: impl FnOnce() -> Option<Fact> + Send + 'static) {
        let (tell, ctx) = (self.tell.clone(), self.ctx.clone());
        let job = move || {
            if let Some(fact) = work() {
                let _ = tell.send(fact);
                ctx.request_repaint();
            }
        };
        if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(job) {
            let text = format!("starting the thread {name} failed: {error}");
            let _ = self.tell.send(Fact::Trouble(text));
        }
    }

    /// Everything that has arrived since the last frame. Takes a few milliseconds at most.
    pub fn drain(&mut self) -> Vec<Fact> {
        let mut facts: Vec<Fact> = self.facts.try_iter().collect();
        self.examiner.drain(&mut facts);
        if let Some(link) = &mut self.link {
            let more = link.drain(&mut facts);
            if let Some(end) = link.ended() {
                facts.push(Fact::DrillEnded(end));
                self.link = None;
            } else if more {
                self.ctx.request_repaint();
            } else {
                // A thread that has ended wakes nobody.
                self.ctx.request_repaint_after(HEARTBEAT);
            }
        }
        facts
    }

    /// A drill's thread or a suite's is still there.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.link.is_some() || self.examiner.busy()
    }
}

fn whole<T>(result: anyhow::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{error:#}"))
}

/// Everything that the picture needs and that takes longer than a frame.
#[must_use]
pub fn paint(record: Arc<RunRecord>) -> Picture {
    /// Twice the pixels of a wide plot.
    const POINTS: usize = 2400;
    let sentences = Sentences {
        verdict: wording::verdict_words(&record),
        loss: wording::loss_sentence(&record),
        why: why(&record),
        cut: wording::cut_sentence(record.judgement.cut()),
        curves: wording::curves_sentence(&record),
        ladder: record
            .ladder
            .as_deref()
            .map(wording::ladder_sentence)
            .unwrap_or_default(),
        lanes: wording::lanes_sentence(&record),
    };
    Picture {
        curves: Curves::of(&record, POINTS),
        lanes: Arc::new(Lanes::of(&record)),
        index: record.history.by_session(),
        sentences,
        record,
    }
}

/// Why, for each fault that has a reason to give.
fn why(record: &RunRecord) -> String {
    let faults = 0..record.judgement.faults.len();
    let reasons: Vec<String> = faults
        .filter_map(|fault| wording::why_sentence(record, fault))
        .collect();
    reasons.join(". ")
}

fn open_run(dir: &Path) -> Fact {
    match store::open(dir) {
        Ok(record) => Fact::PictureReady(Arc::new(paint(Arc::new(record)))),
        Err(error) => Fact::RunNotOpened(format!("{error:#}")),
    }
}

fn export(record: &RunRecord, format: Format, path: PathBuf, overwrite: bool) -> Fact {
    use std::io::Write as _;
    let bytes = report::render(format, record);
    let file = if overwrite {
        std::fs::File::create(&path)
    } else {
        std::fs::File::create_new(&path)
    };
    match file.and_then(|mut file| file.write_all(&bytes)) {
        Ok(()) => Fact::Exported(Ok(path)),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Fact::Exists(path, format)
        }
        Err(error) => {
            let error = format!("Saving the report failed: {error}: {}", path.display());
            Fact::Exported(Err(Box::new(NotExported {
                format,
                path,
                error,
            })))
        }
    }
}

/// The last lines of the run's server log. A log that is not there yet is an empty one.
fn server_log(dir: &Path) -> Vec<String> {
    const FILE: &str = "server.log";
    const MAX_LINES: usize = 5000;
    let text = std::fs::read(dir.join(FILE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(MAX_LINES);
    lines[skip..].iter().map(|&line| line.to_owned()).collect()
}

fn open_outside(path: &Path) -> Option<Fact> {
    let error = open::that_detached(path).err()?;
    Some(Fact::Trouble(format!(
        "Opening failed: {error}: {}",
        path.display()
    )))
}
