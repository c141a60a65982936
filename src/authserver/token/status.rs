//! Which access tokens were taken back (Token Status List, draft-ietf-oauth-status-list): each
//! has an index, and one bit at that place of a list. Indices are drawn from blocks that the
//! store has given out for good, so that issuing a token writes nothing to a disk.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

/// Tokens of one list: 128 KiB before it is compressed.
pub const LIST: u64 = 1 << 20;

/// How many indices are drawn from the store at once: seldom a commit, and where the process
/// ends what is left of a block is a hundredth of a list.
pub const BLOCK: u64 = 10_000;

/// For how many seconds indices of a block are given out: where few tokens are issued, a list is
/// done with some time after the last block of it was drawn.
pub const BLOCK_LIFETIME: u64 = 3600;

/// For how many seconds a host may take a token after it has expired, since clocks differ: so long
/// its status still matters.
pub const LEEWAY: u64 = 300;

/// The status of tokens that expired after this matters at `now`.
#[must_use]
pub const fn still_matters(now: u64) -> u64 {
    now.saturating_sub(LEEWAY)
}

/// The indices that this process may still give out: a block, and the one after it.
#[derive(Debug, Default)]
pub struct Indices {
    blocks: Mutex<(Block, Block)>,
    lists: AtomicU64,
}

#[derive(Debug, Default)]
struct Block {
    next: u64,
    end: u64,
    expires: u64,
}

impl Block {
    fn is_over(&self, now: u64) -> bool {
        self.next >= self.end || self.expires <= now
    }
}

/// An index for one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The index.
    pub index: u64,
    /// Whether half of the block is used up that no other follows: whoever has this index draws
    /// one, while the others go on with the rest.
    pub is_middle: bool,
}

impl Indices {
    /// The next one at `now`; none where a block has to be drawn first.
    #[must_use]
    pub fn take(&self, now: u64) -> Option<Taken> {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, after) = &mut *blocks;
        if block.is_over(now) {
            *block = std::mem::take(after);
        }
        if block.is_over(now) {
            return None;
        }
        let index = block.next;
        let is_middle = block.end.saturating_sub(index) == BLOCK / 2;
        block.next = index.saturating_add(1);
        Some(Taken {
            index,
            is_middle: is_middle && after.is_over(now),
        })
    }

    /// Whether a block has to be drawn before one is given out at `now`.
    #[must_use]
    pub fn are_over(&self, now: u64) -> bool {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        blocks.0.is_over(now) && blocks.1.is_over(now)
    }

    /// Adds a block that the store has given out at `now`, from `first` on.
    pub fn refill(&self, first: u64, now: u64) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let (block, after) = &mut *blocks;
        let place = if block.is_over(now) { block } else { after };
        *place = Block {
            next: first,
            end: first.saturating_add(BLOCK),
            expires: now.saturating_add(BLOCK_LIFETIME),
        };
        let (last, _) = self::place(place.end.saturating_sub(1));
        self.seen(Some(last));
    }

    /// Notes that the lists up to this one were begun, here or by another replica.
    pub fn seen(&self, last: Option<u64>) {
        let lists = last.map_or(0, |last| last.saturating_add(1));
        self.lists.fetch_max(lists, Ordering::SeqCst);
    }

    /// How many lists are known to have been begun.
    #[must_use]
    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::SeqCst)
    }
}

/// Where a token's status is: which list, and where in it.
#[must_use]
pub const fn place(index: u64) -> (u64, u64) {
    (index / LIST, index % LIST)
}

/// The indices of the tokens that were taken back, with the time at which they expire.
#[derive(Debug, Default)]
pub struct Revoked {
    by_index: RwLock<BTreeMap<u64, u64>>,
    additions: AtomicU64,
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
        let before = by_index.len();
        by_index.extend(indices);
        if by_index.len() > before {
            self.additions.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A number that is another one after each addition that has changed a list.
    #[must_use]
    pub fn additions(&self) -> u64 {
        self.additions.load(Ordering::SeqCst)
    }

    /// Forgets those that nobody takes any more at `now`.
    pub fn forget_expired(&self, now: u64) {
        let mut by_index = self
            .by_index
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        by_index.retain(|_, expires| *expires > still_matters(now));
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
        assert_eq!(indices.take(100), None);
        assert!(indices.are_over(100));
        let mut middles = Vec::new();
        let mut indices_of_all = Vec::new();
        indices.refill(5000, 100);
        while let Some(Taken { index, is_middle }) = indices.take(100) {
            indices_of_all.push(index);
            if is_middle {
                middles.push(index);
                // The next one is there in time, once.
                if index < 90_000 {
                    indices.refill(90_000, 100);
                }
            }
        }
        let expected = (5000..5000 + BLOCK).chain(90_000..90_000 + BLOCK);
        assert!(indices_of_all.into_iter().eq(expected));
        assert_eq!(middles, [5000 + BLOCK / 2, 90_000 + BLOCK / 2]);
    }

    #[test]
    fn a_block_that_was_drawn_long_ago_is_not_used_up() {
        let indices = Indices::default();
        indices.refill(5000, 100);
        assert_eq!(indices.lists(), 1);
        let taken = indices.take(99 + BLOCK_LIFETIME);
        assert_eq!(taken.map(|taken| taken.index), Some(5000));
        assert_eq!(indices.take(100 + BLOCK_LIFETIME), None);
    }

    #[test]
    fn what_was_taken_back_is_a_bit_of_its_list() {
        let revoked = Revoked::default();
        revoked.add([(0, 10), (9, 20), (LIST + 1, 10)]);
        assert!(revoked.has(9) && !revoked.has(8));
        let additions = revoked.additions();
        revoked.add([(9, 20)]);
        assert_eq!(revoked.additions(), additions);
        revoked.add([(LIST + 1, 10), (LIST + 2, 10)]);
        assert_ne!(revoked.additions(), additions);
        assert_eq!(revoked.bits(0)[..2], [0b1, 0b10]);
        assert_eq!(revoked.bits(1)[0], 0b110);
        revoked.forget_expired(9 + LEEWAY);
        assert!(revoked.has(0));
        revoked.forget_expired(10 + LEEWAY);
        assert_eq!(revoked.bits(0)[..2], [0, 0b10]);
        assert_eq!(place(LIST + 1), (1, 1));
    }
}
