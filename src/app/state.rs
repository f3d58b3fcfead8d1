//! What the window knows. Plain values: `update` writes them, `ui` reads them, nobody else looks.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::check_state::{CheckForm, CheckFormat, ChecksState};
use super::store_action::StoreFile;
use super::store_state::{StoreForm, StoreState};

use crate::domain::event::{Fix, Phase, Progress, RunId, ServerInfo, TimedEvent};
use crate::domain::fault::Fault;
use crate::domain::history::SessionIndex;
use crate::domain::ladder::Ladder;
use crate::domain::lanes::Lanes;
use crate::domain::op::SessionId;
use crate::domain::plan::{Field, FieldError, PlanDraft};
use crate::domain::preset::Preset;
use crate::domain::record::RunRecord;
use crate::domain::series::Curves;
use crate::domain::trigger::Trigger;

// What other rooms define and `ui` has to show: it takes these names from here and knows no other room.
pub use crate::domain::preset::Dropped;
pub use crate::engine::store::RunSummary;
pub use crate::report::Format;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    #[default]
    Drill,
    Runs,
    Store,
    Checks,
}

#[derive(Debug, Default)]
pub struct AppState {
    pub screen: Screen,
    pub plan: PlanState,
    pub drill: DrillState,
    pub picture: PictureState,
    pub runs: RunsState,
    pub store: StoreState,
    pub checks: ChecksState,
    pub log: LogState,
    pub dialog: Option<Dialog>,
    pub toasts: Vec<Toast>,
    pub look: Look,
    /// The user closed the window; it goes when the drill is cleaned up.
    pub closing: bool,
    pub next_toast: u64,
}

/// What is remembered from one start of the window to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub draft: PlanDraft,
    pub look: Look,
    /// Imported presets that are not among the user's own files yet, where the command line finds them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imported: Vec<Preset>,
    pub store: StoreForm,
    pub checks: CheckForm,
}

/// How the window looks, as far as the user decided it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    pub theme: ThemeChoice,
    pub plan_open: bool,
    pub inspector_open: bool,
    pub log_open: bool,
    /// Widths of plan and inspector, height of the log, in points.
    pub plan_size: f32,
    pub inspector_size: f32,
    pub log_size: f32,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            theme: ThemeChoice::System,
            plan_open: true,
            inspector_open: true,
            log_open: true,
            plan_size: 304.0,
            inspector_size: 320.0,
            log_size: 116.0,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    #[default]
    System,
    Dark,
    Light,
}

/// A panel that can be folded away and resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Plan,
    Inspector,
    Log,
}

/// The plan as it is being typed.
#[derive(Debug, Default)]
pub struct PlanState {
    pub draft: PlanDraft,
    pub presets: Vec<Preset>,
    pub imported: Vec<Preset>,
    pub errors: Vec<FieldError>,
    pub undo: Vec<PlanDraft>,
    pub redo: Vec<PlanDraft>,
    /// The field that the newest undo step belongs to: typing on in it makes no further step.
    pub typing: Option<String>,
    pub images: Images,
    pub no_disk: NoDisk,
    /// The field that shall be shown and focused once.
    pub focus: Option<Field>,
}

impl PlanState {
    #[must_use]
    pub fn preset(&self) -> Option<&Preset> {
        self.presets
            .iter()
            .find(|preset| preset.id == self.draft.preset)
    }

    #[must_use]
    pub fn error(&self, field: Field) -> Option<&str> {
        self.errors
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.message.as_str())
    }
}

/// Why no faulty disk can be had on this machine, under a process and under a container; `None` if it can, or
/// nobody has looked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoDisk {
    pub process: Option<String>,
    pub docker: Option<String>,
}

/// Images that the Docker engine has already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Images {
    #[default]
    Unknown,
    Asked,
    Known(Vec<String>),
    Unavailable(String),
}

/// The running drill, or the last one.
#[derive(Debug, Default)]
pub struct DrillState {
    /// The drill's thread is alive.
    pub running: bool,
    pub by_hand: bool,
    pub cancelling: bool,
    pub progress: Progress,
    pub fault: Option<Fault>,
    pub run: Option<RunId>,
    pub dir: Option<PathBuf>,
    pub backend: String,
    pub backend_reason: String,
    pub server: Option<ServerInfo>,
    pub timeline: Vec<TimedEvent>,
    /// The running drill's server lies on the faulty disk.
    pub on_faulty_disk: bool,
    /// The moment that an armed fault waits for.
    pub armed: Option<Trigger>,
    /// The server would not start on what it had left; the user may try again, or take it as the result.
    pub refused: bool,
    pub failure: Option<Failure>,
}

