//! Counters of the server's that begin anew with each of its lives.

/// One such counter, added up over all lives.
#[derive(Debug, Default)]
pub struct Lives {
    past: u64,
    now: u64,
}

impl Lives {
    pub fn saw(&mut self, value: u64) {
        self.now = value;
    }

    pub fn ended(&mut self) {
        self.past += std::mem::take(&mut self.now);
    }

    pub fn total(&self) -> u64 {
        self.past + self.now
    }
}
