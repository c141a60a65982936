//! The authorization endpoint (RFC 6749 §3.1): a client sends a browser here, whose person logs in
//! and is asked, and the browser is sent back with the answer.

use super::error_page::{Trouble, told};
use super::par;
use super::path;
use super::request::Incoming;
use super::visit::{LoggedIn, Visit, sent};
use crate::authorization::decision::{self, Login, Next};
use crate::authorization::destination::Destination;
use crate::authorization::interaction::{self, Errand};
use crate::authorization::request::{
    AuthorizationRequest, Refusal, ResponseType, alone, unreadable,
};
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::issue::{self, Wants};
use crate::parameters::Parameters;
use crate::scopes;
use crate::state::Server;
use crate::store;
use crate::token::secret::{self, Secret};
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use clients::Client;
use jose::sign;
use std::borrow::Cow;
use std::sync::Arc;

/// Answers.
pub async fn answer(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let answered = begun(&server, &request).await;
    answered.unwrap_or_else(|trouble| told(&server, &trouble))
}

/// Answers a form (OpenID Connect Core §3.1.2.1): sends the browser here again with what it says
/// in the address, since with a form of another site it sends no cookies of this one.
pub async fn answer_form(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let address = || -> Result<Response<Body>, Trouble> {
        request.form()?;
        let form = std::str::from_utf8(request.body()?).unwrap_or_default();
        if form.len() > par::MOST || !form.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(OAuthError::request("the form is too long, or not encoded").into());
        }
        let issuer = &server.settings().config.issuer;
        Ok(sent(&format!("{issuer}{}?{form}", path::AUTHORIZE))?)
    };
    address().unwrap_or_else(|trouble| told(&server, &trouble))
}

async fn begun(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let (client, read) = read(&visit).await?;
    let login = visit.logged_in().await?;
    let (asked, pushed) = match read {
        Ok(asked) => asked,
        Err(Refusal::Page(error)) => return Err(error.into()),
        Err(Refusal::Redirect(to, error)) => {
            let address = refused(&visit, &client, &to, login.as_ref(), error).await??;
            return Ok(sent(&address)?);
        }
    };
    let next = next(&visit, &asked, login.as_ref(), false).await?;
    let hint = match (&asked.login_hint, &login) {
        (Some(hint), _) => hint.clone(),
        (None, Some(login)) => login.session.account.clone(),
        (None, None) => String::new(),
    };
    let path = match next {
        Err(error) => {
            let to = &asked.destination;
            let address = refused(&visit, &client, to, login.as_ref(), error).await??;
            return Ok(sent(&address)?);
        }
        Ok((Next::Answer, scopes)) => {
            let login = login.ok_or(Trouble::Over)?;
            let address = allowed(&visit, &asked, pushed.as_deref(), &login, scopes).await?;
            return Ok(sent(&address)?);
        }
        Ok((Next::LogIn, _)) => path::LOGIN,
        Ok((Next::Ask, _)) => path::CONSENT,
    };
    let request = Box::new(asked);
    visit.begin(path, Errand::Authorize { request, pushed }, &hint)
}

/// Where a client is told why its request comes to nothing, without anybody's having refused it. One
/// that registered itself may have done so with any address: whoever has not allowed it anything
/// yet is told here, and not led there by this server's name (RFC 9700 §4.11.2).
///
/// # Errors
/// The store's.
pub async fn refused(
    visit: &Visit<'_>,
    client: &Client,
    to: &Destination,
    login: Option<&LoggedIn>,
    error: OAuthError,
) -> Result<Result<String, OAuthError>, Fault> {
    let is_known = match login {
        _ if !visit.has_registered_itself(client) => true,
        Some(login) => {
            let store = &visit.server.store;
            !store.consent(&login.session, client).await?.is_empty()
        }
        None => false,
    };
    Ok(if is_known {
        Ok(to.with_error(&error))
    } else {
        Err(error)
    })
}

/// The request, and the digest of its reference where the client has pushed it.
type Read = Result<(AuthorizationRequest, Option<String>), Refusal>;

async fn read<'v>(visit: &'v Visit<'_>) -> Result<(Cow<'v, Client>, Read), Trouble> {
    let (server, config) = (visit.server, &visit.settings.config);
    let raw = visit.request.raw_query().as_bytes();
    if raw.len() > par::MOST {
        return Err(OAuthError::request("the request is too long").into());
    }
    let parameters = Parameters::parse(raw);
    let client_id = match &parameters {
        Ok(parameters) => parameters.get("client_id").map(str::to_owned),
        Err(_) => alone(raw, "client_id"),
    };
    let client = match &client_id {
        Some(id) => server.client(&visit.settings, id).await?,
        None => None,
    };
    let (parameters, client) = match (parameters, client) {
        (Ok(parameters), Some(client)) => (parameters, client),
        (Err(error), Some(client)) => {
            let refusal = unreadable(config, &client, raw, error);
            return Ok((client, Err(refusal)));
        }
        (Err(error), None) => return Err(error.into()),
        (Ok(_), None) => {
            let why = "client_id is missing, or no client of this server";
            return Err(OAuthError::request(why).into());
        }
    };
    let reference = parameters.get("request_uri");
    let Some(reference) = reference.and_then(|uri| uri.strip_prefix(par::PREFIX)) else {
        let read = AuthorizationRequest::read(config, &client, &parameters);
        return Ok((client, read.map(|request| (request, None))));
    };
    let digest = secret::digest(reference);
    let id = &client.client_id;
    // Kept for as long as a page may take; what begins one is good until then.
    let until = visit.now.saturating_add(interaction::LIFETIME);
    let kept = server.store.request(&digest, id, until).await?;
    let kept = kept.ok_or_else(|| {
        let why = "the pushed request is unknown, answered, over, or another client's";
        OAuthError::new(Code::InvalidRequestUri, why)
    })?;
    // What is sent beside the reference does not count (RFC 9126 §4).
    let parameters = Parameters::parse(kept.as_bytes())?;
    let read = AuthorizationRequest::read(config, &client, &parameters);
    Ok((client, read.map(|request| (request, Some(digest)))))
}

