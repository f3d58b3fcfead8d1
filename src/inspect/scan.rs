//! The scan: walks all keys of a store within a budget and folds each session as it comes.
//!
//! What was found is kept whatever happens: a server that goes away in the middle leaves a survey that says so.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::config_file;
use super::content::{Ending, SMALL_BYTES, Take, question, read_paged, take_answer};
use crate::client::budget::Budget;
use crate::client::reader::{Answer, Ask, ReadError, Reader};
use crate::client::target::Target;
use crate::domain::memory::finding::Finding;
use crate::domain::memory::health::{Policy, judge};
use crate::domain::memory::layout::Layout;
use crate::domain::memory::mark::Mark;
use crate::domain::memory::pattern::Recogniser;
use crate::domain::memory::server::{DIRECTIVES, ServerFacts};
use crate::domain::memory::session::Fold;
use crate::domain::memory::survey::{Meta, Survey};

/// Questions about a key before its content.
const QUESTIONS: usize = 5;
/// Keys in one round trip at most, and at least.
const BATCH: (u64, u64) = (1, 500);
/// Round trips a second that a budget is spread over.
const ROUNDS_PER_SEC: u64 = 10;
/// Memory of sessions that are read in one round trip.
const ROUND_BYTES: u64 = 4 << 20;
/// Room for keys is made in advance up to this many: what DBSIZE says is not to be trusted with all memory.
const MAX_ROOM: usize = 4_000_000;

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub recogniser: Recogniser,
    pub policy: Policy,
}

/// How far the scan is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// As DBSIZE said at the beginning.
    pub expected: u64,
    pub keys: u64,
    pub sessions: u64,
    pub messages: u64,
    /// Commands a second of late.
    pub rate: f64,
    /// Commands sent so far.
    pub commands: u64,
}

impl Progress {
    /// 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        (self.keys as f64 / self.expected.max(1) as f64).min(1.0)
    }
}

/// Sees the messages of each session as they are read.
pub trait Sink {
    /// A session begins.
    fn session(&mut self, key: &[u8], id: &[u8], layout: Layout);
    fn message(&mut self, bytes: &[u8]);
}

/// What a scan brings home.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub survey: Survey,
    pub facts: ServerFacts,
    pub findings: Vec<Finding>,
}

/// Scans the store.
///
/// # Errors
/// Whatever happens before there is anything to keep. What happens later is in [`Survey::stopped`].
pub fn scan<'a>(
    target: &Target,
    budget: &Arc<Budget>,
    options: &'a Options,
    progress: &mut dyn FnMut(&Progress),
    sink: Option<&'a mut dyn Sink>,
) -> Result<Found, ReadError> {
    let mut reader = Reader::open(target, Arc::clone(budget))?;
    let mut facts = facts(&mut reader)?;
    facts.file = config_file::read(target, &facts);
    if facts.text("loading") == "1" {
        let host = reader.host().to_owned();
        return Err(ReadError::Loading { host });
    }
    let expected = reader.ask_one(Ask::DbSize)?.number().unwrap_or(0).max(0) as u64;
    let mut survey = Survey::with_capacity((expected as usize).min(MAX_ROOM));
    survey.began_millis = facts
        .clock_millis()
        .unwrap_or_else(|| chrono::Utc::now().timestamp_millis());
    let mut walk = Walk {
        reader,
        survey,
        lfu: facts.counts_frequency(),
        recogniser: &options.recogniser,
        fold: Fold::default(),
        sink,
        seen: HashSet::with_capacity((expected as usize).min(MAX_ROOM)),
        told: Progress {
            expected,
            ..Progress::default()
        },
    };
    let ended = walk.all(progress);
    let Walk {
        mut survey, reader, ..
    } = walk;
    match ended {
        Ok(()) => {}
        // Without SCAN there is nothing at all.
        Err(error @ ReadError::NotPermitted { .. }) if survey.rows.is_empty() => return Err(error),
        Err(ReadError::Stopped) => {
            survey.stopped = Some(format!(
                "stopped after {} of {expected} keys",
                survey.rows.len()
            ));
        }
        Err(error) => {
            survey.stopped = Some(format!(
                "{error}, after {} of {expected} keys",
                survey.rows.len()
            ));
        }
    }
    survey.unknown = unknown(&reader, &facts);
    let findings = judge(&mut survey, &facts, &options.policy);
    Ok(Found {
        survey,
        facts,
        findings,
    })
}

/// INFO and CONFIG GET, as far as they are permitted.
///
/// # Errors
/// The connection ended.
pub fn facts(reader: &mut Reader) -> Result<ServerFacts, ReadError> {
    let mut facts = ServerFacts {
        untouched: reader.untouched,
        ..ServerFacts::default()
    };
    match reader.need(Ask::Info) {
        Ok(answer) => facts.info = ServerFacts::parse_info(&answer.text()),
        Err(ReadError::NotPermitted { .. } | ReadError::Strange { .. }) => {}
        Err(error) => return Err(error),
    }
    let asks: Vec<Ask<'_>> = DIRECTIVES.iter().map(|name| Ask::ConfigGet(name)).collect();
    for answer in reader.ask(&asks)? {
        if let Answer::Many(words) = answer
            && let [name, value] = words.as_slice()
        {
            facts.config.insert(name.text(), value.text());
        }
    }
    Ok(facts)
}

