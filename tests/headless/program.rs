//! The program without a server and without a display.

use std::process::Command;

fn crashdrill(arguments: &[&str]) -> std::process::Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_crashdrill"))
        .args(arguments)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path().join("config"))
        .env("XDG_DATA_HOME", home.path().join("data"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap()
}

fn told(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn help_tells_the_exit_codes_and_ends_with_0() {
    let output = crashdrill(&["run", "--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(told(&output).contains("0 promise held, 1 violated, 2 inconclusive, 64 wrong use"));
}

#[test]
fn an_unknown_option_ends_with_64() {
    assert_eq!(
        crashdrill(&["run", "--no-such-option"]).status.code(),
        Some(64)
    );
}

#[test]
fn without_a_display_it_says_so_and_names_the_headless_way() {
    let output = crashdrill(&[]);
    assert_ne!(output.status.code(), Some(0));
    let told = told(&output);
    assert!(told.contains("crashdrill run"), "{told}");
}

#[test]
fn presets_are_listed_with_what_they_promise() {
    let output = crashdrill(&["presets"]);
    let told = told(&output);
    for preset in [
        "none",
        "rdb-defaults",
        "rdb-classic",
        "rdb-5s",
        "aof-always",
        "aof-everysec",
        "aof-no",
        "mixed",
    ] {
        assert!(told.contains(preset), "{told}");
    }
}

#[test]
fn a_production_file_is_imported_and_what_is_left_out_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prod.conf");
    std::fs::write(
        &path,
        "port 6379\nappendonly yes\nappendfsync always\ndir /var/lib/redis\n",
    )
    .unwrap();
    let output = crashdrill(&["presets", "--import", path.to_str().unwrap()]);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("appendfsync always") && told.contains("dir left out"),
        "{told}"
    );
}

#[test]
fn a_value_that_redis_would_refuse_is_not_drilled_around() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("prod.conf");
    let run = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let output = crashdrill(&[
            "run",
            "--backend",
            "process",
            "--redis-conf",
            path.to_str().unwrap(),
        ]);
        assert_eq!(output.status.code(), Some(64), "{}", told(&output));
        told(&output)
    };
    assert!(
        run("port 6379\nappendfsync sometimes\n").contains("prod.conf:2: appendfsync cannot be")
    );
    assert!(run("nothing of this is Redis\n").contains("no persistence or memory directive"));
}

#[test]
fn a_full_standard_output_is_no_panic() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_crashdrill"))
        .arg("presets")
        .stdout(full)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn no_runs_yet_is_said_with_what_makes_one() {
    let output = crashdrill(&["runs"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        told(&output).contains("crashdrill run"),
        "{}",
        told(&output)
    );
}

/// The headless build must not carry the window's libraries.
#[test]
fn without_the_window_there_is_no_egui_in_the_graph() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--no-default-features",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.contains("redis v"), "{tree}");
    assert!(!tree.contains("egui") && !tree.contains("winit"), "{tree}");
}
