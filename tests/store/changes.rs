//! Inventories: what they hold, what is refused, and what is said after a real crash.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Program, Server, lists};
use crate::{command, inspect, session, url};

fn changed(json: &Value) -> BTreeMap<String, String> {
    let all = json["diff"]["changed"].as_array().unwrap();
    all.iter()
        .map(|changed| {
            let text = |name: &str| changed[name].as_str().unwrap().to_owned();
            (text("key"), text("change"))
        })
        .collect()
}

#[test]
fn each_change_is_named_for_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly yes");
    let key = |name: &str| format!("session:{name}:messages");
    for name in [
        "same", "grew", "tail", "hole", "head", "changed", "vanished", "expired",
    ] {
        session(&server, &key(name), 6);
    }
    command(&server, &["PEXPIRE", &key("expired"), "1500"]);
    let program = Program::new();
    let file = program.path("before.inventory");
    let file = file.to_str().unwrap();
    let (code, json, said) = inspect(&program, &url(&server), &["--save", file]);
    assert_eq!((code, &json["sessions"]), (0, &8.into()), "{said}");

    command(&server, &["RPUSH", &key("grew"), &crate::message(7)]);
    command(&server, &["RPOP", &key("tail"), "2"]);
    command(&server, &["LREM", &key("hole"), "1", &crate::message(3)]);
    command(&server, &["LPOP", &key("head")]);
    command(&server, &["LSET", &key("changed"), "2", "{\"seq\":3}"]);
    command(&server, &["DEL", &key("vanished")]);
    session(&server, &key("new"), 1);
    std::thread::sleep(std::time::Duration::from_millis(1600));

    let (code, json, _) = inspect(&program, &url(&server), &["--diff", file]);
    let expected = [
        ("changed", "changed"),
        ("expired", "expired"),
        ("grew", "grew"),
        ("head", "head_lost"),
        ("hole", "hole"),
        ("new", "new"),
        ("tail", "tail_lost"),
        ("vanished", "vanished"),
    ];
    let expected: BTreeMap<String, String> = expected
        .into_iter()
        .map(|(name, change)| (key(name), change.to_owned()))
        .collect();
    assert_eq!(changed(&json), expected);
    assert_eq!((code, &json["diff"]["unchanged"]), (1, &1.into()));
}

/// The tool's question, asked of a store that it did not fill.
#[test]
fn after_a_crash_every_session_that_lost_its_tail_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = "save \"\"\nappendonly no";
    let mut server = Server::start(dir.path(), config);
    for number in 0..30 {
        session(&server, &format!("session:{number:02}:messages"), 5);
    }
    command(&server, &["SAVE"]);
    for number in 0..10 {
        let key = format!("session:{number:02}:messages");
        command(&server, &["RPUSH", &key, "{\"seq\":6}", "{\"seq\":7}"]);
    }
    session(&server, "session:99:messages", 3);
    let before = lists(&mut server.connection());
    let program = Program::new();
    let file = program.path("before.inventory");
    let file = file.to_str().unwrap();
    inspect(&program, &url(&server), &["--save", file]);
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    drop(server);

    let server = Server::start(dir.path(), config);
    let after = lists(&mut server.connection());
    let (code, json, _) = inspect(&program, &url(&server), &["--diff", file]);
    assert_eq!(code, 1);
    let mut expected = BTreeMap::new();
    for (key, old) in &before {
        match after.get(key) {
            None => expected.insert(key.clone(), "vanished".to_owned()),
            Some(new) if new.len() < old.len() => {
                expected.insert(key.clone(), "tail_lost".to_owned())
            }
            Some(_) => None,
        };
    }
    assert_eq!(expected.len(), 11, "the crash took something");
    assert_eq!(changed(&json), expected);
    let tail = &json["diff"]["changed"][0];
    assert_eq!((&tail["lost"], &tail["added"]), (&2.into(), &0.into()));
    let output = program.run(&["inspect", &url(&server), "--diff", file]);
    let text = crate::support::text(&output.stdout);
    assert!(text.contains("restarted in between"), "{text}");
    // Another port is another address, and that is said, too.
    assert!(text.contains("another address"), "{text}");
}

#[test]
fn a_file_that_is_no_inventory_is_refused_with_words() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), "save \"\"\nappendonly yes");
    session(&server, "session:1:messages", 3);
    let program = Program::new();
    let path = program.path("a.inventory");
    let file = path.to_str().unwrap();
    inspect(&program, &url(&server), &["--save", file]);
    let (code, _, said) = inspect(&program, &url(&server), &["--save", file]);
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("--force"), "{said}");

    let whole = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8], word: &str| {
        std::fs::write(&path, bytes).unwrap();
        let (code, _, said) = inspect(&program, &url(&server), &["--diff", file]);
        assert_eq!(code, 64, "{said}");
        assert!(said.contains(word) && said.contains(file), "{said}");
    };
    refused(&whole[..whole.len() - 3], "torn");
    let mut flipped = whole.clone();
    let at = whole.len() - 20;
    flipped[at] ^= 1;
    refused(&flipped, "torn");
    refused(b"not one at all", "no inventory");
    let text = String::from_utf8_lossy(&whole).replacen("inventory 1", "inventory 9", 1);
    refused(text.as_bytes(), "format 9");
}

#[test]
fn an_inventory_holds_nothing_of_what_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let port = crate::support::free_port();
    let child =
        crate::support::spawn_server(dir.path(), port, "save \"\"\nrequirepass open-sesame");
    let server = Server { child, port };
    let mut connection = crate::support::connect(port, Some("open-sesame"));
    redis::cmd("RPUSH")
        .arg("session:1:messages")
        .arg("{\"content\":\"my-secret-illness\"}")
        .exec(&mut connection)
        .unwrap();
    let program = Program::new();
    let path = program.path("a.inventory");
    let url = format!("redis://:open-sesame@127.0.0.1:{}", server.port);
    let (code, json, said) = inspect(&program, &url, &["--save", path.to_str().unwrap()]);
    assert_eq!(code, 0, "{said}");
    let bytes = std::fs::read(&path).unwrap();
    let all = format!("{}{json}{said}", String::from_utf8_lossy(&bytes));
    assert!(all.contains("session:1:messages"));
    assert!(!all.contains("illness") && !all.contains("sesame"), "{all}");
}
