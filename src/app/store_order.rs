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
    let by = |compare: &dyn Fn(u32, u32) -> Ordering, rows: &mut Vec<u32>| {
        rows.sort_unstable_by(|a, b| directed(compare(*a, *b), wanted).then_with(|| a.cmp(b)));
    };
    match wanted.column {
        Column::Session => by(&|a, b| survey.key(a).cmp(survey.key(b)), &mut rows),
        Column::Encoding => by(
            &|a, b| encoding(survey, a).cmp(encoding(survey, b)),
            &mut rows,
        ),
        // One number a row, computed once: a million rows are compared twenty million times.
        column => {
            let mut keyed: Vec<(u64, u32)> = rows
                .iter()
                .map(|number| (rank(&survey.rows[*number as usize], column), *number))
                .collect();
            keyed.sort_unstable_by(|a, b| directed(a.0.cmp(&b.0), wanted).then(a.1.cmp(&b.1)));
            rows = keyed.into_iter().map(|(_, number)| number).collect();
        }
    }
    rows
}

fn directed(order: Ordering, wanted: &Wanted) -> Ordering {
    if wanted.ascending {
        order
    } else {
        order.reverse()
    }
}

fn encoding(survey: &Survey, number: u32) -> &str {
    survey.encoding_of(&survey.rows[number as usize])
}

/// What a row is sorted by in a column of numbers.
fn rank(row: &Row, column: Column) -> u64 {
    match column {
        Column::Messages => u64::from(row.messages),
        Column::Bytes => row.bytes,
        // Sooner first, then those that live for ever, then those that are not known.
        Column::Ttl => match row.ttl() {
            Ttl::Left(left) => left.as_millis() as u64,
            Ttl::Forever => u64::MAX - 1,
            Ttl::Unknown => u64::MAX,
        },
        Column::Idle => row.idle().map_or(0, |idle| idle.as_secs() + 1),
        _ => {
            let severity = row.severity().map_or(0, |severity| severity as u64 + 1);
            severity << 8 | row.marks.iter().count() as u64
        }
    }
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
