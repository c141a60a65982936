//! Tokens that are bound to a key (`cnf`, RFC 7800): good behind that key alone.

use crate::decision::Refusal;
use crate::explain::Observer;
use crate::reason::Reason;
use jose::{Claims, PublicKey, confirmation};

/// A token that is bound to a key (`cnf`, RFC 7800) comes from whoever has that key. A
/// prompt proves no possession, so it is for the host program to have had it `proved`.
pub(crate) fn check(
    claims: &Claims,
    proved: &[PublicKey],
    observer: &mut dyn Observer,
) -> Result<(), Refusal> {
    let Some(cnf) = claims.get("cnf") else {
        return Ok(());
    };
    let named = confirmation::named_key(cnf);
    let key = named
        .as_ref()
        .ok()
        .and_then(|named| proved.iter().find(|key| named.is(key)));
    let passed = key.is_some();
    match &named {
        Err(why) => observer.check(
            format_args!("binding"),
            passed,
            format_args!("the token is bound by its cnf claim, and {why}"),
        ),
        Ok(named) => observer.check(
            format_args!("binding"),
            passed,
            format_args!(
                "cnf names the key {named}, and possession was proved of {}",
                Proved(proved)
            ),
        ),
    }
    if passed {
        Ok(())
    } else {
        Err(Reason::KeyBound.into())
    }
}

/// The thumbprints of keys, or `none`.
struct Proved<'a>(&'a [PublicKey]);

impl std::fmt::Display for Proved<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let all: Vec<String> = self.0.iter().map(PublicKey::thumbprint).collect();
        f.write_str(&all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::Silent;

    fn claims(json: &str) -> Claims {
        Claims::parse(json.as_bytes()).unwrap()
    }

    /// Checklist: A.28
    #[test]
    fn a_key_bound_token_is_accepted_where_its_key_was_proved_alone() {
        let keys: Vec<PublicKey> = [1, 2]
            .map(|byte| PublicKey::ed25519(&[byte; 32]).unwrap())
            .into();
        let bound = |cnf: &str, proved: &[PublicKey]| {
            let claims = claims(&format!("{{\"cnf\":{cnf}}}"));
            check(&claims, proved, &mut Silent).map_err(|refusal| refusal.reason)
        };
        let jkt = format!("{{\"jkt\":\"{}\"}}", keys[0].thumbprint());
        let jwk = format!("{{\"jwk\":{}}}", keys[0].canonical_jwk());
        for cnf in [&jkt, &jwk] {
            assert_eq!(bound(cnf, &keys), Ok(()));
            assert_eq!(bound(cnf, &keys[..1]), Ok(()));
            assert_eq!(bound(cnf, &keys[1..]), Err(Reason::KeyBound));
            assert_eq!(bound(cnf, &[]), Err(Reason::KeyBound));
        }
        assert!(check(&claims("{}"), &[], &mut Silent).is_ok());
        assert!(check(&claims("{}"), &keys, &mut Silent).is_ok());
    }
}
