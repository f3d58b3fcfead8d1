//! How a container's server ended, judged by our own record of kills, the engine's events and the exit code,
//! in this order.
//!
//! The engine's `OOMKilled` flag alone proves nothing: a BGSAVE child that ran out of memory sets it, and it
//! then stands beside our own later SIGKILL (measured).

use std::time::Duration;

use bollard::models::EventMessage;
use bollard::query_parameters::EventsOptionsBuilder;
use chrono::DateTime;
use futures_util::StreamExt;
use std::collections::HashMap;

use super::container::Seen;
use super::engine::Engine;
use crate::domain::fault::ServerEnd;

const BY_SIGKILL: i64 = 137;

/// The kernel's kill and the end of the server are told some milliseconds apart; an older `oom` event was a child's.
const OOM_TO_DEATH_NANOS: i64 = 2_000_000_000;

/// Events that come after the end that they explain.
const LATE: Duration = Duration::from_millis(300);

/// `killed_by_us`: the engine accepted our SIGKILL while the container ran.
pub(super) fn how_it_ended(
    engine: &Engine,
    container: &str,
    seen: &Seen,
    killed_by_us: bool,
) -> ServerEnd {
    if seen.exit_code == BY_SIGKILL && !killed_by_us {
        let events = events_of(engine, container, seen);
        // The flag may have come after the inspection that showed the end.
        let flag = engine
            .see(container)
            .ok()
            .flatten()
            .map_or(seen.oom_killed, |now| now.oom_killed);
        if out_of_memory(&events, flag) {
            return ServerEnd::OutOfMemory;
        }
    }
    by_exit_code(seen.exit_code)
}

fn by_exit_code(code: i64) -> ServerEnd {
    match i32::try_from(code).unwrap_or(-1) {
        code @ 129..=192 => ServerEnd::Signal { signal: code - 128 },
        code => ServerEnd::Exit { code },
    }
}

fn out_of_memory(events: &[EventMessage], flag: bool) -> bool {
    let last = |action: &str| {
        events
            .iter()
            .filter(|event| event.action.as_deref() == Some(action))
            .filter_map(|event| event.time_nano)
            .max()
    };
    if events.iter().any(is_sigkill) {
        return false;
    }
    match (last("oom"), last("die")) {
        (Some(oom), Some(died)) => died - oom <= OOM_TO_DEATH_NANOS,
        (Some(_), None) => true,
        // Podman tells no such events.
        (None, _) => flag,
    }
}

/// Somebody else's docker kill. A SIGTERM, ours too, is no end: memory may run out in the final save.
fn is_sigkill(event: &EventMessage) -> bool {
    let signal = event
        .actor
        .as_ref()
        .and_then(|actor| actor.attributes.as_ref())
        .and_then(|attributes| attributes.get("signal"));
    event.action.as_deref() == Some("kill")
        && matches!(
            signal.map(String::as_str),
            None | Some("9" | "KILL" | "SIGKILL")
        )
}

/// What happened to the container between its last start and its end. Empty if the engine does not tell.
fn events_of(engine: &Engine, container: &str, seen: &Seen) -> Vec<EventMessage> {
    let (Some(since), Some(until)) = (
        unix(&seen.started_at, Duration::ZERO),
        unix(&seen.finished_at, LATE),
    ) else {
        return Vec::new();
    };
    let filters = HashMap::from([
        ("container".to_owned(), vec![container.to_owned()]),
        (
            "event".to_owned(),
            ["oom", "kill", "die"].map(str::to_owned).to_vec(),
        ),
    ]);
    let options = EventsOptionsBuilder::default()
        .since(&since)
        .until(&until)
        .filters(&filters)
        .build();
    engine.wait(async {
        let mut events = Vec::new();
        let all = async {
            let mut stream = engine.docker.events(Some(options));
            while let Some(Ok(event)) = stream.next().await {
                events.push(event);
            }
        };
        // Over at `until` by the engine's clock; the limit is for clocks that stand still.
        let _over = tokio::time::timeout(Duration::from_secs(2), all).await;
        events
    })
}

/// `1763671294.123456789`, from the engine's own time stamp so that its clock counts.
fn unix(stamp: &str, later: Duration) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(stamp).ok()? + later;
    Some(format!(
        "{}.{:09}",
        at.timestamp(),
        at.timestamp_subsec_nanos()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, millis: i64) -> EventMessage {
        EventMessage {
            action: Some(action.to_owned()),
            time_nano: Some(millis * 1_000_000),
            ..EventMessage::default()
        }
    }

    #[test]
    fn exit_codes_above_128_are_signals() {
        assert_eq!(by_exit_code(137), ServerEnd::Signal { signal: 9 });
        assert_eq!(by_exit_code(139), ServerEnd::Signal { signal: 11 });
        assert_eq!(by_exit_code(0), ServerEnd::Exit { code: 0 });
        assert_eq!(by_exit_code(1), ServerEnd::Exit { code: 1 });
        assert_eq!(by_exit_code(255), ServerEnd::Exit { code: 255 });
    }

    #[test]
    fn the_server_ran_out_of_memory_if_the_oom_came_right_before_its_end() {
        assert!(out_of_memory(
            &[event("oom", 9_990), event("die", 10_000)],
            true
        ));
    }

    #[test]
    fn a_childs_oom_long_before_the_end_is_not_to_blame() {
        assert!(!out_of_memory(
            &[event("oom", 1_000), event("die", 10_000)],
            true
        ));
    }

    #[test]
    fn somebody_elses_kill_is_a_kill_whatever_the_flag_says() {
        let events = [
            event("oom", 9_000),
            event("kill", 9_900),
            event("die", 10_000),
        ];
        assert!(!out_of_memory(&events, true));
    }

    #[test]
    fn without_events_the_flag_decides() {
        assert!(out_of_memory(&[], true));
        assert!(!out_of_memory(&[], false));
    }
}
