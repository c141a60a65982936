//! Who may log in as whom: the `[[allow]]` rules of an issuer's file, in file
//! order. The first rule that holds decides, and only that rule counts.

use crate::authenticate::{Note, Refusal, Request};
use crate::config::{Account, Global, Rule};
use crate::duration::for_people;
use crate::explain::Observer;
use crate::reason::Reason;
use jose::{Claims, NumericDate};
use serde_json::Value;
use std::fmt;

/// `nobody` and the kernel's overflow uid: no account of anybody's.
const OVERFLOW_UID: u32 = 65_534;

/// What rules are held against.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    /// The token's claims.
    pub(crate) claims: &'a Claims,
    /// What is asked for.
    pub(crate) request: &'a Request<'a>,
    /// The settings for all issuers.
    pub(crate) global: &'a Global,
    /// Seconds since the epoch.
    pub(crate) now: u64,
}

/// The rule that holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) rule: &'a Rule,
    /// Whether the token opens this one login, since one of the rules that hold says so.
    pub(crate) use_up: bool,
}

/// Finds the first of `rules`, which stand in `file`, that holds.
///
/// # Errors
/// The refusal of the rule that came closest.
pub(crate) fn decide<'a>(
    rules: &'a [Rule],
    file: &str,
    case: Case<'_>,
    observer: &mut dyn Observer,
) -> Result<Held<'a>, Refusal> {
    let account = case.request.account;
    if !valid_name(account) {
        observer.check(
            format_args!("account"),
            false,
            format_args!("{account:?} cannot be an account's name"),
        );
        return Err(Reason::AccountNameInvalid.into());
    }
    // Ranked by how far a rule got, so that the reason is the one to act on.
    let mut closest: Option<(usize, Refusal)> = None;
    let mut decided = None;
    let mut use_up = false;
    for rule in rules {
        let mut look = Look {
            case,
            place: Place {
                file,
                line: rule.line,
            },
            observer: &mut *observer,
        };
        let conditions = [
            look.service(rule),
            look.account(rule),
            look.claims(rule),
            look.known(),
            look.permitted(rule),
            look.bound(rule),
            look.once(rule),
            look.acr(rule),
            look.amr(rule),
            look.authenticated(rule),
            look.fresh(rule),
            look.short(rule),
        ];
        let failed = conditions
            .into_iter()
            .enumerate()
            .find_map(|(rank, condition)| Some((rank, condition.err()?)));
        match failed {
            // Those behind it are looked at all the same: for whoever watches, and because
            // a token that fits one of one_time is used up whichever decides.
            None => {
                decided = decided.or(Some(rule));
                use_up |= rule.one_time;
            }
            Some((rank, refusal)) if closest.as_ref().is_none_or(|(best, _)| rank > *best) => {
                closest = Some((rank, refusal));
            }
            Some(_) => {}
        }
    }
    if rules.is_empty() {
        observer.check(
            format_args!("rules"),
            false,
            format_args!("{file} has no [[allow]]"),
        );
    }
    match decided {
        Some(rule) => Ok(Held { rule, use_up }),
        None => Err(closest.map_or_else(|| Reason::NoRule.into(), |(_, refusal)| refusal)),
    }
}

/// What the system's own tools and other programs that handle the name accept.
pub(crate) fn valid_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('-')
        && !name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | ':' | '\u{fffd}'))
        && !matches!(name, "." | "..")
}

/// One rule being looked at.
struct Look<'a> {
    case: Case<'a>,
    place: Place<'a>,
    observer: &'a mut dyn Observer,
}

