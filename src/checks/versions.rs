//! Schema versions: what any release has written is read by every reader that is in use.

use super::formats::{self, CHANGED_TIMESTAMP, EXTRA_FIELD, Format, UNKNOWN_ROLE};
use super::store::shelf;
use super::store::sound::SoundStore;
use super::{Notes, Stage, Stop};
use crate::domain::check::{Candidate, Finding, Message, Value};
use crate::say;

type Turn = Result<Finding, Stop>;

/// A reader of one release: strict if it is naive.
fn read(who: Candidate, reader: Format, entry: &[u8]) -> Result<Message, String> {
    match who {
        Candidate::Naive => formats::strict(reader, entry),
        Candidate::Sound | Candidate::Yours => formats::tolerant(entry),
    }
}

/// Lays a session into Redis as a release has written it and takes it out again.
fn stored(stage: &Stage<'_>, session: &str, lines: &str) -> Result<Vec<Vec<u8>>, Stop> {
    let mut talk = stage.talk()?;
    let layout = stage.layout();
    let key = SoundStore::messages_key(&stage.prefix, session);
    let script = shelf::push_script(layout);
    for line in lines.lines() {
        say!(talk, "EVAL", script, "1", key, "", line)?;
    }
    Ok(shelf::read(&mut talk, layout, &key)?)
}

/// Three writers times three readers.
pub fn matrix(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    if who == Candidate::Yours {
        return every_format_through_yours(stage, notes);
    }
    let mut unread = Vec::new();
    let mut differing = 0;
    let expected: Vec<(String, Value)> = Format::V3
        .fixture()
        .lines()
        .map(|line| formats::tolerant(line.as_bytes()).map(|m| (m.at, m.content)))
        .collect::<Result<_, _>>()
        .map_err(Stop::Failed)?;
    for written in Format::ALL {
        let entries = stored(stage, written.id(), written.fixture())?;
        for reader in Format::ALL {
            let messages: Result<Vec<Message>, String> = entries
                .iter()
                .map(|entry| read(who, reader, entry))
                .collect();
            let cell = match messages {
                Err(why) => {
                    unread.push(format!("{} by {}", written.id(), reader.id()));
                    why
                }
                Ok(messages) => {
                    let same = messages.iter().map(|m| (m.at.clone(), m.content.clone()));
                    differing += usize::from(!same.eq(expected.iter().cloned()));
                    format!("{} messages", messages.len())
                }
            };
            notes.add(format!(
                "written by {}, read by {}: {cell}",
                written.id(),
                reader.id()
            ));
        }
    }
    Ok(if !unread.is_empty() {
        Finding::Caught(format!(
            "{} of 9 pairs cannot be read: {}",
            unread.len(),
            unread.join(", ")
        ))
    } else if differing > 0 {
        Finding::Caught(format!("{differing} of 9 pairs read another time or text"))
    } else {
        Finding::Passed("all 9 pairs read the same three messages".into())
    })
}

/// Where and how a store of the user's keeps its entries only it knows, so no fixture can be laid under its keys.
fn every_format_through_yours(stage: &Stage<'_>, notes: &mut Notes) -> Turn {
    notes.add("the fixtures' entries themselves are not laid under your store's keys: only it knows how it writes");
    for format in Format::ALL {
        notes.add(format!(
            "messages of format {}, through your store:",
            format.id()
        ));
        let finding = yours(&stage.within(format.id()), format.fixture(), notes)?;
        if !matches!(finding, Finding::Passed(_)) {
            return Ok(finding);
        }
    }
    Ok(Finding::Passed(
        "the messages of all three formats came back with all that they held".into(),
    ))
}

pub fn unknown_role(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    later_release(stage, who, notes, UNKNOWN_ROLE, &|messages| {
        messages[1].role == "tool"
    })
}

pub fn extra_field(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    later_release(stage, who, notes, EXTRA_FIELD, &|messages| {
        messages[1].extra.get("cost") == Some(&Value::Float(0.25))
    })
}

pub fn changed_timestamp(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    later_release(stage, who, notes, CHANGED_TIMESTAMP, &|messages| {
        let times = [
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:01.000Z",
            "2026-01-01T00:00:02.000Z",
        ];
        messages.iter().map(|message| message.at.as_str()).eq(times)
    })
}

fn later_release(
    stage: &Stage<'_>,
    who: Candidate,
    notes: &mut Notes,
    lines: &str,
    right: &dyn Fn(&[Message]) -> bool,
) -> Turn {
    if who == Candidate::Yours {
        return yours(stage, lines, notes);
    }
    let entries = stored(stage, "later", lines)?;
    let read: Vec<Result<Message, String>> = entries
        .iter()
        .map(|entry| read(who, Format::V1, entry))
        .collect();
    for (at, message) in read.iter().enumerate() {
        notes.add(match message {
            Ok(message) => format!("entry {}: {} at {}", at + 1, message.role, message.at),
            Err(why) => format!("entry {}: {why}", at + 1),
        });
    }
    let unread = read.iter().filter(|message| message.is_err()).count();
    let messages: Vec<Message> = read.into_iter().filter_map(Result::ok).collect();
    Ok(if unread > 0 {
        Finding::Caught(format!(
            "{unread} of {} messages of a later release cannot be read",
            entries.len()
        ))
    } else if right(&messages) {
        Finding::Passed("every message was read, and nothing of it was dropped".into())
    } else {
        Finding::Caught("the messages were read, but not as they were written".into())
    })
}

/// Our fixtures are not the user's format: the same messages are written through the store and must come back.
fn yours(stage: &Stage<'_>, lines: &str, notes: &mut Notes) -> Turn {
    let mut store = stage.yours(None)?;
    let mut written = Vec::new();
    for (at, line) in lines.lines().enumerate() {
        let mut message = formats::tolerant(line.as_bytes()).map_err(Stop::Failed)?;
        message.id = format!("later{at}");
        store.append("later", &message)?;
        written.push(message);
    }
    let read = store.history("later")?;
    notes.add(format!(
        "{} messages written, {} read",
        written.len(),
        read.messages.len()
    ));
    for line in &read.damaged {
        notes.add(line.clone());
    }
    Ok(if read.messages == written {
        Finding::Passed("every message came back with all that it held".into())
    } else {
        let pairs = written.iter().zip(&read.messages);
        let first = pairs
            .filter(|(wrote, read)| wrote != read)
            .map(|(wrote, read)| format!("wrote {}, read {}", wrote.to_json(), read.to_json()));
        let first = first.take(1).collect::<String>();
        Finding::Caught(format!(
            "the messages did not come back as they were written; {first}"
        ))
    })
}
