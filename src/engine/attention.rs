//! The drill's ears and mouth: commands in, events and progress out, the timeline on disk.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::command::Command;
use super::env::Clock;
use crate::backend::Watch;
use crate::client::scan::ScanWatch;
use crate::domain::event::{DrillEvent, Phase, Progress, TimedEvent};

pub struct Attention {
    pub clock: Clock,
    commands: Mutex<Commands>,
    cancelled: AtomicBool,
    events: Mutex<Sender<TimedEvent>>,
    timeline: Mutex<Timeline>,
    progress: watch::Sender<Progress>,
    last_wake: Mutex<Instant>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Commands {
    from: Receiver<Command>,
    waiting: VecDeque<Command>,
}

#[derive(Default)]
struct Timeline {
    file: Option<File>,
    events: Vec<TimedEvent>,
}

impl Attention {
    /// How often observers are woken for progress alone.
    const WAKE_EVERY: Duration = Duration::from_millis(33);

    pub fn new(
        clock: Clock,
        commands: Receiver<Command>,
        events: Sender<TimedEvent>,
        progress: watch::Sender<Progress>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Attention {
            clock,
            commands: Mutex::new(Commands {
                from: commands,
                waiting: VecDeque::new(),
            }),
            cancelled: AtomicBool::new(false),
            events: Mutex::new(events),
            timeline: Mutex::default(),
            progress,
            last_wake: Mutex::new(Instant::now()),
            wake,
        }
    }

    /// From now on events are written to `file`, too, those that were told already first.
    pub fn write_timeline(&self, file: File) {
        let mut timeline = lock(&self.timeline);
        timeline.file = Some(file);
        let Timeline { file, events } = &mut *timeline;
        for event in events {
            append(file, event);
        }
    }

    pub fn tell(&self, event: DrillEvent) {
        let event = TimedEvent {
            at: self.clock.now(),
            event,
        };
        {
            let mut timeline = lock(&self.timeline);
            append(&mut timeline.file, &event);
            timeline.events.push(event.clone());
        }
        // An observer that has gone away does not change the drill.
        let _ = lock(&self.events).send(event);
        (self.wake)();
    }

    pub fn timeline(&self) -> Vec<TimedEvent> {
        lock(&self.timeline).events.clone()
    }

    pub fn phase(&self, phase: Phase) {
        self.progress.send_modify(|progress| {
            progress.phase = phase;
            progress.doing = phase.title().to_owned();
            progress.share = None;
        });
        (self.wake)();
    }

    /// A step is done and nothing else is being done: the phase alone says how things stand.
    pub fn at_rest(&self) {
        let phase = self.current().phase;
        self.phase(phase);
    }

    pub fn progress(&self, change: impl FnOnce(&mut Progress)) {
        let now = self.clock.now();
        self.progress.send_modify(|progress| {
            progress.at = now;
            change(progress);
        });
        let mut last_wake = lock(&self.last_wake);
        if last_wake.elapsed() >= Self::WAKE_EVERY {
            *last_wake = Instant::now();
            (self.wake)();
        }
    }

    pub fn current(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// The next command, if one is waiting. `Cancel` overtakes all others.
    pub fn next_command(&self) -> Option<Command> {
        self.listen();
        lock(&self.commands).waiting.pop_front()
    }

    /// Takes in what has arrived. An observer that has gone away means cancel.
    fn listen(&self) {
        let mut commands = lock(&self.commands);
        loop {
            match commands.from.try_recv() {
                Ok(Command::Cancel) | Err(TryRecvError::Disconnected) => {
                    self.cancelled.store(true, Ordering::Relaxed);
                    return;
                }
                Ok(command) => commands.waiting.push_back(command),
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.listen();
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Watch for Attention {
    fn doing(&self, text: &str, share: Option<f64>) {
        self.progress(|progress| {
            progress.doing = text.to_owned();
            progress.share = share;
        });
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }
}

/// How far a readback is.
pub struct ReadbackWatch<'a> {
    pub attention: &'a Attention,
    pub sessions: usize,
}

impl ScanWatch for ReadbackWatch<'_> {
    fn go_on(&self, done: usize) -> bool {
        let text = format!("Reading back session {done} of {}", self.sessions);
        self.attention
            .doing(&text, Some(done as f64 / self.sessions.max(1) as f64));
        !self.attention.is_cancelled()
    }
}

fn append(file: &mut Option<File>, event: &TimedEvent) {
    if let Some(file) = file {
        let line = serde_json::to_string(event).expect("events are plain data") + "\n";
        // One write a line: a reader never sees half of one unless we die in the middle of it.
        let _ = file.write_all(line.as_bytes());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
