//! The bytes of one file, in chunks that images share: copying an image out costs pointers, not bytes.
//!
//! It knows nothing of durability.

use std::sync::Arc;

const CHUNK: u64 = 64 * 1024;

/// Bytes from 0 to `len`; what was never written is zero.
#[derive(Clone, Debug, Default)]
pub struct Content {
    len: u64,
    /// Each at most [`CHUNK`] long; what it lacks is zero.
    chunks: Vec<Arc<Vec<u8>>>,
    held: u64,
}

impl Content {
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory that the chunks take; those shared with an image count here, too.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// What lies from `offset` on, at most `most` bytes; short at the end.
    #[must_use]
    pub fn read(&self, offset: u64, most: u64) -> Vec<u8> {
        let end = self.len.min(offset.saturating_add(most));
        if offset >= end {
            return Vec::new();
        }
        let mut out = Vec::with_capacity((end - offset) as usize);
        let mut at = offset;
        while at < end {
            let (index, from, to) = piece(at, end);
            let chunk = self.chunks.get(index).map_or(&[][..], |chunk| chunk);
            let there = to.min(chunk.len());
            if from < there {
                out.extend_from_slice(&chunk[from..there]);
            }
            at += (to - from) as u64;
            out.resize((at - offset) as usize, 0);
        }
        out
    }

    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let end = offset + data.len() as u64;
        let mut at = offset;
        while at < end {
            let (index, from, to) = piece(at, end);
            if self.chunks.len() <= index {
                self.chunks.resize_with(index + 1, Arc::default);
            }
            let chunk = Arc::make_mut(&mut self.chunks[index]);
            let before = chunk.len();
            let part = &data[(at - offset) as usize..][..to - from];
            if before == from {
                chunk.extend_from_slice(part);
            } else {
                chunk.resize(before.max(to), 0);
                chunk[from..to].copy_from_slice(part);
            }
            self.held += (chunk.len() - before) as u64;
            at += (to - from) as u64;
        }
        self.len = self.len.max(end);
    }

    /// Cuts off, or extends with zeros.
    pub fn resize(&mut self, len: u64) {
        if len < self.len {
            self.chunks.truncate(len.div_ceil(CHUNK) as usize);
            let last = (len % CHUNK) as usize;
            if last > 0
                && let Some(chunk) = self.chunks.get_mut((len / CHUNK) as usize)
                && chunk.len() > last
            {
                Arc::make_mut(chunk).truncate(last);
            }
            self.held = self.chunks.iter().map(|chunk| chunk.len() as u64).sum();
        }
        self.len = len;
    }

    /// Zeros from `from` to the end.
    pub fn zero_from(&mut self, from: u64) {
        let len = self.len;
        self.resize(len.min(from));
        self.resize(len);
    }

    /// The stored pieces in their order with their offsets, for copying out; what lies between them is zero.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let pieces = self.chunks.iter().enumerate();
        pieces.map(|(index, chunk)| (index as u64 * CHUNK, &chunk[..]))
    }
}

/// The chunk that `at` lies in, and from where to where in it a range that ends at `end` goes.
fn piece(at: u64, end: u64) -> (usize, usize, usize) {
    let index = at / CHUNK;
    let start = index * CHUNK;
    (
        index as usize,
        (at - start) as usize,
        (end.min(start + CHUNK) - start) as usize,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Write(u64, Vec<u8>),
        Resize(u64),
        ZeroFrom(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let place = || 0..200_000u64;
        prop_oneof![
            (place(), any::<u8>(), 1..70_000usize)
                .prop_map(|(at, byte, len)| Act::Write(at, vec![byte; len])),
            place().prop_map(Act::Resize),
            place().prop_map(Act::ZeroFrom),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_a_vector_of_bytes(acts in proptest::collection::vec(act(), 1..12), from in 0..200_000u64) {
            let (mut content, mut plain) = (Content::default(), Vec::new());
            for act in acts {
                match act {
                    Act::Write(at, data) => {
                        content.write(at, &data);
                        let at = at as usize;
                        plain.resize(plain.len().max(at + data.len()), 0);
                        plain[at..at + data.len()].copy_from_slice(&data);
                    }
                    Act::Resize(len) => {
                        content.resize(len);
                        plain.resize(len as usize, 0);
                    }
                    Act::ZeroFrom(at) => {
                        content.zero_from(at);
                        let at = (at as usize).min(plain.len());
                        plain[at..].fill(0);
                    }
                }
            }
            prop_assert!(content.read(0, u64::MAX) == plain);
            let part = plain.get(from as usize..).unwrap_or_default();
            prop_assert!(content.read(from, 9_000) == part[..part.len().min(9_000)]);
        }
    }

    #[test]
    fn a_copy_does_not_see_later_writes() {
        let mut content = Content::default();
        content.write(0, b"before");
        let copy = content.clone();
        content.write(0, b"behind");
        assert_eq!(copy.read(0, 6), b"before");
    }
}
