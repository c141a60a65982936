//! The page that asks whether a client may have what it asks for, in a browser (RFC 6749 §4.1.1)
//! or on a device (RFC 8628 §3.3).

use super::authorize::{allowed, grant, next, refused};
use super::error_page::{Trouble, told};
use super::login::name_of;
use super::path;
use super::request::Incoming;
use super::visit::{LoggedIn, Ongoing, Visit, sent, step};
use crate::authorization::decision::{can_remember, is_fresh, remembered_as};
use crate::authorization::interaction::{End, Errand, Progress, Stage};
use crate::authorization::request::AuthorizationRequest;
use crate::config::Config;
use crate::error::{Code, OAuthError};
use crate::log::audit::{Event, Kind};
use crate::pages::{ConsentPage, page};
use crate::scopes;
use crate::state::Server;
use crate::store::Decision;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use clients::Client;
use std::sync::Arc;

/// What the built-in scopes allow, as people are told.
const OPENID: &str = "know which account is yours";
const OFFLINE_ACCESS: &str = "go on doing this while you are away";

/// Asks.
pub async fn show(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let shown = shown(&server, &request).await;
    shown.unwrap_or_else(|trouble| told(&server, &trouble))
}

/// Takes the answer.
pub async fn take(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let taken = taken(&server, &request).await;
    taken.unwrap_or_else(|trouble| told(&server, &trouble))
}

/// What is asked, and for whom.
struct Question<'a> {
    client: &'a Client,
    scopes: Vec<String>,
    all: &'a [String],
    resources: &'a [String],
    user_code: Option<&'a str>,
    place: Option<&'a str>,
}

async fn shown(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let ongoing = visit.ongoing(&request.query()?)?;
    let mut progress = ongoing.interaction.progress.lock().await;
    let login = match standing(&visit, &ongoing, &progress).await? {
        Ok(login) => login,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let account = login.session.account.clone();
    progress.asked = Some(account.clone());
    let question = match question(&visit, &ongoing, &progress, &login).await? {
        Ok(question) => question,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let config = &visit.settings.config;
    let described = |wanted: &dyn Fn(&String) -> bool| {
        let names = question.all.iter().filter(|name| wanted(name));
        names.map(|name| describe(config, name)).collect::<Vec<_>>()
    };
    let client = name_of(question.client);
    let title = format!("Allow {client}?");
    let shown = ConsentPage {
        frame: visit.frame(&title, &progress.notices),
        form: visit.form(path::CONSENT, &ongoing, progress.step),
        client,
        account: &account,
        user_code: question.user_code,
        allows: described(&|name| question.scopes.contains(name)),
        dropped: described(&|name| !question.scopes.contains(name)),
        resources: question.resources,
        place: question.place,
    };
    Ok(page(StatusCode::OK, &shown, &ongoing.interaction.sources()))
}

async fn taken(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let (form, ongoing) = visit.posted()?;
    let mut progress = ongoing.interaction.progress.lock().await;
    let login = match standing(&visit, &ongoing, &progress).await? {
        Ok(login) => login,
        Err(elsewhere) => return Ok(elsewhere),
    };
    // Whoever was asked answers, and to the question that was shown.
    let is_asked = progress.asked.as_deref() == Some(login.session.account.as_str());
    if !is_asked || step(&form) != Some(progress.step) {
        return Ok(visit.sent_to(path::CONSENT, &ongoing.id)?);
    }
    progress.notices.clear();
    let end = match (form.need("decision")?, &ongoing.interaction.errand) {
        ("again", _) => {
            progress.session = None;
            progress.account.clear();
            progress.turn(Stage::Name);
            return Ok(visit.sent_to(path::LOGIN, &ongoing.id)?);
        }
        ("allow", Errand::Authorize { request, pushed }) => {
            let for_this = is_for_this(&progress, &login);
            let answer = match next(&visit, request, Some(&login), for_this).await? {
                Err(error) => {
                    let (client, to) = (&request.client, &request.destination);
                    refused(&visit, client, to, Some(&login), error).await?
                }
                Ok((_, scopes)) => {
                    remembered(&visit, request, &login, &scopes).await?;
                    Ok(allowed(&visit, request, pushed.as_deref(), &login, scopes).await?)
                }
            };
            End::of(answer, &login.digest)
        }
        ("deny", Errand::Authorize { request, .. }) => {
            let denied = OAuthError::new(Code::AccessDenied, "the person has refused");
            End::of(Ok(request.destination.with_error(&denied)), &login.digest)
        }
        ("allow", Errand::Device { .. }) => decided(&visit, &progress, &login, true).await?,
        ("deny", Errand::Device { .. }) => decided(&visit, &progress, &login, false).await?,
        _ => return Err(OAuthError::request("the decision is unknown").into()),
    };
    let client = match &ongoing.interaction.errand {
        Errand::Authorize { request, .. } => Some(&request.client),
        Errand::Device { .. } => progress.device.as_ref().map(|found| &found.client),
    };
    server.audit(&Event {
        refused: (form.get("decision") != Some("allow")).then_some(Code::AccessDenied.name()),
        account: Some(&login.session.account),
        client_id: client.map(|client| client.client_id.as_str()),
        peer: Some(request.peer),
        ..Event::new(Kind::Consent)
    });
    Ok(visit.end(&ongoing, &mut progress, end)?)
}

/// Who is asked, if somebody may be now; or where the browser has to go instead.
async fn standing(
    visit: &Visit<'_>,
    ongoing: &Ongoing,
    progress: &Progress,
) -> Result<Result<LoggedIn, Response<Body>>, Trouble> {
    if let Some(end) = &progress.end {
        return Ok(Err(visit.ended(end)?));
    }
    let login = visit.logged_in().await?;
    let fresh = login.filter(|login| match &ongoing.interaction.errand {
        Errand::Authorize { request, .. } => is_fresh(
            request,
            login.session.auth_time,
            is_for_this(progress, login),
            visit.now,
        ),
        Errand::Device { .. } => true,
    });
    match fresh {
        Some(login) => Ok(Ok(login)),
        None => Ok(Err(visit.sent_to(path::LOGIN, &ongoing.id)?)),
    }
}

fn is_for_this(progress: &Progress, login: &LoggedIn) -> bool {
    progress.session.as_deref() == Some(login.digest.as_str())
}

async fn question<'a>(
    visit: &Visit<'_>,
    ongoing: &'a Ongoing,
    progress: &'a Progress,
    login: &LoggedIn,
) -> Result<Result<Question<'a>, Response<Body>>, Trouble> {
    let request = match (&ongoing.interaction.errand, &progress.device) {
        (Errand::Authorize { request, .. }, _) => request,
        (Errand::Device { .. }, None) => {
            return Ok(Err(visit.sent_to(path::DEVICE, &ongoing.id)?));
        }
        (Errand::Device { .. }, Some(found)) => {
            return Ok(Ok(Question {
                client: &found.client,
                scopes: of_account(visit, login, &found.device.scopes),
                all: &found.device.scopes,
                resources: &found.device.resources,
                user_code: Some(&found.shown),
                place: None,
            }));
        }
    };
    let for_this = is_for_this(progress, login);
    match next(visit, request, Some(login), for_this).await? {
        Err(error) => {
            let (client, to) = (&request.client, &request.destination);
            let address = refused(visit, client, to, Some(login), error).await??;
            Ok(Err(sent(&address)?))
        }
        Ok((_, scopes)) => Ok(Ok(Question {
            client: &request.client,
            scopes,
            all: &request.scopes,
            resources: &request.resources,
            user_code: None,
            place: Some(request.destination.place()),
        })),
    }
}

