//! A device code, while or after a person confirms it elsewhere (RFC 8628 §3.4).

use super::{Context, TokenResponse, handed_out};
use crate::error::{Code, Failure, OAuthError};
use crate::issue::{self, Wants};
use crate::store::Poll;
use crate::token::secret;

/// The tokens of what the person allowed.
///
/// # Errors
/// How far that is (§3.5): `authorization_pending`, `slow_down`, `access_denied`,
/// `expired_token`; `invalid_grant` for a code that is unknown, used or another client's.
pub async fn granted(context: &Context<'_>) -> Result<TokenResponse, Failure> {
    let Context {
        server,
        client,
        form,
        now,
        ..
    } = *context;
    let unknown = || OAuthError::grant("the device code is unknown, used, or another client's");
    let digest = secret::digest(form.need("device_code")?);
    let client_id = &client.client_id;
    let (code, why) = match server.store.poll_device(&digest, client_id, now).await? {
        Poll::Ready(grant) => {
            let wants = Wants {
                refresh: true,
                id_token: true,
                ..Wants::default()
            };
            let made = issue::tokens(context.asked(), client, &grant, wants).await?;
            let redeemed = server
                .store
                .redeem_device(&digest, now, made.issued, made.refresh())
                .await?;
            return handed_out(context, made.response, redeemed, unknown);
        }
        Poll::Unknown => return Err(unknown().into()),
        Poll::Pending => (Code::AuthorizationPending, "nobody has confirmed it yet"),
        Poll::SlowDown => (
            Code::SlowDown,
            "wait 5 seconds longer from now on, each time",
        ),
        Poll::Denied => (Code::AccessDenied, "the person has refused"),
        Poll::Expired => (Code::ExpiredToken, "nobody has confirmed it in time"),
    };
    Err(OAuthError::new(code, why).into())
}

#[cfg(test)]
#[path = "device_code_tests.rs"]
mod tests;
