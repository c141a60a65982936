//! What a decision is, as a value: the outcome for the host program, the words for the user,
//! the facts for the log.

use crate::duration::for_people;
use crate::login_token::LoginToken;
use crate::reason::Reason;

/// The outcome, and what the token says, for the log.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Let in by a rule, or refused for a reason.
    pub outcome: Result<Admission, Refusal>,
    /// What the token says of itself.
    pub facts: Facts,
}

/// The rule that lets somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// File name and line of the rule.
    pub rule: String,
    /// What the session is to know of the token.
    pub token: LoginToken,
}

/// Why nobody is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// What else is to be known of it.
    pub note: Note,
}

/// A detail of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    None,
    /// Seconds since `exp`, or beyond another limit.
    OverBy(u64),
    /// Seconds until `nbf` or `iat`, or until a certificate begins.
    EarlyBy(u64),
    /// What the login at the issuer was to be, such as `amr otp or hwk`.
    Lacks(String),
    /// A place and a cause in words, for the log alone.
    Detail(String),
}

/// What a token says of itself; to be believed only where it is `verified`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the signature is by a key of the issuer.
    pub verified: bool,
    /// `iss`
    pub issuer: Option<String>,
    /// `sub`
    pub subject: Option<String>,
    /// `kid`
    pub kid: Option<String>,
    /// `jti`
    pub id: Option<String>,
    /// `exp`, in seconds since the epoch
    pub expires: Option<u64>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            reason,
            note: Note::None,
        }
    }
}

impl From<jose::Error> for Refusal {
    fn from(error: jose::Error) -> Self {
        Self {
            reason: Reason::from(&error),
            note: Note::Detail(error.to_string()),
        }
    }
}

impl Decision {
    /// The reason code.
    pub const fn reason(&self) -> Reason {
        match &self.outcome {
            Ok(_) => Reason::Allowed,
            Err(refusal) => refusal.reason,
        }
    }

    /// File name and line of the rule that lets somebody in.
    pub fn rule(&self) -> Option<&str> {
        self.outcome
            .as_ref()
            .ok()
            .map(|admission| admission.rule.as_str())
    }

    /// What else is to be known of a refusal.
    pub fn note(&self) -> &Note {
        self.outcome
            .as_ref()
            .err()
            .map_or(&Note::None, |refusal| &refusal.note)
    }

    /// What the user may be told. Only who holds a token that would be let in at
    /// another time learns why it was not: times are checked last, so these
    /// reasons mean that everything else held. Whether a token was cut does not
    /// count here: of that a length alone speaks ([`crate::cut::advice`]).
    pub fn message_for_user(&self) -> Option<String> {
        let refusal = self.outcome.as_ref().err()?;
        match (refusal.reason, &refusal.note) {
            (Reason::Expired, Note::OverBy(seconds)) => {
                Some(format!("Your token expired {} ago.", for_people(*seconds)))
            }
            (Reason::TooOld, Note::OverBy(seconds)) => Some(format!(
                "Your token is {} too old for this; get a new one.",
                for_people(*seconds)
            )),
            (Reason::AuthTooOld, Note::OverBy(seconds)) => Some(format!(
                "Your last login at the issuer is {} too old for this; log in there again.",
                for_people(*seconds)
            )),
            (Reason::AcrInsufficient | Reason::AmrInsufficient, Note::Lacks(what)) => {
                Some(format!(
                    "This takes a login at the issuer with {}; log in there that way.",
                    on_one_line(what)
                ))
            }
            (Reason::AuthTimeMissing, _) => Some(
                "Your token does not say when you last logged in at the issuer (auth_time)."
                    .to_owned(),
            ),
            (Reason::AlreadyUsed, _) => {
                Some("Your token was used already; get a new one.".to_owned())
            }
            (Reason::LifetimeTooLong, Note::OverBy(seconds)) => Some(format!(
                "Your token lives {} longer than is accepted here; ask for a shorter one.",
                for_people(*seconds)
            )),
            (Reason::NotYetValid | Reason::IssuedInFuture, Note::EarlyBy(seconds)) => {
                Some(format!(
                    "Your token is not valid before {} from now; is a clock wrong?",
                    for_people(*seconds)
                ))
            }
            _ => None,
        }
    }
}

/// For a user's terminal: what an issuer's file says is an administrator's text, but one
/// line it is.
fn on_one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
