//! The end of every grant of a person: what somebody allowed a client becomes tokens. The account
//! is looked at again each time, so that one that is gone, has expired or may not log in any more
//! gets none, and what it may no longer have is left out.
//!
//! Tokens are made first and handed out when the store has noted them, in the transaction that
//! uses up what was presented for them.

use crate::config::Config;
use crate::error::{Code, Failure, Fault, OAuthError};
use crate::grant::{Noted, TokenResponse};
use crate::resource_owner::message::{Granted, Reason};
use crate::resource_owner::rules::Rules;
use crate::scopes;
use crate::settings::Settings;
use crate::state::Server;
use crate::store::{Grant, Issued};
use crate::token::access::{Access, Signed};
use crate::token::id_token::IdToken;
use crate::token::secret::Secret;
use clients::{Client, GrantType};
use serde_json::Value;
use std::net::IpAddr;

/// Where and when something is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its settings, as they were when the request came.
    pub settings: &'a Settings,
    /// From which address.
    pub peer: IpAddr,
    /// When, in seconds since the epoch.
    pub now: u64,
}

/// What is wanted besides the access token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wants<'a> {
    /// A refresh token, where the client is registered for that grant.
    pub refresh: bool,
    /// An ID token, where `openid` was allowed.
    pub id_token: bool,
    /// `act` (RFC 8693 §4.1)
    pub actor: Option<&'a Value>,
}

/// Tokens that are made and not handed out yet.
pub struct Made {
    /// What the client is answered.
    pub response: TokenResponse,
    /// The access token, for the store to note under the grant.
    pub issued: Issued,
    refresh: Option<(String, u64)>,
}

impl Made {
    /// The digest of the refresh token, where there is one, and when it expires.
    #[must_use]
    pub fn refresh(&self) -> Option<(&str, u64)> {
        let (digest, expires) = self.refresh.as_ref()?;
        Some((digest, *expires))
    }
}

/// Makes the tokens of a grant, for the client whose grant it is.
///
/// # Errors
/// `invalid_grant` where the account may not log in any more, or what was allowed is over;
/// `invalid_scope` where nothing is left of what it allowed; `invalid_target`.
pub async fn tokens(
    asked: Asked<'_>,
    client: &Client,
    grant: &Grant,
    wants: Wants<'_>,
) -> Result<Made, Failure> {
    let Asked {
        server,
        settings,
        now,
        ..
    } = asked;
    let config = &settings.config;
    let left = grant.expires.saturating_sub(now);
    if left == 0 {
        return Err(OAuthError::grant("what was allowed is over").into());
    }
    if grant.registered != client.client_id_issued_at {
        return Err(OAuthError::grant("the client is another one since").into());
    }
    let owner = owner(asked, &grant.account).await?;
    if grant.uid.is_some_and(|uid| uid != owner.uid) {
        return Err(OAuthError::grant("the account is somebody else's since").into());
    }
    let scopes = scopes::of_client(config, client, &grant.scopes);
    let scopes = scopes::of_account(config, &scopes, &grant.account, &owner.groups);
    if scopes.is_empty() && !grant.scopes.is_empty() {
        let why = "the account may have none of the scopes";
        return Err(OAuthError::new(Code::InvalidScope, why).into());
    }
    let audience = scopes::audience(config, client, &scopes, &grant.resources)?;
    let shows_groups = |name: &String| {
        let scope = config.scopes.get(name);
        scope.is_some_and(|scope| scope.groups_claim)
    };
    let lifetime = config.lifetimes.access_token.min(left);
    let access = Access {
        issuer: &config.issuer,
        subject: &grant.account,
        audience: &audience,
        client_id: &client.client_id,
        scopes: &scopes,
        now,
        lifetime,
        index: server.next_index().await?,
        auth_time: grant.auth_time,
        amr: &grant.amr,
        groups: scopes
            .iter()
            .any(shows_groups)
            .then_some(owner.groups.as_slice()),
        actor: wants.actor,
    };
    let key = settings.keys.signing(now)?;
    let Signed {
        token: access_token,
        id: jti,
    } = access.signed(key)?;
    let has_id_token = wants.id_token && scopes.iter().any(|scope| scope == Config::OPENID);
    let id_token = has_id_token
        .then(|| id_token(settings, client, grant, Some(&access_token), now))
        .transpose()?;
    let has_refresh = wants.refresh && client.may(GrantType::RefreshToken);
    let refresh = has_refresh.then(Secret::new).transpose()?;
    let refresh_expires = now
        .saturating_add(config.lifetimes.refresh_token)
        .min(grant.expires);
    Ok(Made {
        issued: Issued {
            index: access.index,
            expires: now.saturating_add(lifetime),
        },
        refresh: refresh
            .as_ref()
            .map(|secret| (secret.digest.clone(), refresh_expires)),
        response: TokenResponse {
            access_token,
            issued_token_type: None,
            token_type: "Bearer",
            expires_in: lifetime,
            scope: scopes.join(" "),
            refresh_token: refresh.map(|secret| secret.text.to_string()),
            id_token,
            noted: Noted {
                jti,
                // A client's own, where one was exchanged.
                account: Some(&grant.account)
                    .filter(|account| !account.contains(':'))
                    .cloned(),
                family: Some(grant.id.clone()),
            },
        },
    })
}

/// The ID token of a grant, which goes with this access token or with none.
///
/// # Errors
/// There is nothing to sign with.
pub fn id_token(
    settings: &Settings,
    client: &Client,
    grant: &Grant,
    access_token: Option<&str>,
    now: u64,
) -> Result<String, Fault> {
    let id_token = IdToken {
        issuer: &settings.config.issuer,
        subject: &grant.account,
        client_id: &client.client_id,
        now,
        lifetime: settings.config.lifetimes.id_token,
        auth_time: grant.auth_time,
        amr: &grant.amr,
        nonce: grant.nonce.as_deref(),
        access_token,
    };
    id_token.signed(settings.keys.signing(now)?)
}

/// Who owns the account, as the machine says now, and PAM's account stack lets pass.
///
/// # Errors
/// `invalid_grant` where there is no such account, or it does not log in here (any more).
pub async fn owner(asked: Asked<'_>, account: &str) -> Result<Granted, Failure> {
    let rules = Rules::from(&asked.settings.config.accounts);
    let gone = || OAuthError::grant("the account may not log in here any more");
    let name = account.to_owned();
    // Databases such as LDAP may be slow.
    let judged = tokio::task::spawn_blocking(move || rules.judge(&name, false)).await;
    let owner = match judged.map_err(Fault::lasting)? {
        Ok(owner) => owner,
        Err(Reason::AccountLookupFailed) => {
            return Err(Fault::passing("the account database does not answer").into());
        }
        Err(_) => return Err(gone().into()),
    };
    let standing = &asked.server.standing;
    if !standing.is_good(asked.now, account, asked.peer).await? {
        return Err(gone().into());
    }
    Ok(owner)
}

#[cfg(test)]
#[path = "issue_tests.rs"]
mod tests;
