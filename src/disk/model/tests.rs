//! What must hold for every history: nothing that was fsynced is ever lost, nothing is ever invented.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;

use super::*;
use crate::disk::facts::DiskImage;

const MARKER: &[u8] = b"RPUSH\r\n";

fn model(plan: &DiskPlan, neighbours: bool) -> Model {
    let around = Circumstances {
        marker: MARKER.to_vec(),
        memory_limit_bytes: 1 << 30,
        neighbours,
        epoch: SystemTime::UNIX_EPOCH,
    };
    Model::new(plan, around, Attr::new(0o755, 0, 0), Micros(0))
}

fn plan(metadata: Metadata, tail: Tail) -> DiskPlan {
    DiskPlan {
        metadata,
        tail,
        write_back: None,
        ..DiskPlan::default()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Append(u8, usize),
    Overwrite(u8, u64, usize),
    Truncate(u8, u64),
    Rename(u8, u8),
    Unlink(u8),
    /// Begins an fsync of a file, or of the root for `None`.
    Begin(Option<u8>),
    /// The n-th of those in flight returns.
    End(usize),
    Cancel(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..4u8;
    let size = || prop_oneof![1..200usize, 3_000..9_000usize];
    prop_oneof![
        3 => name().prop_map(Step::Create),
        8 => (name(), size()).prop_map(|(name, len)| Step::Append(name, len)),
        3 => (name(), 0..12_000u64, size()).prop_map(|(name, at, len)| Step::Overwrite(name, at, len)),
        2 => (name(), 0..12_000u64).prop_map(|(name, to)| Step::Truncate(name, to)),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::Unlink),
        5 => proptest::option::weighted(0.8, name()).prop_map(Step::Begin),
        5 => (0..3usize).prop_map(Step::End),
        1 => (0..3usize).prop_map(Step::Cancel),
    ]
}

fn any_metadata() -> impl Strategy<Value = Metadata> {
    proptest::sample::select(Metadata::ALL)
}

fn any_tail() -> impl Strategy<Value = Tail> {
    proptest::sample::select(Tail::ALL)
}

fn name(number: u8) -> String {
    // Two of them are logs of ops.
    format!("f{number}{}", if number < 2 { ".aof" } else { "" })
}

/// What an fsync promises: the bytes at its beginning.
struct Promise {
    id: u64,
    ino: Ino,
    bytes: Vec<u8>,
    /// Ranges that were written or cut off since that beginning: they may be either.
    touched: Vec<Range<u64>>,
}

/// What a careful bookkeeper writes down beside the model, by number of file.
#[derive(Default)]
struct Book {
    /// Everything that was ever written, and where.
    ever: BTreeMap<Ino, Vec<(u64, Vec<u8>)>>,
    /// By the latest fsync that has returned.
    promised: BTreeMap<Ino, Promise>,
    /// By fsyncs in flight: they hold when they return.
    begun: Vec<Promise>,
    last: u8,
}

impl Book {
    /// Different bytes each time; some of them markers.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        self.last = self.last.wrapping_add(1).max(1);
        let mut bytes = vec![self.last; len];
        if len > 20 {
            bytes[5..12].copy_from_slice(MARKER);
        }
        bytes
    }

    fn wrote(&mut self, ino: Ino, at: u64, bytes: &[u8]) {
        self.ever.entry(ino).or_default().push((at, bytes.to_vec()));
        self.touch(ino, at..at + bytes.len() as u64);
    }

    fn touch(&mut self, ino: Ino, range: Range<u64>) {
        let promises = self.begun.iter_mut().chain(self.promised.values_mut());
        for promise in promises.filter(|promise| promise.ino == ino) {
            promise.touched.push(range.clone());
        }
    }
}

