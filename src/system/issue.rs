//! The token of a session, made: settings, key, account and clock go into
//! [`policy::issue::session`], and what comes out is signed.

use crate::key_store::{self, first};
use crate::trusted_file::{self, FileFault};
use crate::{account_db, clock, hostname};
use jose::PrivateKey;
use jose::sign::random_id;
use policy::config::{Global, Issue};
use policy::handoff::Proof;
use policy::issue::{Refusal, Session, SshSession, session, signed};
use policy::session::Token;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A session for which a token is asked.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    /// The account; under su and sudo the target's.
    pub account: &'a str,
    /// Its uid.
    pub uid: u32,
    /// The PAM service.
    pub service: &'a str,
    /// What authenticate knows, if it was asked in this transaction.
    pub proof: Option<&'a Proof>,
    /// What sshd says of the login, if that is the host program.
    pub ssh: Option<SshSession<'a>>,
    /// The session's `sid`.
    pub id: &'a str,
}

/// A token.
pub struct Issued {
    /// Its text, wiped when dropped.
    pub text: Zeroizing<String>,
    /// What it is known by.
    pub token: Token,
}

/// A token for the session, by the `[issue]` of the configuration in `config`.
///
/// # Errors
/// [`Refusal`]
pub fn issue(config: &Path, opening: Opening<'_>) -> Result<Issued, Refusal> {
    let failed = |what: &dyn std::fmt::Display| Refusal::Failed(what.to_string());
    let now = clock::now().map_err(|_| failed(&"the clock is earlier than this program"))?;
    let global = key_store::global(config).map_err(|faults| Refusal::Failed(first(&faults)))?;
    let Global {
        issue,
        audience_host,
        ..
    } = global;
    let issue = issue.ok_or_else(|| Refusal::Withheld("pam-jwt.toml has no [issue]".to_owned()))?;
    let host = match audience_host {
        Some(host) => host,
        None => hostname().map_err(|error| failed(&error))?,
    };
    let Opening {
        account,
        uid,
        service,
        proof,
        ssh,
        id,
    } = opening;
    let token_id = random_id().map_err(|error| failed(&error))?;
    let groups =
        || account_db::groups_of(account).map_err(|error| format!("groups of {account}: {error}"));
    let about = Session {
        account,
        uid,
        groups: &groups,
        host: &host,
        service,
        proof,
        ssh,
        id,
        token_id: &token_id,
        now,
    };
    let claims = session(&issue, about)?;
    let key = signing_key(&key_path(config, &issue)).map_err(Refusal::Failed)?;
    let text = signed(&key, &claims).map_err(Refusal::Failed)?;
    let expires = claims.get("exp").and_then(|exp| exp.as_u64());
    Ok(Issued {
        text: Zeroizing::new(text),
        token: Token {
            issuer: issue.issuer,
            id: Some(token_id),
            expires: expires.unwrap_or_default(),
        },
    })
}

/// Where the key of the `[issue]` in `config` is.
pub fn key_path(config: &Path, issue: &Issue) -> PathBuf {
    let own = || config.join("private/local.jwk");
    issue.key.as_ref().map_or_else(own, PathBuf::from)
}

/// The private key in a file that root alone reads.
///
/// # Errors
/// Why nothing can be signed with it, and what to do.
pub fn signing_key(path: &Path) -> Result<PrivateKey, String> {
    let shown = path.display();
    let content = trusted_file::read(path).map_err(|error| match error.fault {
        FileFault::Missing => {
            format!("{error}; name the key in [issue], or make one: pam-jwt keygen")
        }
        _ if error.is_out_of_reach() => {
            format!("this process does not run as root and may not read {shown}")
        }
        _ => error.to_string(),
    })?;
    if !content.is_private {
        return Err(format!(
            "others than root can read {shown}, who could then sign tokens; make a new key, and \
             run: chmod 600 {shown}"
        ));
    }
    PrivateKey::parse(&content.bytes).map_err(|error| {
        format!("{shown}: {error}; it has to be a private JWK, as 'pam-jwt keygen' makes one")
    })
}
