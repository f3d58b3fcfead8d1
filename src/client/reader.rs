//! The client that looks into somebody's store: it can ask, and it cannot do anything else.
//!
//! Read-only by construction: the connection is private, and the only way to send something is [`Ask`], a closed
//! list of reading commands. KEYS and MONITOR are not on it, and nothing that walks a large key at once.
//!
//! Reading is not without a trace: on a server before 7.2 the commands that read a value refresh its idle time,
//! which eviction goes by. From 7.2 on CLIENT NO-TOUCH spares it. TYPE, PTTL, OBJECT and MEMORY USAGE never
//! touch (`src/db.c`, LOOKUP_NOTOUCH), and are asked first. A key that is past its TTL is removed by whoever looks
//! at it, as by any reader.

use std::collections::BTreeSet;
use std::sync::{Arc, Once};
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, TlsCertificates, Value};

use super::budget::Budget;
pub use super::read_error::ReadError;
use super::target::{Place, Target};

/// Longest that a server may be silent.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// A question. There is no command behind any of these that changes a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    Ping,
    Info,
    ConfigGet(&'a str),
    DbSize,
    Role,
    WhoAmI,
    /// Tells the server who is asking.
    SetName,
    /// Spares idle times; Redis 7.2 and later.
    NoTouch,
    Scan {
        cursor: u64,
        count: u64,
    },
    Type(&'a [u8]),
    TtlMillis(&'a [u8]),
    Encoding(&'a [u8]),
    IdleTime(&'a [u8]),
    Frequency(&'a [u8]),
    MemoryUsage(&'a [u8]),
    StringLen(&'a [u8]),
    StringRange(&'a [u8], u64, i64),
    ListLen(&'a [u8]),
    ListRange(&'a [u8], u64, i64),
    HashLen(&'a [u8]),
    HashScan {
        key: &'a [u8],
        cursor: u64,
        count: u64,
    },
    ZsetLen(&'a [u8]),
    ZsetRange(&'a [u8], u64, i64),
    StreamLen(&'a [u8]),
    /// Entries from an id on; `-` is the first, `(id` the next after it.
    StreamRange {
        key: &'a [u8],
        from: &'a str,
        count: u64,
    },
    Json(&'a [u8]),
}

impl Ask<'_> {
    /// As it is called in an access list.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Ask::Ping => "PING",
            Ask::Info => "INFO",
            Ask::ConfigGet(_) => "CONFIG GET",
            Ask::DbSize => "DBSIZE",
            Ask::Role => "ROLE",
            Ask::WhoAmI => "ACL WHOAMI",
            Ask::SetName => "CLIENT SETNAME",
            Ask::NoTouch => "CLIENT NO-TOUCH",
            Ask::Scan { .. } => "SCAN",
            Ask::Type(_) => "TYPE",
            Ask::TtlMillis(_) => "PTTL",
            Ask::Encoding(_) => "OBJECT ENCODING",
            Ask::IdleTime(_) => "OBJECT IDLETIME",
            Ask::Frequency(_) => "OBJECT FREQ",
            Ask::MemoryUsage(_) => "MEMORY USAGE",
            Ask::StringLen(_) => "STRLEN",
            Ask::StringRange(..) => "GETRANGE",
            Ask::ListLen(_) => "LLEN",
            Ask::ListRange(..) => "LRANGE",
            Ask::HashLen(_) => "HLEN",
            Ask::HashScan { .. } => "HSCAN",
            Ask::ZsetLen(_) => "ZCARD",
            Ask::ZsetRange(..) => "ZRANGE",
            Ask::StreamLen(_) => "XLEN",
            Ask::StreamRange { .. } => "XRANGE",
            Ask::Json(_) => "JSON.GET",
        }
    }

    fn command(&self) -> Cmd {
        let mut command = Cmd::new();
        for word in self.name().split(' ') {
            command.arg(word);
        }
        match self {
            Ask::Ping | Ask::Info | Ask::DbSize | Ask::Role | Ask::WhoAmI => {}
            Ask::ConfigGet(name) => {
                command.arg(name);
            }
            Ask::SetName => {
                command.arg("crashdrill-inspect");
            }
            Ask::NoTouch => {
                command.arg("ON");
            }
            Ask::Scan { cursor, count } => {
                command.arg(cursor).arg("COUNT").arg(count);
            }
            Ask::Type(key)
            | Ask::TtlMillis(key)
            | Ask::Encoding(key)
            | Ask::IdleTime(key)
            | Ask::Frequency(key)
            | Ask::MemoryUsage(key)
            | Ask::StringLen(key)
            | Ask::ListLen(key)
            | Ask::HashLen(key)
            | Ask::ZsetLen(key)
            | Ask::StreamLen(key)
            | Ask::Json(key) => {
                command.arg(key);
            }
            Ask::StringRange(key, from, to)
            | Ask::ListRange(key, from, to)
            | Ask::ZsetRange(key, from, to) => {
                command.arg(key).arg(from).arg(to);
            }
            Ask::HashScan { key, cursor, count } => {
                command.arg(key).arg(cursor).arg("COUNT").arg(count);
            }
            Ask::StreamRange { key, from, count } => {
                command.arg(key).arg(from).arg("+").arg("COUNT").arg(count);
            }
        }
        command
    }
}

/// What the server said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Nil,
    Number(i64),
    Bytes(Vec<u8>),
    Many(Vec<Answer>),
    /// An error reply in the server's own words.
    Refused(String),
}

impl Answer {
    fn of(value: Value) -> Answer {
        match value {
            Value::Nil => Answer::Nil,
            Value::Int(number) => Answer::Number(number),
            Value::BulkString(bytes) => Answer::Bytes(bytes),
            Value::SimpleString(text) => Answer::Bytes(text.into_bytes()),
            Value::Okay => Answer::Bytes(b"OK".to_vec()),
            Value::Array(values) => Answer::Many(values.into_iter().map(Answer::of).collect()),
            Value::ServerError(error) => {
                let detail = error.details().unwrap_or_default();
                Answer::Refused(format!("{} {detail}", error.code()).trim().to_owned())
            }
            other => Answer::Bytes(format!("{other:?}").into_bytes()),
        }
    }

    /// The text; empty if it is none.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Answer::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Answer::Number(number) => number.to_string(),
            _ => String::new(),
        }
    }

    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Answer::Number(number) => Some(*number),
            Answer::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Cursor and items of SCAN and its kin.
    #[must_use]
    pub fn scanned(self) -> Option<(u64, Vec<Answer>)> {
        let Answer::Many(parts) = self else {
            return None;
        };
        let [cursor, items] = <[Answer; 2]>::try_from(parts).ok()?;
        let Answer::Many(items) = items else {
            return None;
        };
        Some((cursor.text().parse().ok()?, items))
    }
}

/// The connection.
pub struct Reader {
    connection: redis::Connection,
    host: String,
    budget: Arc<Budget>,
    refused: BTreeSet<&'static str>,
    /// CLIENT NO-TOUCH is in force.
    pub untouched: bool,
}

impl Reader {
    /// Connects and makes sure that a Redis answers that lets us in.
    ///
    /// # Errors
    /// Whatever is wrong with address, way in, encryption, or the other side.
    pub fn open(target: &Target, budget: Arc<Budget>) -> Result<Reader, ReadError> {
        let host = target.host();
        let opened = client(target)?
            .get_connection_with_timeout(CONNECT_WITHIN)
            .and_then(|connection| {
                connection.set_read_timeout(Some(CONNECT_WITHIN))?;
                connection.set_write_timeout(Some(TIMEOUT))?;
                Ok(connection)
            });
        let connection = opened.map_err(|error| explain_opening(target, &error))?;
        let mut reader = Reader {
            connection,
            host,
            budget,
            refused: BTreeSet::new(),
            untouched: false,
        };
        reader.greet(target)?;
        let timeout = reader.connection.set_read_timeout(Some(TIMEOUT));
        timeout.map_err(|error| reader.explain(&error))?;
        Ok(reader)
    }

    fn greet(&mut self, target: &Target) -> Result<(), ReadError> {
        let command = Ask::Ping.command();
        let _ = self.budget.wait(1);
        let host = self.host.clone();
        match command.query::<Value>(&mut self.connection) {
            Ok(Value::SimpleString(pong)) if pong == "PONG" => {}
            Ok(other) => {
                return Err(ReadError::NotRedis {
                    host,
                    answer: format!("{other:?}"),
                });
            }
            Err(error) if is_full(&error) => return Err(ReadError::Full { host }),
            Err(error) => match error.code() {
                Some("NOAUTH" | "WRONGPASS" | "DENIED" | "LOADING" | "BUSYLOADING") | None => {
                    return Err(explain_opening(target, &error));
                }
                // PING may be forbidden where reading is not, and a server that cannot save refuses it as it
                // refuses writes (MISCONF): the very store that somebody wants to look into.
                Some(_) => {}
            },
        }
        let answers = self.ask(&[Ask::SetName, Ask::NoTouch])?;
        self.untouched = answers[1] == Answer::Bytes(b"OK".to_vec());
        // Older servers do not know it, and that is said where it matters.
        self.refused.remove(Ask::SetName.name());
        self.refused.remove(Ask::NoTouch.name());
        Ok(())
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Commands that the server did not permit.
    #[must_use]
    pub fn refused(&self) -> &BTreeSet<&'static str> {
        &self.refused
    }

    /// Asks all of these in one go and within the budget.
    ///
    /// # Errors
    /// The connection ended, or we were stopped. An error reply is an answer.
    pub fn ask(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Answer>, ReadError> {
        if asks.is_empty() {
            return Ok(Vec::new());
        }
        if !self.budget.wait(asks.len()) {
            return Err(ReadError::Stopped);
        }
        let mut pipeline = redis::Pipeline::with_capacity(asks.len());
        pipeline.ignore_errors();
        for ask in asks {
            pipeline.add_command(ask.command());
        }
        let answers: Value = pipeline
            .query(&mut self.connection)
            .map_err(|error| self.explain(&error))?;
        let Value::Array(answers) = answers else {
            return Err(self.strange(&asks[0], &format!("{answers:?}")));
        };
        let answers: Vec<Answer> = answers.into_iter().map(Answer::of).collect();
        for (ask, answer) in asks.iter().zip(&answers) {
            if let Answer::Refused(cause) = answer
                && cause.starts_with("NOPERM")
            {
                self.refused.insert(ask.name());
            }
        }
        Ok(answers)
    }

    /// Asks one question.
    ///
    /// # Errors
    /// As [`Reader::ask`].
    pub fn ask_one(&mut self, ask: Ask<'_>) -> Result<Answer, ReadError> {
        let mut answers = self.ask(&[ask])?;
        Ok(answers.pop().unwrap_or(Answer::Nil))
    }

    /// Asks one question without whose answer nothing goes on.
    ///
    /// # Errors
    /// As [`Reader::ask`], and an error reply.
    pub fn need(&mut self, ask: Ask<'_>) -> Result<Answer, ReadError> {
        let answer = self.ask_one(ask.clone())?;
        let Answer::Refused(cause) = answer else {
            return Ok(answer);
        };
        let host = self.host.clone();
        let command = ask.name().to_owned();
        Err(match cause.split(' ').next().unwrap_or_default() {
            "LOADING" => ReadError::Loading { host },
            "NOPERM" => ReadError::NotPermitted { command, cause },
            "NOAUTH" => ReadError::NotLetIn { host, cause },
            _ => ReadError::Strange {
                host,
                command,
                cause,
            },
        })
    }

    fn strange(&self, ask: &Ask<'_>, cause: &str) -> ReadError {
        ReadError::Strange {
            host: self.host.clone(),
            command: ask.name().to_owned(),
            cause: cause.to_owned(),
        }
    }

    fn explain(&self, error: &RedisError) -> ReadError {
        let host = self.host.clone();
        if self.budget.stopped() || interrupted(error) {
            return ReadError::Stopped;
        }
        if error.is_timeout() {
            return ReadError::Silent {
                host,
                secs: TIMEOUT.as_secs(),
            };
        }
        ReadError::Gone {
            host,
            cause: error.to_string(),
        }
    }
}

pub(super) fn client(target: &Target) -> Result<redis::Client, ReadError> {
    let wrong = |error: &RedisError| ReadError::NotReached {
        host: target.host(),
        cause: error.to_string(),
    };
    let info = target.info().map_err(|error| wrong(&error))?;
    if !target.is_tls() {
        return redis::Client::open(info).map_err(|error| wrong(&error));
    }
    choose_cryptography();
    let root_cert = match &target.ca {
        None => None,
        Some(path) => {
            let authority = |cause: String| ReadError::Authority {
                cause,
                path: path.display().to_string(),
            };
            let pem = std::fs::read(path).map_err(|error| authority(error.to_string()))?;
            let begins = b"-----BEGIN CERTIFICATE-----";
            if !pem.windows(begins.len()).any(|window| window == begins) {
                return Err(authority("it holds no certificate in PEM".into()));
            }
            Some(pem)
        }
    };
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert,
    };
    redis::Client::build_with_tls(info, certificates).map_err(|error| wrong(&error))
}

/// Once for the whole program; another choice before ours is as good.
fn choose_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A signal ends a read that has a time limit (signal(7)): Ctrl-C is no fault of the server's.
fn interrupted(error: &RedisError) -> bool {
    let source = std::error::Error::source(error);
    source
        .and_then(|source| source.downcast_ref::<std::io::Error>())
        .is_some_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
}

/// Redis says it and closes (`networking.c`, acceptCommonHandler).
fn is_full(error: &RedisError) -> bool {
    error.to_string().contains("max number of clients reached")
}

/// What went wrong before the first answer.
fn explain_opening(target: &Target, error: &RedisError) -> ReadError {
    let host = target.host();
    let cause = error.to_string();
    let lower = cause.to_lowercase();
    let code = error.code().unwrap_or_default();
    if code == "LOADING" || code == "BUSYLOADING" || cause.contains("LOADING") {
        return ReadError::Loading { host };
    }
    let let_in = matches!(code, "NOAUTH" | "WRONGPASS" | "DENIED")
        || error.kind() == ErrorKind::AuthenticationFailed;
    if let_in {
        return ReadError::NotLetIn { host, cause };
    }
    if is_full(error) {
        return ReadError::Full { host };
    }
    if lower.contains("switch database") {
        let database = target.database;
        return ReadError::NoDatabase { host, database };
    }
    if lower.contains("certificaterequired") {
        return ReadError::WantsCertificate { host };
    }
    if lower.contains("certificate") || lower.contains("unknownissuer") {
        return ReadError::NotTrusted { host, cause };
    }
    let garbled = lower.contains("corrupt message") || lower.contains("invalidcontenttype");
    if garbled || speaks_plainly(target) {
        return ReadError::NoTls { host };
    }
    if error.kind() == ErrorKind::Parse {
        return ReadError::NotRedis {
            host,
            answer: "something else than the Redis protocol".into(),
        };
    }
    if error.is_timeout() {
        return ReadError::Silent {
            host,
            secs: CONNECT_WITHIN.as_secs(),
        };
    }
    if matches!(target.place, Place::Socket(_)) {
        return ReadError::NoSocket { path: host, cause };
    }
    if error.is_connection_dropped() && !error.is_connection_refusal() {
        return ReadError::ClosedAtOnce { host };
    }
    ReadError::NotReached { host, cause }
}

/// A plain server may be silent to a TLS greeting: then only a plain greeting tells. It holds no password.
fn speaks_plainly(target: &Target) -> bool {
    let Place::Tls { host, port } = &target.place else {
        return false;
    };
    let plain = Target {
        place: Place::Tcp {
            host: host.clone(),
            port: *port,
        },
        user: None,
        password: None,
        database: 0,
        ca: None,
    };
    let Ok(client) = client(&plain) else {
        return false;
    };
    let answer = client
        .get_connection_with_timeout(CONNECT_WITHIN)
        .and_then(|mut connection| {
            connection.set_read_timeout(Some(CONNECT_WITHIN))?;
            Ask::Ping.command().query::<Value>(&mut connection)
        });
    match answer {
        Ok(_) => true,
        Err(error) => error.code().is_some(),
    }
}