fn play(model: &mut Model, steps: &[Step]) -> Book {
    let mut book = Book::default();
    for (at, step) in steps.iter().enumerate() {
        let now = Micros(at as u64 * 1000);
        let find = |model: &Model, number: u8| model.find(ROOT, &name(number)).ok();
        match step {
            Step::Create(number) => {
                let _ = model.create(ROOT, &name(*number), Attr::new(0o644, 0, 0), now);
            }
            Step::Append(number, len) => {
                if let Some(ino) = find(model, *number) {
                    let bytes = book.bytes(*len);
                    let size = model.node(ino).unwrap().size();
                    model.write(ino, size, &bytes, now).unwrap();
                    book.wrote(ino, size, &bytes);
                }
            }
            Step::Overwrite(number, offset, len) => {
                if let Some(ino) = find(model, *number) {
                    let bytes = book.bytes(*len);
                    let size = model.node(ino).unwrap().size();
                    // A hole is written as zeros.
                    book.wrote(ino, size, &vec![0; offset.saturating_sub(size) as usize]);
                    model.write(ino, *offset, &bytes, now).unwrap();
                    book.wrote(ino, *offset, &bytes);
                }
            }
            Step::Truncate(number, to) => {
                if let Some(ino) = find(model, *number) {
                    let size = model.node(ino).unwrap().size();
                    model.truncate(ino, *to, now).unwrap();
                    book.wrote(ino, size, &vec![0; to.saturating_sub(size) as usize]);
                    book.touch(ino, *to..size);
                }
            }
            Step::Rename(from, to) => {
                let _ = model.rename((ROOT, &name(*from)), (ROOT, &name(*to)), true, now);
            }
            Step::Unlink(number) => {
                let _ = model.unlink(ROOT, &name(*number), now);
            }
            Step::Begin(number) => {
                let ino = number.map_or(Some(ROOT), |number| find(model, number));
                if let Some(ino) = ino {
                    let id = model.begin_sync(ino).unwrap();
                    let bytes = model.read(ino, 0, u64::MAX).unwrap_or_default();
                    book.begun.push(Promise {
                        id,
                        ino,
                        bytes,
                        touched: Vec::new(),
                    });
                }
            }
            Step::End(nth) => {
                if *nth < book.begun.len() {
                    let promise = book.begun.remove(*nth);
                    model.end_sync(promise.id).unwrap();
                    // An earlier one that returns later promises less than was given.
                    let given = book.promised.get(&promise.ino);
                    if given.is_none_or(|given| given.id < promise.id) {
                        book.promised.insert(promise.ino, promise);
                    }
                }
            }
            Step::Cancel(nth) => {
                if *nth < book.begun.len() {
                    let id = book.begun.remove(*nth).id;
                    model.cancel_sync(id);
                }
            }
        }
    }
    book
}

