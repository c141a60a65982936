//! Who the person is (OpenID Connect Core §5.3), for whom a token with the scope `openid` was
//! issued, as the machine knows them now. The token is for this server too (`aud`): one that was
//! made for another resource alone opens nothing here (RFC 9068 §4).

use super::bearer;
use super::request::Incoming;
use super::respond::{failure, json};
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::state::Server;
use crate::token::access::{self, Verified};
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use std::sync::Arc;
use system::account_db;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let token = match bearer::token(&request) {
        Ok(Some(token)) => token,
        Ok(None) => return bearer::challenge(),
        Err(error) => return bearer::refusal(&error, None),
    };
    match answered(&server, token).await {
        Ok(claims) => json(StatusCode::OK, &claims),
        Err(Failure::Refused(error)) => {
            let scope = (error.code == Code::InsufficientScope).then_some("openid");
            bearer::refusal(&error, scope)
        }
        Err(fault) => failure(&fault),
    }
}

async fn answered(server: &Server, token: &str) -> Result<Map<String, Value>, Failure> {
    let invalid = || OAuthError::new(Code::InvalidToken, "the token is not good, or no more");
    let settings = server.settings();
    let now = server.now()?;
    let verified = access::verify(token, &settings.config.issuer, &settings.keys, now)
        .filter(|verified| !server.revoked.has(verified.index))
        .ok_or_else(invalid)?;
    let audience = verified.claims.audience.as_deref().unwrap_or_default();
    if !audience.contains(&settings.config.issuer) {
        let why = "the token is for another resource";
        return Err(OAuthError::new(Code::InvalidToken, why).into());
    }
    if !has_scope(&verified, "openid") {
        let why = "the token lacks the scope openid";
        return Err(OAuthError::new(Code::InsufficientScope, why).into());
    }
    let account = verified.claims.subject.clone().ok_or_else(invalid)?;
    // Databases of accounts may be at the other end of a network.
    let asked = tokio::task::spawn_blocking(move || account_db::full_name_of(&account)).await;
    let full_name = asked.map_err(Fault::lasting)?.map_err(Fault::passing)?;
    Ok(claims(&verified, &full_name.ok_or_else(invalid)?))
}

fn has_scope(verified: &Verified, name: &str) -> bool {
    let scope = verified.claims.get("scope").and_then(Value::as_str);
    scope.is_some_and(|scope| scope.split(' ').any(|one| one == name))
}

/// What is said of the person: what the token's scopes allow (§5.4).
fn claims(verified: &Verified, full_name: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    let account = verified.claims.subject.as_deref().unwrap_or_default();
    put("sub", account.into());
    if has_scope(verified, "profile") {
        put("preferred_username", account.into());
        if !full_name.is_empty() {
            put("name", full_name.into());
        }
    }
    if let Some(groups) = verified.claims.get("groups") {
        put("groups", groups.clone());
    }
    claims
}
