//! Device authorization (RFC 8628 §3.1, §3.2): a program where nobody can log in gets a code for
//! itself, and one for a person to type elsewhere.

use super::path;
use super::request::Incoming;
use super::respond::{failure, json};
use crate::client_auth;
use crate::error::{Code, Failure, OAuthError};
use crate::pending::Asker;
use crate::scopes;
use crate::state::Server;
use crate::store::Device;
use crate::token::secret::{self, Secret};
use crate::token::user_code;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::GrantType;
use serde_json::{Value, json};
use std::sync::Arc;

/// For how many seconds a program waits before it asks again (§3.2).
const INTERVAL: u64 = 5;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    match authorized(&server, &request).await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(error) => failure(&error),
    }
}

async fn authorized(server: &Server, request: &Incoming) -> Result<Value, Failure> {
    let form = request.form()?;
    let settings = server.settings();
    let config = &settings.config;
    let now = server.now()?;
    let client = client_auth::authenticate(server, &settings, request, &form, now).await?;
    if !client.may(GrantType::DeviceCode) {
        let why = "the client is not registered for this grant";
        return Err(OAuthError::new(Code::UnauthorizedClient, why).into());
    }
    let scopes = scopes::asked(config, &client, form.get("scope"))?;
    let resources = form.several("resource").to_vec();
    scopes::audience(config, &client, &scopes, &resources)?;
    let lifetime = config.lifetimes.device_code;
    let expires = now.saturating_add(lifetime);
    let asker = Asker::of(&client, request.peer);
    server.pending.admit(asker, &config.limits, now, expires)?;
    let device_code = Secret::new()?;
    let device = Device {
        client_id: client.client_id.clone(),
        scopes,
        resources,
    };
    let user_code = loop {
        let user_code = user_code::new()?;
        let by = secret::digest(&user_code);
        let put = server
            .store
            .put_device(&device_code.digest, &by, &device, INTERVAL, expires);
        // Where the code is taken, there is another.
        if put.await? {
            break user_code;
        }
    };
    let shown = user_code::shown(&user_code);
    let page = format!("{}{}", config.issuer, path::DEVICE);
    Ok(json!({
        "device_code": device_code.text.as_str(),
        "user_code": shown,
        "verification_uri_complete": format!("{page}?user_code={shown}"),
        "verification_uri": page,
        "expires_in": lifetime,
        "interval": INTERVAL,
    }))
}
