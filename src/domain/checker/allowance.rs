//! How much of a loss the contract allows.

use crate::domain::contract::{Contract, Gate, Promise};
use crate::domain::fault::FaultRecord;
use crate::domain::op::Micros;
use crate::domain::plan::DrillPlan;

pub struct Allowance<'a> {
    plan: &'a DrillPlan,
    /// What is left of the gate's `max_lost`, which holds for the whole run.
    lost_left: u64,
}

pub struct Judged {
    pub contract: Contract,
    pub outside: u64,
    /// `None`: the contract is measured from a snapshot and nothing tells about snapshots.
    pub held: Option<bool>,
}

impl<'a> Allowance<'a> {
    pub fn new(plan: &'a DrillPlan) -> Self {
        let lost_left = plan.gate.and_then(|gate| gate.max_lost).unwrap_or(u64::MAX);
        Allowance { plan, lost_left }
    }

    /// `lost` holds the acknowledgement times of what the fault took.
    pub fn judge(&mut self, fault: &FaultRecord, lost: &[Micros]) -> Judged {
        let contract = self.plan.contract(fault.fault.kind);
        let outside = match contract {
            Contract::Gate(gate) => Some(self.outside_gate(gate, fault, lost)),
            Contract::Preset(promise) => outside_promise(promise, fault, lost),
        };
        Judged {
            contract,
            outside: outside.unwrap_or(0),
            held: outside.map(|outside| outside == 0),
        }
    }

    fn outside_gate(&mut self, gate: Gate, fault: &FaultRecord, lost: &[Micros]) -> u64 {
        let too_many = (lost.len() as u64).saturating_sub(self.lost_left);
        self.lost_left = self.lost_left.saturating_sub(lost.len() as u64);
        let too_old = gate.max_window.map_or(0, |window| {
            lost.iter()
                .filter(|acked| fault.at.since(**acked) > window)
                .count() as u64
        });
        too_many.max(too_old)
    }
}

fn outside_promise(promise: Promise, fault: &FaultRecord, lost: &[Micros]) -> Option<u64> {
    let count =
        |outside: &dyn Fn(&Micros) -> bool| lost.iter().filter(|acked| outside(acked)).count();
    let outside = match promise {
        Promise::Everything => 0,
        Promise::Nothing => lost.len(),
        Promise::Window { window } => count(&|acked| fault.at.since(*acked) > window),
        Promise::SinceSnapshot => match (fault.last_snapshot, &fault.before) {
            (Some(snapshot), _) => count(&|acked| *acked < snapshot.fork),
            // The server was watched and finished none: everything is younger than the last snapshot.
            (None, Some(_)) => 0,
            (None, None) if lost.is_empty() => 0,
            (None, None) => return None,
        },
    };
    Some(outside as u64)
}
