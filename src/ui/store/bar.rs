//! The bar above: which store, how to get in, how fast, and whose it is.

use egui::{ComboBox, Frame, Margin, RichText, Slider, TextEdit, Ui, WidgetInfo, vec2};

use super::model;
use super::paint::Brush;
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::{StoreAction, StoreFile};
use crate::app::store_state::{Progress, StoreField, StoreState};
use crate::report::wording::number::{count, counted};
use crate::ui::icon;
use crate::ui::part::{self, Weight, wish};
use crate::ui::plan::problem;
use crate::ui::theme::{Theme, semibold, sizes};

/// Height of a row with buttons, in points.
const ROW: f32 = 28.0;

pub fn show(ui: &mut Ui, state: &AppState, brush: &mut Brush, actions: &mut Vec<Action>) {
    let store = &state.store;
    way_in(ui, state, actions);
    wrong(ui, store, StoreField::Address);
    ui.horizontal_wrapped(|ui| how(ui, state, actions));
    for field in [StoreField::Pattern, StoreField::Separator, StoreField::Ttl] {
        wrong(ui, store, field);
    }
    match &store.scanning {
        Some(progress) => {
            let begun = *brush.scan.get_or_insert_with(std::time::Instant::now);
            scanning(ui, state, progress, begun.elapsed(), actions);
        }
        None => brush.scan = None,
    }
    if let Some(error) = &store.error {
        ui.horizontal(|ui| {
            problem(ui, &capital(error));
            if let Some(address) = &store.instead {
                let scheme = address.split("://").next().unwrap_or_default();
                if ui.button(format!("Use {scheme}://")).clicked() {
                    actions.push(Action::Store(StoreAction::Pick(address.clone())));
                }
            }
        });
    }
    whose(ui, state, actions);
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn wrong(ui: &mut Ui, store: &StoreState, field: StoreField) {
    if let Some((at, error)) = &store.wrong
        && *at == field
    {
        problem(ui, &capital(error));
    }
}

fn field(ui: &mut Ui, name: &str, text: &str, hint: &str, width: f32) -> (Option<String>, bool) {
    edit(ui, name, text, hint, width, false)
}

fn edit(
    ui: &mut Ui,
    name: &str,
    text: &str,
    hint: &str,
    width: f32,
    secret: bool,
) -> (Option<String>, bool) {
    let theme = Theme::of(ui);
    let mut edited = text.to_owned();
    let edit = TextEdit::singleline(&mut edited)
        .hint_text(RichText::new(hint).color(theme.faint))
        .desired_width(width)
        .password(secret)
        .margin(vec2(8.0, 5.0));
    let response = ui.add(edit);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::TextInput, true, name));
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    ((edited != text).then_some(edited), entered)
}

/// Address, password, and the two ways to begin.
fn way_in(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let store = &state.store;
    let mut wishes = Vec::new();
    let mut push = |action| wishes.push(action);
    ui.horizontal(|ui| {
        // As high as its buttons from the first field on, so that all stand in one line.
        ui.set_row_height(ROW);
        let hint = "redis://user@host:6379/0, rediss://…, unix:///…";
        let (edited, entered) = field(ui, "Address", &store.form.address, hint, 330.0);
        if let Some(text) = edited {
            push(StoreAction::EditAddress(text));
        }
        let (edited, again) = edit(ui, "Password", &store.password, "Password", 110.0, true);
        if let Some(text) = edited {
            push(StoreAction::EditPassword(text));
        }
        if store.form.address.starts_with("rediss") {
            let (edited, _) = field(
                ui,
                "Authority file",
                &store.form.ca,
                "Authority (PEM)",
                120.0,
            );
            if let Some(text) = edited {
                push(StoreAction::EditCa(text));
            }
        }
        let mut remember = store.form.remember;
        let tip = "Remember the address; the password goes to the system's keyring, or is asked for each time";
        if ui.checkbox(&mut remember, "Remember").on_hover_text(tip).changed() {
            push(StoreAction::Remember(remember));
        }
        known(ui, store, &mut push);
        let look = Action::Store(StoreAction::Look);
        let ready = look.available(state).is_ok();
        if (entered || again) && ready {
            push(StoreAction::Look);
        }
        let ours = Action::Store(StoreAction::LookAtOurs);
        wish(ui, state, actions, look, icon::SEARCH, Weight::Primary);
        wish(ui, state, actions, ours, icon::SERVER, Weight::Normal);
    });
    actions.extend(wishes.into_iter().map(Action::Store));
}

/// Remembered addresses.
fn known(ui: &mut Ui, store: &StoreState, push: &mut impl FnMut(StoreAction)) {
    if store.form.known.is_empty() {
        return;
    }
    let menu = ui.menu_button(icon::HISTORY, |ui| {
        for address in &store.form.known {
            ui.horizontal(|ui| {
                if ui.button(address).clicked() {
                    push(StoreAction::Pick(address.clone()));
                    ui.close();
                }
                let forget = ui.button(icon::DELETE).on_hover_text("Forget");
                let name = format!("Forget {address}");
                forget.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
                if forget.clicked() {
                    push(StoreAction::Forget(address.clone()));
                    ui.close();
                }
            });
        }
    });
    let response = menu.response.on_hover_text("Remembered addresses");
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, "Remembered addresses"));
}

