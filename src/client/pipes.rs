//! Many pipelined connections on one thread: RPUSH out, lengths back, with the time of each.
//!
//! One readiness loop, because a thread or a task for each connection would cost more than the server
//! spends on the command, and then we would measure ourselves. It decides nothing about what to write.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::classify;
use crate::backend::Endpoint;
use crate::domain::op::{Cause, Completion, Micros};

/// How an op completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    pub op: u32,
    pub at: Micros,
    pub completion: Completion,
    pub cause: Cause,
    /// The list's length; 0 unless acked.
    pub length: u32,
}

/// Connections to one server.
pub struct Pipes {
    poll: Poll,
    events: Events,
    pipes: Vec<Pipe>,
    address: SocketAddr,
    handshake: Handshake,
    scratch: Vec<u8>,
    /// The newest error reply to AUTH or SELECT, in the server's words.
    pub refusal: Option<String>,
}

/// The first commands on each connection.
struct Handshake {
    bytes: Vec<u8>,
    replies: u32,
}

#[derive(Default)]
struct Pipe {
    socket: Option<TcpStream>,
    /// Bytes not yet handed to the kernel start at `out_at`.
    out: Vec<u8>,
    out_at: usize,
    /// Bytes queued and handed over since the connection was made: they tell which commands the kernel has whole.
    queued: u64,
    handed_over: u64,
    in_flight: VecDeque<InFlight>,
    handshake_left: u32,
    input: Vec<u8>,
    blocked: bool,
}

struct InFlight {
    op: u32,
    /// `queued` after this command.
    end: u64,
    invoked: Micros,
}

impl Pipes {
    const EVENTS: usize = 1024;
    const SCRATCH_BYTES: usize = 256 * 1024;

    /// Prepares `writers` connections; they are made by [`Pipes::connect_down`].
    ///
    /// # Errors
    /// The host has no address, or the operating system gives no readiness queue.
    pub fn new(endpoint: &Endpoint, writers: u16) -> std::io::Result<Pipes> {
        let address = (endpoint.host.as_str(), endpoint.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| std::io::Error::new(ErrorKind::NotFound, "the host has no address"))?;
        Ok(Pipes {
            poll: Poll::new()?,
            events: Events::with_capacity(Self::EVENTS),
            pipes: (0..writers).map(|_| Pipe::default()).collect(),
            address,
            handshake: Handshake::new(endpoint),
            scratch: vec![0; Self::SCRATCH_BYTES],
            refusal: None,
        })
    }

    /// Begins to connect every connection that is down. Failure shows as being down again.
    pub fn connect_down(&mut self) {
        for (i, pipe) in self.pipes.iter_mut().enumerate() {
            if pipe.socket.is_some() {
                continue;
            }
            let Ok(mut socket) = TcpStream::connect(self.address) else {
                continue;
            };
            let _ = socket.set_nodelay(true);
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self
                .poll
                .registry()
                .register(&mut socket, Token(i), interest)
                .is_ok()
            {
                *pipe = Pipe {
                    socket: Some(socket),
                    out: self.handshake.bytes.clone(),
                    queued: self.handshake.bytes.len() as u64,
                    handshake_left: self.handshake.replies,
                    // Until the connection stands a write would fail.
                    blocked: true,
                    ..Pipe::default()
                };
            }
        }
    }

    /// Connections that are being made or stand.
    #[must_use]
    pub fn up(&self) -> usize {
        self.pipes
            .iter()
            .filter(|pipe| pipe.socket.is_some())
            .count()
    }

    /// Ops under way on a connection; `None` if it is down or not greeted yet.
    #[must_use]
    pub fn in_flight(&self, pipe: u16) -> Option<usize> {
        let pipe = &self.pipes[usize::from(pipe)];
        (pipe.socket.is_some() && pipe.handshake_left == 0).then_some(pipe.in_flight.len())
    }

    /// Queues `RPUSH key body` on a connection that is up. The bytes leave with the next [`Pipes::turn`].
    pub fn rpush(&mut self, pipe: u16, op: u32, invoked: Micros, key: &[u8], body: &[u8]) {
        let pipe = &mut self.pipes[usize::from(pipe)];
        let before = pipe.out.len();
        pipe.out.extend_from_slice(b"*3\r\n$5\r\nRPUSH\r\n");
        bulk(&mut pipe.out, key);
        bulk(&mut pipe.out, body);
        pipe.queued += (pipe.out.len() - before) as u64;
        pipe.in_flight.push_back(InFlight {
            op,
            end: pipe.queued,
            invoked,
        });
    }

