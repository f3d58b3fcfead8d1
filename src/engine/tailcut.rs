//! Tail-cut replay: after a process kill, every end of the AOF that a power cut could have left is tried on a copy.
//! The result is a range, never called an observation.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::drill::Drill;
use super::stop::{Step, Stop};
use crate::backend::Watch;
use crate::backend::scratch::ScratchFolder;
use crate::client::waitaof::{self, Trust, Witness};
use crate::disk::aof::AofFiles;
use crate::disk::tail_cut;
use crate::domain::event::DrillEvent;
use crate::domain::fault::FaultKind;
use crate::domain::image::{Image, ImageFinding, TailCut, TailWitness};

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
        findings.extend(
            self.zero_tails(&newest, (older, durable, written), |drill, image| {
                examiner.examine(&*drill.backend, copy.data(), image, &history)
            })?,
        );
        let tail_cut = TailCut {
            durable_bytes: match witness {
                TailWitness::WaitAof => older + durable,
                TailWitness::None => 0,
            },
            witness,
            no_witness: self
                .no_witness
                .clone()
                .filter(|_| witness == TailWitness::None),
            written_bytes: older + written,
            findings,
        };
        self.attention.tell(DrillEvent::TailCutTried { tail_cut });
        Ok(())
    }

    /// The file keeps its size and the bytes that nobody fsynced are zeros, up to the end of the last block that was
    /// allocated at the fsync and up to the whole size: both were seen on ext4 with a neighbour that fsyncs.
    fn zero_tails(
        &mut self,
        newest: &Path,
        (older, durable, written): (u64, u64, u64),
        examine: impl Fn(&Drill, Image) -> ImageFinding,
    ) -> Step<Vec<ImageFinding>> {
        const BLOCK: u64 = 4096;
        let mut sizes = vec![(durable + 1).next_multiple_of(BLOCK).min(written), written];
        sizes.dedup();
        let failed = |error: std::io::Error| {
            Stop::failed(format!(
                "cannot write zeros for the tail-cut replay: {error}"
            ))
        };
        let mut findings = Vec::new();
        for size in sizes.into_iter().filter(|size| *size > durable) {
            self.attention
                .doing("Trying zeros at the end of the AOF", None);
            if self.attention.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let aof = File::options().write(true).open(newest).map_err(failed)?;
            // What a file is made longer by reads as zeros.
            aof.set_len(durable)
                .and_then(|()| aof.set_len(size))
                .map_err(failed)?;
            let image = Image::ZeroFrom {
                bytes: older + durable,
                size_bytes: older + size,
            };
            findings.push(examine(self, image));
        }
        Ok(findings)
    }

    /// How much of the newest INCR file is proven durable, and by what.
    fn proven_durable(&mut self, files: &AofFiles, written: u64) -> (TailWitness, u64) {
        let witness = self.witness.take();
        let proven = witness.as_ref().and_then(Witness::proven_bytes);
        if witness.is_none() && self.no_witness.is_none() {
            self.no_witness = Some(
                "WAITAOF of this server was not examined before the stream (the plan asked for no tail-cut replay)".into(),
            );
        } else if witness.is_some() && proven.is_none() {
            self.no_witness = Some("WAITAOF had not answered once before the kill".into());
        }
        // A rewrite begins files anew: a length that was proven before says nothing of them.
        let rewritten = self
            .log
            .iter()
            .any(|line| line.contains("Background append only file rewriting started"));
        if proven.is_some() && rewritten {
            self.no_witness = Some("a rewrite has begun the files anew".into());
        }
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
            Trust::Not(why) => {
                self.warn(&format!(
                    "the tail-cut replay has no witness, so it begins with the base file: {why}"
                ))?;
                self.no_witness = Some(why);
            }
            Trust::Believed => {
                self.waitaof_believed = true;
            }
        }
        // It has longer patience than the drill's own questions.
        self.connection = None;
        Ok(())
    }

    /// WAITAOF is asked beside each stream to a server that it was believed on.
    pub(super) fn start_witness(&mut self) {
        let wanted = self.waitaof_believed && self.witness.is_none();
        let endpoint = self.endpoint.clone().filter(|_| wanted);
        let Some(endpoint) = endpoint else { return };
        match Witness::start(&endpoint) {
            Ok(witness) => (self.witness, self.no_witness) = (Some(witness), None),
            Err(error) => self.no_witness = Some(error),
        }
    }
}