/// What to look for, and how fast.
fn how(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let form = &state.store.form;
    let mut push = |action| actions.push(Action::Store(action));
    let label = |ui: &mut Ui, text: &str| {
        ui.label(RichText::new(text).color(theme.weak).size(sizes().small))
    };
    label(ui, "Sessions");
    let hint = "session:<id>:messages";
    if let (Some(text), _) = field(ui, "Pattern", &form.pattern, hint, 166.0) {
        push(StoreAction::Edit(StoreField::Pattern, text));
    }
    label(ui, "Separator");
    if let (Some(text), _) = field(ui, "Separator", &form.separator, ":", 18.0) {
        push(StoreAction::Edit(StoreField::Separator, text));
    }
    label(ui, "TTL");
    if let (Some(text), _) = field(ui, "TTL policy", &form.ttl, "7d", 40.0) {
        push(StoreAction::Edit(StoreField::Ttl, text));
    }
    label(ui, "Expect");
    expect(ui, state, &mut push);
    label(ui, "Budget");
    budget(ui, state, &mut push);
}

fn expect(ui: &mut Ui, state: &AppState, push: &mut impl FnMut(StoreAction)) {
    let chosen = &state.store.form.expect;
    let shown = if chosen.is_empty() { "nothing" } else { chosen };
    let combo = ComboBox::from_id_salt("store-expect")
        .selected_text(shown)
        .width(120.0)
        .show_ui(ui, |ui| {
            if ui.selectable_label(chosen.is_empty(), "nothing").clicked() {
                push(StoreAction::Expect(String::new()));
            }
            for preset in &state.plan.presets {
                let on = preset.id == *chosen;
                if ui.selectable_label(on, &preset.id).clicked() {
                    push(StoreAction::Expect(preset.id.clone()));
                }
            }
        });
    combo
        .response
        .widget_info(|| WidgetInfo::labeled(egui::Role::ComboBox, true, "Expected persistence"));
}

fn budget(ui: &mut Ui, state: &AppState, push: &mut impl FnMut(StoreAction)) {
    const MOST: u32 = 200_000;
    let theme = Theme::of(ui);
    let store = &state.store;
    // No limit is the slider's far end.
    let mut value = match store.form.budget {
        0 => MOST,
        limit => limit,
    };
    let slider = Slider::new(&mut value, 100..=MOST)
        .logarithmic(true)
        .trailing_fill(true)
        .show_value(false);
    let response = ui.add(slider);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Slider, true, "Commands a second"));
    if response.changed() {
        push(StoreAction::SetBudget(if value >= MOST {
            0
        } else {
            value
        }));
    }
    let limit = match store.form.budget {
        0 => "no limit".into(),
        limit => count(u64::from(limit)),
    };
    let text = match store.scanning {
        Some(_) => format!("{} of {limit} a second", count(store.rate as u64)),
        None => format!("{limit} commands a second"),
    };
    ui.label(RichText::new(text).size(sizes().small).color(theme.weak));
}

fn scanning(
    ui: &mut Ui,
    state: &AppState,
    progress: &Progress,
    elapsed: std::time::Duration,
    actions: &mut Vec<Action>,
) {
    ui.horizontal(|ui| {
        let share = progress.share();
        ui.add(
            egui::ProgressBar::new(share as f32)
                .desired_width(220.0)
                .desired_height(8.0),
        );
        let left =
            model::left(share, elapsed).map_or(String::new(), |left| format!(", {left} left"));
        let text = format!(
            "{} of {} keys, {}, {}{left}",
            count(progress.keys),
            count(progress.expected),
            counted(progress.sessions, "session"),
            counted(progress.messages, "message"),
        );
        ui.label(RichText::new(text).size(sizes().small));
        wish(
            ui,
            state,
            actions,
            Action::Store(StoreAction::Stop),
            icon::CANCEL,
            Weight::Normal,
        );
    });
    ui.ctx()
        .request_repaint_after(std::time::Duration::from_millis(250));
}

/// The badge, and what can be done with what was seen.
fn whose(ui: &mut Ui, state: &AppState, actions: &mut Vec<Action>) {
    let store = &state.store;
    let Some(place) = &store.place else { return };
    let theme = Theme::of(ui);
    let role = store
        .seen
        .as_ref()
        .map_or("", |seen| seen.found.facts.role());
    let role = match role {
        "" => String::new(),
        role => format!(", {role}"),
    };
    part::row_with_end(
        ui,
        actions,
        |ui, _| {
            let (ink, fill, glyph, words) = if place.ours {
                let words = format!("Started by this drill: {}{role}", place.host);
                (theme.good, theme.good_bg, icon::HELD, words)
            } else {
                let words = format!("Not ours: {}{role}. Reading only", place.host);
                (theme.bad, theme.bad_bg, icon::WARNING, words)
            };
            Frame::new()
                .fill(fill)
                .stroke(egui::Stroke::new(1.0, ink))
                .corner_radius(sizes().radius)
                .inner_margin(Margin::symmetric(10, 4))
                .show(ui, |ui| {
                    ui.horizontal(|ui| {
                        ui.label(RichText::new(glyph).color(ink).size(17.0));
                        let text = RichText::new(words).color(ink).family(semibold());
                        ui.label(text.size(sizes().title));
                    });
                });
        },
        |ui, actions| {
            for (action, glyph) in [
                (StoreAction::Export(StoreFile::Csv), icon::EXPORT),
                (StoreAction::Export(StoreFile::JsonLines), icon::EXPORT),
                (StoreAction::Compare, icon::HISTORY),
                (StoreAction::Save, icon::FINISH),
            ] {
                wish(
                    ui,
                    state,
                    actions,
                    Action::Store(action),
                    glyph,
                    Weight::Quiet,
                );
            }
        },
    );
}