impl DrillState {
    #[must_use]
    pub fn phase(&self) -> Phase {
        if self.running {
            self.progress.phase
        } else {
            Phase::Idle
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub error: String,
    pub fix: Option<Fix>,
}

/// The middle of the window.
#[derive(Debug, Default)]
pub struct PictureState {
    pub shown: Shown,
    pub selected: Option<SessionId>,
    pub zoom: Zoom,
    pub view: View,
    /// The inspector shows JSON instead of bubbles.
    pub raw: bool,
    /// Counts up whenever another picture is shown: caches hang on it.
    pub generation: u64,
}

#[derive(Debug, Default)]
pub enum Shown {
    #[default]
    Nothing,
    Live(LivePicture),
    /// A record is being opened or painted.
    Opening(String),
    Judged(Arc<Picture>),
}

/// The picture of a drill that is not judged yet.
#[derive(Clone, Debug, Default)]
pub struct LivePicture {
    /// `[seconds, acknowledged]`.
    pub acked: Vec<[f64; 2]>,
    pub lanes: Arc<Lanes>,
    /// The newest looks.
    pub ladder: Ladder,
    pub faults: Vec<LiveFault>,
}

/// A fault of a drill that is not judged yet; times in seconds since the run began.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveFault {
    pub label: String,
    pub from: f64,
    /// The server was seen dead, or thawed again; `None` while the fault is being performed.
    pub done: Option<f64>,
    /// The server was up again; `None` as long as it is not.
    pub until: Option<f64>,
}

impl LivePicture {
    /// Acknowledged by then, as far as the curve tells: it has a point every 50 ms.
    #[must_use]
    pub fn acked_by(&self, secs: f64) -> u32 {
        let behind = self.acked.partition_point(|point| point[0] <= secs);
        behind.checked_sub(1).map_or(0, |i| self.acked[i][1] as u32)
    }
}

/// A record and everything that is computed from it once.
#[derive(Debug)]
pub struct Picture {
    pub record: Arc<RunRecord>,
    pub curves: Curves,
    pub lanes: Arc<Lanes>,
    pub index: SessionIndex,
    pub sentences: Sentences,
}

/// What `report::wording` says about the record.
#[derive(Clone, Debug, Default)]
pub struct Sentences {
    pub verdict: String,
    pub loss: String,
    pub why: String,
    pub cut: String,
    pub curves: String,
    pub ladder: String,
    pub lanes: String,
}

/// What the upper half of the picture shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    #[default]
    Curves,
    /// The ladder of durability.
    Ladder,
    /// What scratch servers found on images of the data: kill and power cut side by side, what if, a repair.
    Images,
}

/// The part of the order of acknowledgement that the lanes show.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Zoom {
    #[default]
    All,
    /// A few messages on both sides of the cut.
    Cut,
    Range(f64, f64),
}

#[derive(Debug, Default)]
pub struct RunsState {
    pub rows: Vec<RunSummary>,
    pub loading: bool,
    pub error: Option<String>,
    pub filter: String,
    pub sort: Sort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: RunColumn,
    pub ascending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Sort {
            column: RunColumn::Time,
            ascending: false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunColumn {
    Time,
    Preset,
    Fault,
    Backend,
    Verdict,
    Acked,
    Lost,
}

impl RunColumn {
    pub const ALL: [RunColumn; 7] = [
        RunColumn::Time,
        RunColumn::Preset,
        RunColumn::Fault,
        RunColumn::Backend,
        RunColumn::Verdict,
        RunColumn::Acked,
        RunColumn::Lost,
    ];

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            RunColumn::Time => "Time",
            RunColumn::Preset => "Preset",
            RunColumn::Fault => "Fault",
            RunColumn::Backend => "Backend",
            RunColumn::Verdict => "Verdict",
            RunColumn::Acked => "Acknowledged",
            RunColumn::Lost => "Vanished",
        }
    }
}

/// The panel below: what happened, and what the server said.
#[derive(Debug, Default)]
pub struct LogState {
    pub tab: LogTab,
    pub server: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogTab {
    #[default]
    Timeline,
    Server,
}

#[derive(Clone, Debug)]
pub enum Dialog {
    Palette {
        query: String,
        cursor: usize,
    },
    Export,
    /// No file portal answers, or the user prefers to type.
    TypePath {
        purpose: Purpose,
        text: String,
        /// Why the path did not do.
        error: Option<String>,
    },
    Overwrite {
        path: PathBuf,
        format: Format,
    },
    DeleteRun {
        run: RunSummary,
    },
    Imported {
        preset: Preset,
        dropped: Vec<Dropped>,
    },
}

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Export(Format),
    Checks(CheckFormat),
    ImportConf,
    ServerProgram,
    Store(StoreFile),
}

#[derive(Clone, Debug)]
pub struct Toast {
    pub id: u64,
    pub tone: Tone,
    pub text: String,
    /// A file that can be opened.
    pub open: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    Good,
    Warning,
    Bad,
}