    /// Hands over what is queued, waits up to `timeout` for the server, reports what completed.
    ///
    /// # Errors
    /// The readiness queue fails, which no server can cause.
    pub fn turn(
        &mut self,
        timeout: Duration,
        now: &dyn Fn() -> Micros,
        sink: &mut dyn FnMut(Reply),
    ) -> std::io::Result<()> {
        for pipe in &mut self.pipes {
            if pipe.out_at < pipe.out.len() && !pipe.blocked && pipe.hand_over().is_err() {
                pipe.drain(&mut self.scratch, true, now, &mut self.refusal, sink);
                pipe.give_up(now(), classify::connection_ended, sink);
            }
        }
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            result => result?,
        }
        for event in &self.events {
            let pipe = &mut self.pipes[event.token().0];
            let mut alive = true;
            if event.is_writable() {
                pipe.blocked = false;
                alive = pipe.hand_over().is_ok();
            }
            let ended = !alive || event.is_read_closed() || event.is_error();
            if ended || event.is_readable() {
                alive &= pipe.drain(&mut self.scratch, ended, now, &mut self.refusal, sink);
            }
            if !alive {
                pipe.give_up(now(), classify::connection_ended, sink);
            }
        }
        Ok(())
    }

    /// Gives up connections whose oldest op has waited longer than `limit`.
    pub fn expire(&mut self, limit: Duration, now: Micros, sink: &mut dyn FnMut(Reply)) {
        for pipe in &mut self.pipes {
            if pipe
                .in_flight
                .front()
                .is_some_and(|oldest| now.since(oldest.invoked) > limit)
            {
                pipe.give_up(now, classify::timed_out, sink);
            }
        }
    }

    /// Closes all connections; what is under way becomes indeterminate.
    pub fn close(&mut self, now: Micros, sink: &mut dyn FnMut(Reply)) {
        for pipe in &mut self.pipes {
            pipe.give_up(now, classify::connection_ended, sink);
        }
    }
}

impl Pipe {
    fn hand_over(&mut self) -> std::io::Result<()> {
        let Some(socket) = &mut self.socket else {
            return Ok(());
        };
        while self.out_at < self.out.len() {
            match socket.write(&self.out[self.out_at..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.out_at += n;
                    self.handed_over += n as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.out_at = 0;
        Ok(())
    }

    /// Reads all that is there and reports it. False once the connection has ended: replies that were
    /// in the socket before it ended are still read, since an answer received is an answer given.
    fn drain(
        &mut self,
        scratch: &mut [u8],
        to_the_end: bool,
        now: &dyn Fn() -> Micros,
        refusal: &mut Option<String>,
        sink: &mut dyn FnMut(Reply),
    ) -> bool {
        loop {
            let Some(socket) = &mut self.socket else {
                return false;
            };
            let read = match socket.read(scratch) {
                Ok(0) => return false,
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return false,
            };
            let at = now();
            let spoken = if self.input.is_empty() {
                let used = self.parse(&scratch[..read], at, refusal, sink);
                used.map(|used| self.input.extend_from_slice(&scratch[used..read]))
            } else {
                let mut input = std::mem::take(&mut self.input);
                input.extend_from_slice(&scratch[..read]);
                let used = self.parse(&input, at, refusal, sink);
                used.map(|used| {
                    input.drain(..used);
                    self.input = input;
                })
            };
            if spoken.is_none() {
                return false;
            }
            // A short read has emptied the socket; readiness will tell of more, and of the end, unless it has
            // told of the end already.
            if read < scratch.len() && !to_the_end {
                return true;
            }
        }
    }

    /// Handles the whole lines in `bytes`; how many bytes were used, or `None` if this is no Redis.
    fn parse(
        &mut self,
        bytes: &[u8],
        at: Micros,
        refusal: &mut Option<String>,
        sink: &mut dyn FnMut(Reply),
    ) -> Option<usize> {
        let mut used = 0;
        while let Some(end) = bytes[used..].iter().position(|byte| *byte == b'\n') {
            let line = bytes[used..used + end].strip_suffix(b"\r")?;
            used += end + 1;
            if self.handshake_left > 0 {
                self.handshake_left -= 1;
                if line.starts_with(b"-LOADING") {
                    return None;
                }
                if line.first() == Some(&b'-') {
                    *refusal = Some(String::from_utf8_lossy(&line[1..]).into_owned());
                    return None;
                }
                continue;
            }
            let op = self.in_flight.pop_front()?.op;
            let (completion, cause, length) = match line.split_first()? {
                (b':', digits) => (Completion::Acked, Cause::None, number(digits)?),
                (b'-', text) => {
                    let (completion, cause) = classify::error_reply(&String::from_utf8_lossy(text));
                    (completion, cause, 0)
                }
                _ => return None,
            };
            sink(Reply {
                op,
                at,
                completion,
                cause,
                length,
            });
        }
        Some(used)
    }

    fn give_up(
        &mut self,
        at: Micros,
        outcome: fn(bool) -> (Completion, Cause),
        sink: &mut dyn FnMut(Reply),
    ) {
        for op in std::mem::take(&mut self.in_flight) {
            let (completion, cause) = outcome(op.end <= self.handed_over);
            sink(Reply {
                op: op.op,
                at,
                completion,
                cause,
                length: 0,
            });
        }
        *self = Pipe::default();
    }
}

impl Handshake {
    fn new(endpoint: &Endpoint) -> Self {
        let mut handshake = Handshake {
            bytes: Vec::new(),
            replies: 0,
        };
        match (&endpoint.user, &endpoint.password) {
            (Some(user), Some(password)) => handshake.command(&["AUTH", user, password]),
            (None, Some(password)) => handshake.command(&["AUTH", password]),
            _ => {}
        }
        if endpoint.database != 0 {
            handshake.command(&["SELECT", &endpoint.database.to_string()]);
        }
        handshake
    }

    fn command(&mut self, words: &[&str]) {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        self.bytes.extend(command.get_packed_command());
        self.replies += 1;
    }
}

/// `$<length>\r\n<bytes>\r\n`, without the allocations of a command builder.
fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'$');
    crate::domain::workload::push_number(out, bytes.len() as u64);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn number(digits: &[u8]) -> Option<u32> {
    let mut value = 0u32;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
    }
    (!digits.is_empty()).then_some(value)
}
