//! The presets in the binary, and how files of the user's stand over them.

use super::{Preset, PresetError};

/// In the order in which they are shown: the demo first, then snapshots, AOF, both, neither.
const FILES: [(&str, &str); 9] = [
    ("rdb-5s.conf", include_str!("../../../presets/rdb-5s.conf")),
    (
        "rdb-defaults.conf",
        include_str!("../../../presets/rdb-defaults.conf"),
    ),
    (
        "rdb-classic.conf",
        include_str!("../../../presets/rdb-classic.conf"),
    ),
    (
        "aof-everysec.conf",
        include_str!("../../../presets/aof-everysec.conf"),
    ),
    (
        "aof-everysec-no-fsync-on-rewrite.conf",
        include_str!("../../../presets/aof-everysec-no-fsync-on-rewrite.conf"),
    ),
    (
        "aof-always.conf",
        include_str!("../../../presets/aof-always.conf"),
    ),
    ("aof-no.conf", include_str!("../../../presets/aof-no.conf")),
    ("mixed.conf", include_str!("../../../presets/mixed.conf")),
    ("none.conf", include_str!("../../../presets/none.conf")),
];

pub(super) fn all() -> Vec<Preset> {
    FILES
        .iter()
        .map(|(file, text)| {
            Preset::parse(file, text).expect("presets/ is part of the binary and tested")
        })
        .collect()
}

/// What came of the embedded presets and the user's files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    pub presets: Vec<Preset>,
    /// Of the files that could not be taken; the others are there all the same.
    pub errors: Vec<PresetError>,
}

/// The embedded presets with the user's files (name, text) over them: the same id replaces, a new one follows.
#[must_use]
pub fn load_all(user_files: &[(String, String)]) -> Loaded {
    let mut loaded = Loaded {
        presets: all(),
        errors: Vec::new(),
    };
    for (file, text) in user_files {
        match Preset::parse(file, text) {
            Err(errors) => loaded.errors.extend(errors),
            Ok(preset) => match loaded.presets.iter_mut().find(|p| p.id == preset.id) {
                Some(same) => *same = preset,
                None => loaded.presets.push(preset),
            },
        }
    }
    loaded
}
