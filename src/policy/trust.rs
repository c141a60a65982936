//! What is trusted once the configuration and its key files are loaded.

use crate::config::{Config, Device, Global, Introspection, Issuer, KeyFile, Rule, TokenTypes};
use crate::fetched::Fetched;
use crate::spiffe;
use crate::status::StatusMode;
use jose::{
    Algorithm, Claims, Header, Jwk, JwkSet, KeyError, Material, Validity, VerifyingKey, pem,
};
use std::collections::BTreeSet;

/// Everything that a decision needs besides the token, the request and the time.
#[derive(Debug, Clone)]
pub struct Trust {
    /// `pam-jwt.toml`
    pub global: Global,
    /// The issuers, each with its keys.
    pub issuers: Vec<TrustedIssuer>,
}

/// One issuer with its keys.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    /// The file that it was read from.
    pub file: String,
    /// Its `iss`, or the name of a trust domain, such as `spiffe://example.org`.
    pub issuer: String,
    /// Whether it is a trust domain of SPIFFE, whose tokens have no `iss`.
    pub is_trust_domain: bool,
    /// What a token's `aud` must name one of, `{hostname}` replaced.
    pub audience: Vec<String>,
    /// Its keys, no kid twice.
    pub keys: Vec<TrustedKey>,
    /// Files of its keys that this process may not read, as it is not root.
    pub out_of_reach: Vec<String>,
    /// How its keys were fetched, if they are not its files'.
    pub fetched: Option<Fetched>,
    /// Whether its status lists are fetched, too.
    pub lists_are_fetched: bool,
    /// How people log in with a browser, if they may.
    pub device: Option<Device>,
    /// How it is asked about opaque tokens, if it is.
    pub introspection: Option<Introspection>,
    /// The `typ` that its tokens may have.
    pub types: TokenTypes,
    /// The most seconds from `iat` to `exp`.
    pub max_lifetime: Option<u64>,
    /// What becomes of a token of which no status list says anything.
    pub status: StatusMode,
    /// Its rules, in file order.
    pub allow: Vec<Rule>,
}

/// One key, as it is found by its kid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// Its own kid, the configured one, or its thumbprint.
    pub kid: String,
    /// Key and algorithm.
    pub key: VerifyingKey,
    /// The dates of the certificate that it came in.
    pub validity: Option<Validity>,
    /// The file that it came from.
    pub source: String,
    /// Where its issuer publishes it no longer, when it last did, in seconds since the epoch. It
    /// is kept for a while: a token that names it may still be good, one that names none is not
    /// meant for it.
    pub withdrawn: Option<u64>,
}

/// The keys of one issuer, as far as they could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeysOfIssuer {
    /// Those of all its files.
    pub keys: Vec<TrustedKey>,
    /// Files that this process may not read, as it is not root.
    pub out_of_reach: Vec<String>,
    /// Of keys that are fetched the last success, in seconds since the epoch, or why there are
    /// none to use.
    pub checked_at: Option<Result<u64, String>>,
}

/// The keys of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysOfFile {
    /// Those that may verify.
    pub keys: Vec<TrustedKey>,
    /// Entries of a set that were left out, and why.
    pub left_out: Vec<(usize, KeyError)>,
}

/// Why a token is of no issuer that is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoIssuer<'a> {
    /// It has neither `iss` nor a SPIFFE ID as its `sub`.
    Unnamed,
    /// Nothing here names the one that it is of.
    Unknown(&'a str),
}

impl Trust {
    /// Joins `config` with the keys that were read for it, in the same order,
    /// on the machine `hostname`.
    ///
    /// # Errors
    /// The issuer's file and the kid, where two keys of an issuer have the same.
    pub fn new(
        config: Config,
        keys: Vec<KeysOfIssuer>,
        hostname: &str,
    ) -> Result<Self, Vec<(String, KeyError)>> {
        let host = config.global.audience_host.as_deref().unwrap_or(hostname);
        let mut faults = Vec::new();
        let mut issuers = Vec::new();
        for (issuer, keys) in config.issuers.into_iter().zip(keys) {
            let mut kids = BTreeSet::new();
            for key in keys.keys.iter().filter(|key| !kids.insert(&key.kid)) {
                faults.push((issuer.file.clone(), KeyError::DuplicateKid(key.kid.clone())));
            }
            issuers.push(TrustedIssuer::new(issuer, keys, host));
        }
        if faults.is_empty() {
            Ok(Self {
                global: config.global,
                issuers,
            })
        } else {
            Err(faults)
        }
    }

    /// The issuer, or the trust domain, of exactly this name.
    pub fn issuer(&self, name: &str) -> Option<&TrustedIssuer> {
        self.issuers.iter().find(|issuer| issuer.issuer == name)
    }

