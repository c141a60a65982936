//! The pages of a login: an account's name, and then whatever PAM asks, for as many pages as it
//! does. Each page that is filled in leads to the next by 303, so that one that is loaded again
//! sends nothing again.

use super::authorize;
use super::error_page::{Trouble, told};
use super::path;
use super::request::Incoming;
use super::visit::{LoggedIn, Ongoing, Visit, step};
use crate::authorization::decision::Next as Decided;
use crate::authorization::interaction::{End, Errand, Progress, Stage};
use crate::pages::{Field, NamePage, Notice, PromptsPage, field, page};
use crate::parameters::Parameters;
use crate::resource_owner::logins::Next;
use crate::resource_owner::message::{
    Granted, LONGEST_NAME, Message, Outcome, Purpose, Reason, Secret as Typed, Start, Style,
};
use crate::session::Cookie;
use crate::state::Server;
use crate::store::Session;
use crate::token::secret::Secret;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use std::sync::Arc;

/// Shows what is asked.
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
    let ongoing = visit.ongoing(&request.query()?)?;
    let progress = ongoing.interaction.progress.lock().await;
    if let Some(end) = &progress.end {
        return visit.ended(end);
    }
    let client = ongoing.interaction.client().map(name_of);
    let form = visit.form(path::LOGIN, &ongoing, progress.step);
    let sources = ongoing.interaction.sources();
    let mut notices = progress.notices.clone();
    Ok(match &progress.stage {
        Stage::Name => {
            let shown = NamePage {
                frame: visit.frame("Log in", &notices),
                form,
                client,
                account: &progress.account,
            };
            page(StatusCode::OK, &shown, &sources)
        }
        Stage::Prompts { messages, .. } => {
            notices.extend(texts(messages));
            let shown = PromptsPage {
                frame: visit.frame("Log in", &notices),
                form,
                client,
                account: &progress.account,
                fields: field::fields(messages),
            };
            page(StatusCode::OK, &shown, &sources)
        }
    })
}

/// What people are told who asks.
pub fn name_of(client: &clients::Client) -> &str {
    client.client_name.as_deref().unwrap_or(&client.client_id)
}

/// What PAM says without asking.
fn texts(messages: &[Message]) -> impl Iterator<Item = Notice> {
    let texts = messages.iter().filter(|message| !message.style.is_prompt());
    texts.map(|message| Notice {
        is_error: message.style == Style::Error,
        text: message.text.trim().to_owned(),
    })
}

async fn taken(server: &Server, request: &Incoming) -> Result<Response<Body>, Trouble> {
    let visit = Visit::new(server, request)?;
    let (form, ongoing) = visit.posted()?;
    let mut progress = ongoing.interaction.progress.lock().await;
    if let Some(end) = &progress.end {
        return visit.ended(end);
    }
    let owner = if step(&form) == Some(progress.step) {
        progress.notices.clear();
        match std::mem::take(&mut progress.stage) {
            Stage::Name => named(&visit, &mut progress, &form).await,
            Stage::Prompts { messages, login } => {
                answered(&visit, &mut progress, &form, &messages, &login).await
            }
        }
    } else {
        // A form of a page before this one, as after a double click.
        None
    };
    match owner {
        Some(owner) => entered(&visit, &ongoing, &mut progress, owner).await,
        None => Ok(visit.sent_to(path::LOGIN, &ongoing.id)?),
    }
}

/// An account's name was typed.
async fn named(visit: &Visit<'_>, progress: &mut Progress, form: &Parameters) -> Option<Granted> {
    let account = form.get("account").unwrap_or_default().trim();
    progress.turn(Stage::Name);
    if account.is_empty() || account.len() > LONGEST_NAME {
        let why = "Please type the name of your account.";
        progress.notices.push(Notice::error(why));
        return None;
    }
    account.clone_into(&mut progress.account);
    let start = start(visit, progress);
    let next = visit.server.logins.begin(visit.now, &start).await;
    went_on(progress, next).ok()
}

