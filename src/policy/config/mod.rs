//! The configuration: `pam-jwt.toml` and `issuers.d/*.toml`, as text in and
//! types out. What does not load refuses every token; nothing is defaulted
//! because it was wrong, and nothing is ignored because it is unknown.

mod fault;
mod parse;

pub use fault::Fault;

use jose::Algorithm;
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
}

impl Default for Global {
    fn default() -> Self {
        Self {
            audience_host: None,
            leeway: 30,
            min_uid: 1000,
        }
    }
}

/// One file of `issuers.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The file, as it was named to [`Config::parse`].
    pub file: String,
    /// The `iss` that its tokens have, compared byte for byte.
    pub issuer: String,
    /// A token's `aud` must name one of these; `{hostname}` is not yet replaced.
    pub audience: Vec<String>,
    /// Where its keys are.
    pub keys: Vec<KeyFile>,
    /// Who may log in as whom; without a rule nobody.
    pub allow: Vec<Rule>,
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
    /// Claims that the token must have, each equal or one of a list's elements.
    pub claims: Vec<(String, Value)>,
}

/// The account that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// This one.
    Named(String),
    /// The one that this claim, a string, is equal to.
    Claim(String),
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
        let global = parse::global(global).unwrap_or_else(|fault| {
            faults.push(fault);
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
