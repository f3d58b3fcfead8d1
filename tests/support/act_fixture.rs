//! The ladder and the second acts of the made-up crash: what a scratch server would have found, with known numbers.

use std::time::Duration;

use crashdrill::domain::damage::{Damage, DamageDone};
use crashdrill::domain::image::{
    Comparison, Image, ImageFinding, ImageOutcome, Repair, TailCut, TailWitness,
};
use crashdrill::domain::ladder::{Gauges, Ladder, Rung};
use crashdrill::domain::op::Micros;
use crashdrill::domain::verdict::Cut;

/// Under `everysec` on the faulty disk: an fsync each second, one of them slow, and a snapshot on the way.
pub fn ladder(from: f64, until: f64, per_sec: f64) -> Ladder {
    let mut ladder = Ladder::default();
    let looks = ((until - from) * 10.0) as u64;
    for n in 0..=looks {
        let since = n as f64 / 10.0;
        let acked = (since * per_sec) as u64;
        // The fsync of second 3 takes until 4.6: answers wait in memory from 4 on.
        let slow = (3.0..4.6).contains(&since);
        let durable = if slow { 3.0 } else { since.floor() } * per_sec;
        let written = if (4.0..4.6).contains(&since) {
            4.0 * per_sec
        } else {
            since * per_sec
        };
        let snapshot = if since >= 2.4 { 2.0 * per_sec } else { 0.0 };
        ladder.push(Rung {
            at: Micros(((from + since) * 1e6) as u64),
            sent: acked + 12,
            acked,
            written: written as u64,
            durable: durable as u64,
            in_snapshot: snapshot as u64,
            exact: true,
            gauges: Gauges {
                aof_pending_bio_fsync: u64::from(slow),
                aof_delayed_fsync: u64::from(since >= 4.6),
                aof_buffer_length: if slow && since > 4.0 { 184_320 } else { 0 },
                rdb_changes_since_last_save: acked - snapshot as u64,
                last_save_age: (since >= 2.4).then(|| Duration::from_secs_f64(since - 2.4)),
                latest_fork_usec: if since >= 2.0 { 412 } else { 0 },
                bgsave_in_progress: (2.0..2.4).contains(&since),
                rewrite_in_progress: (5.2..5.7).contains(&since),
            },
        });
    }
    ladder
}

pub fn finding(image: Image, at: Micros, acked: u64, lost: u64) -> ImageFinding {
    let window = Duration::from_micros(lost * 500);
    ImageFinding {
        at,
        image,
        acked,
        outcome: ImageOutcome::Started {
            found: acked - lost,
            lost,
            window: (lost > 0).then_some(window),
            cut: match lost {
                0 => Cut::NotNeeded,
                _ => Cut::Clean {
                    survived: acked - lost,
                    lost,
                    after: Micros(at.0 - lost * 500),
                    not_after: Micros(at.0 - lost * 500 + 300),
                },
            },
            damaged: 0,
        },
    }
}

/// The kill takes nothing, the cut takes 841.
pub fn comparison(at: Micros, acked: u64) -> Comparison {
    Comparison {
        kill: finding(Image::Written, at, acked, 0),
        power: finding(Image::Durable, at, acked, 841),
    }
}

/// The cut leaves a file that Redis does not load.
pub fn refused_comparison(at: Micros, acked: u64) -> Comparison {
    let mut both = comparison(at, acked);
    both.power.outcome = ImageOutcome::Refused { words: words() };
    both
}

pub fn words() -> Vec<String> {
    [
        "31842:M 20 Nov 2026 20:33:24.402 # Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>",
    ]
    .map(str::to_owned)
    .to_vec()
}

pub fn tail_cut(at: Micros, acked: u64) -> TailCut {
    let ends = (0..40).map(|n| {
        finding(
            Image::CutAt {
                bytes: 4_100_000 + n * 4_300,
            },
            at,
            acked,
            (39 - n) * 21,
        )
    });
    TailCut {
        durable_bytes: 4_100_000,
        witness: TailWitness::WaitAof,
        no_witness: None,
        written_bytes: 4_267_700,
        findings: ends.collect(),
    }
}

pub fn repair(at: Micros, acked: u64) -> Repair {
    Repair {
        program: "/usr/bin/redis-check-aof".into(),
        words: [
            "0x             3fa2c1: Expected prefix '*', got: '\u{0}'",
            "AOF analyzed: filename=appendonly.aof.1.incr.aof, size=4169728, ok_up_to=4169409, diff=319",
            "Successfully truncated AOF appendonly.aof.1.incr.aof",
        ]
        .map(str::to_owned)
        .to_vec(),
        bytes_before: 4_169_728,
        bytes_after: 4_169_409,
        finding: finding(Image::Repaired, at, acked, 841),
    }
}

pub fn damage() -> DamageDone {
    DamageDone {
        damage: "flip:aof".parse::<Damage>().unwrap(),
        path: "appendonlydir/appendonly.aof.1.incr.aof".into(),
        offset: 1_204_113,
        bytes: 1,
        file_bytes_before: 4_169_728,
        file_bytes_after: 4_169_728,
        before: "61".into(),
        after: "41".into(),
    }
}
