//! Which sessions the table shows, and in which order. Pure; runs off the frame's thread.

use std::cmp::Ordering;

use super::store_state::{Column, Table};
use crate::domain::memory::finding::title_of;
use crate::domain::memory::mark::Mark;
use crate::domain::memory::survey::{Row, Survey, Ttl};

/// The wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub filter: String,
    pub only: Option<Mark>,
    pub column: Column,
    pub ascending: bool,
}

impl Wanted {
    #[must_use]
    pub fn of(table: &Table) -> Wanted {
        Wanted {
            filter: table.filter.trim().to_lowercase(),
            only: table.only,
            column: table.column,
            ascending: table.ascending,
        }
    }
}

/// Numbers of the sessions that fit, in the order wanted.
#[must_use]
pub fn order(survey: &Survey, wanted: &Wanted) -> Vec<u32> {
    let words: Vec<&str> = wanted.filter.split_whitespace().collect();
    let mut rows: Vec<u32> = (0..survey.rows.len() as u32)
        .filter(|number| {
            let row = &survey.rows[*number as usize];
            row.session
                && wanted.only.is_none_or(|mark| row.marks.has(mark))
                && words.iter().all(|word| fits(survey, *number, row, word))
        })
        .collect();
    let compare = |a: &u32, b: &u32| {
        let (x, y) = (&survey.rows[*a as usize], &survey.rows[*b as usize]);
        let order = match wanted.column {
            Column::Session => survey.key(*a).cmp(survey.key(*b)),
            Column::Messages => x.messages.cmp(&y.messages),
            Column::Bytes => x.bytes.cmp(&y.bytes),
            Column::Ttl => ttl(x).cmp(&ttl(y)),
            Column::Encoding => survey.encoding_of(x).cmp(survey.encoding_of(y)),
            Column::Idle => x.idle().cmp(&y.idle()),
            Column::Health => health(x, y),
        };
        let order = if wanted.ascending {
            order
        } else {
            order.reverse()
        };
        order.then_with(|| a.cmp(b))
    };
    rows.sort_unstable_by(compare);
    rows
}

/// Every word of the filter is found in the key, the layout, the encoding or a mark.
fn fits(survey: &Survey, number: u32, row: &Row, word: &str) -> bool {
    contains(survey.key(number), word.as_bytes())
        || row.layout.title().to_lowercase().contains(word)
        || survey.encoding_of(row).contains(word)
        || row
            .marks
            .iter()
            .any(|mark| title_of(mark).to_lowercase().contains(word))
}

/// Without making a new string of each of a million keys.
fn contains(key: &[u8], word: &[u8]) -> bool {
    key.len() >= word.len()
        && key
            .windows(word.len().max(1))
            .any(|window| window.eq_ignore_ascii_case(word))
}

fn health(a: &Row, b: &Row) -> Ordering {
    let marks = |row: &Row| row.marks.iter().count();
    (a.severity(), marks(a)).cmp(&(b.severity(), marks(b)))
}

/// Sooner first, then those that live for ever, then those that are not known.
fn ttl(row: &Row) -> (u8, u128) {
    match row.ttl() {
        Ttl::Left(left) => (0, left.as_millis()),
        Ttl::Forever => (1, 0),
        Ttl::Unknown => (2, 0),
    }
}