/// Which file lies under which durable name, before the cut changes the numbers.
fn durable_names(model: &Model) -> BTreeMap<String, Ino> {
    model.names.durable.paths().into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_was_fsynced_is_never_lost(
        steps in proptest::collection::vec(step(), 1..60),
        metadata in any_metadata(), tail in any_tail(), neighbours: bool, seed: u64,
    ) {
        let plan = DiskPlan { seed, ..plan(metadata, tail) };
        let mut model = model(&plan, neighbours);
        let book = play(&mut model, &steps);
        let names = durable_names(&model);
        model.cut(Micros(1_000_000));
        for (name, old) in names {
            let Some(promised) = book.promised.get(&old) else { continue };
            let found = model.read(model.find(ROOT, &name).unwrap(), 0, u64::MAX).unwrap();
            let mut sure = vec![true; promised.bytes.len()];
            for range in &promised.touched {
                let end = (range.end as usize).min(sure.len());
                sure[(range.start as usize).min(end)..end].fill(false);
            }
            let broken = (0..sure.len()).find(|at| sure[*at] && found.get(*at) != Some(&promised.bytes[*at]));
            prop_assert_eq!(broken, None, "{}", name);
        }
    }

    #[test]
    fn nothing_is_ever_invented(
        steps in proptest::collection::vec(step(), 1..60),
        metadata in any_metadata(), tail in any_tail(), neighbours: bool, seed: u64,
    ) {
        let plan = DiskPlan { seed, ..plan(metadata, tail) };
        let mut model = model(&plan, neighbours);
        let book = play(&mut model, &steps);
        let names = durable_names(&model);
        let durable: BTreeMap<Ino, u64> =
            names.values().map(|ino| (*ino, model.nodes[ino].as_file().unwrap().durable().data_end)).collect();
        model.cut(Micros(1_000_000));
        for (name, old) in names {
            let found = model.read(model.find(ROOT, &name).unwrap(), 0, u64::MAX).unwrap();
            // Zeros only where bytes or a size lay that did not come along.
            let from = durable[&old] as usize;
            let mut known: Vec<bool> = (0..found.len()).map(|at| at >= from && found[at] == 0).collect();
            for (start, bytes) in book.ever.get(&old).into_iter().flatten() {
                let start = (*start as usize).min(found.len());
                for (at, byte) in (start..found.len()).zip(bytes) {
                    known[at] |= found[at] == *byte;
                }
            }
            prop_assert_eq!(known.iter().position(|known| !known), None, "{}", name);
        }
    }

    #[test]
    fn a_weaker_metadata_model_never_keeps_more(
        steps in proptest::collection::vec(step(), 1..60), tail in any_tail(),
    ) {
        let undone = |metadata| {
            let mut model = model(&plan(metadata, tail), true);
            play(&mut model, &steps);
            model.cut(Micros(1_000_000)).undone_names
        };
        let (sync, ordered, strict) = (undone(Metadata::Sync), undone(Metadata::Ordered), undone(Metadata::Strict));
        prop_assert!(sync.is_empty());
        let mut left = strict.iter();
        // In the same order: each change that `ordered` undoes is undone by `strict`, too.
        prop_assert!(ordered.iter().all(|one| left.any(|other| other == one)), "{ordered:?} {strict:?}");
    }

    #[test]
    fn an_image_is_what_the_cut_leaves_and_takes_nothing(
        steps in proptest::collection::vec(step(), 1..40),
        metadata in any_metadata(), tail in any_tail(), seed: u64,
    ) {
        let plan = DiskPlan { seed, ..plan(metadata, tail) };
        let mut model = model(&plan, true);
        play(&mut model, &steps);
        let bytes = |image: Image| -> Vec<(String, Option<Vec<u8>>)> {
            let entries = image.entries.into_iter();
            entries.map(|entry| (entry.path, entry.content.map(|content| content.read(0, u64::MAX)))).collect()
        };
        let written = bytes(model.image(DiskImage::Written));
        let durable = bytes(model.image(DiskImage::Durable));
        prop_assert!(bytes(model.image(DiskImage::Written)) == written);
        prop_assert!(bytes(model.image(DiskImage::Durable)) == durable);
        model.cut(Micros(1_000_000));
        prop_assert!(bytes(model.image(DiskImage::Written)) == durable);
        prop_assert!(bytes(model.image(DiskImage::Durable)) == durable);
    }

    #[test]
    fn markers_are_counted_exactly_and_durable_ones_never_fall(
        steps in proptest::collection::vec(step(), 1..60), metadata in any_metadata(), pieces in 1..9usize,
    ) {
        let mut model = model(&plan(metadata, Tail::Drop), true);
        let mut durable = 0;
        for step in &steps {
            // One step at a time, each by a bookkeeper of its own.
            if matches!(step, Step::Truncate(..) | Step::Overwrite(..) | Step::Rename(..) | Step::Cancel(_)) {
                continue;
            }
            match step {
                Step::Append(number, len) => {
                    let Ok(ino) = model.find(ROOT, &name(*number)) else { continue };
                    let mut bytes = vec![7; len + 7];
                    bytes[*len..].copy_from_slice(MARKER);
                    for piece in bytes.chunks(pieces) {
                        let size = model.node(ino).unwrap().size();
                        model.write(ino, size, piece, Micros(0)).unwrap();
                    }
                }
                Step::Begin(Some(number)) => {
                    if let Ok(ino) = model.find(ROOT, &name(*number)) {
                        let id = model.begin_sync(ino).unwrap();
                        model.end_sync(id).unwrap();
                    }
                }
                other => { play(&mut model, std::slice::from_ref(other)); }
            }
            let status = model.status();
            let there: u64 = model.nodes.values().filter(|node| !node.retired && node.name.ends_with(".aof"))
                .map(|node| marks::count(&node.as_file().unwrap().written().read(0, u64::MAX), MARKER)).sum();
            prop_assert_eq!(status.written_marks, model.retired_marks + there);
            prop_assert!(status.durable_marks >= durable, "{} after {durable}", status.durable_marks);
            prop_assert!(status.durable_marks <= status.written_marks);
            durable = status.durable_marks;
        }
    }
}

fn file(model: &mut Model, name: &str, bytes: &[u8]) -> Ino {
    let ino = model
        .create(ROOT, name, Attr::new(0o644, 0, 0), Micros(0))
        .unwrap();
    model.write(ino, 0, bytes, Micros(0)).unwrap();
    ino
}

fn sync(model: &mut Model, ino: Ino) {
    let id = model.begin_sync(ino).unwrap();
    model.end_sync(id).unwrap();
}

#[test]
fn what_is_written_while_an_fsync_runs_is_not_covered_by_it() {
    let mut model = model(&plan(Metadata::Ordered, Tail::Drop), true);
    let ino = file(&mut model, "a", b"before");
    let id = model.begin_sync(ino).unwrap();
    model.write(ino, 6, b" behind", Micros(1)).unwrap();
    model.write(ino, 0, b"B", Micros(1)).unwrap();
    model.end_sync(id).unwrap();
    model.cut(Micros(2));
    let found = model.read(model.find(ROOT, "a").unwrap(), 0, 99).unwrap();
    assert_eq!(found, b"before");
}

