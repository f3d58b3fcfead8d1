//! A drill against a store of the user's: what only Redis' own bytes could tell is left out, and the readback asks
//! the store itself.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::drill::Drill;
use super::load::Meter;
use super::stop::{Step, Stop};
use crate::adapter::{Store, StoreCommand, url};
use crate::backend::{Endpoint, Watch};
use crate::domain::evidence::DiskEvidence;
use crate::domain::op::SessionId;
use crate::domain::readback::SessionReadback;
use crate::domain::workload::{MessageMaker, Rate};

/// Longest silence of a store that is asked for a session.
const PATIENCE: Duration = Duration::from_secs(10);

impl Drill {
    /// The plan's store.
    pub(super) fn store_command(&self) -> Step<Option<StoreCommand>> {
        let parsed = self.plan.store.as_deref().map(StoreCommand::parse);
        parsed.transpose().map_err(Stop::failed)
    }

    /// A store's processes take a while to start, and the time of a drill begins when they are there.
    pub(super) fn await_store(&mut self) -> Step {
        let Some(streaming) = self.plan.store.as_ref().and(self.streaming.as_ref()) else {
            return Ok(());
        };
        let meter = Arc::clone(&streaming.meter);
        self.attention
            .doing("Waiting for your store to greet", None);
        while !meter.ready.load(Ordering::Acquire) && !meter.finished.load(Ordering::Acquire) {
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            self.look_after()?;
            if self.streaming.is_none() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Every session as the store gives it back, in order. A store that is unwell leaves the rest unread.
    pub(super) fn ask_store(
        &self,
        command: &StoreCommand,
        endpoint: &Endpoint,
        maker: &MessageMaker,
        sessions: &[SessionId],
    ) -> Vec<SessionReadback> {
        let attention = Arc::clone(&self.attention);
        let store = Store::start(
            &command.words,
            &url(endpoint),
            &self.keys.prefix,
            None,
            PATIENCE,
            Arc::new(move || attention.is_cancelled()),
        );
        if let Err(fault) = &store {
            let _ = self.warn(&format!("The store cannot be asked: {fault}"));
        }
        let mut store = store;
        let unread = |session: SessionId, why: String| SessionReadback {
            failure: Some(why),
            ..SessionReadback::empty(session)
        };
        let mut told = false;
        let read = sessions.iter().enumerate().map(|(done, &session)| {
            let text = format!("Asking the store for session {done} of {}", sessions.len());
            let share = done as f64 / sessions.len().max(1) as f64;
            self.attention.doing(&text, Some(share));
            if self.attention.is_cancelled() {
                return unread(session, "cancelled".into());
            }
            let history = match &mut store {
                Ok(store) => store.history(&session.to_string()),
                Err(fault) => Err(fault.clone()),
            };
            match history {
                Ok(history) => maker.compare(session, &history),
                Err(fault) => {
                    if !told && store.is_ok() {
                        told = true;
                        let _ = self.warn(&format!("Session {session} cannot be read: {fault}"));
                    }
                    unread(session, fault.to_string())
                }
            }
        });
        read.collect()
    }

    /// The disk counts RPUSH, and what a store sends is its own affair: its counts say nothing here.
    pub(super) fn without_counts(&self, evidence: DiskEvidence) -> DiskEvidence {
        if self.plan.store.is_none() {
            return evidence;
        }
        DiskEvidence {
            written: 0,
            durable: 0,
            answered_not_durable: 0,
            answered_not_written: 0,
            ..evidence
        }
    }

    /// What was wrong with the store while it streamed.
    pub(super) fn hear_store(&self, meter: &Meter) {
        for words in meter.take_words() {
            let _ = self.warn(&format!("Your store, {words}"));
        }
    }

    /// A store that is slower than the plan is said to be.
    pub(super) fn tell_pace(&self) {
        let (began, before) = self.stream_began;
        let (acked, took) = (self.attention.current().acked - before, began.elapsed());
        let (Some(_), Rate::PerSecond(asked)) = (&self.plan.store, self.plan.workload.rate) else {
            return;
        };
        let measured = acked as f64 / took.as_secs_f64().max(0.001);
        if took > Duration::from_secs(1) && measured < asked * 0.9 {
            let _ = self.warn(&format!(
                "The store has answered {measured:.0} messages a second; the plan asks for {asked}"
            ));
        }
    }
}
