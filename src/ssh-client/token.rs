//! A token, and whether it may be sent to a host. The signature is for the host to verify;
//! what can be seen here is whether the token is meant for it, and now.

use jiff::SignedDuration;
use jose::confirmation::{NamedKey, named_key};
use jose::{Claims, Compact};
use std::fmt;
use zeroize::Zeroizing;

/// How much later this clock's `nbf` may be, in seconds: the issuer's may be ahead.
const LEEWAY: u64 = 30;

/// A token that was taken apart but not verified. It is wiped when dropped.
pub struct Token {
    bytes: Zeroizing<Vec<u8>>,
    claims: Claims,
}

/// Why a token is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Seconds since `exp`.
    Expired(u64),
    /// It has no `exp`, so no pam_jwt accepts it.
    ExpiryMissing,
    /// Seconds until `nbf`.
    NotYetValid(u64),
    /// It has no `aud`.
    AudienceMissing,
    /// Its `aud`, and what it should name one of.
    AudienceMismatch {
        /// The token's.
        has: Vec<String>,
        /// The host's.
        wanted: Vec<String>,
    },
}

impl Unfit {
    /// The reason code that a host would log (`pam-jwt` has the same).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired(_) => "expired",
            Self::ExpiryMissing => "expiry_missing",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::AudienceMissing => "audience_missing",
            Self::AudienceMismatch { .. } => "audience_mismatch",
        }
    }

    /// What it is, for where there is no `--force`.
    pub fn without_force(&self) -> String {
        match self {
            Self::Expired(ago) => format!("it expired {} ago; get a new one", for_people(*ago)),
            Self::ExpiryMissing => "it has no exp, and no host accepts such a token".to_owned(),
            Self::NotYetValid(early) => {
                let early = for_people(*early);
                format!("it is valid only in {early}; compare the clocks")
            }
            Self::AudienceMissing => {
                "it has no aud, so any host that gets it could use it at others".to_owned()
            }
            Self::AudienceMismatch { has, wanted } => format!(
                "it is for {}, not for {}. If the host goes by another name in tokens, say so \
                 under [[host]] in ~/.config/jwt-ssh/config.toml",
                on_one_line(&has.join(", ")),
                on_one_line(&wanted.join(" or "))
            ),
        }
    }

    /// Whether `--force` lifts it.
    const fn is_about_audience(&self) -> bool {
        matches!(self, Self::AudienceMissing | Self::AudienceMismatch { .. })
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_force())?;
        if self.is_about_audience() {
            f.write_str("; --force sends it once")?;
        }
        Ok(())
    }
}

/// `42s`, `1h 5m`.
pub fn for_people(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let rounded = if seconds >= 3600 {
        seconds - seconds % 60
    } else {
        seconds
    };
    format!("{:#}", SignedDuration::from_secs(rounded))
}

/// Text of a token on one line, without what a terminal would obey: no part of it passes
/// for a line of ours.
pub fn on_one_line(text: &str) -> String {
    cli::output::visible(text).replace('\n', "\\u{a}")
}

