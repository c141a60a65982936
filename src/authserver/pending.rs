//! What anybody may leave here before anybody has confirmed it: pushed requests (RFC 9126) and
//! device codes (RFC 8628). Each is kept until it expires, so there is a bound to how many there
//! are, and nobody can take up all of it: one asker has no more than a part of what is free then,
//! so that many together leave some for whoever comes after them.

use crate::config::Limits;
use crate::error::{Code, OAuthError};
use crate::limits::origin::Site;
use clients::Client;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The part that one asker may have of what the others leave: for each of its own there have to be
/// so many free (dynamic thresholds, Choudhury and Hahne 1998).
const SHARE: usize = 16;

/// Who asks: a client that has shown who it is, or else whoever is at a site.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Asker {
    /// Its `client_id`.
    Client(String),
    /// Where it is.
    Site(Site),
}

impl Asker {
    /// Who asks as this client from this address: a public client may be anybody.
    #[must_use]
    pub fn of(client: &Client, peer: IpAddr) -> Self {
        if client.is_public() {
            Self::Site(peer.into())
        } else {
            Self::Client(client.client_id.clone())
        }
    }
}

/// How many there are, and whose.
#[derive(Debug, Default)]
pub struct Pending {
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// By when each expires, and a number that no two have.
    by_expiry: BTreeMap<(u64, u64), Asker>,
    of_asker: HashMap<Asker, usize>,
    next: u64,
}

impl Pending {
    /// Counts one more, which expires at `expires`.
    ///
    /// # Errors
    /// `temporarily_unavailable`, where there are too many, of this asker or of all.
    pub fn admit(
        &self,
        asker: Asker,
        limits: &Limits,
        now: u64,
        expires: u64,
    ) -> Result<(), OAuthError> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.forget_expired(now);
        let own = counted.of_asker.get(&asker).copied().unwrap_or_default();
        let free = limits.pending.saturating_sub(counted.by_expiry.len());
        if own.saturating_mul(SHARE) >= free {
            let why = "too many requests wait to be confirmed; try again in a minute";
            return Err(OAuthError::new(Code::TemporarilyUnavailable, why));
        }
        let number = counted.next;
        counted.next = number.wrapping_add(1);
        counted
            .of_asker
            .insert(asker.clone(), own.saturating_add(1));
        counted.by_expiry.insert((expires, number), asker);
        Ok(())
    }
}

impl Counted {
    fn forget_expired(&mut self, now: u64) {
        while let Some(first) = self.by_expiry.first_entry() {
            if first.key().0 > now {
                return;
            }
            let asker = first.remove();
            let left = self.of_asker.get(&asker).copied().unwrap_or_default();
            if left > 1 {
                self.of_asker.insert(asker, left - 1);
            } else {
                self.of_asker.remove(&asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Asker {
        Asker::Site(IpAddr::from([192, 0, 2, last]).into())
    }

    #[test]
    fn nobody_takes_up_all_and_what_expires_makes_room() {
        let limits = Limits {
            pending: 40,
            ..Limits::default()
        };
        let pending = Pending::default();
        let admit = |asker, now| pending.admit(asker, &limits, now, now + 10).is_ok();
        assert!(admit(address(0), 0) && admit(address(0), 5) && admit(address(0), 5));
        assert!(!admit(address(0), 5));
        assert!(admit(Asker::Client("c".to_owned()), 5));
        assert!(admit(address(0), 10));
        // Each takes what it can get, and leaves less for the next.
        let had = (1..=12).map(|last| (0..9).filter(|_| admit(address(last), 10)).count());
        assert!(had.eq([3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]));
        for last in 13..=99 {
            assert_eq!(admit(address(last), 10), last <= 26, "{last}");
        }
        assert!(admit(address(99), 15));
        for last in 0..=99 {
            assert_eq!(admit(address(last), 20), last <= 38, "{last}");
        }
        assert!(admit(address(1), 30));
        let counted = pending.counted.lock().unwrap();
        assert_eq!((counted.by_expiry.len(), counted.of_asker.len()), (1, 1));
    }

    /// Who has many addresses, each of which asks for all that it can get, keeps nobody out.
    #[test]
    fn a_flood_from_many_addresses_leaves_some_for_others() {
        let limits = Limits::default();
        let pending = Pending::default();
        let admit = |asker| pending.admit(asker, &limits, 0, 10).is_ok();
        for last in 0..64 {
            while admit(address(last)) {}
        }
        for other in 64..=255 {
            assert!(admit(address(other)));
        }
        assert!(admit(Asker::Client("c".to_owned())));
    }

    #[test]
    fn a_public_client_may_be_anybody() {
        let peer = IpAddr::from([192, 0, 2, 1]);
        let client = |more: &str| toml::from_str(&format!("client_id = \"c\"\n{more}")).unwrap();
        let public = client("token_endpoint_auth_method = \"none\"");
        assert_eq!(Asker::of(&public, peer), Asker::Site(peer.into()));
        assert_eq!(Asker::of(&client(""), peer), Asker::Client("c".to_owned()));
        // Of IPv6 all that one site has is one.
        let six = |network| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, 1]);
        let asker = |network| Asker::of(&public, six(network));
        assert_eq!(asker(1), asker(0xff));
        assert_ne!(asker(1), asker(0x100));
    }
}
