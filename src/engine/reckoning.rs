//! The end of every round: what is there is read back, and judged.

use std::sync::Arc;
use std::time::Instant;

use super::attention::ReadbackWatch;
use super::drill::Drill;
use super::stop::{Step, Stop};
use crate::backend::Endpoint;
use crate::client::scan;
use crate::domain::checker::{self, Circumstances};
use crate::domain::event::{DrillEvent, Phase};
use crate::domain::history::History;
use crate::domain::op::{Completion, SessionId};
use crate::domain::readback::{Readback, SessionReadback};
use crate::domain::record::RunRecord;
use crate::domain::workload::MessageMaker;
use crate::report::wording;

/// Enough to see whose keys they are.
const MOST_FOREIGN_KEYS: usize = 1_000;

impl Drill {
    pub(super) fn read_back(&mut self) -> Step {
        self.attention.phase(Phase::ReadingBack);
        let Some(endpoint) = self.endpoint.clone() else {
            return Ok(());
        };
        self.take_back_ops();
        let begun = Instant::now();
        let started = self.attention.clock.now();
        let ops = self.load.as_ref().map_or(&[][..], |load| &load.ops);
        let attempted = ops.len() as u64;
        let acked = ops
            .iter()
            .filter(|op| op.completion == Completion::Acked)
            .count() as u64;
        let mut spoken = vec![false; self.plan.workload.sessions as usize];
        for op in ops {
            spoken[op.session.0 as usize] = true;
        }
        let sessions: Vec<SessionId> = (0..self.plan.workload.sessions)
            .map(SessionId)
            .filter(|s| spoken[s.0 as usize])
            .collect();
        let watch = ReadbackWatch {
            attention: &self.attention,
            sessions: sessions.len(),
        };
        let maker = MessageMaker::new(&self.plan.workload);
        let store = self.store_command()?;
        let (found, foreign_keys) = match store {
            // How a store names its keys is its own affair: none is foreign.
            Some(store) => (
                self.ask_store(&store, &endpoint, &maker, &sessions),
                Vec::new(),
            ),
            None => (
                scan::lists(&endpoint, &self.keys, &maker, &sessions, &watch),
                self.foreign_keys(&endpoint, &sessions)?,
            ),
        };
        self.take_info();
        let readback = Readback {
            attempted,
            acked,
            started,
            finished: self.attention.clock.now(),
            sessions: found,
            foreign_keys,
            evicted_keys: self.evicted.total(),
            expired_keys: self.expired.total(),
        };
        self.dir.write_readback(&readback)?;
        self.attention.tell(DrillEvent::ReadbackFinished {
            sessions: readback.sessions.len() as u64,
            entries: readback.sessions.iter().map(SessionReadback::len).sum(),
            unread_sessions: readback
                .sessions
                .iter()
                .filter(|s| s.failure.is_some())
                .count() as u64,
            took: begun.elapsed(),
        });
        self.readback = Some(Arc::new(readback));
        if self.attention.is_cancelled() {
            Err(Stop::Cancelled)
        } else {
            Ok(())
        }
    }

    fn foreign_keys(&self, endpoint: &Endpoint, sessions: &[SessionId]) -> Step<Vec<String>> {
        let known = sessions.iter().copied().collect();
        let keys = scan::foreign_keys(endpoint, &self.keys, &known, MOST_FOREIGN_KEYS);
        keys.map_err(|error| {
            Stop::failed(format!("cannot look for keys that are not ours: {error}"))
        })
    }

    pub(super) fn judge(&mut self) -> Step {
        self.attention.phase(Phase::Judging);
        self.take_back_ops();
        let ops = self
            .load
            .as_mut()
            .map(|load| std::mem::take(&mut load.ops))
            .unwrap_or_default();
        let history = Arc::new(History {
            ops,
            faults: self.faults.clone(),
            torn: false,
        });
        self.history = Some(Arc::clone(&history));
        let timeline = self.attention.timeline();
        let circumstances = Circumstances::of(&timeline);
        let (judgement, classes) = checker::judge(
            &self.plan,
            &history,
            self.readback.as_deref(),
            &circumstances,
        );
        let record = Arc::new(RunRecord {
            id: self.dir.id.clone(),
            dir: self.dir.path.clone(),
            began: self.attention.clock.began(),
            plan: self.plan.clone(),
            keys: self.keys.clone(),
            backend: self.backend.id().to_owned(),
            server: self.server.clone(),
            timeline,
            history,
            readback: self.readback.clone(),
            ladder: Some(Arc::new(self.climb.ladder.clone())),
            judgement,
            classes: Arc::new(classes),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        });
        let written = self.dir.write_verdict(&record);
        self.judged = true;
        let sentence = wording::verdict_sentence(&record);
        self.record = Some(Arc::clone(&record));
        self.attention.tell(DrillEvent::Judged {
            record: Some(record),
            sentence,
        });
        // A full disk takes the file, not the verdict: a replay writes it again.
        if let Err(Stop::Failed { error, .. }) = written {
            self.warn(&error)?;
        }
        let up = !self.refused_to_start()
            && self.faults.last().is_none_or(|_| self.connection.is_some());
        self.attention
            .phase(if up { Phase::Ready } else { Phase::Down });
        Ok(())
    }
}
