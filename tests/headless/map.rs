//! The map of `src/lib.rs`, held against the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each room may use of ours, and which foreign crates belong to it alone.
const ROOMS: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("report", &["domain"]),
    ("journal", &["domain"]),
    ("backend", &["domain"]),
    ("disk", &["domain"]),
    ("client", &["domain", "backend"]),
    ("network", &["domain"]),
    (
        "engine",
        &[
            "domain", "report", "journal", "backend", "disk", "client", "network", "adapter",
        ],
    ),
    ("inspect", &["domain", "client"]),
    ("adapter", &["domain", "backend"]),
    (
        "checks",
        &["domain", "backend", "client", "network", "adapter"],
    ),
    ("cli", &["domain", "report", "engine", "inspect", "checks"]),
    (
        "app",
        &["domain", "report", "engine", "inspect", "checks", "ui"],
    ),
    ("ui", &["domain", "report", "app"]),
];

/// A word that only these rooms may contain.
const OWNED: [(&str, &[&str]); 14] = [
    ("bollard::", &["backend/docker"]),
    ("redis::", &["client"]),
    ("rustls::", &["client"]),
    ("keyring::", &["inspect"]),
    ("egui", &["app", "ui"]),
    ("eframe", &["app", "ui"]),
    ("rfd::", &["app"]),
    ("mio::", &["client"]),
    ("rustix::", &["backend", "disk"]),
    ("fuser::", &["disk"]),
    ("clap::", &["cli"]),
    ("rpassword::", &["cli"]),
    ("rusqlite::", &["checks"]),
    ("ExitCode", &["cli"]),
];

/// Words that make a room impure.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "tokio",
];

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.insert(
                    name(&root, &path),
                    code(&fs::read_to_string(&path).unwrap()),
                );
            }
        }
    }
    files
}

fn name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// Without comments, and without the tests that stand at a file's end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.ends_with("fixture.rs")
}

#[test]
fn every_room_is_on_the_map() {
    let on_disk: BTreeSet<String> = sources()
        .keys()
        .filter_map(|file| file.split_once('/').map(|(room, _)| room.to_owned()))
        .collect();
    let on_map: BTreeSet<String> = ROOMS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(
        on_disk, on_map,
        "change the map in src/lib.rs and here first"
    );
}

#[test]
fn no_room_uses_what_it_must_not_know() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        let Some((room, _)) = file.split_once('/') else {
            continue;
        };
        let allowed = ROOMS.iter().find(|(name, _)| *name == room).unwrap().1;
        for (used, _) in ROOMS {
            let uses = code.contains(&format!("crate::{used}::"))
                || code.contains(&format!("use crate::{used};"));
            if used != room && uses && !allowed.contains(&used) {
                wrong.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        if !file.contains('/') || is_test(&file) {
            continue;
        }
        for (word, rooms) in OWNED {
            if code.contains(word)
                && !rooms
                    .iter()
                    .any(|room| file.starts_with(&format!("{room}/")))
            {
                wrong.push(format!("{file} contains {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn domain_and_report_are_pure() {
    let mut wrong = Vec::new();
    for (file, code) in sources() {
        if (file.starts_with("domain/") || file.starts_with("report/")) && !is_test(&file) {
            wrong.extend(
                IMPURE
                    .iter()
                    .filter(|word| code.contains(*word))
                    .map(|word| format!("{file} contains {word}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_file_begins_by_saying_what_it_owns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let silent: Vec<String> = sources()
        .into_keys()
        .filter(|file| {
            !fs::read_to_string(root.join(file))
                .unwrap()
                .starts_with("//!")
        })
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

/// The top level as the customer drew it; files that begin with a dot are settings of tools.
#[test]
fn nothing_lies_about_at_the_top() {
    const TOP: [&str; 11] = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "assets",
        "benches",
        "presets",
        "scripts",
        "src",
        "tests",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let strange: Vec<String> = names
        .map(|name| name.to_str().unwrap().to_owned())
        .filter(|name| !name.starts_with('.') && name != "target" && !TOP.contains(&name.as_str()))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}
