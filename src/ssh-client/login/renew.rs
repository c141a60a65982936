//! The token of a login, when it is about to be sent: it is renewed where it has ended or is
//! about to, and turned into one for the host where it is for another and the issuer does that.

use super::http;
use super::kept::{self, Kept, Locked, Login};
use crate::clock;
use crate::environment::Environment;
use crate::source::{Effort, Origin, Recipient, Text};
use crate::token::{Token, for_people};
use oauth::token::Tokens;
use oauth::{Error, exchange, refresh};
use std::path::Path;
use zeroize::Zeroizing;

/// Where a login is kept, and what says where its token goes.
type Place<'a> = (&'a Kept, &'a Environment<'a>);

/// What a login makes of what was `found` in the places of tokens: the token in its place where
/// it is this login's, or where there is none; otherwise what was found.
///
/// # Errors
/// Why a token that is needed could not be had, and what to do.
pub fn of_login(
    environment: &Environment<'_>,
    found: Option<(Text, Origin)>,
    whom: &Recipient<'_>,
) -> Result<Option<(Text, Origin)>, String> {
    if matches!(found, Some((_, Origin::Variable))) {
        return Ok(found);
    }
    // Without a place for it there is no login.
    let Ok(kept) = Kept::of(environment) else {
        return Ok(found);
    };
    let login = match (kept.login(), &found) {
        (Ok(Some(login)), _) => login,
        (Ok(None), _) | (Err(_), Some(_)) => return Ok(found),
        (Err(why), None) => return Err(why),
    };
    if let Some((text, origin)) = &found {
        let is_its = *origin == Origin::File(login.token_file.clone()) && login.is_of(text);
        if !is_its {
            return Ok(found);
        }
    }
    let text = found.map(|(text, _)| text);
    token((&kept, environment), login, text, whom).map(Some)
}

/// What is to be done for a host, beside keeping the token fresh.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// The token is sent.
    Nothing,
    /// The refresh token is good for this resource as well (RFC 8707).
    Resource(String),
    /// The token is given for one for this audience (RFC 8693).
    Exchange(String),
}

/// Decides that. `has` is what the token is for, as far as it says so.
fn step(login: &Login, has: &[String], grants: &[String], whom: &Recipient<'_>) -> Step {
    let is_for_it = |audience: &String| whom.audiences.contains(audience);
    if whom.effort == Effort::None || has.iter().any(is_for_it) {
        return Step::Nothing;
    }
    let resource = login.resources.iter().find(|one| is_for_it(one));
    let offered = || grants.iter().any(|grant| grant == exchange::GRANT);
    let exchanges = match whom.effort {
        Effort::None | Effort::NoExchange => false,
        Effort::Offered => offered(),
        Effort::Exchange => true,
    };
    match (resource, whom.audience()) {
        (Some(resource), _) if login.refresh_token.is_some() => Step::Resource(resource.clone()),
        (_, Some(audience)) if exchanges => Step::Exchange(audience.to_owned()),
        _ => Step::Nothing,
    }
}

fn audience(text: &Text) -> Vec<String> {
    let token = Token::parse(text.clone()).ok();
    let audience = token.and_then(|token| token.claims().audience.clone());
    audience.unwrap_or_default()
}

fn token(
    at: Place<'_>,
    login: Login,
    text: Option<Text>,
    whom: &Recipient<'_>,
) -> Result<(Text, Origin), String> {
    let failed = |error: &Error| format!("{}: {error}", login.issuer);
    let metadata = login.metadata().map_err(|error| failed(&error))?;
    let (issuer, client) = (login.issuer.clone(), login.client());
    // What is gone was for the first of what was asked for.
    let has = text.as_ref().map_or_else(
        || login.resources.first().cloned().into_iter().collect(),
        audience,
    );
    match step(&login, &has, &metadata.grant_types, whom) {
        Step::Resource(resource) => {
            let made = for_resource(at.0, &resource)?;
            Ok((made, Origin::Made(issuer)))
        }
        Step::Exchange(audience) => {
            let subject = login.subject();
            let (long, _) = fresh(at, login, text)?;
            let long = std::str::from_utf8(&long).map_err(|error| error.to_string())?;
            let short = (long.trim(), subject);
            let short = exchange::exchange(&http(), &metadata, &client, short, &audience);
            let short = short.map_err(|error| {
                format!("{issuer} makes no token for {audience} of that of the login: {error}")
            })?;
            Ok((bytes(&short), Origin::Made(issuer)))
        }
        Step::Nothing => fresh(at, login, text),
    }
}

