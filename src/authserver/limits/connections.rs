//! How many connections there are, in all and of one address.

use super::origin::Origin;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Those that are open.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    all: usize,
    of: HashMap<Origin, usize>,
}

/// One that is open, until it is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Connections,
    origin: Option<Origin>,
}

impl Connections {
    /// A place for one more from this address, if there is one; a proxy, whose address is that
    /// of everybody, may have all.
    pub fn enter(&self, address: IpAddr, is_proxy: bool, all: usize, each: usize) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= all {
            return None;
        }
        let origin = (!is_proxy).then(|| Origin::from(address));
        if let Some(origin) = origin {
            let count = open.of.entry(origin).or_default();
            // At 0 there has to be a place, or the entry would stay.
            if *count >= each.max(1) {
                return None;
            }
            *count += 1;
        }
        open.all += 1;
        Some(Place {
            connections: self.clone(),
            origin,
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .connections
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(origin) = self.origin
            && let Some(count) = open.of.get_mut(&origin)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.of.remove(&origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_part_and_all_have_the_whole() {
        let connections = Connections::default();
        let enter =
            |last: u8, is_proxy| connections.enter(IpAddr::from([192, 0, 2, last]), is_proxy, 5, 2);
        let first = enter(1, false);
        let second = enter(1, false);
        assert!(first.is_some() && second.is_some());
        assert!(enter(1, false).is_none());
        drop(first);
        let third = enter(1, false);
        assert!(third.is_some());
        let others: Vec<_> = [(2, false), (3, true), (3, true)]
            .map(|(last, is_proxy)| enter(last, is_proxy))
            .into_iter()
            .flatten()
            .collect();
        assert_eq!((others.len(), connections.count()), (3, 5));
        assert!(enter(4, false).is_none() && enter(3, true).is_none());
        drop((second, third, others));
        assert_eq!(connections.count(), 0);
        assert!(connections.0.lock().unwrap().of.is_empty());
    }
}