/// What is not known, and why.
fn unknown(reader: &Reader, facts: &ServerFacts) -> Vec<String> {
    let mut unknown = Vec::new();
    for command in reader.refused() {
        let lost = match *command {
            "INFO" => "the server's state, memory and persistence",
            "CONFIG GET" => "save points, appendfsync and other settings",
            "TYPE" => "the layout of keys",
            "PTTL" => "TTLs",
            "MEMORY USAGE" => "bytes",
            "OBJECT IDLETIME" | "OBJECT FREQ" => "idle times",
            "OBJECT ENCODING" => "encodings",
            "DBSIZE" => "how many keys there are",
            _ => "messages of some sessions",
        };
        unknown.push(format!(
            "{command} is not permitted, so {lost} are not known"
        ));
    }
    // Managed servers rename or hide CONFIG instead of forbidding it.
    if facts.config.is_empty() && !reader.refused().contains("CONFIG GET") {
        unknown.push("CONFIG GET was not answered, so the server's settings are not known".into());
    }
    if facts.counts_frequency() {
        unknown.push("Under an LFU policy the server counts no idle times".into());
    }
    unknown
}

struct Walk<'a> {
    reader: Reader,
    survey: Survey,
    lfu: bool,
    recogniser: &'a Recogniser,
    fold: Fold,
    sink: Option<&'a mut dyn Sink>,
    /// Hashes of keys: SCAN may show a key more than once.
    seen: HashSet<u64>,
    told: Progress,
}

/// A session whose content is to be read.
struct Due {
    row: u32,
    layout: Layout,
    bytes: u64,
}

impl Walk<'_> {
    fn all(&mut self, progress: &mut dyn FnMut(&Progress)) -> Result<(), ReadError> {
        let mut cursor = 0;
        loop {
            let count = self.batch();
            let answer = self.reader.need(Ask::Scan { cursor, count })?;
            let Some((next, keys)) = answer.scanned() else {
                return Err(ReadError::NotRedis {
                    host: self.reader.host().to_owned(),
                    answer: "SCAN in a way that is not understood".into(),
                });
            };
            let keys: Vec<Vec<u8>> = keys
                .into_iter()
                .filter_map(|key| match key {
                    Answer::Bytes(key) => self.is_new(&key).then_some(key),
                    _ => None,
                })
                .collect();
            // A SCAN may bring more than it was asked for.
            for keys in keys.chunks(count as usize) {
                self.keys(keys)?;
                self.tell(progress);
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }

    /// Small enough that the budget is spent evenly, large enough that round trips do not dominate.
    fn batch(&self) -> u64 {
        match u64::from(self.reader.budget().limit()) {
            0 => BATCH.1,
            limit => (limit / ROUNDS_PER_SEC / (QUESTIONS as u64 + 1)).clamp(BATCH.0, BATCH.1),
        }
    }

    fn is_new(&mut self, key: &[u8]) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.seen.insert(hasher.finish())
    }

    fn tell(&mut self, progress: &mut dyn FnMut(&Progress)) {
        let budget = self.reader.budget();
        self.told.keys = self.survey.rows.len() as u64;
        self.told.sessions = self.survey.sessions;
        self.told.messages = self.survey.messages;
        self.told.rate = budget.rate();
        self.told.commands = budget.used();
        progress(&self.told);
    }

    fn keys(&mut self, keys: &[Vec<u8>]) -> Result<(), ReadError> {
        let asks: Vec<Ask<'_>> = keys
            .iter()
            .flat_map(|key| {
                [
                    Ask::Type(key),
                    Ask::TtlMillis(key),
                    if self.lfu {
                        Ask::Frequency(key)
                    } else {
                        Ask::IdleTime(key)
                    },
                    Ask::Encoding(key),
                    Ask::MemoryUsage(key),
                ]
            })
            .collect();
        let answers = self.reader.ask(&asks)?;
        let mut due = Vec::new();
        for (key, answers) in keys.iter().zip(answers.chunks(QUESTIONS)) {
            match meta(answers, self.lfu) {
                Some(meta) => due.extend(self.add(key, &meta)),
                None => self.survey.gone += 1,
            }
        }
        self.contents(&due)
    }

    fn add(&mut self, key: &[u8], meta: &Meta) -> Option<Due> {
        let is_session = meta.layout.holds_messages() && self.recogniser.id(key).is_some();
        let row = self.survey.push(key, meta, is_session);
        is_session.then_some(Due {
            row,
            layout: meta.layout,
            bytes: meta.bytes,
        })
    }

    fn contents(&mut self, due: &[Due]) -> Result<(), ReadError> {
        let mut rest = due;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |due: &&Due| {
                bytes += due.bytes;
                is_small(due) && bytes <= ROUND_BYTES
            };
            let round = rest.iter().take_while(fits).count();
            if round == 0 {
                self.paged(&rest[0])?;
                rest = &rest[1..];
            } else {
                self.round(&rest[..round])?;
                rest = &rest[round..];
            }
        }
        Ok(())
    }

    /// Small sessions in one round trip.
    fn round(&mut self, due: &[Due]) -> Result<(), ReadError> {
        let asks: Vec<Ask<'_>> = due
            .iter()
            .filter_map(|due| question(self.survey.key(due.row), due.layout))
            .collect();
        let answers = self.reader.ask(&asks)?;
        for (due, answer) in due.iter().zip(answers) {
            let ending = take_answer(due.layout, answer, &mut self.taker(due));
            if ending == Ending::TooLarge {
                self.paged(due)?;
            } else {
                self.end(due, ending);
            }
        }
        Ok(())
    }

    fn paged(&mut self, due: &Due) -> Result<(), ReadError> {
        let key = self.survey.key(due.row).to_vec();
        self.fold.begin();
        let mut taker = Taker {
            fold: &mut self.fold,
            sink: begun(&mut self.sink, self.recogniser, &key, due.layout),
        };
        let ending = read_paged(&mut self.reader, &key, due.layout, due.bytes, &mut taker)?;
        self.end(due, ending);
        Ok(())
    }

    fn taker(&mut self, due: &Due) -> Taker<'_> {
        self.fold.begin();
        let key = self.survey.key(due.row);
        Taker {
            fold: &mut self.fold,
            sink: begun(&mut self.sink, self.recogniser, key, due.layout),
        }
    }

    fn end(&mut self, due: &Due, ending: Ending) {
        let summary = self.fold.finish();
        self.survey.fill(due.row, summary, self.fold.hashes());
        match ending {
            Ending::Whole | Ending::TooLarge => {}
            Ending::Changed(how) => self.survey.mark(due.row, Mark::Changed, || how),
            Ending::Unread(why) => self.survey.mark(due.row, Mark::Unread, || why),
            Ending::Gone => self.survey.withdraw(due.row),
        }
    }
}

