//! Right-to-left text. egui shapes each Arabic or Hebrew word rightly, but places words from left to
//! right. So lines are broken here, and each line's words are put into the order in which they are seen.
//!
//! Word level only: enough for chat messages, and no replacement for the whole Unicode algorithm.

use std::borrow::Cow;

/// Whether the first letter that has a direction is a right-to-left one.
#[must_use]
pub fn is_rtl(text: &str) -> bool {
    text.chars()
        .find(|&c| is_rtl_char(c) || c.is_alphabetic())
        .is_some_and(is_rtl_char)
}

fn is_rtl_char(c: char) -> bool {
    // The digits of these blocks run from left to right.
    !matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}')
        && matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

/// The text in lines that fit `width`, each in the order in which its words are seen from the left.
#[must_use]
pub fn visual(text: &str, width: f32, measure: impl Fn(&str) -> f32) -> String {
    let space = measure(" ");
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let (mut line, mut used): (Vec<&str>, f32) = (Vec::new(), 0.0);
        for word in paragraph.split_whitespace() {
            let size = measure(word);
            if !line.is_empty() && used + space + size > width {
                lines.push(seen(&line));
                line.clear();
                used = 0.0;
            }
            used += if line.is_empty() { size } else { space + size };
            line.push(word);
        }
        lines.push(seen(&line));
    }
    lines.join("\n")
}

/// A line that runs from left to right, with the words of the other direction in it in the order in which they are
/// seen: what a server or a user said, quoted in a sentence of ours.
#[must_use]
pub fn quoted(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_rtl_char) {
        return Cow::Borrowed(line);
    }
    let mut out: Vec<&str> = Vec::new();
    let mut run = 0;
    for word in line.split(' ') {
        // A run of such words is turned round as a whole.
        let place = out.len() - run;
        if word.chars().any(is_rtl_char) {
            out.insert(place, word);
            run += 1;
        } else {
            out.push(word);
            run = 0;
        }
    }
    Cow::Owned(out.join(" "))
}

/// JSON whose content is right-to-left: the content gets lines of its own between what stands around it.
#[must_use]
pub fn visual_json(json: &str, width: f32, measure: impl Fn(&str) -> f32) -> String {
    const BEFORE: &str = "\"content\":\"";
    let found = json.find(BEFORE).map(|at| at + BEFORE.len());
    let parts = found.and_then(|begin| {
        let end = begin + json[begin..].rfind("\",\"")?;
        is_rtl(&json[begin..end]).then_some((begin, end))
    });
    let Some((begin, end)) = parts else {
        return json.to_owned();
    };
    let content = visual(&json[begin..end], width, measure);
    format!("{}\n{content}\n{}", &json[..begin], &json[end..])
}

/// Words of one line from right to left; words of the other direction keep their order among themselves.
fn seen(line: &[&str]) -> String {
    let mut out: Vec<String> = Vec::with_capacity(line.len());
    let mut foreign: Vec<String> = Vec::new();
    for word in line {
        if word.chars().any(|c| c.is_ascii_alphanumeric()) && !word.chars().any(is_rtl_char) {
            foreign.push((*word).to_owned());
            continue;
        }
        out.extend(foreign.drain(..).rev());
        out.push(punctuated(word));
    }
    out.extend(foreign.drain(..).rev());
    out.reverse();
    out.join(" ")
}

/// Closing punctuation that another font draws would stand on the wrong side of its word.
fn punctuated(word: &str) -> String {
    let neutral = |c: char| matches!(c, '.' | '!' | ':' | ',' | ';' | ')' | '(' | '"' | '…');
    let core = word.trim_end_matches(neutral);
    if core.is_empty() || core.len() == word.len() {
        return word.to_owned();
    }
    let tail: String = word[core.len()..].chars().rev().map(mirrored).collect();
    format!("{tail}{core}")
}

fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> f32 {
        text.chars().count() as f32
    }

    #[test]
    fn the_first_word_stands_on_the_right() {
        assert_eq!(visual("واحد اثنان ثلاثة", 99.0, chars), "ثلاثة اثنان واحد");
    }

    #[test]
    fn lines_break_in_the_order_of_reading() {
        assert_eq!(visual("واحد اثنان ثلاثة", 10.0, chars), "اثنان واحد\nثلاثة");
    }

    #[test]
    fn foreign_words_keep_their_order_and_full_stops_change_sides() {
        assert_eq!(
            visual("طلب order 48213 جديد.", 99.0, chars),
            ".جديد order 48213 طلب"
        );
    }

    #[test]
    fn json_keeps_its_frame_around_content_from_right_to_left() {
        let json = r#"{"role":"user","content":"واحد اثنان","timestamp":1.5}"#;
        let expected = "{\"role\":\"user\",\"content\":\"\nاثنان واحد\n\",\"timestamp\":1.5}";
        assert_eq!(visual_json(json, 99.0, chars), expected);
        let english = r#"{"content":"one two","timestamp":1.5}"#;
        assert_eq!(visual_json(english, 99.0, chars), english);
    }

    #[test]
    fn words_of_the_other_direction_in_a_sentence_are_seen_in_their_order() {
        assert_eq!(
            quoted("lost: واحد اثنان ثلاثة 🙈 at 3 s"),
            "lost: ثلاثة اثنان واحد 🙈 at 3 s"
        );
        assert_eq!(quoted("plain words"), "plain words");
    }

    #[test]
    fn direction_follows_the_first_letter() {
        assert!(is_rtl("٤٨ طلب"));
        assert!(!is_rtl("order طلب"));
        assert!(!is_rtl("我的订单"));
        assert!(!is_rtl("42"));
    }
}
