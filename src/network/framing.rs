//! Where a RESP message ends, and the first words of a command. Reads no more meaning than that.
//!
//! RESP2 and RESP3 by <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

/// A message beyond this is none that a drill or a check needs; the connection is given up.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;
const MAX_LINE_BYTES: usize = 64 << 10;
const MAX_ELEMENTS: i64 = 1 << 20;
const MAX_DEPTH: u32 = 16;

/// The beginning of a command: its name and its first arguments, long ones cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// In capitals.
    pub name: String,
    /// At most [`Words::MOST`], each of at most [`Words::MAX_BYTES`].
    pub arguments: Vec<Vec<u8>>,
    /// How many arguments the command really has.
    pub count: usize,
}

impl Words {
    pub const MOST: usize = 8;
    pub const MAX_BYTES: usize = 1024;

    /// The words of one whole message of a client: an array of bulk strings or a line.
    #[must_use]
    pub fn of(message: &[u8]) -> Words {
        let mut words = Words::default();
        let mut all = Vec::new();
        if message.first() == Some(&b'*') {
            let mut at = line_end(message, 0).unwrap_or(message.len());
            while let Some(end) = line_end(message, at) {
                let length = number(head(message, at, end)).unwrap_or(0).max(0) as usize;
                let word = end..end.saturating_add(length);
                at = word.end.saturating_add(2);
                all.push(message.get(word).unwrap_or_default());
                if all.len() > Words::MOST {
                    break;
                }
            }
            let elements = line_end(message, 0).and_then(|end| number(head(message, 0, end)));
            words.count = (elements.unwrap_or(1).max(1) - 1) as usize;
        } else {
            all.extend(
                message
                    .split(u8::is_ascii_whitespace)
                    .filter(|word| !word.is_empty()),
            );
            words.count = all.len().saturating_sub(1);
        }
        let mut all = all.into_iter();
        words.name = String::from_utf8_lossy(all.next().unwrap_or_default()).to_uppercase();
        words.arguments = all
            .take(Words::MOST)
            .map(|word| word[..word.len().min(Words::MAX_BYTES)].to_vec())
            .collect();
        words
    }

    /// Whether replies on this connection may stop answering commands one by one after this one.
    #[must_use]
    pub fn ends_one_to_one(&self) -> bool {
        matches!(
            self.name.as_str(),
            "SUBSCRIBE" | "PSUBSCRIBE" | "SSUBSCRIBE" | "MONITOR" | "SYNC" | "PSYNC"
        ) || (self.name == "CLIENT"
            && self
                .arguments
                .first()
                .is_some_and(|word| word.eq_ignore_ascii_case(b"REPLY")))
    }

    /// Belongs to the making of a connection and to no work on it.
    #[must_use]
    pub fn is_greeting(&self) -> bool {
        matches!(self.name.as_str(), "AUTH" | "HELLO" | "SELECT" | "CLIENT")
    }
}

/// This is no RESP, or more of it than is taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Length of the client's message that `bytes` begins with; `None` if it is not whole yet.
///
/// # Errors
/// No RESP, or beyond the limits.
pub fn command_length(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    match bytes.first() {
        None => Ok(None),
        Some(b'*') => whole(bytes),
        // An inline command is a line.
        Some(_) => line(bytes, 0),
    }
}

/// Length of the server's message that `bytes` begins with; `None` if it is not whole yet.
///
/// # Errors
/// No RESP, or beyond the limits.
pub fn reply_length(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    if bytes.is_empty() {
        return Ok(None);
    }
    whole(bytes)
}

fn whole(bytes: &[u8]) -> Result<Option<usize>, Unreadable> {
    let end = value(bytes, 0, 0)?;
    if end.is_none() && bytes.len() > MAX_MESSAGE_BYTES {
        return Err(Unreadable(format!(
            "a message of more than {MAX_MESSAGE_BYTES} bytes"
        )));
    }
    Ok(end)
}

