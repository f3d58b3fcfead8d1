//! A memory store as a scan would have found it, of any size, without a server.

use std::sync::Arc;

use crashdrill::app::store_state::{Compared, Gauge, Line, Page, Place, Seen};
use crashdrill::domain::memory::diff::{Change, Changed, Diff};
use crashdrill::domain::memory::health::{Policy, judge};
use crashdrill::domain::memory::inventory::Header;
use crashdrill::domain::memory::layout::Layout;
use crashdrill::domain::memory::mark::Mark;
use crashdrill::domain::memory::pictures::Pictures;
use crashdrill::domain::memory::server::ServerFacts;
use crashdrill::domain::memory::session::Summary;
use crashdrill::domain::memory::survey::{Meta, Survey};
use crashdrill::domain::memory::tree::Tree;
use crashdrill::inspect::scan::Found;

/// 2026-11-20T20:33:12Z.
const AT_MILLIS: i64 = 1_795_206_792_000;

/// One key in twenty is no session; a few sessions are ill, each in its own way.
pub fn seen(keys: u32) -> Seen {
    let mut survey = Survey::with_capacity(keys as usize);
    survey.began_millis = AT_MILLIS;
    for number in 0..keys {
        add(&mut survey, number);
    }
    let facts = facts();
    let findings = judge(&mut survey, &facts, &Policy::default());
    let tree = Tree::new(&survey, ":");
    let pictures = Pictures::of(&survey, &tree);
    Seen {
        found: Found {
            survey,
            facts,
            findings,
        },
        tree,
        pictures,
        exported: None,
    }
}

fn add(survey: &mut Survey, number: u32) {
    // Spread, but the same each time.
    let spread = u64::from(number.wrapping_mul(2_654_435_761) >> 4);
    let is_session = !number.is_multiple_of(20);
    let layout = match spread % 10 {
        _ if !is_session => Layout::String,
        0 => Layout::String,
        1 => Layout::Hash,
        2 => Layout::Zset,
        _ => Layout::List,
    };
    let (key, encoding) = match layout {
        Layout::String if !is_session => (format!("rate-limit:{:04}:{number}", spread % 97), "int"),
        Layout::String => (format!("ctx:{number:07}:context"), "raw"),
        Layout::Hash => (format!("chat:hash:{number:07}"), "listpack"),
        Layout::Zset => (format!("chat:zset:{number:07}"), "skiplist"),
        _ => (format!("session:{number:07}:messages"), "quicklist"),
    };
    let ttl_millis = match spread % 50 {
        0 => -1,
        days => (days as i64 + 1) * 13_000_000,
    };
    let meta = Meta {
        layout,
        ttl_millis: Some(ttl_millis),
        idle_secs: Some(spread % 90_000),
        bytes: 180 + spread % 9000,
        encoding: encoding.into(),
    };
    let row = survey.push(key.as_bytes(), &meta, is_session);
    if !is_session {
        return;
    }
    let mut summary = Summary {
        messages: 2 + (spread % 40) as u32,
        last_at: Some(AT_MILLIS as f64 / 1e3 - (spread % 90_000) as f64),
        ..Summary::default()
    };
    let ill = match number % 61 {
        7 => Some((Mark::Hole, "seq 4 to 6 are missing")),
        13 => Some((
            Mark::Undecodable,
            "message 3: EOF while parsing a string at line 1 column 58",
        )),
        29 => Some((Mark::MixedSchema, "versions 1, 2")),
        41 => Some((
            Mark::TimeBackwards,
            "message 9 is 3.210 s before the one in front of it",
        )),
        _ => None,
    };
    if let Some((mark, detail)) = ill {
        summary.marks.add(mark);
        summary.details.push((mark, detail.into()));
    }
    let hashes = vec![number; summary.messages as usize];
    survey.fill(row, summary, &hashes);
}

fn facts() -> ServerFacts {
    let info = "redis_version:7.0.15\r\nrole:master\r\nrun_id:1f2e3d\r\naof_enabled:0\r\nmaxmemory:268435456\r\nused_memory:249561088\r\nmaxmemory_policy:allkeys-lru\r\nevicted_keys:1204\r\naof_delayed_fsync:0\r\n";
    let config = [("save", "3600 1 300 100"), ("appendonly", "no")];
    ServerFacts {
        info: ServerFacts::parse_info(info),
        config: config
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        file: Default::default(),
        untouched: true,
    }
}

pub fn place() -> Place {
    Place {
        address: "rediss://reader@memory.example.com:6380/2".into(),
        host: "memory.example.com:6380".into(),
        ours: false,
    }
}

pub fn page() -> Page {
    let texts: [&[u8]; 6] = [
        br#"{"seq":1,"role":"user","content":"Where is my order 4711?","timestamp":1795206100}"#,
        br#"{"seq":2,"role":"assistant","content":"It left Hamburg this morning and should be with you tomorrow.","timestamp":1795206104}"#,
        r#"{"seq":3,"role":"user","content":"谢谢!那退货呢?","timestamp":1795206130}"#.as_bytes(),
        br#"{"seq":4,"role":"assistant","content":"You can return it within 30 da"#,
        b"\x80\x04\x95pickle\x00\xff",
        br#"{"seq":6,"role":"user","content":"Never mind","timestamp":1795206190}"#,
    ];
    let line = |(at, bytes): (usize, &&[u8])| Line::of(at as u64 + 1, bytes, None);
    Page {
        lines: texts.iter().enumerate().map(line).collect(),
        total: 6,
        from: 0,
        trouble: None,
    }
}

pub fn gauges() -> impl Iterator<Item = Gauge> {
    (0..90u64).map(|second| Gauge {
        used_memory_bytes: 240_000_000 + second * 90_000 + second % 7 * 40_000,
        ops_per_sec: 1800 + second * 37 % 400,
        clients: 41 + second / 30,
        evicted: 1000 + second * 2,
        expired: 9000 + second * 11,
        unsaved_changes: second * 310 % 9000,
        aof_buffer_bytes: 0,
        delayed_fsyncs: 0,
    })
}

pub fn compared() -> Arc<Compared> {
    let one = |key: &str, change| Changed {
        key: key.into(),
        change,
    };
    let changed = vec![
        one(
            "session:0000017:messages",
            Change::Vanished { messages: 12 },
        ),
        one("session:0000042:messages", Change::Hole { lost: 2 }),
        one(
            "session:0000007:messages",
            Change::TailLost { lost: 3, added: 1 },
        ),
        one(
            "session:0000009:messages",
            Change::TailLost { lost: 1, added: 0 },
        ),
        one("ctx:0000031:context", Change::Changed { messages: 4 }),
        one("session:0000055:messages", Change::Expired { messages: 8 }),
        one("session:0000077:messages", Change::Grew { added: 5 }),
    ];
    let order: Vec<u32> = (0..changed.len() as u32).collect();
    let diff = Diff {
        changed,
        unchanged: 184,
        not_looked_at: 0,
    };
    Arc::new(Compared {
        kinds: Compared::count(&diff, &order),
        before: Header {
            store: place().address,
            at_millis: AT_MILLIS - 7_200_000,
            complete: true,
            ..Header::default()
        },
        diff,
        circumstances: vec!["The server was restarted in between".into()],
        order,
    })
}
