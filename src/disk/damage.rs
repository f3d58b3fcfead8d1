//! Damage to one file of a dead server's data directory, and the evidence of it.
//!
//! It changes the one file that it was told to and never a directory.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::aof::{AofFiles, snapshot};
use super::spec::DiskError;
use crate::domain::damage::{Damage, DamageDone, DamageKind, DamagedFile};

/// Does it. The same seed flips the same bit of the same bytes.
///
/// # Errors
/// The file is not there or has no bytes, or cannot be written.
pub fn perform(data: &Path, damage: Damage, seed: u64) -> Result<DamageDone, DiskError> {
    let path = find(data, damage.file)?;
    let shown = path
        .strip_prefix(data)
        .unwrap_or(&path)
        .display()
        .to_string();
    damaged(&path, shown, damage, seed)
        .map_err(|error| DiskError::new(format!("cannot damage {}: {error}", path.display())))
}

fn find(data: &Path, which: DamagedFile) -> Result<PathBuf, DiskError> {
    let failed = |error: std::io::Error| {
        DiskError::new(format!("cannot look into {}: {error}", data.display()))
    };
    let files = AofFiles::of(data).map_err(failed)?;
    let found = match which {
        DamagedFile::Aof => files.incr.last().cloned(),
        DamagedFile::Base => files.base,
        DamagedFile::Manifest => files.manifest,
        DamagedFile::Rdb => snapshot(data).map_err(failed)?,
    };
    found.filter(|path| path.is_file()).ok_or_else(|| {
        DiskError::new(format!(
            "the data directory holds no file \"{}\" to damage: choose a preset that writes one, or let the drill run longer",
            which.id()
        ))
    })
}

fn damaged(path: &Path, shown: String, damage: Damage, seed: u64) -> std::io::Result<DamageDone> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let size = file.metadata()?.len();
    if size == 0 {
        return Err(std::io::Error::other("it is empty already"));
    }
    let (offset, bytes, bit) = match damage.kind {
        DamageKind::Truncate { bytes } | DamageKind::Zero { bytes } => {
            let bytes = bytes.min(size);
            (size - bytes, bytes, 0)
        }
        DamageKind::Flip => {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let place = random.next_u64() % (size * 8);
            (place / 8, 1, place % 8)
        }
    };
    let before = look(&mut file, offset, bytes)?;
    match damage.kind {
        DamageKind::Truncate { .. } => file.set_len(offset)?,
        DamageKind::Zero { .. } => {
            file.seek(SeekFrom::Start(offset))?;
            std::io::copy(&mut std::io::repeat(0).take(bytes), &mut file)?;
        }
        DamageKind::Flip => {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&[before[0] ^ (1 << bit)])?;
        }
    }
    // It stays, whatever is done to the disk later.
    file.sync_all()?;
    let after = match damage.kind {
        DamageKind::Truncate { .. } => Vec::new(),
        _ => look(&mut file, offset, bytes)?,
    };
    Ok(DamageDone {
        damage,
        path: shown,
        offset,
        bytes,
        file_bytes_before: size,
        file_bytes_after: file.metadata()?.len(),
        before: hex(&before),
        after: hex(&after),
    })
}

fn look(file: &mut File, offset: u64, bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut found = vec![0; (bytes as usize).min(DamageDone::SHOWN)];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut found)?;
    Ok(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> tempfile::TempDir {
        let data = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        std::fs::write(data.path().join("dump.rdb"), bytes).unwrap();
        data
    }

    fn done(data: &Path, text: &str, seed: u64) -> (DamageDone, Vec<u8>) {
        let done = perform(data, text.parse().unwrap(), seed).unwrap();
        (done, std::fs::read(data.join("dump.rdb")).unwrap())
    }

    #[test]
    fn a_flip_changes_one_bit_and_says_which() {
        let data = data();
        let (flip, bytes) = done(data.path(), "flip:rdb", 3);
        let changed: Vec<usize> = (0..256).filter(|i| bytes[*i] != *i as u8).collect();
        assert_eq!(changed, [flip.offset as usize]);
        assert_eq!((bytes[changed[0]] ^ changed[0] as u8).count_ones(), 1);
        assert_eq!(flip.before, format!("{:02x}", changed[0]));
        assert_eq!(flip.after, format!("{:02x}", bytes[changed[0]]));
        // The same seed flips it back; another one takes another place.
        assert_eq!(
            done(data.path(), "flip:rdb", 3).1,
            (0..=255).collect::<Vec<u8>>()
        );
        assert_ne!(done(data.path(), "flip:rdb", 4).0.offset, flip.offset);
    }

    #[test]
    fn a_tail_is_cut_or_zeroed_and_no_more_than_there_is() {
        let data = data();
        let (zero, bytes) = done(data.path(), "zero:rdb=100", 1);
        assert_eq!((zero.offset, zero.bytes, bytes.len()), (156, 100, 256));
        assert!(bytes[156..].iter().all(|byte| *byte == 0) && bytes[155] == 155);
        assert_eq!((&zero.before[..4], &zero.after[..4]), ("9c9d", "0000"));
        let (cut, bytes) = done(data.path(), "truncate:rdb=1000", 1);
        assert_eq!((cut.offset, cut.bytes, bytes.len()), (0, 256, 0));
        assert_eq!((cut.file_bytes_before, cut.file_bytes_after), (256, 0));
        let error = perform(data.path(), "flip:rdb".parse().unwrap(), 1).unwrap_err();
        assert!(error.message.contains("empty"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let data = data();
        let error = perform(data.path(), "flip:aof".parse().unwrap(), 1).unwrap_err();
        assert!(error.message.contains("\"aof\""), "{error}");
    }
}
