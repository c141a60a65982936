//! The page where somebody types the code that a device shows (RFC 8628 §3.3). They log in first,
//! and an account has few tries, so that nobody finds a code by guessing (§5.1).

use super::error_page::{Trouble, told};
use super::path;
use super::request::Incoming;
use super::visit::{LoggedIn, Visit, step};
use crate::authorization::interaction::{Errand, Found, Progress, Stage};
use crate::pages::{CodePage, Notice, page};
use crate::parameters::Parameters;
use crate::scopes;
use crate::state::Server;
use crate::store::State as Became;
use crate::token::secret;
use crate::token::user_code;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use std::sync::Arc;

/// So many wrong codes an account has, for as long as a code lives.
const TRIES: u64 = 5;

/// Shows where to type it.
pub async fn show(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let shown = shown(&server, &request).await;
    shown.unwrap_or_else(|trouble| told(&server, &trouble))
}

/// Takes what was typed.
pub async fn take(State(server): State<Arc<Server>>, request: Incoming) -> Response<Body> {
    let taken = taken(&server, &request).await;
    taken.unwrap_or_else(|trouble| told(&server, &trouble))
}

async fn shown(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let parameters = request.query()?;
    let login = visit.logged_in().await?;
    if parameters.get("i").is_none() {
        // `verification_uri_complete` has the code, which is shown for the person to compare.
        let hint = parameters.get("user_code").and_then(user_code::typed);
        let hint = hint.map_or_else(String::new, |code| user_code::shown(&code));
        let path = if login.is_some() {
            path::DEVICE
        } else {
            path::LOGIN
        };
        return visit.begin(path, Errand::Device { hint }, "");
    }
    let ongoing = visit.ongoing(&parameters)?;
    let Errand::Device { hint } = &ongoing.interaction.errand else {
        return Err(Trouble::Over);
    };
    let progress = ongoing.interaction.progress.lock().await;
    match (&progress.end, login) {
        (Some(end), _) => visit.ended(end),
        (None, None) => Ok(visit.sent_to(path::LOGIN, &ongoing.id)?),
        (None, Some(login)) => {
            let shown = CodePage {
                frame: visit.frame("Log in a device", &progress.notices),
                form: visit.form(path::DEVICE, &ongoing, progress.step),
                account: &login.session.account,
                user_code: hint,
            };
            Ok(page(StatusCode::OK, &shown, ""))
        }
    }
}

async fn taken(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let (form, ongoing) = visit.posted()?;
    let mut progress = ongoing.interaction.progress.lock().await;
    if let Some(end) = &progress.end {
        return visit.ended(end);
    }
    let Some(login) = visit.logged_in().await? else {
        return Ok(visit.sent_to(path::LOGIN, &ongoing.id)?);
    };
    if step(&form) != Some(progress.step) {
        return Ok(visit.sent_to(path::DEVICE, &ongoing.id)?);
    }
    progress.notices.clear();
    progress.device = None;
    let tried = tried(&visit, &mut progress, &login, &form).await?;
    progress.turn(Stage::Name);
    match tried {
        Ok(()) => Ok(visit.sent_to(path::CONSENT, &ongoing.id)?),
        Err(why) => {
            progress.notices.push(Notice::error(why));
            Ok(visit.sent_to(path::DEVICE, &ongoing.id)?)
        }
    }
}

/// Looks the code up; what the person is told where that leads nowhere.
async fn tried(
    visit: &Visit<'_>,
    progress: &mut Progress,
    login: &LoggedIn,
    form: &Parameters,
) -> Result<Result<(), &'static str>, Trouble> {
    let typed = form.get("user_code").and_then(user_code::typed);
    let Some(code) = typed else {
        return Ok(Err("That cannot be a code. It has eight letters."));
    };
    let (store, now) = (&visit.server.store, visit.now);
    let account = &login.session.account;
    let who = format!("account {account}");
    let _one_at_a_time = visit.server.interactions.user_code.lock().await;
    if store.wrong_user_codes(&who, now).await? >= TRIES {
        return Ok(Err(
            "There were too many wrong codes. Please try again later, with a new code.",
        ));
    }
    let digest = secret::digest(&code);
    let kept = store.device_by_user_code(&digest).await?;
    let kept = kept.filter(|kept| kept.state == Became::Pending && kept.expires > now);
    let client = match &kept {
        Some(kept) => {
            let id = &kept.device.client_id;
            visit.server.client(&visit.settings, id).await?
        }
        None => None,
    };
    let Some((kept, client)) = kept.zip(client) else {
        let until = now.saturating_add(visit.settings.config.lifetimes.device_code);
        store.wrong_user_code(&who, now, until).await?;
        return Ok(Err(
            "There is no such code, or it is over. Please check what your device shows.",
        ));
    };
    let asked = &kept.device.scopes;
    let may = scopes::of_account(&visit.settings.config, asked, account, &login.groups);
    if may.is_empty() && !asked.is_empty() {
        return Ok(Err(
            "Your account may have nothing of what the device asks for.",
        ));
    }
    progress.device = Some(Found {
        shown: user_code::shown(&code),
        digest,
        client: client.into_owned(),
        device: kept.device,
    });
    Ok(Ok(()))
}
