//! The command palette: every action by name, found by a few of its letters.

use egui::{Button, Key, RichText, ScrollArea, TextEdit, Ui, vec2};

use crate::app::action::Action;
use crate::app::state::AppState;
use crate::ui::theme::{Theme, sizes};

const WIDTH: f32 = 520.0;
const HEIGHT: f32 = 400.0;

pub fn show(ui: &mut Ui, state: &AppState, query: &str, cursor: usize, actions: &mut Vec<Action>) {
    ui.set_width(WIDTH);
    let theme = Theme::of(ui);
    let mut typed = query.to_owned();
    let hint = RichText::new("Type what you want to do").color(theme.faint);
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(hint)
        .desired_width(WIDTH)
        .margin(vec2(10.0, 8.0));
    // The arrows move the choice and not the text cursor.
    let (up, down, enter) = ui.input_mut(|input| {
        let mut key = |key| input.consume_key(egui::Modifiers::NONE, key);
        (key(Key::ArrowUp), key(Key::ArrowDown), key(Key::Enter))
    });
    let response = ui.add(edit);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Command"));
    response.request_focus();

    let found = matches(state, &typed);
    let last = found.len().saturating_sub(1);
    let mut chosen = if typed == query { cursor.min(last) } else { 0 };
    if down {
        chosen = (chosen + 1).min(last);
    }
    if up {
        chosen = chosen.saturating_sub(1);
    }
    if typed != query || chosen != cursor {
        actions.push(Action::EditPalette(typed, chosen));
    }
    ui.add_space(4.0);
    // Else a list that was short for one query stays as low as that for the next.
    let list = ScrollArea::vertical()
        .max_height(HEIGHT)
        .min_scrolled_height(HEIGHT);
    list.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 1.0;
        for (n, action) in found.into_iter().enumerate() {
            entry(ui, state, action, n == chosen, enter, up || down, actions);
        }
    });
}

fn entry(
    ui: &mut Ui,
    state: &AppState,
    action: Action,
    chosen: bool,
    enter: bool,
    moved: bool,
    actions: &mut Vec<Action>,
) {
    let theme = Theme::of(ui);
    let available = action.available(state);
    let text = action.text(state);
    let ink = if available.is_ok() {
        theme.text
    } else {
        theme.faint
    };
    let right = match (&available, action.shortcut()) {
        (Err(reason), _) => (*reason).to_owned(),
        (Ok(()), Some(shortcut)) => ui.ctx().format_shortcut(&shortcut),
        (Ok(()), None) => String::new(),
    };
    let right = RichText::new(right).size(sizes().small).color(theme.weak);
    let button = Button::selectable(chosen, RichText::new(&*text).color(ink)).right_text(right);
    let response = ui.add(button.min_size(vec2(ui.available_width(), 28.0)));
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, available.is_ok(), chosen, &*text)
    });
    if chosen && moved {
        response.scroll_to_me(None);
    }
    if (response.clicked() || (chosen && enter)) && available.is_ok() {
        actions.push(Action::CloseDialog);
        actions.push(action);
    }
}

/// The actions whose names contain the typed letters in this order, best first.
fn matches(state: &AppState, typed: &str) -> Vec<Action> {
    let mut found: Vec<(u32, bool, usize, Action)> = Vec::new();
    for (n, action) in Action::palette().into_iter().enumerate() {
        if matches!(action, Action::OpenPalette) {
            continue;
        }
        if let Some(gaps) = gaps(&action.text(state), typed) {
            found.push((gaps, action.available(state).is_err(), n, action));
        }
    }
    found.sort_by_key(|(gaps, unavailable, n, _)| (*unavailable, *gaps, *n));
    found.into_iter().map(|(.., action)| action).collect()
}

/// How many letters lie between and before those that were typed; `None` if they are not all there.
fn gaps(name: &str, typed: &str) -> Option<u32> {
    let mut rest = name.chars().flat_map(char::to_lowercase);
    let mut gaps = 0;
    for wanted in typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
    {
        loop {
            if rest.next()? == wanted {
                break;
            }
            gaps += 1;
        }
    }
    Some(gaps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_found_in_order_with_gaps() {
        assert_eq!(gaps("Run drill", "run"), Some(0));
        assert_eq!(gaps("Run drill", "rd"), Some(3));
        assert_eq!(gaps("Run drill", "dr x"), None);
        assert!(gaps("Restart", "rt") > gaps("Restart", "re"));
    }
}
