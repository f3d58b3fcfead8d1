//! I/O for the Store screen: scans, pages, orders of the table, gauges and files, each on a thread with a name.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::effect::Fact;
use super::store_action::StoreFile;
use super::store_order::{Wanted, order};
use super::store_state::{Compared, Gauge, Page, Place, Progress, Seen};
use crate::domain::event::Door;
use crate::domain::memory::layout::Layout;
use crate::domain::memory::server::ServerFacts;
use crate::inspect::launch::{News, TELL_EVERY, launch};
use crate::inspect::scan::Options;
use crate::inspect::{Budget, Target, file, gauge, secret, transcript};
use crate::report::inspection::{Inspection, circumstances};

/// Gauges and single sessions have a small budget of their own: the slider is for scans.
const ASIDE_PER_SEC: u32 = 500;

#[derive(Debug)]
pub enum StoreEffect {
    Scan {
        look: u64,
        whom: Whom,
        options: Box<Options>,
        budget: u32,
        remember: bool,
    },
    Stop,
    /// Ends an export.
    StopFile,
    SetBudget(u32),
    Order {
        seen: Arc<Seen>,
        wanted: Wanted,
        generation: u64,
    },
    ReadPage {
        look: u64,
        row: u32,
        key: Vec<u8>,
        layout: Layout,
        from: u64,
    },
    Watch,
    Unwatch,
    Forget(String),
    /// Writes or reads a file of what was seen.
    File {
        what: StoreFile,
        path: PathBuf,
        overwrite: bool,
        seen: Arc<Seen>,
        options: Box<Options>,
    },
}

/// Which store.
#[derive(Clone, Debug)]
pub enum Whom {
    Typed(Target),
    /// The running drill's own server.
    Ours,
}

#[derive(Debug)]
pub enum StoreFact {
    Begun {
        look: u64,
        place: Place,
    },
    Progress {
        look: u64,
        progress: Progress,
    },
    Seen {
        look: u64,
        seen: Arc<Seen>,
    },
    Failed {
        look: u64,
        error: String,
        /// The address that would do.
        instead: Option<String>,
    },
    Ordered {
        generation: u64,
        rows: Arc<Vec<u32>>,
    },
    Page {
        look: u64,
        row: u32,
        page: Result<Arc<Page>, String>,
    },
    Gauge(Gauge),
    Exporting(Progress),
    Compared(Result<Arc<Compared>, String>),
    Written(Result<PathBuf, String>),
    NotKept(String),
}

/// Whoever looks: the store in sight and the brakes of what is under way.
pub struct Lookout {
    target: Option<Target>,
    budget: Arc<Budget>,
    gauges: Option<Arc<Budget>>,
    /// Of the export under way.
    file: Arc<Budget>,
}

impl Default for Lookout {
    fn default() -> Self {
        Lookout {
            target: None,
            budget: Arc::new(Budget::new(0)),
            gauges: None,
            file: Arc::new(Budget::new(0)),
        }
    }
}

/// Tells facts and wakes the window.
#[derive(Clone)]
pub struct Teller {
    pub tell: Sender<Fact>,
    pub ctx: egui::Context,
}

impl Teller {
    fn say(&self, fact: StoreFact) -> bool {
        let told = self.tell.send(Fact::Store(fact)).is_ok();
        self.ctx.request_repaint();
        told
    }

    fn spawn(&self, name: &str, work: impl FnOnce(&Teller) + Send + 'static) {
        let teller = self.clone();
        let job = move || work(&teller);
        if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(job) {
            let text = format!("starting the thread {name} failed: {error}");
            let _ = self.tell.send(Fact::Trouble(text));
        }
    }
}