/// The token of the login, renewed if that is due.
fn fresh(at: Place<'_>, login: Login, text: Option<Text>) -> Result<(Text, Origin), String> {
    let (now, origin) = (clock::now(), Origin::File(login.token_file.clone()));
    if let Some(text) = text.as_ref().filter(|text| !login.is_due(text, now)) {
        return Ok((text.clone(), origin));
    }
    // While the one at hand is good still, it is soon enough said what keeps it from being renewed.
    let is_good = login.expires.is_some_and(|end| end > now);
    let spare = text.filter(|_| is_good).map(|text| (text, origin));
    renewed(at).or_else(|why| spare.ok_or(why))
}

/// Renews the token of the login, unless somebody else has just done so.
fn renewed((kept, environment): Place<'_>) -> Result<(Text, Origin), String> {
    let lock = kept.lock()?;
    let mut login = kept.login()?.ok_or(AGAIN)?;
    let text = login.token().map_err(|error| error.to_string())?;
    if let Some(text) = text.filter(|text| !login.is_due(text, clock::now())) {
        return Ok((text, Origin::File(login.token_file)));
    }
    let resource = login.resources.first().cloned();
    let tokens = ask(&lock, &mut login, resource.as_deref())?;
    let (token, expires) = counting(&tokens, login.id_token, clock::now())?;
    if !login.token_file.parent().is_some_and(Path::is_dir) {
        // It lived as long as a session that is over.
        login.token_file = kept::token_file(environment);
    }
    login.renewed(&token, expires);
    match kept::is_free(&login.token_file, Some(&login)) {
        Ok(true) => lock.keep_with(&login, &token)?,
        // Another tool's is that tool's.
        _ => lock.keep(&login)?,
    }
    Ok((token, Origin::File(login.token_file)))
}

/// A token for another of the resources of the login.
fn for_resource(kept: &Kept, resource: &str) -> Result<Text, String> {
    let lock = kept.lock()?;
    let mut login = kept.login()?.ok_or(AGAIN)?;
    let tokens = ask(&lock, &mut login, Some(resource))
        .map_err(|why| format!("there is no token for {resource}: {why}"))?;
    counting(&tokens, login.id_token, clock::now()).map(|(token, _)| token)
}

const AGAIN: &str = "the login is over; log in again: jwt-ssh login";

/// Asks the issuer, and has the login know the refresh token that is good from then on.
fn ask(lock: &Locked<'_>, login: &mut Login, resource: Option<&str>) -> Result<Tokens, String> {
    let failed = |error: &dyn std::fmt::Display| {
        let ago = login.expires.map(|end| clock::now().saturating_sub(end));
        let ago = ago.filter(|ago| *ago > 0).map(for_people);
        let what = ago.map_or("the token of the login".to_owned(), |ago| {
            format!("the token of the login expired {ago} ago and")
        });
        format!("{what} was not renewed: {}: {error}", login.issuer)
    };
    let Some(refresh_token) = login.refresh_token.clone() else {
        let none = "there is no refresh token; log in again: jwt-ssh login";
        return Err(failed(&none));
    };
    let metadata = login.metadata().map_err(|error| failed(&error))?;
    let client = login.client();
    match refresh::refresh(&http(), &metadata, &client, &refresh_token, resource) {
        Ok(tokens) => {
            if let Some(next) = &tokens.refresh {
                // Whatever becomes of the rest: the one before is used up.
                login.refresh_token = Some(next.clone());
                lock.keep(login)?;
            }
            Ok(tokens)
        }
        Err(error) => {
            let mut why = failed(&error);
            if matches!(&error, Error::Refused { code, .. } if code == "invalid_grant") {
                why.push_str("; log in again: jwt-ssh login");
                login.refresh_token = None;
                lock.keep(login)?;
            }
            Err(why)
        }
    }
}

/// The token of an answer that counts, and when it ends, in seconds since the epoch.
///
/// # Errors
/// That it is missing.
pub fn counting(tokens: &Tokens, id: bool, now: u64) -> Result<(Text, Option<u64>), String> {
    let text = if id {
        let id = tokens.id.as_ref();
        bytes(id.ok_or("the issuer answered without an ID token: ask for the scope openid")?)
    } else {
        bytes(&tokens.access)
    };
    let parsed = Token::parse(text.clone()).ok();
    let said = parsed.and_then(|token| token.claims().expires);
    let told = || Some(now.saturating_add(tokens.expires_in?));
    let expires = said.map(jose::NumericDate::floor).or_else(told);
    Ok((text, expires))
}

fn bytes(text: &str) -> Text {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[cfg(test)]
#[path = "renew_tests.rs"]
mod tests;
