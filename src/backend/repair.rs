//! The server's own repair program, `redis-check-aof --fix`, run on a copy of an AOF.
//!
//! It is never run on the data directory of a drill's server: what a fault has left is evidence.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{BackendError, Result};

/// Names of the program, by engine.
const PROGRAMS: [&str; 3] = ["redis-check-aof", "valkey-check-aof", "redict-check-aof"];
/// Lines of its words that are kept.
const MOST_WORDS: usize = 12;

/// What the program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    pub program: PathBuf,
    pub succeeded: bool,
    /// Its own words, without empty lines.
    pub words: Vec<String>,
}

/// Finds the program, beside the server's first, since versions belong together.
///
/// # Errors
/// Names what was looked for and how to get it.
pub fn find_check_aof(server: Option<&Path>) -> Result<PathBuf> {
    let beside = server.and_then(Path::parent).map(Path::to_owned);
    let on_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let folders = beside.into_iter().chain(on_path);
    let mut candidates =
        folders.flat_map(|folder| PROGRAMS.iter().map(move |program| folder.join(program)));
    candidates.find(|path| path.is_file()).ok_or_else(|| {
        BackendError::new(format!(
            "none of {} lies beside the server or on PATH: install it (Debian, Ubuntu: apt install redis-tools; macOS: brew install redis)",
            PROGRAMS.join(", ")
        ))
    })
}

/// Repairs `aof`: the manifest, or before Redis 7 the AOF itself. It asks before it cuts anything off, and is
/// answered y.
///
/// # Errors
/// The program cannot be found or run. That it could not repair is told by [`Fixed`].
pub fn fix(server: Option<&Path>, aof: &Path) -> Result<Fixed> {
    let program = find_check_aof(server)?;
    let failed = |error: std::io::Error| {
        BackendError::new(format!("cannot run {}: {error}", program.display()))
    };
    let mut child = Command::new(&program)
        .arg("--fix")
        .arg(aof)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    // One answer for each file that it may ask about; it may end without asking.
    let mut stdin = child.stdin.take().expect("it was asked for");
    let _ = stdin.write_all(&b"y\n".repeat(16));
    drop(stdin);
    let output = child.wait_with_output().map_err(failed)?;
    let mut words = lines(&output.stdout);
    words.extend(lines(&output.stderr));
    let skip = words.len().saturating_sub(MOST_WORDS);
    Ok(Fixed {
        program: program.clone(),
        succeeded: output.status.success(),
        words: words.split_off(skip),
    })
}

fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_program_beside_the_server_comes_first_and_its_words_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("valkey-check-aof");
        let script = "#!/bin/sh\nread answer\necho \"$1 $2 $answer\"\necho\necho bad >&2\nexit 1\n";
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let server = folder.path().join("valkey-server");
        let fixed = fix(Some(&server), Path::new("x.manifest")).unwrap();
        assert_eq!(fixed.program, program);
        assert!(!fixed.succeeded);
        assert_eq!(fixed.words, ["--fix x.manifest y", "bad"]);
    }
}
