//! The token of a session: whether there is one, and what it says. Pure; what has to be
//! looked up is asked for when it is needed.

use super::methods::ssh_methods;
use super::{Filling, Grant, claims};
use crate::config::{Accounts, Issue, Method};
use crate::handoff::Proof;
use crate::login_token::Authenticated;
use serde_json::{Map, Value, json};

/// `nobody` and the kernel's overflow uid: no account of anybody's.
const OVERFLOW_UID: u32 = 65_534;

/// A session that begins.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The account; under su and sudo the target's.
    pub account: &'a str,
    /// Its uid.
    pub uid: u32,
    /// The names of its groups. The error is for the log.
    pub groups: &'a dyn Fn() -> Result<Vec<String>, String>,
    /// The machine's name.
    pub host: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// What authenticate knows, if it was asked in this transaction.
    pub proof: Option<&'a Proof>,
    /// The methods that sshd names; none where the host program is another.
    pub ssh: Option<SshSession<'a>>,
    /// What tells this session from others.
    pub id: &'a str,
    /// What tells this token from others.
    pub token_id: &'a str,
    /// Seconds since the epoch.
    pub now: u64,
}

/// What sshd says of a session's login.
#[derive(Debug, Clone, Copy)]
pub struct SshSession<'a> {
    /// What it said while PAM was asked; none if PAM was not.
    pub before: Option<&'a str>,
    /// What it says now that the session opens.
    pub now: Option<&'a str>,
}

/// Why there is no token. The words are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The settings say so.
    Withheld(String),
    /// Something went wrong.
    Failed(String),
}

/// The claims of the token of `session`.
///
/// # Errors
/// [`Refusal`]
pub fn session(settings: &Issue, session: Session<'_>) -> Result<Map<String, Value>, Refusal> {
    let Session {
        account,
        uid,
        host,
        service,
        now,
        ..
    } = session;
    let withheld = |words: String| Err(Refusal::Withheld(words));
    if !settings.services.iter().any(|one| one == service) {
        return withheld("the services of [issue] do not name this one".to_owned());
    }
    let groups = groups(settings, session)?;
    if !is_meant(&settings.accounts, account, uid, &groups) {
        return withheld("[issue] is not for this account".to_owned());
    }
    let login = login(settings, session)?;
    let lasts = now.saturating_add(settings.lifetime);
    let expires = login.expires.map_or(lasts, |end| end.min(lasts));
    if expires <= now {
        return withheld("the token that opened the session has no time left".to_owned());
    }
    let with = Filling {
        account,
        uid,
        groups: &groups,
        host,
        service,
    };
    let fill = |(name, template): &(String, super::Template)| (name.clone(), template.fill(with));
    let mut extra: Map<String, Value> = settings.claims.iter().map(fill).collect();
    extra.insert("sid".to_owned(), session.id.into());
    for (name, value) in login.authenticated.claims() {
        extra.insert(name.to_owned(), value.clone());
    }
    let audience: Vec<String> = settings
        .audience
        .iter()
        .map(|audience| audience.replace("{hostname}", host))
        .collect();
    let grant = Grant {
        issuer: &settings.issuer,
        account,
        audience: &audience,
        client_id: &format!("pam:{service}"),
        id: session.token_id,
        now,
        expires,
    };
    claims(&grant, extra).map_err(|name| Refusal::Failed(format!("{name} is set twice")))
}

/// The groups, where somebody asks for them.
fn groups(settings: &Issue, session: Session<'_>) -> Result<Vec<String>, Refusal> {
    let are_asked_for = !settings.accounts.groups.is_empty()
        || settings
            .claims
            .iter()
            .any(|(_, template)| template.asks_for_groups());
    if are_asked_for {
        (session.groups)().map_err(Refusal::Failed)
    } else {
        Ok(Vec::new())
    }
}

/// Root, under whatever name, is meant where it is named alone.
fn is_meant(accounts: &Accounts, account: &str, uid: u32, groups: &[String]) -> bool {
    let is_ordinary = uid != 0 && uid != OVERFLOW_UID;
    accounts.names.iter().any(|name| name == account)
        || is_ordinary
            && (accounts.min_uid.is_some_and(|least| uid >= least)
                || accounts.groups.iter().any(|group| groups.contains(group)))
}

/// How somebody has logged in.
struct Login {
    authenticated: Authenticated,
    /// The token of the session lives no longer than the one that opened it.
    expires: Option<u64>,
}

/// How the session came about, if by methods that a token is issued for: a token never makes
/// a login fresher or stronger than it was.
fn login(settings: &Issue, session: Session<'_>) -> Result<Login, Refusal> {
    let withheld = |words: &str| Err(Refusal::Withheld(words.to_owned()));
    let allow = |method: &Method| settings.methods.contains(method);
    let mut methods: Vec<&str> = Vec::new();
    if let Some(ssh) = session.ssh {
        // What it said before it still says, unless somebody has set the variable since.
        let told = ssh
            .now
            .filter(|now| now.starts_with(ssh.before.unwrap_or_default()));
        let Some(told) = told else {
            return withheld("SSH_AUTH_INFO_0 is not as sshd sets it");
        };
        for method in ssh_methods(told) {
            if !method.asks_pam() && !allow(&Method::Ssh(method.name.to_owned())) {
                return withheld(&format!(
                    "the methods of [issue] do not name {}",
                    method.name
                ));
            }
        }
        let all_of_sshd = ssh_methods(told).all(|method| !method.asks_pam());
        if session.proof.is_some() && all_of_sshd {
            return withheld(
                "what PAM was asked is not what let the user in: sshd names no such method, and \
                 another was tried before",
            );
        }
        // While PAM was asked nobody but sshd could set it.
        let sure = session
            .proof
            .map_or(told, |_| ssh.before.unwrap_or_default());
        for amr in ssh_methods(sure).filter_map(|method| method.amr()) {
            if !methods.contains(&amr) {
                methods.push(amr);
            }
        }
        // A login of which nothing is known may be by anything.
        if session.proof.is_none() && (told.is_empty() || !all_of_sshd) {
            return withheld(
                "it is not known how the login came about; put \"auth optional pam_jwt.so issue\" \
                 below the modules that ask for a password",
            );
        }
    }
    match session.proof {
        Some(Proof::Token(token)) => {
            if !allow(&Method::Token) {
                return withheld("the methods of [issue] do not name token");
            }
            if !token.may_issue {
                return withheld("the rule that let the token in does not say may_issue = true");
            }
            Ok(Login {
                authenticated: token.authenticated.clone(),
                expires: Some(token.expires),
            })
        }
        Some(Proof::Asked(at)) => {
            if !allow(&Method::Password) {
                return withheld("the methods of [issue] do not name password");
            }
            if settings
                .password_services
                .iter()
                .any(|one| one == session.service)
            {
                methods.push("pwd");
            }
            // A clock that was set back since must not make it a login of later.
            Ok(logged_in(session.now.min(*at), &methods))
        }
        // By sshd's own methods, which are allowed.
        None if session.ssh.is_some() => Ok(logged_in(session.now, &methods)),
        None if allow(&Method::None) => Ok(Login {
            authenticated: Authenticated::default(),
            expires: None,
        }),
        None => withheld("nobody was asked anything, and the methods of [issue] do not name none"),
    }
}

fn logged_in(at: u64, methods: &[&str]) -> Login {
    Login {
        authenticated: Authenticated {
            time: Some(json!(at)),
            class: None,
            methods: (!methods.is_empty()).then(|| json!(methods)),
        },
        expires: None,
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
