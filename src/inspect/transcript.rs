//! One session for the eye: its messages from some place on, a page at a time.

use std::sync::Arc;

use super::content::{Ending, Take, read_paged};
use crate::client::budget::Budget;
use crate::client::reader::{Answer, Ask, ReadError, Reader};
use crate::client::target::Target;
use crate::domain::memory::layout::Layout;

/// Messages of one page.
pub const PAGE: u64 = 200;
/// Of one message this much is shown; the rest is counted.
pub const MAX_SHOWN_BYTES: usize = 4 << 10;

/// One message as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: u64,
    /// At most [`MAX_SHOWN_BYTES`] of it.
    pub bytes: Vec<u8>,
    pub full_bytes: usize,
    /// Why it could not be decoded, where the whole session is one value. Such a value comes in parts, a line each.
    pub error: Option<String>,
}

/// A page of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    let to = (from + PAGE) as i64 - 1;
    let asks = match layout {
        Layout::List => [Ask::ListLen(key), Ask::ListRange(key, from, to)],
        _ => [Ask::ZsetLen(key), Ask::ZsetRange(key, from, to)],
    };
    let answers = reader.ask(&asks)?;
    let mut page = Page {
        total: answers[0].number().unwrap_or(0).max(0) as u64,
        from,
        ..Page::default()
    };
    match &answers[1] {
        Answer::Many(items) => {
            for (at, item) in items.iter().enumerate() {
                if let Answer::Bytes(bytes) = item {
                    page.lines.push(line(from + at as u64 + 1, bytes, None));
                }
            }
        }
        Answer::Refused(cause) => page.trouble = Some(cause.clone()),
        _ => {}
    }
    if page.total == 0 && page.trouble.is_none() {
        page.trouble = Some("the session is gone".into());
    }
    Ok(page)
}

/// A value that can only be read as a whole is read again for each page, and only the page is kept.
fn whole(reader: &mut Reader, key: &[u8], layout: Layout, from: u64) -> Result<Page, ReadError> {
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
            self.page.lines.push(line(number, bytes, error));
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

fn line(number: u64, bytes: &[u8], error: Option<&str>) -> Line {
    Line {
        number,
        bytes: bytes[..bytes.len().min(MAX_SHOWN_BYTES)].to_vec(),
        full_bytes: bytes.len(),
        error: error.map(str::to_owned),
    }
}
