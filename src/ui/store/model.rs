//! What the cells of the Store screen say. Pure.

use std::time::Duration;

use crate::domain::memory::finding::{Severity, severity_of, title_of};
use crate::domain::memory::health::words;
use crate::domain::memory::survey::{Row, Survey, Ttl};
use crate::report::inspection::bytes;

#[must_use]
pub fn ttl(row: &Row) -> String {
    match row.ttl() {
        Ttl::Left(left) => words(left),
        Ttl::Forever => "none".into(),
        Ttl::Unknown => "?".into(),
    }
}

#[must_use]
pub fn size(row: &Row) -> String {
    match row.bytes {
        0 => "?".into(),
        number => bytes(number),
    }
}

#[must_use]
pub fn idle(row: &Row) -> String {
    row.idle().map_or("?".into(), words)
}

/// `list, quicklist`.
#[must_use]
pub fn encoding(survey: &Survey, row: &Row) -> String {
    match survey.encoding_of(row) {
        "" => row.layout.title().to_owned(),
        encoding => format!("{}, {encoding}", row.layout.title()),
    }
}

/// The worst marks first; `Healthy` if there are none.
#[must_use]
pub fn health(row: &Row) -> (Option<Severity>, String) {
    let mut marks: Vec<_> = row.marks.iter().collect();
    marks.sort_by_key(|mark| std::cmp::Reverse(severity_of(*mark)));
    let words: Vec<&str> = marks.iter().map(|mark| title_of(*mark)).collect();
    match words.is_empty() {
        true => (None, "Healthy".into()),
        false => (row.severity(), words.join(", ")),
    }
}

/// How long the rest of a scan takes at the present pace; `None` as long as nobody can know.
#[must_use]
pub fn left(share: f64, elapsed: Duration) -> Option<String> {
    (share > 0.01).then(|| words(elapsed.mul_f64((1.0 - share) / share)))
}
