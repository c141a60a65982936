//! The keys of an issuer: what it publishes, checked, and what is kept of what it published
//! before.

use jose::{KeyUse, json};
use policy::config::KeyFile;
use policy::trust::keys_in;
use serde_json::Value;
use std::collections::BTreeSet;
use system::fetched::StoredKey;

/// No more keys than that are kept so, the ones that were seen last: what a login reads has a
/// bound, whatever an issuer publishes.
const MOST_KEPT: usize = 50;

/// What a verifier needs of a key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, RFC 9964 §3);
/// certificates and what else is published with it is not kept.
const MEMBERS: [&str; 10] = ["kty", "crv", "x", "y", "n", "e", "pub", "alg", "kid", "use"];

/// The keys in `body`, an answer that came at `now`: those that may verify signatures, of which
/// there is at least one; `key_use` is what they have to be for.
///
/// # Errors
/// What is wrong with the set; then none of it is used.
pub fn published(body: &[u8], key_use: KeyUse, now: u64) -> Result<Vec<StoredKey>, String> {
    let members = json::object(body).map_err(|_| NO_SET.to_owned())?;
    let Some(Value::Array(entries)) = members.get("keys") else {
        return Err(NO_SET.to_owned());
    };
    let file = KeyFile {
        file: String::new(),
        alg: None,
        kid: None,
        key_use,
    };
    let found = keys_in(&file, body).map_err(|error| format!("its keys: {error}"))?;
    if found.keys.iter().any(|key| key.key.material().is_secret()) {
        return Err("its keys: one is symmetric, so that everybody could sign with it".to_owned());
    }
    let left_out: BTreeSet<usize> = found.left_out.iter().map(|(at, _)| *at).collect();
    let taken = entries.iter().enumerate();
    let taken = taken.filter(|(at, _)| !left_out.contains(at));
    let mut kids = BTreeSet::new();
    let mut keys = Vec::new();
    for ((_, entry), key) in taken.zip(found.keys) {
        if !kids.insert(key.kid.clone()) {
            return Err(format!("its keys: two have the kid {:?}", key.kid));
        }
        let member = |name: &&str| Some(((*name).to_owned(), entry.get(name)?.clone()));
        keys.push(StoredKey {
            kid: key.kid,
            jwk: MEMBERS.iter().filter_map(member).collect(),
            seen_at: now,
        });
    }
    Ok(keys)
}

const NO_SET: &str = "it answered with something else than a JWK Set";

/// What is to be stored: the keys that are `published`, and those of `stored` that were seen
/// less than `grace` seconds before `now`. A key is not kept if another has its kid now, nor if
/// it has no kid of its own: a token that names none fits one key alone.
pub fn merged(
    published: Vec<StoredKey>,
    stored: Vec<StoredKey>,
    now: u64,
    grace: u64,
) -> Vec<StoredKey> {
    let is_kept = |old: &StoredKey| {
        let age = now.checked_sub(old.seen_at);
        age.is_some_and(|age| age < grace)
            && old.jwk.contains_key("kid")
            && published.iter().all(|new| new.kid != old.kid)
    };
    let kept = stored.into_iter().filter(is_kept).map(|old| StoredKey {
        // What is published now is told from it by this time, also within one second.
        seen_at: old.seen_at.min(now.saturating_sub(1)),
        ..old
    });
    let mut kept: Vec<StoredKey> = kept.collect();
    kept.sort_by_key(|key| std::cmp::Reverse(key.seen_at));
    kept.truncate(MOST_KEPT);
    published.into_iter().chain(kept).collect()
}

