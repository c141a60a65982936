//! Which access tokens were taken back (Token Status List, draft-ietf-oauth-status-list): each
//! has an index, and one bit at that place of a list. Indices are drawn from blocks that the
//! store has given out for good, so that issuing a token writes nothing to a disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};

/// Tokens of one list: 128 KiB before it is compressed.
pub const LIST: u64 = 1 << 20;

/// How many indices are drawn from the store at once.
pub const BLOCK: u64 = 1000;

/// The indices that this process may still give out.
#[derive(Debug, Default)]
pub struct Indices {
    next: Mutex<(u64, u64)>,
}

impl Indices {
    /// The next one; none where a block has to be drawn first.
    #[must_use]
    pub fn take(&self) -> Option<u64> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let (index, end) = *next;
        if index >= end {
            return None;
        }
        next.0 = index.saturating_add(1);
        Some(index)
    }

    /// Puts a block in place that the store has given out, from `first` on.
    pub fn refill(&self, first: u64) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (first, first.saturating_add(BLOCK));
    }
}

/// Where a token's status is: which list, and where in it.
#[must_use]
pub const fn place(index: u64) -> (u64, u64) {
    (index / LIST, index % LIST)
}

/// The indices of the tokens that were taken back and have not expired, with the time at which
/// they do.
#[derive(Debug, Default)]
pub struct Revoked {
    by_index: RwLock<BTreeMap<u64, u64>>,
}

impl Revoked {
    /// Whether the token of this index was taken back.
    #[must_use]
    pub fn has(&self, index: u64) -> bool {
        let by_index = self.by_index.read().unwrap_or_else(PoisonError::into_inner);
        by_index.contains_key(&index)
    }

    /// Notes that they were, after the store has.
    pub fn add(&self, indices: impl IntoIterator<Item = (u64, u64)>) {
        let mut by_index = self
            .by_index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        by_index.extend(indices);
    }

    /// Forgets those that are over anyway at `now`.
    pub fn forget_expired(&self, now: u64) {
        let mut by_index = self
            .by_index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        by_index.retain(|_, expires| *expires > now);
    }

    /// The bits of a list, lowest first in each byte, up to the last that is set (§4.1).
    #[must_use]
    pub fn bits(&self, list: u64) -> Vec<u8> {
        let first = list.saturating_mul(LIST);
        let by_index = self.by_index.read().unwrap_or_else(PoisonError::into_inner);
        let mut bits = vec![0_u8; usize::try_from(LIST / 8).unwrap_or_default()];
        for index in by_index
            .range(first..first.saturating_add(LIST))
            .map(|(index, _)| index - first)
        {
            let byte = usize::try_from(index / 8)
                .ok()
                .and_then(|at| bits.get_mut(at));
            if let Some(byte) = byte {
                *byte |= 1 << (index % 8);
            }
        }
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_given_out_once() {
        let indices = Indices::default();
        assert_eq!(indices.take(), None);
        indices.refill(5000);
        let taken: Vec<u64> = std::iter::from_fn(|| indices.take()).collect();
        assert_eq!(taken, (5000..5000 + BLOCK).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_taken_back_is_a_bit_of_its_list() {
        let revoked = Revoked::default();
        revoked.add([(0, 10), (9, 20), (LIST + 1, 10)]);
        assert!(revoked.has(9) && !revoked.has(8));
        assert_eq!(revoked.bits(0)[..2], [0b1, 0b10]);
        assert_eq!(revoked.bits(1)[0], 0b10);
        revoked.forget_expired(10);
        assert_eq!(revoked.bits(0)[..2], [0, 0b10]);
        assert_eq!(place(LIST + 1), (1, 1));
    }
}
