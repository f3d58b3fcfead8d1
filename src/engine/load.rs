//! The load: invokes ops on schedule, journals them, and keeps their history.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::env::Clock;
use super::line::{Line, speak};
use crate::adapter::StoreCommand;
use crate::backend::Endpoint;
use crate::client::pipes::Reply;
use crate::domain::event::LiveView;
use crate::domain::op::{Completion, Op, SessionId};
use crate::domain::workload::{KeySpace, MessageMaker, Rate, SessionMix, Workload};
use crate::journal::{JournalError, JournalWriter};

/// What goes on from one stream to the next of the same run.
pub struct Load {
    workload: Workload,
    max_messages: u64,
    op_timeout: Duration,
    clock: Clock,
    keys: KeySpace,
    maker: MessageMaker,
    mixes: Vec<SessionMix>,
    next_seq: Vec<u32>,
    journal: JournalWriter,
    store: Option<StoreCommand>,
    pub ops: Vec<Op>,
    live: Live,
    meter: Arc<Meter>,
}

/// Counters that the drill's thread reads while the load runs.
#[derive(Debug, Default)]
pub struct Meter {
    pub sent: AtomicU64,
    pub acked: AtomicU64,
    pub refused: AtomicU64,
    pub completed: AtomicU64,
    pub backlog: AtomicU64,
    /// Set by the load: nothing more will be sent.
    pub finished: AtomicBool,
    /// Set by the load: everybody who shall write is there.
    pub ready: AtomicBool,
    /// Set by the drill: end as soon as nothing is in flight.
    stop: AtomicBool,
    /// Set by the drill: what goes down stays down.
    last_life: AtomicBool,
    /// Set by the drill: what is in flight is not waited for.
    hurry: AtomicBool,
    /// What was wrong with a store of the user's while it had to do its part.
    words: Mutex<Vec<String>>,
}

impl Meter {
    /// What was wrong with a store of the user's since this was asked last.
    pub fn take_words(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.words))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A load that runs on a thread of its own.
pub struct Streaming {
    thread: JoinHandle<(Load, Result<(), LoadError>)>,
    pub meter: Arc<Meter>,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot use the network: {0}")]
    Network(#[from] std::io::Error),
    #[error("the server does not let us write: {0}")]
    NotPermitted(String),
    #[error("your store does not do its part, and was given up: {0}")]
    Store(String),
}

impl Load {
    #[expect(clippy::too_many_arguments, reason = "each is of a kind of its own")]
    pub fn new(
        workload: Workload,
        max_messages: Option<u64>,
        op_timeout: Duration,
        clock: Clock,
        keys: KeySpace,
        journal: JournalWriter,
        live: Arc<Mutex<LiveView>>,
        store: Option<StoreCommand>,
    ) -> Self {
        Load {
            max_messages: max_messages.unwrap_or(u64::from(u32::MAX)),
            op_timeout,
            clock,
            keys,
            maker: MessageMaker::new(&workload),
            mixes: SessionMix::all(&workload),
            next_seq: vec![1; workload.sessions as usize],
            journal,
            store,
            ops: Vec::new(),
            live: Live::new(live, workload.sessions),
            meter: Arc::default(),
            workload,
        }
    }

    /// Streams until told to stop or until all messages are sent.
    ///
    /// # Errors
    /// The operating system gives no thread or no readiness queue.
    pub fn stream(mut self, endpoint: &Endpoint) -> std::io::Result<Streaming> {
        let writers = self.mixes.len() as u16;
        let mut line = Line::new(endpoint, writers, self.store.as_ref(), &self.keys)?;
        let meter = Arc::clone(&self.meter);
        meter.stop.store(false, Ordering::Relaxed);
        meter.last_life.store(false, Ordering::Relaxed);
        meter.hurry.store(false, Ordering::Relaxed);
        meter.ready.store(false, Ordering::Relaxed);
        meter.finished.store(false, Ordering::Relaxed);
        let thread = std::thread::Builder::new()
            .name("load".into())
            .spawn(move || {
                let result = self.run(&mut line);
                self.meter.finished.store(true, Ordering::Release);
                (self, result)
            })?;
        Ok(Streaming { thread, meter })
    }

