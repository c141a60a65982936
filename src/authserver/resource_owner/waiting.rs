//! What waits for the next request of the same browser, such as a conversation whose prompts it
//! was shown. Bounded in number and time, and no site has more than half of it. Where it is full,
//! who has the most loses the oldest to whoever has less, so that one site does not keep all others
//! out. Where nobody has more than others, who has waited for a minute gives way: to one of the
//! same site, or to a site that has none yet, since otherwise a few dozen sites, each with one,
//! would keep everybody else out for as long as they like.

use crate::limits::origin::{Origin, Site};
use jose::sign::random_id;
use std::collections::HashMap;

/// By what it is found again: 256 random bits, base64url.
pub type Id = String;

/// For so many seconds nobody has to give way who has no more than others.
const UNDISTURBED: u64 = 60;

/// What waits.
pub struct Waiting<T> {
    entries: HashMap<Id, Entry<T>>,
    most: usize,
    lifetime: u64,
    /// The number of the next entry, for their order.
    next: u64,
}

struct Entry<T> {
    value: T,
    site: Site,
    number: u64,
    since: u64,
    until: u64,
}

impl<T> Waiting<T> {
    /// Nothing yet; of at most so many, each for so many seconds.
    #[must_use]
    pub fn new(most: usize, lifetime: u64) -> Self {
        Self {
            entries: HashMap::new(),
            most,
            lifetime,
            next: 0,
        }
    }

    /// Lets something wait, from `now` in seconds. Gives it back where there is no room, or no
    /// randomness.
    ///
    /// # Errors
    /// What was to wait.
    pub fn put(&mut self, now: u64, origin: Origin, value: T) -> Result<Id, T> {
        let site = Site::from(origin);
        let is_full = self.entries.len() >= self.most || self.has_its_share(self.count_of(site));
        if is_full && self.make_room(now, origin).is_none() {
            return Err(value);
        }
        let (Ok(half), Ok(other)) = (random_id(), random_id()) else {
            return Err(value);
        };
        let id = half + &other;
        let entry = Entry {
            value,
            site,
            number: self.next,
            since: now,
            until: now.saturating_add(self.lifetime),
        };
        self.next += 1;
        self.entries.insert(id.clone(), entry);
        Ok(id)
    }

    fn count_of(&self, site: Site) -> usize {
        let entries = self.entries.values();
        entries.filter(|entry| entry.site == site).count()
    }

    /// Whether a site that has so many gets no more.
    const fn has_its_share(&self, own: usize) -> bool {
        own >= self.most.div_ceil(2)
    }

    /// Takes it out again, if its time is not over. What one request has taken, no other finds.
    pub fn take(&mut self, now: u64, id: &str) -> Option<T> {
        let entry = self.entries.remove(id)?;
        (now < entry.until).then_some(entry.value)
    }

    /// Looks at it, if its time is not over.
    #[must_use]
    pub fn get(&self, now: u64, id: &str) -> Option<&T> {
        let entry = self.entries.get(id)?;
        (now < entry.until).then_some(&entry.value)
    }

    /// Takes out what has to give way to something of `origin`: what is over; or else the oldest
    /// of the site that has the most, if that of `origin` has less; or else the oldest of its own,
    /// or of anybody's if it has none, that has waited for a minute. Who has half of all gets the
    /// place of none but its own.
    pub fn make_room(&mut self, now: u64, origin: Origin) -> Option<T> {
        let mut count: HashMap<Site, usize> = HashMap::new();
        for entry in self.entries.values() {
            *count.entry(entry.site).or_default() += 1;
        }
        let count = |site| count.get(&site).copied().unwrap_or_default();
        let site = Site::from(origin);
        let own = count(site);
        let has_its_share = self.has_its_share(own);
        // The least goes.
        let rank = |entry: &Entry<T>| {
            let is_own = entry.site == site;
            let is_late = now >= entry.since.saturating_add(UNDISTURBED);
            match count(entry.site) {
                _ if has_its_share && !is_own => None,
                _ if entry.until <= now => Some((0, 0)),
                many if many > own.max(1) => Some((1, usize::MAX - many)),
                _ if is_late && (is_own || own == 0) => Some((2, 0)),
                _ => None,
            }
        };
        let ranked = self.entries.iter().filter_map(|(id, entry)| {
            let rank = rank(entry)?;
            Some(((rank, entry.number), id))
        });
        let (_, id) = ranked.min()?;
        let id = id.clone();
        self.entries.remove(&id).map(|entry| entry.value)
    }

