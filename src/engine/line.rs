//! What the load speaks through: Redis' own protocol, or a store of the user's. Both are given appends and give
//! back what became of each.

use std::time::Duration;

use crate::adapter::writers::{Answer, Outcome, Writers};
use crate::adapter::{Fault, StoreCommand, url};
use crate::backend::Endpoint;
use crate::client::pipes::{Pipes, Reply};
use crate::domain::op::{Cause, Completion, Micros, SessionId};
use crate::domain::workload::{KeySpace, MessageMaker};

/// The line.
pub enum Line {
    Redis(Box<Pipes>),
    Store(Box<Writers>),
}

impl Line {
    /// # Errors
    /// The host has no address, or the operating system gives no readiness queue.
    pub fn new(
        endpoint: &Endpoint,
        writers: u16,
        store: Option<&StoreCommand>,
        keys: &KeySpace,
    ) -> std::io::Result<Line> {
        Ok(match store {
            None => Line::Redis(Box::new(Pipes::new(endpoint, writers)?)),
            Some(command) => Line::Store(Box::new(Writers::new(
                command.clone(),
                url(endpoint),
                keys.prefix.clone(),
                writers,
            ))),
        })
    }

    pub fn connect_down(&mut self, now: Micros) {
        match self {
            Line::Redis(pipes) => pipes.connect_down(),
            Line::Store(writers) => writers.start_down(now),
        }
    }

    pub fn up(&self) -> usize {
        match self {
            Line::Redis(pipes) => pipes.up(),
            Line::Store(writers) => writers.up(),
        }
    }

    /// Whether a load may be timed from now on: a store's processes take a while to start.
    pub fn ready(&self) -> bool {
        match self {
            Line::Redis(_) => true,
            Line::Store(writers) => writers.ready(),
        }
    }

    pub fn in_flight(&self, writer: u16) -> Option<usize> {
        match self {
            Line::Redis(pipes) => pipes.in_flight(writer),
            Line::Store(writers) => writers.in_flight(writer),
        }
    }

    pub fn turn(
        &mut self,
        timeout: Duration,
        now: &dyn Fn() -> Micros,
        sink: &mut dyn FnMut(Reply),
    ) -> std::io::Result<()> {
        match self {
            Line::Redis(pipes) => pipes.turn(timeout, now, sink),
            Line::Store(writers) => {
                writers.turn(timeout, now, &mut |answer| sink(reply(answer)));
                Ok(())
            }
        }
    }

    pub fn expire(&mut self, limit: Duration, now: Micros, sink: &mut dyn FnMut(Reply)) {
        match self {
            Line::Redis(pipes) => pipes.expire(limit, now, sink),
            Line::Store(writers) => writers.expire(limit, now, &mut |answer| sink(reply(answer))),
        }
    }

    pub fn close(&mut self, now: Micros, sink: &mut dyn FnMut(Reply)) {
        match self {
            Line::Redis(pipes) => pipes.close(now, sink),
            Line::Store(writers) => writers.close(now, &mut |answer| sink(reply(answer))),
        }
    }
}

/// Sends a message to a store.
pub fn speak(
    writers: &mut Writers,
    maker: &MessageMaker,
    op: (u16, u32, Micros),
    session: SessionId,
    seq: u32,
) {
    let (writer, number, now) = op;
    let message = maker.spoken(session, seq);
    writers.append(writer, number, now, &session.to_string(), &message);
}

fn reply(answer: Answer) -> Reply {
    let (completion, cause) = match &answer.outcome {
        Outcome::Done => (Completion::Acked, Cause::None),
        Outcome::Fault(Fault::Refused(words)) => (Completion::Refused, cause(words)),
        Outcome::Fault(fault) => (Completion::Indeterminate, cause(&fault.to_string())),
        Outcome::Gone => (Completion::Indeterminate, Cause::Disconnected),
        Outcome::Silent => (Completion::Indeterminate, Cause::TimedOut),
    };
    Reply {
        op: answer.op,
        at: answer.at,
        completion,
        cause,
        // What lies under the store's keys is its own affair.
        length: 0,
    }
}

/// A store passes on what its client library has made of the server's words.
fn cause(words: &str) -> Cause {
    let known = [
        ("MISCONF", Cause::Misconf),
        ("OOM", Cause::OutOfMemory),
        ("LOADING", Cause::Loading),
        ("READONLY", Cause::ReadOnly),
        ("WRONGTYPE", Cause::WrongType),
        ("NOPERM", Cause::NotPermitted),
        ("NOAUTH", Cause::NotPermitted),
        ("WRONGPASS", Cause::NotPermitted),
        ("imeout", Cause::TimedOut),
        ("timed out", Cause::TimedOut),
        ("onnection", Cause::Disconnected),
    ];
    let found = known.iter().find(|(word, _)| words.contains(word));
    found.map_or(Cause::OtherError, |(_, cause)| *cause)
}
