//! Reads the messages of one session in any layout, page by page where it is large.
//!
//! A small session is one question, so that many go in one round trip; a large one never comes in one reply.

use std::collections::BTreeMap;

use crate::client::reader::{Answer, Ask, ReadError, Reader};
use crate::domain::memory::content::{Whole, entry, entry_time, hash, whole};
use crate::domain::memory::layout::Layout;

/// Memory of a key up to which it is read by one question.
pub const SMALL_BYTES: u64 = 256 << 10;
/// A page of a large session is about this long.
const PAGE_BYTES: u64 = 256 << 10;
const PAGE_ITEMS: u64 = 1000;
/// A value that holds a whole session is decoded up to this size.
pub const MAX_WHOLE_BYTES: usize = 64 << 20;

/// Takes messages in their order.
pub trait Take {
    /// `at` is a time from outside the message, in seconds since 1970.
    fn message(&mut self, bytes: &[u8], at: Option<f64>);
    /// A value that holds a whole session and cannot be decoded.
    fn broken(&mut self, bytes: &[u8], error: &str);
}

/// How reading ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    /// Read, and written to meanwhile: how that shows.
    Changed(String),
    /// Not read, or not to its end: why.
    Unread(String),
    /// There is no such key any more.
    Gone,
    /// More than one question is needed; nothing was taken.
    TooLarge,
}

/// The question whose answer is the whole of a small session.
#[must_use]
pub fn question(key: &[u8], layout: Layout) -> Option<Ask<'_>> {
    Some(match layout {
        Layout::List => Ask::ListRange(key, 0, -1),
        Layout::String => Ask::StringRange(key, 0, -1),
        Layout::Hash => Ask::HashScan {
            key,
            cursor: 0,
            count: PAGE_ITEMS,
        },
        Layout::Zset => Ask::ZsetRange(key, 0, -1),
        Layout::Stream => Ask::StreamRange {
            key,
            from: "-",
            count: PAGE_ITEMS,
        },
        Layout::Json => Ask::Json(key),
        Layout::Set | Layout::Other => return None,
    })
}

/// Takes the answer to [`question`].
pub fn take_answer(layout: Layout, answer: Answer, take: &mut dyn Take) -> Ending {
    match (layout, answer) {
        (_, Answer::Refused(cause)) => Ending::Unread(cause),
        (_, Answer::Nil) => Ending::Gone,
        (Layout::List | Layout::Zset, Answer::Many(items)) => {
            items.into_iter().for_each(|item| take_item(item, take));
            Ending::Whole
        }
        (Layout::String | Layout::Json, Answer::Bytes(bytes)) => {
            if layout == Layout::String && bytes.is_empty() {
                return Ending::Gone;
            }
            take_whole(whole(&bytes), &bytes, take)
        }
        (Layout::Hash, answer) => match answer.scanned() {
            Some((0, fields)) => take_hash(pairs(fields), take),
            Some(_) => Ending::TooLarge,
            None => Ending::Unread("HSCAN was answered in a way that is not understood".into()),
        },
        (Layout::Stream, Answer::Many(entries)) => {
            if entries.len() as u64 >= PAGE_ITEMS {
                return Ending::TooLarge;
            }
            entries.into_iter().for_each(|entry| {
                take_entry(entry, take);
            });
            Ending::Whole
        }
        (_, other) => Ending::Unread(format!("an answer that is not understood: {other:?}")),
    }
}

/// Reads a session of any size by pages.
///
/// # Errors
/// The connection ended, or we were stopped.
pub fn read_paged(
    reader: &mut Reader,
    key: &[u8],
    layout: Layout,
    bytes: u64,
    take: &mut dyn Take,
) -> Result<Ending, ReadError> {
    match layout {
        Layout::List | Layout::Zset => items(reader, key, layout, bytes, take),
        Layout::String => string(reader, key, take),
        Layout::Hash => fields(reader, key, take),
        Layout::Stream => stream(reader, key, take),
        Layout::Json if bytes > MAX_WHOLE_BYTES as u64 => Ok(too_large(bytes)),
        Layout::Json => {
            let answer = reader.ask_one(Ask::Json(key))?;
            Ok(take_answer(layout, answer, take))
        }
        Layout::Set => Ok(Ending::Unread("a set has no order".into())),
        Layout::Other => Ok(Ending::Unread("its type is not understood".into())),
    }
}

