//! An authorization code, which a browser has brought back (RFC 6749 §4.1.3).

use super::{Context, TokenResponse, handed_out, narrowed, pkce, take_back};
use crate::error::{Failure, OAuthError};
use crate::issue::{self, Wants};
use crate::token::secret;

/// The tokens of what the person allowed.
///
/// # Errors
/// `invalid_grant` for a code that is unknown, used, over, another client's, or for another
/// redirect URI or verifier; the tokens of one that is used again are taken back (§4.1.2).
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        client,
        form,
        now,
        ..
    } = *context;
    let unknown = || OAuthError::grant("the code is unknown, used, over, or another client's");
    let digest = secret::digest(form.need("code")?);
    let kept = server.store.code(&digest).await?.ok_or_else(unknown)?;
    let code = &kept.code;
    if code.grant.client_id != client.client_id {
        return Err(unknown().into());
    }
    if kept.used {
        take_back(context, &code.grant).await?;
        return Err(unknown().into());
    }
    if kept.expires <= now {
        return Err(unknown().into());
    }
    if code.redirect_uri.as_deref() != form.get("redirect_uri") {
        let why = "redirect_uri is not the one that the code was asked for with";
        return Err(OAuthError::grant(why).into());
    }
    if client.is_public() && code.challenge.is_none() {
        let why = "a public client needs a code_challenge";
        return Err(OAuthError::grant(why).into());
    }
    pkce::verify(code.challenge.as_deref(), form.get("code_verifier"))?;
    let grant = narrowed(&code.grant, form.several("resource"))?;
    let wants = Wants {
        refresh: true,
        id_token: true,
        ..Wants::default()
    };
    let made = issue::tokens(context.asked(), client, &grant, wants).await?;
    let redeemed = server
        .store
        .redeem_code(&digest, now, made.issued, made.refresh())
        .await?;
    handed_out(context, made.response, redeemed, unknown)
}

#[cfg(test)]
#[path = "authorization_code_tests.rs"]
mod tests;