    fn run(&mut self, line: &mut Line) -> Result<(), LoadError> {
        let mut schedule = Schedule::new(&self.workload);
        let mut reconnect = Every::new(Duration::from_millis(50));
        let mut publish = Every::new(Duration::from_millis(50));
        let mut completed: Vec<Reply> = Vec::new();
        let (mut stopping, mut ready) = (None, false);
        let clock = self.clock;
        loop {
            if stopping.is_none() && self.meter.stop.load(Ordering::Acquire) {
                stopping = Some(Instant::now());
            }
            let alone = self.meter.last_life.load(Ordering::Acquire);
            if stopping.is_none() && !alone && reconnect.is_due() {
                line.connect_down(clock.now());
            }
            if !ready && line.ready() {
                ready = true;
                schedule = Schedule::new(&self.workload);
                self.meter.ready.store(true, Ordering::Release);
            }
            let full = self.ops.len() as u64 >= self.max_messages;
            if ready && stopping.is_none() && !full {
                self.invoke_due(line, &mut schedule);
            }
            let wait = schedule.wait(self.workload.rate);
            line.turn(wait, &|| clock.now(), &mut |reply| completed.push(reply))?;
            line.expire(self.op_timeout, clock.now(), &mut |reply| {
                completed.push(reply);
            });
            for reply in completed.drain(..) {
                self.complete(reply);
            }
            self.journal.tick()?;
            let idle = self.meter.completed.load(Ordering::Relaxed) == self.ops.len() as u64;
            if publish.is_due() || (idle && stopping.is_some()) {
                self.live.publish(clock);
            }
            self.complain(line, stopping.is_some() || alone)?;
            let hurry = self.meter.hurry.load(Ordering::Acquire);
            let waited_enough =
                stopping.is_some_and(|since| hurry || since.elapsed() > DRAIN_PATIENCE);
            if waited_enough {
                line.close(clock.now(), &mut |reply| completed.push(reply));
                for reply in completed.drain(..) {
                    self.complete(reply);
                }
            }
            if waited_enough || (idle && (stopping.is_some() || full)) {
                self.live.publish(clock);
                self.journal.sync()?;
                return Ok(());
            }
        }
    }

    /// What the other side will not do. A store that fails once its server is being ended is no finding.
    fn complain(&self, line: &mut Line, at_the_end: bool) -> Result<(), LoadError> {
        match line {
            Line::Redis(pipes) => match pipes.refusal.take() {
                Some(refusal) => Err(LoadError::NotPermitted(refusal)),
                None => Ok(()),
            },
            Line::Store(writers) => {
                let words = writers.take_words();
                if at_the_end {
                    return Ok(());
                }
                if !words.is_empty() {
                    let mut kept = lock(&self.meter.words);
                    kept.extend(words);
                }
                match writers.given_up() {
                    Some(words) => Err(LoadError::Store(words.to_owned())),
                    None => Ok(()),
                }
            }
        }
    }

    /// Invokes what is due, as far as the pipelines have room.
    fn invoke_due(&mut self, line: &mut Line, schedule: &mut Schedule) {
        let writers = self.mixes.len() as u16;
        let depth = usize::from(self.workload.depth);
        let due = schedule
            .due()
            .min(self.max_messages - self.ops.len() as u64);
        let (mut left, mut invoked) = (due, 0);
        let now = self.clock.now();
        for turn in 0..writers {
            let writer = (schedule.next_writer + turn) % writers;
            let Some(under_way) = line.in_flight(writer) else {
                continue;
            };
            let room = schedule.room(depth, under_way);
            // An open loop spreads what is due over the writers; a closed one fills each.
            let share = match self.workload.rate {
                Rate::Max => room as u64,
                Rate::PerSecond(_) => (room as u64).min(left.div_ceil(u64::from(writers - turn))),
            };
            for _ in 0..share.min(left) {
                self.invoke(line, writer, now);
                invoked += 1;
            }
            left = due - invoked;
            if left == 0 {
                schedule.next_writer = (writer + 1) % writers;
                break;
            }
        }
        let connected = line.up() > 0;
        schedule.invoked(invoked, connected);
        let backlog = if self.workload.rate == Rate::Max {
            0
        } else {
            left
        };
        self.meter.backlog.store(backlog, Ordering::Relaxed);
    }

