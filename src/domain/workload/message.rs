//! The bytes of message `seq` of a session, from nothing but seed, session and seq.

use super::corpus::CORPUS;
use super::{Workload, mix64};
use crate::domain::op::SessionId;

/// Makes messages: `{"seq":…,"role":…,"content":…,"timestamp":…}`.
///
/// `timestamp` is in seconds of a clock that starts at [`MessageMaker::EPOCH_SECS`] with the drill
/// and knows only seed, session and seq: the real time would make the bytes unrepeatable.
#[derive(Clone, Debug)]
pub struct MessageMaker {
    seed: u64,
    exact_bytes: Option<usize>,
}

impl MessageMaker {
    /// 2026-01-01T00:00:00Z.
    pub const EPOCH_SECS: u64 = 1_767_225_600;

    #[must_use]
    pub fn new(workload: &Workload) -> Self {
        MessageMaker {
            seed: workload.seed,
            exact_bytes: workload.message_bytes.map(|bytes| bytes as usize),
        }
    }

    /// Appends the message's bytes to `out`.
    pub fn write(&self, session: SessionId, seq: u32, out: &mut Vec<u8>) {
        let begin = out.len();
        let voice = mix64(self.seed, u64::from(session.0));
        let line = mix64(voice, u64::from(seq));
        let language = &CORPUS[(voice >> 32) as usize % CORPUS.len()];
        let (role, lines) = if seq % 2 == 1 {
            ("user", &language.user)
        } else {
            ("assistant", &language.assistant)
        };

        out.extend_from_slice(b"{\"seq\":");
        push_number(out, u64::from(seq));
        out.extend_from_slice(b",\"role\":\"");
        out.extend_from_slice(role.as_bytes());
        out.extend_from_slice(b"\",\"content\":\"");
        let content_begin = out.len();
        out.extend_from_slice(lines[line as usize % lines.len()].as_bytes());

        let tail = Tail::new(voice, line, seq);
        if let Some(exact) = self.exact_bytes {
            fit(
                out,
                content_begin,
                (exact + begin).saturating_sub(tail.len()),
                lines,
                line,
            );
        }
        tail.write(out);
    }

    #[must_use]
    pub fn message(&self, session: SessionId, seq: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        self.write(session, seq, &mut out);
        out
    }
}

/// Grows or trims the content so that it ends at `end`, whole characters only, filled up with dots.
fn fit(out: &mut Vec<u8>, content_begin: usize, end: usize, lines: &[String], line: u64) {
    let end = end.max(content_begin);
    let mut next = line;
    while out.len() < end {
        next = next.wrapping_add(1);
        out.push(b' ');
        out.extend_from_slice(lines[next as usize % lines.len()].as_bytes());
    }
    let mut cut = end;
    while cut > content_begin && out.get(cut).is_some_and(|byte| byte & 0xc0 == 0x80) {
        cut -= 1;
    }
    out.truncate(cut);
    out.resize(end, b'.');
}

/// What follows the content: `","timestamp":1767225600.123}`.
struct Tail {
    secs: u64,
    millis: u64,
}

impl Tail {
    const BEFORE: &'static [u8] = b"\",\"timestamp\":";

    fn new(voice: u64, line: u64, seq: u32) -> Self {
        // A session opens within the first hour; turns are seven seconds apart and strictly rising.
        Tail {
            secs: MessageMaker::EPOCH_SECS + voice % 3600 + u64::from(seq) * 7,
            millis: line % 1000,
        }
    }

    fn len(&self) -> usize {
        // Ten digits until the year 2286.
        Self::BEFORE.len() + 10 + 1 + 3 + 1
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Self::BEFORE);
        push_number(out, self.secs);
        out.push(b'.');
        out.extend([100, 10, 1].map(|unit| b'0' + (self.millis / unit % 10) as u8));
        out.push(b'}');
    }
}

/// Decimal digits without the formatting machinery: this runs a million times a second.
pub(crate) fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn maker(seed: u64, message_bytes: Option<u32>) -> MessageMaker {
        MessageMaker::new(&Workload {
            seed,
            message_bytes,
            ..Workload::default()
        })
    }

    proptest! {
        #[test]
        fn a_message_is_the_json_it_claims_to_be(seed: u64, session in 0u32..9999, seq in 1u32..99_999) {
            let bytes = maker(seed, None).message(SessionId(session), seq);
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(json["seq"].as_u64(), Some(u64::from(seq)));
            prop_assert_eq!(json["role"].as_str(), Some(if seq % 2 == 1 { "user" } else { "assistant" }));
            prop_assert!(json["timestamp"].as_f64().unwrap() > 1.7e9);
            prop_assert_eq!(json.as_object().unwrap().len(), 4);
        }

        #[test]
        fn an_exact_size_is_exact(seed: u64, session in 0u32..99, seq in 1u32..99_999, size in 96u32..3000) {
            let bytes = maker(seed, Some(size)).message(SessionId(session), seq);
            prop_assert_eq!(bytes.len(), size as usize);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_bytes_for_ever() {
        let message = maker(7, None).message(SessionId(3), 2);
        assert_eq!(
            crc32fast::hash(&message),
            GOLDEN,
            "{}",
            String::from_utf8_lossy(&message)
        );
    }

    /// Changing the corpus or the maker breaks old plans' "same seed, same bytes": then bump the plan's version.
    const GOLDEN: u32 = 4_286_994_013;
}
