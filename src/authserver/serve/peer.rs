//! From where a request comes, where proxies stand in between.

use axum::http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// The field in which each proxy writes who asked it, behind what was there.
const FORWARDED: &str = "x-forwarded-for";

/// The address that asks: the one that connects, and where that is one of the `proxies`, the
/// last in `X-Forwarded-For` that is none. What stands before that one may be anybody's
/// invention. Where a proxy says nothing that can be read, it is the proxy.
#[must_use]
pub fn of(connected: IpAddr, proxies: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    let mut peer = connected.to_canonical();
    let lines = headers.get_all(FORWARDED).iter().rev();
    let mut named = lines
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
        .map(|name| address(name.trim()));
    while proxies.contains(&peer) {
        match named.next() {
            Some(Some(address)) => peer = address,
            _ => break,
        }
    }
    peer
}

/// An address, with or without a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = bare.unwrap_or(text).parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    address
        .or_else(with_port)
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(connected: &str, proxies: &[&str], lines: &[&str]) -> String {
        let ip = |text: &&str| text.parse::<IpAddr>().unwrap();
        let proxies: Vec<IpAddr> = proxies.iter().map(ip).collect();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED, HeaderValue::from_str(line).unwrap());
        }
        super::of(ip(&connected), &proxies, &headers).to_string()
    }

    #[test]
    fn what_a_proxy_says_is_taken_from_a_proxy_alone() {
        let forged = ["1.1.1.1"];
        assert_eq!(of("192.0.2.1", &[], &forged), "192.0.2.1");
        assert_eq!(of("192.0.2.1", &["192.0.2.9"], &forged), "192.0.2.1");
        assert_eq!(of("192.0.2.9", &["192.0.2.9"], &forged), "1.1.1.1");
        assert_eq!(of("::ffff:192.0.2.9", &["192.0.2.9"], &forged), "1.1.1.1");
    }

    #[test]
    fn it_is_the_last_that_is_no_proxy() {
        let proxies = ["192.0.2.9", "192.0.2.8"];
        for (lines, expected) in [
            (&["6.6.6.6, 1.1.1.1"][..], "1.1.1.1"),
            (&["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
            (&["6.6.6.6, 1.1.1.1, 192.0.2.8"], "1.1.1.1"),
            (&["1.1.1.1", "192.0.2.8,192.0.2.9"], "1.1.1.1"),
            (&["192.0.2.8"], "192.0.2.8"),
            (&["1.1.1.1:4711"], "1.1.1.1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["1.1.1.1, unknown"], "192.0.2.9"),
            (&["1.1.1.1, "], "192.0.2.9"),
            (&[], "192.0.2.9"),
        ] {
            assert_eq!(of("192.0.2.9", &proxies, lines), expected, "{lines:?}");
        }
    }
}
