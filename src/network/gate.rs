//! A gate: holds the next message that matches until somebody decides. The means of forced interleavings:
//! order comes from decisions, never from sleeps.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::framing::Words;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client: a command that the server has not got yet.
    Command,
    /// From the server: the answer to a command, which has therefore been executed.
    Reply,
}

/// Which message a gate waits for. Everything that is not asked for matches.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub direction: Direction,
    name: Option<String>,
    argument: Option<Vec<u8>>,
    connection: Option<u64>,
    nth: u64,
}

impl Matcher {
    /// The next command.
    #[must_use]
    pub fn command() -> Self {
        Self::new(Direction::Command)
    }

    /// The next reply to a command.
    #[must_use]
    pub fn reply() -> Self {
        Self::new(Direction::Reply)
    }

    fn new(direction: Direction) -> Self {
        Matcher {
            direction,
            name: None,
            argument: None,
            connection: None,
            nth: 1,
        }
    }

    /// Of commands with this name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_uppercase());
        self
    }

    /// Of commands that have this argument, for most of them: with this key.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<Vec<u8>>) -> Self {
        self.argument = Some(argument.into());
        self
    }

    /// On this connection: they are counted from 0, in order of acceptance.
    #[must_use]
    pub fn connection(mut self, connection: u64) -> Self {
        self.connection = Some(connection);
        self
    }

    /// The n-th that matches, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth.max(1);
        self
    }

    fn fits(&self, direction: Direction, connection: u64, words: &Words) -> bool {
        self.direction == direction
            && self.connection.is_none_or(|one| one == connection)
            && self.name.as_ref().is_none_or(|name| *name == words.name)
            && self
                .argument
                .as_ref()
                .is_none_or(|argument| words.arguments.contains(argument))
    }
}

/// A message in a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMessage {
    pub connection: u64,
    /// The command, or the one that is answered.
    pub command: Words,
    /// The reply's bytes; empty for a command.
    pub reply: Vec<u8>,
}

/// What becomes of a held message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It passes.
    Release,
    /// It does not pass, and its connection is closed on both sides.
    Cut,
    /// It does not pass, and its connection lives on.
    Swallow,
}

#[derive(Default)]
struct State {
    seen: u64,
    held: Option<HeldMessage>,
    decision: Option<Decision>,
    done: bool,
}

/// The pump's side.
pub struct Gate {
    matcher: Matcher,
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    /// Whether this message is the one that the gate waits for.
    pub(super) fn takes(&self, direction: Direction, connection: u64, words: &Words) -> bool {
        if !self.matcher.fits(direction, connection, words) {
            return false;
        }
        let mut state = self.lock();
        if state.done || state.held.is_some() {
            return false;
        }
        state.seen += 1;
        state.seen == self.matcher.nth
    }

    /// Holds the message until it is decided on.
    pub(super) fn hold(&self, message: HeldMessage) -> Decision {
        let mut state = self.lock();
        state.held = Some(message);
        self.changed.notify_all();
        loop {
            if let Some(decision) = state.decision {
                state.done = true;
                return decision;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.lock().done
    }

    /// The first decision stands. A gate that holds nothing yet acts by it at once when its message comes, except
    /// that a release ends it.
    pub(super) fn decide(&self, decision: Decision) {
        let mut state = self.lock();
        let standing = *state.decision.get_or_insert(decision);
        state.done |= state.held.is_none() && standing == Decision::Release;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The holder's side. Dropping it releases what it holds.
pub struct Held {
    gate: Arc<Gate>,
}

impl Held {
    pub(super) fn new(matcher: Matcher) -> (Held, Arc<Gate>) {
        let gate = Arc::new(Gate {
            matcher,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let held = Held {
            gate: Arc::clone(&gate),
        };
        (held, gate)
    }

    /// Waits until the message is there; `None` if it has not come within `patience`.
    #[must_use]
    pub fn wait_held(&self, patience: Duration) -> Option<HeldMessage> {
        let until = Instant::now() + patience;
        let mut state = self.gate.lock();
        loop {
            if let Some(message) = &state.held {
                return Some(message.clone());
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self
                .gate
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Lets it pass. If it has not come yet, the gate is taken down.
    pub fn release(self) {}

    /// Closes its connection on both sides without passing it on.
    pub fn cut(self) {
        self.gate.decide(Decision::Cut);
    }

    /// Does not pass it on; the connection lives on. Behind a swallowed reply the client takes the next reply for
    /// it: fit for clients that give up on their own, or for the last reply of a connection.
    pub fn swallow(self) {
        self.gate.decide(Decision::Swallow);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gate.decide(Decision::Release);
    }
}