    /// By whose keys a token with these claims has to be signed: those of its `iss` or, where
    /// it has none, of the trust domain in its `sub`. What has an `iss` is never a trust
    /// domain's, whoever it names: each token has one issuer that it can be of.
    ///
    /// # Errors
    /// [`NoIssuer`].
    pub fn issuer_of<'a>(&self, claims: &'a Claims) -> Result<&TrustedIssuer, NoIssuer<'a>> {
        let subject = claims.subject.as_deref();
        let (name, is_trust_domain) = match (&claims.issuer, subject.and_then(spiffe::parse)) {
            (Some(iss), _) => (iss.as_str(), false),
            (None, Some(trust_domain)) => (trust_domain, true),
            (None, None) => return Err(NoIssuer::Unnamed),
        };
        let named = self.issuer(name);
        named
            .filter(|issuer| issuer.is_trust_domain == is_trust_domain)
            .ok_or(NoIssuer::Unknown(name))
    }
}

impl TrustedIssuer {
    fn new(issuer: Issuer, keys: KeysOfIssuer, host: &str) -> Self {
        let audience = issuer
            .audience
            .iter()
            .map(|text| text.replace("{hostname}", host))
            .collect();
        let lists_are_fetched = issuer.fetch.is_some() || !issuer.status_lists.is_empty();
        let fetched = issuer.fetch.map(|fetch| Fetched {
            max_key_age: fetch.max_key_age,
            on_unknown_kid: fetch.on_unknown_kid,
            checked_at: keys
                .checked_at
                .unwrap_or_else(|| Err("nobody looked for them".to_owned())),
        });
        let device = issuer.device.map(|device| Device {
            resource: device.resource.map(|text| text.replace("{hostname}", host)),
            ..device
        });
        Self {
            file: issuer.file,
            issuer: issuer.issuer,
            is_trust_domain: issuer.is_trust_domain,
            audience,
            keys: keys.keys,
            out_of_reach: keys.out_of_reach,
            fetched,
            lists_are_fetched,
            device,
            introspection: issuer.introspection,
            types: issuer.types,
            max_lifetime: issuer.max_lifetime,
            status: issuer.status,
            allow: issuer.allow,
        }
    }

    /// The key that `header` means at `now`, in seconds since the epoch, as [`select`] finds it.
    /// That a token without a kid fits one key only cannot be said where some could not be read.
    pub fn key_for(&self, header: &Header, now: u64) -> Option<&TrustedKey> {
        let all_read = self.out_of_reach.is_empty();
        let is_kept = |key: &&TrustedKey| {
            let fetched = self.fetched.as_ref();
            fetched.is_none_or(|fetched| fetched.keeps(key.withdrawn, now))
        };
        select(&self.keys, header)
            .filter(|_| all_read || header.kid.is_some())
            .filter(is_kept)
    }

    /// The last part of the file's name, for the log.
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or_default()
    }
}

/// The one of `keys` that `header` means: the one of its kid or, where it has
/// none, the only one that is for its alg, those aside that are published no longer.
pub fn select<'a>(keys: &'a [TrustedKey], header: &Header) -> Option<&'a TrustedKey> {
    if let Some(kid) = &header.kid {
        return keys.iter().find(|key| key.kid == *kid);
    }
    let is_meant = |key: &&TrustedKey| key.key.accepts(header.alg) && key.withdrawn.is_none();
    let mut fitting = keys.iter().filter(is_meant);
    fitting.next().filter(|_| fitting.next().is_none())
}

/// Reads the keys in `text`, the content of `file`: a PEM public key, an X.509
/// certificate, a JWK or a JWK Set.
///
/// # Errors
/// [`KeyError`], with the cause.
pub fn keys_in(file: &KeyFile, text: &[u8]) -> Result<KeysOfFile, KeyError> {
    let (set, validity) = if pem::is_pem(text) {
        let pem = pem::parse(text)?;
        let jwk = Jwk {
            kid: None,
            alg: None,
            key: Material::Public(pem.key),
        };
        let set = JwkSet {
            keys: vec![jwk],
            left_out: Vec::new(),
        };
        (set, pem.validity)
    } else if text.trim_ascii_start().starts_with(b"{") {
        (JwkSet::parse_for(text, file.key_use)?, None)
    } else {
        return Err(KeyError::Format(NO_KEY_FILE.to_owned()));
    };
    let mut keys = Vec::new();
    for jwk in set.keys {
        let kid = match (jwk.kid.clone(), &file.kid) {
            (Some(own), Some(configured)) if own != *configured => {
                return Err(KeyError::Kid {
                    own,
                    configured: configured.clone(),
                });
            }
            (own, configured) => own
                .or_else(|| configured.clone())
                .or_else(|| jwk.key.thumbprint())
                .ok_or(KeyError::KidMissing)?,
        };
        let alg = agreed(jwk.alg, file.alg)?;
        let key = VerifyingKey::new(jwk.key, alg)?;
        file.key_use.check(key.algorithm())?;
        keys.push(TrustedKey {
            kid,
            key,
            validity,
            source: file.file.clone(),
            withdrawn: None,
        });
    }
    Ok(KeysOfFile {
        keys,
        left_out: set.left_out,
    })
}

const NO_KEY_FILE: &str = "it is neither PEM nor a JWK or JWK Set; openssl pkey -pubin -inform DER \
     reads DER, and ssh-keygen -e -m PKCS8 an OpenSSH public key";

