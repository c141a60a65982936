//! The grants: what is presented, to what is given for it. One file each.

mod authorization_code;
mod client_credentials;
mod device_code;
mod jwt_bearer;
mod password;
mod pkce;
mod refresh_token;
mod token_exchange;
mod trusted;

use crate::error::{Code, Failure, Fault, OAuthError};
use crate::issue::Asked;
use crate::log::audit::{Event, Kind};
use crate::parameters::Parameters;
use crate::settings::Settings;
use crate::state::Server;
use crate::store::{Grant, Issued, Redeemed};
use clients::{Client, GrantType};
use jose::sign;
use serde::Serialize;
use std::net::IpAddr;

/// What a grant is decided on.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its settings, as they were when the request came.
    pub settings: &'a Settings,
    /// Who asks.
    pub client: &'a Client,
    /// What it sent.
    pub form: &'a Parameters,
    /// From where.
    pub peer: IpAddr,
    /// When, in seconds since the epoch.
    pub now: u64,
}

impl<'a> Context<'a> {
    /// Where and when the grant is presented.
    const fn asked(&self) -> Asked<'a> {
        Asked {
            server: self.server,
            settings: self.settings,
            peer: self.peer,
            now: self.now,
        }
    }
}

/// An answer of the token endpoint (RFC 6749 §5.1).
#[derive(Debug, Clone, Serialize)]
pub struct TokenResponse {
    /// `access_token`
    pub access_token: String,
    /// `issued_token_type` (RFC 8693 §2.2.1)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
    /// `token_type`
    pub token_type: &'static str,
    /// `expires_in`, in seconds.
    pub expires_in: u64,
    /// `scope`: always said, so that nobody has to guess.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// `refresh_token`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `id_token` (OpenID Connect Core §3.1.3.3)
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What the audit log is told of it, and the client is not.
    #[serde(skip)]
    pub noted: Noted,
}

/// Whose tokens they are.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    /// The access token's id.
    pub jti: String,
    /// The account, where they are not the client's own.
    pub account: Option<String>,
    /// What somebody allowed (the id of the [`Grant`]).
    pub family: Option<String>,
}

/// What the grant comes to.
///
/// # Errors
/// Why there is no token.
pub async fn granted(grant: GrantType, context: &Context<'_>) -> Result<TokenResponse, Failure> {
    match grant {
        GrantType::AuthorizationCode => authorization_code::granted(context).await,
        GrantType::ClientCredentials => client_credentials::granted(context).await,
        GrantType::RefreshToken => refresh_token::granted(context).await,
        GrantType::DeviceCode => device_code::granted(context).await,
        GrantType::TokenExchange => token_exchange::granted(context).await,
        GrantType::JwtBearer => jwt_bearer::granted(context).await,
        GrantType::Password => password::granted(context).await,
        GrantType::Implicit => Err(OAuthError::new(
            Code::UnsupportedGrantType,
            "there is no such grant at the token endpoint",
        )
        .into()),
    }
}

/// What an account allows a client from now on, by something that it has shown and that nobody
/// redeems again.
fn new_grant(
    client: &Client,
    account: &str,
    scopes: Vec<String>,
    resources: Vec<String>,
    expires: u64,
) -> Result<Grant, Fault> {
    Ok(Grant {
        id: sign::random_id().map_err(Fault::lasting)?,
        client_id: client.client_id.clone(),
        registered: client.client_id_issued_at,
        account: account.to_owned(),
        uid: None,
        scopes,
        resources,
        auth_time: None,
        amr: Vec::new(),
        nonce: None,
        expires,
    })
}

/// The grant, for those of its resources alone that the request names (RFC 8707 §2.2).
fn narrowed(grant: &Grant, resources: &[String]) -> Result<Grant, OAuthError> {
    let was_allowed =
        |resource: &String| grant.resources.is_empty() || grant.resources.contains(resource);
    if !resources.iter().all(was_allowed) {
        let why = "a resource is more than what was allowed";
        return Err(OAuthError::new(Code::InvalidTarget, why));
    }
    let mut grant = grant.clone();
    if !resources.is_empty() {
        grant.resources = resources.to_vec();
    }
    Ok(grant)
}

/// The answer, where what was presented was good for it and the store has noted that.
fn handed_out(
    context: &Context<'_>,
    response: TokenResponse,
    redeemed: Redeemed,
    unknown: impl FnOnce() -> OAuthError,
) -> Result<TokenResponse, Failure> {
    match redeemed {
        Redeemed::Done => Ok(response),
        Redeemed::Again(issued) => {
            note_revoked(context.server, &issued);
            let Noted {
                account, family, ..
            } = &response.noted;
            tell_reuse(context, account.as_deref(), family.as_deref());
            Err(unknown().into())
        }
        Redeemed::Gone => Err(unknown().into()),
    }
}

/// Takes all tokens of a grant back, since one that works once has come again.
async fn take_back(context: &Context<'_>, grant: &Grant) -> Result<(), Fault> {
    let Context { server, now, .. } = *context;
    let issued = server.store.revoke_family(&grant.id, now).await?;
    note_revoked(server, &issued);
    tell_reuse(context, Some(&grant.account), Some(&grant.id));
    Ok(())
}

fn tell_reuse(context: &Context<'_>, account: Option<&str>, family: Option<&str>) {
    let grant = context.form.get("grant_type");
    context.server.audit(&Event {
        refused: Some(Code::InvalidGrant.name()),
        account,
        client_id: Some(&context.client.client_id),
        grant: grant.and_then(GrantType::from_name).map(GrantType::name),
        sid: family,
        peer: Some(context.peer),
        ..Event::new(Kind::Reuse)
    });
}

fn note_revoked(server: &Server, issued: &[Issued]) {
    server.revoked.add(issued.iter().copied().map(Issued::pair));
}
