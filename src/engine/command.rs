//! Orders to a running drill, imperative.

use crate::domain::damage::Damage;
use crate::domain::fault::Fault;
use crate::domain::trigger::Trigger;

/// What an observer can ask of a drill. Orders that do not fit the phase are answered with a
/// [`crate::domain::event::DrillEvent::Warned`] and change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Stream on (a drill by hand; after a restart a lost tail is written past).
    Stream,
    /// Stop streaming; the server stays up.
    Pause,
    /// Perform a fault now.
    Fault(Fault),
    /// Perform a fault when its moment comes; one that was armed before gives way to it.
    Arm(Fault, Trigger),
    /// Let the moment pass.
    Disarm,
    /// Kill & compare: a process kill on the faulty disk, and both images of its instant tried.
    Compare,
    /// Try what a power cut now would leave, while the stream goes on.
    WhatIf,
    /// Tail-cut replay of the dead server's AOF.
    TailCut,
    /// Damage a file of the dead server.
    Damage(Damage),
    /// Repair a copy of what the server refuses, and show what that saves.
    Repair,
    /// Start the dead server again on its data.
    Restart,
    /// Read everything back and judge.
    Verify,
    /// Read back and judge what has happened since the last verdict, clean up, end the run.
    Finish,
    /// As `Finish`, and the verdict is `Inconclusive(cancelled)` if the drill was not judged yet.
    Cancel,
}
