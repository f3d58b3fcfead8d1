//! The key tree: namespaces by separator, with counts and bytes.

use egui::{
    Align, Align2, Label, Layout, RichText, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, vec2,
};

use super::paint;
use crate::app::action::Action;
use crate::app::state::AppState;
use crate::app::store_action::StoreAction;
use crate::app::store_state::Seen;
use crate::domain::memory::tree::Node;
use crate::report::inspection::bytes;
use crate::report::wording::number::{count, counted};
use crate::ui::theme::{Theme, sizes};

const ROW: f32 = 24.0;
/// Width of the bar and of the numbers to its right.
const BAR: f32 = 200.0;
const NUMBERS: f32 = 190.0;
/// Of the last number.
const BYTES: f32 = 76.0;
/// Children of a namespace that are listed; the rest is counted.
const MOST: usize = 500;

/// The lines of the tree, made anew when a namespace is opened or closed.
#[derive(Default)]
pub struct Brush {
    of: Option<(u64, usize)>,
    lines: Vec<Line>,
}

struct Line {
    level: usize,
    what: What,
}

enum What {
    Node(Node, bool),
    Further(usize, u64),
}

pub fn show(
    ui: &mut Ui,
    state: &AppState,
    seen: &Seen,
    brush: &mut paint::Brush,
    actions: &mut Vec<Action>,
) {
    let store = &state.store;
    // Opening and closing change the number of opened ones.
    let of = Some((
        store.look,
        store
            .open
            .iter()
            .map(|(a, b)| a ^ (b << 40))
            .fold(store.open.len(), usize::wrapping_add),
    ));
    let brush = &mut brush.namespaces;
    if brush.of != of {
        brush.of = of;
        brush.lines.clear();
        lines(state, seen, &seen.tree.root(), 0, &mut brush.lines);
    }
    let root = seen.tree.root();
    let all = brush.lines.len();
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, ROW, all, |ui, range| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for line in &brush.lines[range] {
                match &line.what {
                    What::Node(node, open) => {
                        entry(ui, line.level, node, *open, root.bytes, seen, actions);
                    }
                    What::Further(keys, size) => {
                        let theme = Theme::of(ui);
                        let text =
                            format!("and {} more keys, {}", count(*keys as u64), bytes(*size));
                        ui.horizontal(|ui| {
                            ui.set_height(ROW);
                            ui.add_space(line.level as f32 * 18.0 + 22.0);
                            ui.label(RichText::new(text).color(theme.weak));
                        });
                    }
                }
            }
        });
}

fn lines(state: &AppState, seen: &Seen, node: &Node, level: usize, out: &mut Vec<Line>) {
    let children = seen.tree.children(&seen.found.survey, node, MOST);
    for child in children.nodes {
        let open = child.open
            && state
                .store
                .open
                .contains(&(child.places.start, child.depth_bytes));
        let inner = open.then(|| child.clone());
        let what = What::Node(child, open);
        out.push(Line { level, what });
        if let Some(child) = inner {
            lines(state, seen, &child, level + 1, out);
        }
    }
    if children.further_keys > 0 {
        let what = What::Further(children.further_keys, children.further_bytes);
        out.push(Line { level, what });
    }
}

fn entry(
    ui: &mut Ui,
    level: usize,
    node: &Node,
    open: bool,
    total: u64,
    seen: &Seen,
    actions: &mut Vec<Action>,
) {
    let theme = Theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let keys = counted(node.keys() as u64, "key");
    let name = format!("{}, {keys}", node.label);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, theme.raised);
    }
    // Its share of all memory.
    let share = node.bytes as f32 / total.max(1) as f32;
    let mut bar = rect.shrink2(vec2(0.0, 4.0));
    let longest = BAR.min((rect.width() - NUMBERS) * 0.4).max(0.0);
    bar.set_left(rect.right() - NUMBERS - longest);
    bar.set_right(bar.left() + longest * share);
    ui.painter()
        .rect_filled(bar, 2.0, theme.written.gamma_multiply(0.6));
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.with_max_x(bar.left() - 6.0))
            .layout(Layout::left_to_right(Align::Center)),
    );
    inner.add_space(level as f32 * 18.0);
    let arrow = match (node.open, open) {
        (false, _) => "",
        (true, true) => "−",
        (true, false) => "+",
    };
    inner.add_sized(
        vec2(16.0, ROW),
        Label::new(RichText::new(arrow).color(theme.weak)).selectable(false),
    );
    let label = if node.label.is_empty() {
        "(empty)"
    } else {
        &node.label
    };
    inner.add(
        Label::new(RichText::new(label).size(sizes().body))
            .truncate()
            .selectable(false),
    );
    for (text, ink, from_right) in [
        (bytes(node.bytes), theme.text, 6.0),
        (keys, theme.weak, 6.0 + BYTES),
    ] {
        let at = rect.right_center() - vec2(from_right, 0.0);
        let font = TextStyle::Body.resolve(ui.style());
        ui.painter().text(at, Align2::RIGHT_CENTER, text, font, ink);
    }
    if response.clicked() {
        let action = if node.open {
            StoreAction::Toggle(node.places.start, node.depth_bytes)
        } else {
            StoreAction::Select(Some(seen.tree.order()[node.places.start]))
        };
        actions.push(Action::Store(action));
    }
}
