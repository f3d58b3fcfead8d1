//! The random namespace of a suite on a server of the user's: noted on disk, removed by its prefix alone.
//!
//! A note is written before the first key and removed after the last. A suite that was killed leaves its note; the
//! next one on the same server removes exactly the keys under the noted prefix, and only if the note's owner is dead.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backend::process_id::ProcessId;
use crate::backend::{self, BackendError, Endpoint, Wire};
use crate::client::talk::{Talk, Trouble};

/// Begins every key of every check.
const HEAD: &str = "crashdrill-check:";
const DIGITS: usize = 16;

/// The note on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    address: String,
    prefix: String,
    owner: ProcessId,
}

/// A prefix that nobody else has.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Ends with a colon.
    pub prefix: String,
    note: Option<PathBuf>,
}

impl Namespace {
    /// A namespace on a server of our own, which ends with the server: no note.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn unnoted() -> Result<Namespace, BackendError> {
        let random = backend::random_hex()?;
        Ok(Namespace {
            prefix: format!("{HEAD}{}:", &random[..DIGITS]),
            note: None,
        })
    }

    /// A namespace on a server of the user's, noted in `folder`.
    ///
    /// # Errors
    /// The note cannot be written: then no key is, either.
    pub fn noted(folder: &Path, endpoint: &Endpoint) -> Result<Namespace, BackendError> {
        let mut space = Namespace::unnoted()?;
        let note = Note {
            address: address(endpoint),
            prefix: space.prefix.clone(),
            owner: ProcessId::of_this_process(),
        };
        let path = folder.join(format!("{}.namespace", space.prefix.replace(':', "-")));
        let text = serde_json::to_string(&note).expect("plain data");
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| {
                BackendError::new(format!(
                    "cannot note which keys must be removed ({}): {error}",
                    path.display()
                ))
            })?;
        space.note = Some(path);
        Ok(space)
    }

    /// Removes the keys and then the note.
    ///
    /// # Errors
    /// The server does not answer; the note stays for the next suite.
    pub fn remove(self, talk: &mut Talk) -> Result<u64, Trouble> {
        let removed = unlink(talk, &self.prefix)?;
        if let Some(note) = self.note {
            let _ = fs::remove_file(note);
        }
        Ok(removed)
    }
}

/// Host, port and database; no user, no password.
#[must_use]
pub fn address(endpoint: &Endpoint) -> String {
    let database = endpoint.database;
    match &endpoint.wire {
        Wire::Socket(path) => format!("{}/{database}", path.display()),
        _ => format!("{}:{}/{database}", endpoint.host, endpoint.port),
    }
}

/// Removes what dead suites have left on this server. Returns their prefixes with the number of keys.
///
/// # Errors
/// The server does not answer.
pub fn sweep(
    folder: &Path,
    endpoint: &Endpoint,
    talk: &mut Talk,
) -> Result<Vec<(String, u64)>, Trouble> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(Vec::new());
    };
    let here = address(endpoint);
    let mut swept = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let note = fs::read_to_string(&path)
            .ok()
            .and_then(|text| serde_json::from_str::<Note>(&text).ok());
        let dead = note
            .filter(|note| note.address == here && is_ours(&note.prefix) && !note.owner.is_alive());
        if let Some(note) = dead {
            let removed = unlink(talk, &note.prefix)?;
            let _ = fs::remove_file(&path);
            swept.push((note.prefix, removed));
        }
    }
    Ok(swept)
}

/// A note is a file that anybody may have written: only a whole prefix of ours is ever removed.
fn is_ours(prefix: &str) -> bool {
    let digits = prefix
        .strip_prefix(HEAD)
        .and_then(|rest| rest.strip_suffix(':'));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The keys under `prefix`, by SCAN. The prefix must hold no glob characters; ours never do.
///
/// # Errors
/// Those of the connection.
pub fn keys(talk: &mut Talk, prefix: &str) -> Result<Vec<Vec<u8>>, Trouble> {
    let pattern = format!("{prefix}*");
    let (mut cursor, mut keys) = ("0".to_owned(), Vec::new());
    loop {
        let answer = crate::say!(talk, "SCAN", cursor, "MATCH", pattern, "COUNT", "500")?;
        let mut parts = answer.array().into_iter();
        cursor = parts.next().map(|cursor| cursor.text()).unwrap_or_default();
        let batch = parts.next().map(crate::client::talk::Reply::array);
        // MATCH is the server's word; what does not begin with the prefix is not ours, whatever it says.
        keys.extend(
            batch
                .unwrap_or_default()
                .into_iter()
                .filter_map(crate::client::talk::Reply::bytes)
                .filter(|key| key.starts_with(prefix.as_bytes())),
        );
        if cursor == "0" || cursor.is_empty() {
            keys.sort();
            keys.dedup();
            return Ok(keys);
        }
    }
}

/// SCAN and UNLINK of one prefix; how many keys are gone.
///
/// # Errors
/// Those of the connection.
pub fn unlink(talk: &mut Talk, prefix: &str) -> Result<u64, Trouble> {
    let mut removed = 0;
    for batch in keys(talk, prefix)?.chunks(500) {
        let mut words: Vec<&[u8]> = vec![b"UNLINK"];
        words.extend(batch.iter().map(Vec::as_slice));
        removed += talk.call(&words)?.int().unsigned_abs();
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_prefix_of_ours_is_ever_removed() {
        assert!(is_ours("crashdrill-check:0123456789abcdef:"));
        for foreign in [
            "",
            "*",
            "session:",
            "crashdrill-check:",
            "crashdrill-check:*:",
            "crashdrill-check:0123456789abcdef",
            "crashdrill-check:0123456789abcde?:",
        ] {
            assert!(!is_ours(foreign), "{foreign}");
        }
    }
}