#[test]
fn the_flusher_makes_old_data_durable_after_its_time() {
    let mut model = model(&DiskPlan::default(), true);
    let ino = file(&mut model, "a", b"x");
    for second in [5, 10, 15, 20, 25] {
        assert!(model.tick(Micros(second * 1_000_000)).is_empty());
    }
    model.write(ino, 1, b"y", Micros(29_000_000)).unwrap();
    assert_eq!(model.tick(Micros(29_900_000)), []);
    let back = model.tick(Micros(30_000_000));
    // The whole file goes, as in the kernel.
    assert_eq!(back, [WrittenBack { ino, bytes: 2 }]);
    assert_eq!(model.status().durable_bytes, 2);
}

#[test]
fn the_flusher_counts_from_time_zero_not_from_the_mount() {
    let plan = DiskPlan {
        write_back: Some(Duration::from_secs(32)),
        ..DiskPlan::default()
    };
    let mut model = model(&plan, true);
    let ino = file(&mut model, "a", b"x");
    assert!(model.time_begins(Micros(4_000_000)));
    assert!(!model.time_begins(Micros(20_000_000)), "once");
    for second in [9, 14, 19, 24, 29, 34] {
        assert!(model.tick(Micros(second * 1_000_000)).is_empty());
    }
    assert_eq!(
        model.tick(Micros(39_000_000)),
        [WrittenBack { ino, bytes: 1 }]
    );
}

#[test]
fn an_unsynced_rewrite_of_an_aof_counts_as_durable_once_the_old_file_is_durably_gone() {
    let mut model = model(&plan(Metadata::Ordered, Tail::Drop), true);
    file(&mut model, "appendonly.aof.1.incr.aof", MARKER);
    let base = file(&mut model, "temp-rewriteaof-bg-7.aof", MARKER);
    assert_eq!(
        model.status().written_marks,
        1,
        "a rewrite writes no new ops"
    );
    sync(&mut model, base);
    assert_eq!(model.status().durable_marks, 0);
    model
        .unlink(ROOT, "appendonly.aof.1.incr.aof", Micros(1))
        .unwrap();
    assert_eq!(model.status().written_marks, 1);
    sync(&mut model, base);
    let status = model.status();
    assert_eq!((status.written_marks, status.durable_marks), (1, 1));
}

#[test]
fn without_a_neighbour_the_size_is_committed_by_our_own_other_files_only() {
    for (synced, expected) in [(false, 5), (true, 8)] {
        let mut model = model(&plan(Metadata::Ordered, Tail::Ext4), false);
        let ino = file(&mut model, "a.aof", b"first");
        sync(&mut model, ino);
        model.write(ino, 5, b"abc", Micros(1)).unwrap();
        let other = file(&mut model, "other", b"x");
        if synced {
            sync(&mut model, other);
        }
        model.write(ino, 8, b"later", Micros(2)).unwrap();
        model.cut(Micros(3));
        let found = model
            .read(model.find(ROOT, "a.aof").unwrap(), 0, 99)
            .unwrap();
        assert_eq!(found.len(), expected);
        assert_eq!(&found[5..], &b"\0\0\0"[..expected - 5]);
    }
}

#[test]
fn an_fsync_copies_no_file() {
    let mut model = model(&plan(Metadata::Ordered, Tail::Drop), true);
    let ino = file(&mut model, "a.aof", &vec![1; 50_000_000]);
    let begun = std::time::Instant::now();
    for at in 0..1000 {
        model
            .write(ino, 50_000_000 + at * 100, &[2; 100], Micros(0))
            .unwrap();
        sync(&mut model, ino);
    }
    // Copying it would be 50 GB.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert!(model.held < 52_000_000);
}

/// Redis truncates away each write that did not fit, a thousand times a second.
#[test]
fn a_thousand_truncates_between_two_commits_are_no_thousand_counts() {
    let mut model = model(&DiskPlan::default(), true);
    let log = MARKER.repeat(50_000);
    let ino = file(&mut model, "appendonly.aof.1.incr.aof", &log);
    sync(&mut model, ino);
    let size = log.len() as u64;
    for _ in 0..20_000 {
        model.write(ino, size, b"torn", Micros(1)).unwrap();
        model.truncate(ino, size, Micros(1)).unwrap();
    }
    let begun = std::time::Instant::now();
    sync(&mut model, ino);
    // One count takes milliseconds; twenty thousand of them took minutes.
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert_eq!(model.status().durable_marks, 50_000);
}
