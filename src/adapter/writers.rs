//! Several processes of a store as the writers of a load: appends out, answers back, each with its op.
//!
//! It waits for none of them: a process that hangs, dies or talks nonsense is ended, its ops are in doubt, and it is
//! started again a few times. What was wrong is kept in words.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::pipes::{Heard, Lines};
use super::{Ask, Fault, GREETING, StoreCommand, VERSION, brief, environment, said};
use crate::backend::guest::Guest;
use crate::domain::check::Message;
use crate::domain::op::Micros;

/// Troubles of one writer in a row, without an answer between, after which it is not started again.
const MOST_TROUBLES: u32 = 3;
/// Troubles that are told in words; a store that fails every second must not fill the report.
const MOST_WORDS: usize = 8;

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The store's own words for not having done it, or for not knowing.
    Fault(Fault),
    /// The process ended before its answer.
    Gone,
    /// No answer in time.
    Silent,
}

/// An append that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub op: u32,
    pub at: Micros,
    pub outcome: Outcome,
}

/// What a process was heard to say: its writer, which of its processes in turn, and the words.
pub(super) type Tagged = (u16, u32, Heard);

/// The writers.
pub struct Writers {
    command: StoreCommand,
    url: String,
    prefix: String,
    writers: Vec<Writer>,
    tell: SyncSender<Tagged>,
    heard: Receiver<Tagged>,
    words: Vec<String>,
    told: usize,
    last_words: String,
}

#[derive(Default)]
struct Writer {
    process: Option<Process>,
    started: u32,
    troubles: u32,
}

struct Process {
    guest: Guest,
    lines: Lines,
    since: Micros,
    greeted: bool,
    last_id: u64,
    in_flight: VecDeque<InFlight>,
}

struct InFlight {
    id: u64,
    op: u32,
    invoked: Micros,
}

impl Writers {
    /// Prepares `writers` processes; they are started by [`Writers::start_down`].
    #[must_use]
    pub fn new(command: StoreCommand, url: String, prefix: String, writers: u16) -> Writers {
        let (tell, heard) = sync_channel(1024);
        Writers {
            command,
            url,
            prefix,
            writers: (0..writers).map(|_| Writer::default()).collect(),
            tell,
            heard,
            words: Vec::new(),
            told: 0,
            last_words: String::new(),
        }
    }

    /// Starts every process that is down and worth it, and greets it without waiting.
    pub fn start_down(&mut self, now: Micros) {
        for number in 0..self.writers.len() {
            let writer = &mut self.writers[number];
            if writer.process.is_some() || writer.troubles >= MOST_TROUBLES {
                continue;
            }
            writer.started += 1;
            let started = Guest::start(
                &self.command.words,
                &environment(&self.url, &self.prefix, None),
            );
            match started {
                Err(error) => {
                    writer.troubles = MOST_TROUBLES;
                    self.note(number as u16, format!("the store did not start: {error}"));
                }
                Ok((guest, pipes)) => {
                    let tag = (number as u16, writer.started);
                    let mut process = Process {
                        guest,
                        lines: Lines::tagged(pipes, tag, self.tell.clone()),
                        since: now,
                        greeted: false,
                        last_id: 0,
                        in_flight: VecDeque::new(),
                    };
                    let id = process.next_id();
                    let hello = json!({ "id": id, "op": "hello", "version": VERSION });
                    process.lines.say(hello.to_string());
                    writer.process = Some(process);
                }
            }
        }
    }

    /// Processes that have greeted.
    #[must_use]
    pub fn up(&self) -> usize {
        let up = |writer: &&Writer| writer.process.as_ref().is_some_and(|p| p.greeted);
        self.writers.iter().filter(up).count()
    }

