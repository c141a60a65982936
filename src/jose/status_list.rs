//! Status list tokens (draft-ietf-oauth-status-list): a signed, compressed array with a few
//! bits for each token that an issuer has issued. Compressing is the caller's.

use crate::base64url;
use crate::claims::Claims;
use crate::header::Header;
use serde_json::{Map, Value, json};
use std::fmt;

/// The `typ` of a status list token (§ Status List Token in JWT Format).
pub const TYPE: &str = "statuslist+jwt";

/// How many bits a status has (§ Compressed Byte Array).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits(u8);

impl Bits {
    /// The sizes that there are.
    pub const ALL: [Self; 4] = [Self(1), Self(2), Self(4), Self(8)];

    /// One of 1, 2, 4 and 8.
    pub fn new(bits: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|size| u64::from(size.0) == bits)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// How many statuses stand in a byte.
    const fn in_byte(self) -> u64 {
        match self.0 {
            1 => 8,
            2 => 4,
            4 => 2,
            _ => 1,
        }
    }

    /// How many statuses so many bytes hold.
    pub const fn entries(self, bytes: u64) -> u64 {
        bytes.saturating_mul(self.in_byte())
    }

    /// How many bytes hold so many statuses.
    pub const fn bytes(self, entries: u64) -> u64 {
        entries.div_ceil(self.in_byte())
    }

    /// The place of the byte in which a status is.
    pub fn place(self, index: u64) -> u64 {
        index.checked_div(self.in_byte()).unwrap_or_default()
    }

    /// The greatest status.
    pub const fn most(self) -> u8 {
        u8::MAX >> (8 - self.0)
    }

    fn shift(self, index: u64) -> u8 {
        let at = index.checked_rem(self.in_byte()).unwrap_or_default() as u8;
        at.saturating_mul(self.0)
    }

    /// The status at `index` in its byte: the first is in the lowest bits.
    pub fn of(self, byte: u8, index: u64) -> u8 {
        (byte >> self.shift(index)) & self.most()
    }

    /// Sets the status at `index`; nothing where it has more bits or no place.
    pub fn set(self, list: &mut [u8], index: u64, status: u8) -> Option<()> {
        if status > self.most() {
            return None;
        }
        let byte = list.get_mut(usize::try_from(self.place(index)).ok()?)?;
        let shift = self.shift(index);
        *byte = (*byte & !(self.most() << shift)) | status << shift;
        Some(())
    }
}

/// What a status list token says. Whether its signature was verified is the caller's to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList {
    /// `sub`: the `uri` by which tokens refer to it.
    pub uri: String,
    /// `iat`, in seconds since the epoch.
    pub issued_at: u64,
    /// `exp`, in seconds since the epoch.
    pub expires: Option<u64>,
    /// `ttl`: for how many seconds a copy is good.
    pub ttl: Option<u64>,
    /// `status_list.bits`
    pub bits: Bits,
    /// `status_list.lst`, still compressed (RFC 1950).
    pub compressed: Vec<u8>,
}

/// Why a token is no status list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its `typ` is another.
    Type,
    /// This claim is missing or of the wrong kind.
    Claim(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type => write!(f, "it is no status list: its typ is not {TYPE}"),
            Self::Claim(name) => write!(f, "its {name} is missing or not what it must be"),
        }
    }
}

impl StatusList {
    /// Reads a token that was taken apart.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn of(header: &Header, claims: &Claims) -> Result<Self, Fault> {
        let typ = header.typ.as_deref().unwrap_or_default();
        let typ = typ.to_ascii_lowercase();
        if typ.strip_prefix("application/").unwrap_or(&typ) != TYPE {
            return Err(Fault::Type);
        }
        let uri = claims.subject.clone().filter(|uri| !uri.is_empty());
        let list = claims.get("status_list");
        let member = |name: &str| list.and_then(|list| list.get(name));
        let bits = member("bits").and_then(Value::as_u64).and_then(Bits::new);
        let lst = member("lst").and_then(Value::as_str);
        let ttl = match claims.get("ttl") {
            None => None,
            Some(ttl) => Some(seconds(ttl).ok_or(Fault::Claim("ttl"))?),
        };
        Ok(Self {
            uri: uri.ok_or(Fault::Claim("sub"))?,
            issued_at: claims.issued_at.ok_or(Fault::Claim("iat"))?.ceil(),
            expires: claims.expires.map(|date| date.floor()),
            ttl,
            bits: bits.ok_or(Fault::Claim("status_list.bits"))?,
            compressed: lst
                .and_then(base64url::decode)
                .ok_or(Fault::Claim("status_list.lst"))?,
        })
    }

    /// The claims of the token.
    pub fn claims(&self) -> Map<String, Value> {
        let lst = base64url::encode(&self.compressed);
        let mut claims = Map::new();
        claims.insert("sub".to_owned(), self.uri.as_str().into());
        claims.insert("iat".to_owned(), self.issued_at.into());
        for (name, time) in [("exp", self.expires), ("ttl", self.ttl)] {
            if let Some(time) = time {
                claims.insert(name.to_owned(), time.into());
            }
        }
        let list = json!({ "bits": self.bits.number(), "lst": lst });
        claims.insert("status_list".to_owned(), list);
        claims
    }

    /// From when on a copy that was got at `now` is stale; never, where the issuer says
    /// neither `exp` nor `ttl`.
    pub fn stale_at(&self, now: u64) -> Option<u64> {
        let ttl = self.ttl.map(|ttl| now.saturating_add(ttl));
        [self.expires, ttl].into_iter().flatten().min()
    }
}

