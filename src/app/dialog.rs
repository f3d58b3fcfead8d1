//! The desktop's file dialogs, off the frame's thread, and the question whether there are any.

use std::path::PathBuf;
use std::time::Duration;

use super::effect::Fact;
use super::state::Purpose;

/// Asks the user for a path. `None` if the dialog was closed without one.
#[must_use]
pub fn ask(purpose: Purpose) -> Option<Fact> {
    if !portal_answers() {
        return Some(Fact::NoPortal(purpose));
    }
    let path = native(purpose)?;
    Some(Fact::PathChosen(purpose, path))
}

fn native(purpose: Purpose) -> Option<PathBuf> {
    let dialog = rfd::FileDialog::new();
    match purpose {
        Purpose::Export(format) => dialog
            .set_title("Export report")
            .set_file_name(format!("crashdrill-report.{}", format.ending()))
            .add_filter(format.title(), &[format.ending()])
            .save_file(),
        Purpose::Checks(format) => dialog
            .set_title("Save the checks")
            .set_file_name(format!("crashdrill-checks.{}", format.ending()))
            .add_filter(format.title(), &[format.ending()])
            .save_file(),
        Purpose::ImportConf => dialog
            .set_title("Import redis.conf")
            .add_filter("Redis configuration", &["conf"])
            .add_filter("All files", &["*"])
            .pick_file(),
        Purpose::ServerProgram => dialog.set_title("Choose server program").pick_file(),
        Purpose::Store(what) => {
            let dialog = dialog.set_title(what.title());
            if what.is_read() {
                dialog.pick_file()
            } else {
                let name = format!("store.{}", what.ending());
                dialog.set_file_name(name).save_file()
            }
        }
    }
}

/// rfd answers "cancelled" and "no portal" alike, so the portal is asked for its version first.
#[cfg(target_os = "linux")]
fn portal_answers() -> bool {
    let version = || -> zbus::Result<()> {
        let bus = zbus::blocking::connection::Builder::session()?
            .method_timeout(Duration::from_secs(3))
            .build()?;
        bus.call_method(
            Some("org.freedesktop.portal.Desktop"),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &("org.freedesktop.portal.FileChooser", "version"),
        )?;
        Ok(())
    };
    version().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn portal_answers() -> bool {
    true
}
