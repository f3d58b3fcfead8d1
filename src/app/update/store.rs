//! The Store screen: wishes and facts to state, and what is to be done outside.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::effect::Effect;
use super::super::state::{AppState, Purpose, Screen, Tone};
use super::super::store_action::{StoreAction, StoreFile};
use super::super::store_effect::{StoreEffect, StoreFact, Whom};
use super::super::store_order::Wanted;
use super::super::store_state::{MAX_GAUGES, StoreField, StoreState, StoreView, Table};
use super::toast;
use crate::domain::contract::parse_duration;
use crate::domain::memory::health::Policy;
use crate::domain::memory::mark::Mark;
use crate::domain::memory::pattern::{Pattern, Recogniser};
use crate::domain::memory::server::Expectation;
use crate::inspect::Target;
use crate::inspect::scan::Options;

/// Addresses that are remembered.
const MAX_KNOWN: usize = 8;

pub(super) fn act(state: &mut AppState, action: StoreAction) -> Vec<Effect> {
    let store = &mut state.store;
    match action {
        StoreAction::EditAddress(text) => edit_address(store, text),
        StoreAction::EditPassword(text) => store.password = text,
        StoreAction::EditCa(text) => store.form.ca = text,
        StoreAction::Edit(field, text) => edit(store, field, text),
        StoreAction::Remember(yes) => store.form.remember = yes,
        StoreAction::Pick(address) => {
            // The same server with or without TLS has the same password.
            if store.instead.take().as_ref() != Some(&address) {
                store.password.clear();
            }
            store.form.address = address;
            store.error = None;
        }
        StoreAction::Forget(address) => {
            store.form.known.retain(|known| *known != address);
            let forget = StoreEffect::Forget(address);
            return vec![Effect::Store(forget), Effect::SaveSettings];
        }
        StoreAction::Expect(preset) => store.form.expect = preset,
        StoreAction::SetBudget(per_sec) => {
            store.form.budget = per_sec;
            return vec![Effect::Store(StoreEffect::SetBudget(per_sec))];
        }
        StoreAction::Look => return look_at_typed(state),
        StoreAction::LookAtOurs => {
            // Also from the palette, whatever screen is in sight.
            state.screen = Screen::Store;
            return look(state, Whom::Ours, false);
        }
        StoreAction::Stop => return vec![Effect::Store(StoreEffect::Stop)],
        StoreAction::StopExport => return vec![Effect::Store(StoreEffect::StopFile)],
        StoreAction::View(view) => store.view = view,
        StoreAction::Filter(text) => {
            store.table.filter = text;
            return reorder(store);
        }
        StoreAction::Only(mark) => return only(store, mark),
        StoreAction::Sort(column) => {
            let table = &mut store.table;
            table.ascending = table.column == column && !table.ascending;
            table.column = column;
            return reorder(store);
        }
        StoreAction::Toggle(place, depth) => {
            if !store.open.remove(&(place, depth)) {
                store.open.insert((place, depth));
            }
        }
        StoreAction::Select(row) => {
            store.selected = row;
            store.page = None;
            return turn(store, 0);
        }
        StoreAction::Turn(from) => return turn(store, from),
        StoreAction::ShowRaw(raw) => store.raw = raw,
        StoreAction::Save => return ask(StoreFile::Inventory),
        StoreAction::Compare => return ask(StoreFile::Before),
        StoreAction::Export(what) => return ask(what),
    }
    Vec::new()
}

fn ask(what: StoreFile) -> Vec<Effect> {
    vec![Effect::AskPath(Purpose::Store(what))]
}

/// A password that was pasted within the address goes where it is hidden, and is never kept with the address.
fn edit_address(store: &mut StoreState, text: String) {
    store.wrong = None;
    store.form.address = text;
    if let Ok(target) = Target::parse(&store.form.address)
        && let Some(password) = &target.password
    {
        store.password.clone_from(password);
        store.form.address = target.label();
    }
}

