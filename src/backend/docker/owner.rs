//! Who owns a container: the label that says it, and whether that process still lives.

use crate::backend::process_id::ProcessId;

/// The label of this process; see [`ProcessId`].
#[must_use]
pub fn our_label() -> String {
    ProcessId::of_this_process().to_string()
}

/// Whether the process that wrote `label` may still run. A label that we cannot judge counts as alive.
#[must_use]
pub fn is_alive(label: &str) -> bool {
    label
        .parse()
        .map_or(true, |owner: ProcessId| owner.is_alive())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_are_alive_and_what_cannot_be_judged_counts_as_alive() {
        assert!(is_alive(&our_label()));
        assert!(is_alive("somebody"));
        assert!(!is_alive("1:0:another-boot:1"));
    }
}
