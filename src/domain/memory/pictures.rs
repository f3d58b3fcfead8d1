//! What a survey looks like: how long sessions live, how large they are, and which namespace takes the memory.

use std::time::Duration;

use super::health::words;
use super::survey::{Survey, Ttl};
use super::tree::{Node, Tree};

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    pub label: String,
    pub count: u64,
}

/// A namespace and its share of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    pub label: String,
    pub keys: u64,
    pub bytes: u64,
    /// What it is made of, the largest first; empty if that is too much to show.
    pub inner: Vec<Tile>,
}

/// All pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    pub ttl: Vec<Bar>,
    pub bytes: Vec<Bar>,
    pub messages: Vec<Bar>,
    /// The largest first.
    pub tiles: Vec<Tile>,
}

const TTL_EDGES_SECS: [u64; 8] = [
    60,
    600,
    3600,
    6 * 3600,
    86_400,
    7 * 86_400,
    30 * 86_400,
    365 * 86_400,
];
const BYTES_EDGES: [(u64, &str); 7] = [
    (256, "256 B"),
    (1 << 10, "1 KiB"),
    (4 << 10, "4 KiB"),
    (16 << 10, "16 KiB"),
    (64 << 10, "64 KiB"),
    (1 << 20, "1 MiB"),
    (16 << 20, "16 MiB"),
];
const MESSAGES_EDGES: [u64; 7] = [1, 4, 10, 30, 100, 1000, 10_000];
/// Children of a namespace that are looked at; more are one tile.
const MOST_CHILDREN: usize = 400;
/// Tiles that can be told apart.
const MOST_TILES: usize = 40;

impl Pictures {
    #[must_use]
    pub fn of(survey: &Survey, tree: &Tree) -> Pictures {
        Pictures {
            ttl: ttl(survey),
            bytes: sizes(survey),
            messages: lengths(survey),
            tiles: tiles(survey, tree, &tree.root(), true),
        }
    }
}

fn ttl(survey: &Survey) -> Vec<Bar> {
    let mut counts = [0u64; TTL_EDGES_SECS.len() + 1];
    let (mut forever, mut unknown) = (0, 0);
    for row in survey.rows.iter().filter(|row| row.session) {
        match row.ttl() {
            Ttl::Left(left) => {
                counts[TTL_EDGES_SECS.partition_point(|edge| left.as_secs() >= *edge)] += 1;
            }
            Ttl::Forever => forever += 1,
            Ttl::Unknown => unknown += 1,
        }
    }
    let mut bars: Vec<Bar> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| Bar {
            label: match TTL_EDGES_SECS.get(at) {
                Some(edge) => format!("< {}", words(Duration::from_secs(*edge))),
                None => "longer".into(),
            },
            count: *count,
        })
        .collect();
    bars.push(Bar {
        label: "no TTL".into(),
        count: forever,
    });
    if unknown > 0 {
        bars.push(Bar {
            label: "unknown".into(),
            count: unknown,
        });
    }
    bars
}

fn sizes(survey: &Survey) -> Vec<Bar> {
    let mut counts = [0u64; BYTES_EDGES.len() + 1];
    for row in survey
        .rows
        .iter()
        .filter(|row| row.session && row.bytes > 0)
    {
        counts[BYTES_EDGES.partition_point(|(edge, _)| row.bytes >= *edge)] += 1;
    }
    let label = |at: usize| match BYTES_EDGES.get(at) {
        Some((_, name)) => format!("< {name}"),
        None => "larger".into(),
    };
    bars(&counts, label)
}

fn lengths(survey: &Survey) -> Vec<Bar> {
    let mut counts = [0u64; MESSAGES_EDGES.len() + 1];
    for row in survey.rows.iter().filter(|row| row.session) {
        let messages = u64::from(row.messages);
        counts[MESSAGES_EDGES.partition_point(|edge| messages >= *edge)] += 1;
    }
    let label = |at: usize| match (at, MESSAGES_EDGES.get(at)) {
        (0, _) => "none".into(),
        (_, Some(edge)) => format!("< {edge}"),
        (_, None) => "more".into(),
    };
    bars(&counts, label)
}

fn bars(counts: &[u64], label: impl Fn(usize) -> String) -> Vec<Bar> {
    let bars = counts.iter().enumerate();
    bars.map(|(at, count)| Bar {
        label: label(at),
        count: *count,
    })
    .collect()
}

fn tiles(survey: &Survey, tree: &Tree, node: &Node, deeper: bool) -> Vec<Tile> {
    let children = tree.children(survey, node, MOST_CHILDREN);
    if children.further_keys > 0 && !deeper {
        return Vec::new();
    }
    let mut tiles: Vec<Tile> = children
        .nodes
        .iter()
        .map(|child| Tile {
            label: child.label.clone(),
            keys: child.keys() as u64,
            bytes: child.bytes,
            inner: if deeper && child.open {
                tiles_of(survey, tree, child)
            } else {
                Vec::new()
            },
        })
        .collect();
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.bytes));
    let rest = tiles.split_off(tiles.len().min(MOST_TILES));
    let further = Tile {
        label: "others".into(),
        keys: rest.iter().map(|tile| tile.keys).sum::<u64>() + children.further_keys as u64,
        bytes: rest.iter().map(|tile| tile.bytes).sum::<u64>() + children.further_bytes,
        inner: Vec::new(),
    };
    if further.keys > 0 {
        tiles.push(further);
    }
    tiles.retain(|tile| tile.bytes > 0);
    tiles
}

fn tiles_of(survey: &Survey, tree: &Tree, node: &Node) -> Vec<Tile> {
    tiles(survey, tree, node, false)
}

#[cfg(test)]
mod tests {
    use super::super::survey::fixture;
    use super::*;

    #[test]
    fn every_session_is_in_one_bar_and_every_byte_in_one_tile() {
        let survey = fixture::survey(&[
            ("a:1", Some(30), &[1]),
            ("a:2", Some(3600), &[1, 2, 3, 4]),
            ("b", None, &[]),
        ]);
        let tree = Tree::new(&survey, ":");
        let pictures = Pictures::of(&survey, &tree);
        let sum = |bars: &[Bar]| bars.iter().map(|bar| bar.count).sum::<u64>();
        assert_eq!(sum(&pictures.ttl), 3);
        assert_eq!(sum(&pictures.bytes), 3);
        assert_eq!(sum(&pictures.messages), 3);
        let first = &pictures.tiles[0];
        assert_eq!(
            (first.label.as_str(), first.bytes, first.keys),
            ("a:", 200, 2)
        );
        assert_eq!(first.inner.len(), 2);
        assert_eq!(
            pictures.tiles.iter().map(|tile| tile.bytes).sum::<u64>(),
            300
        );
        let count = |label: &str| {
            pictures
                .ttl
                .iter()
                .find(|b| b.label == label)
                .unwrap()
                .count
        };
        assert_eq!(
            (count("< 1 min"), count("< 6 h"), count("no TTL")),
            (1, 1, 1)
        );
    }
}
