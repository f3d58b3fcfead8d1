//! Looking into memory stores: real servers, the real program, and a proxy that writes down what is sent.

#[path = "../support/mod.rs"]
mod support;

mod bad_days;
mod changes;
mod health;
mod large;
mod layouts;
mod other_servers;
mod proxy;
mod read_only;
mod scale;
mod terminal;
mod tls;

use serde_json::Value;
use support::{Program, Server, text};

/// `inspect … --json`: exit code, what it printed, and what it said beside it.
fn inspect(program: &Program, url: &str, arguments: &[&str]) -> (i32, Value, String) {
    let mut all = vec!["inspect", url, "--json", "--quiet"];
    all.extend(arguments);
    let output = program.run(&all);
    let said = text(&output.stderr);
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    if !json.is_null() {
        let errors: Vec<String> = schema().iter_errors(&json).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "not as its schema: {errors:#?}");
    }
    (output.status.code().unwrap(), json, said)
}

/// What every JSON report here is held to.
fn schema() -> jsonschema::Validator {
    let text = include_str!("../../assets/inspection.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port)
}

fn command(server: &Server, words: &[&str]) -> redis::Value {
    try_command(server, words).unwrap()
}

fn try_command(server: &Server, words: &[&str]) -> redis::RedisResult<redis::Value> {
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| {
        command.arg(*word);
    });
    command.query(&mut server.connection())
}

/// A message as the articles' stores write it.
fn message(seq: u64) -> String {
    let role = if seq % 2 == 1 { "user" } else { "assistant" };
    let at = 1_767_225_600 + seq;
    format!(r#"{{"seq":{seq},"role":"{role}","content":"message {seq} 你好","timestamp":{at}}}"#)
}

/// A list session with messages 1 to `count`.
fn session(server: &Server, key: &str, count: u64) {
    let messages: Vec<String> = (1..=count).map(message).collect();
    let mut words = vec!["RPUSH", key];
    words.extend(messages.iter().map(String::as_str));
    command(server, &words);
}

/// Kinds of findings, sorted, with the number of sessions.
fn findings(json: &Value) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let kind = &finding["kind"];
            let name = kind["sessions"].as_str().or(kind["server"].as_str());
            (
                name.unwrap().to_owned(),
                finding["sessions"].as_u64().unwrap(),
            )
        })
        .collect();
    found.sort();
    found
}

/// Keys named as examples of a finding.
fn behind(json: &Value, name: &str) -> Vec<String> {
    let all = json["findings"].as_array().unwrap();
    let finding = all
        .iter()
        .find(|finding| finding["kind"]["sessions"] == name)
        .unwrap_or_else(|| panic!("no {name} in {all:#?}"));
    let examples = finding["examples"].as_array().unwrap();
    let mut keys: Vec<String> = examples
        .iter()
        .map(|example| example["key"].as_str().unwrap().to_owned())
        .collect();
    keys.sort();
    keys
}
