//! What the module asks of pam-jwt-fetch, and what that answers: the only way from a login to
//! the network. One JSON object a line, the request on the helper's standard input, the
//! answers on its standard output. While the asker keeps the request's pipe open it is
//! interested; a helper that finds it closed ends.
//!
//! The helper is a lesser user that talks to strangers, so nothing of an answer is believed
//! that is not of exactly this form; whether a token is good is decided elsewhere.

use jose::json;
use policy::config::is_address;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where it is, unless pam-jwt.toml says otherwise.
pub const PROGRAM: &str = "/usr/sbin/pam-jwt-fetch";

/// What its one argument is then.
pub const ARGUMENT: &str = "--helper";

/// No request and no answer is longer, in bytes: the longest token and some room.
pub const MOST: usize = jose::compact::MAX_BYTES + 16 * 1024;

/// A text that is a secret: wiped when dropped.
pub type SecretText = Zeroizing<String>;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The configuration's directory.
    pub config: PathBuf,
    /// Whom it concerns.
    pub issuer: String,
    /// What is to be done.
    pub errand: Errand,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// Fetch the keys anew.
    Refresh,
    /// Begin a login with a browser (RFC 8628), say the code, and see it through.
    Device {
        /// The client's secret, if it has one.
        client_secret: Option<SecretText>,
        /// The token's audience (`resource`, RFC 8707), `{hostname}` replaced.
        resource: Option<String>,
    },
    /// Ask what an opaque token is good for (RFC 7662).
    Introspect {
        /// The token.
        token: SecretText,
        /// The client's secret.
        client_secret: SecretText,
    },
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The keys are fresh.
    Refreshed,
    /// What the user has to confirm; another answer follows.
    Code(Code),
    /// The token that counts.
    Token(SecretText),
    /// What the issuer says of an opaque token that is active, as JSON.
    Claims(SecretText),
    /// The opaque token is not active.
    Inactive,
    /// The user or the issuer refused.
    Denied,
    /// Nobody confirmed in time.
    Expired,
    /// It could not be done, in words for the log.
    Failed(String),
}

/// What the user has to confirm (RFC 8628 §3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// `user_code`
    pub user_code: String,
    /// `verification_uri`
    pub verification_uri: String,
    /// `verification_uri_complete`
    pub complete: Option<String>,
    /// For how many seconds from now.
    pub expires_in: u64,
    /// The address as a QR code (ISO/IEC 18004), without a margin: a row a text, of `1` for
    /// dark and `0` for light.
    pub qr: Vec<String>,
}

impl Request {
    /// As a line, its newline included.
    pub fn line(&self) -> SecretText {
        let Self {
            config,
            issuer,
            errand,
        } = self;
        let mut line = json!({ "config": config.to_string_lossy(), "issuer": issuer });
        let mut put = |name: &str, value: &str| {
            if let Value::Object(members) = &mut line {
                members.insert(name.to_owned(), Value::from(value));
            }
        };
        match errand {
            Errand::Refresh => put("errand", "refresh"),
            Errand::Device {
                client_secret,
                resource,
            } => {
                put("errand", "device");
                if let Some(secret) = client_secret {
                    put("client_secret", secret);
                }
                if let Some(resource) = resource {
                    put("resource", resource);
                }
            }
            Errand::Introspect {
                token,
                client_secret,
            } => {
                put("errand", "introspect");
                put("token", token);
                put("client_secret", client_secret);
            }
        }
        written(line)
    }

    /// Reads a line.
    pub fn parse(line: &[u8]) -> Option<Self> {
        read(line, |members| {
            let errand = match text(members, "errand")? {
                "refresh" => Errand::Refresh,
                "device" => Errand::Device {
                    client_secret: secret(members, "client_secret"),
                    resource: text(members, "resource").map(str::to_owned),
                },
                "introspect" => Errand::Introspect {
                    token: secret(members, "token")?,
                    client_secret: secret(members, "client_secret")?,
                },
                _ => return None,
            };
            Some(Self {
                config: PathBuf::from(text(members, "config")?),
                issuer: text(members, "issuer")?.to_owned(),
                errand,
            })
        })
        .filter(|request| request.config.has_root() && request.config != Path::new("/"))
    }
}

impl Answer {
    /// As a line, its newline included.
    pub fn line(&self) -> SecretText {
        written(match self {
            Self::Refreshed => json!({ "answer": "refreshed" }),
            Self::Code(code) => json!({
                "answer": "code",
                "user_code": code.user_code,
                "verification_uri": code.verification_uri,
                "verification_uri_complete": code.complete,
                "expires_in": code.expires_in,
                "qr": code.qr,
            }),
            Self::Token(token) => json!({ "answer": "token", "token": **token }),
            Self::Claims(claims) => json!({ "answer": "claims", "claims": **claims }),
            Self::Inactive => json!({ "answer": "inactive" }),
            Self::Denied => json!({ "answer": "denied" }),
            Self::Expired => json!({ "answer": "expired" }),
            Self::Failed(why) => json!({ "answer": "failed", "why": why }),
        })
    }

    /// Reads a line, and nothing that is not of its form.
    pub fn parse(line: &[u8]) -> Option<Self> {
        read(line, |members| {
            Some(match text(members, "answer")? {
                "refreshed" => Self::Refreshed,
                "code" => Self::Code(Code::of(members)?),
                "token" => Self::Token(secret(members, "token")?),
                "claims" => Self::Claims(secret(members, "claims")?),
                "inactive" => Self::Inactive,
                "denied" => Self::Denied,
                "expired" => Self::Expired,
                "failed" => Self::Failed(text(members, "why")?.chars().take(256).collect()),
                _ => return None,
            })
        })
    }
}

