//! `[issue]` in `pam-jwt.toml`: the token that a session gets.

use super::parse::{at, check_hostname_placeholder, period, strings, unspanned};
use super::values::Values;
use super::{Fault, Source};
use crate::issue::{NOT_TEMPLATES, Template};
use crate::rules::valid_name;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// The longest lifetime, in seconds: what is left behind is swept after it.
const MOST_LIFETIME: u64 = 7 * 86_400;

/// What is issued, where, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `iss`
    pub issuer: String,
    /// `aud`; `{hostname}` is not yet replaced.
    pub audience: Vec<String>,
    /// Where the key is; private/local.jwk if absent.
    pub key: Option<String>,
    /// The most seconds from `iat` to `exp`.
    pub lifetime: u64,
    /// In which PAM services.
    pub services: Vec<String>,
    /// How a login may have come about.
    pub methods: Vec<Method>,
    /// In which of the services what was asked for was a password (`amr` then has `pwd`).
    pub password_services: Vec<String>,
    /// To whom.
    pub accounts: Accounts,
    /// Further claims.
    pub claims: Vec<(String, Template)>,
}

/// How a login came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// By what PAM asked for that was no token: a password, or what else the modules want.
    Password,
    /// By a token.
    Token,
    /// Nobody was asked anything: root's su, sudo without a password, cron.
    None,
    /// By a method of sshd's own, by its name (sshd_config(5), AuthenticationMethods).
    Ssh(String),
}

impl Method {
    /// By its name in the configuration.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "password" => Self::Password,
            "token" => Self::Token,
            "none" => Self::None,
            "publickey" | "hostbased" | "gssapi-with-mic" => Self::Ssh(name.to_owned()),
            _ => return None,
        })
    }
}

/// Whom a token is issued to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// These.
    pub names: Vec<String>,
    /// The members of these groups, but no uid 0.
    pub groups: Vec<String>,
    /// Every account from this uid on, but 65534.
    pub min_uid: Option<u32>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssueText {
    issuer: Spanned<String>,
    audience: Spanned<Vec<Spanned<String>>>,
    key: Option<Spanned<String>>,
    lifetime: Option<Spanned<String>>,
    services: Spanned<Vec<Spanned<String>>>,
    methods: Option<Spanned<Vec<Spanned<String>>>>,
    password_services: Option<Vec<Spanned<String>>>,
    accounts: Option<Vec<Spanned<String>>>,
    groups: Option<Vec<String>>,
    min_uid: Option<Spanned<u32>>,
    #[serde(default)]
    claims: BTreeMap<Spanned<String>, Spanned<Values>>,
}

/// The settings; where nobody is named they are for `min_uid` and above.
///
/// # Errors
/// The first fault.
pub(super) fn issue(source: Source<'_>, text: IssueText, min_uid: u32) -> Result<Issue, Fault> {
    let wrong = |span, message: &str| at(source, span, message);
    if text.issuer.get_ref().is_empty() {
        return Err(wrong(
            text.issuer.span(),
            "issuer is empty; it is the tokens' iss claim",
        ));
    }
    strings(
        source,
        "audience",
        "\"ssh://web1.example.org\"",
        &text.audience,
    )?;
    for entry in text.audience.get_ref() {
        check_hostname_placeholder(source, entry)?;
    }
    if let Some(key) = text
        .key
        .as_ref()
        .filter(|key| !key.get_ref().starts_with('/'))
    {
        return Err(wrong(
            key.span(),
            "key is an absolute path, such as \"/etc/pam-jwt/private/local.jwk\"",
        ));
    }
    let lifetime = match &text.lifetime {
        None => 8 * 3600,
        Some(time) => lifetime(source, time)?,
    };
    strings(source, "services", "\"sshd\"", &text.services)?;
    let methods = match text.methods {
        None => vec![Method::Password, Method::Token, Method::None],
        Some(methods) => methods_of(source, methods)?,
    };
    let services = unspanned(text.services);
    for service in text.password_services.iter().flatten() {
        if !services.contains(service.get_ref()) {
            return Err(wrong(
                service.span(),
                "password_services names a service that services does not name",
            ));
        }
    }
    for name in text.accounts.iter().flatten() {
        if !valid_name(name.get_ref()) {
            return Err(wrong(name.span(), "no account can have this name"));
        }
    }
    if let Some(zero) = text.min_uid.as_ref().filter(|uid| *uid.get_ref() == 0) {
        return Err(wrong(
            zero.span(),
            "min_uid is at least 1: root is named, accounts = [\"root\"]",
        ));
    }
    let is_for_all = text.accounts.is_none() && text.groups.is_none();
    let accounts = Accounts {
        names: plain(text.accounts),
        groups: text.groups.unwrap_or_default(),
        min_uid: text
            .min_uid
            .map(Spanned::into_inner)
            .or_else(|| is_for_all.then_some(min_uid)),
    };
    let mut claims = Vec::new();
    for (name, value) in text.claims {
        if NOT_TEMPLATES.contains(&name.get_ref().as_str()) {
            return Err(wrong(
                name.span(),
                "this claim is not for a template: every token has it as the login was",
            ));
        }
        let values = match value.get_ref() {
            Values::One(one) => Template::of(one),
            Values::Several(several) => several
                .iter()
                .map(Template::of)
                .collect::<Result<_, _>>()
                .map(Template::List),
        };
        let template = values.map_err(|message| wrong(value.span(), message))?;
        claims.push((name.into_inner(), template));
    }
    Ok(Issue {
        issuer: text.issuer.into_inner(),
        audience: unspanned(text.audience),
        key: text.key.map(Spanned::into_inner),
        lifetime,
        services,
        methods,
        password_services: plain(text.password_services),
        accounts,
        claims,
    })
}

