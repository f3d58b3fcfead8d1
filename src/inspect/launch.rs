//! A scan on a thread of its own, for an observer that draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::export::Export;
use super::scan::{Found, Options, Progress, Sink, scan};
use crate::client::budget::Budget;
use crate::client::reader::ReadError;
use crate::client::target::Target;
use crate::domain::memory::pictures::Pictures;
use crate::domain::memory::tree::Tree;

/// Progress is told this often at most.
pub const TELL_EVERY: Duration = Duration::from_millis(100);

/// What a scan tells.
#[derive(Debug)]
pub enum News {
    Progress(Progress),
    /// The end, with everything that is computed once and takes longer than a frame.
    Found(Box<Seen>),
    Failed {
        error: String,
        /// The address that would do: the same with or without TLS.
        instead: Option<String>,
    },
}

/// A finished scan.
#[derive(Debug, Default)]
pub struct Seen {
    pub found: Found,
    pub tree: Tree,
    pub pictures: Pictures,
    /// The export that went with it.
    pub exported: Option<Result<PathBuf, String>>,
}

/// Starts a scan; with a path also exports every session while it is read. The budget's brake ends it early.
///
/// # Errors
/// The thread cannot be started.
pub fn launch(
    target: Target,
    budget: Arc<Budget>,
    options: Options,
    export: Option<PathBuf>,
    mut tell: Box<dyn FnMut(News) + Send>,
) -> std::io::Result<()> {
    let work = move || {
        let mut told = Instant::now();
        let mut progress = |progress: &Progress| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                tell(News::Progress(progress.clone()));
            }
        };
        let last = look(&target, &budget, &options, export.as_deref(), &mut progress);
        tell(last);
    };
    std::thread::Builder::new()
        .name("store-scan".into())
        .spawn(work)?;
    Ok(())
}

fn look(
    target: &Target,
    budget: &Arc<Budget>,
    options: &Options,
    export: Option<&Path>,
    progress: &mut dyn FnMut(&Progress),
) -> News {
    let mut export = match export.map(Export::begin).transpose() {
        Ok(export) => export,
        Err(error) => {
            return News::Failed {
                error: format!("{error:#}"),
                instead: None,
            };
        }
    };
    let sink = export.as_mut().map(|export| export as &mut dyn Sink);
    let found = match scan(target, budget, options, progress, sink) {
        Ok(found) => found,
        Err(error) => {
            if let Some(export) = export {
                export.abandon();
            }
            return News::Failed {
                instead: instead(target, &error),
                error: error.to_string(),
            };
        }
    };
    let tree = Tree::new(&found.survey, &options.recogniser.separator);
    let pictures = Pictures::of(&found.survey, &tree);
    let exported = export.map(|export| export.finish().map_err(|error| format!("{error:#}")));
    News::Found(Box::new(Seen {
        found,
        tree,
        pictures,
        exported,
    }))
}

/// Where only the encryption is wrong, the right address is known.
fn instead(target: &Target, error: &ReadError) -> Option<String> {
    let address = target.label();
    match error {
        ReadError::NoTls { .. } => Some(address.replacen("rediss://", "redis://", 1)),
        ReadError::ClosedAtOnce { .. } => Some(address.replacen("redis://", "rediss://", 1)),
        _ => None,
    }
}
