//! Where every request passes: frozen, struck, failed, delayed or let through.
//!
//! One lock over the whole disk. Answers are sent outside of it, from whichever thread has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fuser::{Errno, ReplyEmpty};
use serde_json::json;

use super::facts::{CutReport, Struck};
use super::log::{DiskLog, Fsync};
use super::mishap::{Armed, Mishaps};
use super::model::{Ino, Model, is_log_of_ops};
use super::request::{Act, Answer, Asked, Request};
use crate::domain::disk::{DiskMoment, DiskPlan, FileOp};
use crate::domain::op::Micros;

/// What waits for the end of the freeze.
enum Held {
    /// Not done yet.
    Asked(Request<'static>),
    /// Done, and the disk froze right after it.
    Done(Answer),
}

/// An fsync that has begun.
struct InFlight {
    ino: Ino,
    pid: u32,
    began: Micros,
    due: Micros,
    fails: bool,
    reply: ReplyEmpty,
}

pub struct State {
    pub model: Model,
    pub log: DiskLog,
    mishaps: Mishaps,
    frozen: Option<Micros>,
    /// Fsyncs in flight at the freeze, whatever became of them since.
    in_flight_then: u32,
    /// The server is being killed: what still comes fails at once, so that it can die.
    refusing: bool,
    held: Vec<Held>,
    armed: Option<Armed>,
    struck: Option<Struck>,
    fsyncs: BTreeMap<u64, InFlight>,
    last_fsync_began: Option<Micros>,
    last_fsync_ended: Option<Micros>,
    /// The same of a log of ops: what of them is durable hangs on these alone.
    last_log_fsync_began: Option<Micros>,
    last_log_fsync_ended: Option<Micros>,
    closed: bool,
}

pub struct Gate {
    state: Mutex<State>,
    /// Something that a waiting thread wants to know has changed.
    bell: Condvar,
    now: Arc<dyn Fn() -> Micros + Send + Sync>,
}

impl Gate {
    pub fn new(
        model: Model,
        log: DiskLog,
        mishaps: Mishaps,
        now: Arc<dyn Fn() -> Micros + Send + Sync>,
    ) -> Self {
        let state = State {
            model,
            log,
            mishaps,
            frozen: None,
            in_flight_then: 0,
            refusing: false,
            held: Vec::new(),
            armed: None,
            struck: None,
            fsyncs: BTreeMap::new(),
            last_fsync_began: None,
            last_fsync_ended: None,
            last_log_fsync_began: None,
            last_log_fsync_ended: None,
            closed: false,
        };
        Gate {
            state: Mutex::new(state),
            bell: Condvar::new(),
            now,
        }
    }

    /// The log's first line.
    pub fn note_mounted(&self, plan: &DiskPlan) {
        let now = self.now();
        self.lock().log.note(now, "mount", json!({ "plan": plan }));
    }

