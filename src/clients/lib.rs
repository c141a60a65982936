//! Clients (RFC 6749 §2): who may ask for tokens, how they show who they are, and what they may
//! have. The administrator's are files (`/etc/pam-jwt/clients.d`), those that registered
//! themselves (RFC 7591) are in the store of pam-jwt-authserver; both are this one type.
#![forbid(unsafe_code)]

pub mod redirect;
pub mod text;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A registered client. The names are those of RFC 7591 §2 where it has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// `client_id`
    pub client_id: String,
    /// `client_id_issued_at` (RFC 7591 §3.2.1): when it was registered, in seconds since the
    /// epoch. One that has another's id and not this is another client: what people allowed the
    /// one before it does not hold for it.
    #[serde(default)]
    pub client_id_issued_at: Option<u64>,
    /// What people are told who asks.
    #[serde(default)]
    pub client_name: Option<String>,
    /// How it shows who it is.
    #[serde(default)]
    pub token_endpoint_auth_method: AuthMethod,
    /// The SHA-256 of its secrets, hexadecimal: two, while one takes the other's place.
    #[serde(default)]
    pub secret_sha256: Vec<String>,
    /// Its public keys, a JWK Set (`private_key_jwt`).
    #[serde(default)]
    pub jwks: Option<serde_json::Value>,
    /// Where a browser may be sent back to, each exactly as it has to be asked for.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// The grants that it may use.
    #[serde(default)]
    pub grant_types: Vec<GrantType>,
    /// The scopes that it may ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// For whom its tokens may be meant, besides the audiences of its scopes; the first is
    /// whom they are for where it does not say.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether people are asked before it gets a token for them; not for a program of the
    /// house itself.
    #[serde(default = "yes")]
    pub consent: bool,
    /// Whether it may ask about any token (RFC 7662), as a resource server does; otherwise about
    /// its own, and about those that are for one of its audiences.
    #[serde(default)]
    pub introspects: bool,
}

/// How a client shows who it is (RFC 7591 §2, OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic,
    /// In the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// By a signed assertion (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// Not at all: a public client, which has PKCE.
    None,
}

impl AuthMethod {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::None,
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}

/// A grant (RFC 6749 §1.3, RFC 7591 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GrantType {
    /// RFC 6749 §4.1
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// RFC 6749 §4.2
    #[serde(rename = "implicit")]
    Implicit,
    /// RFC 6749 §4.3
    #[serde(rename = "password")]
    Password,
    /// RFC 6749 §4.4
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// RFC 6749 §6
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// RFC 8628
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// RFC 8693
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
    /// RFC 7523 §2.1
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AuthorizationCode,
        Self::Implicit,
        Self::Password,
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// The grant of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}

impl Client {
    /// Whether it may use this grant.
    #[must_use]
    pub fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether it has no way to show who it is (RFC 6749 §2.1).
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.token_endpoint_auth_method == AuthMethod::None
    }

    /// The `sub` of tokens that are its own. No account is called so: a name in passwd(5) has
    /// no colon.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("client:{}", self.client_id)
    }

    /// What is wrong with the registration, if anything is.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        // VSCHAR (RFC 6749 appendix A.1), and what needs no escape in a file's name.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if self.client_id.is_empty()
            || self.client_id.len() > 128
            || !self.client_id.bytes().all(is_plain)
            || self.client_id.starts_with('.')
        {
            faults.push("client_id is 1 to 128 letters, digits and - . _ ~".to_owned());
        }
        let uses_browser = self.may(GrantType::AuthorizationCode) || self.may(GrantType::Implicit);
        if uses_browser && self.redirect_uris.is_empty() {
            faults.push("a client of the authorization endpoint needs redirect_uris".to_owned());
        }
        faults.extend(
            self.redirect_uris
                .iter()
                .filter_map(|uri| redirect::fault(uri)),
        );
        let needs_secret = matches!(
            self.token_endpoint_auth_method,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost
        );
        if needs_secret && self.secret_sha256.is_empty() {
            faults.push("secret_sha256 is missing".to_owned());
        }
        if self.token_endpoint_auth_method == AuthMethod::PrivateKeyJwt && self.jwks.is_none() {
            faults.push("jwks is missing, which private_key_jwt is verified with".to_owned());
        }
        if self.is_public() && self.may(GrantType::ClientCredentials) {
            faults.push(
                "client_credentials is for clients that can show who they are (RFC 6749 section 4.4)"
                    .to_owned(),
            );
        }
        faults
    }
}

/// The administrator's clients, by id.
#[derive(Debug, Clone, Default)]
pub struct Clients {
    by_id: BTreeMap<String, Client>,
}

impl Clients {
    /// Reads them; each is a file's name and its text.
    ///
    /// # Errors
    /// What is wrong, with the file's name.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, String> {
        let mut by_id = BTreeMap::new();
        for (file, text) in files {
            let client: Client =
                toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
            if let Some(fault) = client.faults().first() {
                return Err(format!("{file}: {fault}"));
            }
            let id = client.client_id.clone();
            if by_id.insert(id, client).is_some() {
                return Err(format!("{file}: another file has the same client_id"));
            }
        }
        Ok(Self { by_id })
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values()
    }

    /// The client, where there is one alone.
    #[must_use]
    pub fn into_only(self) -> Option<Client> {
        let mut clients = self.by_id.into_values();
        clients.next().filter(|_| clients.next().is_none())
    }

    /// The client of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Client> {
        self.by_id.get(id)
    }
}

/// The file's name of a client's registration.
#[must_use]
pub fn file_name(client_id: &str) -> String {
    format!("{client_id}.toml")
}

const fn yes() -> bool {
    true
}
