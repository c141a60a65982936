//! A client on its own behalf (RFC 6749 §4.4): no person, and no refresh token.

use super::{Context, Noted, TokenResponse};
use crate::error::{Code, Failure, OAuthError};
use crate::scopes;
use crate::token::access::Access;

/// The client's own token.
///
/// # Errors
/// `unauthorized_client` for a public client, `invalid_scope`, `invalid_target`.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        settings,
        client,
        form,
        now,
        ..
    } = *context;
    if client.is_public() {
        let why = "a client that cannot show who it is has no tokens of its own";
        return Err(OAuthError::new(Code::UnauthorizedClient, why).into());
    }
    let config = &settings.config;
    // openid is about a person, and there is none.
    let mut scopes = scopes::asked(config, client, form.get("scope"))?;
    scopes.retain(|scope| !crate::config::Config::is_built_in(scope));
    // Nor is a client that registered itself one of those whom the settings let have a scope.
    if settings.clients.get(&client.client_id).is_none() {
        let of_everybody = scopes::of_account(config, &scopes, "", &[]);
        if form.get("scope").is_some() && of_everybody != scopes {
            let why =
                "a scope is for some accounts alone, and for clients that an administrator adds";
            return Err(OAuthError::new(Code::InvalidScope, why).into());
        }
        scopes = of_everybody;
    }
    let audience = scopes::audience(config, client, &scopes, form.several("resource"))?;
    let key = settings.keys.signing(now)?;
    let access = Access {
        issuer: &config.issuer,
        subject: &client.subject(),
        audience: &audience,
        client_id: &client.client_id,
        scopes: &scopes,
        now,
        lifetime: config.lifetimes.access_token,
        index: server.next_index().await?,
        ..Access::default()
    };
    let signed = access.signed(key)?;
    Ok(TokenResponse {
        access_token: signed.token,
        issued_token_type: None,
        token_type: "Bearer",
        expires_in: config.lifetimes.access_token,
        scope: scopes.join(" "),
        refresh_token: None,
        id_token: None,
        noted: Noted {
            jti: signed.id,
            ..Noted::default()
        },
    })
}

#[cfg(test)]
#[path = "client_credentials_tests.rs"]
mod tests;
