//! What was found out about a token a short while ago, by the token's digest: so that a token
//! that is shown again and again is taken apart and verified once. An entry says what the token
//! says; whether it has expired or was taken back is asked anew each time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Entries of each of the two halves.
const HALF: usize = 2048;

type Entries<T> = HashMap<String, Arc<T>>;

/// A bounded map. What nobody asks for is forgotten after as many others as half of it holds.
pub struct Recent<T> {
    /// The younger half, and the older one, which the younger replaces when it is full.
    halves: Mutex<(Entries<T>, Entries<T>)>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            halves: Mutex::new((HashMap::new(), HashMap::new())),
        }
    }
}

impl<T> Recent<T> {
    /// What is known of the token with this digest.
    #[must_use]
    pub fn get(&self, digest: &str) -> Option<Arc<T>> {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *halves;
        if let Some(entry) = young.get(digest) {
            return Some(Arc::clone(entry));
        }
        let (digest, entry) = old.remove_entry(digest)?;
        put(young, old, digest, Arc::clone(&entry));
        Some(entry)
    }

    /// Notes what was found out of one.
    pub fn put(&self, digest: String, entry: Arc<T>) {
        let mut halves = self.halves.lock().unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *halves;
        put(young, old, digest, entry);
    }
}

fn put<T>(young: &mut Entries<T>, old: &mut Entries<T>, digest: String, entry: Arc<T>) {
    if young.len() >= HALF {
        *old = std::mem::take(young);
    }
    young.insert(digest, entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_map_is_bounded() {
        let recent = Recent::default();
        recent.put("asked".to_owned(), Arc::new(0));
        recent.put("not".to_owned(), Arc::new(1));
        for number in 0..4 * HALF {
            recent.put(number.to_string(), Arc::new(2));
            assert_eq!(recent.get("asked").as_deref(), Some(&0));
        }
        assert_eq!(recent.get("not"), None);
        let halves = recent.halves.lock().unwrap();
        assert!(halves.0.len() <= HALF && halves.1.len() <= HALF);
    }
}
