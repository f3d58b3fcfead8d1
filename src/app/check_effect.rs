//! A suite of checks because of a click, and what it tells. It decides nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check_state::{CheckForm, CheckFormat};
use super::effect::Fact;
use crate::checks::runner::{Cast, CheckEvent, Request, SuiteHandle, launch};
use crate::checks::{place, target};
use crate::domain::check::SuiteRecord;
use crate::engine::store;
use crate::report::checks::render;

#[derive(Debug)]
pub enum CheckEffect {
    Launch {
        form: Box<CheckForm>,
        checks: Vec<&'static str>,
    },
    Cancel,
    Export {
        record: Arc<SuiteRecord>,
        format: CheckFormat,
        path: PathBuf,
        overwrite: bool,
    },
}

/// The running suite.
#[derive(Default)]
pub struct Examiner {
    suite: Option<SuiteHandle>,
}

impl Examiner {
    /// # Errors
    /// In words: which field is wrong.
    pub fn launch(
        &mut self,
        form: &CheckForm,
        checks: Vec<&'static str>,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Result<(), String> {
        self.suite = Some(launch(request(form, checks)?, wake));
        Ok(())
    }

    pub fn cancel(&self) {
        if let Some(suite) = &self.suite {
            suite.cancel();
        }
    }

    #[must_use]
    pub fn busy(&self) -> bool {
        self.suite.is_some()
    }

    /// Adds what has arrived; ends with the suite.
    pub fn drain(&mut self, facts: &mut Vec<Fact>) {
        let Some(suite) = &self.suite else { return };
        let mut over = false;
        for event in suite.events.try_iter() {
            over |= matches!(event, CheckEvent::Done(_) | CheckEvent::Failed(_));
            facts.push(Fact::Check(event));
        }
        if over && let Some(suite) = self.suite.take() {
            suite.join();
        }
    }
}

fn request(form: &CheckForm, checks: Vec<&'static str>) -> Result<Request, String> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let address = text(&form.address);
    let servers = [text(&form.server), text(&form.other_server)];
    let servers: Vec<PathBuf> = servers.into_iter().flatten().map(PathBuf::from).collect();
    if address.is_some() && !servers.is_empty() {
        return Err("A server program does not go with an address: empty one of the two".into());
    }
    let notes = store::data_dir()
        .map_err(|error| format!("{error:#}"))?
        .join("checks");
    let mut place = place(&servers, text(&form.store).as_deref())?;
    place.layout = form.layout;
    let cast = match place.store {
        Some(_) => Cast::YOURS,
        None => Cast::USUAL,
    };
    Ok(Request {
        target: target(address.as_deref(), None, &notes)?,
        place,
        checks,
        cast,
    })
}

/// Writes a report.
pub fn export(record: &SuiteRecord, format: CheckFormat, path: &Path, overwrite: bool) -> Fact {
    use std::io::Write as _;
    let file = if overwrite {
        std::fs::File::create(path)
    } else {
        std::fs::File::create_new(path)
    };
    let bytes = render(format, record);
    match file.and_then(|mut file| file.write_all(&bytes)) {
        Ok(()) => Fact::Exported(Ok(path.to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Fact::Trouble(format!(
            "{} exists already: choose another name",
            path.display()
        )),
        Err(error) => Fact::Trouble(format!(
            "Saving the report failed: {error}: {}",
            path.display()
        )),
    }
}