/// A positive number (§ Status List Token in JWT Format).
fn seconds(value: &Value) -> Option<u64> {
    let whole = value.as_u64();
    let part = value
        .as_f64()
        .filter(|float| *float >= 1.0 && *float < 1e12);
    // In range, so it loses its fraction alone.
    whole
        .or_else(|| part.map(|float| float as u64))
        .filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Algorithm;

    #[test]
    fn a_status_has_its_place_from_the_lowest_bits_on() {
        // The examples of § Compressed Byte Array.
        let mut one = [0; 2];
        for index in [0, 3, 4, 5, 7, 8, 9, 13, 15] {
            Bits(1).set(&mut one, index, 1).unwrap();
        }
        assert_eq!(one, [0xb9, 0xa3]);
        let mut two = [0; 3];
        for (index, status) in [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3].into_iter().enumerate() {
            Bits(2).set(&mut two, index as u64, status).unwrap();
        }
        assert_eq!(two, [0xc9, 0x44, 0xf9]);
    }

    #[test]
    fn what_is_set_is_found_and_nothing_else_changes() {
        for bits in Bits::ALL {
            let entries = 24;
            let mut list = vec![0; bits.bytes(entries) as usize];
            let status = |index: u64| (index as u8).wrapping_mul(37) & bits.most();
            for index in (0..entries).chain(0..entries) {
                bits.set(&mut list, index, status(index)).unwrap();
            }
            for index in 0..entries {
                let byte = list[bits.place(index) as usize];
                assert_eq!(bits.of(byte, index), status(index), "{bits:?} {index}");
            }
            assert_eq!(bits.entries(bits.bytes(entries)), entries);
            assert_eq!(bits.set(&mut list, entries, 0), None);
            assert_eq!(bits.set(&mut list, u64::MAX, 0), None);
            if bits.number() < 8 {
                assert_eq!(bits.set(&mut list, 0, bits.most() + 1), None);
            }
        }
        for other in [0, 3, 5, 7, 16, u64::MAX] {
            assert_eq!(Bits::new(other), None);
        }
    }

    fn read(typ: &str, edit: impl FnOnce(&mut Value)) -> Result<StatusList, Fault> {
        let mut claims = json!({ "sub": "u", "iat": 100, "exp": 200.5, "ttl": 50,
            "status_list": { "bits": 1, "lst": "eNrbuRgAAhcBXQ" } });
        edit(&mut claims);
        let header = Header {
            alg: Algorithm::EdDsa,
            kid: None,
            typ: Some(typ.to_owned()),
        };
        StatusList::of(
            &header,
            &Claims::parse(claims.to_string().as_bytes()).unwrap(),
        )
    }

    /// Checklist: A.29
    #[test]
    fn a_token_is_a_status_list_where_its_type_and_claims_say_so() {
        let list = read("application/StatusList+JWT", |_| ()).unwrap();
        assert_eq!(
            (list.issued_at, list.expires, list.ttl),
            (100, Some(200), Some(50))
        );
        assert_eq!(
            (list.stale_at(120), list.stale_at(180)),
            (Some(170), Some(200))
        );
        assert_eq!(
            read(TYPE, |claims| *claims = list.claims().into()),
            Ok(list)
        );
        for typ in ["JWT", "at+jwt", "statuslist+cwt", "statuslist", ""] {
            assert_eq!(read(typ, |_| ()), Err(Fault::Type));
        }
        for (place, value, fault) in [
            ("/sub", Value::from(""), "sub"),
            ("/ttl", 0.into(), "ttl"),
            ("/ttl", (-5).into(), "ttl"),
            ("/ttl", "5".into(), "ttl"),
            ("/status_list", 5.into(), "status_list.bits"),
            ("/status_list/bits", 3.into(), "status_list.bits"),
            ("/status_list/bits", "1".into(), "status_list.bits"),
            ("/status_list/bits", 1.0.into(), "status_list.bits"),
            (
                "/status_list/lst",
                "eNrbuRgAAhcBXQ==".into(),
                "status_list.lst",
            ),
            ("/status_list/lst", Value::Null, "status_list.lst"),
        ] {
            let result = read(TYPE, |claims| *claims.pointer_mut(place).unwrap() = value);
            assert_eq!(result, Err(Fault::Claim(fault)), "{place}");
        }
        for name in ["sub", "iat", "status_list"] {
            let without = |claims: &mut Value| drop(claims.as_object_mut().unwrap().remove(name));
            assert!(read(TYPE, without).is_err(), "{name}");
        }
        let endless = read(TYPE, |claims| {
            let claims = claims.as_object_mut().unwrap();
            claims.retain(|name, _| name != "exp" && name != "ttl");
        });
        assert_eq!(endless.unwrap().stale_at(120), None);
    }
}
