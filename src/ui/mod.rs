//! Drawing: reads the state, pushes actions. No channel, no file, no await, and no decision about loss.

mod chat;
mod checks;
mod curves;
mod dialog;
mod fonts;
mod icon;
mod images;
mod inspector;
mod ladder;
mod lanes;
mod part;
mod picture;
mod plan;
mod rtl;
mod runs;
mod store;
mod theme;
mod timeline;
mod toast;
mod topbar;

use egui::{CentralPanel, Context, Frame, Panel, Ui};

use crate::app::action::Action;
use crate::app::state::{AppState, Screen, Side};

use theme::Theme;

/// What drawing keeps from frame to frame: measured text and finished meshes, nothing that matters.
#[derive(Default)]
pub struct Brush {
    lanes: lanes::Brush,
    chat: chat::Brush,
    store: store::Brush,
}

/// Once, before the first frame.
pub fn install(ctx: &Context) {
    fonts::install(ctx);
    theme::install(ctx);
}

/// One frame.
pub fn draw(ui: &mut Ui, state: &AppState, brush: &mut Brush, actions: &mut Vec<Action>) {
    topbar::show(ui, state, actions);
    match state.screen {
        Screen::Drill => drill(ui, state, brush, actions),
        Screen::Checks => checks::show(ui, state, actions),
        Screen::Runs => {
            let frame = Frame::new().fill(Theme::of(ui).canvas);
            CentralPanel::default()
                .frame(frame)
                .show(ui, |ui| runs::show(ui, state, actions));
        }
        Screen::Store => store::show(ui, state, &mut brush.store, actions),
    }
    dialog::show(ui, state, actions);
    toast::show(ui, state, actions);
    shortcuts(ui, state, actions);
}

fn drill(ui: &mut Ui, state: &AppState, brush: &mut Brush, actions: &mut Vec<Action>) {
    let theme = Theme::of(ui);
    let frame = Frame::new().fill(theme.panel);
    let look = &state.look;
    side(
        ui,
        look.plan_open,
        Side::Plan,
        look.plan_size,
        actions,
        |ui, actions| {
            plan::show(ui, state, actions);
        },
    );
    side(
        ui,
        look.log_open,
        Side::Log,
        look.log_size,
        actions,
        |ui, actions| {
            timeline::show(ui, state, actions);
        },
    );
    side(
        ui,
        look.inspector_open,
        Side::Inspector,
        look.inspector_size,
        actions,
        |ui, actions| {
            inspector::show(ui, state, &mut brush.chat, actions);
        },
    );
    CentralPanel::default()
        .frame(frame.fill(theme.canvas))
        .show(ui, |ui| {
            picture::show(ui, state, &mut brush.lanes, actions);
        });
}

/// A panel that folds away and remembers its size.
fn side(
    ui: &mut Ui,
    open: bool,
    side: Side,
    size: f32,
    actions: &mut Vec<Action>,
    add: impl FnOnce(&mut Ui, &mut Vec<Action>),
) {
    let frame = Frame::new().fill(Theme::of(ui).panel);
    let (panel, least, most) = match side {
        Side::Plan => (Panel::left("plan"), 270.0, 420.0),
        Side::Inspector => (Panel::right("inspector"), 250.0, 560.0),
        Side::Log => (Panel::bottom("log"), 90.0, 420.0),
    };
    let panel = panel
        .frame(frame)
        .default_size(size)
        .min_size(least)
        .max_size(most);
    let mut expanded = open;
    let shown = panel.show_collapsible(ui, &mut expanded, |ui| {
        ui.take_available_space();
        let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(ui.min_rect()));
        inner.set_clip_rect(ui.min_rect().intersect(ui.clip_rect()));
        add(&mut inner, actions);
    });
    if expanded != open {
        actions.push(Action::Toggle(side));
    }
    let Some(shown) = shown else { return };
    let now = match side {
        Side::Log => shown.response.rect.height(),
        Side::Plan | Side::Inspector => shown.response.rect.width(),
    };
    // Told when it has come to rest: every pixel of a drag would be a file written.
    let key = egui::Id::unique(("panel-size", side));
    let before = ui
        .data(|data| data.get_temp::<f32>(key))
        .unwrap_or_default();
    ui.data_mut(|data| data.insert_temp(key, now));
    let dragged = ui.input(|input| input.pointer.any_down());
    if open && expanded && !dragged && before == now && (now - size).abs() > 2.0 {
        actions.push(Action::Resize(side, now));
    }
}

/// Keys that stand for actions. Bare letters belong to a text field that has the focus.
fn shortcuts(ui: &Ui, state: &AppState, actions: &mut Vec<Action>) {
    let typing = ui.ctx().egui_wants_keyboard_input();
    let modal = state.dialog.is_some() || state.closing;
    for action in Action::palette() {
        let Some(shortcut) = action.shortcut() else {
            continue;
        };
        let bare = shortcut.modifiers.is_none();
        let edits = matches!(action, Action::Undo | Action::Redo);
        // A bare letter is easily hit: it speaks to what is looked at, and not to a drill behind another screen.
        let unseen = bare && state.screen != Screen::Drill;
        if modal || unseen || (typing && (bare || edits)) || action.available(state).is_err() {
            continue;
        }
        let pressed = ui.input_mut(|input| {
            // egui takes Ctrl+Shift+Z for Ctrl+Z, too.
            let held = input.modifiers;
            held.matches_exact(shortcut.modifiers) && input.consume_shortcut(&shortcut)
        });
        if pressed {
            actions.push(action);
        }
    }
}