    /// See [`super::FaultyDisk::time_begins`].
    pub fn time_begins(&self) {
        let mut state = self.lock();
        let now = self.now();
        state.mishaps.time_begins(now);
        if state.model.time_begins(now) {
            state.log.note(now, "time-zero", json!({}));
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Micros {
        (self.now)()
    }

    /// The life of a request.
    pub fn pass(&self, request: Request<'_>) {
        let mut state = self.lock();
        let now = self.now();
        if state.refusing || state.closed {
            drop(state);
            return request.refuse(Errno::EIO);
        }
        if state.frozen.is_some() {
            state.held.push(Held::Asked(request.into_owned()));
            return;
        }
        let asked = request.asked(&state);
        if let Some(Asked { op, name }) = &asked {
            if state.is_hit(false, *op, name) {
                let words = request.words(&state);
                state.strike(words, now);
                state.held.push(Held::Asked(request.into_owned()));
                self.bell.notify_all();
                return;
            }
            if *op != FileOp::Fsync && state.mishaps.fails(*op, name) {
                let (path, detail) = request.words(&state);
                let more = json!({ "file": path, "detail": detail, "error": "EIO" });
                state.log.note(now, op.id(), more);
                drop(state);
                return request.refuse(Errno::EIO);
            }
        }
        if let Act::Fsync { ino, reply } = request.act {
            return self.begin_fsync(state, ino, reply, request.pid, now);
        }
        // Afterwards its names may be others.
        let words = state.armed.as_ref().map(|_| request.words(&state));
        let answer = request.perform(&mut state, now);
        if let (Some(Asked { op, name }), Some(words)) = (asked, words)
            && state.is_hit(true, op, &name)
        {
            state.strike(words, now);
            state.held.push(Held::Done(answer));
            self.bell.notify_all();
            return;
        }
        drop(state);
        answer();
    }

    fn begin_fsync(
        &self,
        mut state: MutexGuard<'_, State>,
        ino: Ino,
        reply: ReplyEmpty,
        pid: u32,
        now: Micros,
    ) {
        let Ok(id) = state.model.begin_sync(ino) else {
            drop(state);
            return reply.error(Errno::ESTALE);
        };
        let name = state
            .model
            .node(ino)
            .map_or_else(|_| String::new(), |node| node.name.clone());
        let takes = state.mishaps.fsync_takes(&name, now);
        let one = InFlight {
            ino,
            pid,
            began: now,
            due: Micros(now.0.saturating_add(takes.as_micros() as u64)),
            fails: state.mishaps.fails(FileOp::Fsync, &name),
            reply,
        };
        state.last_fsync_began = Some(now);
        if is_log_of_ops(&name) {
            state.last_log_fsync_began = Some(now);
        }
        state.fsyncs.insert(id, one);
        if takes.is_zero() {
            let answer = state.end_fsync(id, now);
            if state.frozen.is_some() {
                self.bell.notify_all();
            }
            drop(state);
            if let Some(answer) = answer {
                answer();
            }
        } else {
            // The timer must look again.
            self.bell.notify_all();
        }
    }

    /// The timer's whole life: ends fsyncs that are due, lets the flusher have its turn, keeps the log fresh.
    pub fn keep_time(&self) {
        const LOG_FRESH: Duration = Duration::from_millis(500);
        let mut state = self.lock();
        while !state.closed {
            let now = self.now();
            let mut wait = LOG_FRESH;
            if state.frozen.is_none() {
                let due = state.fsyncs.iter().find(|(_, one)| one.due <= now);
                if let Some(id) = due.map(|(id, _)| *id) {
                    let answer = state.end_fsync(id, now);
                    if state.frozen.is_some() {
                        self.bell.notify_all();
                    }
                    drop(state);
                    if let Some(answer) = answer {
                        answer();
                    }
                    state = self.lock();
                    continue;
                }
                state.write_back(now);
                let next = state.fsyncs.values().map(|one| one.due).min();
                let next = next.into_iter().chain(state.model.next_tick()).min();
                wait = next.map_or(wait, |next| wait.min(next.since(now)));
            }
            state.log.settle(now);
            let least = Duration::from_micros(50);
            state = self
                .bell
                .wait_timeout(state, wait.max(least))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The instant of the freeze; of the present one if the disk is frozen already.
    pub fn freeze(&self) -> Micros {
        let mut state = self.lock();
        let now = self.now();
        if state.frozen.is_none() {
            state.frozen = Some(now);
            let fsyncs = state.fsyncs.len();
            state.in_flight_then = fsyncs as u32;
            state
                .log
                .note(now, "freeze", json!({ "fsyncs_in_flight": fsyncs }));
        }
        state.frozen.unwrap_or(now)
    }

    pub fn thaw(&self) {
        let held = {
            let mut state = self.lock();
            let now = self.now();
            if state.frozen.take().is_some() {
                state.log.note(now, "thaw", json!({}));
            }
            state.refusing = false;
            std::mem::take(&mut state.held)
        };
        for one in held {
            match one {
                Held::Asked(request) => self.pass(request),
                Held::Done(answer) => answer(),
            }
        }
        self.bell.notify_all();
    }

    /// Whatever waits fails with EIO and has no effect, and so does what still comes while the disk is frozen.
    pub fn release_held(&self) {
        let mut state = self.lock();
        state.refusing = state.frozen.is_some();
        let (held, fsyncs) = state.take_waiting();
        if !held.is_empty() || !fsyncs.is_empty() {
            let now = self.now();
            let more = json!({ "held": held.len(), "fsyncs": fsyncs.len() });
            state.log.note(now, "release", more);
        }
        drop(state);
        end(held, fsyncs);
    }

    /// See [`super::FaultyDisk::cut`].
    pub fn cut(&self) -> CutReport {
        let at = self.freeze();
        let mut state = self.lock();
        let mut report = state.model.cut(at);
        report.fsyncs_in_flight = state.in_flight_then;
        (report.last_fsync_began, report.last_fsync_ended) = state.last_fsync();
        let now = self.now();
        state.log.cut(now, &report);
        let waiting = state.take_waiting();
        (state.frozen, state.refusing, state.armed) = (None, false, None);
        drop(state);
        end(waiting.0, waiting.1);
        self.bell.notify_all();
        report
    }

    /// See [`super::FaultyDisk::survive_kill`].
    pub fn survive_kill(&self) {
        let mut state = self.lock();
        let now = self.now();
        let waiting = state.take_waiting();
        let more = json!({ "held": waiting.0.len(), "fsyncs": waiting.1.len() });
        state.log.note(now, "survive-kill", more);
        (state.frozen, state.refusing, state.armed) = (None, false, None);
        drop(state);
        end(waiting.0, waiting.1);
        self.bell.notify_all();
    }

    pub fn arm(&self, moment: DiskMoment) {
        let mut state = self.lock();
        let now = self.now();
        state
            .log
            .note(now, "arm", json!({ "moment": moment.to_string() }));
        state.struck = None;
        state.armed = Some(Armed::new(moment));
    }

    pub fn disarm(&self) {
        self.lock().armed = None;
    }

    pub fn struck(&self) -> Option<Struck> {
        self.lock().struck.clone()
    }

    pub fn wait_struck(&self, patience: Duration) -> Option<Struck> {
        let state = self.lock();
        let waited = self.bell.wait_timeout_while(state, patience, |state| {
            state.struck.is_none() && !state.closed
        });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.struck.clone()
    }

    /// No request is answered any more but with EIO; the timer ends.
    pub fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = state.take_waiting();
        state.log.flush();
        drop(state);
        end(waiting.0, waiting.1);
        self.bell.notify_all();
    }
}

fn end(held: Vec<Held>, fsyncs: Vec<InFlight>) {
    for one in held {
        match one {
            Held::Asked(request) => request.refuse(Errno::EIO),
            Held::Done(answer) => answer(),
        }
    }
    for one in fsyncs {
        one.reply.error(Errno::EIO);
    }
}

impl State {
    fn is_hit(&mut self, after: bool, op: FileOp, name: &str) -> bool {
        let armed = self.armed.as_mut();
        armed.is_some_and(|armed| armed.is_hit(after, op, name))
    }

    /// The disk freezes here.
    fn strike(&mut self, (path, detail): (String, String), at: Micros) {
        let Some(armed) = self.armed.take() else {
            return;
        };
        let struck = Struck {
            at,
            moment: armed.moment,
            path,
            detail,
        };
        self.log.struck(&struck);
        self.frozen = Some(at);
        self.in_flight_then = self.fsyncs.len() as u32;
        self.struck = Some(struck);
    }

    /// The fsync returns; `None` if the disk froze right after it had taken effect.
    fn end_fsync(&mut self, id: u64, now: Micros) -> Option<Answer> {
        let one = self.fsyncs.remove(&id)?;
        let path = self.model.path(one.ino);
        if one.fails {
            self.model.fail_sync(id);
            let more = json!({ "file": path, "pid": one.pid, "error": "EIO", "began": one.began });
            self.log.note(now, "fsync", more);
            return Some(Box::new(move || one.reply.error(Errno::EIO)));
        }
        let Ok(synced) = self.model.end_sync(id) else {
            return Some(Box::new(move || one.reply.error(Errno::ESTALE)));
        };
        self.last_fsync_ended = Some(now);
        if is_log_of_ops(path.rsplit('/').next().unwrap_or_default()) {
            self.last_log_fsync_ended = Some(now);
        }
        let fsync = Fsync {
            pid: one.pid,
            began: one.began,
            ended: now,
            bytes: synced.bytes,
        };
        self.log.fsync(one.ino, || path.clone(), &fsync);
        let answer: Answer = Box::new(move || one.reply.ok());
        let name = path.rsplit('/').next().unwrap_or_default();
        if self.is_hit(true, FileOp::Fsync, name) {
            let detail = format!("fsync of {path} by pid {}", one.pid);
            self.strike((path, detail), now);
            self.held.push(Held::Done(answer));
            return None;
        }
        Some(answer)
    }

    fn write_back(&mut self, now: Micros) {
        if self.model.next_tick().is_none_or(|tick| now < tick) {
            return;
        }
        for one in self.model.tick(now) {
            let path = self.model.path(one.ino);
            let more = json!({ "file": path, "bytes": one.bytes });
            self.log.note(now, "write-back", more);
        }
    }

    fn take_waiting(&mut self) -> (Vec<Held>, Vec<InFlight>) {
        let fsyncs = std::mem::take(&mut self.fsyncs);
        for id in fsyncs.keys() {
            self.model.cancel_sync(*id);
        }
        (
            std::mem::take(&mut self.held),
            fsyncs.into_values().collect(),
        )
    }

    /// Of logs of ops if there are ops in any, else of any file: when the last one began and when the last one ended.
    fn last_fsync(&self) -> (Option<Micros>, Option<Micros>) {
        if self.model.written_marks() > 0 {
            (self.last_log_fsync_began, self.last_log_fsync_ended)
        } else {
            (self.last_fsync_began, self.last_fsync_ended)
        }
    }

    pub fn status(&self) -> super::facts::DiskStatus {
        let (last_fsync_began, last_fsync_ended) = self.last_fsync();
        super::facts::DiskStatus {
            fsyncs_in_flight: self.fsyncs.len() as u32,
            oldest_fsync_began: self.fsyncs.values().map(|one| one.began).min(),
            last_fsync_began,
            last_fsync_ended,
            frozen: self.frozen.is_some(),
            held: (self.held.len() + self.fsyncs.len()) as u32,
            ..self.model.status()
        }
    }
}
