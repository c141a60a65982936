//! Who asks: the client, and how it shows that it is the one (RFC 6749 §2.3).

use crate::http::{Answer, Authorization, Http, Text};
use crate::token::Tokens;
use crate::{Error, Metadata};

/// A client that is registered at the server.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`
    pub id: String,
    /// Its secret; a public client has none.
    pub secret: Option<Text>,
}

impl Client {
    /// Asks the token endpoint for tokens.
    ///
    /// # Errors
    /// [`Error::Refused`] with what the server says, or why there is no answer.
    pub fn tokens(
        &self,
        http: &Http,
        metadata: &Metadata,
        form: &[(&str, &str)],
    ) -> Result<Tokens, Error> {
        let endpoint = metadata.token_endpoint.as_deref();
        let endpoint = endpoint.ok_or(Error::Unsupported("token_endpoint"))?;
        Tokens::of(&self.post(http, metadata, endpoint, form)?)
    }

    /// Sends a form to `uri`, in the way that the server takes.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub fn post(
        &self,
        http: &Http,
        metadata: &Metadata,
        uri: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Error> {
        let mut form = form.to_vec();
        match &self.secret {
            Some(secret) if metadata.takes_basic => {
                return http.post(uri, &form, Authorization::Basic(&self.id, secret));
            }
            Some(secret) => form.push(("client_secret", secret)),
            None => {}
        }
        form.push(("client_id", &self.id));
        http.post(uri, &form, Authorization::None)
    }
}
