//! `[issue]` in `pam-jwt.toml`: the token that a session gets.

use super::parse::{check_hostname_placeholder, period, strings, unspanned};
use super::table::{Notes, Table, Values};
use crate::issue::{NOT_TEMPLATES, Template};
use crate::rules::valid_name;
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

/// The settings; where nobody is named they are for `min_uid` and above.
pub(super) fn issue(mut table: Table<'_>, min_uid: u32) -> Option<Issue> {
    let notes = table.notes;
    let issuer = table.needed_text("issuer");
    if let Some(empty) = issuer.as_ref().filter(|issuer| issuer.get_ref().is_empty()) {
        notes.at(empty.span(), "issuer is empty; it is the tokens' iss claim");
    }
    let audience = table.needed_texts("audience");
    if let Some(audience) = &audience {
        strings(notes, "audience", "\"ssh://web1.example.org\"", audience);
        for entry in audience.get_ref() {
            check_hostname_placeholder(notes, entry);
        }
    }
    let key = table.text("key");
    if let Some(key) = key.as_ref().filter(|key| !key.get_ref().starts_with('/')) {
        let message = "key is an absolute path, such as \"/etc/pam-jwt/private/local.jwk\"";
        notes.at(key.span(), message);
    }
    let time = table.text("lifetime");
    let lifetime = time
        .as_ref()
        .and_then(|time| period(notes, "lifetime", "8h", time));
    if let Some(time) = time.filter(|_| lifetime.is_some_and(|seconds| seconds > MOST_LIFETIME)) {
        notes.at(time.span(), "lifetime is at most \"7d\"");
    }
    let services = table.needed_texts("services");
    if let Some(services) = &services {
        strings(notes, "services", "\"sshd\"", services);
    }
    let methods = match table.texts("methods") {
        None => vec![Method::Password, Method::Token, Method::None],
        Some(methods) => methods_of(notes, methods),
    };
    let services = services.map(unspanned).unwrap_or_default();
    let password_services = list(table.texts("password_services"));
    for service in password_services
        .iter()
        .filter(|one| !services.contains(one.get_ref()))
    {
        let message = "password_services names a service that services does not name";
        notes.at(service.span(), message);
    }
    let (names, groups) = (table.texts("accounts"), table.texts("groups"));
    for (name, example, list) in [
        ("accounts", "\"root\"", &names),
        ("groups", "\"ops\"", &groups),
    ] {
        if let Some(list) = list {
            strings(notes, name, example, list);
        }
    }
    let is_for_all = names.is_none() && groups.is_none();
    let names = list(names);
    for name in names.iter().filter(|name| !valid_name(name.get_ref())) {
        notes.at(name.span(), "no account can have this name");
    }
    let least = table.number("min_uid");
    if let Some(zero) = least.as_ref().filter(|uid| *uid.get_ref() == 0) {
        let message = "min_uid is at least 1: root is named, accounts = [\"root\"]";
        notes.at(zero.span(), message);
    }
    let least = least.map(Spanned::into_inner);
    let accounts = Accounts {
        names: plain(names),
        groups: plain(list(groups)),
        min_uid: least.or_else(|| is_for_all.then_some(min_uid)),
    };
    let claims = table.free("claims").into_iter();
    let claims = claims.filter_map(|claim| template(notes, claim)).collect();
    table.finish();
    Some(Issue {
        issuer: issuer?.into_inner(),
        audience: unspanned(audience?),
        key: key.map(Spanned::into_inner),
        lifetime: lifetime.unwrap_or(8 * 3600),
        services,
        methods,
        password_services: plain(password_services),
        accounts,
        claims,
    })
}

fn methods_of(notes: &Notes<'_>, methods: Spanned<Vec<Spanned<String>>>) -> Vec<Method> {
    strings(notes, "methods", "\"password\"", &methods);
    let method = |name: Spanned<String>| {
        let method = Method::named(name.get_ref());
        if method.is_none() {
            notes.at(
                name.span(),
                "methods are \"password\", \"token\", \"none\", and sshd's own \"publickey\", \
                 \"hostbased\" and \"gssapi-with-mic\"",
            );
        }
        method
    };
    methods
        .into_inner()
        .into_iter()
        .filter_map(method)
        .collect()
}

fn template(
    notes: &Notes<'_>,
    (name, value): (Spanned<String>, Spanned<Values>),
) -> Option<(String, Template)> {
    if NOT_TEMPLATES.contains(&name.get_ref().as_str()) {
        let message = "this claim is not for a template: every token has it as the login was";
        notes.at(name.span(), message);
        return None;
    }
    let template = match value.get_ref() {
        Values::One(one) => Template::of(one),
        Values::Several(several) => {
            let list: Result<_, _> = several.iter().map(Template::of).collect();
            list.map(Template::List)
        }
    };
    match template {
        Ok(template) => Some((name.into_inner(), template)),
        Err(message) => {
            notes.at(value.span(), message);
            None
        }
    }
}

fn list(texts: Option<Spanned<Vec<Spanned<String>>>>) -> Vec<Spanned<String>> {
    texts.map(Spanned::into_inner).unwrap_or_default()
}

fn plain(list: Vec<Spanned<String>>) -> Vec<String> {
    list.into_iter().map(Spanned::into_inner).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, Global, Source};
    use super::*;
    use serde_json::json;

    const LEAST: &str =
        "issuer = \"https://h\"\naudience = [\"ssh://b\"]\nservices = [\"sshd\", \"login\"]\n";

    fn parse(more: &str) -> Result<Issue, Vec<Fault>> {
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
            "accounts = []",
            "groups = []",
            "groups = [\"\"]",
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
