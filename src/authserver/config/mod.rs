//! `/etc/pam-jwt/authserver.toml`: the one file of settings. Unknown keys and impossible
//! combinations are errors that say where; a file that does not load starts no server.

pub mod check;
pub mod reload;
pub mod scope;

pub use scope::Scope;

use policy::duration;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The settings of the server. Every key but `issuer` has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `iss` of its tokens, and the address under which it is reached (RFC 8414 §2): https, or
    /// http on loopback.
    pub issuer: String,
    /// Where it listens, unless systemd hands it sockets.
    #[serde(default = "default_listen")]
    pub listen: Vec<SocketAddr>,
    /// The reverse proxies whose `X-Forwarded-For` says who asks. None: whoever connects asks.
    #[serde(default)]
    pub proxies: Vec<IpAddr>,
    /// TLS of its own; without it a proxy has it, or the server is on loopback.
    pub tls: Option<Tls>,
    /// Where it keeps what has to survive.
    #[serde(default)]
    pub store: Store,
    /// How long its tokens live.
    #[serde(default)]
    pub lifetimes: Lifetimes,
    /// Who may log in, and what a login proves.
    #[serde(default)]
    pub accounts: Accounts,
    /// Tokens for the users of this machine, by a Unix socket.
    #[serde(default)]
    pub local: Local,
    /// Dynamic client registration (RFC 7591).
    #[serde(default)]
    pub registration: Registration,
    /// What it bears.
    #[serde(default)]
    pub limits: Limits,
    /// What a token may be asked to allow, by name.
    #[serde(default)]
    pub scopes: BTreeMap<String, Scope>,
    /// Where metrics are served (`/metrics`, Prometheus), apart from the rest; none: nowhere.
    pub metrics: Option<SocketAddr>,
}

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead to its issuer, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM, for root's eyes.
    pub key: PathBuf,
}

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// `sqlite:///PATH`, or `postgres://…` where several replicas are one server.
    #[serde(default = "default_store")]
    pub url: String,
}

impl Store {
    /// What `url` has to be.
    pub const ADDRESS: &str = "store: url is postgres:// and so on, or sqlite:// and an absolute \
        path without ? # %, such as sqlite:///var/lib/pam-jwt-authserver/store.db";

    /// SQLite's file; PostgreSQL has none here.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        sqlite_path(&self.url)
    }

    /// The directory of SQLite's files, of which there are several.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.path()?.parent()
    }
}

/// The path in `sqlite://PATH`, where that is one that means the same to SQLite.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://")
        .filter(|path| path.starts_with('/') && !path.contains(['?', '#', '%']))
        .map(Path::new)
        .filter(|path| path.file_name().is_some())
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: default_store(),
        }
    }
}

/// `[lifetimes]`, in seconds; written as durations ("10m").
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lifetimes {
    /// Of an access token.
    #[serde(deserialize_with = "seconds")]
    pub access_token: u64,
    /// Of an ID token.
    #[serde(deserialize_with = "seconds")]
    pub id_token: u64,
    /// Of a refresh token that is not used.
    #[serde(deserialize_with = "seconds")]
    pub refresh_token: u64,
    /// Of what a person allowed: no refresh token of it works longer.
    #[serde(deserialize_with = "seconds")]
    pub grant: u64,
    /// Of an authorization code: ten minutes at most (RFC 6749 §4.1.2).
    #[serde(deserialize_with = "seconds")]
    pub code: u64,
    /// Of a device code.
    #[serde(deserialize_with = "seconds")]
    pub device_code: u64,
    /// Of a login in a browser: until then nobody is asked for a password again.
    #[serde(deserialize_with = "seconds")]
    pub session: u64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            access_token: 600,
            id_token: 600,
            refresh_token: 7 * 86_400,
            grant: 30 * 86_400,
            code: 60,
            device_code: 600,
            session: 8 * 3600,
        }
    }
}

/// `[accounts]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// The PAM service that people log in by.
    pub service: String,
    /// Below it accounts are the system's and do not log in here.
    pub min_uid: u32,
    /// Whether root does (uid 0).
    pub allow_root: bool,
    /// What the stack proves of who gets through it (`amr`, RFC 8176).
    pub amr: Vec<String>,
    /// Groups of whom one at least has to be theirs; none: everybody may.
    pub groups: Vec<String>,
    /// Conversations that are held at once.
    pub max_conversations: usize,
    /// For how long one is held, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub conversation_timeout: u64,
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            service: "pam-jwt-authserver".to_owned(),
            min_uid: 1000,
            allow_root: false,
            amr: vec!["pwd".to_owned()],
            groups: Vec::new(),
            max_conversations: 64,
            conversation_timeout: 300,
        }
    }
}

/// `[local]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Local {
    /// Whether there is such a socket.
    pub enabled: bool,
    /// Its path.
    pub socket: PathBuf,
    /// The client whose scopes and audiences hold for such tokens (`client_id` in them). Where
    /// none is registered under that id, all scopes do that the account may have.
    pub client_id: String,
    /// Accounts below `accounts.min_uid` that may have tokens as well, by name: services, whose
    /// cron jobs want some.
    pub accounts: Vec<String>,
}

impl Default for Local {
    fn default() -> Self {
        Self {
            enabled: true,
            socket: PathBuf::from("/run/pam-jwt-authserver/local"),
            client_id: "local".to_owned(),
            accounts: Vec::new(),
        }
    }
}

/// `[registration]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// Who may register clients.
    pub mode: RegistrationMode,
    /// The SHA-256 of the initial access tokens, hexadecimal (RFC 7591 §1.2).
    pub initial_access_tokens: Vec<String>,
    /// The scopes that a client registered so may have.
    pub scopes: Vec<String>,
    /// How many clients may have been registered so, at once.
    pub most: usize,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: RegistrationMode::Off,
            initial_access_tokens: Vec::new(),
            scopes: Vec::new(),
            most: 1000,
        }
    }
}

/// Who may register clients (RFC 7591 §3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationMode {
    /// Nobody but the administrator.
    #[default]
    Off,
    /// Who has an initial access token.
    InitialAccessToken,
    /// Everybody; where all that it listens on is loopback.
    Open,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body: usize,
    /// Bytes of a request's head.
    pub head: usize,
    /// Connections at once.
    pub connections: usize,
    /// Connections of one address at once.
    pub connections_per_address: usize,
    /// For how long a request may take to arrive, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub request_timeout: u64,
    /// Requests in a minute of one client, and of one address that no client's secret vouches for.
    pub requests_per_minute: u32,
    /// Requests that wait at once until somebody confirms them: device codes, pushed requests. A
    /// client that shows who it is, and any address, has a sixteenth at most of what is free then.
    pub pending: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 * 1024,
            head: 16 * 1024,
            connections: 16_384,
            connections_per_address: 1024,
            request_timeout: 10,
            requests_per_minute: 6000,
            pending: 10_000,
        }
    }
}

fn default_listen() -> Vec<SocketAddr> {
    vec![SocketAddr::from(([127, 0, 0, 1], 8420))]
}

fn default_store() -> String {
    "sqlite:///var/lib/pam-jwt-authserver/store.db".to_owned()
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| serde::de::Error::custom("a duration is a number and s, m, h or d: \"10m\""))
}
