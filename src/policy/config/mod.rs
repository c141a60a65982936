//! The configuration: `pam-jwt.toml` and `issuers.d/*.toml`, as text in and
//! types out. What does not load refuses every token; nothing is defaulted
//! because it was wrong, and nothing is ignored because it is unknown.

mod fault;
mod global;
mod issue;
mod key_file;
mod parse;
mod remote;
mod rule;
mod table;

pub use fault::Fault;
pub use issue::{Accounts, Issue, Method};
pub use remote::{Counts, Device, Fetch, Introspection, LEAST_TOKEN, is_address};

use crate::claim_path::ClaimPath;
use crate::status::StatusMode;
use jose::{Algorithm, KeyUse};
use serde_json::Value;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `pam-jwt.toml`
    pub global: Global,
    /// `issuers.d/*.toml`, in the order of their names.
    pub issuers: Vec<Issuer>,
}

/// `pam-jwt.toml`: every key has a default, and an empty file is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// What `{hostname}` stands for in audiences; the machine's name if absent.
    pub audience_host: Option<String>,
    /// Seconds by which clocks may differ. At most 300 (5 minutes).
    pub leeway: u64,
    /// The lowest uid that a rule with a placeholder may match.
    pub min_uid: u32,
    /// What the user is asked, up to the `token: ` that ends it always.
    pub prompt: String,
    /// The longest token, in bytes, however it comes. At least 1000, at most 64 KiB.
    pub max_token_bytes: usize,
    /// The PAM services in which a session that a token opened ends with it.
    pub end_with_token: Vec<String>,
    /// The token that a session gets, if any does.
    pub issue: Option<Issue>,
    /// The program that asks issuers for a login, by its absolute path, where it is not in its
    /// usual place.
    pub fetch_program: Option<String>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            audience_host: None,
            leeway: 30,
            min_uid: 1000,
            prompt: "Password or ".to_owned(),
            max_token_bytes: jose::compact::MAX_BYTES,
            end_with_token: Vec::new(),
            issue: None,
            fetch_program: None,
        }
    }
}

impl Global {
    /// Reads `pam-jwt.toml` alone.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(source: Source<'_>) -> Result<Self, Vec<Fault>> {
        global::global(source)
    }

    /// Whether a login at `service` has something to tell its session.
    pub fn concerns_session(&self, service: &str) -> bool {
        let issues = self.issue.as_ref().map(|issue| &issue.services);
        let lists = [Some(&self.end_with_token), issues];
        let mut named = lists.into_iter().flatten().flatten();
        named.any(|one| one == service)
    }

    /// Whether a session at `service` that a token opened ends with it.
    pub fn ends_with_token(&self, service: &str) -> bool {
        self.end_with_token.iter().any(|one| one == service)
    }
}

/// One file of `issuers.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The file, as it was named to [`Config::parse`].
    pub file: String,
    /// The `iss` that its tokens have, compared byte for byte; of a trust domain its name,
    /// such as `spiffe://example.org`, and its tokens have none.
    pub issuer: String,
    /// Whether it is a trust domain of SPIFFE.
    pub is_trust_domain: bool,
    /// A token's `aud` must name one of these; `{hostname}` is not yet replaced.
    pub audience: Vec<String>,
    /// Where its keys are, unless they are fetched.
    pub keys: Vec<KeyFile>,
    /// How its keys are fetched, if they are.
    pub fetch: Option<Fetch>,
    /// The addresses of its status lists that are fetched.
    pub status_lists: Vec<String>,
    /// How people log in with a browser, if they may.
    pub device: Option<Device>,
    /// How it is asked about opaque tokens, if it is.
    pub introspection: Option<Introspection>,
    /// The `typ` that its tokens may have.
    pub types: TokenTypes,
    /// The most seconds from `iat` to `exp`.
    pub max_lifetime: Option<u64>,
    /// What becomes of a token of which no status list says anything.
    pub status: StatusMode,
    /// Who may log in as whom; without a rule nobody.
    pub allow: Vec<Rule>,
}

impl Issuer {
    /// What its keys have to be for.
    pub const fn key_use(&self) -> KeyUse {
        key_use(self.is_trust_domain)
    }
}

const fn key_use(is_trust_domain: bool) -> KeyUse {
    if is_trust_domain {
        KeyUse::JwtSvid
    } else {
        KeyUse::Signature
    }
}

/// The media types of tokens that an issuer's file accepts (`typ`), compared without case
/// and without `application/` (RFC 7515 §4.1.9). What has another type was made for
/// another purpose (RFC 8725 §3.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenTypes {
    /// In lower case, without the prefix.
    names: Vec<String>,
    /// Whether a token may be without one.
    absent: bool,
}

impl Default for TokenTypes {
    /// Access tokens (RFC 9068), plain JWTs, and those that do not say.
    fn default() -> Self {
        Self::new(["at+jwt", "JWT", Self::ABSENT])
    }
}

impl TokenTypes {
    /// What stands in the list for tokens without a type; it is no media type.
    const ABSENT: &str = "none";

    fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut types = Self {
            names: Vec::new(),
            absent: false,
        };
        for name in names {
            if name == Self::ABSENT {
                types.absent = true;
            } else {
                types.names.push(bare_type(name));
            }
        }
        types
    }

    /// Whether a token with this `typ` is accepted.
    pub fn accept(&self, typ: Option<&str>) -> bool {
        match typ {
            None => self.absent,
            Some(typ) => self.names.contains(&bare_type(typ)),
        }
    }
}

