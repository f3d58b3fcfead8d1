//! Waiting for the moment of a fault.

use super::drill::Drill;
use super::stop::Step;
use crate::domain::fault::Fault;
use crate::domain::trigger::Trigger;

impl Drill {
    pub(super) fn arm(&mut self, fault: Fault, trigger: Trigger) -> Step {
        self.armed = Some((fault, trigger));
        Ok(())
    }

    pub(super) fn disarm(&mut self) -> Step {
        self.armed = None;
        Ok(())
    }
}
