//! WAITAOF (Redis 7.2 and later) as a witness of what is durable: a probe that writes, waits, and remembers how long
//! the AOF was before.
//!
//! Some servers answer too early: Redis 7.4.1 under everysec claimed 86 of 100 writes durable that were not fsynced,
//! Valkey 8.0.1 likewise; Redis 7.2.6 and 8.2.3 tell the truth. So it is believed only after a self-test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use redis::{Connection, RedisResult};

use super::connect::connect;
use super::info::Info;
use crate::backend::Endpoint;

/// The probe's key; it is deleted in the same breath.
const KEY: &str = "crashdrill:witness";
/// How long one WAITAOF may take before it is asked again.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the self-test says of this server's WAITAOF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    Believed,
    /// Why it is no witness.
    Not(String),
}

/// Under everysec every fsync comes a second after the one before. A server that tells the truth therefore keeps a
/// row of probes waiting, about a second each but for the first; one that lies answers at once. Takes up to four
/// seconds on an idle server.
pub fn self_test(connection: &mut Connection) -> Trust {
    match probe_times(connection) {
        Err(error) => Trust::Not(match error.code() {
            Some("ERR") if error.to_string().contains("unknown command") => {
                "this server has no WAITAOF (it came with Redis 7.2)".into()
            }
            _ => format!("WAITAOF fails: {error}"),
        }),
        Ok(times) => judge(&times),
    }
}

/// Times of PING, and of each probe; `None` for a probe that nothing was promised to.
struct Times {
    ping: Duration,
    probes: Vec<Option<Duration>>,
}

const PROBES: usize = 4;
/// Of the probes but the first together; in truth some three seconds.
const LEAST: Duration = Duration::from_millis(1500);
/// A server that answers PING slower than this is too busy for its WAITAOF to be judged by time.
const MOST_PING: Duration = Duration::from_millis(100);

fn probe_times(connection: &mut Connection) -> RedisResult<Times> {
    connection.set_read_timeout(Some(PATIENCE * 2))?;
    // Without the command nothing is written.
    waitaof(connection, Duration::from_millis(1))?;
    let mut times = Times {
        ping: Duration::ZERO,
        probes: Vec::new(),
    };
    for _ in 0..PROBES {
        let begun = Instant::now();
        redis::cmd("PING").query::<String>(connection)?;
        times.ping = times.ping.max(begun.elapsed());
        let begun = Instant::now();
        let durable = probe(connection)?;
        times.probes.push(durable.then(|| begun.elapsed()));
    }
    Ok(times)
}

fn judge(times: &Times) -> Trust {
    if times.probes.iter().any(Option::is_none) {
        return Trust::Not(
            "WAITAOF promises nothing here: without an fsync policy of Redis nothing is ever acknowledged".into(),
        );
    }
    let waited: Duration = times.probes.iter().skip(1).flatten().sum();
    if times.ping > MOST_PING {
        return Trust::Not(format!(
            "the server is too busy for a self-test of WAITAOF: a PING took {:.0} ms",
            times.ping.as_secs_f64() * 1e3
        ));
    }
    if waited < LEAST {
        return Trust::Not(format!(
            "WAITAOF failed its self-test: {} writes in a row were called durable within {:.0} ms, faster than once a second; it is no witness on this server",
            PROBES - 1,
            waited.as_secs_f64() * 1e3
        ));
    }
    Trust::Believed
}

/// Writes and waits until that is durable. False if the server does not say so in time.
fn probe(connection: &mut Connection) -> RedisResult<bool> {
    let mut write = redis::pipe();
    // Nobody who reads beside it sees the key.
    write.atomic();
    write.cmd("SET").arg(KEY).arg("x").ignore();
    write.cmd("DEL").arg(KEY).ignore();
    write.query::<()>(connection)?;
    waitaof(connection, PATIENCE)
}

fn waitaof(connection: &mut Connection, patience: Duration) -> RedisResult<bool> {
    let (local, _replicas): (i64, i64) = redis::cmd("WAITAOF")
        .arg(1)
        .arg(0)
        .arg(patience.as_millis() as u64)
        .query(connection)?;
    Ok(local >= 1)
}

/// A probe that runs beside the load, about once a second.
pub struct Witness {
    stop: Arc<AtomicBool>,
    proven: Arc<Mutex<Option<u64>>>,
    thread: Option<JoinHandle<()>>,
}

impl Witness {
    /// # Errors
    /// No connection or no thread.
    pub fn start(endpoint: &Endpoint) -> Result<Witness, String> {
        let mut connection = connect(endpoint, PATIENCE * 2).map_err(|error| error.to_string())?;
        let stop = Arc::new(AtomicBool::new(false));
        let proven = Arc::new(Mutex::new(None));
        let (ended, seen) = (Arc::clone(&stop), Arc::clone(&proven));
        let thread = std::thread::Builder::new()
            .name("waitaof".into())
            .spawn(move || {
                // The server's death ends it, too.
                while !ended.load(Ordering::Acquire) {
                    let Ok(bytes) = prove(&mut connection) else {
                        return;
                    };
                    if bytes.is_some() {
                        *seen.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(Witness {
            stop,
            proven,
            thread: Some(thread),
        })
    }

    /// The length of the AOF, base and INCR files together, that is proven durable; `None` if nothing is yet.
    #[must_use]
    pub fn proven_bytes(&self) -> Option<u64> {
        *self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What INFO called written before the probe was invoked is durable once the probe is.
fn prove(connection: &mut Connection) -> RedisResult<Option<u64>> {
    let written = Info::fetch(connection)?.number("aof_current_size");
    Ok(probe(connection)?.then_some(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ping: u64, probes: &[Option<u64>]) -> Times {
        Times {
            ping: Duration::from_millis(ping),
            probes: probes
                .iter()
                .map(|probe| probe.map(Duration::from_millis))
                .collect(),
        }
    }

    #[test]
    fn who_waits_is_believed_and_who_answers_at_once_is_not() {
        let honest = [Some(10), Some(1105), Some(1005), Some(1007)];
        assert_eq!(judge(&times(1, &honest)), Trust::Believed);
        let lying = [Some(0), Some(11), Some(0), Some(0)];
        let never = [None, None, None, None];
        for probes in [lying, never] {
            assert!(matches!(judge(&times(1, &probes)), Trust::Not(_)));
        }
        assert!(matches!(judge(&times(300, &honest)), Trust::Not(_)));
    }
}
