//! From what bollard returns to what a user can act on: operation, cause, next step, raw text as details.
//!
//! The one table of engine error texts. Texts are those of Docker 20.10 (measured) and are matched by short
//! substrings, since newer engines and Podman word them and choose status codes differently.

use std::error::Error as _;
use std::io::ErrorKind;

use bollard::errors::Error;

use crate::backend::BackendError;
use crate::domain::event::Fix;

/// Docker's wording, then Podman's.
const NO_CONTAINER: &[&str] = &[
    "No such container",
    "no such container",
    "no container with",
];

/// `operation` completes "Cannot …"; `host` is the engine's address.
pub(super) fn explain(operation: &str, host: &str, error: &Error) -> BackendError {
    let (cause, fix) = match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => answered(*status_code, message),
        Error::DockerStreamError { error } => answered(500, error),
        _ => unreachable(host, error),
    };
    let explained = BackendError::new(format!("Cannot {operation}: {cause}")).details(chain(error));
    match fix {
        Some(fix) => explained.fix(fix),
        None => explained,
    }
}

/// The same for a pull, where the registry's words matter.
pub(super) fn explain_pull(image: &str, host: &str, error: &Error) -> BackendError {
    let operation = format!("pull {image}");
    let Some(text) = answer(error) else {
        return explain(&operation, host, error);
    };
    let cause = if has(
        text,
        &[
            "invalid reference format",
            "invalid tag format",
            "must be lowercase",
        ],
    ) {
        format!("\"{image}\" is not an image name; give one such as redis:7-alpine")
    } else if has(text, &["no matching manifest"]) {
        "the image is not made for this machine's processor; choose another image".to_owned()
    } else if has(text, &["toomanyrequests", "rate limit"]) {
        "the registry's rate limit is reached; wait, log in with docker login, or choose a local image".to_owned()
    } else if has(
        text,
        &[
            "manifest unknown",
            "not found",
            "repository does not exist",
            "access denied",
            "unauthorized",
        ],
    ) {
        "the registry does not offer this image; check name and tag, or log in with docker login"
            .to_owned()
    } else if offline(text) {
        "the registry cannot be reached; choose a local image, or bring this one with docker save and docker load".to_owned()
    } else {
        return explain(&operation, host, error);
    };
    BackendError::new(format!("Cannot {operation}: {cause}"))
        .fix(Fix::ChooseAnotherImage)
        .details(chain(error))
}

/// The engine's own text, if the engine answered at all.
fn answer(error: &Error) -> Option<&str> {
    match error {
        Error::DockerResponseServerError { message, .. } => Some(message),
        Error::DockerStreamError { error } => Some(error),
        _ => None,
    }
}

fn offline(text: &str) -> bool {
    has(
        text,
        &[
            "dial tcp",
            "lookup",
            "no such host",
            "network is unreachable",
            "connection refused",
            "connection reset",
            "i/o timeout",
            "TLS handshake timeout",
            "proxyconnect",
            "Client.Timeout",
            "no route to host",
            "EOF",
        ],
    )
}

/// The engine answered, and said no.
fn answered(status: u16, text: &str) -> (String, Option<Fix>) {
    let known: &[(&[&str], &str, Option<Fix>)] = &[
        (
            &["no space left on device"],
            "the disk of the Docker engine is full; free space there, for example with docker system prune",
            None,
        ),
        (
            &["address already in use", "port is already allocated"],
            "another program has taken the server's port while the server was down; end that program and start again",
            Some(Fix::TryAgain),
        ),
        (
            &["No such image", "no such image"],
            "the image is not on this engine; pull it or choose a local one",
            Some(Fix::ChooseAnotherImage),
        ),
        (
            &["executable file not found", "exec: "],
            "the image does not hold the server program; choose a Redis or Valkey image",
            Some(Fix::ChooseAnotherImage),
        ),
        (
            NO_CONTAINER,
            "somebody else has removed the container; start the server again",
            Some(Fix::TryAgain),
        ),
        (
            &["client version"],
            "this engine's API is not one that Crashdrill speaks; update the engine or use the local redis-server",
            Some(Fix::UseLocalServer),
        ),
        (
            &[
                "bridge docker0",
                "adding interface",
                "failed to create endpoint",
            ],
            "the engine's network is broken; restart the engine or use the local redis-server",
            Some(Fix::UseLocalServer),
        ),
        (
            &["Minimum memory limit", "minimum memory limit"],
            "the memory limit is below the engine's minimum of 6 MB; raise it",
            None,
        ),
    ];
    for (needles, cause, fix) in known {
        if has(text, needles) {
            return ((*cause).to_owned(), *fix);
        }
    }
    (
        format!(
            "the engine answered {status}: {}; see the details",
            first_line(text)
        ),
        None,
    )
}

/// Nobody answered, or not as an engine does.
fn unreachable(host: &str, error: &Error) -> (String, Option<Fix>) {
    let local = "or use the local redis-server";
    let cause = match (error, io_kind(error)) {
        (Error::UnsupportedURISchemeError { .. }, _) => format!(
            "the address {host} is of a kind that is not supported; set DOCKER_HOST to unix:///path or tcp://127.0.0.1:port, {local}"
        ),
        (Error::RequestTimeoutError, _) => format!(
            "the engine at {host} does not answer in time; look after it (docker info), {local}"
        ),
        (_, Some(ErrorKind::PermissionDenied)) => format!(
            "no permission to use the engine at {host}; add yourself to group docker (sudo usermod -aG docker \"$USER\", then log in again), {local}"
        ),
        (Error::SocketNotFoundError(_), _) | (_, Some(ErrorKind::NotFound)) => format!(
            "no engine listens at {host}; start Docker (sudo systemctl start docker, or Docker Desktop), {local}"
        ),
        (_, Some(ErrorKind::ConnectionRefused)) => format!(
            "the engine at {host} is not running; start Docker (sudo systemctl start docker, or Docker Desktop), {local}"
        ),
        (Error::JsonDataError { .. }, _) => {
            format!("what answers at {host} is not a Docker engine; check DOCKER_HOST, {local}")
        }
        _ => format!(
            "the connection to the engine at {host} broke; restart the engine and try again, {local}"
        ),
    };
    (cause, Some(Fix::UseLocalServer))
}

