//! Geometry of the Store screen: which of a million rows are in sight, and where the tiles of a treemap lie. Pure.

use egui::{Rect, pos2, vec2};

/// The window on a long list, counted in rows and not in points: a million rows are more points than an `f32` can
/// tell apart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Window {
    /// The first row in sight; its fraction is scrolled out.
    pub first: f64,
}

impl Window {
    /// Moved by `rows` and kept within the list.
    pub fn scroll(&mut self, rows: f64, total: usize, fit: f64) {
        self.first = (self.first + rows).clamp(0.0, (total as f64 - fit).max(0.0));
    }

    /// Numbers of rows that are at least partly in sight.
    #[must_use]
    pub fn visible(&self, total: usize, fit: f64) -> std::ops::Range<usize> {
        let first = self.first.floor() as usize;
        let last = (self.first + fit).ceil() as usize;
        first.min(total)..last.min(total)
    }

    /// Top of a row below the list's own top, in points.
    #[must_use]
    pub fn top(&self, row: usize, height: f32) -> f32 {
        ((row as f64 - self.first) * f64::from(height)) as f32
    }

    /// The bar's thumb within a track of this length: its top and its length.
    #[must_use]
    pub fn thumb(&self, total: usize, fit: f64, track: f32) -> (f32, f32) {
        let total = (total as f64).max(1.0);
        let length = (f64::from(track) * fit / total).max(24.0) as f32;
        let length = length.min(track);
        let share = self.first / (total - fit).max(1.0);
        ((f64::from(track - length) * share) as f32, length)
    }

    /// The first row for a thumb that was dragged to `top`.
    #[must_use]
    pub fn dragged(top: f32, length: f32, total: usize, fit: f64, track: f32) -> Window {
        let share = f64::from(top / (track - length).max(1.0)).clamp(0.0, 1.0);
        Window {
            first: share * (total as f64 - fit).max(0.0),
        }
    }
}

/// Tiles whose areas are as the weights, as square as they can be: squarified treemap (Bruls, Huizing, van Wijk
/// 2000). Weights are sorted, the largest first, and positive.
#[must_use]
pub fn treemap(field: Rect, weights: &[f64]) -> Vec<Rect> {
    let total: f64 = weights.iter().sum();
    let mut tiles = Vec::with_capacity(weights.len());
    if total <= 0.0 || field.area() <= 0.0 {
        return vec![Rect::NOTHING; weights.len()];
    }
    let scale = f64::from(field.area()) / total;
    let mut rest = field;
    let mut at = 0;
    while at < weights.len() {
        let side = f64::from(rest.width().min(rest.height())).max(1e-3);
        let mut count = 1;
        let mut sum = weights[at] * scale;
        while at + count < weights.len() {
            let next = sum + weights[at + count] * scale;
            let (largest, smallest) = (weights[at] * scale, weights[at + count] * scale);
            let last = weights[at + count - 1] * scale;
            if worst(largest, smallest, next, side) > worst(largest, last, sum, side) {
                break;
            }
            sum = next;
            count += 1;
        }
        rest = row(rest, &weights[at..at + count], scale, sum, &mut tiles);
        at += count;
    }
    tiles
}

/// The worst ratio of sides in a row of this sum along a side.
fn worst(largest: f64, smallest: f64, sum: f64, side: f64) -> f64 {
    let (sum2, side2) = (sum * sum, side * side);
    (side2 * largest / sum2).max(sum2 / (side2 * smallest.max(1e-9)))
}

/// Lays a row along the shorter side and returns what is left.
fn row(field: Rect, weights: &[f64], scale: f64, sum: f64, tiles: &mut Vec<Rect>) -> Rect {
    let upright = field.width() >= field.height();
    let side = if upright {
        field.height()
    } else {
        field.width()
    };
    let thick = (sum / f64::from(side.max(1e-3))) as f32;
    let mut along = 0.0;
    for weight in weights {
        let length = (weight * scale / f64::from(thick.max(1e-6))) as f32;
        let (min, size) = if upright {
            (pos2(field.left(), field.top() + along), vec2(thick, length))
        } else {
            (pos2(field.left() + along, field.top()), vec2(length, thick))
        };
        tiles.push(Rect::from_min_size(min, size));
        along += length;
    }
    let min = if upright {
        pos2(field.left() + thick, field.top())
    } else {
        pos2(field.left(), field.top() + thick)
    };
    Rect::from_min_max(min.min(field.max), field.max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_million_rows_lies_where_it_should() {
        let mut window = Window::default();
        window.scroll(f64::INFINITY, 1_000_000, 20.5);
        assert_eq!(window.first, 999_979.5);
        assert_eq!(window.visible(1_000_000, 20.5), 999_979..1_000_000);
        assert_eq!(window.top(999_999, 24.0), 468.0);
        let (top, length) = window.thumb(1_000_000, 20.5, 492.0);
        assert_eq!((top + length, length), (492.0, 24.0));
        let again = Window::dragged(top, length, 1_000_000, 20.5, 492.0);
        assert!((again.first - window.first).abs() < 1.0);
        window.scroll(-1e9, 1_000_000, 20.5);
        assert_eq!(window.first, 0.0);
    }

    #[test]
    fn tiles_fill_the_field_in_proportion() {
        let field = Rect::from_min_size(pos2(10.0, 10.0), vec2(600.0, 400.0));
        let weights = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let tiles = treemap(field, &weights);
        let total: f64 = weights.iter().sum();
        for (tile, weight) in tiles.iter().zip(weights) {
            let share = f64::from(tile.area() / field.area());
            assert!((share - weight / total).abs() < 1e-3);
            assert!(field.expand(0.5).contains_rect(*tile));
            let ratio = tile.width().max(tile.height()) / tile.width().min(tile.height());
            assert!(ratio < 4.0, "{tile:?}");
        }
        for (n, a) in tiles.iter().enumerate() {
            for b in &tiles[n + 1..] {
                assert!(
                    a.shrink(0.1).intersect(b.shrink(0.1)).area() <= 0.0
                        || !a.shrink(0.1).intersects(b.shrink(0.1))
                );
            }
        }
    }
}
