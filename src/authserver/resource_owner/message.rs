//! What the network process and a conversation's process say to each other. The network process
//! begins ([`Start`]); then there are messages of PAM's, to which answers come where any of them
//! is a prompt, and at the end an [`Outcome`].

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

/// No account's name is longer, in bytes (useradd(8) has 32; LDAP has more).
pub const LONGEST_NAME: usize = 256;

/// No text of PAM's is shown beyond so many characters.
const MOST_TEXT: usize = 4000;

/// How long a [`Purpose::Check`] takes at most.
pub const CHECK_TIME: Duration = Duration::from_secs(5);

/// Who wants to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The account's name, as it was typed.
    pub account: String,
    /// The address of who types, for `PAM_RHOST`.
    pub rhost: IpAddr,
    /// What for.
    pub purpose: Purpose,
}

/// What a login is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A page in a browser, which shows whatever is asked.
    Page,
    /// The grant of RFC 6749 §4.3, which has a password and shows nothing: a password that has
    /// expired is not changed by it.
    Password,
    /// No login: whether the account may still have one, its owner being elsewhere. The account
    /// stack alone is run, and nothing that it asks is answered.
    Check,
}

/// How a message of PAM's is shown, and whether it wants an answer (pam_conv(3)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// A prompt whose answer is not shown (`PAM_PROMPT_ECHO_OFF`).
    Hidden,
    /// A prompt whose answer is shown (`PAM_PROMPT_ECHO_ON`).
    Visible,
    /// An error (`PAM_ERROR_MSG`).
    Error,
    /// Information (`PAM_TEXT_INFO`).
    Info,
}

impl Style {
    /// Whether an answer is wanted.
    #[must_use]
    pub const fn is_prompt(self) -> bool {
        matches!(self, Self::Hidden | Self::Visible)
    }
}

impl From<pam::Style> for Style {
    fn from(style: pam::Style) -> Self {
        match style {
            pam::Style::PromptEchoOff => Self::Hidden,
            pam::Style::PromptEchoOn => Self::Visible,
            pam::Style::ErrorMsg => Self::Error,
            pam::Style::TextInfo => Self::Info,
        }
    }
}

/// A message of PAM's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// How it is shown.
    pub style: Style,
    /// What it says: plain text, which may have several lines.
    pub text: String,
}

impl Message {
    /// A message that may be shown: no control characters but newlines, and of a bounded length.
    #[must_use]
    pub fn new(style: Style, text: &str) -> Self {
        let shown = |character: &char| !character.is_control() || *character == '\n';
        let text = text.chars().filter(shown).take(MOST_TEXT);
        Self {
            style,
            text: text.collect(),
        }
    }
}

/// An answer to a prompt. It is wiped when dropped, and nothing prints it.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// What was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

/// The answers to the prompts of one report, in their order and as many.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// The answers.
    pub answers: Vec<Secret>,
}

/// What the conversation's process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Report {
    /// The messages of one call of PAM's, which belong together. Where there are prompts among
    /// them it waits for [`Answers`].
    Messages(Vec<Message>),
    /// The end.
    Outcome(Outcome),
}

/// What came of a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// It is the account's owner.
    Granted(Granted),
    /// It is not, or they may not log in.
    Refused(Reason),
}

/// Who has logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Granted {
    /// The account's name, as the account database spells it.
    pub account: String,
    /// Its uid.
    pub uid: u32,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// By which methods (RFC 8176).
    pub amr: Vec<String>,
    /// Whether the password had expired and was changed.
    pub changed_password: bool,
}

