//! The mounted disk as any program sees it.

use std::fs;
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crashdrill::disk::{DiskImage, FaultyDisk};
use crashdrill::domain::disk::{DiskPlan, Metadata, Tail};

use crate::stand::{Stand, spec};

const PATIENCE: Duration = Duration::from_secs(20);

fn plan(change: impl FnOnce(&mut DiskPlan)) -> DiskPlan {
    let mut plan = DiskPlan::default();
    change(&mut plan);
    plan
}

#[test]
fn files_are_files() {
    let stand = Stand::new(DiskPlan::default());
    fs::create_dir(stand.at.join("sub")).unwrap();
    drop(stand.append("sub/a", b"hello "));
    drop(stand.append("sub/a", b"world"));
    assert_eq!(stand.read("sub/a").unwrap(), b"hello world");
    fs::rename(stand.at.join("sub/a"), stand.at.join("b")).unwrap();
    assert_eq!(stand.read("b").unwrap(), b"hello world");
    assert!(stand.read("sub/a").is_none());
    let file = fs::OpenOptions::new()
        .write(true)
        .open(stand.at.join("b"))
        .unwrap();
    file.write_at(b"W", 6).unwrap();
    file.set_len(9).unwrap();
    assert_eq!(stand.read("b").unwrap(), b"hello Wor");
    let big: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
    fs::write(stand.at.join("big"), &big).unwrap();
    assert!(stand.read("big").unwrap() == big);
    fs::remove_file(stand.at.join("big")).unwrap();
    fs::remove_dir(stand.at.join("sub")).unwrap();
    assert_eq!(fs::read_dir(&stand.at).unwrap().count(), 1);
}

#[test]
fn a_cut_takes_what_was_not_fsynced_and_the_log_proves_it() {
    let stand = Stand::new(DiskPlan::default());
    let file = stand.append("a.aof", b"*1\r\nRPUSH\r\n");
    file.sync_data().unwrap();
    stand.append("a.aof", b"*1\r\nRPU");
    stand.append("a.aof", b"SH\r\nRPUSH\r\n");
    drop(stand.append("never", b"synced"));
    let status = stand.disk.status();
    assert_eq!((status.written_marks, status.durable_marks), (3, 1));
    assert_eq!(
        status.last_fsync_ended,
        status.last_fsync_began.max(status.last_fsync_ended)
    );
    stand.disk.freeze();
    let durable = stand.exported(DiskImage::Durable);
    let written = stand.exported(DiskImage::Written);
    assert_eq!(written.len(), 2);
    stand.disk.release_held();
    let report = stand.disk.cut();
    assert_eq!(stand.files(), durable);
    assert_eq!(
        stand.files(),
        [("a.aof".to_owned(), b"*1\r\nRPUSH\r\n".to_vec())]
    );
    assert_eq!(report.files[0].dropped_bytes, 18);
    assert_eq!((report.written_marks, report.kept_marks), (3, 1));
    assert_eq!(report.undone_names, ["create never"]);
    let log = fs::read_to_string(&stand.log).unwrap();
    let cut = log.lines().find(|line| line.contains("\"cut\"")).unwrap();
    assert!(cut.contains("\"dropped_bytes\":18"), "{cut}");
    assert!(log.contains("\"op\":\"fsync\""), "{log}");
    // The disk lives on.
    stand.append("a.aof", b"more").sync_all().unwrap();
    assert!(stand.read("a.aof").unwrap().ends_with(b"more"));
}

#[test]
fn a_kill_takes_nothing_that_was_written() {
    let stand = Stand::new(DiskPlan::default());
    drop(stand.append("a.aof", b"not fsynced"));
    stand.disk.freeze();
    stand.disk.survive_kill();
    assert_eq!(stand.read("a.aof").unwrap(), b"not fsynced");
    assert_eq!(stand.disk.status().durable_bytes, 0);
}