    fn invoke(&mut self, line: &mut Line, writer: u16, now: crate::domain::op::Micros) {
        let session = self.mixes[usize::from(writer)].draw();
        let seq = &mut self.next_seq[session.0 as usize];
        let op = Op::invoke(session, *seq, writer, now);
        *seq += 1;
        let number = self.ops.len() as u32;
        self.journal.invoked(&op);
        self.ops.push(op);
        match line {
            Line::Redis(pipes) => {
                self.live.key.clear();
                self.keys.write(session, &mut self.live.key);
                self.live.body.clear();
                self.maker.write(session, op.seq, &mut self.live.body);
                pipes.rpush(writer, number, now, &self.live.key, &self.live.body);
            }
            Line::Store(writers) => {
                speak(writers, &self.maker, (writer, number, now), session, op.seq);
            }
        }
        self.meter
            .sent
            .store(u64::from(number) + 1, Ordering::Relaxed);
    }

    fn complete(&mut self, reply: Reply) {
        let op = &mut self.ops[reply.op as usize];
        op.completed = reply.at;
        op.completion = reply.completion;
        op.cause = reply.cause;
        op.length = reply.length;
        self.journal.completed(reply.op, op);
        let count = |counter: &AtomicU64| {
            // One writer: a load and a store are enough, and cheaper than a locked addition.
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        };
        count(&self.meter.completed);
        match reply.completion {
            Completion::Acked => {
                count(&self.meter.acked);
                self.live.acked(op.session);
            }
            Completion::Refused => count(&self.meter.refused),
            Completion::Indeterminate => {}
        }
    }
}

/// After a stop: ops that have not completed by then are given up.
const DRAIN_PATIENCE: Duration = Duration::from_secs(3);

impl Streaming {
    pub fn has_finished(&self) -> bool {
        self.meter.finished.load(Ordering::Acquire)
    }

    /// The server is about to be ended: a connection that goes down with it is not made again. Somebody may start the
    /// server before we have seen it dead, and what is written to the next life tells nothing about this one's end.
    pub fn last_life(&self) {
        self.meter.last_life.store(true, Ordering::Release);
    }

    /// What is in flight at the end is not waited for: the user has had enough.
    pub fn hurry(&self) {
        self.meter.hurry.store(true, Ordering::Release);
    }

    /// Ends the stream: no more invocations; returns when every op has completed or was given up.
    pub fn stop(self) -> (Load, Result<(), LoadError>) {
        self.meter.stop.store(true, Ordering::Release);
        self.thread.join().expect("the load does not panic")
    }
}

/// When ops are due.
struct Schedule {
    began: Instant,
    per_sec: Option<f64>,
    invoked: u64,
    next_writer: u16,
}

impl Schedule {
    fn new(workload: &Workload) -> Self {
        let per_sec = match workload.rate {
            Rate::Max => None,
            Rate::PerSecond(rate) => Some(rate),
        };
        Schedule {
            began: Instant::now(),
            per_sec,
            invoked: 0,
            next_writer: 0,
        }
    }

    fn due(&self) -> u64 {
        self.per_sec.map_or(u64::MAX, |rate| {
            ((self.began.elapsed().as_secs_f64() * rate) as u64).saturating_sub(self.invoked)
        })
    }

    /// A closed loop refills a pipeline when it is half empty: filling it up reply by reply would send
    /// tiny packets.
    fn room(&self, depth: usize, under_way: usize) -> usize {
        if self.per_sec.is_none() && under_way > depth / 2 {
            return 0;
        }
        depth.saturating_sub(under_way)
    }

