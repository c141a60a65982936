//! One token for another (RFC 8693): an access token of this server, or a token of an issuer that
//! this machine trusts, for one with fewer scopes, for other audiences, or that says who acts for
//! whom. It lives no longer than what it was made of.

use super::{Context, TokenResponse, new_grant, trusted};
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::issue::{self, Wants};
use crate::scopes;
use crate::store::Grant;
use crate::token::{access, introspection};
use clients::Client;
use jose::{Claims, Compact};
use serde_json::{Map, Value, json};

/// §3
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// §3
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// No chain of actors is longer.
const MOST_ACTORS: usize = 8;

/// A token that was presented, and is good.
struct Presented {
    /// Whom it speaks for: an account, or a client as [`clients::Client::subject`] has it.
    subject: String,
    claims: Claims,
    expires: u64,
    /// Its place in the status lists, where this server has issued it.
    index: Option<u64>,
}

/// The token of the subject.
///
/// # Errors
/// `invalid_request` for a token that is not good (§2.2.2), `invalid_target`, `invalid_scope`.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        client,
        form,
        now,
        ..
    } = *context;
    let issued_token_type = match form.get("requested_token_type") {
        None | Some(ACCESS_TOKEN) => ACCESS_TOKEN,
        Some(JWT) => JWT,
        Some(_) => return Err(OAuthError::request("no token of this type is issued").into()),
    };
    let subject_token = form.need("subject_token")?;
    check_type(form.need("subject_token_type")?)?;
    let actor_token = match (form.get("actor_token"), form.get("actor_token_type")) {
        (None, None) => None,
        (Some(token), Some(token_type)) => {
            check_type(token_type)?;
            Some(token)
        }
        _ => {
            let why = "actor_token and actor_token_type go together";
            return Err(OAuthError::request(why).into());
        }
    };
    let subject = presented(context, subject_token).await?;
    let actor = match actor_token {
        Some(token) => Some(presented(context, token).await?),
        None => None,
    };
    let presented = [Some(&subject), actor.as_ref()];
    if !presented
        .into_iter()
        .flatten()
        .all(|token| token.is_for(client))
    {
        let why = "a token was issued to another client, and is not meant for this one";
        return Err(OAuthError::request(why).into());
    }
    let act = acting(&subject, actor.as_ref())?;
    let expires = actor.map_or(subject.expires, |actor| subject.expires.min(actor.expires));
    let mut grant = Grant {
        expires,
        ..subject.grant(context)?
    };
    // What comes of a token ends with what that came of.
    let family = subject.family(context).await?;
    if let Some(family) = &family {
        grant.id.clone_from(&family.id);
        grant.uid = family.uid;
    }
    let wants = Wants {
        actor: act.as_ref(),
        ..Wants::default()
    };
    let made = issue::tokens(context.asked(), client, &grant, wants).await;
    let made = made.map_err(of_subject)?;
    if family.is_some() {
        let store = &server.store;
        if !store.extend_family(&grant.id, now, made.issued).await? {
            return Err(bad().into());
        }
    }
    Ok(TokenResponse {
        issued_token_type: Some(issued_token_type),
        ..made.response
    })
}

/// That an account may not log in any more is the subject token's fault here (§2.2.2).
fn of_subject(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(error) if error.code == Code::InvalidGrant => {
            OAuthError::request(error.description).into()
        }
        other => other,
    }
}

fn bad() -> OAuthError {
    OAuthError::request("a token is malformed, expired, revoked, or of a stranger")
}

fn check_type(token_type: &str) -> Result<(), OAuthError> {
    if [ACCESS_TOKEN, JWT].contains(&token_type) {
        Ok(())
    } else {
        Err(OAuthError::request("no token of this type is taken"))
    }
}

/// What a token that was sent says, where it is good.
async fn presented(context: &Context<'_>, token: &str) -> Result<Presented, Failure> {
    let Context {
        server,
        settings,
        peer,
        now,
        ..
    } = *context;
    let issuer = &settings.config.issuer;
    let compact = Compact::parse(token.as_bytes()).map_err(|_| bad())?;
    let claims = Claims::parse(compact.payload()).map_err(|_| bad())?;
    if claims.issuer.as_ref() != Some(issuer) {
        let accepted = trusted::account_of(settings, token, peer).await?;
        let accepted = accepted.ok_or_else(bad)?;
        return Ok(Presented {
            subject: accepted.account,
            claims: accepted.claims,
            expires: accepted.expires,
            index: None,
        });
    }
    let own = access::verify(token, issuer, &settings.keys, now).ok_or_else(bad)?;
    if server.revoked.has(own.index) {
        return Err(bad().into());
    }
    Ok(Presented {
        subject: own.claims.subject.clone().ok_or_else(bad)?,
        expires: own.claims.expires.map_or(0, |expires| expires.floor()),
        claims: own.claims,
        index: Some(own.index),
    })
}