#[test]
fn a_frozen_disk_holds_writers_and_lets_onlookers_pass() {
    let stand = Stand::new(DiskPlan::default());
    drop(stand.append("a", b"before"));
    stand.disk.freeze();
    let (said, heard) = mpsc::channel();
    let path = stand.at.join("a");
    let writer = std::thread::spawn(move || {
        let result = fs::OpenOptions::new()
            .append(true)
            .open(path)
            .map(|file| file.write_at(b"x", 0));
        said.send(result.is_ok()).unwrap();
    });
    assert!(
        heard.recv_timeout(Duration::from_millis(300)).is_err(),
        "the writer was not held"
    );
    assert_eq!(fs::metadata(stand.at.join("a")).unwrap().len(), 6);
    assert!(stand.disk.status().frozen);
    stand.disk.thaw();
    assert!(heard.recv_timeout(PATIENCE).unwrap());
    writer.join().unwrap();
}

#[test]
fn an_fsync_takes_its_time_and_holds_nobody_else() {
    let stand = Stand::new(plan(|plan| plan.fsync_delay = "0.7s".parse().unwrap()));
    let file = stand.append("a.aof", b"12345");
    let begun = Instant::now();
    let syncing = std::thread::spawn(move || file.sync_data().map(|()| begun.elapsed()));
    while stand.disk.status().fsyncs_in_flight == 0 {
        assert!(begun.elapsed() < PATIENCE);
    }
    drop(stand.append("other", b"x"));
    assert_eq!(stand.read("other").unwrap(), b"x");
    assert_eq!(
        stand.disk.status().fsyncs_in_flight,
        1,
        "the other file waited for the fsync"
    );
    assert_eq!(
        stand.disk.status().durable_bytes,
        0,
        "durable before the fsync had returned"
    );
    let took = syncing.join().unwrap().unwrap();
    assert!(took >= Duration::from_millis(700), "{took:?}");
    assert_eq!(stand.disk.status().durable_bytes, 5);
}

#[test]
fn a_stalled_fsync_ends_when_it_is_released_and_had_no_effect() {
    let stand = Stand::new(plan(|plan| plan.fsync_delay = "300s".parse().unwrap()));
    let file = stand.append("a.aof", b"12345");
    let syncing = std::thread::spawn(move || file.sync_data());
    let begun = Instant::now();
    while stand.disk.status().fsyncs_in_flight == 0 {
        assert!(begun.elapsed() < PATIENCE);
    }
    stand.disk.freeze();
    stand.disk.release_held();
    let error = syncing.join().unwrap().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(5), "{error}");
    let report = stand.disk.cut();
    assert!(stand.files().is_empty());
    assert_eq!(report.files[0].dropped_bytes, 5);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn it_freezes_before_and_after_the_very_operation() {
    let stand = Stand::new(DiskPlan::default());
    drop(stand.append("temp", b"new"));
    stand.disk.arm("before-rename:*.rdb#1".parse().unwrap());
    let (from, to) = (stand.at.join("temp"), stand.at.join("dump.rdb"));
    let rename = std::thread::spawn(move || fs::rename(from, to));
    let struck = stand.disk.wait_struck(PATIENCE).unwrap();
    assert_eq!(struck.path, "dump.rdb");
    assert!(
        struck.detail.starts_with("rename temp to dump.rdb by pid "),
        "{}",
        struck.detail
    );
    // Not through the mount: the kernel holds the folder's lock while a rename waits.
    assert_eq!(
        stand.exported(DiskImage::Written),
        [("temp".to_owned(), b"new".to_vec())]
    );
    stand.disk.thaw();
    rename.join().unwrap().unwrap();
    assert!(stand.at.join("dump.rdb").exists());

    let file = stand.append("a.aof", b"1");
    stand.disk.arm("after-fsync:*.aof#2".parse().unwrap());
    file.sync_all().unwrap();
    assert_eq!(
        stand.disk.struck(),
        None,
        "the first one counted as the second"
    );
    stand.append("a.aof", b"2");
    let syncing = std::thread::spawn(move || file.sync_all());
    stand.disk.wait_struck(PATIENCE).unwrap();
    assert_eq!(
        stand.disk.status().durable_bytes,
        2,
        "the fsync had not taken effect"
    );
    stand.disk.release_held();
    syncing.join().unwrap().unwrap();
    stand.disk.cut();
    assert_eq!(stand.read("a.aof").unwrap(), b"12");
}

