//! A scan on a thread of its own, for an observer that draws.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::export::Export;
use super::scan::{Found, Options, Progress, Sink, scan};
use crate::client::budget::Budget;
use crate::client::target::Target;
use crate::domain::memory::tree::Tree;

/// Progress is told this often at most.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// What a scan tells.
#[derive(Debug)]
pub enum News {
    Progress(Progress),
    /// The end, with everything that is computed once and takes longer than a frame.
    Found(Box<Seen>),
    Failed(String),
}

/// A finished scan.
#[derive(Debug)]
pub struct Seen {
    pub found: Found,
    pub tree: Tree,
    /// The export that went with it.
    pub exported: Option<Result<PathBuf, String>>,
}

/// A scan that runs.
pub struct Handle {
    pub news: Receiver<News>,
    pub budget: Arc<Budget>,
}

/// Starts a scan; with a path also exports every session while it is read.
///
/// # Errors
/// The thread cannot be started.
pub fn launch(
    target: Target,
    budget: Arc<Budget>,
    options: Options,
    export: Option<PathBuf>,
    wake: Box<dyn Fn() + Send>,
) -> std::io::Result<Handle> {
    let (tell, news) = channel();
    let brake = Arc::clone(&budget);
    let work = move || {
        let mut told = Instant::now();
        let mut progress = |progress: &Progress| {
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                // Nobody listens any more: nobody wants the rest.
                if tell.send(News::Progress(progress.clone())).is_err() {
                    brake.stop();
                }
                wake();
            }
        };
        let begun = export.as_deref().map(Export::begin).transpose();
        let last = match begun {
            Err(error) => News::Failed(format!("{error:#}")),
            Ok(mut export) => {
                let sink = export.as_mut().map(|export| export as &mut dyn Sink);
                match scan(&target, &brake, &options, &mut progress, sink) {
                    Err(error) => News::Failed(error.to_string()),
                    Ok(found) => {
                        let tree = Tree::new(&found.survey, &options.recogniser.separator);
                        let exported = export
                            .map(|export| export.finish().map_err(|error| format!("{error:#}")));
                        News::Found(Box::new(Seen {
                            found,
                            tree,
                            exported,
                        }))
                    }
                }
            }
        };
        let _ = tell.send(last);
        wake();
    };
    std::thread::Builder::new()
        .name("store-scan".into())
        .spawn(work)?;
    Ok(Handle { news, budget })
}
