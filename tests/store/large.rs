//! Values of a hundred megabytes: paged for the eye, never held whole, and shown as the bytes that they are.

use std::sync::Arc;

use crashdrill::domain::memory::layout::Layout;
use crashdrill::inspect::{Budget, Target, transcript};

use crate::proxy::Proxy;
use crate::scale::peak_of;
use crate::support::{Program, Server};
use crate::{behind, command, session, url};

const BYTES: u64 = 100 << 20;

/// Bytes that are no text, with a word at the end.
fn fill(server: &Server) {
    command(server, &["SETBIT", "chat:huge", "0", "1"]);
    let last = (BYTES - 4).to_string();
    command(server, &["SETRANGE", "chat:huge", &last, "tail"]);
    session(server, "session:1:messages", 2);
}

#[test]
fn a_string_of_a_hundred_megabytes_is_paged_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    fill(&server);
    let proxy = Proxy::before(server.port);
    let target = Target::parse(&proxy.url()).unwrap();
    let budget = Arc::new(Budget::new(0));
    let page =
        |from| transcript::page(&target, &budget, b"chat:huge", Layout::String, from).unwrap();
    let first = page(0);
    let total = BYTES.div_ceil(transcript::MAX_SHOWN_BYTES as u64);
    assert_eq!((first.total, first.lines.len()), (total, 200));
    assert!(first.lines[0].damaged && first.lines[0].raw.starts_with("\\x80\\x00"));
    assert!(first.trouble.unwrap().contains("more than 64 MiB"));
    let last = page(total - 1);
    assert_eq!((last.lines[0].number, last.lines.len()), (total, 1));
    assert!(last.lines[0].raw.ends_with("\\x00tail"));
    for words in proxy.words().iter().filter(|words| words[0] == "GETRANGE") {
        let at = |n: usize| words[n].parse::<i64>().unwrap();
        assert!(at(3) - at(2) < 1 << 20, "one page is one page: {words:?}");
    }
}

#[test]
fn long_messages_come_a_few_at_a_time_and_only_what_is_shown_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    let wide = "w".repeat(1 << 20);
    for _ in 0..40 {
        command(&server, &["RPUSH", "session:wide:messages", &wide]);
    }
    let proxy = Proxy::before(server.port);
    let target = Target::parse(&proxy.url()).unwrap();
    let budget = Arc::new(Budget::new(0));
    let key = b"session:wide:messages";
    let page = transcript::page(&target, &budget, key, Layout::List, 0).unwrap();
    assert_eq!((page.total, page.lines.len()), (40, 40));
    assert_eq!(page.lines[39].full_bytes, 1 << 20);
    assert_eq!(page.lines[39].bytes.len(), transcript::MAX_SHOWN_BYTES);
    let asked = proxy.words();
    let ranges = asked.iter().filter(|words| words[0] == "LRANGE");
    assert_eq!(ranges.count(), 40, "a megabyte each");
}

#[test]
fn a_scan_past_a_huge_value_stays_small_and_says_what_it_did_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly no");
    fill(&server);
    let (peak, code, json) = peak_of(&Program::new(), &["inspect", &url(&server), "--json", "-q"]);
    assert_eq!(code, Some(0), "{json:#}");
    assert_eq!(behind(&json, "unread"), ["chat:huge"]);
    assert!(peak < 64 << 10, "{peak} KiB");
}
