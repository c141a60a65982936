//! An authorization request (RFC 6749 §4.1.1, §4.2.1, with RFC 7636, RFC 8707, RFC 9207 and
//! OpenID Connect Core §3.1.2.1): all that it asks for, or how it is refused.

use super::destination::{Destination, ResponseMode};
use crate::config::Config;
use crate::error::{Code, OAuthError};
use crate::parameters::Parameters;
use crate::scopes;
use clients::{Client, GrantType, redirect};

/// What a client may have carried along is kept for as long as somebody logs in: no longer than
/// this, in bytes, is what it sends of each.
const LONGEST: [(&str, usize); 3] = [("state", 4096), ("nonce", 1024), ("login_hint", 256)];

/// Characters of a code challenge: the SHA-256 of the verifier, base64url (RFC 7636 §4.2).
const CHALLENGE: usize = 43;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: Client,
    /// What for.
    pub response_type: ResponseType,
    /// Where the answer goes.
    pub destination: Destination,
    /// `redirect_uri`, where it was sent: then the token request has to have it too
    /// (RFC 6749 §4.1.3).
    pub redirect_uri: Option<String>,
    /// `scope`; all of the client's where it was not sent.
    pub scopes: Vec<String>,
    /// `resource` (RFC 8707)
    pub resources: Vec<String>,
    /// `code_challenge`, always by S256 (RFC 7636).
    pub challenge: Option<String>,
    /// `nonce`
    pub nonce: Option<String>,
    /// `prompt`
    pub prompt: Prompt,
    /// `max_age`: the login may be so many seconds ago.
    pub max_age: Option<u64>,
    /// `login_hint`: who will probably log in.
    pub login_hint: Option<String>,
}

/// What the answer has in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseType {
    /// A code (RFC 6749 §4.1).
    Code,
    /// The tokens themselves (RFC 6749 §4.2, OpenID Connect Core §3.2).
    Implicit {
        /// An access token.
        token: bool,
        /// An ID token.
        id_token: bool,
    },
}

/// What the client wants the person to be asked (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing at all.
    pub none: bool,
    /// To log in again.
    pub login: bool,
    /// To consent again.
    pub consent: bool,
}

/// How a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// With a page: where an answer may go is not known, so the browser is sent nowhere
    /// (RFC 6749 §4.1.2.1).
    Page(OAuthError),
    /// With an answer to the client.
    Redirect(Destination, OAuthError),
}

impl Refusal {
    /// What is wrong.
    #[must_use]
    pub const fn error(&self) -> &OAuthError {
        match self {
            Self::Page(error) | Self::Redirect(_, error) => error,
        }
    }
}