impl Presented {
    /// Whether this server has issued it.
    const fn is_own(&self) -> bool {
        self.index.is_some()
    }

    /// Whether the client may present it. A token of this server that is for somebody else was
    /// found, or is kept by whom it was shown to: neither makes more of it. And a public client may
    /// be whoever has found it.
    fn is_for(&self, client: &Client) -> bool {
        let client_id = self.claims.get("client_id").and_then(Value::as_str);
        let client_id = client_id.unwrap_or_default();
        let audience = self.claims.audience.as_deref().unwrap_or_default();
        !self.is_own()
            || client_id == client.client_id
            || !client.is_public() && introspection::is_for(client, client_id, audience)
    }

    /// The grant that the token was issued under, where it is this server's and came of one that
    /// can be taken back.
    async fn family(&self, context: &Context<'_>) -> Result<Option<Grant>, Fault> {
        match self.index {
            Some(index) => context.server.store.grant_of(index).await,
            None => Ok(None),
        }
    }

    /// What the client is given of what the token allows. A token of this server never comes to
    /// more scopes than it has; what those of another mean is not known here, so that one comes
    /// to what its account may have.
    fn grant(&self, context: &Context<'_>) -> Result<Grant, Failure> {
        let Context {
            settings,
            client,
            form,
            ..
        } = *context;
        let mut scopes = scopes::asked(&settings.config, client, form.get("scope"))?;
        if self.is_own() {
            let scope = self.claims.get("scope").and_then(Value::as_str);
            let allowed: Vec<&str> = scope.unwrap_or_default().split(' ').collect();
            let is_allowed = |name: &String| allowed.contains(&name.as_str());
            if form.get("scope").is_some() && !scopes.iter().all(is_allowed) {
                let why = "a scope is more than what the token allows";
                return Err(OAuthError::new(Code::InvalidScope, why).into());
            }
            let some = !scopes.is_empty();
            scopes.retain(is_allowed);
            if some && scopes.is_empty() {
                let why = "the token allows none of the client's scopes";
                return Err(OAuthError::new(Code::InvalidScope, why).into());
            }
        }
        let resources = form.several("resource").iter();
        let resources = resources.chain(form.several("audience"));
        let amr = self.own("amr").and_then(Value::as_array);
        let amr = amr.into_iter().flatten().filter_map(Value::as_str);
        let resources = resources.cloned().collect();
        Ok(Grant {
            auth_time: self.own("auth_time").and_then(Value::as_u64),
            amr: amr.map(str::to_owned).collect(),
            ..new_grant(client, &self.subject, scopes, resources, self.expires)?
        })
    }

    /// A claim of a token of this server: how somebody logged in elsewhere is not known here.
    fn own(&self, name: &str) -> Option<&Value> {
        self.claims.get(name).filter(|_| self.is_own())
    }
}

/// Who acts, outermost, and who did before (§4.1): without an actor token those of the subject's
/// own go on. Where the subject's token says who may act for it (§4.4), nobody else does.
fn acting(subject: &Presented, actor: Option<&Presented>) -> Result<Option<Value>, OAuthError> {
    let before = subject.own("act");
    if let Some(may_act) = subject.claims.get("may_act") {
        let is_meant = |actor: &Presented| {
            let may_act = may_act.as_object();
            may_act.is_some_and(|may_act| {
                !may_act.is_empty()
                    && may_act
                        .iter()
                        .all(|(name, value)| actor.claims.get(name) == Some(value))
            })
        };
        if !actor.is_some_and(is_meant) {
            return Err(OAuthError::request("the subject token names another actor"));
        }
    }
    let Some(actor) = actor else {
        return Ok(before.cloned());
    };
    let mut act = Map::new();
    act.insert("sub".to_owned(), json!(actor.subject));
    if let Some(before) = before {
        act.insert("act".to_owned(), before.clone());
    }
    let act = Value::from(act);
    let actors = std::iter::successors(Some(&act), |act| act.get("act")).count();
    if actors > MOST_ACTORS {
        return Err(OAuthError::request("too many have acted already"));
    }
    Ok(Some(act))
}

#[cfg(test)]
#[path = "token_exchange_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "token_exchange_ends_tests.rs"]
mod ends_tests;