/// What PAM asked was answered.
async fn answered(
    visit: &Visit<'_>,
    progress: &mut Progress,
    form: &Parameters,
    messages: &[Message],
    id: &str,
) -> Option<Granted> {
    if form.get("again").is_some() {
        // The login that waits ends by itself.
        progress.account.clear();
        progress.turn(Stage::Name);
        return None;
    }
    let typed = |field: &Field| Typed::from(form.get(&field.name).unwrap_or_default());
    let answers = field::fields(messages).iter().map(typed).collect();
    let next = visit.server.logins.go_on(visit.now, id, answers).await;
    match went_on(progress, next) {
        Ok(owner) => Some(owner),
        // Again, with the name that was typed.
        Err(Some(Reason::AuthenticationFailed)) => {
            let failed = std::mem::take(&mut progress.notices);
            let start = start(visit, progress);
            let next = visit.server.logins.begin_again(visit.now, &start).await;
            let owner = went_on(progress, next);
            // What has failed is said once.
            if owner != Err(Some(Reason::AuthenticationFailed)) {
                progress.notices.splice(0..0, failed);
            }
            owner.ok()
        }
        Err(_) => None,
    }
}

fn start(visit: &Visit<'_>, progress: &Progress) -> Start {
    Start {
        account: progress.account.clone(),
        rhost: visit.request.peer,
        purpose: Purpose::Page,
    }
}

/// What is to be shown next; the owner of the account where that is who it was, or why not, if the
/// login has come to its end.
fn went_on(progress: &mut Progress, next: Next) -> Result<Granted, Option<Reason>> {
    let (outcome, said) = match next {
        Next::Ask(login, messages) | Next::Tell(login, messages) => {
            progress.turn(Stage::Prompts { messages, login });
            return Err(None);
        }
        Next::Wait(seconds) => {
            let why = format!("There were too many tries. Please wait {seconds} seconds.");
            progress.notices.push(Notice::error(why));
            progress.turn(Stage::Name);
            return Err(None);
        }
        Next::Gone => (Outcome::Refused(Reason::TimedOut), Vec::new()),
        Next::Done(outcome, said) => (outcome, said),
    };
    progress.turn(Stage::Name);
    match outcome {
        Outcome::Granted(owner) => Ok(owner),
        Outcome::Refused(reason) => {
            progress.notices.push(Notice::error(reason.text()));
            progress.notices.extend(texts(&said));
            Err(Some(reason))
        }
    }
}

/// Somebody has logged in: a new session, whatever the browser had before (no fixation), and on to
/// what it was for.
async fn entered(
    visit: &Visit<'_>,
    ongoing: &Ongoing,
    progress: &mut Progress,
    owner: Granted,
) -> Result<Response<Body>, Trouble> {
    let store = &visit.server.store;
    if let Some(old) = visit.session() {
        store.end_session(&old).await?;
    }
    let lifetime = visit.settings.config.lifetimes.session;
    // PAM may have taken its time.
    let auth_time = visit.server.now()?;
    let peer = visit.request.peer;
    visit.server.standing.note(auth_time, &owner.account, peer);
    let session = Session {
        account: owner.account,
        uid: owner.uid,
        auth_time,
        amr: owner.amr,
        expires: auth_time.saturating_add(lifetime),
    };
    let cookie = Secret::new()?;
    store.put_session(&cookie.digest, &session).await?;
    progress.session = Some(cookie.digest.clone());
    let login = LoggedIn {
        session,
        digest: cookie.digest,
        groups: owner.groups,
    };
    let mut response = led_on(visit, ongoing, progress, &login).await?;
    visit.give(&mut response, Cookie::Session, &cookie.text, Some(lifetime));
    Ok(response)
}

async fn led_on(
    visit: &Visit<'_>,
    ongoing: &Ongoing,
    progress: &mut Progress,
    login: &LoggedIn,
) -> Result<Response<Body>, Trouble> {
    let Errand::Authorize { request, pushed } = &ongoing.interaction.errand else {
        return Ok(visit.sent_to(path::DEVICE, &ongoing.id)?);
    };
    let answer = match authorize::next(visit, request, Some(login), true).await? {
        Err(error) => {
            let (client, to) = (&request.client, &request.destination);
            authorize::refused(visit, client, to, Some(login), error).await?
        }
        Ok((Decided::Answer, scopes)) => {
            Ok(authorize::allowed(visit, request, pushed.as_deref(), login, scopes).await?)
        }
        Ok((Decided::Ask | Decided::LogIn, _)) => {
            return Ok(visit.sent_to(path::CONSENT, &ongoing.id)?);
        }
    };
    Ok(visit.end(ongoing, progress, End::of(answer, &login.digest))?)
}