impl Look<'_> {
    fn service(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let service = self.case.request.service;
        let holds = rule.services.iter().any(|one| one == service);
        let compared = format_args!("{service:?} in {:?}", rule.services);
        self.check("service", holds, compared, Reason::ServiceNotAllowed)
    }

    fn account(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let asked = self.case.request.account;
        let reason = Reason::AccountNotAllowed;
        let (path, suffix) = match &rule.account {
            Account::Named(account) => {
                let compared = format_args!("asked for {asked:?}, rule names {account:?}");
                return self.check("account", account == asked, compared, reason);
            }
            Account::Claim { path, strip_suffix } => (path, strip_suffix.as_deref()),
        };
        let value = path.of(self.case.claims);
        let name = value.and_then(Value::as_str);
        let holds = match suffix {
            None => name == Some(asked),
            Some(suffix) => name.and_then(|name| name.strip_suffix(suffix)) == Some(asked),
        };
        let value = Shown(value);
        match suffix {
            None => {
                let compared = format_args!("asked for {asked:?}, claim {path} is {value}");
                self.check("account", holds, compared, reason)
            }
            Some(suffix) => {
                let compared = format_args!(
                    "asked for {asked:?}, claim {path} is {value}, of which {suffix:?} is taken off"
                );
                self.check("account", holds, compared, reason)
            }
        }
    }

    fn claims(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let mut all = Ok(());
        for (path, wanted) in &rule.claims {
            let value = path.of(self.case.claims);
            let holds = value.is_some_and(|value| match value {
                Value::Array(elements) => elements.iter().any(|one| wanted.contains(one)),
                single => wanted.contains(single),
            });
            let value = Shown(value);
            let compared = format_args!("{path} is {value}, wanted is {}", AnyOf(wanted));
            all = all.and(self.check("claim", holds, compared, Reason::ClaimsNotAllowed));
        }
        all
    }

    fn known(&mut self) -> Result<(), Refusal> {
        if self.case.request.uid.is_some() {
            return Ok(());
        }
        let compared = format_args!("the system has no account {:?}", self.case.request.account);
        self.check("uid", false, compared, Reason::AccountUnknown)
    }

    /// A placeholder never leads to a system account: what fills it is the user's own to
    /// edit at many providers.
    fn permitted(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let (Account::Claim { .. }, Some(uid)) = (&rule.account, self.case.request.uid) else {
            return Ok(());
        };
        let min_uid = self.case.global.min_uid;
        let holds = uid != 0 && uid >= min_uid && uid != OVERFLOW_UID;
        let compared =
            format_args!("uid {uid}; a placeholder matches {min_uid} and above, but not 65534");
        self.check("uid", holds, compared, Reason::AccountReserved)
    }

    /// `bound`: that the key which `cnf` names was proved is seen to before the rules.
    fn bound(&mut self, rule: &Rule) -> Result<(), Refusal> {
        if !rule.bound {
            return Ok(());
        }
        let holds = self.case.claims.get("cnf").is_some();
        let has = if holds { "is" } else { "is not" };
        let compared = format_args!("the token {has} bound to a key by a cnf claim");
        self.check("bound", holds, compared, Reason::BindingMissing)
    }

    /// `one_time`: there is something to know the token by.
    fn once(&mut self, rule: &Rule) -> Result<(), Refusal> {
        if !rule.one_time {
            return Ok(());
        }
        let holds = self
            .case
            .claims
            .id
            .as_ref()
            .is_some_and(|id| !id.is_empty());
        let has = if holds { "has a" } else { "has no" };
        let compared = format_args!("the token {has} jti, by which its use is remembered");
        self.check("one time", holds, compared, Reason::JtiMissing)
    }

    fn acr(&mut self, rule: &Rule) -> Result<(), Refusal> {
        self.login_was("acr", &rule.acr, Reason::AcrInsufficient)
    }

    fn amr(&mut self, rule: &Rule) -> Result<(), Refusal> {
        self.login_was("amr", &rule.amr, Reason::AmrInsufficient)
    }

    /// The claim `name` is one of `wanted`, or has one among its elements.
    fn login_was(&mut self, name: &str, wanted: &[String], reason: Reason) -> Result<(), Refusal> {
        if wanted.is_empty() {
            return Ok(());
        }
        let value = self.case.claims.get(name);
        let is_wanted = |one: &Value| matches!(one, Value::String(text) if wanted.contains(text));
        let holds = match value {
            Some(Value::Array(elements)) => elements.iter().any(is_wanted),
            Some(single) => is_wanted(single),
            None => false,
        };
        let wanted = wanted.join(" or ");
        let compared = format_args!("{name} is {}, wanted is {wanted}", Shown(value));
        self.check(name, holds, compared, reason)
            .map_err(|refusal| Refusal {
                note: Note::Lacks(format!("{name} {wanted}")),
                ..refusal
            })
    }

    /// `max_auth_age`: seconds since `auth_time`, when the user last logged in at the issuer.
    fn authenticated(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let Some(most) = rule.max_auth_age else {
            return Ok(());
        };
        let Some(at) = self.case.claims.date("auth_time") else {
            let compared = format_args!("the token has no auth_time that is a time");
            return self.check("auth age", false, compared, Reason::AuthTimeMissing);
        };
        self.at_most("auth age", "logged in", at, most, Reason::AuthTooOld)
    }

    /// `max_age`: seconds since `iat`.
    fn fresh(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let Some(most) = rule.max_age else {
            return Ok(());
        };
        let Some(issued) = self.case.claims.issued_at else {
            let compared = format_args!("the token has no iat, so its age is not known");
            return self.check("age", false, compared, Reason::IssuedAtMissing);
        };
        self.at_most("age", "issued", issued, most, Reason::TooOld)
    }

    /// From `then` to now it is at most `most` seconds, by which clocks may differ again. A
    /// time to come is no age.
    fn at_most(
        &mut self,
        name: &str,
        what: &str,
        then: NumericDate,
        most: u64,
        reason: Reason,
    ) -> Result<(), Refusal> {
        let (now, leeway) = (self.case.now, self.case.global.leeway);
        let early = then.ceil().saturating_sub(now);
        if early > leeway {
            let compared = format_args!("{what} {} from now", for_people(early));
            return self
                .check(name, false, compared, Reason::IssuedInFuture)
                .map_err(|refusal| Refusal {
                    note: Note::EarlyBy(early),
                    ..refusal
                });
        }
        let age = now.saturating_sub(then.floor());
        let over = age.saturating_sub(most);
        let compared = format_args!(
            "{what} {} ago, at most {}, leeway {leeway} s",
            for_people(age),
            for_people(most)
        );
        self.check(name, over <= leeway, compared, reason)
            .map_err(|refusal| Refusal {
                note: Note::OverBy(over),
                ..refusal
            })
    }

    /// What is used once lives no longer than its use is remembered at least: `max_age`.
    fn short(&mut self, rule: &Rule) -> Result<(), Refusal> {
        let (true, Some(most)) = (rule.one_time, rule.max_age) else {
            return Ok(());
        };
        let claims = self.case.claims;
        // A token without either is refused anyway.
        let (Some(expires), Some(issued)) = (claims.expires, claims.issued_at) else {
            return Ok(());
        };
        let lifetime = expires.ceil().saturating_sub(issued.floor());
        let compared = format_args!(
            "from iat to exp {}, at most {}",
            for_people(lifetime),
            for_people(most)
        );
        let holds = lifetime <= most;
        self.check("lifetime", holds, compared, Reason::LifetimeTooLong)
            .map_err(|refusal| Refusal {
                note: Note::OverBy(lifetime.saturating_sub(most)),
                ..refusal
            })
    }

    fn check(
        &mut self,
        name: &str,
        holds: bool,
        compared: fmt::Arguments<'_>,
        reason: Reason,
    ) -> Result<(), Refusal> {
        let place = self.place;
        self.observer
            .check(format_args!("{place} {name}"), holds, compared);
        if holds { Ok(()) } else { Err(reason.into()) }
    }
}

/// `rule FILE:LINE`
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    line: usize,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}:{}", self.file, self.line)
    }
}

/// A claim's value as JSON, or `absent`.
struct Shown<'a>(Option<&'a Value>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("absent"),
        }
    }
}

/// Values as JSON, with `or` between them.
struct AnyOf<'a>(&'a [Value]);

impl fmt::Display for AnyOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, value) in self.0.iter().enumerate() {
            let or = if at == 0 { "" } else { " or " };
            write!(f, "{or}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
