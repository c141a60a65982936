//! A refresh token (RFC 6749 §6), which works once: with the tokens comes the next one, and one
//! that comes again was stolen from somebody, so that all tokens of what was allowed are taken
//! back (RFC 9700 §4.14.2).

use super::{Context, TokenResponse, handed_out, narrowed, take_back};
use crate::error::{Code, Failure, OAuthError};
use crate::issue::{self, Wants};
use crate::store::Grant;
use crate::token::secret;

/// New tokens of what the person allowed.
///
/// # Errors
/// `invalid_grant` for a refresh token that is unknown, used, over, taken back or another
/// client's; `invalid_scope` for more than was allowed.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        client,
        form,
        now,
        ..
    } = *context;
    let unknown = || OAuthError::grant("the refresh token is unknown, used, over, or another's");
    let digest = secret::digest(form.need("refresh_token")?);
    let kept = server.store.refresh(&digest).await?.ok_or_else(unknown)?;
    if kept.grant.client_id != client.client_id {
        return Err(unknown().into());
    }
    if kept.used {
        take_back(context, &kept.grant).await?;
        return Err(unknown().into());
    }
    if kept.revoked || kept.expires <= now {
        return Err(unknown().into());
    }
    let grant = Grant {
        scopes: fewer(&kept.grant.scopes, form.get("scope"))?,
        // It was for the first ID token (OpenID Connect Core §12.2).
        nonce: None,
        ..narrowed(&kept.grant, form.several("resource"))?
    };
    let wants = Wants {
        refresh: true,
        id_token: true,
        ..Wants::default()
    };
    let made = issue::tokens(context.asked(), client, &grant, wants).await?;
    // The client is registered for this grant, so that it gets the next one.
    let next = made.refresh().ok_or_else(unknown)?;
    let redeemed = server.store.rotate(&digest, now, made.issued, next).await?;
    handed_out(context, made.response, redeemed, unknown)
}

/// The scopes that are asked for of those that were allowed: all, where none are named.
fn fewer(allowed: &[String], asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked else {
        return Ok(allowed.to_vec());
    };
    let asked = asked.split(' ').filter(|name| !name.is_empty());
    let asked: Vec<String> = asked.map(str::to_owned).collect();
    if asked.iter().all(|name| allowed.contains(name)) {
        Ok(asked)
    } else {
        let why = "a scope is more than what was allowed";
        Err(OAuthError::new(Code::InvalidScope, why))
    }
}

#[cfg(test)]
#[path = "refresh_token_tests.rs"]
mod tests;