fn edit(store: &mut StoreState, field: StoreField, text: String) {
    store.wrong = None;
    match field {
        StoreField::Address => edit_address(store, text),
        StoreField::Pattern => store.form.pattern = text,
        StoreField::Separator => store.form.separator = text,
        StoreField::Ttl => store.form.ttl = text,
    }
}

fn look_at_typed(state: &mut AppState) -> Vec<Effect> {
    let store = &mut state.store;
    let mut target = match Target::parse(&store.form.address) {
        Ok(target) => target,
        Err(error) => {
            store.wrong = Some((StoreField::Address, error));
            return Vec::new();
        }
    };
    if target.password.is_none() && !store.password.is_empty() {
        target.password = Some(store.password.clone());
    }
    if target.is_tls() && !store.form.ca.trim().is_empty() {
        target.ca = Some(PathBuf::from(store.form.ca.trim()));
    }
    let remember = store.form.remember;
    if remember {
        let label = target.label();
        store.form.known.retain(|known| *known != label);
        store.form.known.insert(0, label);
        store.form.known.truncate(MAX_KNOWN);
    }
    let mut effects = look(state, Whom::Typed(target), remember);
    effects.push(Effect::SaveSettings);
    effects
}

fn look(state: &mut AppState, whom: Whom, remember: bool) -> Vec<Effect> {
    let options = match options(state) {
        Ok(options) => options,
        Err(wrong) => {
            state.store.wrong = Some(wrong);
            return Vec::new();
        }
    };
    let store = &mut state.store;
    let budget = store.form.budget;
    store.look += 1;
    store.scanning = Some(Default::default());
    store.error = None;
    store.instead = None;
    store.wrong = None;
    store.gauges.clear();
    vec![Effect::Store(StoreEffect::Scan {
        look: store.look,
        whom,
        options: Box::new(options),
        budget,
        remember,
    })]
}

/// What the fields mean.
fn options(state: &AppState) -> Result<Options, (StoreField, String)> {
    let form = &state.store.form;
    if form.separator.is_empty() {
        let error = "a separator has at least one character".into();
        return Err((StoreField::Separator, error));
    }
    let mut recogniser = Recogniser {
        separator: form.separator.clone(),
        ..Recogniser::default()
    };
    let pattern = form.pattern.trim();
    if !pattern.is_empty() {
        let pattern = Pattern::parse(pattern).map_err(|error| (StoreField::Pattern, error))?;
        recogniser = Recogniser::only(pattern, &form.separator);
    }
    let ttl = match form.ttl.trim() {
        "" => None,
        text => Some(parse_duration(text).map_err(|error| (StoreField::Ttl, error))?),
    };
    let presets = &state.plan.presets;
    let expect = presets
        .iter()
        .find(|preset| preset.id == form.expect)
        .map(Expectation::of);
    Ok(Options {
        recogniser,
        policy: Policy { ttl, expect },
    })
}

fn only(store: &mut StoreState, mark: Option<Mark>) -> Vec<Effect> {
    store.table.only = mark;
    store.view = StoreView::Sessions;
    reorder(store)
}

fn reorder(store: &mut StoreState) -> Vec<Effect> {
    let Some(seen) = &store.seen else {
        return Vec::new();
    };
    store.table.generation += 1;
    store.table.sorting = true;
    vec![Effect::Store(StoreEffect::Order {
        seen: Arc::clone(seen),
        wanted: Wanted::of(&store.table),
        generation: store.table.generation,
    })]
}

fn turn(store: &mut StoreState, from: u64) -> Vec<Effect> {
    let (Some(seen), Some(row)) = (&store.seen, store.selected) else {
        return Vec::new();
    };
    store.page_loading = true;
    let survey = &seen.found.survey;
    vec![Effect::Store(StoreEffect::ReadPage {
        look: store.look,
        row,
        key: survey.key(row).to_vec(),
        layout: survey.rows[row as usize].layout,
        from,
    })]
}

