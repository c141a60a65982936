//! What the server can do (RFC 8414, OpenID Connect Discovery §3): one document for both places,
//! so that they agree.

use super::path;
use super::respond::{for_everybody, json_to_keep};
use crate::config::check::BUILT_IN;
use crate::config::{Config, RegistrationMode};
use crate::keys::{Keys, assertion_algorithms};
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use clients::{AuthMethod, GrantType};
use serde_json::{Value, json};
use std::sync::Arc;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>) -> Response<Body> {
    let settings = server.settings();
    let metadata = metadata(&settings.config, &settings.keys);
    for_everybody(json_to_keep(&metadata, "public, max-age=300"))
}

fn metadata(config: &Config, keys: &Keys) -> Value {
    let at = |path: &str| format!("{}{path}", config.issuer);
    let scopes: Vec<&str> = BUILT_IN
        .into_iter()
        .chain(config.scopes.keys().map(String::as_str))
        .collect();
    let methods = AuthMethod::ALL.map(AuthMethod::name);
    let can_authenticate: Vec<&str> = methods
        .into_iter()
        .filter(|method| *method != AuthMethod::None.name())
        .collect();
    let mut metadata = json!({
        "issuer": config.issuer,
        "authorization_endpoint": at(path::AUTHORIZE),
        "token_endpoint": at(path::TOKEN),
        "revocation_endpoint": at(path::REVOKE),
        "introspection_endpoint": at(path::INTROSPECT),
        "device_authorization_endpoint": at(path::DEVICE_AUTHORIZATION),
        "pushed_authorization_request_endpoint": at(path::PAR),
        "userinfo_endpoint": at(path::USERINFO),
        "jwks_uri": at(path::JWKS),
        "status_list_aggregation_endpoint": at(path::STATUS),
        "scopes_supported": scopes,
        "response_types_supported": ["code", "token", "id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algorithms(),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algorithms(),
        "introspection_endpoint_auth_methods_supported": can_authenticate,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algorithms(),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": false,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": keys.algorithms(),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "amr", "nonce",
            "preferred_username", "name", "groups"],
        "prompt_values_supported": ["none", "login", "consent"],
    });
    if let (Some(members), true) = (
        metadata.as_object_mut(),
        config.registration.mode != RegistrationMode::Off,
    ) {
        members.insert(
            "registration_endpoint".to_owned(),
            at(path::REGISTER).into(),
        );
    }
    metadata
}
