//! A person's name and password, which the client has asked for itself (RFC 6749 §4.3): for what
//! cannot open a browser, and only where the client's registration says so. PAM's whole stack is
//! asked, and a second factor, for which there is no way to ask here, refuses.

use super::{Context, TokenResponse, new_grant};
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::issue::{self, Wants};
use crate::resource_owner::logins::Next;
use crate::resource_owner::message::{LONGEST_NAME, Outcome, Purpose, Reason, Secret, Start};
use crate::scopes;
use crate::store::Grant;

/// The tokens of who has logged in.
///
/// # Errors
/// `invalid_grant` where nobody has (§5.2): why, the log is told alone; `temporarily_unavailable`
/// where too many log in or have tried.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        settings,
        client,
        form,
        peer,
        now,
    } = *context;
    let config = &settings.config;
    let scopes = scopes::asked(config, client, form.get("scope"))?;
    let username = form.need("username")?;
    if username.len() > LONGEST_NAME {
        return Err(OAuthError::request("the username is longer than any is").into());
    }
    let start = Start {
        account: username.to_owned(),
        rhost: peer,
        purpose: Purpose::Password,
    };
    let password = Secret::from(form.need("password")?);
    let outcome = match server.logins.with_password(now, &start, password).await {
        Next::Done(outcome, _) => outcome,
        Next::Wait(seconds) => {
            let why = "too many have tried; Retry-After says when to come again";
            return Err(OAuthError::too_often(seconds, why).into());
        }
        _ => return Err(Fault::lasting("a login by password did not end").into()),
    };
    let owner = match outcome {
        Outcome::Granted(owner) => owner,
        Outcome::Refused(Reason::Busy) => {
            let why = "too many log in just now";
            return Err(OAuthError::new(Code::TemporarilyUnavailable, why).into());
        }
        Outcome::Refused(Reason::Unavailable | Reason::TimedOut) => {
            return Err(Fault::passing("PAM does not answer").into());
        }
        Outcome::Refused(_) => {
            let why = "the name or the password is wrong, or the account does not log in here";
            return Err(OAuthError::grant(why).into());
        }
    };
    server.standing.note(now, &owner.account, peer);
    let resources = form.several("resource").to_vec();
    let expires = now.saturating_add(config.lifetimes.grant);
    let grant = Grant {
        // By the clock before PAM was asked: never later than the login.
        auth_time: Some(now),
        amr: owner.amr,
        uid: Some(owner.uid),
        ..new_grant(client, &owner.account, scopes, resources, expires)?
    };
    let wants = Wants {
        refresh: true,
        id_token: true,
        ..Wants::default()
    };
    let made = issue::tokens(context.asked(), client, &grant, wants).await?;
    if let Some(refresh) = made.refresh() {
        let store = &server.store;
        store.begin_family(&grant, made.issued, refresh).await?;
    }
    Ok(made.response)
}

#[cfg(test)]
#[path = "password_tests.rs"]
mod tests;