macro_rules! reasons {
    ($($variant:ident $code:literal $text:expr, $doc:literal;)*) => {
        /// Why somebody has not logged in: for the log. What the person is told is
        /// [`Reason::text`]. Where `policy::reason` has the same thing it has this name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $(#[doc = $doc] $variant,)*
        }

        impl Reason {
            /// Every reason.
            #[cfg(test)]
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code in snake_case.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What the person is told, beside the texts of PAM. It does not say which accounts
            /// there are, nor that the password of one that never logs in here was right.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

const FAILED: &str = "The login failed.";
const UNAVAILABLE: &str = "Nobody can log in just now. Please try again later.";

reasons! {
    AuthenticationFailed "authentication_failed" FAILED,
        "The stack says that it is not the account's owner, or that there is none.";
    TooManyTries "too_many_tries" "There were too many tries. Please try again later.",
        "There were too many tries (`PAM_MAXTRIES`).";
    AccountUnknown "account_unknown" FAILED,
        "The stack let somebody in, but the system has no account of exactly this name.";
    AccountReserved "account_reserved" FAILED,
        "The account is root's or another of the system's, which do not log in here.";
    AccountLookupFailed "account_lookup_failed" UNAVAILABLE,
        "The system's account database (NSS) did not answer.";
    GroupMissing "group_missing" "This account may not log in here.",
        "The account is in none of the groups of which one is asked for.";
    AccountExpired "account_expired" "This account has expired.",
        "The account has expired (`PAM_ACCT_EXPIRED`).";
    PasswordExpired "password_expired" "The password has expired, and was not changed.",
        "The password has expired and was not changed.";
    AccessDenied "access_denied" "This account may not log in here now.",
        "The account stack refuses it for another reason (`PAM_PERM_DENIED`).";
    NoAnswer "no_answer" "The login was given up.",
        "What was asked was not answered.";
    TimedOut "timed_out" "The login took too long.",
        "The conversation was not over in its time.";
    Busy "busy" "Too many people are logging in just now. Please try again later.",
        "There are as many conversations as there may be at once.";
    Unavailable "unavailable" UNAVAILABLE,
        "The stack could not be run to its end.";
}

impl Reason {
    /// Of what `pam_authenticate(3)` returned.
    #[must_use]
    pub const fn of_authentication(code: pam::Code) -> Self {
        use pam::Code;
        match code {
            Code::AuthErr | Code::UserUnknown | Code::PermDenied | Code::CredInsufficient => {
                Self::AuthenticationFailed
            }
            Code::Maxtries => Self::TooManyTries,
            Code::AcctExpired => Self::AccountExpired,
            Code::NewAuthtokReqd | Code::AuthtokExpired => Self::PasswordExpired,
            Code::ConvErr => Self::NoAnswer,
            _ => Self::Unavailable,
        }
    }

    /// Of what `pam_acct_mgmt(3)` returned.
    #[must_use]
    pub const fn of_account(code: pam::Code) -> Self {
        use pam::Code;
        match code {
            Code::PermDenied | Code::AuthErr => Self::AccessDenied,
            Code::UserUnknown => Self::AccountUnknown,
            _ => Self::of_authentication(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pam::Code;

    #[test]
    fn a_reason_is_sent_as_it_is_logged() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::json!(reason), serde_json::json!(reason.code()));
        }
    }

    #[test]
    fn a_refusal_does_not_tell_which_accounts_there_are() {
        let told: Vec<_> = [Code::AuthErr, Code::UserUnknown]
            .map(Reason::of_authentication)
            .into_iter()
            .chain([Reason::AccountUnknown, Reason::AccountReserved])
            .map(Reason::text)
            .collect();
        assert_eq!(told, [FAILED; 4]);
    }

    #[test]
    fn a_fault_of_the_stack_is_nobodys_wrong_password() {
        for code in [
            Code::ModuleUnknown,
            Code::Abort,
            Code::AuthinfoUnavail,
            Code::SystemErr,
        ] {
            assert_eq!(Reason::of_authentication(code), Reason::Unavailable);
            assert_eq!(Reason::of_account(code), Reason::Unavailable);
        }
    }

    #[test]
    fn what_is_shown_is_plain() {
        let message = Message::new(Style::Info, "one\r\n\u{1b}[2Jtwo\u{7f}\u{9b}");
        assert_eq!(message.text, "one\n[2Jtwo");
        let long = Message::new(Style::Error, &"é".repeat(MOST_TEXT + 1));
        assert_eq!(long.text.chars().count(), MOST_TEXT);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let answers = Answers {
            answers: vec![Secret::from("hunter2")],
        };
        assert!(!format!("{answers:?}").contains("hunter2"));
    }
}
