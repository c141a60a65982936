//! A login in a browser on this machine: the authorization code grant (RFC 6749 §4.1) with
//! proof of possession of the request (PKCE, RFC 7636), whose answer comes to an address on
//! the loopback (RFC 8252 §7.3).

use crate::http::{Http, Text, address, with_query};
use crate::token::{Tokens, plain};
use crate::{Client, Error, Metadata};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64ct::{Base64UrlUnpadded, Encoding};
use zeroize::Zeroizing;

/// What is asked of the server in the user's browser.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Who asks.
    pub client: &'a Client,
    /// Where the answer is to come to.
    pub redirect_uri: &'a str,
    /// `scope`
    pub scope: Option<&'a str>,
    /// What the tokens are to be for (RFC 8707 §2.1).
    pub resources: &'a [String],
    /// By which the answer is known again.
    pub state: Text,
    /// What shows that whoever brings the code has asked for it.
    verifier: Text,
}

/// Why an answer brings no code.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is none to this request: nothing has come of that yet.
    Foreign,
    /// It is the answer, and it is this.
    Refused(Error),
}

impl<'a> Request<'a> {
    /// A new one, which nobody can guess.
    ///
    /// # Errors
    /// That the system gives no randomness.
    pub fn new(
        client: &'a Client,
        redirect_uri: &'a str,
        scope: Option<&'a str>,
        resources: &'a [String],
    ) -> Result<Self, Error> {
        Ok(Self {
            client,
            redirect_uri,
            scope,
            resources,
            state: unguessable()?,
            verifier: unguessable()?,
        })
    }

    /// The address that the browser is to open.
    ///
    /// # Errors
    /// That the server has none, or not one to send anything to.
    pub fn uri(&self, metadata: &Metadata) -> Result<String, Error> {
        let endpoint = metadata.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or(Error::Unsupported("authorization_endpoint"))?;
        let challenge = challenge(&self.verifier);
        let mut form = vec![
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", self.redirect_uri),
            ("state", &self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if let Some(scope) = self.scope {
            form.push(("scope", scope));
            if scope.split(' ').any(|one| one == "offline_access") {
                // Without it no refresh token is given (OpenID Connect Core §11).
                form.push(("prompt", "consent"));
            }
        }
        let resources = self.resources.iter();
        form.extend(resources.map(|resource| ("resource", resource.as_str())));
        let uri = with_query(endpoint, &form);
        address(&uri).map(|_| uri)
    }

    /// The code in the query that came to the redirect address (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// That it has none.
    pub fn code(&self, query: &str, metadata: &Metadata) -> Result<Text, Unusable> {
        let pairs = decoded(query).ok_or(Unusable::Foreign)?;
        let value = |name: &str| {
            let mut values = pairs.iter().filter(|(known, _)| known.as_str() == name);
            let first = values.next().map(|(_, value)| value);
            // None is to be there twice (RFC 6749 §3.1).
            values.next().is_none().then_some(first).flatten()
        };
        if value("state").is_none_or(|state| *state != self.state) {
            return Err(Unusable::Foreign);
        }
        // Else a server that is not honest could have the code of one that is (RFC 9207 §2.4).
        match value("iss") {
            Some(iss) if **iss == metadata.issuer => {}
            None if !metadata.names_issuer => {}
            iss => {
                let found = iss.map(|iss| plain(iss)).unwrap_or_default();
                return Err(Unusable::Refused(Error::Issuer { found }));
            }
        }
        if let Some(error) = value("error") {
            return Err(Unusable::Refused(Error::Refused {
                code: plain(error),
                description: value("error_description").map(|words| plain(words)),
            }));
        }
        let code = value("code").filter(|code| !code.is_empty());
        code.cloned()
            .ok_or(Unusable::Refused(Error::Form("a code")))
    }

    /// Has the code turned into tokens (RFC 6749 §4.1.3), for the first of the resources.
    ///
    /// # Errors
    /// [`Error::Refused`] with what the server says, or why there is no answer.
    pub fn redeem(&self, http: &Http, metadata: &Metadata, code: &str) -> Result<Tokens, Error> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", &self.verifier),
        ];
        if let Some(resource) = self.resources.first() {
            form.push(("resource", resource));
        }
        self.client.tokens(http, metadata, &form)
    }
}

/// 256 bits in base64url, which are 43 characters (RFC 7636 §4.1).
fn unguessable() -> Result<Text, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut()).map_err(|_| Error::Transport("no randomness".to_owned()))?;
    Ok(Zeroizing::new(Base64UrlUnpadded::encode_string(
        bytes.as_ref(),
    )))
}

/// The method S256 (RFC 7636 §4.2).
fn challenge(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(digest(&SHA256, verifier.as_bytes()).as_ref())
}

/// The pairs of `application/x-www-form-urlencoded`; none where it is not.
fn decoded(query: &str) -> Option<Vec<(Text, Text)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Option<Text> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let value = digit(high)?.checked_mul(16)?.checked_add(digit(low)?)?;
                bytes.push(u8::try_from(value).ok()?);
                behind
            }
            (b'%', _) => return None,
            (b'+', behind) => {
                bytes.push(b' ');
                behind
            }
            (byte, behind) => {
                bytes.push(*byte);
                behind
            }
        };
    }
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