impl AuthorizationRequest {
    /// What the client asks for by these parameters.
    ///
    /// # Errors
    /// How it is refused. Whether the client is the one that `client_id` names is the caller's.
    pub fn read(
        config: &Config,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<Self, Refusal> {
        let destination = destination(config, client, &|name| parameters.get(name))?;
        let asked = Self::asked(config, client, parameters, &destination);
        asked.map_err(|error| Refusal::Redirect(destination, error))
    }

    fn asked(
        config: &Config,
        client: &Client,
        parameters: &Parameters,
        destination: &Destination,
    ) -> Result<Self, OAuthError> {
        let text = |name: &str| parameters.get(name).map(str::to_owned);
        refuse_request_objects(parameters)?;
        refuse_long(parameters)?;
        let response_type = response_type(client, parameters)?;
        refuse_other_modes(response_type, parameters)?;
        let scopes = scopes::asked(config, client, parameters.get("scope"))?;
        let resources = parameters.several("resource").to_vec();
        scopes::audience(config, client, &scopes, &resources)?;
        let (challenge, nonce) = (text("code_challenge"), text("nonce"));
        match response_type {
            ResponseType::Code => check_challenge(client, parameters)?,
            ResponseType::Implicit { id_token: true, .. } => {
                if nonce.is_none() {
                    return Err(OAuthError::request("an ID token needs a nonce"));
                }
                if !scopes.iter().any(|scope| scope == "openid") {
                    let why = "an ID token needs the scope openid";
                    return Err(OAuthError::new(Code::InvalidScope, why));
                }
            }
            ResponseType::Implicit { .. } => {}
        }
        Ok(Self {
            client: client.clone(),
            response_type,
            destination: destination.clone(),
            redirect_uri: text("redirect_uri"),
            scopes,
            resources,
            challenge,
            nonce,
            prompt: Prompt::read(parameters.get("prompt"))?,
            max_age: max_age(parameters.get("max_age"))?,
            login_hint: text("login_hint"),
        })
    }
}

/// How a request is refused that cannot be read, as where a parameter is sent twice: by an answer
/// to the client all the same, where that much of it can be read (RFC 6749 §4.1.2.1).
#[must_use]
pub fn unreadable(config: &Config, client: &Client, form: &[u8], error: OAuthError) -> Refusal {
    // One that is twice there, or that cannot be read, is not the one that is registered.
    if only(form, "redirect_uri").is_err() {
        return Refusal::Page(error);
    }
    let names = ["redirect_uri", "response_type", "response_mode", "state"];
    let readable: Vec<(&str, String)> = names
        .into_iter()
        .filter_map(|name| Some((name, alone(form, name)?)))
        .collect();
    let get = |wanted: &str| {
        let found = readable.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    match destination(config, client, &get) {
        Ok(destination) => Refusal::Redirect(destination, error),
        Err(refusal) => refusal,
    }
}

/// A parameter of a request that cannot be read as a whole, where it is there once.
#[must_use]
pub fn alone(form: &[u8], name: &str) -> Option<String> {
    only(form, name).ok()?.get(name).map(str::to_owned)
}

fn only(form: &[u8], name: &str) -> Result<Parameters, OAuthError> {
    let pairs: Vec<&[u8]> = pairs_of(form, name).collect();
    Parameters::parse(&pairs.join(&b'&'))
}

fn pairs_of<'a>(form: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    form.split(|byte| *byte == b'&').filter(move |pair| {
        let written = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        let decoded = crate::parameters::decoded(written);
        decoded.is_ok_and(|decoded| decoded.as_str() == name)
    })
}

/// Where the answer goes.
fn destination<'a>(
    config: &Config,
    client: &Client,
    get: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Destination, Refusal> {
    let page = |why: &'static str| Refusal::Page(OAuthError::request(why));
    let redirect_uri = match (get("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(asked), registered) => {
            let is_registered = registered.iter().any(|one| redirect::is_same(one, asked));
            if !is_registered {
                return Err(page("redirect_uri is not one that is registered"));
            }
            asked
        }
        (None, [only]) => only,
        (None, _) => return Err(page("the parameter redirect_uri is missing")),
    };
    let response_type = get("response_type").unwrap_or_default();
    // Tokens never are in a query, which ends up in logs.
    let is_tokens = response_type.split(' ').any(|part| part.ends_with("token"));
    let mode = match get("response_mode").and_then(ResponseMode::from_name) {
        _ if is_tokens => ResponseMode::Fragment,
        Some(mode) => mode,
        None => ResponseMode::Query,
    };
    Ok(Destination {
        redirect_uri: redirect_uri.to_owned(),
        mode,
        state: get("state").map(str::to_owned),
        issuer: config.issuer.clone(),
    })
}

fn refuse_request_objects(parameters: &Parameters) -> Result<(), OAuthError> {
    if parameters.get("request").is_some() {
        let why = "request objects are not supported; push the request instead";
        return Err(OAuthError::new(Code::RequestNotSupported, why));
    }
    if parameters.get("request_uri").is_some() {
        let why = "request_uri is none that this server gave out for a pushed request";
        return Err(OAuthError::new(Code::RequestUriNotSupported, why));
    }
    Ok(())
}

