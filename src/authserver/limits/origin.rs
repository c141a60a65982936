//! Where requests come from, as limits count it: an IPv4 address, or the /64 of an IPv6 address,
//! in which one host has all addresses to itself (RFC 4291 §2.5.1). Where places are few, and who
//! has most of them gives way, all of a site counts as one: the /56 that a provider gives to a home
//! (RFC 6177 §2).

use std::net::{IpAddr, Ipv6Addr};

/// An address, or what counts as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(IpAddr);

/// All origins of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Site(IpAddr);

impl From<Origin> for Site {
    fn from(Origin(address): Origin) -> Self {
        Self(match address {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(network(address, 56)),
        })
    }
}

impl From<IpAddr> for Site {
    fn from(address: IpAddr) -> Self {
        Origin::from(address).into()
    }
}

/// The network of an address, of so many bits.
fn network(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits));
    Ipv6Addr::from_bits(address.to_bits() & mask.unwrap_or_default())
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(network(address, 64)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn a_host_has_all_of_its_64() {
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
    }

    #[test]
    fn a_site_has_all_of_its_56() {
        let site = |text| Site::from(origin(text));
        assert_eq!(site("2001:db8::1"), site("2001:db8:0:ff::1"));
        assert_ne!(site("2001:db8::1"), site("2001:db8:0:100::1"));
        assert_ne!(site("192.0.2.1"), site("192.0.2.2"));
        assert_eq!(site("::ffff:192.0.2.1"), site("192.0.2.1"));
    }
}
