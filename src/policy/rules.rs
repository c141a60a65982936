//! Who may log in as whom: the `[[allow]]` rules of an issuer's file, in file
//! order. The first rule that holds decides, and only that rule counts.

use crate::authenticate::Request;
use crate::config::{Account, Global, Rule};
use crate::decision::Refusal;
use crate::explain::Observer;
use crate::reason::Reason;
use jose::Claims;
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
    /// Whether what speaks for the token came over the network: the issuer's keys, or its word.
    pub(crate) is_fetched: bool,
    /// Seconds since the epoch.
    pub(crate) now: u64,
}

/// The rule that holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held<'a> {
    pub(crate) rule: &'a Rule,
    /// Whether the token opens this one login, since a rule says so that holds or held once.
    pub(crate) use_up: bool,
    /// Whether a further token may come of it: the rule says so, and each that uses it up.
    pub(crate) may_issue: bool,
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
    let mut may_issue = true;
    let is_bound = case.claims.get("cnf").is_some();
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
            look.fetched(rule),
            look.bound(rule),
            look.once(rule),
            look.acr(rule),
            look.amr(rule),
            look.authenticated(rule),
            look.fresh(rule),
            look.short(rule),
        ];
        let mut failed = conditions
            .into_iter()
            .enumerate()
            .filter_map(|(rank, condition)| Some((rank, condition.err()?)))
            .peekable();
        // Those behind the one that decides are looked at all the same: for whoever watches,
        // and because a token that fits one of one_time is used up whichever decides. Time
        // takes no token out of such a rule: what it has used up would be good for the next.
        let first = failed.peek().cloned();
        if rule.one_time && failed.all(|(_, refusal)| is_of_the_moment(refusal.reason)) {
            use_up = true;
            may_issue &= rule.may_issue(is_bound);
        }
        match first {
            None => decided = decided.or(Some(rule)),
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
        Some(rule) => Ok(Held {
            rule,
            use_up,
            may_issue: may_issue && rule.may_issue(is_bound),
        }),
        None => Err(closest.map_or_else(|| Reason::NoRule.into(), |(_, refusal)| refusal)),
    }
}

/// Whether it is for the time of day that a rule does not hold.
const fn is_of_the_moment(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::TooOld | Reason::AuthTooOld | Reason::IssuedInFuture
    )
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
pub(crate) struct Look<'a> {
    pub(crate) case: Case<'a>,
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
        let (path, strip) = match &rule.account {
            Account::Named(account) => {
                let compared = format_args!("asked for {asked:?}, rule names {account:?}");
                return self.check("account", account == asked, compared, reason);
            }
            Account::Claim { path, strip } => (path, strip),
        };
        let value = path.of(self.case.claims);
        let name = value.and_then(Value::as_str);
        let holds = match strip {
            None => name == Some(asked),
            Some(strip) => name.and_then(|name| strip.off(name)) == Some(asked),
        };
        let value = Shown(value);
        match strip {
            None => {
                let compared = format_args!("asked for {asked:?}, claim {path} is {value}");
                self.check("account", holds, compared, reason)
            }
            Some(strip) => {
                let taken = strip.text();
                let compared = format_args!(
                    "asked for {asked:?}, claim {path} is {value}, of which {taken:?} is taken off"
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

    /// Who gets hold of the network or of pam-jwt-fetch gets no further than to ordinary
    /// accounts.
    fn fetched(&mut self, rule: &Rule) -> Result<(), Refusal> {
        if !self.case.is_fetched || !self.case.request.leads_to_root() {
            return Ok(());
        }
        let compared = format_args!("what speaks for the token was fetched, and it leads to root");
        self.check(
            "fetched_keys",
            rule.fetched_keys,
            compared,
            Reason::KeyFetched,
        )
    }

    pub(crate) fn check(
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
pub(crate) struct Shown<'a>(pub(crate) Option<&'a Value>);

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