/// What comes next, with the scopes that the account may have; or what the client is told.
///
/// # Errors
/// The store's.
pub async fn next(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    login: Option<&LoggedIn>,
    for_this: bool,
) -> Result<Result<(Next, Vec<String>), OAuthError>, Fault> {
    let Some(login) = login else {
        let next = decision::next(request, None, visit.now);
        return Ok(next.map(|next| (next, Vec::new())));
    };
    let (account, client) = (&login.session.account, &request.client);
    let config = &visit.settings.config;
    let scopes = scopes::of_account(config, &request.scopes, account, &login.groups);
    let store = &visit.server.store;
    let consented = store.consent(&login.session, client).await?;
    let login = Login {
        auth_time: login.session.auth_time,
        for_this,
        scopes: &scopes,
        consented: &consented,
    };
    let next = decision::next(request, Some(login), visit.now);
    // Without those scopes it may be out of reach.
    let reached = || scopes::audience(config, client, &scopes, &request.resources);
    let next = next.and_then(|next| reached().map(|_| next));
    Ok(next.map(|next| (next, scopes)))
}

/// The answer to what was allowed: the address to send the browser to.
///
/// # Errors
/// The store's; and where the pushed request was answered before.
pub async fn allowed(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    pushed: Option<&str>,
    login: &LoggedIn,
    scopes: Vec<String>,
) -> Result<String, Trouble> {
    if let Some(digest) = pushed
        && !visit.server.store.end_request(digest).await?
    {
        let why = "the pushed request was answered, or is over";
        return Err(OAuthError::new(Code::InvalidRequestUri, why).into());
    }
    let grant = grant(visit, &request.client, login, scopes, &request.resources);
    let grant = store::Grant {
        nonce: request.nonce.clone(),
        ..grant?
    };
    let answer = match request.response_type {
        ResponseType::Code => code(visit, request, grant).await.map_err(Failure::Fault),
        ResponseType::Implicit { token, id_token } => {
            tokens(visit, request, &grant, token, id_token).await
        }
    };
    match answer {
        Ok(parameters) => {
            let pairs = parameters
                .iter()
                .map(|(name, value)| (*name, value.as_str()));
            Ok(request.destination.with(&pairs.collect::<Vec<_>>()))
        }
        Err(Failure::Refused(error)) => Ok(request.destination.with_error(&error)),
        Err(Failure::Fault(fault)) => Err(fault.into()),
    }
}

/// What somebody has allowed a client.
///
/// # Errors
/// There is no randomness.
pub fn grant(
    visit: &Visit<'_>,
    client: &Client,
    login: &LoggedIn,
    scopes: Vec<String>,
    resources: &[String],
) -> Result<store::Grant, Fault> {
    let lifetimes = &visit.settings.config.lifetimes;
    Ok(store::Grant {
        id: sign::random_id().map_err(Fault::lasting)?,
        client_id: client.client_id.clone(),
        registered: client.client_id_issued_at,
        account: login.session.account.clone(),
        uid: Some(login.session.uid),
        scopes,
        resources: resources.to_vec(),
        auth_time: Some(login.session.auth_time),
        amr: login.session.amr.clone(),
        nonce: None,
        expires: visit.now.saturating_add(lifetimes.grant),
    })
}

/// What an answer has in it, by name.
type Answer = Vec<(&'static str, String)>;

async fn code(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    grant: store::Grant,
) -> Result<Answer, Fault> {
    let secret = Secret::new()?;
    let code = store::Code {
        grant,
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
    };
    let lifetime = visit.settings.config.lifetimes.code;
    let expires = visit.now.saturating_add(lifetime);
    let store = &visit.server.store;
    store.put_code(&secret.digest, &code, expires).await?;
    Ok(vec![("code", secret.text.to_string())])
}

/// The tokens themselves (RFC 6749 §4.2.2, OpenID Connect Core §3.2.2.5), and never a refresh
/// token.
async fn tokens(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    grant: &store::Grant,
    token: bool,
    id_token: bool,
) -> Result<Answer, Failure> {
    let (settings, client) = (&visit.settings, &request.client);
    if !token {
        let id_token = issue::id_token(settings, client, grant, None, visit.now)?;
        return Ok(vec![("id_token", id_token)]);
    }
    let wants = Wants {
        refresh: false,
        id_token,
        ..Wants::default()
    };
    let made = issue::tokens(visit.asked(), client, grant, wants).await?;
    let tokens = made.response;
    let mut answer = vec![
        ("access_token", tokens.access_token),
        ("token_type", tokens.token_type.to_owned()),
        ("expires_in", tokens.expires_in.to_string()),
        ("scope", tokens.scope),
    ];
    answer.extend(tokens.id_token.map(|id_token| ("id_token", id_token)));
    Ok(answer)
}