fn of_account(visit: &Visit<'_>, login: &LoggedIn, scopes: &[String]) -> Vec<String> {
    let config = &visit.settings.config;
    scopes::of_account(config, scopes, &login.session.account, &login.groups)
}

fn describe<'a>(config: &'a Config, name: &'a str) -> &'a str {
    match (name, config.scopes.get(name)) {
        (_, Some(scope)) => &scope.description,
        ("openid", None) => OPENID,
        ("offline_access", None) => OFFLINE_ACCESS,
        (name, None) => name,
    }
}

async fn remembered(
    visit: &Visit<'_>,
    request: &AuthorizationRequest,
    login: &LoggedIn,
    scopes: &[String],
) -> Result<(), Trouble> {
    if can_remember(request) {
        let store = &visit.server.store;
        let answer = remembered_as(request, scopes);
        store
            .remember_consent(&login.session, &request.client, &answer)
            .await?;
    }
    Ok(())
}

async fn decided(
    visit: &Visit<'_>,
    progress: &Progress,
    login: &LoggedIn,
    allows: bool,
) -> Result<End, Trouble> {
    let found = progress.device.as_ref().ok_or(Trouble::Over)?;
    let decision = if allows {
        let scopes = of_account(visit, login, &found.device.scopes);
        let resources = &found.device.resources;
        let grant = grant(visit, &found.client, login, scopes, resources)?;
        Decision::Allowed(Box::new(grant))
    } else {
        Decision::Denied
    };
    let store = &visit.server.store;
    let is_first = store
        .decide_device(&found.digest, &decision, visit.now)
        .await?;
    Ok(match (is_first, allows) {
        (true, true) => End::Told("Your device is logged in", "You can close this page."),
        (true, false) => End::Told(
            "Your device was refused",
            "Nothing was allowed. You can close this page.",
        ),
        (false, _) => End::Told(
            "This code is over",
            "It was used already, or took too long. Please have your device show a new one.",
        ),
    })
}
