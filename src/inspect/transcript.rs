//! One session for the eye: its messages from some place on, a page at a time.

use std::sync::Arc;

use serde_json::Value;

use super::content::{Ending, MAX_WHOLE_BYTES, Take, read_paged};
use crate::client::budget::Budget;
use crate::client::reader::{Answer, Ask, ReadError, Reader};
use crate::client::target::Target;
use crate::domain::memory::layout::Layout;
use crate::domain::memory::message::{Facts, content, role};
use crate::domain::memory::survey::readable;

/// Messages of one page.
pub const PAGE: u64 = 200;
/// Of one message this much is shown; the rest is counted.
pub const MAX_SHOWN_BYTES: usize = 4 << 10;

/// Of a value that is too large to be decoded, a line shows this much.
const PIECE_BYTES: u64 = MAX_SHOWN_BYTES as u64;
/// Long messages come a few at a time, and only what is shown of each is kept.
const STEP_BYTES: u64 = 256 << 10;

/// One message as it lies in the store, and what it says. Everything is made where it is read: whoever draws it
/// decodes and copies nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// At most [`MAX_SHOWN_BYTES`] of it.
    pub bytes: Vec<u8>,
    pub full_bytes: usize,
    /// Why it could not be decoded, where the whole session is one value. Such a value comes in parts, a line each.
    pub error: Option<String>,
    /// What the message says, if it is one; else the bytes for the eye.
    pub said: String,
    /// The bytes for the eye.
    pub raw: String,
    /// Empty if it has none.
    pub role: String,
    /// Seconds since 1970, by the message itself.
    pub at: Option<f64>,
    /// Neither JSON nor plain text.
    pub damaged: bool,
}

impl Line {
    /// `full` is the whole message or a part of a value.
    #[must_use]
    pub fn of(number: u64, full: &[u8], error: Option<&str>) -> Line {
        let bytes = &full[..full.len().min(MAX_SHOWN_BYTES)];
        let whole = bytes.len() == full.len();
        let raw = readable(bytes);
        let value = serde_json::from_slice::<Value>(bytes)
            .ok()
            .filter(|_| whole);
        let said = value.as_ref().and_then(content);
        let begins = bytes.trim_ascii_start().first();
        let is_binary = std::str::from_utf8(full).is_err();
        Line {
            number,
            full_bytes: full.len(),
            error: error.map(str::to_owned),
            said: said.unwrap_or_else(|| raw.replace("\\n", "\n")),
            role: value.as_ref().map_or(String::new(), role),
            at: value.as_ref().and_then(|value| Facts::of(value).at),
            damaged: value.is_none()
                && (error.is_some() || is_binary || whole && matches!(begins, Some(b'{' | b'['))),
            raw,
            bytes: bytes.to_vec(),
        }
    }
}

/// A page of a session.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub lines: Vec<Line>,
    /// Messages in all.
    pub total: u64,
    /// Number of the first line, from 0.
    pub from: u64,
    /// Why some of it is missing.
    pub trouble: Option<String>,
}

/// Reads the page that begins at message `from`.
///
/// # Errors
/// Whatever is wrong with the way to the server.
pub fn page(
    target: &Target,
    budget: &Arc<Budget>,
    key: &[u8],
    layout: Layout,
    from: u64,
) -> Result<Page, ReadError> {
    let mut reader = Reader::open(target, Arc::clone(budget))?;
    match layout {
        Layout::List | Layout::Zset => items(&mut reader, key, layout, from),
        _ => whole(&mut reader, key, layout, from),
    }
}

fn items(reader: &mut Reader, key: &[u8], layout: Layout, from: u64) -> Result<Page, ReadError> {
    let len = match layout {
        Layout::List => Ask::ListLen(key),
        _ => Ask::ZsetLen(key),
    };
    let answers = reader.ask(&[len, Ask::MemoryUsage(key)])?;
    let number = |answer: &Answer| answer.number().unwrap_or(0).max(0) as u64;
    let mut page = Page {
        total: number(&answers[0]),
        from,
        ..Page::default()
    };
    // Where the memory is not told, messages may be long.
    let each = number(&answers[1]).max(PAGE) / page.total.max(1);
    let step = match number(&answers[1]) {
        0 => 1,
        _ => (STEP_BYTES / each.max(1)).clamp(1, PAGE),
    };
    let end = (from + PAGE).min(page.total);
    let mut at = from;
    while at < end {
        let to = (at + step).min(end) as i64 - 1;
        let answer = reader.ask_one(match layout {
            Layout::List => Ask::ListRange(key, at, to),
            _ => Ask::ZsetRange(key, at, to),
        })?;
        match answer {
            Answer::Many(items) if items.is_empty() => break,
            Answer::Many(items) => {
                for item in items {
                    at += 1;
                    if let Answer::Bytes(bytes) = item {
                        page.lines.push(Line::of(at, &bytes, None));
                    }
                }
            }
            Answer::Refused(cause) => {
                page.trouble = Some(cause);
                break;
            }
            _ => break,
        }
    }
    if let Answer::Refused(cause) = &answers[0] {
        page.trouble = Some(cause.clone());
    } else if page.total == 0 {
        page.trouble = Some("the session is gone".into());
    }
    Ok(page)
}

