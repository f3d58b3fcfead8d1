//! A Redis error to an outcome. The one table.

use crate::domain::op::{Cause, Completion};

/// What an error reply (without its `-`) says about the write that it answers. An error reply is an
/// answer: the write was not done.
#[must_use]
pub fn error_reply(text: &str) -> (Completion, Cause) {
    let code = text.split_whitespace().next().unwrap_or_default();
    let cause = match code {
        "MISCONF" => Cause::Misconf,
        "OOM" => Cause::OutOfMemory,
        "LOADING" => Cause::Loading,
        "READONLY" => Cause::ReadOnly,
        "WRONGTYPE" => Cause::WrongType,
        "NOAUTH" | "NOPERM" | "WRONGPASS" | "DENIED" => Cause::NotPermitted,
        _ => Cause::OtherError,
    };
    (Completion::Refused, cause)
}

/// The connection ended. Bytes that the kernel never got cannot have been executed; a command that
/// it got whole may have been.
#[must_use]
pub fn connection_ended(handed_over_whole: bool) -> (Completion, Cause) {
    if handed_over_whole {
        (Completion::Indeterminate, Cause::Disconnected)
    } else {
        (Completion::Refused, Cause::Disconnected)
    }
}

/// No reply in time. The server may still execute the command later.
#[must_use]
pub fn timed_out(handed_over_whole: bool) -> (Completion, Cause) {
    if handed_over_whole {
        (Completion::Indeterminate, Cause::TimedOut)
    } else {
        (Completion::Refused, Cause::TimedOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_known_and_silence_is_not() {
        let misconf = "MISCONF Errors writing to the AOF file: No space left on device";
        assert_eq!(error_reply(misconf), (Completion::Refused, Cause::Misconf));
        assert_eq!(
            error_reply("ERR unknown"),
            (Completion::Refused, Cause::OtherError)
        );
        assert_eq!(connection_ended(true).0, Completion::Indeterminate);
        assert_eq!(connection_ended(false).0, Completion::Refused);
        assert_eq!(
            timed_out(true),
            (Completion::Indeterminate, Cause::TimedOut)
        );
    }
}
