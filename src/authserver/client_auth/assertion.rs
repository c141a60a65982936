//! A client's signed assertion of who it is (RFC 7523 §2.2, §3; `private_key_jwt` of OpenID
//! Connect Core §9).

use crate::config::Config;
use crate::endpoint::path;
use crate::error::Fault;
use crate::state::Server;
use clients::{AuthMethod, Client};
use jose::{Claims, Compact, Header, KeyUse};
use policy::config::KeyFile;
use policy::trust::{keys_in, select};

/// What `client_assertion_type` says.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the clocks may be apart, in seconds.
const LEEWAY: u64 = 30;

/// None is good for longer, in seconds: for so long its `jti` is remembered.
const LONGEST: u64 = 3600;

/// What a header's `typ` may be; none will do.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// Whom an assertion is of, by its own word.
pub fn subject(assertion: &str) -> Option<String> {
    let compact = Compact::parse(assertion.as_bytes()).ok()?;
    Claims::parse(compact.payload()).ok()?.subject
}

/// Whether this is the client's, for this server, at this time, for the first time.
///
/// # Errors
/// The store does not answer.
pub async fn is_good(
    server: &Server,
    config: &Config,
    client: &Client,
    assertion: &str,
    now: u64,
) -> Result<bool, Fault> {
    if client.token_endpoint_auth_method != AuthMethod::PrivateKeyJwt {
        return Ok(false);
    }
    let Some((id, expires)) = verified(config, client, assertion, now) else {
        return Ok(false);
    };
    let parts = [client.client_id.as_bytes(), id.as_bytes()];
    let digest = jose::digest::sha256_hex(&parts);
    let remembered = expires.saturating_add(LEEWAY);
    server
        .store
        .first_use("client_assertion", &digest, remembered)
        .await
}

/// The `jti` and `exp` of an assertion in which everything holds.
fn verified(config: &Config, client: &Client, assertion: &str, now: u64) -> Option<(String, u64)> {
    let compact = Compact::parse(assertion.as_bytes()).ok()?;
    let header = Header::parse(&compact).ok()?;
    let is_type = |typ: &str| {
        let typ = typ.to_ascii_lowercase();
        TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ))
    };
    if !header.typ.as_deref().is_none_or(is_type) || header.alg.is_symmetric() {
        return None;
    }
    let jwks = client.jwks.as_ref()?.to_string();
    let file = KeyFile {
        file: String::new(),
        alg: None,
        kid: None,
        key_use: KeyUse::Signature,
    };
    let keys = keys_in(&file, jwks.as_bytes()).ok()?.keys;
    let key = select(&keys, &header)?;
    key.key.verify(&compact, &header).ok()?;
    let claims = Claims::parse(compact.payload()).ok()?;
    let is_own = |claim: &Option<String>| claim.as_ref() == Some(&client.client_id);
    if !is_own(&claims.issuer) || !is_own(&claims.subject) {
        return None;
    }
    let audience = claims.audience.as_ref()?;
    if !audience.iter().any(|one| is_this_server(config, one)) {
        return None;
    }
    let expires = claims.expires?.floor();
    let is_now = now < expires.saturating_add(LEEWAY)
        && expires <= now.saturating_add(LONGEST)
        && [claims.not_before, claims.issued_at]
            .into_iter()
            .flatten()
            .all(|begins| begins.ceil() <= now.saturating_add(LEEWAY));
    is_now.then_some((claims.id?, expires))
}

/// Whether an assertion with this `aud` is for this server (RFC 7523 §3, RFC 9126 §2).
pub fn is_this_server(config: &Config, audience: &str) -> bool {
    audience
        .strip_prefix(&config.issuer)
        .is_some_and(|below| below.is_empty() || below == path::TOKEN || below == path::PAR)
}