/// A string that is too large to be decoded, as it lies in the store: a piece a line.
fn pieces(reader: &mut Reader, key: &[u8], len: u64, from: u64) -> Result<Page, ReadError> {
    let why = format!(
        "{len} bytes in one value: more than {} MiB are not decoded, and shown as they are",
        MAX_WHOLE_BYTES >> 20
    );
    let mut page = Page {
        total: len.div_ceil(PIECE_BYTES),
        from,
        ..Page::default()
    };
    let (first, end) = (from * PIECE_BYTES, ((from + PAGE) * PIECE_BYTES).min(len));
    match reader.ask_one(Ask::StringRange(key, first, end as i64 - 1))? {
        Answer::Bytes(bytes) => {
            for (number, piece) in (from + 1..).zip(bytes.chunks(PIECE_BYTES as usize)) {
                page.lines.push(Line::of(number, piece, Some(&why)));
            }
            page.trouble = Some(why);
        }
        Answer::Refused(cause) => page.trouble = Some(cause),
        _ => page.trouble = Some("the session is gone".into()),
    }
    Ok(page)
}

/// A value that can only be read as a whole is read again for each page, and only the page is kept.
fn whole(reader: &mut Reader, key: &[u8], layout: Layout, from: u64) -> Result<Page, ReadError> {
    if layout == Layout::String {
        let len = reader.ask_one(Ask::StringLen(key))?.number().unwrap_or(0);
        if len > MAX_WHOLE_BYTES as i64 {
            return pieces(reader, key, len as u64, from);
        }
    }
    let bytes = reader
        .ask_one(Ask::MemoryUsage(key))?
        .number()
        .unwrap_or(0)
        .max(0) as u64;
    let mut kept = Kept {
        page: Page {
            from,
            ..Page::default()
        },
    };
    let ending = read_paged(reader, key, layout, bytes, &mut kept)?;
    let mut page = kept.page;
    page.trouble = match ending {
        Ending::Whole | Ending::TooLarge => None,
        Ending::Changed(why) | Ending::Unread(why) => Some(why),
        Ending::Gone => Some("the session is gone".into()),
    };
    Ok(page)
}

struct Kept {
    page: Page,
}

impl Kept {
    fn add(&mut self, bytes: &[u8], error: Option<&str>) {
        let number = self.page.total + 1;
        self.page.total = number;
        if number > self.page.from && number <= self.page.from + PAGE {
            self.page.lines.push(Line::of(number, bytes, error));
        }
    }
}

impl Take for Kept {
    fn message(&mut self, bytes: &[u8], _at: Option<f64>) {
        self.add(bytes, None);
    }

    fn broken(&mut self, bytes: &[u8], error: &str) {
        for part in bytes.chunks(MAX_SHOWN_BYTES) {
            self.add(part, Some(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_holds_before_anybody_draws_it() {
        let line = Line::of(
            1,
            br#"{"role":"user","content":"a\nb","timestamp":5}"#,
            None,
        );
        assert_eq!(
            (&*line.said, &*line.role, line.at),
            ("a\nb", "user", Some(5.0))
        );
        assert!(!line.damaged && line.raw.starts_with('{'));
        let torn = Line::of(2, br#"{"role":"us"#, None);
        assert!(torn.damaged && torn.said.starts_with('{'));
        let binary = Line::of(3, b"\x80\x04", None);
        assert_eq!((&*binary.said, binary.damaged), ("\\x80\\x04", true));
        assert!(!Line::of(4, b"plain words", None).damaged);
        let long = format!("{{\"content\":\"{}\"}}", "x".repeat(MAX_SHOWN_BYTES));
        let long = Line::of(5, long.as_bytes(), None);
        assert_eq!(long.bytes.len(), MAX_SHOWN_BYTES);
        assert!(!long.damaged, "cut for the eye and not torn");
    }
}
