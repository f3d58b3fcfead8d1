//! Namespaces: the keys of a survey by the segments of their names, with counts and bytes.
//!
//! The tree is never built. A namespace is a stretch of the sorted keys, and its children are found when somebody
//! opens it: a million sessions below one namespace cost nothing until then, and then only those that are shown.

use std::ops::Range;

use super::survey::{Survey, readable};

/// Order and sums of a survey's keys.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    order: Vec<u32>,
    /// Bytes of all keys in front of each place; one more than there are keys.
    sums: Vec<u64>,
    separator: Vec<u8>,
}

/// A namespace, or one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What follows the parent's name, with the separator at its end if there is more below.
    pub label: String,
    /// Places in the order of the tree.
    pub places: Range<usize>,
    pub bytes: u64,
    /// Bytes of the name up to here, the separator included.
    pub depth_bytes: usize,
    /// There are keys below it, and it is not only a key.
    pub open: bool,
}

impl Node {
    #[must_use]
    pub fn keys(&self) -> usize {
        self.places.len()
    }
}

/// What a namespace holds, as far as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Children {
    pub nodes: Vec<Node>,
    /// Keys behind the last node that is shown.
    pub further_keys: usize,
    pub further_bytes: u64,
}

impl Tree {
    #[must_use]
    pub fn new(survey: &Survey, separator: &str) -> Tree {
        let order = survey.sorted();
        let mut sums = Vec::with_capacity(order.len() + 1);
        let mut sum = 0;
        sums.push(0);
        for row in &order {
            sum += survey.rows[*row as usize].bytes;
            sums.push(sum);
        }
        Tree {
            order,
            sums,
            separator: separator.as_bytes().to_vec(),
        }
    }

    /// Rows in the order of their keys.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// All keys.
    #[must_use]
    pub fn root(&self) -> Node {
        Node {
            label: String::new(),
            places: 0..self.order.len(),
            bytes: self.bytes(&(0..self.order.len())),
            depth_bytes: 0,
            open: true,
        }
    }

    fn bytes(&self, places: &Range<usize>) -> u64 {
        self.sums[places.end] - self.sums[places.start]
    }

    /// The first `limit` children of `node`, in the order of their names.
    #[must_use]
    pub fn children(&self, survey: &Survey, node: &Node, limit: usize) -> Children {
        let mut children = Children::default();
        let mut at = node.places.start;
        while at < node.places.end {
            if children.nodes.len() == limit {
                children.further_keys = node.places.end - at;
                children.further_bytes = self.bytes(&(at..node.places.end));
                break;
            }
            let child = self.child(survey, node, at);
            at = child.places.end;
            children.nodes.push(child);
        }
        children
    }

    fn child(&self, survey: &Survey, node: &Node, at: usize) -> Node {
        let key = survey.key(self.order[at]);
        let rest = &key[node.depth_bytes..];
        let end = super::pattern::segments(rest, &self.separator)[0].end;
        let open = end < rest.len();
        let depth_bytes = node.depth_bytes + end + if open { self.separator.len() } else { 0 };
        let prefix = &key[..depth_bytes];
        let last = if open {
            let rows = &self.order[at..node.places.end];
            at + rows.partition_point(|row| survey.key(*row).starts_with(prefix))
        } else {
            at + 1
        };
        Node {
            label: readable(&prefix[node.depth_bytes..]),
            bytes: self.bytes(&(at..last)),
            places: at..last,
            depth_bytes,
            open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture;
    use super::*;

    fn labels(children: &Children) -> Vec<(String, usize)> {
        children
            .nodes
            .iter()
            .map(|node| (node.label.clone(), node.keys()))
            .collect()
    }

    #[test]
    fn namespaces_count_what_is_below_them() {
        let survey = fixture::survey(&[
            ("session:2:messages", None, &[]),
            ("cache", None, &[]),
            ("session:1:messages", None, &[]),
            ("session:1:meta", None, &[]),
            ("session", None, &[]),
        ]);
        let tree = Tree::new(&survey, ":");
        let top = tree.children(&survey, &tree.root(), 10);
        assert_eq!(
            labels(&top),
            [
                ("cache".into(), 1),
                ("session".into(), 1),
                ("session:".into(), 3)
            ]
        );
        let below = tree.children(&survey, &top.nodes[2], 1);
        assert_eq!(labels(&below), [("1:".into(), 2)]);
        assert_eq!((below.further_keys, below.further_bytes), (1, 100));
        let leaves = tree.children(&survey, &below.nodes[0], 10);
        assert_eq!(
            labels(&leaves),
            [("messages".into(), 1), ("meta".into(), 1)]
        );
        assert!(!leaves.nodes[0].open);
        assert_eq!(tree.root().bytes, 500);
    }
}
