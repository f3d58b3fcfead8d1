//! Starting a drill on a thread of its own, and the handle that an observer holds.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::command::Command;
use crate::domain::event::{LiveView, Progress, TimedEvent};
use crate::domain::plan::DrillPlan;

/// Who says what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The plan, from start to verdict: what **Run drill** and `crashdrill run` do.
    Scripted,
    /// The user, step by step. The server is started at once; then commands decide.
    ByHand,
}

/// What a drill needs beside its plan.
pub struct LaunchOptions {
    pub mode: Mode,
    /// The folder that holds the runs.
    pub runs: PathBuf,
    /// Called after each event and at most some 30 times a second for progress: wakes the window.
    pub wake: Box<dyn Fn() + Send + Sync>,
}

/// An observer's end of a running drill. Dropping it cancels the drill.
pub struct DrillHandle {
    pub commands: Sender<Command>,
    pub events: Receiver<TimedEvent>,
    pub progress: watch::Receiver<Progress>,
    pub live: Arc<Mutex<LiveView>>,
    pub thread: Option<JoinHandle<()>>,
}

/// Starts the drill and returns at once.
#[must_use]
pub fn launch(_plan: DrillPlan, _options: LaunchOptions) -> DrillHandle {
    unimplemented!("being built")
}
