//! The real window on a display without a screen: one drill by keyboard, and the two ways of closing.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Program, text};

/// An X server of the test's own.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn start(dir: &Path) -> Self {
        // The server picks a free number itself and writes it to its standard output.
        let chosen = dir.join("display");
        let server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(std::fs::File::create(&chosen).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is installed: scripts/test does it");
        let number = wait("a display", || {
            let number = std::fs::read_to_string(&chosen).unwrap_or_default();
            number.ends_with('\n').then(|| number.trim().to_owned())
        });
        Display {
            server,
            name: format!(":{number}"),
        }
    }

    fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.name)
            .output();
        let output = output.expect("xdotool is installed: scripts/test does it");
        output
            .status
            .success()
            .then(|| text(&output.stdout).trim().to_owned())
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(40),
            "{what} did not appear"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

struct Window {
    child: Child,
    id: String,
}

/// Opens the window with a quick drill as its plan.
fn open(program: &Program, display: &Display) -> Window {
    let settings = program.path("config/crashdrill/window.json");
    std::fs::create_dir_all(settings.parent().unwrap()).unwrap();
    let draft = r#"{"draft":{"backend":"process","preset":"none","seconds":1.5}}"#;
    std::fs::write(settings, draft).unwrap();
    let mut command = program.command(&[]);
    let command = command
        .env("DISPLAY", &display.name)
        .env_remove("WAYLAND_DISPLAY")
        .env("TMPDIR", program.home.path());
    let child = command.stderr(Stdio::null()).spawn().unwrap();
    let id = wait("the window", || {
        display.xdotool(&["search", "--onlyvisible", "--name", "^Crashdrill$"])
    });
    display.xdotool(&["windowfocus", "--sync", &id]);
    Window { child, id }
}

impl Window {
    /// Presses until the key has had its effect: a window that has just appeared may miss the first.
    fn press_until<T>(
        &self,
        display: &Display,
        key: &str,
        what: &str,
        mut effect: impl FnMut() -> Option<T>,
    ) -> T {
        let mut pressed = Instant::now() - Duration::from_secs(60);
        wait(what, || {
            let done = effect();
            if done.is_none() && pressed.elapsed() > Duration::from_secs(3) {
                pressed = Instant::now();
                display.xdotool(&["key", "--window", &self.id, key]);
            }
            done
        })
    }

    fn exit_within(&mut self, seconds: u64) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(seconds),
                "the window does not close"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn started(program: &Program) -> Option<()> {
    program
        .runs()
        .join("latest/journal.bin")
        .exists()
        .then_some(())
}

#[test]
fn a_drill_by_one_key_is_judged_and_kept() {
    let program = Program::new();
    let display = Display::start(program.home.path());
    let mut window = open(&program, &display);
    window.press_until(&display, "ctrl+Return", "a drill", || started(&program));
    let verdict = wait("a verdict", || {
        std::fs::read_to_string(program.latest().join("verdict.json")).ok()
    });
    assert!(
        verdict.contains("\"verdict\": \"held\"") && verdict.contains("vanished"),
        "{verdict}"
    );
    assert!(
        window.child.try_wait().unwrap().is_none(),
        "the window is still there"
    );

    Command::new("kill")
        .args(["-TERM", &window.child.id().to_string()])
        .status()
        .unwrap();
    assert!(window.exit_within(5).success());
}

#[test]
fn sigterm_in_the_middle_of_a_drill_leaves_nothing_running() {
    let program = Program::new();
    let display = Display::start(program.home.path());
    let mut window = open(&program, &display);
    window.press_until(&display, "ctrl+Return", "a drill", || started(&program));
    Command::new("kill")
        .args(["-TERM", &window.child.id().to_string()])
        .status()
        .unwrap();
    assert!(window.exit_within(10).success());
    let left: Vec<_> = std::fs::read_dir(program.home.path())
        .unwrap()
        .flatten()
        .filter(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .starts_with("crashdrill-server-")
        })
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let verdict = std::fs::read_to_string(program.latest().join("verdict.json")).unwrap();
    assert!(verdict.contains("cancelled"), "{verdict}");
}
