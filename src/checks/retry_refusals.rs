//! Refusals: a server that answers "no" for a while. The store must pass that on, and the message must get in once
//! the server takes it again.

use std::path::Path;
use std::time::Duration;

use super::server::{IN_MEMORY, Owned};
use super::store::StoreError;
use super::{Notes, Stage, Stop};
use crate::client::talk::{Reply, Talk, Trouble};
use crate::domain::check::{Candidate, Finding};
use crate::say;

type Turn = Result<Finding, Stop>;

/// What a store tells its caller: nothing (naive), or the server's own word.
fn append(talk: &mut Talk, who: Candidate, key: &str) -> Result<(), StoreError> {
    let answer = say!(talk, "RPUSH", key, "a message");
    match who {
        // try: ... except RedisError: log.warning(...)
        Candidate::Naive => Ok(()),
        _ => Ok(answer.map(|_| ())?),
    }
}

/// Whether the situation stands, asked of the server itself.
fn probe(talk: &mut Talk, key: &str) -> Option<Trouble> {
    say!(talk, "RPUSH", key, "a probe").err()
}

/// While the server refuses, the store writes; then the server recovers and the caller tries again what failed.
fn refused(
    stage: &Stage<'_>,
    who: Candidate,
    notes: &mut Notes,
    server: &mut Owned,
    code: &str,
    recover: &mut dyn FnMut(&mut Owned) -> Result<(), Stop>,
) -> Turn {
    let key = stage.key("chat");
    let mut talk = server.talk()?;
    let stands = probe(&mut talk, &stage.key("probe"));
    if !stands
        .as_ref()
        .is_some_and(|trouble| trouble.text.contains(code))
    {
        return Err(Stop::NotForced(format!(
            "the server did not answer {code}: {}",
            stands.map_or("it took the write".into(), |trouble| trouble.text)
        )));
    }
    let first = append(&mut talk, who, &key);
    notes.add(match &first {
        Ok(()) => format!("the server answered {code}; the store told its caller nothing"),
        Err(error) => format!("the store told its caller: {error}"),
    });
    recover(server)?;
    let mut talk = server.talk()?;
    let named = first
        .as_ref()
        .err()
        .is_some_and(|error| error.to_string().contains(code));
    if first.is_err() {
        append(&mut talk, who, &key)?;
    }
    let there = say!(talk, "LLEN", key)?.int();
    notes.add(format!(
        "after the server's recovery {there} of 1 message is there"
    ));
    Ok(match (first.is_err(), named, there) {
        (false, _, 0) => Finding::Caught(format!(
            "{code} was swallowed: the message is gone and nobody knows"
        )),
        (true, true, 1) => Finding::Passed(format!(
            "{code} was told, and the retry brought the message in"
        )),
        (true, false, _) => Finding::Caught(format!("the error does not name {code}")),
        (_, _, many) => Finding::Caught(format!("{many} copies of one message")),
    })
}

/// Where the situation is not brought about on purpose, nothing is known.
fn forcing(stage: &Stage<'_>, code: &str) -> Result<(), Stop> {
    if stage.place.forcing {
        return Ok(());
    }
    Err(Stop::NotForced(format!(
        "the server was not brought to answer {code}"
    )))
}

/// A snapshot that cannot be written: a folder lies where `dump.rdb` should go.
pub fn misconf(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let config = "save 3600 1\nappendonly no\nstop-writes-on-bgsave-error yes\n";
    let mut server = stage.server(config)?;
    forcing(stage, "MISCONF")?;
    let folder = server.directory()?.join("dump.rdb");
    std::fs::create_dir_all(folder.join("in-the-way"))?;
    let mut talk = server.talk()?;
    say!(talk, "BGSAVE")?;
    stage.until("the snapshot had failed", || {
        Ok(say!(talk, "INFO", "persistence")?
            .text()
            .contains("rdb_last_bgsave_status:err"))
    })?;
    refused(stage, who, notes, &mut server, "MISCONF", &mut |server| {
        clear(&folder, server)
    })
}

fn clear(folder: &Path, server: &Owned) -> Result<(), Stop> {
    std::fs::remove_dir(folder.join("in-the-way"))?;
    std::fs::remove_dir(folder)?;
    say!(server.talk()?, "SAVE")?;
    Ok(())
}