fn is_small(due: &Due) -> bool {
    // Bytes that are not known may be many.
    due.bytes > 0 && due.bytes <= SMALL_BYTES
}

fn begun<'a>(
    sink: &'a mut Option<&mut dyn Sink>,
    recogniser: &Recogniser,
    key: &[u8],
    layout: Layout,
) -> Option<&'a mut dyn Sink> {
    let sink = sink.as_deref_mut()?;
    let id = recogniser.id(key).map_or(key, |id| &key[id]);
    sink.session(key, id, layout);
    // The borrow of the walk is shorter than the sink's own life.
    let sink: &mut dyn Sink = sink;
    Some(sink)
}

struct Taker<'a> {
    fold: &'a mut Fold,
    sink: Option<&'a mut dyn Sink>,
}

impl Take for Taker<'_> {
    fn message(&mut self, bytes: &[u8], at: Option<f64>) {
        self.fold.message(bytes, at);
        if let Some(sink) = &mut self.sink {
            sink.message(bytes);
        }
    }

    fn broken(&mut self, bytes: &[u8], error: &str) {
        self.fold.broken(bytes, error);
        if let Some(sink) = &mut self.sink {
            sink.message(bytes);
        }
    }
}

/// `None` for a key that is gone.
fn meta(answers: &[Answer], lfu: bool) -> Option<Meta> {
    let [kind, ttl, idle, encoding, bytes] = answers else {
        return None;
    };
    let layout = match kind {
        Answer::Bytes(_) => Layout::of_type(&kind.text())?,
        _ => Layout::Other,
    };
    let ttl_millis = ttl.number();
    if ttl_millis == Some(-2) {
        return None;
    }
    Some(Meta {
        layout,
        ttl_millis,
        idle_secs: idle
            .number()
            .filter(|_| !lfu)
            .and_then(|secs| u64::try_from(secs).ok()),
        bytes: bytes
            .number()
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(0),
        encoding: encoding.text(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str) -> Answer {
        Answer::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn a_key_that_is_gone_is_no_key_and_a_forbidden_question_is_not_an_answer() {
        let n = Answer::Number;
        let gone = [word("none"), n(-2), Answer::Nil, Answer::Nil, Answer::Nil];
        assert!(meta(&gone, false).is_none());
        let no = || Answer::Refused("NOPERM".into());
        let forbidden = [word("list"), no(), no(), no(), no()];
        let meta = meta(&forbidden, false).unwrap();
        assert_eq!(
            (meta.layout, meta.ttl_millis, meta.idle_secs, meta.bytes),
            (Layout::List, None, None, 0)
        );
    }
}
