//! Where a power cut may have ended an AOF, between what is proven durable and what was written: behind each
//! command, and in the middle of each. Reads bytes and decides nothing.

use std::io::{BufRead, Read};

/// A line of an AOF is short; one beyond this is none.
const MAX_LINE: u64 = 64;
const MAX_PART_BYTES: u64 = 512 << 20;

/// Ends of the commands in an AOF, in bytes from its beginning. Stops at what is no whole command.
///
/// The format is RESP: `*<n>`, then n times `$<length>` and the bytes; lines that begin with `#` are annotations
/// (Redis `aof.c`, loadSingleAppendOnlyFile).
///
/// # Errors
/// Those of reading.
pub fn command_ends(mut aof: impl BufRead) -> std::io::Result<Vec<u64>> {
    let (mut at, mut ends) = (0, Vec::new());
    while let Some(length) = command(&mut aof)? {
        at += length;
        ends.push(at);
    }
    Ok(ends)
}

/// Length of the next command or annotation; `None` if there is no whole one.
fn command(aof: &mut impl BufRead) -> std::io::Result<Option<u64>> {
    let Some((head, mut length)) = line(aof)? else {
        return Ok(None);
    };
    if head.starts_with(b"#") {
        return Ok(Some(length));
    }
    let Some(parts) = number(&head, b'*') else {
        return Ok(None);
    };
    for _ in 0..parts {
        let Some((head, line_length)) = line(aof)? else {
            return Ok(None);
        };
        let Some(bytes) = number(&head, b'$').filter(|bytes| *bytes <= MAX_PART_BYTES) else {
            return Ok(None);
        };
        let skipped = std::io::copy(&mut aof.by_ref().take(bytes + 2), &mut std::io::sink())?;
        if skipped < bytes + 2 {
            return Ok(None);
        }
        length += line_length + skipped;
    }
    Ok(Some(length))
}

fn line(aof: &mut impl BufRead) -> std::io::Result<Option<(Vec<u8>, u64)>> {
    let mut line = Vec::new();
    let length = aof.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? as u64;
    let Some(text) = line.strip_suffix(b"\r\n") else {
        return Ok(None);
    };
    Ok(Some((text.to_vec(), length)))
}

fn number(head: &[u8], kind: u8) -> Option<u64> {
    let digits = head.strip_prefix(&[kind])?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// At most `most` legal lengths of an AOF with these command ends, least first: `durable` rounded up to what
/// is legal, the full length `written`, and others evenly between.
#[must_use]
pub fn places(ends: &[u64], durable: u64, written: u64, most: usize) -> Vec<u64> {
    let mut legal = vec![durable];
    let mut before = durable;
    for end in ends.iter().copied().filter(|end| *end > durable) {
        // Torn in the middle of the command: with aof-load-truncated Redis drops what is torn.
        let torn = before + (end - before) / 2;
        if torn > before {
            legal.push(torn);
        }
        legal.push(end);
        before = end;
    }
    if written > before {
        legal.push(written);
    }
    let most = most.max(2);
    if legal.len() <= most {
        return legal;
    }
    let last = legal.len() - 1;
    (0..most).map(|i| legal[i * last / (most - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n";

    #[test]
    fn commands_end_where_they_end_whatever_their_bytes_are() {
        let mut aof = SET.to_vec();
        let set = SET.len() as u64;
        aof.extend(b"#TS:1700000000\r\n");
        aof.extend(SET);
        assert_eq!(
            command_ends(&aof[..]).unwrap(),
            [set, set + 16, 2 * set + 16]
        );
        // Torn anywhere, the whole commands before still count.
        for length in set..set + 16 {
            assert_eq!(command_ends(&aof[..length as usize]).unwrap(), [set]);
        }
        for length in set + 16..2 * set + 16 {
            let ends = command_ends(&aof[..length as usize]).unwrap();
            assert_eq!(ends, [set, set + 16], "{length}");
        }
        let mut zeros = SET.to_vec();
        zeros.extend([0; 500]);
        assert_eq!(command_ends(&zeros[..]).unwrap(), [set]);
    }

    #[test]
    fn places_begin_at_what_is_durable_end_at_what_was_written_and_lie_evenly_between() {
        let ends: Vec<u64> = (1..=10).map(|n| n * 100).collect();
        assert_eq!(
            places(&ends[..3], 0, 300, 99),
            [0, 50, 100, 150, 200, 250, 300]
        );
        assert_eq!(places(&ends, 950, 1000, 99), [950, 975, 1000]);
        assert_eq!(places(&ends, 1000, 1000, 5), [1000]);
        // A torn end that was there before the cut is a place, too.
        assert_eq!(places(&ends, 1000, 1020, 5), [1000, 1020]);
        let few = places(&ends, 0, 1000, 5);
        assert_eq!(few, [0, 250, 500, 750, 1000]);
        assert_eq!(places(&ends, 0, 1000, 0), [0, 1000]);
    }
}
