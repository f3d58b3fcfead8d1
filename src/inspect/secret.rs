//! Passwords of remembered stores: in the system's keyring where one answers, and nowhere else.

use std::sync::mpsc;
use std::time::Duration;

/// As which application the keyring shows the entry.
const SERVICE: &str = "crashdrill";
/// A keyring that waits for its user to unlock it must not hold us up for ever.
const WITHIN: Duration = Duration::from_secs(20);

/// Whether the password of a store was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    Yes,
    /// Why not: it is asked for each time.
    No(String),
}

/// Keeps the password of the store with this address (without its password).
#[must_use]
pub fn keep(address: &str, password: &str) -> Kept {
    let (address, password) = (address.to_owned(), password.to_owned());
    match ask(move || keyring::v1::Entry::new(SERVICE, &address)?.set_password(&password)) {
        Ok(()) => Kept::Yes,
        Err(why) => Kept::No(why),
    }
}

/// The password kept for this address, if there is one and a keyring answers.
#[must_use]
pub fn recall(address: &str) -> Option<String> {
    let address = address.to_owned();
    ask(move || keyring::v1::Entry::new(SERVICE, &address)?.get_password()).ok()
}

/// Forgets it.
pub fn forget(address: &str) {
    let address = address.to_owned();
    let _ = ask(move || keyring::v1::Entry::new(SERVICE, &address)?.delete_credential());
}

/// On a thread of its own: the keyring is another process behind a bus.
fn ask<T: Send + 'static>(
    work: impl FnOnce() -> keyring::v1::Result<T> + Send + 'static,
) -> Result<T, String> {
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new()
        .name("keyring".into())
        .spawn(move || {
            let _ = tell.send(work());
        })
        .map_err(|error| error.to_string())?;
    match told.recv_timeout(WITHIN) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("no keyring answers: {error}")),
        Err(_) => Err("the keyring does not answer".into()),
    }
}