/// The operating system's reason, wherever in the chain it hides: bollard's own text for a refused
/// connection is "Error in the hyper legacy client: client error (Connect)".
pub(super) fn io_kind(error: &Error) -> Option<ErrorKind> {
    // Transparent, hence not in its own chain of sources.
    if let Error::IOError { err } = error {
        return Some(err.kind());
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        source = cause.source();
    }
    None
}

/// The error with all its causes, one a line.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        if !text.ends_with(&line) {
            text.push('\n');
            text.push_str(&line);
        }
        source = cause.source();
    }
    text
}

/// 404, whatever is missing.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(
        error,
        Error::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}

/// The container itself, not a network or a volume of it.
pub(super) fn is_container_missing(error: &Error) -> bool {
    answer(error).is_some_and(|text| has(text, NO_CONTAINER))
}

/// Not running: 409 from Docker, 500 from Podman.
pub(super) fn is_not_running(error: &Error) -> bool {
    answer(error).is_some_and(|text| {
        has(
            text,
            &[
                "is not running",
                "can only kill running containers",
                "container state improper",
            ],
        )
    })
}

pub(super) fn is_port_taken(error: &Error) -> bool {
    answer(error).is_some_and(|text| {
        has(
            text,
            &["address already in use", "port is already allocated"],
        )
    })
}

/// A removal that is under way already, for example by the janitor.
pub(super) fn is_being_removed(error: &Error) -> bool {
    answer(error).is_some_and(|text| has(text, &["already in progress"]))
}

pub(super) fn is_volume_in_use(error: &Error) -> bool {
    answer(error).is_some_and(|text| has(text, &["volume is in use", "being used"]))
}

fn has(text: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| text.contains(needle))
}

fn first_line(text: &str) -> &str {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError {
            status_code,
            message: message.to_owned(),
        }
    }

    fn io(kind: ErrorKind) -> Error {
        Error::IOError { err: kind.into() }
    }

    #[test]
    fn every_unreachable_engine_gets_its_own_reason_and_the_way_out() {
        for (error, word) in [
            (io(ErrorKind::PermissionDenied), "group docker"),
            (io(ErrorKind::ConnectionRefused), "is not running"),
            (Error::SocketNotFoundError("/x".into()), "no engine listens"),
            (Error::RequestTimeoutError, "in time"),
            (io(ErrorKind::Other), "broke"),
            (
                Error::UnsupportedURISchemeError {
                    uri: "ssh://a".into(),
                },
                "not supported",
            ),
        ] {
            let explained = explain("start the container", "unix:///x", &error);
            assert!(explained.message.contains(word), "{}", explained.message);
            assert!(
                explained
                    .message
                    .starts_with("Cannot start the container: "),
                "{}",
                explained.message
            );
            assert_eq!(explained.fix, Some(Fix::UseLocalServer));
            assert!(!explained.details.is_empty());
        }
    }

    #[test]
    fn a_pull_tells_offline_from_missing_from_misspelt() {
        let pull = |error| explain_pull("redis:7-alpine", "unix:///x", &error);
        let offline = pull(answer(
            500,
            "Get \"https://registry/v2/\": dial tcp: lookup registry on 10.0.0.1:53: dial udp: connect: network is unreachable",
        ));
        assert!(
            offline.message.contains("docker load"),
            "{}",
            offline.message
        );
        assert_eq!(offline.fix, Some(Fix::ChooseAnotherImage));
        let missing = pull(answer(
            404,
            "manifest for redis:9 not found: manifest unknown: manifest unknown",
        ));
        assert!(
            missing.message.contains("check name and tag"),
            "{}",
            missing.message
        );
        let misspelt = pull(answer(
            400,
            "invalid reference format: repository name must be lowercase",
        ));
        assert!(
            misspelt.message.contains("is not an image name"),
            "{}",
            misspelt.message
        );
        let full = pull(Error::DockerStreamError {
            error: "failed to register layer: write /opt/pad.bin: no space left on device".into(),
        });
        assert!(
            full.message.contains("disk of the Docker engine is full"),
            "{}",
            full.message
        );
    }

    #[test]
    fn an_unknown_answer_is_quoted() {
        let explained = explain(
            "pause the server",
            "unix:///x",
            &answer(500, "cgroups: oh no\nmore"),
        );
        assert_eq!(
            explained.message,
            "Cannot pause the server: the engine answered 500: cgroups: oh no; see the details"
        );
        assert!(explained.details.contains("more"));
    }

    #[test]
    fn a_port_taken_is_told_in_both_wordings() {
        for text in [
            "driver failed programming external connectivity on endpoint x: Error starting userland proxy: listen tcp4 127.0.0.1:42795: bind: address already in use",
            "Bind for 127.0.0.1:42795 failed: port is already allocated",
        ] {
            assert!(is_port_taken(&answer(500, text)));
        }
    }
}
