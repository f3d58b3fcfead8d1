//! Live gauges: INFO once a second for as long as somebody looks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::budget::Budget;
use crate::client::reader::{Ask, ReadError, Reader};
use crate::client::target::Target;
use crate::domain::memory::server::ServerFacts;

const EVERY: Duration = Duration::from_secs(1);

/// Reads INFO once a second and tells each reading, until the budget's brake is pulled or nobody listens.
///
/// # Errors
/// The server went away.
pub fn watch(
    target: &Target,
    budget: &Arc<Budget>,
    tell: &mut dyn FnMut(ServerFacts) -> bool,
) -> Result<(), ReadError> {
    let mut reader = Reader::open(target, Arc::clone(budget))?;
    while !budget.stopped() {
        let begun = Instant::now();
        let info = reader.need(Ask::Info)?;
        let facts = ServerFacts {
            info: ServerFacts::parse_info(&info.text()),
            ..ServerFacts::default()
        };
        if !tell(facts) {
            return Ok(());
        }
        while begun.elapsed() < EVERY && !budget.stopped() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}