/// What an issuer still publishes, as it says that nothing has changed since `checked_at`.
pub fn unchanged(stored: &[StoredKey], checked_at: u64, now: u64) -> Vec<StoredKey> {
    let current = stored.iter().filter(|key| key.seen_at == checked_at);
    let seen = |key: &StoredKey| StoredKey {
        seen_at: now,
        ..key.clone()
    };
    current.map(seen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::fetched::GRACE;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const EC: [&str; 2] = [
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    ];

    fn ed(kid: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": kid, "use": "sig", "x5c": ["M"]})
    }

    fn ec(kid: &str) -> Value {
        let [x, y] = EC;
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256"})
    }

    fn read(body: &Value) -> Result<Vec<StoredKey>, String> {
        published(body.to_string().as_bytes(), KeyUse::Signature, 100)
    }

    fn kids(keys: &[StoredKey]) -> Vec<&str> {
        keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn what_verifies_is_taken_and_nothing_else_of_it() {
        let encrypts = json!({"kty": "RSA", "use": "enc", "kid": "a", "n": "AA", "e": "AQAB"});
        let unknown = json!({"kty": "XYZ", "kid": "z"});
        let keys = read(&json!({"keys": [encrypts, ed("a"), unknown, ec("b")], "x": 1})).unwrap();
        assert_eq!(kids(&keys), ["a", "b"]);
        let members: Vec<&String> = keys[0].jwk.keys().collect();
        assert_eq!(members, ["crv", "kid", "kty", "use", "x"]);
        assert_eq!(
            (keys[1].jwk["alg"].as_str(), keys[1].seen_at),
            (Some("ES256"), 100)
        );
        // Without a kid it has its thumbprint's (RFC 7638).
        let mut nameless = ed("");
        nameless.as_object_mut().unwrap().remove("kid");
        let keys = read(&json!({"keys": [nameless]})).unwrap();
        assert_eq!(kids(&keys), ["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]);
    }

    #[test]
    fn a_set_that_is_wrong_is_refused_whole() {
        let mut private = ed("p");
        private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let symmetric = json!({"kty": "oct", "kid": "s", "k": X});
        let mut nameless = ed("");
        nameless.as_object_mut().unwrap().remove("kid");
        for (body, why) in [
            (json!({"keys": [ed("a"), ec("a")]}), "\"a\""),
            (json!({"keys": [ed("a"), private]}), "private"),
            (json!({"keys": [ed("a"), symmetric]}), "symmetric"),
            (json!({"keys": [nameless, nameless]}), "two have the kid"),
            (json!({"keys": []}), "its keys: "),
            (json!({"keys": [{"kty": "XYZ"}]}), "XYZ"),
            (json!({"keys": {}}), NO_SET),
            (ed("a"), NO_SET),
            (json!({}), NO_SET),
        ] {
            let refused = read(&body).unwrap_err();
            assert!(refused.contains(why), "{refused}: {body}");
        }
        for body in [
            "",
            "<html>",
            "[]",
            "{\"keys\":[",
            "{\"keys\":[],\"keys\":[]}",
        ] {
            let refused = published(body.as_bytes(), KeyUse::Signature, 0).unwrap_err();
            assert_eq!(refused, NO_SET, "{body}");
        }
    }

    #[test]
    fn a_key_that_has_vanished_is_kept_for_a_while() {
        let first = read(&json!({"keys": [ed("a"), ec("b")]})).unwrap();
        let second = published(
            json!({"keys": [ec("b")]}).to_string().as_bytes(),
            KeyUse::Signature,
            150,
        );
        let second = second.unwrap();
        for (now, grace, expected) in [
            (150, 100, vec!["b", "a"]),
            (199, 100, vec!["b", "a"]),
            (200, 100, vec!["b"]),
            (101, 0, vec!["b"]),
            // The clock was set back: nobody knows how long ago that was.
            (99, 100, vec!["b"]),
        ] {
            let merged = merged(second.clone(), first.clone(), now, grace);
            assert_eq!(kids(&merged), expected, "{now}");
            assert_eq!(merged[0].seen_at, 150);
        }
    }

    #[test]
    fn what_has_its_kid_now_takes_a_keys_place() {
        let old = read(&json!({"keys": [ed("a")]})).unwrap();
        let new = read(&json!({"keys": [ec("a")]})).unwrap();
        assert_eq!(merged(new.clone(), old, 110, 100), new);
        let mut nameless = ed("");
        nameless.as_object_mut().unwrap().remove("kid");
        let old = read(&json!({"keys": [nameless]})).unwrap();
        assert_eq!(merged(new.clone(), old, 110, 100), new);
    }

    #[test]
    fn no_issuer_makes_its_file_grow_without_end() {
        let mut stored = Vec::new();
        for now in 100..400 {
            let body = json!({"keys": [ed(&format!("k{now}"))]}).to_string();
            let new = published(body.as_bytes(), KeyUse::Signature, now).unwrap();
            stored = merged(new, stored, now, GRACE);
        }
        assert_eq!(stored.len(), 1 + MOST_KEPT);
        assert_eq!((&*stored[0].kid, &*stored[50].kid), ("k399", "k349"));
    }

    #[test]
    fn where_nothing_has_changed_what_was_published_is_seen_again() {
        let mut stored = read(&json!({"keys": [ed("a"), ec("b")]})).unwrap();
        stored[1].seen_at = 60;
        let seen = unchanged(&stored, 100, 170);
        assert_eq!(kids(&seen), ["a"]);
        assert_eq!(seen[0].seen_at, 170);
        assert_eq!(kids(&merged(seen, stored, 170, 200)), ["a", "b"]);
        // What vanished within the second in which it was seen has vanished.
        let first = read(&json!({"keys": [ed("a")]})).unwrap();
        let second = read(&json!({"keys": [ec("b")]})).unwrap();
        let stored = merged(second, first, 100, 200);
        assert_eq!(kids(&stored), ["b", "a"]);
        assert_eq!(kids(&unchanged(&stored, 100, 170)), ["b"]);
    }
}
