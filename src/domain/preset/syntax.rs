//! How Redis reads the lines of a `redis.conf`: quoting, comments, line endings. Knows no directive.

use super::Directive;

/// Unix line endings, no byte order mark, a line feed at the end: so a file from any editor is the same file.
pub(super) fn normalise(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut text = text.replace("\r\n", "\n");
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Lines with their numbers, from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(text.lines())
}

/// C's `isspace`: to Redis a no-break space is a letter like any other.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// The directive on a line; `None` for a comment or an empty line.
pub(super) fn directive(line: &str, number: u32) -> Result<Option<Directive>, String> {
    if line.contains('\0') {
        return Err("a NUL character: Redis would stop reading here".into());
    }
    let line = line.trim_matches(is_space);
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut words = split(line)?.into_iter();
    let Some(name) = words.next() else {
        return Ok(None);
    };
    let arguments: Vec<String> = words.collect();
    if let Some(at) = arguments.iter().position(|word| word.starts_with('#')) {
        return Err(format!(
            "\"{}\" behind a directive: Redis knows comments on lines of their own only",
            arguments[at..].join(" ")
        ));
    }
    if arguments.is_empty() {
        return Err(format!("{name} needs a value"));
    }
    Ok(Some(Directive {
        name: name.to_ascii_lowercase(),
        value: arguments.join(" "),
        line: number,
    }))
}

/// Splits a line into words as Redis does (`sdssplitargs`): `"…"` with escapes, `'…'` with `\'` only.
fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(is_space);
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(word);
        rest = after.trim_start_matches(is_space);
    }
    Ok(words)
}

/// The first word of `text` and what follows it.
fn word(text: &str) -> Result<(String, &str), String> {
    // Bytes, because \xHH can spell what is not UTF-8 by itself.
    let mut word: Vec<u8> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut quote: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if is_space(c) => {
                return Ok((String::from_utf8_lossy(&word).into_owned(), &text[at..]));
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some('"'), '\\') => escape(&text[at + 1..], &mut chars, &mut word)?,
            (Some('\''), '\\') if text[at + 1..].starts_with('\'') => {
                chars.next();
                word.push(b'\'');
            }
            (Some(open), c) if c == open => {
                if chars.peek().is_some_and(|(_, c)| !is_space(*c)) {
                    return Err(format!("a space is missing behind the closing {open}"));
                }
                quote = None;
            }
            (_, c) => word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    match quote {
        Some(open) => Err(format!("the quote {open} is never closed")),
        None => Ok((String::from_utf8_lossy(&word).into_owned(), "")),
    }
}

/// What stands behind a backslash between double quotes.
fn escape(
    rest: &str,
    chars: &mut impl Iterator<Item = (usize, char)>,
    word: &mut Vec<u8>,
) -> Result<(), String> {
    let (_, c) = chars
        .next()
        .ok_or("the quote \" is never closed".to_owned())?;
    let hex = rest
        .get(1..3)
        .filter(|_| c == 'x')
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match (c, hex) {
        (_, Some(byte)) => {
            chars.nth(1);
            word.push(byte);
        }
        ('n', _) => word.push(b'\n'),
        ('r', _) => word.push(b'\r'),
        ('t', _) => word.push(b'\t'),
        ('b', _) => word.push(8),
        ('a', _) => word.push(7),
        (c, _) => word.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_redis_splits_them() {
        let words = |line| split(line).unwrap();
        assert_eq!(words(r#"save """#), ["save", ""]);
        assert_eq!(words(r#"a "b c" 'd "e' f"#), ["a", "b c", "d \"e", "f"]);
        assert_eq!(words(r#"a "\x41\n\"\q" 'it\'s'"#), ["a", "A\n\"q", "it's"]);
        assert_eq!(words("save\t900   1"), ["save", "900", "1"]);
    }

    #[test]
    fn a_broken_quote_says_which() {
        assert_eq!(
            split("save \"").unwrap_err(),
            "the quote \" is never closed"
        );
        assert_eq!(split("save '").unwrap_err(), "the quote ' is never closed");
        assert_eq!(
            split("save \"a\"b").unwrap_err(),
            "a space is missing behind the closing \""
        );
        assert!(split("save \"\\").is_err());
    }

    #[test]
    fn a_comment_behind_a_directive_is_an_error_because_redis_would_read_it_as_a_value() {
        let error = directive("save 60 1 # often", 3).unwrap_err();
        assert!(error.contains("lines of their own"), "{error}");
    }
}
