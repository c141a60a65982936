//! Tokens that other people's JWT libraries mint.

use crate::foreign::{EVERY, Library};
use machine::Machine;
use serde_json::{Value, json};
use std::time::SystemTime;

/// What every token here is for.
pub const AUDIENCE: &str = "ssh://machine";

/// A key of a library's, and a token by it.
pub struct Minted {
    /// The token's algorithm and the key's.
    pub alg: &'static str,
    /// The key's kid, which the token names.
    pub kid: String,
    /// The public key; with HS* the key itself.
    pub jwk: Value,
    pem: Option<String>,
    /// The token, for alice and [`AUDIENCE`], minted just now.
    pub token: String,
}

impl Library {
    /// The iss of its tokens.
    pub fn issuer(&self) -> String {
        format!("https://{}.example.org", self.name)
    }

    /// A key and a token for every algorithm that it has.
    pub fn mint(&self, machine: &Machine) -> Vec<Minted> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a clock")
            .as_secs();
        let kid = |alg: &str| format!("{}-{alg}", self.name);
        let requests = EVERY.map(|alg| {
            let claims = json!({
                "iss": self.issuer(), "sub": "alice", "aud": AUDIENCE, "iat": now, "exp": now + 600,
                "jti": format!("{now}-{alg}"),
            });
            json!({ "alg": alg, "kid": kid(alg), "claims": claims })
        });
        let mut minted = Vec::new();
        for (alg, answer) in EVERY.into_iter().zip(self.ask(machine, "mint", &requests)) {
            let text = |name: &str| answer[name].as_str().map(str::to_owned);
            match text("token").filter(|_| self.has(alg)) {
                Some(token) => minted.push(Minted {
                    alg,
                    kid: kid(alg),
                    jwk: answer["jwk"].clone(),
                    pem: text("pem"),
                    token,
                }),
                // Or it would have, with a newer Node.
                None => assert!(!self.has(alg), "{} and {alg}: {answer}", self.name),
            }
        }
        assert_eq!(
            minted.len(),
            EVERY.len() - self.lacks.len(),
            "{}",
            self.name
        );
        minted
    }
}

impl Minted {
    /// Whether it is trusted as PEM. From one library to the next it is the other half of
    /// the algorithms, so that each is trusted in both forms.
    pub fn as_pem(&self, library: usize) -> Option<&str> {
        let place = EVERY.iter().position(|alg| *alg == self.alg)?;
        self.pem
            .as_deref()
            .filter(|_| (place + library).is_multiple_of(2))
    }
}
