//! The running drill's handle: drains what it tells, a few milliseconds a frame, and passes orders on.

use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use super::effect::Fact;
use crate::domain::event::{Door, LiveView};
use crate::domain::ladder::Ladder;
use crate::domain::lanes::Lanes;
use crate::engine::command::Command;
use crate::engine::launch::DrillHandle;

/// Longest that a frame spends on taking in events.
const BUDGET: Duration = Duration::from_millis(4);
/// The live picture is copied this often at most: an eye sees no more, and the load thread waits for nobody.
const LIVE_EVERY: Duration = Duration::from_millis(60);
/// Points of the live curve that are drawn.
const LIVE_POINTS: usize = 1500;

/// How a drill's thread ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    InPeace,
    /// It panicked: a fault of ours.
    Crashed,
}

pub struct Link {
    handle: DrillHandle,
    generation: u64,
    copied: Option<Instant>,
    closed: bool,
}

impl Link {
    #[must_use]
    pub fn new(handle: DrillHandle) -> Self {
        Link {
            handle,
            generation: 0,
            copied: None,
            closed: false,
        }
    }

    pub fn order(&self, command: Command) {
        // A drill that has ended takes no orders, and its end arrives as a fact of its own.
        let _ = self.handle.commands.send(command);
    }

    /// The way to the drill's own server.
    #[must_use]
    pub fn door(&self) -> Option<Door> {
        let view = self.handle.live.lock();
        let view = view.unwrap_or_else(std::sync::PoisonError::into_inner);
        view.door.clone()
    }

    /// Adds what has arrived. True if there is more than fits a frame.
    pub fn drain(&mut self, facts: &mut Vec<Fact>) -> bool {
        let began = Instant::now();
        let more = loop {
            match self.handle.events.try_recv() {
                Ok(event) => facts.push(Fact::Event(event)),
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Disconnected) => {
                    self.closed = true;
                    break false;
                }
            }
            if began.elapsed() > BUDGET {
                break true;
            }
        };
        if self.handle.progress.has_changed().unwrap_or(false) {
            let progress = self.handle.progress.borrow_and_update().clone();
            facts.push(Fact::Progress(progress));
        }
        if self.copied.is_none_or(|at| at.elapsed() >= LIVE_EVERY) {
            self.copy_live(facts);
        }
        more
    }

    fn copy_live(&mut self, facts: &mut Vec<Fact>) {
        let live = Arc::clone(&self.handle.live);
        // Never waits for the load thread: the next frame will do.
        let Ok(view) = live.try_lock() else { return };
        if view.generation == self.generation {
            return;
        }
        self.generation = view.generation;
        self.copied = Some(Instant::now());
        facts.push(Fact::Live {
            acked: thinned(&view),
            lanes: Lanes::live(&view),
            ladder: newest(&view.ladder),
        });
    }

    /// How the drill ended, once it is over and every event was taken in.
    pub fn ended(&mut self) -> Option<End> {
        let thread = &self.handle.thread;
        let over = thread
            .as_ref()
            .is_none_or(std::thread::JoinHandle::is_finished);
        if !(self.closed && over) {
            return None;
        }
        match self.handle.thread.take().map(std::thread::JoinHandle::join) {
            Some(Err(_)) => Some(End::Crashed),
            Some(Ok(())) | None => Some(End::InPeace),
        }
    }
}

/// The looks that the live ladder shows, and some more.
fn newest(ladder: &Ladder) -> Ladder {
    const LOOKS: usize = 600;
    let skip = ladder.rungs.len().saturating_sub(LOOKS);
    Ladder {
        rungs: ladder.rungs[skip..].to_vec(),
    }
}

/// Every n-th point, and always the last. A cumulative curve only rises, so nothing is hidden between.
fn thinned(view: &LiveView) -> Vec<[f64; 2]> {
    let step = view.acked.len().div_ceil(LIVE_POINTS).max(1);
    let mut points: Vec<[f64; 2]> = view.acked.iter().step_by(step).copied().collect();
    if let Some(last) = view.acked.last()
        && points.last() != Some(last)
    {
        points.push(*last);
    }
    points
}