/// A path for a file of the Store screen is known.
pub(super) fn path_chosen(
    state: &mut AppState,
    what: StoreFile,
    path: PathBuf,
    overwrite: bool,
) -> Vec<Effect> {
    let Some(seen) = state.store.seen.clone() else {
        return Vec::new();
    };
    let options = match options(state) {
        Ok(options) => Box::new(options),
        Err(wrong) => {
            state.store.wrong = Some(wrong);
            return Vec::new();
        }
    };
    state.store.saving = true;
    if matches!(what, StoreFile::JsonLines | StoreFile::Csv) {
        state.store.exporting = Some(Default::default());
    }
    vec![Effect::Store(StoreEffect::File {
        what,
        path,
        overwrite,
        seen,
        options,
    })]
}

/// The screen came into sight or went out of it: gauges move only for somebody.
pub(super) fn shown(state: &AppState, visible: bool) -> Vec<Effect> {
    if state.store.seen.is_none() || state.store.scanning.is_some() {
        return Vec::new();
    }
    vec![Effect::Store(if visible {
        StoreEffect::Watch
    } else {
        StoreEffect::Unwatch
    })]
}

pub(super) fn learn(state: &mut AppState, fact: StoreFact) -> Vec<Effect> {
    let store = &mut state.store;
    match fact {
        StoreFact::Begun { look, place } if look == store.look => store.place = Some(place),
        StoreFact::Progress { look, progress } if look == store.look => {
            store.rate = progress.rate;
            store.scanning = Some(progress);
        }
        StoreFact::Seen { look, seen } if look == store.look => return seen_now(state, seen),
        StoreFact::Failed {
            look,
            error,
            instead,
        } if look == store.look => {
            store.instead = instead;
            store.scanning = None;
            store.rate = 0.0;
            store.error = Some(error);
        }
        StoreFact::Ordered { generation, rows } if generation == store.table.generation => {
            store.table.rows = rows;
            store.table.sorting = false;
        }
        StoreFact::Page { look, row, page }
            if look == store.look && store.selected == Some(row) =>
        {
            store.page_loading = false;
            match page {
                Ok(page) => store.page = Some(page),
                Err(error) => return toast(state, Tone::Bad, error, None),
            }
        }
        StoreFact::Gauge(gauge) => {
            store.gauges.push_back(gauge);
            if store.gauges.len() > MAX_GAUGES {
                store.gauges.pop_front();
            }
        }
        StoreFact::Compared(compared) => {
            store.saving = false;
            match compared {
                Ok(compared) => {
                    store.diff = Some(compared);
                    store.view = StoreView::Changes;
                }
                Err(error) => return toast(state, Tone::Bad, error, None),
            }
        }
        StoreFact::Exporting(progress) if store.saving => store.exporting = Some(progress),
        StoreFact::Written(written) => {
            store.saving = false;
            store.exporting = None;
            return match written {
                Ok(path) => {
                    let text = format!("Saved {}", path.display());
                    toast(state, Tone::Good, text, Some(path))
                }
                Err(error) => toast(state, Tone::Bad, error, None),
            };
        }
        StoreFact::NotKept(text) => return toast(state, Tone::Warning, text, None),
        // Of a look that another one has followed.
        _ => {}
    }
    Vec::new()
}

fn seen_now(state: &mut AppState, seen: Arc<super::super::store_state::Seen>) -> Vec<Effect> {
    let store = &mut state.store;
    store.scanning = None;
    store.rate = 0.0;
    store.error.clone_from(&seen.found.survey.stopped);
    store.seen = Some(seen);
    store.selected = None;
    store.page = None;
    store.diff = None;
    store.open.clear();
    store.table = Table {
        generation: store.table.generation,
        filter: std::mem::take(&mut store.table.filter),
        ..Table::default()
    };
    let mut effects = reorder(store);
    effects.extend(shown(state, state.screen == Screen::Store));
    effects
}
