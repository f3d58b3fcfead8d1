//! Sessions carried between engines of other releases: what each pair does is a result.
//!
//! The programs are brought by `scripts/test-servers`. Without them the test says so and passes; with
//! CRASHDRILL_REQUIRE_SERVERS=1 it fails.

use serde_json::Value;

use crate::support::Program;

fn server(name: &str) -> Option<String> {
    let folder = std::env::var("CRASHDRILL_SERVERS").unwrap_or_default();
    let path = std::path::Path::new(&folder).join(name);
    if path.is_file() {
        return Some(path.display().to_string());
    }
    assert!(
        std::env::var("CRASHDRILL_REQUIRE_SERVERS").as_deref() != Ok("1"),
        "CRASHDRILL_REQUIRE_SERVERS=1, but there is no {name} in CRASHDRILL_SERVERS=\"{folder}\": run scripts/test-servers"
    );
    eprintln!("skipped: no {name}; run scripts/test-servers and set CRASHDRILL_SERVERS");
    None
}

/// The check between two engines, as it was reported.
fn carried(one: &str, two: &str) -> Value {
    let program = Program::new();
    let path = program.path("report.json").display().to_string();
    let mut arguments = vec!["check", "--check", "restart-older-engine"];
    arguments.extend(["--server", one, "--server", two, "--report", &path]);
    let output = program.run(&arguments);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{}", crate::support::text(&output.stderr)));
    let report: Value = serde_json::from_str(&text).unwrap();
    report["checks"][0].clone()
}

/// The file of the newer engine of each pair is refused by the older, and the sessions come back all the same.
#[test]
fn the_file_of_a_newer_engine_is_refused_and_the_sessions_come_back_by_commands() {
    let system = system();
    let pairs = [
        (server("redis-6.2"), Some(system.clone())),
        (Some(system), server("redis-8.2")),
        (server("redis-6.2"), server("redis-8.2")),
    ];
    for (older, newer) in pairs {
        let (Some(older), Some(newer)) = (older, newer) else {
            continue;
        };
        // The order in which they are given does not matter.
        let check = carried(&newer, &older);
        let pair = format!("{older} and {newer}: {check:#}");
        assert_eq!(check["verdict"], "held", "{pair}");
        let naive = check["naive"]["text"].as_str().unwrap_or_default();
        assert!(naive.contains("does not open what"), "{pair}");
        let evidence = check["tested"]["evidence"].to_string();
        assert!(evidence.contains("opened by"), "{pair}");
        assert!(evidence.contains("back on"), "{pair}");
        eprintln!("{naive}");
    }
}

/// The system's own, which the other tests run on.
fn system() -> String {
    let path = std::env::var_os("PATH").expect("there is a PATH");
    let found = std::env::split_paths(&path).map(|folder| folder.join("redis-server"));
    let found = found.into_iter().find(|program| program.is_file());
    found
        .expect("redis-server is installed")
        .display()
        .to_string()
}
