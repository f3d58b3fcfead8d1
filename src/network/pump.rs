//! The two directions of one connection: whole messages in their order, as the gates and the faults let them.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::framing::{self, Unreadable, Words};
use super::gate::{Decision, Direction, HeldMessage};
use super::shared::{Link, Shared};
use crate::domain::network::NetworkHappening;

const CHUNK: usize = 64 * 1024;

/// Commands that are on the server and not answered yet.
#[derive(Default)]
pub struct Unanswered {
    commands: VecDeque<Words>,
    /// Replies answer commands no longer one by one (a subscription).
    untied: bool,
}

pub type SharedUnanswered = Arc<Mutex<Unanswered>>;

fn lock(unanswered: &SharedUnanswered) -> std::sync::MutexGuard<'_, Unanswered> {
    unanswered.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a pump ends.
enum End {
    /// The sender has closed: so do we, towards the receiver.
    Closed,
    /// A gate or a fault has cut the connection.
    Cut,
    Failed,
    Unreadable(String),
}

impl From<Unreadable> for End {
    fn from(error: Unreadable) -> Self {
        End::Unreadable(error.0)
    }
}

/// Commands, from the client to the server.
pub fn carry_commands(shared: &Shared, link: &Link, unanswered: &SharedUnanswered) {
    let end = commands(shared, link, unanswered);
    finish(shared, link, &link.server, end);
}

/// Replies, from the server to the client.
pub fn carry_replies(shared: &Shared, link: &Link, unanswered: &SharedUnanswered) {
    let mut replies = Replies {
        shared,
        link,
        unanswered,
        input: Input::new(),
        due: VecDeque::new(),
        lost: 0,
    };
    let end = replies.run();
    let end = match (end, replies.deliver_rest()) {
        (End::Closed, Err(end)) => end,
        (end, _) => end,
    };
    finish(shared, link, &link.client, end);
}

fn finish(shared: &Shared, link: &Link, receiver: &TcpStream, end: End) {
    match end {
        _ if link.reset.load(Ordering::Acquire) => {}
        End::Closed => {
            let _ = receiver.shutdown(Shutdown::Write);
        }
        End::Cut | End::Failed => link.close(),
        End::Unreadable(why) => {
            shared.tell(NetworkHappening::GaveUp {
                connection: link.number,
                why,
            });
            link.close();
        }
    }
}

fn commands(shared: &Shared, link: &Link, unanswered: &SharedUnanswered) -> End {
    let mut input = Input::new();
    loop {
        match input.read(&link.client) {
            Ok(0) if shared.wait_for_flow() => return End::Closed,
            Ok(0) | Err(_) => return End::Failed,
            Ok(_) => {}
        }
        if !shared.wait_for_flow() {
            return End::Cut;
        }
        match forward_commands(shared, link, unanswered, &mut input.bytes) {
            Ok(()) => {}
            Err(end) => return end,
        }
    }
}

/// Passes on what is whole in `input`, in one write as far as no gate holds a part of it.
fn forward_commands(
    shared: &Shared,
    link: &Link,
    unanswered: &SharedUnanswered,
    input: &mut Vec<u8>,
) -> Result<(), End> {
    let (mut written, mut at) = (0, 0);
    while let Some(length) = framing::command_length(&input[at..])? {
        let message = at..at + length;
        let words = Words::of(&input[message.clone()]);
        if let Some(gate) = shared.gate_for(Direction::Command, link.number, &words) {
            send(
                shared,
                Direction::Command,
                &link.server,
                &input[written..at],
            )?;
            written = at;
            let held = HeldMessage {
                connection: link.number,
                command: words.clone(),
                reply: Vec::new(),
            };
            match gate.hold(held) {
                Decision::Release => {}
                Decision::Cut => return Err(End::Cut),
                Decision::Swallow => {
                    at = message.end;
                    written = at;
                    continue;
                }
            }
        }
        // An empty line is no command and gets no reply.
        if !words.name.is_empty() {
            shared.record(link.number, &words);
            let mut unanswered = lock(unanswered);
            unanswered.untied |= words.ends_one_to_one();
            unanswered.commands.push_back(words);
        }
        at = message.end;
    }
    send(
        shared,
        Direction::Command,
        &link.server,
        &input[written..at],
    )?;
    input.drain(..at);
    Ok(())
}

struct Replies<'a> {
    shared: &'a Shared,
    link: &'a Link,
    unanswered: &'a SharedUnanswered,
    input: Input,
    /// Delayed bytes, and when they are due.
    due: VecDeque<(Instant, Vec<u8>)>,
    /// Replies dropped by the fault.
    lost: u64,
}

