//! The server's log as the engine keeps it, read piece by piece.

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptionsBuilder;
use chrono::{DateTime, Utc};
use futures_util::StreamExt;

use super::engine::Engine;
use crate::backend::LogLine;

/// How far a container's log has been read. The engine can only be asked for whole seconds, so what
/// was read of the last second is skipped by its time stamps.
#[derive(Debug, Default)]
pub(super) struct LogCursor {
    last: Option<DateTime<Utc>>,
    /// How many lines with exactly that stamp have been read.
    at_last: usize,
}

impl LogCursor {
    /// Lines since the last call. A container that is gone has none.
    pub fn read(&mut self, engine: &Engine, container: &str) -> Result<Vec<LogLine>, Error> {
        let since = self.last.map_or(0, |last| last.timestamp());
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .since(i32::try_from(since).unwrap_or_default())
            .build();
        let chunks = engine.wait(async {
            let mut stream = engine.docker.logs(container, Some(options));
            let mut chunks = Vec::new();
            while let Some(chunk) = stream.next().await {
                chunks.push(chunk?);
            }
            Ok::<_, Error>(chunks)
        })?;
        Ok(self.fresh(&text_of(chunks)))
    }

    fn fresh(&mut self, text: &str) -> Vec<LogLine> {
        let mut skip = self.at_last;
        let mut lines = Vec::new();
        for line in text.lines() {
            let Some((at, line)) = stamped(line) else {
                continue;
            };
            if self.last.is_some_and(|last| at < last) {
                continue;
            }
            if self.last == Some(at) {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                self.at_last += 1;
            } else {
                self.last = Some(at);
                self.at_last = 1;
                skip = 0;
            }
            lines.push(LogLine {
                text: line.trim_end().to_owned(),
            });
        }
        lines
    }
}

fn text_of(chunks: Vec<LogOutput>) -> String {
    chunks.iter().map(ToString::to_string).collect()
}

/// Splits the engine's stamp from the server's line.
fn stamped(line: &str) -> Option<(DateTime<Utc>, &str)> {
    let (stamp, rest) = line.split_once(' ').unwrap_or((line, ""));
    let at = DateTime::parse_from_rfc3339(stamp).ok()?;
    Some((at.to_utc(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: Vec<LogLine>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn each_line_comes_once_even_where_stamps_are_equal() {
        let mut cursor = LogCursor::default();
        let first = "2026-11-20T20:00:00.100000000Z 1:M a\n2026-11-20T20:00:00.200000000Z 1:M b\n";
        assert_eq!(texts(cursor.fresh(first)), ["1:M a", "1:M b"]);
        assert!(cursor.fresh(first).is_empty());
        let more =
            format!("{first}2026-11-20T20:00:00.200000000Z 1:M c\n2026-11-20T20:00:01Z 1:M d\n");
        assert_eq!(texts(cursor.fresh(&more)), ["1:M c", "1:M d"]);
        assert!(cursor.fresh(&more).is_empty());
    }

    #[test]
    fn podmans_stamps_with_a_time_zone_are_read() {
        let mut cursor = LogCursor::default();
        let lines = cursor.fresh("2026-11-20T21:00:00.5+01:00 1:M a\n2026-11-20T20:00:00.6Z \n");
        assert_eq!(texts(lines), ["1:M a", ""]);
    }
}