fn too_large(bytes: u64) -> Ending {
    Ending::Unread(format!(
        "{bytes} bytes in one value: more than {} MiB are not decoded",
        MAX_WHOLE_BYTES >> 20
    ))
}

fn take_item(item: Answer, take: &mut dyn Take) {
    if let Answer::Bytes(bytes) = item {
        take.message(&bytes, None);
    }
}

fn take_whole(whole: Whole, bytes: &[u8], take: &mut dyn Take) -> Ending {
    match whole {
        Whole::Messages(messages) => messages
            .iter()
            .for_each(|message| take.message(message, None)),
        Whole::Broken(error) => take.broken(bytes, &error),
    }
    Ending::Whole
}

fn take_hash(fields: Vec<(Vec<u8>, Vec<u8>)>, take: &mut dyn Take) -> Ending {
    if fields.is_empty() {
        return Ending::Gone;
    }
    // What cannot be decoded is the field that holds all messages: the longest.
    let list = fields
        .iter()
        .map(|(_, value)| value)
        .max_by_key(|value| value.len())
        .cloned()
        .unwrap_or_default();
    take_whole(hash(fields), &list, take)
}

fn pairs(items: Vec<Answer>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(Answer::Bytes(field)), Some(Answer::Bytes(value))) =
        (items.next(), items.next())
    {
        pairs.push((field, value));
    }
    pairs
}

/// The entry's id.
fn take_entry(answer: Answer, take: &mut dyn Take) -> Option<String> {
    let Answer::Many(parts) = answer else {
        return None;
    };
    let [id, fields] = <[Answer; 2]>::try_from(parts).ok()?;
    let id = id.text();
    if let Answer::Many(fields) = fields {
        take.message(&entry(pairs(fields)), entry_time(&id));
    }
    Some(id)
}

/// The number in an answer, or how reading ends without it.
fn length(answer: &Answer) -> Result<u64, Ending> {
    match answer {
        Answer::Refused(cause) => Err(Ending::Unread(cause.clone())),
        answer => match answer.number() {
            Some(0) | None => Err(Ending::Gone),
            Some(number) => Ok(number.max(0) as u64),
        },
    }
}

fn items(
    reader: &mut Reader,
    key: &[u8],
    layout: Layout,
    bytes: u64,
    take: &mut dyn Take,
) -> Result<Ending, ReadError> {
    let len_of = || match layout {
        Layout::List => Ask::ListLen(key),
        _ => Ask::ZsetLen(key),
    };
    let len = match length(&reader.ask_one(len_of())?) {
        Ok(len) => len,
        Err(ending) => return Ok(ending),
    };
    let page = (PAGE_BYTES / (bytes / len).max(1)).clamp(1, PAGE_ITEMS);
    let mut from = 0;
    while from < len {
        let to = (from + page).min(len) as i64 - 1;
        let answer = reader.ask_one(match layout {
            Layout::List => Ask::ListRange(key, from, to),
            _ => Ask::ZsetRange(key, from, to),
        })?;
        let items = match answer {
            Answer::Many(items) => items,
            Answer::Refused(cause) => return Ok(Ending::Unread(cause)),
            _ => break,
        };
        if items.is_empty() {
            break;
        }
        from += items.len() as u64;
        items.into_iter().for_each(|item| take_item(item, take));
    }
    let after = length(&reader.ask_one(len_of())?);
    Ok(match after {
        Ok(after) if after == len && from == len => Ending::Whole,
        Ok(after) => Ending::Changed(format!("{len} messages before, {after} after reading")),
        Err(_) => Ending::Changed(format!("{len} messages before, gone after reading")),
    })
}