impl Replies<'_> {
    fn run(&mut self) -> End {
        loop {
            if let Err(end) = self.deliver_due() {
                return end;
            }
            let patience = self.due.front().map(|(due, _)| {
                due.saturating_duration_since(Instant::now())
                    .max(Duration::from_micros(100))
            });
            let _ = self.link.server.set_read_timeout(patience);
            match self.input.read(&self.link.server) {
                Ok(0) if self.shared.wait_for_flow() => return End::Closed,
                Ok(0) => return End::Failed,
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    continue;
                }
                Err(_) => return End::Failed,
            }
            if !self.shared.wait_for_flow() {
                return End::Cut;
            }
            if let Err(end) = self.forward() {
                return end;
            }
        }
    }

    fn forward(&mut self) -> Result<(), End> {
        let mut input = std::mem::take(&mut self.input.bytes);
        let mut out = Vec::new();
        let mut at = 0;
        while let Some(length) = framing::reply_length(&input[at..])? {
            let message = &input[at..at + length];
            at += length;
            if self.is_dropped(message, &mut out)? {
                continue;
            }
            out.extend_from_slice(message);
        }
        input.drain(..at);
        self.input.bytes = input;
        self.pass(out)
    }

    /// Whether this reply goes no further, by a fault or by a gate. What stands before it is sent first.
    fn is_dropped(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<bool, End> {
        // A push message answers nothing.
        if message.first() == Some(&b'>') {
            return Ok(false);
        }
        let (command, left) = {
            let mut unanswered = lock(self.unanswered);
            if unanswered.untied {
                return Ok(false);
            }
            let command = unanswered.commands.pop_front();
            (command.unwrap_or_default(), unanswered.commands.len())
        };
        if self.link.losing.load(Ordering::Acquire) && !command.is_greeting() {
            self.lost += 1;
            if left > 0 {
                return Ok(true);
            }
            self.pass(std::mem::take(out))?;
            self.shared.tell(NetworkHappening::RepliesLost {
                connection: self.link.number,
                replies: self.lost,
            });
            return Err(End::Cut);
        }
        let gate = self
            .shared
            .gate_for(Direction::Reply, self.link.number, &command);
        let Some(gate) = gate else {
            return Ok(false);
        };
        self.pass(std::mem::take(out))?;
        let held = HeldMessage {
            connection: self.link.number,
            command,
            reply: message.to_vec(),
        };
        match gate.hold(held) {
            Decision::Release => Ok(false),
            Decision::Swallow => Ok(true),
            Decision::Cut => Err(End::Cut),
        }
    }

    /// Sends now, or puts it on the line if the network is slow.
    fn pass(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.shared.delay.is_zero() {
            return send(self.shared, Direction::Reply, &self.link.client, &bytes);
        }
        self.due
            .push_back((Instant::now() + self.shared.delay, bytes));
        Ok(())
    }

    fn deliver_due(&mut self) -> Result<(), End> {
        while let Some((due, _)) = self.due.front() {
            if *due > Instant::now() {
                break;
            }
            let (_, bytes) = self.due.pop_front().expect("looked at just now");
            send(self.shared, Direction::Reply, &self.link.client, &bytes)?;
        }
        Ok(())
    }

    /// The server has closed: what is still on the line arrives all the same.
    fn deliver_rest(&mut self) -> Result<(), End> {
        while let Some((due, _)) = self.due.front() {
            let left = due.saturating_duration_since(Instant::now());
            if self.shared.lock().ended {
                return Err(End::Cut);
            }
            std::thread::sleep(left.min(Duration::from_millis(20)));
            self.deliver_due()?;
        }
        Ok(())
    }
}

/// What has been received and not yet been passed on.
struct Input {
    bytes: Vec<u8>,
    scratch: Vec<u8>,
}

impl Input {
    fn new() -> Self {
        Input {
            bytes: Vec::new(),
            scratch: vec![0; CHUNK],
        }
    }

    /// Reads once and appends.
    fn read(&mut self, mut from: &TcpStream) -> std::io::Result<usize> {
        loop {
            match from.read(&mut self.scratch) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.bytes.extend_from_slice(&self.scratch[..read]);
                    return Ok(read);
                }
            }
        }
    }
}

fn send(
    shared: &Shared,
    direction: Direction,
    mut to: &TcpStream,
    bytes: &[u8],
) -> Result<(), End> {
    // In small parts, so that a narrow line is shared and does not come in bursts.
    let part = shared
        .bandwidth
        .map_or(usize::MAX, |bandwidth| (bandwidth / 20).max(1) as usize);
    for part in bytes.chunks(part.max(1)) {
        shared.carry(direction, part.len());
        to.write_all(part).map_err(|_| End::Failed)?;
    }
    Ok(())
}