impl Token {
    /// Takes a text apart; white space around it is no part of it.
    ///
    /// # Errors
    /// What keeps it from being a JWT in compact serialization, never a part of it.
    pub fn parse(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, String> {
        let end = bytes.trim_ascii_end().len();
        bytes.truncate(end);
        let start = bytes.len() - bytes.trim_ascii_start().len();
        bytes.drain(..start);
        if let Some(blemish) = jose::compact::blemish(&bytes) {
            return Err(blemish.to_owned());
        }
        let compact = Compact::parse(&bytes).map_err(|error| error.to_string())?;
        let claims = Claims::parse(compact.payload()).map_err(|error| error.to_string())?;
        drop(compact);
        Ok(Self { bytes, claims })
    }

    /// The token as it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says of itself, unverified.
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The key that it is bound to (`cnf`, RFC 7800), or why that cannot be told; none where
    /// it is the token of whoever has it.
    pub fn binding(&self) -> Option<Result<NamedKey, String>> {
        self.claims.get("cnf").map(named_key)
    }

    /// Why it is not to be sent to a host that goes by one of these audiences, at `now`
    /// (seconds since the epoch). `force` lifts the check of the audience alone.
    ///
    /// # Errors
    /// The first of the reasons that holds.
    pub fn check(&self, audiences: &[String], now: u64, force: bool) -> Result<(), Unfit> {
        self.check_time(now)?;
        match self.check_audience(audiences) {
            Err(unfit) if !(force && unfit.is_about_audience()) => Err(unfit),
            _ => Ok(()),
        }
    }

    /// Why it opens nothing at `now`, whatever the host.
    ///
    /// # Errors
    /// [`Unfit::Expired`], [`Unfit::ExpiryMissing`] or [`Unfit::NotYetValid`].
    pub fn check_time(&self, now: u64) -> Result<(), Unfit> {
        let expires = self.claims.expires.ok_or(Unfit::ExpiryMissing)?.floor();
        if now >= expires {
            return Err(Unfit::Expired(now.saturating_sub(expires)));
        }
        let begins = self.claims.not_before.map_or(0, jose::NumericDate::ceil);
        if begins > now.saturating_add(LEEWAY) {
            return Err(Unfit::NotYetValid(begins.saturating_sub(now)));
        }
        Ok(())
    }

    fn check_audience(&self, audiences: &[String]) -> Result<(), Unfit> {
        let has = self.claims.audience.clone().unwrap_or_default();
        if has.is_empty() {
            return Err(Unfit::AudienceMissing);
        }
        if has.iter().any(|audience| audiences.contains(audience)) {
            return Ok(());
        }
        Err(Unfit::AudienceMismatch {
            has,
            wanted: audiences.to_vec(),
        })
    }
}

/// The text of a token with these claims, not signed: nothing here looks at the signature.
#[cfg(test)]
pub fn unsigned(claims: &serde_json::Value) -> Zeroizing<Vec<u8>> {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let header = serde_json::json!({ "alg": "EdDSA", "kid": "a key of no importance here" });
    let [header, claims] =
        [&header, claims].map(|part| Base64UrlUnpadded::encode_string(part.to_string().as_bytes()));
    Zeroizing::new(format!("{header}.{claims}.AQIDBA").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::unsigned as text;
    use super::*;
    use serde_json::{Value, json};

    const NOW: u64 = 1_800_000_000;

    fn token(claims: &Value) -> Token {
        Token::parse(text(claims)).expect("a token")
    }

    fn check(claims: &Value, force: bool) -> Result<(), Unfit> {
        token(claims).check(&["ssh://web1".to_owned()], NOW, force)
    }

    #[test]
    fn a_token_for_this_host_and_this_time_is_sent() {
        for claims in [
            json!({ "aud": "ssh://web1", "exp": NOW + 1 }),
            json!({ "aud": ["x", "ssh://web1"], "exp": NOW + 60, "nbf": NOW + LEEWAY }),
            json!({ "aud": "ssh://web1", "exp": NOW as f64 + 1.5, "nbf": 0 }),
        ] {
            assert_eq!(check(&claims, false), Ok(()), "{claims}");
        }
    }

    #[test]
    fn a_token_for_another_time_is_not_sent_not_even_by_force() {
        for (claims, unfit) in [
            (
                json!({ "aud": "ssh://web1", "exp": NOW }),
                Unfit::Expired(0),
            ),
            (
                json!({ "aud": "ssh://web1", "exp": NOW - 42 }),
                Unfit::Expired(42),
            ),
            (json!({ "aud": "ssh://web1" }), Unfit::ExpiryMissing),
            (
                json!({ "aud": "ssh://web1", "exp": NOW + 99, "nbf": NOW + 31 }),
                Unfit::NotYetValid(31),
            ),
        ] {
            assert_eq!(check(&claims, false), Err(unfit.clone()), "{claims}");
            assert_eq!(check(&claims, true), Err(unfit), "{claims}");
        }
    }

    #[test]
    fn a_token_for_another_host_is_sent_by_force_alone() {
        let exp = NOW + 60;
        for (claims, code) in [
            (json!({ "exp": exp }), "audience_missing"),
            (json!({ "exp": exp, "aud": [] }), "audience_missing"),
            (
                json!({ "exp": exp, "aud": "ssh://web10" }),
                "audience_mismatch",
            ),
            (
                json!({ "exp": exp, "aud": "SSH://web1" }),
                "audience_mismatch",
            ),
            (
                json!({ "exp": exp, "aud": ["web1", "ssh://web"] }),
                "audience_mismatch",
            ),
        ] {
            assert_eq!(
                check(&claims, false).map_err(|unfit| unfit.code()),
                Err(code)
            );
            assert_eq!(check(&claims, true), Ok(()), "{claims}");
        }
    }

    #[test]
    fn what_a_token_says_is_told_on_one_line() {
        let claims = json!({ "exp": NOW + 60, "aud": ["a\nnow  would be sent", "\u{1b}[2J"] });
        let told = check(&claims, false).unwrap_err().to_string();
        assert!(
            told.starts_with(
                r"it is for a\u{a}now  would be sent, \u{1b}[2J, not for ssh://web1. "
            ),
            "{told}"
        );
    }

    #[test]
    fn white_space_around_a_token_is_no_part_of_it() {
        let bare = text(&json!({ "exp": NOW }));
        let mut wrapped = b" \n".to_vec();
        wrapped.extend(bare.iter());
        wrapped.extend(b"\r\n");
        let token = Token::parse(Zeroizing::new(wrapped)).expect("a token");
        assert_eq!(token.as_bytes(), bare.as_slice());
    }

    #[test]
    fn what_is_no_token_is_described_and_not_quoted() {
        let whole = String::from_utf8(text(&json!({ "exp": NOW })).to_vec()).unwrap();
        for bad in [
            "",
            "hunter2",
            "e30.e30",
            "{\"payload\":\"e30\"}",
            &format!("Bearer {whole}"),
            &whole.replace('.', ".."),
            &whole.replace("AQIDBA", "AQIDBA="),
        ] {
            let error = Token::parse(Zeroizing::new(bad.as_bytes().to_vec())).err();
            let error = error.unwrap_or_else(|| panic!("{bad}"));
            assert!(
                !error.contains("hunter2") && !error.contains("AQID"),
                "{error}"
            );
        }
    }

    #[test]
    fn times_are_for_people() {
        assert_eq!(for_people(42), "42s");
        assert_eq!(for_people(3900), "1h 5m");
        assert_eq!(for_people(3901), "1h 5m");
    }
}
