//! Which keys are chat sessions, and what the session is called.

use std::ops::Range;

/// What the five stores behind the articles use.
pub const DEFAULT: &str = "session:<id>:messages";

/// Words in a key's segments that make it look like a chat.
const WORDS: [&str; 14] = [
    "session",
    "sessions",
    "chat",
    "chats",
    "conversation",
    "conversations",
    "message_store",
    "messages",
    "memory",
    "history",
    "thread",
    "threads",
    "context",
    "chat_history",
];

/// A key's shape: text, `*` for anything, and one `<id>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Any,
    Id,
}

impl Pattern {
    /// # Errors
    /// There is no `<id>`, or more than one.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let ids = text.matches("<id>").count();
        if ids != 1 {
            return Err(format!(
                "\"{text}\" has to name the session with <id> exactly once, as in {DEFAULT}"
            ));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("<id>") {
                parts.push(Part::Id);
                rest = after;
            } else if let Some(after) = rest.strip_prefix('*') {
                parts.push(Part::Any);
                rest = after;
            } else {
                let end = [rest.find("<id>"), rest.find('*')];
                let end = end.into_iter().flatten().min().unwrap_or(rest.len());
                parts.push(Part::Text(rest.as_bytes()[..end].to_vec()));
                rest = &rest[end..];
            }
        }
        let text = text.to_owned();
        Ok(Pattern { text, parts })
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where in `key` the session's id stands; `None` if the key is none of these.
    #[must_use]
    pub fn id(&self, key: &[u8]) -> Option<Range<usize>> {
        fit(&self.parts, key, 0).flatten()
    }
}

/// `Some(id)` if `parts` fit `key` from `at` to its end.
fn fit(parts: &[Part], key: &[u8], at: usize) -> Option<Option<Range<usize>>> {
    let Some((part, rest)) = parts.split_first() else {
        return (at == key.len()).then_some(None);
    };
    match part {
        Part::Text(text) => {
            let found = key[at..].starts_with(text);
            found.then(|| fit(rest, key, at + text.len())).flatten()
        }
        // The shortest first: an id has no part of what follows it.
        Part::Any => (at..=key.len()).find_map(|end| fit(rest, key, end)),
        Part::Id => (at + 1..=key.len()).find_map(|end| fit(rest, key, end).map(|_| Some(at..end))),
    }
}

/// Tells sessions from other keys: by the patterns given, else by a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recogniser {
    pub patterns: Vec<Pattern>,
    /// Between the segments of a key. Not empty.
    pub separator: String,
    /// Also take keys with a segment that sounds like a chat.
    pub guess: bool,
}

impl Default for Recogniser {
    fn default() -> Self {
        Recogniser {
            patterns: vec![Pattern::parse(DEFAULT).expect("a constant pattern")],
            separator: ":".into(),
            guess: true,
        }
    }
}

impl Recogniser {
    /// One pattern of the user's, and nothing guessed beside it.
    #[must_use]
    pub fn only(pattern: Pattern, separator: &str) -> Self {
        Recogniser {
            patterns: vec![pattern],
            separator: separator.into(),
            guess: false,
        }
    }

    /// Where in `key` the session's id stands; `None` if this is no session.
    #[must_use]
    pub fn id(&self, key: &[u8]) -> Option<Range<usize>> {
        let fits = self.patterns.iter().find_map(|pattern| pattern.id(key));
        fits.or_else(|| self.guess.then(|| self.guessed(key)).flatten())
    }

    /// The segments that are no word of ours and follow (or, if none does, precede) the first that is one.
    fn guessed(&self, key: &[u8]) -> Option<Range<usize>> {
        let segments = segments(key, self.separator.as_bytes());
        let is_word = |range: &Range<usize>| {
            WORDS
                .iter()
                .any(|word| key[range.clone()].eq_ignore_ascii_case(word.as_bytes()))
        };
        let first = segments.iter().position(is_word)?;
        let after = &segments[first + 1..];
        let ids: Vec<&Range<usize>> = after.iter().take_while(|range| !is_word(range)).collect();
        match (ids.first(), ids.last(), first) {
            (Some(begin), Some(end), _) => Some(begin.start..end.end),
            (_, _, 0) => None,
            _ => Some(segments[first - 1].clone()),
        }
        .filter(|id| !id.is_empty())
    }
}

/// The parts of a key between its separators.
#[must_use]
pub fn segments(key: &[u8], separator: &[u8]) -> Vec<Range<usize>> {
    let mut segments = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < key.len() {
        if !separator.is_empty() && key[at..].starts_with(separator) {
            segments.push(begin..at);
            at += separator.len();
            begin = at;
        } else {
            at += 1;
        }
    }
    segments.push(begin..key.len());
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(recogniser: &Recogniser, key: &str) -> Option<String> {
        recogniser.id(key.as_bytes()).map(|id| key[id].to_owned())
    }

    #[test]
    fn a_pattern_gives_the_id_and_nothing_else() {
        let only = Recogniser::only(Pattern::parse("app:*:ctx-<id>").unwrap(), ":");
        assert_eq!(id(&only, "app:eu:ctx-42"), Some("42".into()));
        assert_eq!(id(&only, "app:eu:ctx-"), None);
        assert_eq!(id(&only, "session:1:messages"), None);
        assert!(Pattern::parse("session:*").unwrap_err().contains("<id>"));
        assert!(Pattern::parse("<id>:<id>").is_err());
    }

    #[test]
    fn known_libraries_are_guessed_and_other_keys_are_not() {
        let any = Recogniser::default();
        for (key, expected) in [
            ("session:00042:messages", Some("00042")),
            ("crashdrill:ab12:session:00042:messages", Some("00042")),
            ("message_store:user-7", Some("user-7")),
            ("chat:eu:7", Some("eu:7")),
            ("user:7:history", Some("7")),
            ("sessions", None),
            ("rate-limit:7", None),
            ("", None),
        ] {
            assert_eq!(id(&any, key).as_deref(), expected, "{key}");
        }
    }
}
