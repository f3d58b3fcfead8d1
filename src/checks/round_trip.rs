//! Round trip: what was stored comes back with the same value and type, in every layout.

use super::store::naive::{Habit, NaiveStore};
use super::store::sound::SoundStore;
use super::store::{Memory, StoreError};
use super::{Notes, Stage, Stop};
use crate::domain::check::{Candidate, Finding, Layout, Message, Value};

type Turn = Result<Finding, Stop>;

/// A string that is longer than any buffer on the way: 1 MiB, of many lines.
fn large() -> String {
    let line = "The quick brown fox tells a long story 🦊 over and over\t\\ \"again\"\n";
    let mut text = line.repeat(1024 * 1024 / line.len() + 1);
    let mut end = 1024 * 1024;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

pub fn types(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let values = vec![
        (
            "object",
            Value::map([("name", Value::text("Alice")), ("age", Value::Int(30))]),
        ),
        (
            "nested",
            Value::map([(
                "nested",
                Value::map([(
                    "deep",
                    Value::List(vec![Value::Int(1), Value::Bool(true), Value::Null]),
                )]),
            )]),
        ),
        ("string", Value::text("simple_string")),
        ("digits in a string", Value::text("42")),
        ("the string null", Value::text("null")),
        ("number", Value::Int(42)),
        ("null", Value::Null),
        ("boolean", Value::Bool(false)),
        ("empty string", Value::text("")),
        ("empty list", Value::List(vec![])),
        ("empty object", Value::map([])),
    ];
    trip(stage, who, Habit::Stringly, &values, notes)
}

pub fn numbers(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let values = vec![
        ("2^53 + 1", Value::Int(9_007_199_254_740_993)),
        ("2^63 - 1", Value::Int(i64::MAX)),
        ("-2^63", Value::Int(i64::MIN)),
        ("float", Value::Float(0.1)),
        ("decimal with its zeros", Value::Decimal("1.10".into())),
        (
            "decimal of 28 digits",
            Value::Decimal("79228162514264337593543950.335".into()),
        ),
    ];
    trip(stage, who, Habit::Doubles, &values, notes)
}

pub fn times(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let time = |text: &str| Value::Time(text.to_owned());
    let values = vec![
        ("UTC", time("2026-01-01T00:00:00+00:00")),
        ("half-hour zone", time("2026-01-01T05:30:00.123456+05:30")),
        (
            "the hour that summer time repeats",
            time("2026-10-25T02:30:00+02:00"),
        ),
        (
            "the same clock an hour later",
            time("2026-10-25T02:30:00+01:00"),
        ),
    ];
    trip(stage, who, Habit::LocalTimes, &values, notes)
}

pub fn text(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let values = vec![
        ("CJK", Value::text("我叫小明，请记住这件事")),
        (
            "emoji of several code points",
            Value::text("👩‍👩‍👧‍👦 🇩🇪 e\u{301}"),
        ),
        ("right to left", Value::text("שלום עולם، مرحبا")),
        ("control characters", Value::text("a\u{0}b\r\n\t\u{2028}c")),
        ("empty", Value::text("")),
    ];
    trip(stage, who, Habit::ByteLimit, &values, notes)
}

pub fn large_text(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let values = vec![("1 MiB of many lines", Value::Text(large()))];
    trip(stage, who, Habit::RawLines, &values, notes)
}

pub fn bytes(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let all = (0..=255).collect::<Vec<u8>>();
    let values = vec![
        ("every byte", Value::Bytes(all)),
        ("no bytes", Value::Bytes(vec![])),
        (
            "half a character",
            Value::Bytes("明".as_bytes()[..2].to_vec()),
        ),
    ];
    trip(stage, who, Habit::Lossy, &values, notes)
}

fn store(
    stage: &Stage<'_>,
    who: Candidate,
    layout: Layout,
    habit: Habit,
) -> Result<Box<dyn Memory>, Stop> {
    Ok(match who {
        Candidate::Naive => Box::new(NaiveStore::open(
            &stage.endpoint,
            &stage.prefix,
            layout,
            habit,
        )?),
        Candidate::Sound => Box::new(SoundStore::open(&stage.endpoint, &stage.prefix, layout)?),
        Candidate::Yours => stage.yours(None)?,
    })
}

/// Each value once as a message's content and once as a context, in every layout.
fn trip(
    stage: &Stage<'_>,
    who: Candidate,
    habit: Habit,
    values: &[(&str, Value)],
    notes: &mut Notes,
) -> Turn {
    let mut changed = Vec::new();
    for layout in stage.layouts_of(who) {
        stage.go_on()?;
        let stage = stage.within(layout.id());
        let mut store = store(&stage, who, layout, habit)?;
        let before = changed.len();
        messages(store.as_mut(), values, &mut changed)?;
        if store.keeps_contexts() {
            contexts(store.as_mut(), values, &mut changed)?;
        }
        notes.add(format!(
            "{}: {} values as message{}, {} changed",
            if who == Candidate::Yours {
                "your layout"
            } else {
                layout.id()
            },
            values.len(),
            if store.keeps_contexts() {
                " and as context"
            } else {
                ""
            },
            changed.len() - before
        ));
    }
    Ok(match changed.first() {
        None => Finding::Passed("every value came back as it was written, with its type".into()),
        Some(first) => {
            changed
                .iter()
                .take(8)
                .for_each(|line| notes.add(line.clone()));
            Finding::Caught(format!("{} came back changed; {first}", changed.len()))
        }
    })
}

fn messages(
    store: &mut dyn Memory,
    values: &[(&str, Value)],
    changed: &mut Vec<String>,
) -> Result<(), Stop> {
    let mut written = Vec::new();
    for (at, (name, value)) in values.iter().enumerate() {
        let message = Message::holding(at as u32 + 1, value.clone());
        match store.append("trip", &message) {
            Ok(()) => written.push((*name, message)),
            Err(StoreError::Unwell(text)) => return Err(Stop::Unwell(text)),
            Err(error) => changed.push(format!("{name} was not taken: {error}")),
        }
    }
    let read = match store.history("trip") {
        Ok(history) => history,
        Err(StoreError::Unwell(text)) => return Err(Stop::Unwell(text)),
        Err(error) => {
            changed.push(format!("the session cannot be read: {error}"));
            return Ok(());
        }
    };
    if read.messages.len() != written.len() {
        changed.push(format!(
            "{} messages written, {} read",
            written.len(),
            read.messages.len()
        ));
    }
    for (name, message) in written {
        let found = read.messages.iter().find(|found| found.id == message.id);
        match found {
            None => changed.push(format!("{name}: the message is gone")),
            Some(found) if *found == message => {}
            Some(found) => changed.push(difference(name, &message.content, &found.content)),
        }
    }
    Ok(())
}

fn contexts(
    store: &mut dyn Memory,
    values: &[(&str, Value)],
    changed: &mut Vec<String>,
) -> Result<(), Stop> {
    for (at, (name, value)) in values.iter().enumerate() {
        let session = format!("context{at}");
        let read = store
            .save(&session, value)
            .and_then(|()| store.load(&session));
        match read {
            Ok(Some(read)) if read == *value => {}
            Ok(Some(read)) => changed.push(difference(name, value, &read)),
            Ok(None) => changed.push(format!("{name}: the context is gone")),
            Err(StoreError::Unwell(text)) => return Err(Stop::Unwell(text)),
            Err(error) => changed.push(format!("{name}: {error}")),
        }
    }
    Ok(())
}

fn difference(name: &str, written: &Value, read: &Value) -> String {
    if written == read {
        return format!("{name}: role, time or id of the message came back changed");
    }
    format!(
        "{name}: wrote {} {}, read {} {}",
        written.kind(),
        written.brief(),
        read.kind(),
        read.brief()
    )
}
