//! Scratch servers: the drill's program on a copy of a data directory, loaded, read back, and judged against the
//! history up to an instant by the checker's own classes.
//!
//! It never touches the drill's server or its data directory.

use std::path::Path;
use std::sync::Arc;

use super::attention::Attention;
use super::ready::{self, Started};
use crate::backend::{Backend, BackendError, Endpoint, Watch};
use crate::client::scan::{self, ScanWatch};
use crate::domain::checker;
use crate::domain::fault::{Fault, FaultKind, FaultRecord, ServerEnd};
use crate::domain::history::History;
use crate::domain::image::{Image, ImageFinding, ImageOutcome};
use crate::domain::op::{Micros, SessionId};
use crate::domain::plan::DrillPlan;
use crate::domain::readback::Readback;
use crate::domain::workload::{KeySpace, MessageMaker};

/// Ports are chosen before they are taken: somebody else may be quicker.
const TRIES: u32 = 5;
const MOST_FOREIGN_KEYS: usize = 1_000;

/// What examining an image needs of the drill. Can go to a thread of its own.
#[derive(Clone)]
pub struct Examiner {
    pub plan: DrillPlan,
    pub keys: KeySpace,
    pub attention: Arc<Attention>,
}

/// What a scratch server did with an image.
enum Tried {
    Found(Readback),
    Refused(Vec<String>),
    PortTaken,
}

impl Examiner {
    /// Starts a server like `like` on a copy of `data` and judges what it gives back. The last fault of `history` is
    /// the instant of the image. Never fails as a whole: what cannot be tried is an outcome.
    pub fn examine(
        &self,
        like: &dyn Backend,
        data: &Path,
        image: Image,
        history: &History,
    ) -> ImageFinding {
        let at = history.faults.last().map_or(Micros(0), |fault| fault.at);
        let acked = || acked_in_last_round(history);
        let (acked, outcome) = match self.try_image(like, data, history) {
            Ok(Tried::Found(readback)) => checker::image_outcome(&self.plan, history, &readback),
            Ok(Tried::Refused(words)) => (acked(), ImageOutcome::Refused { words }),
            Ok(Tried::PortTaken) => {
                let error = "every port that was chosen was taken by somebody else".into();
                (acked(), ImageOutcome::Failed { error })
            }
            Err(error) => {
                let error = error.message;
                (acked(), ImageOutcome::Failed { error })
            }
        };
        ImageFinding {
            at,
            image,
            acked,
            outcome,
        }
    }

    fn try_image(
        &self,
        like: &dyn Backend,
        data: &Path,
        history: &History,
    ) -> Result<Tried, BackendError> {
        for _ in 0..TRIES {
            let mut server = like.another()?;
            server.place_data(data)?;
            let tried = self.run(&mut *server, history);
            let closed = server.close();
            match tried? {
                Tried::PortTaken => {}
                tried => return closed.map(|()| tried),
            }
        }
        Ok(Tried::PortTaken)
    }

    fn run(&self, server: &mut dyn Backend, history: &History) -> Result<Tried, BackendError> {
        let endpoint = server.start(self)?;
        match ready::wait(server, &endpoint, self)? {
            Started::Ready => self.read(&endpoint, history).map(Tried::Found),
            Started::Ended(end) => {
                let lines = server.new_log_lines()?;
                let lines: Vec<String> = lines.into_iter().map(|line| line.text).collect();
                let mut words = ready::last_words(&lines);
                if words
                    .iter()
                    .any(|line| line.contains("Address already in use"))
                {
                    return Ok(Tried::PortTaken);
                }
                if words.is_empty() {
                    words.push(end.to_string());
                }
                Ok(Tried::Refused(words))
            }
        }
    }

    fn read(&self, endpoint: &Endpoint, history: &History) -> Result<Readback, BackendError> {
        let started = self.attention.clock.now();
        let mut spoken = vec![false; self.plan.workload.sessions as usize];
        for op in &history.ops {
            spoken[op.session.0 as usize] = true;
        }
        let sessions: Vec<SessionId> = (0..self.plan.workload.sessions)
            .map(SessionId)
            .filter(|session| spoken[session.0 as usize])
            .collect();
        let maker = MessageMaker::new(&self.plan.workload);
        let found = scan::lists(endpoint, &self.keys, &maker, &sessions, self);
        let known = sessions.iter().copied().collect();
        let foreign_keys = scan::foreign_keys(endpoint, &self.keys, &known, MOST_FOREIGN_KEYS)
            .map_err(|error| {
                BackendError::new(format!("the scratch server does not answer: {error}"))
            })?;
        Ok(Readback {
            attempted: history.ops.len() as u64,
            acked: 0,
            started,
            finished: self.attention.clock.now(),
            sessions: found,
            foreign_keys,
            evicted_keys: 0,
            expired_keys: 0,
        })
    }
}

/// A scratch server is quick and says nothing of its own in the progress line.
impl Watch for Examiner {
    fn doing(&self, _text: &str, _share: Option<f64>) {}

    fn cancelled(&self) -> bool {
        self.attention.is_cancelled()
    }
}

impl ScanWatch for Examiner {
    fn go_on(&self, _done: usize) -> bool {
        !self.attention.is_cancelled()
    }
}

/// An instant at which nothing was done: what was acknowledged up to `known` counts, ages are measured from `at`.
#[must_use]
pub fn instant(kind: FaultKind, at: Micros, known: Micros) -> FaultRecord {
    FaultRecord {
        fault: Fault::new(kind),
        at,
        dead: known,
        end: ServerEnd::Unknown,
        escalated: false,
        before: None,
        last_snapshot: None,
        disk: None,
        hit: None,
    }
}

fn acked_in_last_round(history: &History) -> u64 {
    use crate::domain::op::Completion;
    let round = history.faults.len().saturating_sub(1);
    let acked = history
        .ops
        .iter()
        .filter(|op| op.completion == Completion::Acked && history.round_of(op.completed) == round);
    acked.count() as u64
}