    fn invoked(&mut self, ops: u64, connected: bool) {
        self.invoked += ops;
        if let Some(rate) = self.per_sec
            && !connected
        {
            // What fell due while nobody could be reached was never sent: users try again later.
            self.invoked = (self.began.elapsed().as_secs_f64() * rate) as u64;
        }
    }

    fn wait(&self, rate: Rate) -> Duration {
        const LONGEST: Duration = Duration::from_millis(5);
        match rate {
            Rate::Max => LONGEST,
            Rate::PerSecond(rate) => {
                let next = (self.invoked + 1) as f64 / rate - self.began.elapsed().as_secs_f64();
                Duration::try_from_secs_f64(next)
                    .unwrap_or_default()
                    .min(LONGEST)
            }
        }
    }
}

struct Every {
    interval: Duration,
    next: Instant,
}

impl Every {
    fn new(interval: Duration) -> Self {
        Every {
            interval,
            next: Instant::now(),
        }
    }

    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        let due = now >= self.next;
        if due {
            self.next = now + self.interval;
        }
        due
    }
}

/// What the window sees while it happens, gathered here and published twenty times a second.
struct Live {
    view: Arc<Mutex<LiveView>>,
    by_session: Vec<u32>,
    acked: u32,
    new_ticks: Vec<(u32, u32)>,
    /// Each so many-th acknowledgement is a tick: more than one when they come in a flood.
    every: u32,
    /// Buffers that are used again for each op.
    key: Vec<u8>,
    body: Vec<u8>,
}

impl Live {
    /// Ticks between two publications; a faster load is thinned out evenly, since a stretch without any would look
    /// like a loss.
    const MAX_NEW_TICKS: usize = 500;
    /// More sessions than this are not copied twenty times a second.
    const MAX_SESSIONS: usize = 50_000;

    fn new(view: Arc<Mutex<LiveView>>, sessions: u32) -> Self {
        Live {
            view,
            by_session: vec![0; (sessions as usize).min(Self::MAX_SESSIONS)],
            acked: 0,
            new_ticks: Vec::with_capacity(Self::MAX_NEW_TICKS),
            every: 1,
            key: Vec::new(),
            body: Vec::new(),
        }
    }

    fn acked(&mut self, session: SessionId) {
        self.acked += 1;
        if let Some(count) = self.by_session.get_mut(session.0 as usize) {
            *count += 1;
        }
        if !self.acked.is_multiple_of(self.every) {
            return;
        }
        if self.new_ticks.len() >= Self::MAX_NEW_TICKS {
            thin(&mut self.new_ticks, Self::MAX_NEW_TICKS);
            self.every *= 2;
        }
        self.new_ticks.push((session.0, self.acked));
    }

    fn publish(&mut self, clock: Clock) {
        let mut view = self
            .view
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        thin(&mut view.acked, LiveView::MAX_POINTS);
        view.acked.push([clock.now().secs(), f64::from(self.acked)]);
        thin(&mut view.ticks, LiveView::MAX_TICKS);
        view.ticks.append(&mut self.new_ticks);
        self.every = 1;
        view.by_session.clone_from(&self.by_session);
        view.generation += 1;
    }
}

/// Drops every other element once there are too many.
fn thin<T>(all: &mut Vec<T>, limit: usize) {
    if all.len() >= limit {
        let mut keep = false;
        all.retain(|_| {
            keep = !keep;
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_thinned_out_evenly_and_leaves_no_stretch_empty() {
        const FLOOD: u32 = 20_000;
        let view = Arc::new(Mutex::new(LiveView::default()));
        let mut live = Live::new(Arc::clone(&view), 1);
        for _ in 0..FLOOD {
            live.acked(SessionId(0));
        }
        let at: Vec<u32> = live.new_ticks.iter().map(|(_, at)| *at).collect();
        assert!(at.len() <= Live::MAX_NEW_TICKS);
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] <= FLOOD / 100));
        assert!(FLOOD - at.last().unwrap() <= FLOOD / 100);
    }
}
