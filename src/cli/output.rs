//! What the terminal shows: a bar for people, plain lines for logs. Verdicts go to standard output,
//! everything else to standard error.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::domain::event::{DrillEvent, Phase, Progress, TimedEvent};
use crate::domain::preset::Dropped;
use crate::domain::record::RunRecord;
use crate::report::wording;

/// To standard error. Who has closed it does not want to know; the drill goes on and keeps its exit code.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// To standard output, likewise.
pub fn result(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// What an import left out, and why.
pub fn dropped(path: &Path, dropped: &[Dropped]) {
    for Dropped {
        line: number,
        directive,
        reason,
        ..
    } in dropped
    {
        line(&format!(
            "{}:{number}: {directive} left out: {reason}",
            path.display()
        ));
    }
}

/// The verdict and what decided it.
pub fn verdict(record: &RunRecord) {
    result(&wording::verdict_sentence(record));
    result(&wording::loss_sentence(record));
    for fault in 0..record.judgement.faults.len() {
        if let Some(why) = wording::why_sentence(record, fault) {
            result(&why);
        }
        if let Some(moment) = wording::moment_sentence(record, fault) {
            result(&moment);
        }
    }
    if record.judgement.counts.lost > 0 {
        result(&wording::cut_sentence(record.judgement.cut()));
    }
    result(&format!("Evidence: {}", record.dir.display()));
}

/// How far the drill is.
pub struct Meter {
    bar: Option<ProgressBar>,
    quiet: bool,
    last_line: Instant,
    phase: Phase,
}

impl Meter {
    /// Between two plain lines in a log.
    const PLAIN_EVERY: Duration = Duration::from_secs(2);

    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:24.cyan/dim} {msg}")
                .expect("a constant template");
            ProgressBar::new(1000).with_style(style)
        });
        Meter {
            bar,
            quiet,
            last_line: Instant::now(),
            phase: Phase::Idle,
        }
    }

    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => line(text),
        }
    }

    pub fn show(&mut self, progress: &Progress) {
        let text = sentence(progress);
        let due = progress.phase != self.phase || self.last_line.elapsed() >= Self::PLAIN_EVERY;
        if let Some(bar) = &self.bar {
            bar.set_position((progress.share.unwrap_or(0.0) * 1000.0) as u64);
            bar.set_message(text);
        } else if !self.quiet && due {
            self.last_line = Instant::now();
            self.phase = progress.phase;
            line(&text);
        }
    }

    pub fn event(&self, event: &TimedEvent) {
        // The verdict tells the rest.
        let told = !matches!(
            event.event,
            DrillEvent::RunFinished | DrillEvent::Judged { .. } | DrillEvent::RunStarted { .. }
        );
        if told && !self.quiet {
            self.line(&format!(
                "{:>8.3} s  {}",
                event.at.secs(),
                wording::events::event_sentence(&event.event)
            ));
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What an end would take now.
fn gaps(progress: &Progress) -> String {
    let (Some(kill), Some(cut)) = (progress.kill_takes, progress.cut_takes) else {
        return String::new();
    };
    format!(
        "; now a process kill would take {}, a power cut {}",
        wording::gap_words(kill, progress.gaps_exact),
        wording::gap_words(cut, progress.gaps_exact)
    )
}

fn sentence(progress: &Progress) -> String {
    match progress.phase {
        Phase::Streaming => format!(
            "Streaming chats: {} acknowledged, {} a second, {} in flight{}",
            wording::number::count(progress.acked),
            wording::number::count(progress.acked_per_sec as u64),
            progress.in_flight,
            gaps(progress)
        ),
        _ => progress.doing.clone(),
    }
}
