//! The history: every op of a run in order of invocation, and the faults that fell between them.

use super::fault::FaultRecord;
use super::op::{Completion, Micros, Op, SessionId};

/// Everything that was attempted. Ops stand in order of invocation, so within one session the
/// n-th op is message `seq == n`.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub ops: Vec<Op>,
    pub faults: Vec<FaultRecord>,
    /// The journal that this came from ended in the middle of a record: later ops may exist that
    /// are not here.
    pub torn: bool,
}

impl History {
    #[must_use]
    pub fn count(&self, completion: Completion) -> u64 {
        self.ops
            .iter()
            .filter(|op| op.completion == completion)
            .count() as u64
    }

    /// Index of the round an instant belongs to: round `n` ends with fault `n`.
    #[must_use]
    pub fn round_of(&self, at: Micros) -> usize {
        self.faults.partition_point(|fault| fault.dead < at)
    }

    /// Op indices by session, each in order of `seq`. Sessions without an op are absent.
    #[must_use]
    pub fn by_session(&self) -> SessionIndex {
        SessionIndex::new(&self.ops)
    }
}

/// Op indices grouped by session in two flat vectors: 4 bytes an op.
#[derive(Clone, Debug, Default)]
pub struct SessionIndex {
    starts: Vec<u32>,
    ops: Vec<u32>,
}

impl SessionIndex {
    fn new(ops: &[Op]) -> Self {
        let sessions = ops.iter().map(|op| op.session.0 + 1).max().unwrap_or(0) as usize;
        let mut starts = vec![0u32; sessions + 1];
        for op in ops {
            starts[op.session.0 as usize + 1] += 1;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut flat = vec![0u32; ops.len()];
        for (i, op) in ops.iter().enumerate() {
            let slot = &mut next[op.session.0 as usize];
            flat[*slot as usize] = i as u32;
            *slot += 1;
        }
        SessionIndex { starts, ops: flat }
    }

    /// Op indices of one session in order of invocation; empty if it has none.
    #[must_use]
    pub fn ops_of(&self, session: SessionId) -> &[u32] {
        let i = session.0 as usize;
        if i + 1 >= self.starts.len() {
            return &[];
        }
        &self.ops[self.starts[i] as usize..self.starts[i + 1] as usize]
    }

    /// Sessions that have at least one op.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        (0..self.starts.len().saturating_sub(1))
            .filter(|&i| self.starts[i] < self.starts[i + 1])
            .map(|i| SessionId(i as u32))
    }
}