/// The server is still reading its data: a key takes a while on purpose.
pub fn loading(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    const KEYS: usize = 400;
    let config = "save 3600 1\nappendonly no\nrdbcompression no\n\
                  loading-process-events-interval-bytes 1024\n";
    let mut server = stage.server(config).map_err(|stop| match stop {
        Stop::Failed(why) if why.contains("loading-process-events") => Stop::NotHere(
            "this server cannot be made to answer while it loads little data: it is older than 7.0"
                .into(),
        ),
        other => other,
    })?;
    let mut talk = server.talk()?;
    for number in 0..KEYS {
        let (key, value) = (stage.key(&format!("old:{number}")), "x".repeat(512));
        say!(talk, "SET", key, value)?;
    }
    say!(talk, "SAVE")?;
    server.kill()?;
    if stage.place.forcing {
        // Microseconds for each key. Not by CONFIG REWRITE, which leaves out what is only for tests.
        server.append_config("key-load-delay 3000\n")?;
    }
    server.spawn_again()?;
    forcing(stage, "LOADING")?;
    let mut talk = loading_talk(stage, &server)?;
    let key = stage.key("chat");
    let first = append(&mut talk, who, &key);
    notes.add(match &first {
        Ok(()) => "the server was loading; the store told its caller nothing".into(),
        Err(error) => format!("the store told its caller: {error}"),
    });
    stage.until("the server had loaded its data", || {
        Ok(!say!(server.talk()?, "INFO", "persistence")?
            .text()
            .contains("\nloading:1"))
    })?;
    let mut talk = server.talk()?;
    if first.is_err() {
        append(&mut talk, who, &key)?;
    }
    let there = say!(talk, "LLEN", key)?.int();
    notes.add(format!("once it had loaded, {there} of 1 message is there"));
    Ok(match (&first, there) {
        (Ok(()), 0) => {
            Finding::Caught("LOADING was swallowed: the message is gone and nobody knows".into())
        }
        (Err(error), 1) if error.to_string().contains("LOADING") => {
            Finding::Passed("LOADING was told, and the retry brought the message in".into())
        }
        (Err(error), 1) => Finding::Caught(format!("the error does not name LOADING: {error}")),
        (_, many) => Finding::Caught(format!("{many} copies of one message")),
    })
}

/// A connection to a server that says of itself that it is loading.
fn loading_talk(stage: &Stage<'_>, server: &Owned) -> Result<Talk, Stop> {
    let mut found = None;
    let mut over = false;
    stage.until("the server answered while it was loading", || {
        let Ok(mut talk) = Talk::open(&server.endpoint, Duration::from_secs(5)) else {
            return Ok(false);
        };
        let Ok(info) = say!(talk, "INFO", "persistence") else {
            return Ok(false);
        };
        over = info.text().contains("\nloading:0");
        if !over {
            found = Some(talk);
        }
        Ok(true)
    })?;
    found.filter(|_| !over).ok_or_else(|| {
        Stop::NotForced("the server had loaded its data before it could be asked".into())
    })
}

/// A failover has made a replica of the server.
pub fn read_only(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let mut server = stage.server(IN_MEMORY)?;
    forcing(stage, "READONLY")?;
    let mut talk = server.talk()?;
    // Nobody listens on port 1: the replica stays without a master and keeps what it has.
    say!(talk, "REPLICAOF", "127.0.0.1", "1")?;
    refused(stage, who, notes, &mut server, "READONLY", &mut |server| {
        say!(server.talk()?, "REPLICAOF", "NO", "ONE")?;
        Ok(())
    })
}

/// The slot has moved to another node: a client that does not follow loses the write.
pub fn moved(stage: &Stage<'_>, who: Candidate, notes: &mut Notes) -> Turn {
    let nodes = [node(stage)?, node(stage)?];
    forcing(stage, "MOVED")?;
    let mut talks = [nodes[0].talk()?, nodes[1].talk()?];
    let key = stage.key("chat");
    let slot = say!(talks[0], "CLUSTER", "KEYSLOT", key)?.text();
    let id = say!(talks[1], "CLUSTER", "MYID")?.text();
    let bus = say!(talks[1], "CONFIG", "GET", "cluster-port")?.array();
    let bus = bus.last().map(Reply::text).unwrap_or_default();
    let port = nodes[1].endpoint.port.to_string();
    say!(talks[1], "CLUSTER", "ADDSLOTS", slot)?;
    say!(talks[0], "CLUSTER", "MEET", "127.0.0.1", port, bus)?;
    stage.until("the nodes knew each other", || {
        Ok(say!(talks[0], "CLUSTER", "NODES")?.text().contains(&id))
    })?;
    stage.until("the slot's owner was known", || {
        // Slots of other nodes come with the next gossip.
        let probe = probe(&mut talks[0], &key);
        Ok(probe.is_some_and(|trouble| trouble.text.contains("MOVED")))
    })?;
    // A node takes writes some two seconds after it has its first slot (`CLUSTER_WRITABLE_DELAY` of Redis).
    stage.until("the slot's owner took writes", || {
        Ok(say!(talks[1], "CLUSTER", "INFO")?
            .text()
            .contains("cluster_state:ok"))
    })?;
    let first = append(&mut talks[0], who, &key);
    notes.add(match &first {
        Ok(()) => "the node answered MOVED; the store told its caller nothing".into(),
        Err(error) => format!("the node answered: {error}"),
    });
    if first.is_err() {
        // The sound client follows: MOVED names the node.
        append(&mut talks[1], who, &key)?;
        notes.add("the store asked the node that was named");
    }
    let there = say!(talks[1], "LLEN", key)?.int();
    notes.add(format!("{there} of 1 message is there"));
    Ok(if there == 1 {
        Finding::Passed("MOVED was followed".into())
    } else {
        Finding::Caught("MOVED was swallowed: the message is gone and nobody knows".into())
    })
}

/// A cluster node of its own; it serves what it has, whatever the rest of the cluster does.
fn node(stage: &Stage<'_>) -> Result<Owned, Stop> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port();
    let config = format!(
        "{IN_MEMORY}cluster-enabled yes\ncluster-port {port}\ncluster-require-full-coverage no\n\
         cluster-node-timeout 2000\n"
    );
    stage.server(&config).map_err(|stop| match stop {
        Stop::Failed(why) if why.contains("cluster-port") => {
            Stop::NotHere("this server has no cluster-port: it is older than 7.0".into())
        }
        other => other,
    })
}
