//! A map of a bounded size, which forgets what was longest not written.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The map.
pub struct Lru<K, V> {
    values: HashMap<K, (V, u64)>,
    /// By the number of the last write.
    order: BTreeMap<u64, K>,
    most: usize,
    next: u64,
}

impl<K: Hash + Eq + Clone, V> Lru<K, V> {
    /// An empty one, for at most so many.
    pub fn new(most: usize) -> Self {
        Self {
            values: HashMap::new(),
            order: BTreeMap::new(),
            most,
            next: 0,
        }
    }

    /// A value.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(value, _)| value)
    }

    /// Writes a value.
    pub fn put(&mut self, key: K, value: V) {
        let number = self.next;
        self.next += 1;
        if let Some((_, before)) = self.values.insert(key.clone(), (value, number)) {
            self.order.remove(&before);
        }
        self.order.insert(number, key);
        if self.values.len() > self.most
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.values.remove(&oldest);
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (value, number) = self.values.remove(key)?;
        self.order.remove(&number);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_longest_not_written_is_forgotten() {
        let mut lru = Lru::new(3);
        for key in [1, 2, 3, 1, 4] {
            lru.put(key, key * 10);
        }
        let values = [1, 2, 3, 4].map(|key| lru.get(&key).copied());
        assert_eq!(values, [Some(10), None, Some(30), Some(40)]);
        assert_eq!(lru.remove(&3), Some(30));
        lru.put(5, 50);
        assert_eq!(lru.get(&1), Some(&10));
        lru.put(6, 60);
        assert_eq!(lru.get(&1), None);
        assert_eq!((lru.values.len(), lru.order.len()), (3, 3));
    }
}
