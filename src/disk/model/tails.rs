//! What a power cut leaves of one file: its durable view, and what the tail model adds to it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::content::Content;
use super::file::{File, PAGE};
use crate::domain::disk::Tail;

/// What is left of a file.
#[derive(Clone, Debug)]
pub struct Remains {
    pub content: Content,
    /// Bytes that are as they were written.
    pub kept: u64,
    /// Bytes that were written and are not there any more.
    pub dropped: u64,
    /// Zeros where bytes were written, or behind them.
    pub zeroed: u64,
}

/// What a cut leaves of `file`. Same generator, same remains.
pub fn remains(file: &File, tail: Tail, neighbours: bool, rng: &mut ChaCha8Rng) -> Remains {
    let mut content = file.durable_content();
    let from = file.durable().data_end;
    let size = file.size();
    match tail {
        Tail::Drop => {}
        Tail::Prefix => {
            let most = file.durable().kept.len() as u64;
            let first = below(rng, most + 1) as usize;
            for page in file.durable().kept.keys().take(first) {
                take_written(&mut content, file, page * PAGE, from);
            }
            let grown = size.saturating_sub(from);
            let end = from + below(rng, grown + 1);
            if grown > 0 {
                content.write(from, &file.written().read(from, end - from));
            }
        }
        Tail::Zero => {
            if size > content.len() {
                content.resize(size);
            }
        }
        Tail::Pages => {
            if size > content.len() {
                content.resize(size);
            }
            for page in file.durable().kept.keys() {
                if rng.next_u64() & 1 == 1 {
                    take_written(&mut content, file, page * PAGE, from);
                }
            }
            for page in from / PAGE..size.div_ceil(PAGE) {
                let start = (page * PAGE).max(from);
                if start < size && rng.next_u64() & 1 == 1 {
                    let bytes = file.written().read(start, (page + 1) * PAGE - start);
                    content.write(start, &bytes);
                }
            }
        }
        Tail::Ext4 => {
            // The last block is allocated and partly full: i_size grows within it without an allocation, so the
            // next commit of anybody's takes the new size along, and nobody the bytes.
            let block_end = from.div_ceil(PAGE) * PAGE;
            let committed = if neighbours {
                size
            } else {
                file.committed_size
            };
            let end = block_end.min(committed).min(size);
            if end > content.len() {
                content.resize(end);
            }
        }
    }
    counted(file, content)
}

/// A page that was overwritten survives as it was written last, up to `end`.
fn take_written(content: &mut Content, file: &File, start: u64, end: u64) {
    let room = end.saturating_sub(start).min(PAGE);
    content.write(start, &file.written().read(start, room));
}

/// Uniform in `0..bound`, near enough; 0 for 0.
fn below(rng: &mut ChaCha8Rng, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// Bytes below the durable end differ only in pages that were kept: only those and the tail are compared.
fn counted(file: &File, content: Content) -> Remains {
    let size = file.size();
    let sure = file.durable().data_end.min(size);
    let (mut dropped, mut zeroed) = (0, 0);
    let mut compare = |from: u64, to: u64| {
        let (was, is) = (
            file.written().read(from, to - from),
            content.read(from, to - from),
        );
        for (at, byte) in was.iter().enumerate() {
            let now = is.get(at);
            dropped += u64::from(now != Some(byte));
            zeroed += u64::from(*byte != 0 && now == Some(&0));
        }
    };
    for page in file.durable().kept.keys() {
        let (start, end) = (page * PAGE, ((page + 1) * PAGE).min(sure));
        if start < end {
            compare(start, end);
        }
    }
    let mut at = sure;
    while at < size.min(content.len()) {
        let to = (at + 256 * PAGE).min(size);
        compare(at, to);
        at = to;
    }
    dropped += size - at;
    zeroed += content
        .len()
        .saturating_sub(size.max(file.durable().data_end));
    Remains {
        kept: size - dropped,
        content,
        dropped,
        zeroed,
    }
}
