//! Which session speaks next: a few loud ones, many quiet ones.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Workload, mix64};
use crate::domain::op::SessionId;

/// The sequence of sessions that one writer serves. Each writer has its own share of the sessions and
/// its own stream, so that what it writes does not depend on how fast the others are.
#[derive(Clone, Debug)]
pub struct SessionMix {
    rng: ChaCha8Rng,
    sessions: Vec<SessionId>,
    /// Walker's alias table: one draw costs two numbers, however many sessions there are.
    threshold: Vec<u32>,
    alias: Vec<u32>,
}

impl SessionMix {
    /// Exponent of the Zipf law of activity: with 200 sessions the loudest ten speak about half of the time.
    const EXPONENT: f64 = 1.0;

    /// The mixes of all writers, in their order; fewer than writers if there are fewer sessions.
    #[must_use]
    pub fn all(workload: &Workload) -> Vec<Self> {
        let ranking = ranking(workload);
        (0..workload.writers)
            .map_while(|writer| Self::of(workload, writer, &ranking))
            .collect()
    }

    fn of(workload: &Workload, writer: u16, ranking: &[SessionId]) -> Option<Self> {
        let mine = (usize::from(writer)..ranking.len()).step_by(usize::from(workload.writers));
        let ranked: Vec<(u32, SessionId)> = mine.map(|rank| (rank as u32, ranking[rank])).collect();
        if ranked.is_empty() {
            return None;
        }
        let weights: Vec<f64> = ranked
            .iter()
            .map(|(rank, _)| (f64::from(*rank) + 1.0).powf(-Self::EXPONENT))
            .collect();
        let (threshold, alias) = alias_table(&weights);
        Some(SessionMix {
            rng: ChaCha8Rng::seed_from_u64(mix64(workload.seed, u64::from(writer) + 1)),
            sessions: ranked.into_iter().map(|(_, session)| session).collect(),
            threshold,
            alias,
        })
    }

    /// The session that speaks next.
    pub fn draw(&mut self) -> SessionId {
        let number = self.rng.next_u64();
        let slot = (((number >> 32) * self.sessions.len() as u64) >> 32) as usize;
        let slot = if number as u32 <= self.threshold[slot] {
            slot
        } else {
            self.alias[slot] as usize
        };
        self.sessions[slot]
    }
}

/// Sessions from the loudest to the quietest: a seeded shuffle, so that loudness does not follow the number.
fn ranking(workload: &Workload) -> Vec<SessionId> {
    let mut sessions: Vec<SessionId> = (0..workload.sessions).map(SessionId).collect();
    sessions.sort_by_key(|session| (mix64(workload.seed, u64::from(session.0) << 20), *session));
    sessions
}

/// Vose's construction of the alias table.
fn alias_table(weights: &[f64]) -> (Vec<u32>, Vec<u32>) {
    let n = weights.len();
    let total: f64 = weights.iter().sum();
    let mut scaled: Vec<f64> = weights.iter().map(|w| w / total * n as f64).collect();
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..n).partition(|&i| scaled[i] < 1.0);
    let mut threshold = vec![u32::MAX; n];
    let mut alias: Vec<u32> = (0..n as u32).collect();
    while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
        threshold[poor] = (scaled[poor] * f64::from(u32::MAX)) as u32;
        alias[poor] = rich as u32;
        scaled[rich] -= 1.0 - scaled[poor];
        if scaled[rich] < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
    (threshold, alias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn few_sessions_are_loud_and_none_is_left_out() {
        let workload = Workload {
            sessions: 200,
            writers: 1,
            ..Workload::default()
        };
        let mut mix = SessionMix::all(&workload).swap_remove(0);
        let mut spoken: HashMap<SessionId, u32> = HashMap::new();
        for _ in 0..100_000 {
            *spoken.entry(mix.draw()).or_default() += 1;
        }
        assert_eq!(spoken.len(), 200);
        let mut counts: Vec<u32> = spoken.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let loud: u32 = counts[..10].iter().sum();
        assert!((45_000..55_000).contains(&loud), "{loud}");
    }

    #[test]
    fn the_same_seed_draws_the_same_sessions() {
        let workload = Workload::default();
        let draw = |writer| {
            let mut mix = SessionMix::all(&workload).swap_remove(writer);
            (0..500).map(|_| mix.draw()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn every_session_belongs_to_exactly_one_writer() {
        let workload = Workload {
            sessions: 10,
            writers: 16,
            ..Workload::default()
        };
        let mixes = SessionMix::all(&workload);
        assert_eq!(mixes.len(), 10);
        let mut all: Vec<_> = mixes.iter().flat_map(|mix| mix.sessions.clone()).collect();
        all.sort();
        assert_eq!(all, (0..10).map(SessionId).collect::<Vec<_>>());
    }
}
