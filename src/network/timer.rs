//! Performs the timed faults of the network, at their time of the stream.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::shared::{Shared, State};
use crate::domain::network::{NetworkFault, NetworkHappening};
use crate::domain::op::Micros;

/// How often the clock is looked at: it may be somebody else's than the system's.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// What is done at a time of the stream.
#[derive(Clone, Copy, Debug)]
enum Deed {
    LoseReplies,
    Stall,
    Flow,
    Reset,
}

fn deeds(faults: &[NetworkFault]) -> Vec<(Duration, Deed)> {
    let mut deeds = Vec::new();
    for fault in faults {
        match *fault {
            NetworkFault::LostReply { at } => deeds.push((at, Deed::LoseReplies)),
            NetworkFault::HalfOpen { at, lasts } => {
                deeds.push((at, Deed::Stall));
                deeds.push((at + lasts, Deed::Flow));
            }
            NetworkFault::Reset { at } => deeds.push((at, Deed::Reset)),
            NetworkFault::Delay { .. } | NetworkFault::Bandwidth { .. } => {}
        }
    }
    deeds.sort_by_key(|(at, _)| *at);
    deeds
}

/// Runs until everything is done or the proxy ends. Each stream has the faults of its own.
pub fn run(shared: &Shared, faults: &[NetworkFault]) {
    let deeds = deeds(faults);
    if deeds.is_empty() {
        return;
    }
    let mut served = None;
    loop {
        let Some(zero) = next_stream(shared, served) else {
            return;
        };
        served = Some(zero);
        for (at, deed) in &deeds {
            if !wait_until(shared, zero, *at) {
                return;
            }
            perform(shared, *deed);
        }
    }
}

/// The beginning of a stream that is not `served` yet; `None` once the proxy ends.
fn next_stream(shared: &Shared, served: Option<Micros>) -> Option<Micros> {
    let mut state = shared.lock();
    loop {
        if state.ended {
            return None;
        }
        if state.zero.is_some() && state.zero != served {
            return state.zero;
        }
        state = shared
            .changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// False once the proxy ends.
fn wait_until(shared: &Shared, zero: Micros, at: Duration) -> bool {
    let mut state = shared.lock();
    while !state.ended {
        if (shared.now)().since(zero) >= at {
            return true;
        }
        state = shared
            .changed
            .wait_timeout(state, LOOK_EVERY)
            .unwrap_or_else(PoisonError::into_inner)
            .0;
    }
    false
}

fn perform(shared: &Shared, deed: Deed) {
    let happening = {
        let mut state = shared.lock();
        match deed {
            Deed::LoseReplies => {
                for link in state.links.values() {
                    link.losing.store(true, Ordering::Release);
                }
                None
            }
            Deed::Stall => stall(&mut state, true),
            Deed::Flow => stall(&mut state, false),
            Deed::Reset => {
                let connections = state.links.len() as u64;
                for link in state.links.values() {
                    link.reset();
                }
                Some(NetworkHappening::Reset { connections })
            }
        }
    };
    shared.changed.notify_all();
    if let Some(happening) = happening {
        shared.tell(happening);
    }
}

fn stall(state: &mut State, stalled: bool) -> Option<NetworkHappening> {
    state.stalled = stalled;
    Some(if stalled {
        NetworkHappening::Stalled
    } else {
        NetworkHappening::Flows
    })
}