fn refuse_long(parameters: &Parameters) -> Result<(), OAuthError> {
    for (name, most) in LONGEST {
        let bytes = parameters.get(name).map_or(0, str::len);
        if bytes > most {
            return Err(OAuthError::request(format!(
                "the parameter {name} is longer than {most} bytes"
            )));
        }
    }
    Ok(())
}

fn response_type(client: &Client, parameters: &Parameters) -> Result<ResponseType, OAuthError> {
    let unsupported = || {
        OAuthError::new(
            Code::UnsupportedResponseType,
            "there is no such response_type",
        )
    };
    let name = parameters.need("response_type")?;
    let (mut code, mut token, mut id_token) = (0, 0, 0);
    // The order does not matter (RFC 6749 §3.1.1).
    for part in name.split(' ') {
        match part {
            "code" => code += 1,
            "token" => token += 1,
            "id_token" => id_token += 1,
            _ => return Err(unsupported()),
        }
    }
    let response_type = match (code, token, id_token) {
        (1, 0, 0) => ResponseType::Code,
        (0, 0 | 1, 0 | 1) => ResponseType::Implicit {
            token: token == 1,
            id_token: id_token == 1,
        },
        _ => return Err(unsupported()),
    };
    let grant = match response_type {
        ResponseType::Code => GrantType::AuthorizationCode,
        ResponseType::Implicit { .. } => GrantType::Implicit,
    };
    if client.may(grant) {
        Ok(response_type)
    } else {
        let why = "the client is not registered for this response_type";
        Err(OAuthError::new(Code::UnauthorizedClient, why))
    }
}

fn refuse_other_modes(
    response_type: ResponseType,
    parameters: &Parameters,
) -> Result<(), OAuthError> {
    let Some(name) = parameters.get("response_mode") else {
        return Ok(());
    };
    match (ResponseMode::from_name(name), response_type) {
        (None, _) => Err(OAuthError::request("response_mode is query or fragment")),
        (Some(ResponseMode::Query), ResponseType::Implicit { .. }) => {
            Err(OAuthError::request("tokens are not sent in a query"))
        }
        _ => Ok(()),
    }
}

/// PKCE by S256, without which no public client gets a code (RFC 7636 §4.4.1). Where a client
/// leaves the method out it means `plain`, which protects nothing.
fn check_challenge(client: &Client, parameters: &Parameters) -> Result<(), OAuthError> {
    let method = parameters.get("code_challenge_method");
    let Some(challenge) = parameters.get("code_challenge") else {
        return match (method, client.is_public()) {
            (Some(_), _) => Err(OAuthError::request(
                "the parameter code_challenge is missing",
            )),
            (None, true) => Err(OAuthError::request("a public client needs code_challenge")),
            (None, false) => Ok(()),
        };
    };
    if method != Some("S256") {
        return Err(OAuthError::request("code_challenge_method has to be S256"));
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if challenge.len() != CHALLENGE || !challenge.bytes().all(is_part) {
        return Err(OAuthError::request(
            "code_challenge is no SHA-256 in base64url: 43 characters",
        ));
    }
    Ok(())
}

impl Prompt {
    fn read(text: Option<&str>) -> Result<Self, OAuthError> {
        let mut prompt = Self::default();
        for part in text.unwrap_or_default().split(' ') {
            match part {
                "" => {}
                "none" => prompt.none = true,
                // Who logs in again says as whom.
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(OAuthError::request("prompt is unknown")),
            }
        }
        if prompt.none && (prompt.login || prompt.consent) {
            return Err(OAuthError::request("prompt is none and something else"));
        }
        Ok(prompt)
    }
}

fn max_age(text: Option<&str>) -> Result<Option<u64>, OAuthError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_number);
    let bad = || OAuthError::request("max_age is no number of seconds");
    seconds.ok_or_else(bad).map(Some)
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
