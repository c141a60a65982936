//! A JWT of an issuer that this machine trusts, as an authorization grant (RFC 7523 §2.1): one
//! that is meant for this server, once, for a token that lives no longer.

use super::{Context, TokenResponse, new_grant, tell_reuse, trusted};
use crate::client_auth::assertion::is_this_server;
use crate::error::{Failure, OAuthError};
use crate::issue::{self, Wants};
use crate::scopes;

/// The token of the account that the assertion stands for.
///
/// # Errors
/// `invalid_grant` for an assertion that opens no account here (§3.1), that is for another server,
/// or that was used before.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        settings,
        client,
        form,
        peer,
        ..
    } = *context;
    let config = &settings.config;
    let scopes = scopes::asked(config, client, form.get("scope"))?;
    let assertion = form.need("assertion")?;
    let accepted = trusted::account_of(settings, assertion, peer).await?;
    let refused = || OAuthError::grant("the assertion opens no account here");
    let accepted = accepted.ok_or_else(refused)?;
    let audience = accepted.claims.audience.as_deref().unwrap_or_default();
    if !audience.iter().any(|one| is_this_server(config, one)) {
        return Err(OAuthError::grant("the assertion is for another server").into());
    }
    let Some(id) = accepted.claims.id.as_deref() else {
        return Err(OAuthError::grant("the assertion has no jti").into());
    };
    let resources = form.several("resource").to_vec();
    let grant = new_grant(
        client,
        &accepted.account,
        scopes,
        resources,
        accepted.expires,
    )?;
    let made = issue::tokens(context.asked(), client, &grant, Wants::default()).await?;
    // Last of all: what is refused for another reason is not used up.
    let issuer = accepted.claims.issuer.as_deref().unwrap_or_default();
    let digest = jose::digest::sha256_hex(&[issuer.as_bytes(), id.as_bytes()]);
    let is_first = server
        .store
        .first_use("assertion", &digest, accepted.expires)
        .await?;
    if !is_first {
        tell_reuse(context, Some(&accepted.account), None);
        return Err(OAuthError::grant("the assertion was used before").into());
    }
    Ok(made.response)
}

#[cfg(test)]
#[path = "jwt_bearer_tests.rs"]
mod tests;