/// A key's own alg and the configured one must not contradict each other.
fn agreed(
    own: Option<Algorithm>,
    configured: Option<Algorithm>,
) -> Result<Option<Algorithm>, KeyError> {
    match (own, configured) {
        (Some(own), Some(configured)) if own != configured => {
            Err(KeyError::Algorithm(configured.to_string()))
        }
        (own, configured) => Ok(own.or(configured)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use jose::KeyUse;

    const ED: &str =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

    fn file(alg: Option<Algorithm>, kid: Option<&str>) -> KeyFile {
        KeyFile {
            file: "/k".into(),
            alg,
            kid: kid.map(str::to_owned),
            key_use: KeyUse::Signature,
        }
    }

    fn issuer(keys: Vec<TrustedKey>) -> Result<Trust, Vec<(String, KeyError)>> {
        let text = "issuer='i'\naudience=['ssh://{hostname}','x']\nkeys=['/k']";
        let config = Config::parse(
            Source {
                file: "pam-jwt.toml",
                text: "",
            },
            &[Source {
                file: "i.toml",
                text,
            }],
        )
        .whole()
        .unwrap();
        let keys = KeysOfIssuer {
            keys,
            ..KeysOfIssuer::default()
        };
        Trust::new(config, vec![keys], "host1")
    }

    /// Checklist: A.13
    #[test]
    fn a_kid_is_the_keys_own_or_the_configured_one_or_the_thumbprint() {
        let kid = |text: &str, configured| {
            keys_in(&file(None, configured), text.as_bytes())
                .unwrap()
                .keys[0]
                .kid
                .clone()
        };
        assert_eq!(kid(EC, Some("e")), "e");
        let conflict = keys_in(&file(None, Some("c")), EC.as_bytes());
        assert!(matches!(conflict, Err(KeyError::Kid { .. })));
        assert_eq!(kid(ED, Some("c")), "c");
        assert_eq!(kid(ED, None), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    /// Checklist: A.10, A.14
    #[test]
    fn a_configured_alg_must_fit_the_key() {
        assert!(keys_in(&file(Some(Algorithm::EdDsa), None), ED.as_bytes()).is_ok());
        let wrong = keys_in(&file(Some(Algorithm::Rs256), None), ED.as_bytes());
        assert_eq!(wrong, Err(KeyError::Algorithm("RS256".into())));
    }

    /// Checklist: A.13
    #[test]
    fn without_a_kid_exactly_one_key_must_fit() {
        let header = |alg, kid: Option<&str>| Header {
            alg,
            kid: kid.map(str::to_owned),
            typ: None,
        };
        let both = format!("{{\"keys\":[{ED},{EC}]}}");
        let one_each = issuer(keys_in(&file(None, None), both.as_bytes()).unwrap().keys).unwrap();
        let issuer_i = one_each.issuer("i").unwrap();
        assert_eq!(issuer_i.audience, ["ssh://host1", "x"]);
        assert!(
            issuer_i
                .key_for(&header(Algorithm::EdDsa, None), 0)
                .is_some()
        );
        assert!(
            issuer_i
                .key_for(&header(Algorithm::Rs256, None), 0)
                .is_none()
        );
        assert!(
            issuer_i
                .key_for(&header(Algorithm::EdDsa, Some("x")), 0)
                .is_none()
        );
        // A kid decides alone; that its key is for another alg is found later.
        assert_eq!(
            issuer_i
                .key_for(&header(Algorithm::EdDsa, Some("e")), 0)
                .unwrap()
                .kid,
            "e"
        );

        let mut two = keys_in(&file(None, Some("a")), ED.as_bytes()).unwrap().keys;
        two.extend(keys_in(&file(None, Some("b")), ED.as_bytes()).unwrap().keys);
        let ambiguous = issuer(two).unwrap();
        assert!(
            ambiguous.issuers[0]
                .key_for(&header(Algorithm::EdDsa, None), 0)
                .is_none()
        );
        // One that its issuer publishes no longer is meant by its kid alone.
        let mut rotated = ambiguous;
        rotated.issuers[0].keys[0].withdrawn = Some(0);
        let kid = |named: Option<&str>| {
            let found = rotated.issuers[0].key_for(&header(Algorithm::EdDsa, named), 0);
            found.map(|key| key.kid.clone())
        };
        assert_eq!(kid(None).as_deref(), Some("b"));
        assert_eq!(kid(Some("a")).as_deref(), Some("a"));
    }

    #[test]
    fn what_is_no_key_file_says_what_would_be_one() {
        for text in ["", "ssh-ed25519 AAAA root@x", "\u{feff}{}", "\x30\x2a"] {
            let none = keys_in(&file(None, None), text.as_bytes());
            assert_eq!(none, Err(KeyError::Format(NO_KEY_FILE.into())));
        }
    }

    /// Checklist: A.18
    #[test]
    fn one_kid_in_two_files_is_refused() {
        let mut twice = keys_in(&file(None, None), ED.as_bytes()).unwrap().keys;
        twice.extend(keys_in(&file(None, None), ED.as_bytes()).unwrap().keys);
        assert_eq!(issuer(twice).unwrap_err().len(), 1);
    }
}