impl Lookout {
    /// `door` leads to the running drill's own server.
    pub fn perform(&mut self, effect: StoreEffect, door: Option<Door>, teller: &Teller) {
        match effect {
            StoreEffect::Scan {
                look,
                whom,
                options,
                budget,
                remember,
            } => self.scan(look, whom, *options, budget, remember, door, teller),
            StoreEffect::Stop => self.budget.stop(),
            StoreEffect::StopFile => self.file.stop(),
            StoreEffect::SetBudget(per_sec) => {
                self.budget.set(per_sec);
                self.file.set(per_sec);
            }
            StoreEffect::Order {
                seen,
                wanted,
                generation,
            } => teller.spawn("store-order", move |teller| {
                let rows = Arc::new(order(&seen.found.survey, &wanted));
                teller.say(StoreFact::Ordered { generation, rows });
            }),
            StoreEffect::ReadPage {
                look,
                row,
                key,
                layout,
                from,
            } => self.read_page(look, row, key, layout, from, teller),
            StoreEffect::Watch => self.watch(teller),
            StoreEffect::Unwatch => self.unwatch(),
            StoreEffect::Forget(address) => {
                teller.spawn("keyring-forget", move |_| secret::forget(&address));
            }
            StoreEffect::File {
                what,
                path,
                overwrite,
                seen,
                options,
            } => self.file(what, path, overwrite, seen, *options, teller),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one effect")]
    fn scan(
        &mut self,
        look: u64,
        whom: Whom,
        options: Options,
        budget: u32,
        remember: bool,
        door: Option<Door>,
        teller: &Teller,
    ) {
        self.unwatch();
        self.budget.stop();
        self.budget = Arc::new(Budget::new(budget));
        let (target, ours) = match (whom, door) {
            (Whom::Typed(target), _) => (target, false),
            (Whom::Ours, Some(door)) => (through(&door), door.ours),
            (Whom::Ours, None) => {
                let error = "the drill has no server up any more: start one on the Drill screen";
                let error = error.to_owned();
                teller.say(StoreFact::Failed {
                    look,
                    error,
                    instead: None,
                });
                return;
            }
        };
        self.target = Some(target.clone());
        let budget = Arc::clone(&self.budget);
        teller.spawn("store-look", move |teller| {
            begin(look, target, ours, options, &budget, remember, teller);
        });
    }

    fn read_page(
        &self,
        look: u64,
        row: u32,
        key: Vec<u8>,
        layout: Layout,
        from: u64,
        teller: &Teller,
    ) {
        let Some(target) = self.target.clone() else {
            return;
        };
        teller.spawn("store-page", move |teller| {
            let target = with_password(target);
            let budget = Arc::new(Budget::new(ASIDE_PER_SEC));
            let page = transcript::page(&target, &budget, &key, layout, from)
                .map(Arc::new)
                .map_err(|error| error.to_string());
            teller.say(StoreFact::Page { look, row, page });
        });
    }

    fn watch(&mut self, teller: &Teller) {
        self.unwatch();
        let Some(target) = self.target.clone() else {
            return;
        };
        let budget = Arc::new(Budget::new(ASIDE_PER_SEC));
        self.gauges = Some(Arc::clone(&budget));
        teller.spawn("store-gauges", move |teller| {
            let target = with_password(target);
            // A server that goes away simply moves the gauges no more; looking again says why.
            let _ = gauge::watch(&target, &budget, &mut |facts| {
                teller.say(StoreFact::Gauge(reading(&facts)))
            });
        });
    }

    fn unwatch(&mut self) {
        if let Some(gauges) = self.gauges.take() {
            gauges.stop();
        }
    }

    fn file(
        &mut self,
        what: StoreFile,
        path: PathBuf,
        overwrite: bool,
        seen: Arc<Seen>,
        options: Options,
        teller: &Teller,
    ) {
        let Some(target) = self.target.clone() else {
            return;
        };
        self.file = Arc::new(Budget::new(self.budget.limit()));
        let budget = Arc::clone(&self.file);
        teller.spawn("store-file", move |teller| {
            if what.is_read() {
                let compared = file::load(&path)
                    .map(|before| Arc::new(compare(&before, &seen, &target.label())))
                    .map_err(|error| format!("{error:#}"));
                teller.say(StoreFact::Compared(compared));
                return;
            }
            if path.exists() && !overwrite {
                let error = format!("{} exists: choose another name", path.display());
                teller.say(StoreFact::Written(Err(error)));
                return;
            }
            let written = match what {
                StoreFile::Inventory => {
                    file::save(&path, &target, &options.recogniser, &seen.found)
                        .map(|()| path.clone())
                        .map_err(|error| format!("{error:#}"))
                }
                _ => export(&with_password(target), &budget, &options, path, teller),
            };
            teller.say(StoreFact::Written(written));
        });
    }
}

fn through(door: &Door) -> Target {
    let mut target = Target::parse(&format!("redis://{}:{}", door.host, door.port))
        .expect("a server of ours has an address");
    target.user.clone_from(&door.user);
    target.password.clone_from(&door.password);
    target.database = door.database;
    target
}

fn begin(
    look: u64,
    target: Target,
    ours: bool,
    options: Options,
    budget: &Arc<Budget>,
    remember: bool,
    teller: &Teller,
) {
    let place = Place {
        address: target.label(),
        host: target.host(),
        ours,
    };
    teller.say(StoreFact::Begun { look, place });
    if remember
        && let Some(password) = &target.password
        && let secret::Kept::No(why) = secret::keep(&target.label(), password)
    {
        let text = format!("The password is not remembered, so it is asked for each time: {why}");
        teller.say(StoreFact::NotKept(text));
    }
    let target = with_password(target);
    let told = teller.clone();
    let tell = Box::new(move |news| {
        told.say(match news {
            News::Progress(progress) => StoreFact::Progress { look, progress },
            News::Found(seen) => StoreFact::Seen {
                look,
                seen: Arc::from(seen),
            },
            News::Failed { error, instead } => StoreFact::Failed {
                look,
                error,
                instead,
            },
        });
    });
    if let Err(error) = launch(target, Arc::clone(budget), options, None, tell) {
        let error = format!("starting the scan failed: {error}");
        teller.say(StoreFact::Failed {
            look,
            error,
            instead: None,
        });
    }
}

/// A remembered store's password comes from the keyring. A store without user and password may have none.
fn with_password(mut target: Target) -> Target {
    if target.password.is_none() && target.user.is_some() {
        target.password = secret::recall(&target.label());
    }
    target
}

fn reading(facts: &ServerFacts) -> Gauge {
    Gauge {
        used_memory_bytes: facts.count("used_memory"),
        ops_per_sec: facts.count("instantaneous_ops_per_sec"),
        clients: facts.count("connected_clients"),
        evicted: facts.count("evicted_keys"),
        expired: facts.count("expired_keys"),
        unsaved_changes: facts.count("rdb_changes_since_last_save"),
        aof_buffer_bytes: facts.count("aof_buffer_length"),
        delayed_fsyncs: facts.count("aof_delayed_fsync"),
    }
}

fn compare(
    before: &crate::domain::memory::inventory::Inventory,
    seen: &Seen,
    address: &str,
) -> Compared {
    let diff = file::compare(before, &seen.found);
    let mut order: Vec<u32> = (0..diff.changed.len() as u32).collect();
    order.sort_by_key(|number| diff.changed[*number as usize].change.rank());
    let inspection = Inspection {
        store: address,
        survey: &seen.found.survey,
        facts: &seen.found.facts,
        findings: &seen.found.findings,
        diff: None,
        limit: 0,
    };
    let circumstances = circumstances(&inspection, &before.header);
    Compared {
        before: before.header.clone(),
        circumstances: circumstances
            .iter()
            .map(|line| line.trim().to_owned())
            .collect(),
        kinds: Compared::count(&diff, &order),
        diff,
        order,
    }
}

fn export(
    target: &Target,
    budget: &Arc<Budget>,
    options: &Options,
    path: PathBuf,
    teller: &Teller,
) -> Result<PathBuf, String> {
    use crate::inspect::export::Export;
    use crate::inspect::scan::scan;
    let whole = |error: anyhow::Error| format!("{error:#}");
    let mut export = Export::begin(&path).map_err(whole)?;
    let mut told = Instant::now();
    let mut tell = |progress: &Progress| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            teller.say(StoreFact::Exporting(progress.clone()));
        }
    };
    let found = match scan(target, budget, options, &mut tell, Some(&mut export)) {
        Ok(found) => found,
        Err(error) => {
            export.abandon();
            return Err(error.to_string());
        }
    };
    let path = export.finish().map_err(whole)?;
    match found.survey.stopped {
        None => Ok(path),
        Some(why) => Err(format!(
            "The export is not complete: {why}: {}",
            path.display()
        )),
    }
}