#[test]
fn a_full_disk_says_so_and_takes_what_fits() {
    use std::io::Write;
    let stand = Stand::new(plan(|plan| plan.space_bytes = Some(10)));
    let mut file = stand.append("a", b"12345678");
    assert_eq!(file.write(b"abcdef").unwrap(), 2);
    assert_eq!(file.write(b"x").unwrap_err().raw_os_error(), Some(28));
    assert!(!stand.disk.status().over_memory);
    fs::remove_file(stand.at.join("a")).unwrap();
    drop(stand.append("b", b"fits again"));
}

#[test]
fn a_model_out_of_memory_says_so() {
    use std::io::Write;
    let stand = Stand::with(DiskPlan::default(), |spec| {
        spec.memory_limit_bytes = 100_000;
    });
    let mut file = stand.append("a", &[1; 90_000]);
    assert_eq!(
        file.write(&[1; 20_000]).unwrap_err().raw_os_error(),
        Some(28)
    );
    assert!(stand.disk.status().over_memory);
}

#[test]
fn an_error_comes_where_it_was_asked_for() {
    let stand = Stand::new(plan(|plan| {
        plan.io_error = Some("fsync:*.aof#2".parse().unwrap());
    }));
    let file = stand.append("a.aof", b"1");
    file.sync_all().unwrap();
    stand.append("a.aof", b"2");
    assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(5));
    // The kernel has given the page up: the next fsync succeeds and does not bring it back.
    file.sync_all().unwrap();
    stand.disk.cut();
    assert_eq!(stand.read("a.aof").unwrap(), b"1\0");
}

#[test]
fn the_tail_model_decides_what_is_left() {
    for (tail, expected) in [
        (Tail::Drop, b"durable".to_vec()),
        (Tail::Zero, b"durable\0\0\0\0\0".to_vec()),
        (Tail::Ext4, b"durable\0\0\0\0\0".to_vec()),
    ] {
        let stand = Stand::with(plan(|plan| plan.tail = tail), |spec| spec.neighbours = true);
        stand.append("a.aof", b"durable").sync_all().unwrap();
        drop(stand.append("a.aof", b"-tail"));
        stand.disk.cut();
        assert_eq!(stand.read("a.aof").unwrap(), expected, "{tail}");
    }
}

#[test]
fn names_survive_by_the_metadata_model() {
    let left = |metadata| {
        let stand = Stand::new(plan(|plan| plan.metadata = metadata));
        fs::create_dir(stand.at.join("sub")).unwrap();
        let file = stand.append("sub/a", b"x");
        drop(stand.append("never", b"x"));
        file.sync_all().unwrap();
        stand.sync_folder("sub");
        drop(stand.append("late", b"x"));
        stand.disk.cut();
        stand
            .files()
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(left(Metadata::Sync), ["late", "never", "sub/a"]);
    assert_eq!(left(Metadata::Ordered), ["never", "sub/a"]);
    // The folder itself was never fsynced into its parent: POSIX promises nothing.
    assert_eq!(left(Metadata::Strict), Vec::<String>::new());
}

#[test]
fn bad_places_are_refused_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let plan = DiskPlan::default();
    let refused = |spec| match FaultyDisk::mount(spec) {
        Ok(_) => panic!("it was mounted"),
        Err(error) => error.to_string(),
    };
    let mut missing = spec(dir.path(), plan.clone());
    missing.at = dir.path().join("nowhere");
    assert!(refused(missing).contains("make the folder first"));
    let full = spec(dir.path(), plan.clone());
    fs::write(full.at.join("something"), "x").unwrap();
    assert!(refused(full).contains("not empty"));
    let mut no_log = spec(&dir.path().join("other"), plan.clone());
    no_log.log = dir.path().join("nowhere/disk.jsonl");
    assert!(refused(no_log).contains("log"));
    let stand = Stand::new(plan.clone());
    let mut busy = spec(dir.path(), plan);
    busy.at = stand.at.clone();
    assert!(refused(busy).contains("busy"));
}

#[test]
fn nothing_stays_mounted_even_with_files_open() {
    let stand = Stand::new(DiskPlan::default());
    let file = stand.append("a", b"x");
    let at = stand.at.clone();
    let mounted = || {
        fs::read_to_string("/proc/self/mountinfo")
            .unwrap()
            .contains(at.to_str().unwrap())
    };
    assert!(mounted());
    stand.disk.unmount().unwrap();
    assert!(!mounted());
    stand.disk.unmount().unwrap();
    drop(file);
}
