//! Tail-cut replay: after a process kill, every end of the AOF that a power cut could have left is tried on a copy.
//! The result is a range, never called an observation.

use std::fs::File;
use std::io::BufReader;

use super::drill::Drill;
use super::stop::{Step, Stop};
use crate::backend::Watch;
use crate::backend::scratch::ScratchFolder;
use crate::client::waitaof::{self, Trust, Witness};
use crate::disk::aof::AofFiles;
use crate::disk::tail_cut;
use crate::domain::event::DrillEvent;
use crate::domain::fault::FaultKind;
use crate::domain::image::{Image, TailCut, TailWitness};

/// Ends that are tried; each takes a scratch server, about a tenth of a second.
const MOST_PLACES: usize = 17;

impl Drill {
    /// Only the newest INCR file is cut: older files and the base were fsynced before it was begun, but for a
    /// rewrite under way on Redis 7.0, whose holes no cut of a tail can show.
    pub(super) fn tail_cut(&mut self) -> Step {
        let killed = self
            .faults
            .last()
            .is_some_and(|fault| fault.fault.kind == FaultKind::ProcessKill);
        if !killed {
            return self.warn("the tail-cut replay follows a process kill, and there was none");
        }
        let copy = ScratchFolder::new()?;
        self.backend.copy_data(copy.data())?;
        let failed = |error: std::io::Error| {
            Stop::failed(format!(
                "cannot read the AOF for the tail-cut replay: {error}"
            ))
        };
        let files = AofFiles::of(copy.data()).map_err(failed)?;
        let Some(newest) = files.incr.last().filter(|path| path.is_file()).cloned() else {
            return self.warn(
                "nothing to cut: the data directory holds no AOF; what a power cut takes then is what the last snapshot does not hold",
            );
        };
        let aof = File::open(&newest).map_err(failed)?;
        let written = aof.metadata().map_err(failed)?.len();
        let ends = tail_cut::command_ends(BufReader::new(aof)).map_err(failed)?;
        let older: u64 = files.incr[..files.incr.len() - 1]
            .iter()
            .filter_map(|path| path.metadata().ok())
            .map(|data| data.len())
            .sum();
        let (witness, durable) = self.proven_durable(&files, written);
        let places = tail_cut::places(&ends, durable, written, MOST_PLACES);
        let history = self.known_history();
        let examiner = self.examiner();
        let mut findings = Vec::new();
        // The longest first: each further end is a cut of the same copy.
        for (done, place) in places.iter().rev().enumerate() {
            let text = format!("Trying end {} of {} of the AOF", done + 1, places.len());
            self.attention
                .doing(&text, Some(done as f64 / places.len() as f64));
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let aof = File::options().write(true).open(&newest).map_err(failed)?;
            aof.set_len(*place).map_err(failed)?;
            let image = Image::CutAt {
                bytes: older + place,
            };
            findings.push(examiner.examine(&*self.backend, copy.data(), image, &history));
        }
        findings.reverse();
        let tail_cut = TailCut {
            durable_bytes: match witness {
                TailWitness::WaitAof => older + durable,
                TailWitness::None => 0,
            },
            witness,
            written_bytes: older + written,
            findings,
        };
        self.attention.tell(DrillEvent::TailCutTried { tail_cut });
        Ok(())
    }

    /// How much of the newest INCR file is proven durable, and by what.
    fn proven_durable(&mut self, files: &AofFiles, written: u64) -> (TailWitness, u64) {
        let proven = self
            .witness
            .take()
            .and_then(|witness| witness.proven_bytes());
        // A rewrite begins files anew: a length that was proven before says nothing of them.
        let rewritten = self
            .log
            .iter()
            .any(|line| line.contains("Background append only file rewriting started"));
        let Some(proven) = proven.filter(|_| !rewritten) else {
            return (TailWitness::None, 0);
        };
        let newest = written.min(proven.saturating_sub(files.bytes() - written));
        (TailWitness::WaitAof, newest)
    }

    /// Before the stream: is WAITAOF a witness on this server?
    pub(super) fn call_witness(&mut self) -> Step {
        if !self.plan.tail_cut {
            return Ok(());
        }
        self.attention.doing("Testing WAITAOF of this server", None);
        match waitaof::self_test(self.connection()?) {
            Trust::Not(why) => self.warn(&format!(
                "the tail-cut replay has no witness, so it begins with the base file: {why}"
            ))?,
            Trust::Believed => {
                let endpoint = self.endpoint.clone();
                let started = endpoint.map(|endpoint| Witness::start(&endpoint));
                self.witness = started.and_then(Result::ok);
            }
        }
        // It has longer patience than the drill's own questions.
        self.connection = None;
        Ok(())
    }
}
