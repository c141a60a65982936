//! What a rule asks of a token that is the right one for account, service and claims: that
//! it is bound to a key, opens one login, comes of a recent or strong enough login at the
//! issuer, and is recent itself. An old token may open ssh, and only a fresh one sudo.

use crate::config::Rule;
use crate::decision::{Note, Refusal};
use crate::duration::for_people;
use crate::reason::Reason;
use crate::rules::{Look, Shown};
use jose::NumericDate;
use serde_json::Value;

impl Look<'_> {
    /// `bound`: that the key which `cnf` names was proved is seen to before the rules.
    pub(crate) fn bound(&mut self, rule: &Rule) -> Result<(), Refusal> {
        if !rule.bound {
            return Ok(());
        }
        let holds = self.case.claims.get("cnf").is_some();
        let has = if holds { "is" } else { "is not" };
        let compared = format_args!("the token {has} bound to a key by a cnf claim");
        self.check("bound", holds, compared, Reason::BindingMissing)
    }

    /// `one_time`: there is something to know the token by.
    pub(crate) fn once(&mut self, rule: &Rule) -> Result<(), Refusal> {
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

    pub(crate) fn acr(&mut self, rule: &Rule) -> Result<(), Refusal> {
        self.login_was("acr", &rule.acr, Reason::AcrInsufficient)
    }

    pub(crate) fn amr(&mut self, rule: &Rule) -> Result<(), Refusal> {
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
    pub(crate) fn authenticated(&mut self, rule: &Rule) -> Result<(), Refusal> {
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
    pub(crate) fn fresh(&mut self, rule: &Rule) -> Result<(), Refusal> {
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
    pub(crate) fn short(&mut self, rule: &Rule) -> Result<(), Refusal> {
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
}

#[cfg(test)]
#[path = "freshness_tests.rs"]
mod tests;
