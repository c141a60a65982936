//! The endpoints: what comes in by HTTP, to a decision, to what goes out. One file each.

mod authorize;
mod bearer;
mod consent;
mod device_authorization;
mod device_page;
mod error_page;
mod health;
mod introspect;
mod jwks;
mod login;
mod metadata;
mod par;
mod register;
pub mod request;
pub mod respond;
mod revoke;
pub mod status_list;
mod token;
mod userinfo;
mod visit;

use crate::state::Server;
use axum::Router;
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;

/// The paths, below the issuer's. Metadata names them, and nothing else makes them up.
pub mod path {
    /// RFC 6749 §3.1
    pub const AUTHORIZE: &str = "/authorize";
    /// The pages of a login.
    pub const LOGIN: &str = "/login";
    /// The page that asks for consent.
    pub const CONSENT: &str = "/consent";
    /// RFC 6749 §3.2
    pub const TOKEN: &str = "/token";
    /// RFC 7009
    pub const REVOKE: &str = "/revoke";
    /// RFC 7662
    pub const INTROSPECT: &str = "/introspect";
    /// RFC 8628 §3.1
    pub const DEVICE_AUTHORIZATION: &str = "/device_authorization";
    /// RFC 8628 §3.3: where a person types the user code.
    pub const DEVICE: &str = "/device";
    /// RFC 7591 §3
    pub const REGISTER: &str = "/register";
    /// RFC 9126 §2
    pub const PAR: &str = "/par";
    /// OpenID Connect Core §5.3
    pub const USERINFO: &str = "/userinfo";
    /// RFC 7517 §5
    pub const JWKS: &str = "/jwks";
    /// Where the status lists are.
    pub const STATUS: &str = "/status";
    /// A status list, by its number.
    pub const STATUS_LIST: &str = "/status/{list}";
    /// RFC 8414 §3
    pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
    /// OpenID Connect Discovery §4
    pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";
    /// Whether the server can serve.
    pub const HEALTH: &str = "/health";
}

/// Every endpoint, and what answers there.
fn endpoints() -> [(&'static str, MethodRouter<Arc<Server>>); 17] {
    [
        (
            path::AUTHORIZE,
            get(authorize::answer).post(authorize::answer_form),
        ),
        (path::LOGIN, get(login::show).post(login::take)),
        (path::CONSENT, get(consent::show).post(consent::take)),
        (path::DEVICE, get(device_page::show).post(device_page::take)),
        (path::TOKEN, post(token::answer)),
        (path::REVOKE, post(revoke::answer)),
        (path::INTROSPECT, post(introspect::answer)),
        (
            path::DEVICE_AUTHORIZATION,
            post(device_authorization::answer),
        ),
        (path::REGISTER, post(register::answer)),
        (path::PAR, post(par::answer)),
        (path::USERINFO, get(userinfo::answer).post(userinfo::answer)),
        (path::JWKS, get(jwks::answer)),
        (path::STATUS, get(status_list::all)),
        (path::STATUS_LIST, get(status_list::answer)),
        (path::HEALTH, get(health::answer)),
        (path::OAUTH_METADATA, get(metadata::answer)),
        (path::OPENID_METADATA, get(metadata::answer)),
    ]
}

/// All endpoints. An issuer with a path has them below it; only the metadata of RFC 8414 have it
/// behind theirs (§3.1).
pub fn router(server: Arc<Server>) -> Router {
    let settings = server.settings();
    let below = issuer_path(&settings.config.issuer);
    let mut router = Router::new();
    for (endpoint, answers) in endpoints() {
        let place = match endpoint {
            path::OAUTH_METADATA => format!("{endpoint}{below}"),
            _ => format!("{below}{endpoint}"),
        };
        router = router.route(&place, answers);
    }
    router.fallback(error_page::not_found).with_state(server)
}

/// The path of the issuer's URL: nothing, or it begins with a slash.
pub fn issuer_path(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default()
}

#[cfg(test)]
mod authorize_tests;
#[cfg(test)]
mod bad_input_tests;
#[cfg(test)]
mod consent_tests;
#[cfg(test)]
mod device_authorization_tests;
#[cfg(test)]
mod device_page_tests;
#[cfg(test)]
mod introspect_tests;
#[cfg(test)]
mod issuer_path_tests;
#[cfg(test)]
mod login_tests;
#[cfg(test)]
mod metadata_tests;
#[cfg(test)]
mod par_tests;
#[cfg(test)]
mod register_tests;
#[cfg(test)]
mod revoke_tests;
#[cfg(test)]
mod userinfo_tests;

#[cfg(test)]
mod tests {
    use super::issuer_path;

    #[test]
    fn what_comes_behind_the_host_is_before_every_path() {
        for (issuer, expected) in [
            ("https://a", ""),
            ("https://a:1", ""),
            ("https://a/b", "/b"),
            ("http://[::1]:1/b/c", "/b/c"),
        ] {
            assert_eq!(issuer_path(issuer), expected, "{issuer}");
        }
    }
}
