//! Where the bubbles of a long transcript lie, although their heights are uneven and not all known yet. Pure.

/// Tops of items whose heights become known from the first on.
#[derive(Clone, Debug, Default)]
pub struct Stack {
    /// `tops[i]` is the top of item `i`; one more than the known items.
    tops: Vec<f32>,
    count: usize,
}

impl Stack {
    /// Height that an item is taken to have until it is measured.
    const GUESS: f32 = 58.0;

    #[must_use]
    pub fn new(count: usize) -> Self {
        Stack {
            tops: vec![0.0],
            count,
        }
    }

    /// How many items are measured.
    #[must_use]
    pub fn known(&self) -> usize {
        self.tops.len().saturating_sub(1)
    }

    #[must_use]
    pub fn complete(&self) -> bool {
        self.known() >= self.count
    }

    pub fn push(&mut self, height: f32) {
        let top = self.tops.last().copied().unwrap_or(0.0);
        self.tops.push(top + height);
    }

    #[must_use]
    pub fn top(&self, item: usize) -> f32 {
        match self.tops.get(item) {
            Some(top) => *top,
            None => {
                let last = self.tops.last().copied().unwrap_or(0.0);
                last + (item - self.known()) as f32 * self.guess()
            }
        }
    }

    /// The mean of what is known.
    fn guess(&self) -> f32 {
        match (self.known(), self.tops.last()) {
            (0, _) | (_, None) => Self::GUESS,
            (known, Some(last)) => last / known as f32,
        }
    }

    #[must_use]
    pub fn height(&self) -> f32 {
        self.top(self.count)
    }

    /// The measured items that touch the stretch from `from` to `to`.
    #[must_use]
    pub fn visible(&self, from: f32, to: f32) -> std::ops::Range<usize> {
        let first = self
            .tops
            .partition_point(|&top| top <= from)
            .saturating_sub(1);
        let last = self.tops.partition_point(|&top| top < to).min(self.known());
        first.min(last)..last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_sight_is_found_among_uneven_heights() {
        let mut stack = Stack::new(4);
        for height in [10.0, 30.0, 20.0, 40.0] {
            stack.push(height);
        }
        assert!(stack.complete());
        assert_eq!(stack.visible(0.0, 5.0), 0..1);
        assert_eq!(stack.visible(10.0, 41.0), 1..3);
        assert_eq!(stack.visible(99.0, 500.0), 3..4);
        assert_eq!(stack.height(), 100.0);
    }

    #[test]
    fn what_is_not_measured_yet_is_guessed_from_the_rest() {
        let mut stack = Stack::new(10);
        stack.push(20.0);
        stack.push(40.0);
        assert!(!stack.complete());
        assert_eq!(stack.height(), 300.0);
        assert_eq!(stack.visible(0.0, 1000.0), 0..2);
    }
}