/// End of the value at `at`.
fn value(bytes: &[u8], at: usize, depth: u32) -> Result<Option<usize>, Unreadable> {
    if depth > MAX_DEPTH {
        return Err(Unreadable(format!(
            "more than {MAX_DEPTH} arrays in arrays"
        )));
    }
    let Some(end) = line(bytes, at)? else {
        return Ok(None);
    };
    let head = head(bytes, at, end);
    let elements = match bytes[at] {
        b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => return Ok(Some(end)),
        b'$' | b'!' | b'=' => {
            let length = count(head, MAX_MESSAGE_BYTES as i64)?;
            let whole = length.map_or(end, |length| end + length + 2);
            return Ok((whole <= bytes.len()).then_some(whole));
        }
        b'*' | b'~' | b'>' => count(head, MAX_ELEMENTS)?.unwrap_or(0),
        b'%' => count(head, MAX_ELEMENTS)?.unwrap_or(0) * 2,
        // Attributes stand before the value that they belong to.
        b'|' => count(head, MAX_ELEMENTS)?.unwrap_or(0) * 2 + 1,
        other => {
            return Err(Unreadable(format!(
                "a message that begins with byte {other}, which is no RESP"
            )));
        }
    };
    let mut at = end;
    for _ in 0..elements {
        match value(bytes, at, depth + 1)? {
            Some(end) => at = end,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// `None` for −1, the null of RESP2.
fn count(digits: &[u8], limit: i64) -> Result<Option<usize>, Unreadable> {
    match number(digits) {
        Some(-1) => Ok(None),
        Some(count) if (0..=limit).contains(&count) => Ok(Some(count as usize)),
        _ => Err(Unreadable(format!(
            "a length of \"{}\"",
            String::from_utf8_lossy(digits)
        ))),
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// End of the line at `at`, with its line feed.
fn line(bytes: &[u8], at: usize) -> Result<Option<usize>, Unreadable> {
    match line_end(bytes, at) {
        Some(end) if end - at < 2 || bytes[end - 2] != b'\r' => {
            // Redis takes a bare line feed behind an inline command.
            if bytes[at].is_ascii_alphabetic() {
                return Ok(Some(end));
            }
            Err(Unreadable("a line without a carriage return".into()))
        }
        Some(end) => Ok(Some(end)),
        None if bytes.len().saturating_sub(at) > MAX_LINE_BYTES => Err(Unreadable(format!(
            "a line of more than {MAX_LINE_BYTES} bytes"
        ))),
        None => Ok(None),
    }
}

/// A line without its first byte and its end.
fn head(bytes: &[u8], at: usize, end: usize) -> &[u8] {
    bytes.get(at + 1..end.saturating_sub(2)).unwrap_or_default()
}

fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    Some(at + rest.iter().position(|byte| *byte == b'\n')? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_at_its_last_byte_and_not_before() {
        let messages: [&[u8]; 12] = [
            b"+OK\r\n",
            b"-MISCONF no\r\n",
            b":12\r\n",
            b"$5\r\nhe\r\no\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"*2\r\n$1\r\na\r\n*1\r\n:3\r\n",
            b"%1\r\n+k\r\n$1\r\nv\r\n",
            b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n",
            b"|1\r\n+ttl\r\n:9\r\n$1\r\nv\r\n",
            b"_\r\n",
        ];
        for message in messages {
            let mut bytes = message.to_vec();
            bytes.extend(b":1\r\n");
            assert_eq!(reply_length(&bytes), Ok(Some(message.len())), "{bytes:?}");
            for end in 0..message.len() {
                assert_eq!(reply_length(&message[..end]), Ok(None), "{end} {message:?}");
            }
        }
    }

    #[test]
    fn a_command_gives_its_name_and_its_first_words() {
        let words = Words::of(b"*3\r\n$5\r\nrpush\r\n$1\r\nk\r\n$4\r\n{\r\n}\r\n");
        assert_eq!(words.name, "RPUSH");
        assert_eq!(words.arguments, [b"k".to_vec(), b"{\r\n}".to_vec()]);
        assert_eq!(words.count, 2);
        let inline = Words::of(b"set a  b\r\n");
        assert_eq!((inline.name.as_str(), inline.count), ("SET", 2));
        assert_eq!(command_length(b"PING\nPING\r\n"), Ok(Some(5)));
        let mut many = b"*20\r\n$4\r\nMGET\r\n".to_vec();
        for _ in 0..19 {
            many.extend(b"$1\r\na\r\n");
        }
        let many = Words::of(&many);
        assert_eq!((many.arguments.len(), many.count), (Words::MOST, 19));
        assert!(Words::of(b"*3\r\n$6\r\nCLIENT\r\n$5\r\nreply\r\n$3\r\noff\r\n").ends_one_to_one());
    }

    #[test]
    fn what_is_no_resp_and_what_is_too_much_is_told() {
        assert!(
            reply_length(b"HTTP/1.1 400\r\n")
                .unwrap_err()
                .0
                .contains("no RESP")
        );
        assert!(reply_length(b"$-7\r\n").unwrap_err().0.contains("-7"));
        assert!(reply_length(b"*9999999\r\n").is_err());
        assert!(reply_length(&b"*1\r\n".repeat(30)).is_err());
        assert!(reply_length(&vec![b'+'; MAX_LINE_BYTES + 2]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = reply_length(&bytes);
            let _ = command_length(&bytes);
            let _ = Words::of(&bytes);
        }
    }
}