fn string(reader: &mut Reader, key: &[u8], take: &mut dyn Take) -> Result<Ending, ReadError> {
    let len = match length(&reader.ask_one(Ask::StringLen(key))?) {
        Ok(len) => len,
        Err(ending) => return Ok(ending),
    };
    if len > MAX_WHOLE_BYTES as u64 {
        return Ok(too_large(len));
    }
    let mut value = Vec::with_capacity(len as usize);
    while (value.len() as u64) < len {
        let from = value.len() as u64;
        let to = (from + PAGE_BYTES).min(len) as i64 - 1;
        match reader.ask_one(Ask::StringRange(key, from, to))? {
            Answer::Bytes(bytes) if !bytes.is_empty() => value.extend(bytes),
            Answer::Refused(cause) => return Ok(Ending::Unread(cause)),
            _ => break,
        }
    }
    let after = reader.ask_one(Ask::StringLen(key))?.number();
    if after != Some(len as i64) || value.len() as u64 != len {
        // Pages of two values make no value.
        return Ok(Ending::Unread(
            "it was written anew while it was read".into(),
        ));
    }
    Ok(take_whole(whole(&value), &value, take))
}

fn fields(reader: &mut Reader, key: &[u8], take: &mut dyn Take) -> Result<Ending, ReadError> {
    let mut found = BTreeMap::new();
    let (mut cursor, mut bytes) = (0, 0);
    loop {
        let answer = reader.ask_one(Ask::HashScan {
            key,
            cursor,
            count: PAGE_ITEMS,
        })?;
        if let Answer::Refused(cause) = answer {
            return Ok(Ending::Unread(cause));
        }
        let Some((next, items)) = answer.scanned() else {
            return Ok(Ending::Gone);
        };
        for (field, value) in pairs(items) {
            bytes += field.len() + value.len();
            // HSCAN may show a field twice.
            found.insert(field, value);
        }
        if bytes > MAX_WHOLE_BYTES {
            return Ok(too_large(bytes as u64));
        }
        cursor = next;
        if cursor == 0 {
            return Ok(take_hash(found.into_iter().collect(), take));
        }
    }
}

fn stream(reader: &mut Reader, key: &[u8], take: &mut dyn Take) -> Result<Ending, ReadError> {
    let mut from = "-".to_owned();
    loop {
        let answer = reader.ask_one(Ask::StreamRange {
            key,
            from: &from,
            count: PAGE_ITEMS,
        })?;
        let entries = match answer {
            Answer::Many(entries) => entries,
            Answer::Refused(cause) => return Ok(Ending::Unread(cause)),
            _ => return Ok(Ending::Gone),
        };
        let full = entries.len() as u64 == PAGE_ITEMS;
        let mut last = None;
        for entry in entries {
            last = take_entry(entry, take).or(last);
        }
        match last {
            Some(id) if full => from = format!("({id}"),
            _ => return Ok(Ending::Whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Kept(Vec<String>);

    impl Take for Kept {
        fn message(&mut self, bytes: &[u8], _at: Option<f64>) {
            self.0.push(String::from_utf8_lossy(bytes).into_owned());
        }

        fn broken(&mut self, _bytes: &[u8], error: &str) {
            self.0.push(error.to_owned());
        }
    }

    fn bytes(text: &str) -> Answer {
        Answer::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn an_answer_that_is_not_all_is_taken_back() {
        let mut kept = Kept::default();
        let scanned = |cursor: &str| {
            Answer::Many(vec![
                bytes(cursor),
                Answer::Many(vec![bytes("1"), bytes("{}")]),
            ])
        };
        assert_eq!(
            take_answer(Layout::Hash, scanned("5"), &mut kept),
            Ending::TooLarge
        );
        assert!(kept.0.is_empty());
        assert_eq!(
            take_answer(Layout::Hash, scanned("0"), &mut kept),
            Ending::Whole
        );
        assert_eq!(kept.0, ["{}"]);
    }

    #[test]
    fn an_error_is_told_and_an_empty_value_is_gone() {
        let mut kept = Kept::default();
        let noperm = Answer::Refused("NOPERM no".into());
        assert_eq!(
            take_answer(Layout::List, noperm, &mut kept),
            Ending::Unread("NOPERM no".into())
        );
        assert_eq!(
            take_answer(Layout::String, bytes(""), &mut kept),
            Ending::Gone
        );
    }
}