impl Code {
    /// It will be shown on a user's terminal: what is not plain is refused.
    fn of(members: &Map<String, Value>) -> Option<Self> {
        let user_code = text(members, "user_code")?;
        let in_code = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if user_code.is_empty() || user_code.len() > 64 || !user_code.bytes().all(in_code) {
            return None;
        }
        let address = |name: &str| {
            let uri = text(members, name)?;
            (uri.len() <= 1024 && is_address(uri)).then(|| uri.to_owned())
        };
        let complete = match members.get("verification_uri_complete") {
            None | Some(Value::Null) => None,
            Some(_) => Some(address("verification_uri_complete")?),
        };
        let qr = members.get("qr")?.as_array()?.iter();
        let qr: Vec<String> = qr
            .map(|row| row.as_str().map(str::to_owned))
            .collect::<Option<_>>()?;
        let side = qr.len();
        let is_row = |row: &String| {
            row.len() == side && row.bytes().all(|module| matches!(module, b'0' | b'1'))
        };
        // Versions 1 to 40 of the standard have 21 to 177 modules; none means that there is none.
        if side != 0 && (!(21..=177).contains(&side) || !qr.iter().all(is_row)) {
            return None;
        }
        Some(Self {
            user_code: user_code.to_owned(),
            verification_uri: address("verification_uri")?,
            complete,
            expires_in: members.get("expires_in")?.as_u64()?,
            qr,
        })
    }
}

fn written(mut line: Value) -> SecretText {
    // The room is made at once: a text that grows leaves what it held behind.
    let mut text = Zeroizing::new(String::with_capacity(MOST.saturating_add(1)));
    // To a text it cannot fail.
    let _ = writeln!(text, "{line}");
    if let Value::Object(members) = &mut line {
        json::wipe(members);
    }
    text
}

fn read<T>(line: &[u8], of: impl FnOnce(&Map<String, Value>) -> Option<T>) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    if line.len() > MOST || line.contains(&b'\n') {
        return None;
    }
    let mut members = json::object(line).ok()?;
    let read = of(&members);
    json::wipe(&mut members);
    read
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

fn secret(members: &Map<String, Value>, name: &str) -> Option<SecretText> {
    text(members, name).map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        Code {
            user_code: "WDJB-MJHT".into(),
            verification_uri: "https://i.example/device".into(),
            complete: Some("https://i.example/device?user_code=WDJB-MJHT".into()),
            expires_in: 600,
            qr: vec!["010".repeat(7); 21],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let secret = |text: &str| Zeroizing::new(text.to_owned());
        for errand in [
            Errand::Refresh,
            Errand::Device {
                client_secret: None,
                resource: None,
            },
            Errand::Device {
                client_secret: Some(secret("s")),
                resource: Some("ssh://h".into()),
            },
            Errand::Introspect {
                token: secret("t\n\"\\"),
                client_secret: secret("s"),
            },
        ] {
            let request = Request {
                config: PathBuf::from("/etc/pam-jwt"),
                issuer: "https://i".into(),
                errand,
            };
            assert_eq!(Request::parse(request.line().as_bytes()), Some(request));
        }
        let without = Code {
            complete: None,
            qr: Vec::new(),
            ..code()
        };
        for answer in [
            Answer::Refreshed,
            Answer::Code(code()),
            Answer::Code(without),
            Answer::Token(secret("eyJ")),
            Answer::Claims(secret("{}")),
            Answer::Inactive,
            Answer::Denied,
            Answer::Expired,
            Answer::Failed("it is down".into()),
        ] {
            assert_eq!(Answer::parse(answer.line().as_bytes()), Some(answer));
        }
    }

    #[test]
    fn nothing_else_is_an_answer() {
        for rubbish in [
            "",
            "\n",
            "{}\n",
            "null\n",
            "{\"answer\":\"refreshed\"}",
            "{\"answer\":\"refreshed\"}\n\n",
            "{\"answer\":\"refreshed\"}x\n",
            "{\"answer\":\"yes\"}\n",
            "{\"answer\":\"token\"}\n",
            "{\"answer\":\"token\",\"token\":1}\n",
            "{\"answer\":\"refreshed\",\"answer\":\"refreshed\"}\n",
        ] {
            assert_eq!(Answer::parse(rubbish.as_bytes()), None, "{rubbish}");
        }
        let long = format!(
            "{{\"answer\":\"failed\",\"why\":\"{}\"}}\n",
            "x".repeat(MOST)
        );
        assert_eq!(Answer::parse(long.as_bytes()), None);
    }

    #[test]
    fn a_terminal_is_shown_nothing_odd() {
        let odd = |change: &dyn Fn(&mut Code)| {
            let mut code = code();
            change(&mut code);
            Answer::parse(Answer::Code(code).line().as_bytes())
        };
        assert!(odd(&|_| {}).is_some());
        let changes: [&dyn Fn(&mut Code); 8] = [
            &|code| code.user_code = "\u{1b}[2J".into(),
            &|code| code.user_code = String::new(),
            &|code| code.user_code = "x".repeat(65),
            &|code| code.verification_uri = "http://elsewhere/".into(),
            &|code| code.verification_uri = "https://a/\u{202e}".into(),
            &|code| code.complete = Some("javascript:alert(1)".into()),
            &|code| code.qr = vec!["0".into()],
            &|code| code.qr[3] = "\u{1b}".repeat(21),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert_eq!(odd(change), None, "{at}");
        }
    }
}
