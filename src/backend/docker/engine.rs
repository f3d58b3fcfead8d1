//! Finding the user's engine, connecting to it, and waiting for its answers.
//!
//! Owns the small runtime that bollard needs; above this room everything blocks. Knows nothing of containers.

use std::future::Future;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use tokio::runtime::Runtime;

use super::candidate::{Candidate, Search};
use super::errors;
use crate::backend::{BackendError, Result, Watch};
use crate::domain::event::Fix;

/// Docker 20.10's, the oldest that this was measured against.
const OLDEST_API: (u32, u32) = (1, 41);

/// How long an engine may take to say who it is: Podman was seen to take 0.4 s.
const HELLO: Duration = Duration::from_secs(5);

/// Up to the first byte of an answer. Create, start and kill were measured at 0.02 to 0.35 s; a busy disk takes longer.
const ANSWER: Duration = Duration::from_secs(60);

/// How often a long call looks whether it has been cancelled.
pub(super) const GLANCE: Duration = Duration::from_millis(50);

/// An order that has been given is waited for this long after a cancel: leaving at once would
/// orphan a container that the engine is just making.
const AFTER_CANCEL: Duration = Duration::from_secs(5);

/// An engine as it describes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// `20.10.24+dfsg1`.
    pub version: String,
    /// `1.41`.
    pub api: String,
    /// `unix:///var/run/docker.sock`.
    pub host: String,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub os: String,
    pub rootless: bool,
}

/// Whether an engine answers, for the choice between backends.
///
/// # Errors
/// None of the places answers within `timeout`; the details hold the reason of each.
pub fn probe(timeout: Duration) -> Result<EngineInfo> {
    Engine::search(&Search::from_env(), timeout).map(|engine| engine.info)
}

/// A connected engine.
pub struct Engine {
    runtime: Runtime,
    pub(super) docker: Docker,
    pub info: EngineInfo,
}

impl Engine {
    /// Asks, in turn, `DOCKER_HOST` (alone, if set), the current docker context and the usual sockets.
    ///
    /// # Errors
    /// No engine answers. The message gives the most telling reason, the details all of them.
    pub fn connect() -> Result<Engine> {
        Engine::search(&Search::from_env(), HELLO)
    }

    /// Connects to this address and no other.
    ///
    /// # Errors
    /// See [`Engine::connect`].
    pub fn connect_to(host: &str) -> Result<Engine> {
        let search = Search {
            docker_host: Some(host.to_owned()),
            ..Search::default()
        };
        Engine::search(&search, HELLO)
    }

    fn search(search: &Search, timeout: Duration) -> Result<Engine> {
        let runtime = runtime()?;
        let mut refusals = Vec::new();
        let answer = runtime.block_on(async {
            let all = async {
                for candidate in search.candidates() {
                    // One that hangs must not keep the others from being asked.
                    match tokio::time::timeout(timeout / 2, hello(&candidate)).await {
                        Ok(Ok(answer)) => return Some(answer),
                        Ok(Err(refusal)) => refusals.push((candidate, refusal)),
                        Err(_) => {
                            let refusal = errors::explain(
                                "use Docker",
                                &candidate.host,
                                &Error::RequestTimeoutError,
                            );
                            refusals.push((candidate, refusal));
                        }
                    }
                }
                None
            };
            tokio::time::timeout(timeout, all).await.ok().flatten()
        });
        match answer {
            Some((docker, info)) => Ok(Engine {
                runtime,
                docker,
                info,
            }),
            None => Err(no_engine(refusals)),
        }
    }

    /// Waits for an answer and hands on bollard's own error, for callers that tell one from another.
    pub(super) fn ask<T>(
        &self,
        question: impl Future<Output = std::result::Result<T, Error>>,
    ) -> std::result::Result<T, Error> {
        self.runtime.block_on(question)
    }

    /// Waits for anything.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Waits for an answer; `operation` completes "Cannot …".
    pub(super) fn run<T>(
        &self,
        operation: &str,
        order: impl Future<Output = std::result::Result<T, Error>>,
    ) -> Result<T> {
        self.ask(order)
            .map_err(|error| self.explain(operation, &error))
    }

    /// Like [`Engine::run`], but leaves on a cancel, at the latest a few seconds after it.
    pub(super) fn run_watched<T>(
        &self,
        operation: &str,
        watch: &dyn Watch,
        order: impl Future<Output = std::result::Result<T, Error>>,
    ) -> Result<std::result::Result<T, Error>> {
        self.wait(async {
            tokio::pin!(order);
            tokio::select! {
                answer = &mut order => return Ok(answer),
                () = cancelled(watch) => {}
            }
            match tokio::time::timeout(AFTER_CANCEL, order).await {
                Ok(answer) => Ok(answer),
                Err(_) => Err(was_cancelled(operation)),
            }
        })
    }

    pub(super) fn explain(&self, operation: &str, error: &Error) -> BackendError {
        errors::explain(operation, &self.info.host, error)
    }
}

/// Returns once the user has cancelled.
pub(super) async fn cancelled(watch: &dyn Watch) {
    while !watch.cancelled() {
        tokio::time::sleep(GLANCE).await;
    }
}

pub(super) fn was_cancelled(operation: &str) -> BackendError {
    BackendError::new(format!("Cannot {operation}: cancelled"))
}

fn runtime() -> Result<Runtime> {
    // One worker beside the caller: dropped streams are closed even while nobody waits.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("docker")
        .enable_all()
        .build()
        .map_err(|error| {
            BackendError::new("Cannot use Docker: no thread can be started on this machine; end other programs and try again")
                .details(error.to_string())
        })
}