fn lifetime(source: Source<'_>, time: &Spanned<String>) -> Result<u64, Fault> {
    let mut fault = None;
    let mut note = |result: Result<(), Fault>| fault = result.err();
    let seconds = period(source, "lifetime", "8h", time, &mut note);
    match (fault, seconds) {
        (None, Some(seconds)) if seconds <= MOST_LIFETIME => Ok(seconds),
        (Some(fault), _) => Err(fault),
        _ => Err(at(source, time.span(), "lifetime is at most \"7d\"")),
    }
}

fn methods_of(
    source: Source<'_>,
    methods: Spanned<Vec<Spanned<String>>>,
) -> Result<Vec<Method>, Fault> {
    strings(source, "methods", "\"password\"", &methods)?;
    let method = |name: Spanned<String>| {
        Method::named(name.get_ref()).ok_or_else(|| {
            at(
                source,
                name.span(),
                "methods are \"password\", \"token\", \"none\", and sshd's own \"publickey\", \
                 \"hostbased\" and \"gssapi-with-mic\"",
            )
        })
    };
    methods.into_inner().into_iter().map(method).collect()
}

fn plain(list: Option<Vec<Spanned<String>>>) -> Vec<String> {
    let list = list.unwrap_or_default();
    list.into_iter().map(Spanned::into_inner).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Global;
    use super::*;
    use serde_json::json;

    const LEAST: &str =
        "issuer = \"https://h\"\naudience = [\"ssh://b\"]\nservices = [\"sshd\", \"login\"]\n";

    fn parse(more: &str) -> Result<Issue, Fault> {
        let text = format!("[issue]\n{LEAST}{more}");
        let source = Source {
            file: "pam-jwt.toml",
            text: &text,
        };
        Global::parse(source).map(|global| global.issue.unwrap())
    }

    #[test]
    fn what_is_not_said_is_careful() {
        let least = parse("").unwrap();
        assert_eq!(least.key, None);
        assert_eq!(least.lifetime, 8 * 3600);
        // A key that is restricted to a command could read the token.
        assert_eq!(
            least.methods,
            [Method::Password, Method::Token, Method::None]
        );
        assert_eq!(least.password_services, [""; 0]);
        assert_eq!(
            least.accounts,
            Accounts {
                min_uid: Some(1000),
                ..Accounts::default()
            }
        );
        assert_eq!(least.claims, []);
    }

    #[test]
    fn everything_can_be_said() {
        let all = parse(
            "key = \"/k\"\nlifetime = \"7d\"\nmethods = [\"publickey\", \"none\"]\n\
             password_services = [\"login\"]\naccounts = [\"root\"]\ngroups = [\"ops\"]\n\
             claims = { sun = \"{account}\", \"wlcg.ver\" = \"1.0\", n = 5, l = [\"a\", \"{uid}\"] }",
        )
        .unwrap();
        assert_eq!((all.key.as_deref(), all.lifetime), (Some("/k"), 604_800));
        assert_eq!(
            all.methods,
            [Method::Ssh("publickey".to_owned()), Method::None]
        );
        assert_eq!(all.password_services, ["login"]);
        assert_eq!(
            (all.accounts.min_uid, &*all.accounts.groups),
            (None, &["ops".to_owned()][..])
        );
        let names: Vec<&str> = all.claims.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["l", "n", "sun", "wlcg.ver"]);
        assert_eq!(all.claims[1].1, Template::Fixed(json!(5)));
        let both = parse("accounts = [\"root\"]\nmin_uid = 500").unwrap();
        assert_eq!(both.accounts.min_uid, Some(500));
    }

    #[test]
    fn what_cannot_be_meant_is_an_error() {
        for bad in [
            "key = \"local.jwk\"",
            "lifetime = \"8d\"",
            "lifetime = \"0s\"",
            "methods = []",
            "methods = [\"Password\"]",
            "password_services = [\"su\"]",
            "accounts = [\"a/b\"]",
            "min_uid = 0",
            "claims = { exp = 5 }",
            "claims = { auth_time = 5 }",
            "claims = { acr = \"2\" }",
            "claims = { cnf = \"2\" }",
            "claims = { a = \"{name}\" }",
            "claims = { a = \"{account\" }",
            "claims = { a = \"in {groups}\" }",
            "more = 1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for less in [
            "issuer = \"https://h\"\n",
            "audience = [\"ssh://b\"]\n",
            "services = [\"sshd\", \"login\"]\n",
        ] {
            let text = format!("[issue]\n{}", LEAST.replace(less, ""));
            assert!(
                Global::parse(Source {
                    file: "f",
                    text: &text
                })
                .is_err(),
                "{less}"
            );
        }
    }
}
