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
use axum::routing::{get, post};
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
    /// The status lists; a list's number follows.
    pub const STATUS: &str = "/status";
    /// RFC 8414 §3
    pub const OAUTH_METADATA: &str = "/.well-known/oauth-authorization-server";
    /// OpenID Connect Discovery §4
    pub const OPENID_METADATA: &str = "/.well-known/openid-configuration";
    /// Whether the server can serve.
    pub const HEALTH: &str = "/health";
}

/// All endpoints. An issuer with a path has them below it.
pub fn router(server: Arc<Server>) -> Router {
    let settings = server.settings();
    let below = issuer_path(&settings.config.issuer).to_owned();
    let at = |path: &str| format!("{below}{path}");
    Router::new()
        .route(
            &at(path::AUTHORIZE),
            get(authorize::answer).post(authorize::answer_form),
        )
        .route(&at(path::LOGIN), get(login::show).post(login::take))
        .route(&at(path::CONSENT), get(consent::show).post(consent::take))
        .route(
            &at(path::DEVICE),
            get(device_page::show).post(device_page::take),
        )
        .route(&at(path::TOKEN), post(token::answer))
        .route(&at(path::REVOKE), post(revoke::answer))
        .route(&at(path::INTROSPECT), post(introspect::answer))
        .route(
            &at(path::DEVICE_AUTHORIZATION),
            post(device_authorization::answer),
        )
        .route(&at(path::REGISTER), post(register::answer))
        .route(&at(path::PAR), post(par::answer))
        .route(
            &at(path::USERINFO),
            get(userinfo::answer).post(userinfo::answer),
        )
        .route(&at(path::JWKS), get(jwks::answer))
        .route(&at(path::STATUS), get(status_list::all))
        .route(&at(path::HEALTH), get(health::answer))
        .route(
            &format!("{}/{{list}}", at(path::STATUS)),
            get(status_list::answer),
        )
        // For an issuer with a path the one is put in front of it (RFC 8414 §3.1), the other
        // behind it (Discovery §4.1).
        .route(
            &format!("{}{below}", path::OAUTH_METADATA),
            get(metadata::answer),
        )
        .route(&at(path::OPENID_METADATA), get(metadata::answer))
        .fallback(error_page::not_found)
        .with_state(server)
}

/// The path of the issuer's URL: nothing, or it begins with a slash.
pub fn issuer_path(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default()
}

#[cfg(test)]
mod bad_input_tests;
#[cfg(test)]
mod browser_tests;
#[cfg(test)]
mod device_authorization_tests;
#[cfg(test)]
mod introspect_tests;
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