    /// Drops what nobody came back for.
    pub fn sweep(&mut self, now: u64) {
        self.entries.retain(|_, entry| now < entry.until);
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn origin(number: u8) -> Origin {
        Origin::from(std::net::IpAddr::from(Ipv4Addr::new(192, 0, 2, number)))
    }

    #[test]
    fn what_waits_is_taken_once_and_in_time() {
        let mut waiting = Waiting::new(3, 60);
        let id = waiting.put(100, origin(1), 'a').unwrap();
        assert_eq!(id.len(), 44);
        assert_eq!(waiting.get(159, &id), Some(&'a'));
        assert_eq!(waiting.get(160, &id), None);
        assert_eq!(waiting.take(159, &id), Some('a'));
        assert_eq!(waiting.take(159, &id), None);
        let late = waiting.put(100, origin(1), 'b').unwrap();
        assert_eq!(waiting.take(160, &late), None);
        assert_eq!(waiting.len(), 0);
        waiting.put(100, origin(1), 'c').unwrap();
        waiting.put(101, origin(1), 'd').unwrap();
        waiting.sweep(160);
        assert_eq!(waiting.len(), 1);
    }

    #[test]
    fn one_address_does_not_keep_the_others_out() {
        let mut waiting = Waiting::new(5, 60);
        let first = waiting.put(1, origin(1), 'a').unwrap();
        let second = waiting.put(2, origin(1), 'b').unwrap();
        let third = waiting.put(3, origin(1), 'c').unwrap();
        // It has its half.
        assert_eq!(waiting.put(3, origin(1), 'x'), Err('x'));
        let other = waiting.put(4, origin(2), 'd').unwrap();
        let another = waiting.put(4, origin(4), 'f').unwrap();
        // A newcomer takes the place of the oldest of the one that has the most.
        let newcomer = waiting.put(5, origin(3), 'e').unwrap();
        assert_eq!(waiting.take(6, &first), None);
        for (id, value) in [
            (&second, 'b'),
            (&third, 'c'),
            (&other, 'd'),
            (&another, 'f'),
            (&newcomer, 'e'),
        ] {
            assert_eq!(waiting.take(6, id), Some(value));
        }
    }

    #[test]
    fn nobody_takes_the_place_of_who_has_no_more() {
        let mut waiting = Waiting::new(4, 300);
        for number in [1, 1, 2, 2] {
            waiting.put(1, origin(number), number).unwrap();
        }
        assert_eq!(waiting.put(2, origin(1), 9), Err(9));
        waiting.put(2, origin(3), 3).unwrap();
        waiting.put(2, origin(4), 4).unwrap();
        // Each has one now, and is not disturbed for a minute.
        assert_eq!(waiting.put(60, origin(5), 5), Err(5));
        assert!(waiting.put(61, origin(5), 5).is_ok());
        assert_eq!(waiting.len(), 4);
    }

    /// Who comes again and again has its own places and no others, however long those wait.
    #[test]
    fn a_flood_never_takes_the_only_place_of_another() {
        let mut waiting = Waiting::new(4, 600);
        let single = waiting.put(1, origin(9), 'a').unwrap();
        for now in 2..500 {
            for number in 0..3 {
                let _ = waiting.put(now, origin(number), 'x');
            }
        }
        assert_eq!(waiting.len(), 4);
        assert_eq!(waiting.take(500, &single), Some('a'));
    }

    #[test]
    fn all_networks_of_a_site_are_one() {
        let network = |number: u16| {
            let address = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, number, 0, 0, 0, 1);
            Origin::from(std::net::IpAddr::from(address))
        };
        let mut waiting = Waiting::new(8, 600);
        let kept = (0..50).filter(|number| waiting.put(1, network(*number), 'x').is_ok());
        assert_eq!(kept.count(), 4);
        for number in 1..=5 {
            assert!(waiting.put(2, origin(number), 'y').is_ok());
        }
    }
}