    /// Nobody is waited for any more: each has greeted or was given up.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.writers.iter().all(|writer| match &writer.process {
            Some(process) => process.greeted,
            None => writer.troubles >= MOST_TROUBLES,
        })
    }

    /// Appends under way at a writer; `None` if it is down or has not greeted yet.
    #[must_use]
    pub fn in_flight(&self, writer: u16) -> Option<usize> {
        let process = self.writers[usize::from(writer)].process.as_ref()?;
        process.greeted.then_some(process.in_flight.len())
    }

    /// Sends an append to a writer that is up.
    pub fn append(
        &mut self,
        writer: u16,
        op: u32,
        invoked: Micros,
        session: &str,
        message: &Message,
    ) {
        if let Some(process) = &mut self.writers[usize::from(writer)].process {
            let id = process.next_id();
            let ask = Ask::Append { session, message };
            process.lines.say(ask.json(id).to_string());
            process.in_flight.push_back(InFlight { id, op, invoked });
        }
    }

    /// Waits up to `timeout` for the first answer, and takes all that are there.
    pub fn turn(
        &mut self,
        timeout: Duration,
        now: &dyn Fn() -> Micros,
        sink: &mut dyn FnMut(Answer),
    ) {
        let mut next = self.heard.recv_timeout(timeout).ok();
        while let Some(heard) = next {
            self.hear(heard, now(), sink);
            next = self.heard.try_recv().ok();
        }
    }

    /// Ends processes whose oldest append, or whose greeting, has waited longer than it may.
    pub fn expire(&mut self, limit: Duration, now: Micros, sink: &mut dyn FnMut(Answer)) {
        for number in 0..self.writers.len() as u16 {
            let Some(process) = &self.writers[usize::from(number)].process else {
                continue;
            };
            let oldest = process.in_flight.front();
            let what = if oldest.is_some_and(|oldest| now.since(oldest.invoked) > limit) {
                format!(
                    "hangs: no answer to append within {:.1} s",
                    limit.as_secs_f64()
                )
            } else if !process.greeted && now.since(process.since) > GREETING {
                format!("does not greet within {} s", GREETING.as_secs())
            } else {
                continue;
            };
            self.fail(
                number,
                &format!("the store {what}"),
                &Outcome::Silent,
                now,
                sink,
            );
        }
    }

    /// Ends all processes; what is under way is in doubt.
    pub fn close(&mut self, now: Micros, sink: &mut dyn FnMut(Answer)) {
        for writer in &mut self.writers {
            if let Some(process) = writer.process.take() {
                process.give_up(&Outcome::Gone, now, sink);
            }
        }
    }

    /// What has gone wrong since this was asked last.
    pub fn take_words(&mut self) -> Vec<String> {
        std::mem::take(&mut self.words)
    }

    /// No writer will be started again, and what the last one died of.
    #[must_use]
    pub fn given_up(&self) -> Option<&str> {
        let all = |writer: &Writer| writer.process.is_none() && writer.troubles >= MOST_TROUBLES;
        self.writers.iter().all(all).then_some(&self.last_words)
    }

    fn hear(&mut self, heard: Tagged, now: Micros, sink: &mut dyn FnMut(Answer)) {
        let (number, started, heard) = heard;
        let writer = &mut self.writers[usize::from(number)];
        // The end of a process that was ended before.
        if writer.started != started {
            return;
        }
        let Some(process) = &mut writer.process else {
            return;
        };
        let what = match heard {
            Heard::Line(line) => match process.understand(&line, now, sink) {
                Ok(answered) => {
                    if answered {
                        writer.troubles = 0;
                    }
                    return;
                }
                Err(what) => what,
            },
            Heard::TooLong => "answered with a line without end".into(),
            Heard::Nothing => return,
            Heard::Closed => {
                let end = process.guest.ended_within(Duration::from_millis(200));
                let how = end.unwrap_or_else(|| "it closed its standard output".into());
                format!("died: {how}")
            }
        };
        self.fail(
            number,
            &format!("the store {what}"),
            &Outcome::Gone,
            now,
            sink,
        );
    }

    fn fail(
        &mut self,
        number: u16,
        what: &str,
        outcome: &Outcome,
        now: Micros,
        sink: &mut dyn FnMut(Answer),
    ) {
        let writer = &mut self.writers[usize::from(number)];
        writer.troubles += 1;
        let Some(mut process) = writer.process.take() else {
            return;
        };
        process.guest.end();
        let words = process.lines.last_words();
        process.give_up(outcome, now, sink);
        let text = match words.is_empty() {
            true => what.to_owned(),
            false => format!("{what}; its last words: {words}"),
        };
        self.note(number, text);
    }

    fn note(&mut self, number: u16, text: String) {
        self.told += 1;
        match self.told.cmp(&MOST_WORDS) {
            Ordering::Less => self.words.push(format!("writer {}: {text}", number + 1)),
            Ordering::Equal => self.words.push("and so on; no more of it is told".into()),
            Ordering::Greater => {}
        }
        self.last_words = text;
    }
}

impl Process {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Whether an append was answered, or what is wrong with the line.
    fn understand(
        &mut self,
        line: &str,
        now: Micros,
        sink: &mut dyn FnMut(Answer),
    ) -> Result<bool, String> {
        let Ok(answer) = serde_json::from_str::<Json>(line) else {
            return Err(format!(
                "answered with what is no JSON: {} (its own words belong to standard error)",
                brief(line)
            ));
        };
        let ok = answer.get("ok").and_then(Json::as_bool);
        let ok = ok.ok_or_else(|| format!("answered without \"ok\": {}", brief(line)))?;
        let id = answer.get("id").and_then(Json::as_u64);
        if !self.greeted {
            let version = answer.get("version").and_then(Json::as_u64);
            if !ok || id != Some(1) || version != Some(VERSION) {
                return Err(format!(
                    "does not greet with protocol version {VERSION}: {}",
                    brief(line)
                ));
            }
            self.greeted = true;
            return Ok(false);
        }
        let place = self
            .in_flight
            .iter()
            .position(|asked| Some(asked.id) == id)
            .ok_or_else(|| format!("answered under another id: {}", brief(line)))?;
        let asked = self.in_flight.remove(place).expect("it was found");
        let outcome = match ok {
            true => Outcome::Done,
            false => Outcome::Fault(said(&answer)),
        };
        sink(Answer {
            op: asked.op,
            at: now,
            outcome,
        });
        Ok(true)
    }

    fn give_up(self, outcome: &Outcome, at: Micros, sink: &mut dyn FnMut(Answer)) {
        for asked in self.in_flight {
            sink(Answer {
                op: asked.op,
                at,
                outcome: outcome.clone(),
            });
        }
    }
}