/// Connects, and makes sure that what answers is an engine that we can use.
async fn hello(candidate: &Candidate) -> Result<(Docker, EngineInfo)> {
    let host = candidate.host.as_str();
    let explain = |error: Error| errors::explain("use Docker", host, &error);
    refuse_remote(host)?;
    let docker = Docker::connect_with_host(host)
        .map_err(explain)?
        .with_timeout(ANSWER)
        // 0.21 sends no version prefix with or without this; later versions will.
        .negotiate_version()
        .await
        .map_err(explain)?;
    // A web server answers a ping with a page, and bollard takes it for an answer.
    let pong = docker.ping().await.map_err(explain)?;
    if pong.trim() != "OK" {
        return Err(BackendError::new(format!(
            "Cannot use Docker: what answers at {host} is not a Docker engine; check DOCKER_HOST, or use the local redis-server"
        ))
        .fix(Fix::UseLocalServer)
        .details(pong.chars().take(500).collect::<String>()));
    }
    let version = docker.version().await.map_err(explain)?;
    let system = docker.info().await.map_err(explain)?;
    let info = EngineInfo {
        version: version.version.unwrap_or_default(),
        api: version.api_version.unwrap_or_default(),
        host: host.to_owned(),
        os: system.operating_system.unwrap_or_default(),
        rootless: system
            .security_options
            .unwrap_or_default()
            .iter()
            .any(|option| option.contains("rootless")),
    };
    if !api_is_enough(&info.api) {
        return Err(BackendError::new(format!(
            "Cannot use Docker: the engine {} at {host} speaks API {}, and {}.{} is the oldest that works; update Docker, or use the local redis-server",
            info.version, info.api, OLDEST_API.0, OLDEST_API.1
        ))
        .fix(Fix::UseLocalServer));
    }
    if version.os.as_deref() == Some("windows") {
        return Err(BackendError::new(
            "Cannot use Docker: the engine runs Windows containers; switch it to Linux containers, or use the local redis-server",
        )
        .fix(Fix::UseLocalServer));
    }
    Ok((docker, info))
}

/// Ports are published on the engine's own 127.0.0.1, which from another machine is not ours.
fn refuse_remote(host: &str) -> Result<()> {
    let Some(address) = host
        .strip_prefix("tcp://")
        .or_else(|| host.strip_prefix("http://"))
    else {
        return Ok(());
    };
    let name = address
        .rsplit_once(':')
        .map_or(address, |(name, _)| name)
        .trim_matches(['[', ']']);
    let loopback = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback {
        return Ok(());
    }
    Err(BackendError::new(format!(
        "Cannot use Docker: the engine at {host} is on another machine, where a server bound to 127.0.0.1 cannot be reached from here; use an engine on this machine, or the local redis-server"
    ))
    .fix(Fix::UseLocalServer))
}

fn api_is_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_API,
        _ => false,
    }
}

/// Of several refusals the one speaks that the user can do most about: a socket that is there before one that is not.
fn no_engine(mut refusals: Vec<(Candidate, BackendError)>) -> BackendError {
    let details = refusals
        .iter()
        .map(|(candidate, refusal)| {
            let reason = refusal
                .details
                .lines()
                .last()
                .filter(|line| !line.is_empty())
                .unwrap_or(&refusal.message);
            format!("{} ({}): {reason}", candidate.host, candidate.from)
        })
        .collect::<Vec<_>>()
        .join("\n");
    let there = refusals.iter().position(|(candidate, _)| {
        candidate
            .host
            .strip_prefix("unix://")
            .is_none_or(|path| Path::new(path).exists())
    });
    if refusals.is_empty() {
        return BackendError::new(
            "Cannot use Docker: no engine answers in time; start Docker, or use the local redis-server",
        )
        .fix(Fix::UseLocalServer);
    }
    refusals
        .swap_remove(there.unwrap_or_default())
        .1
        .fix(Fix::UseLocalServer)
        .details(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_on_another_machine_is_refused() {
        for near in [
            "unix:///var/run/docker.sock",
            "tcp://127.0.0.1:2375",
            "tcp://localhost:2375",
            "tcp://[::1]:2375",
            "http://127.0.0.1",
        ] {
            assert!(refuse_remote(near).is_ok(), "{near}");
        }
        for far in ["tcp://10.0.0.5:2375", "tcp://docker:2375"] {
            assert!(refuse_remote(far).is_err(), "{far}");
        }
    }

    #[test]
    fn an_old_or_unreadable_api_is_refused() {
        assert!(api_is_enough("1.41"));
        assert!(api_is_enough("1.53"));
        assert!(api_is_enough("2.0"));
        assert!(!api_is_enough("1.12"));
        assert!(!api_is_enough(""));
    }

    #[test]
    fn no_socket_at_all_says_how_to_start_docker_and_lists_the_places() {
        let search = Search {
            docker_host: Some("unix:///nonexistent/docker.sock".into()),
            ..Search::default()
        };
        let Err(error) = Engine::search(&search, HELLO) else {
            panic!("nothing listens there")
        };
        assert!(error.message.contains("start Docker"), "{}", error.message);
        assert!(
            error
                .details
                .contains("/nonexistent/docker.sock (DOCKER_HOST)")
        );
        assert_eq!(error.fix, Some(Fix::UseLocalServer));
    }
}
