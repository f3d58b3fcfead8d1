//! The server's own configuration file, where server and file are on this machine: read, and never written.
//!
//! A server elsewhere, or in a container of its own, tells a path that means another file here. So the file is
//! believed only if the process that the server says it is runs here and is that server.

use crate::client::target::{Place, Target};
use crate::domain::memory::server::{ConfigFile, ServerFacts};

/// No configuration is longer.
const MAX_BYTES: u64 = 4 << 20;

/// Reads the file that INFO names.
#[must_use]
pub fn read(target: &Target, facts: &ServerFacts) -> ConfigFile {
    let path = facts.text("config_file");
    let unread = |why: String| ConfigFile::Unread(why);
    if path.is_empty() {
        return match facts.info.contains_key("config_file") {
            true => unread("it was started without one".into()),
            false => ConfigFile::default(),
        };
    }
    if !is_here(&target.place) || !is_that_process(facts) {
        return unread(format!("{path} is on the server's machine"));
    }
    let is_large = |meta: std::fs::Metadata| meta.len() > MAX_BYTES;
    if std::fs::metadata(path).is_ok_and(is_large) {
        return unread(format!("{path} is too large for a configuration"));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => ConfigFile::parse(path, &text),
        Err(error) => unread(format!("{path} cannot be read: {error}")),
    }
}

fn is_here(place: &Place) -> bool {
    match place {
        Place::Socket(_) => true,
        Place::Tcp { host, .. } | Place::Tls { host, .. } => {
            let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
            host == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
    }
}

/// A server in a container has another number here than it says, and a forwarded port leads to another machine.
/// Redis writes its port into its title (`redisSetProcTitle`), or the path stands there as it was started with.
fn is_that_process(facts: &ServerFacts) -> bool {
    let Some(pid) = facts.number("process_id") else {
        return false;
    };
    let Ok(title) = std::fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let title = String::from_utf8_lossy(&title);
    let port = format!(":{}", facts.text("tcp_port"));
    let words: Vec<&str> = title.split([' ', '\0']).collect();
    let path = facts.text("config_file");
    words
        .iter()
        .any(|word| *word == path || word.ends_with(&port) || word.starts_with("unixsocket:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(pid: u32, path: &str) -> ServerFacts {
        let info = format!("config_file:{path}\r\nprocess_id:{pid}\r\ntcp_port:6379\r\n");
        ServerFacts {
            info: ServerFacts::parse_info(&info),
            ..ServerFacts::default()
        }
    }

    #[test]
    fn the_path_of_another_machine_is_not_read_here() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.conf");
        std::fs::write(&path, "appendonly yes").unwrap();
        let path = path.display().to_string();
        let here = Target::parse("redis://127.0.0.1:6379").unwrap();
        let elsewhere = Target::parse("redis://example.com:6379").unwrap();
        // This process is no server on that port.
        for (target, pid) in [(&here, std::process::id()), (&elsewhere, 1)] {
            let ConfigFile::Unread(why) = read(target, &facts(pid, &path)) else {
                panic!("read");
            };
            assert!(why.contains("on the server's machine"), "{why}");
        }
        let none = read(&here, &facts(1, ""));
        assert_eq!(
            none,
            ConfigFile::Unread("it was started without one".into())
        );
    }
}
