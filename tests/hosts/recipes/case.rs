//! What is tried of a recipe: a token as its issuer makes it, and what comes near it.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use std::ops::RangeInclusive;

/// Where the keys are.
pub enum Keys {
    /// At this address, which the recipe names.
    At(&'static str),
    /// At the second address, which the document at the first one names.
    DiscoveredAt(&'static str, &'static str),
    /// In this file.
    File(&'static str),
}

/// A recipe, and a token for which it is.
pub struct Case {
    /// The recipe.
    pub recipe: &'static str,
    /// What it is told, NAME=VALUE.
    pub set: &'static [&'static str],
    /// The issuer's name.
    pub issuer: &'static str,
    pub keys: Keys,
    /// What the issuer signs with.
    pub alg: Algorithm,
    /// What such an issuer calls a key.
    pub kid: &'static str,
    /// The token's header beside alg and kid.
    pub header: Value,
    pub claims: Value,
    /// Whom it lets in where.
    pub account: &'static str,
    pub service: &'static str,
    /// How long such tokens are.
    pub bytes: RangeInclusive<usize>,
    /// What is refused, and why.
    pub misses: Vec<(Change, &'static str)>,
}

/// What is different.
#[derive(Debug)]
pub enum Change {
    /// The claim at this JSON Pointer.
    Claim(&'static str, Value),
    /// There is no such claim.
    Without(&'static str),
    /// The header's typ; none if null.
    Typ(Value),
    Account(&'static str),
    Service(&'static str),
}

/// A login with a token.
pub struct Attempt {
    pub header: Value,
    pub claims: Value,
    pub account: &'static str,
    pub service: &'static str,
}

impl Case {
    /// The login that is let in.
    pub fn attempt(&self) -> Attempt {
        Attempt {
            header: self.header.clone(),
            claims: self.claims.clone(),
            account: self.account,
            service: self.service,
        }
    }
}

impl Attempt {
    pub fn with(mut self, change: &Change) -> Attempt {
        match change {
            Change::Claim(pointer, value) => {
                let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
                let parent = self.claims.pointer_mut(parent).expect("a claim");
                assert_ne!(parent[name], *value, "{pointer} is that already");
                parent[name] = value.clone();
            }
            Change::Without(name) => {
                let claims = self.claims.as_object_mut().expect("an object");
                claims.remove(*name).expect("a claim");
            }
            Change::Typ(Value::Null) => {
                let header = self.header.as_object_mut().expect("an object");
                header.remove("typ").expect("a typ");
            }
            Change::Typ(typ) => self.header["typ"] = typ.clone(),
            Change::Account(account) => self.account = account,
            Change::Service(service) => self.service = service,
        }
        self
    }
}

/// `claims` with times by `now`: issued `ago` seconds before, good for `lifetime` since.
pub fn timed(mut claims: Value, now: u64, ago: u64, lifetime: u64) -> Value {
    claims["iat"] = json!(now - ago);
    claims["nbf"] = json!(now - ago);
    claims["exp"] = json!(now - ago + lifetime);
    claims
}