impl std::fmt::Display for TokenTypes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let absent = self.absent.then_some("none at all");
        let all: Vec<&str> = self
            .names
            .iter()
            .map(String::as_str)
            .chain(absent)
            .collect();
        f.write_str(&all.join(", "))
    }
}

fn bare_type(typ: &str) -> String {
    let typ = typ.to_ascii_lowercase();
    typ.strip_prefix("application/").unwrap_or(&typ).to_owned()
}

/// One entry of `keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// An absolute path.
    pub file: String,
    /// The algorithm of a key that does not name its own.
    pub alg: Option<Algorithm>,
    /// The kid of a key that does not have its own.
    pub kid: Option<String>,
    /// What a key has to be for.
    pub key_use: KeyUse,
}

/// One `[[allow]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The line on which it begins, for messages.
    pub line: usize,
    /// Whom it lets in.
    pub account: Account,
    /// Where: PAM service names.
    pub services: Vec<String>,
    /// Claims that the token must have: of each, one of these values is the claim's, or one
    /// of its elements.
    pub claims: Vec<(ClaimPath, Vec<Value>)>,
    /// The most seconds since `iat`.
    pub max_age: Option<u64>,
    /// The most seconds since `auth_time`, the login at the issuer (OpenID Connect Core §2).
    pub max_auth_age: Option<u64>,
    /// The class of that login (`acr`) is one of these, unless there are none.
    pub acr: Vec<String>,
    /// Among its methods (`amr`, RFC 8176) is one of these, unless there are none.
    pub amr: Vec<String>,
    /// Whether the token opens one login. There is a `max_age` then, and it lives no longer.
    pub one_time: bool,
    /// Whether the token has to be bound to a key (`cnf`, RFC 7800).
    pub bound: bool,
    /// Whether the session that the token opens may get one of this machine's, where it is
    /// said ([`Rule::may_issue`]).
    pub may_issue: Option<bool>,
    /// Whether keys that were fetched lead to uid 0 by it.
    pub fetched_keys: bool,
}

impl Rule {
    /// Whether the session that a token opens by this rule may get one of this machine's: of
    /// a token that opens one login, or none without its key, one would be made that opens
    /// many, for whoever has it.
    pub(crate) fn may_issue(&self, is_bound: bool) -> bool {
        self.may_issue.unwrap_or(!self.one_time && !is_bound)
    }
}

/// The account that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// This one.
    Named(String),
    /// The one that this claim, a string, is equal to.
    Claim {
        /// The claim.
        path: ClaimPath,
        /// What it must have besides, and what is no part of the account's name.
        strip: Option<Strip>,
    },
}

/// What is taken off a claim to get an account's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strip {
    /// An ending, such as `@example.org`.
    Suffix(String),
    /// The beginning of a SPIFFE ID, such as `spiffe://example.org/user/`.
    Prefix(String),
}

impl Strip {
    /// What is left of `value`, which has to have it.
    pub fn off<'a>(&self, value: &'a str) -> Option<&'a str> {
        match self {
            Self::Suffix(suffix) => value.strip_suffix(&**suffix),
            Self::Prefix(prefix) => value.strip_prefix(&**prefix),
        }
    }

    /// What is taken off.
    pub fn text(&self) -> &str {
        match self {
            Self::Suffix(text) | Self::Prefix(text) => text,
        }
    }
}

/// A file's name, as messages show it, and its text.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The name.
    pub file: &'a str,
    /// The text.
    pub text: &'a str,
}

/// What could be read, and every fault that was found. There is no way to the
/// configuration while there are faults, but a tool can go on looking for more.
#[must_use]
#[derive(Debug)]
pub struct Parsed {
    /// The files that have no fault of their own.
    pub readable: Config,
    /// In the order of the files.
    pub faults: Vec<Fault>,
}

impl Parsed {
    /// The configuration, if nothing is wrong with any of it.
    ///
    /// # Errors
    /// The faults.
    pub fn whole(self) -> Result<Config, Vec<Fault>> {
        if self.faults.is_empty() {
            Ok(self.readable)
        } else {
            Err(self.faults)
        }
    }
}

impl Config {
    /// Reads all files.
    pub fn parse(global: Source<'_>, issuers: &[Source<'_>]) -> Parsed {
        let mut faults = Vec::new();
        let global = Global::parse(global).unwrap_or_else(|mut found| {
            faults.append(&mut found);
            Global::default()
        });
        let mut readable: Vec<Issuer> = Vec::new();
        for source in issuers {
            match parse::issuer(*source) {
                Ok(issuer) => {
                    if let Some(other) = readable.iter().find(|other| other.issuer == issuer.issuer)
                    {
                        faults.push(Fault::of_file(
                            source.file,
                            format!(
                                "{} names the issuer {:?} too; put everything about one issuer \
                                 into one file",
                                other.file, issuer.issuer
                            ),
                        ));
                    }
                    readable.push(issuer);
                }
                Err(mut found) => faults.append(&mut found),
            }
        }
        Parsed {
            readable: Self {
                global,
                issuers: readable,
            },
            faults,
        }
    }
}
