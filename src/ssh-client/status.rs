//! `jwt-ssh status`: which token would be sent, from where, for whom, and how long it
//! lives.

use crate::environment::Environment;
use crate::login::kept::{Kept, Login};
use crate::look::Binding;
use crate::options::TokenOptions;
use crate::prompt::PIECE;
use crate::source::{Effort, Origin, Recipient};
use crate::target::Target;
use crate::token::{Token, Unfit, for_people, on_one_line};
use crate::{clock, connect, secrecy};
use clap::Args;
use cli::output::{Exit, Failure, Output, Tone};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Show which token would be sent, from where, for whom, and how long it lives.
///
/// With a host also whether it would be sent there. The signature is not looked at: the
/// host knows the keys. The token of a login is renewed or exchanged for that as before it is
/// sent.
#[derive(Args)]
#[command(after_long_help = "\
Exit status:
  0  it would be sent
  1  it would not, or there is none
  2  it could not be looked at

Examples:
  # is there a token, and for how long?
  jwt-ssh status
  # would it open this host?
  jwt-ssh status alice@web1.example.org
  # for scripts
  jwt-ssh status --json web1.example.org")]
pub struct Status {
    #[command(flatten)]
    token: TokenOptions,
    /// Report as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// The host, as ssh is told it.
    #[arg(value_name = "[USER@]HOST")]
    host: Option<String>,
}

impl Status {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        secrecy::hide_memory();
        let environment = Environment::of_process();
        let settings = connect::settings(&environment).map_err(Failure::new)?;
        let target = self.host.as_deref();
        let (target, keys) = target
            .map(|host| connect::target_named(&environment, host))
            .transpose()
            .map_err(Failure::new)?
            .unzip();
        let audiences = target
            .as_ref()
            .map(|target| settings.audiences(&target.host));
        let whom = Recipient {
            host: target.as_ref().map(|target| target.host.as_str()),
            audiences: audiences.as_deref().unwrap_or_default(),
            effort: target.as_ref().map_or(Effort::Offered, |target| {
                settings.effort(&target.host, self.token.force)
            }),
        };
        let found = self.token.source().token(&environment, &whom);
        // As it is now: the token may have been renewed.
        let login = Kept::of(&environment).and_then(|kept| kept.login());
        let login = login.ok().flatten();
        let (token, origin) = match found {
            Ok(found) => found,
            Err(why) => {
                let login = login.as_ref().map(Login::json);
                out.report(
                    || {
                        json!({
                            "would_be_sent": false, "reason": "no_token", "error": why,
                            "login": login,
                        })
                    },
                    || cli::output::visible(&why),
                );
                return Ok(Exit::Refused);
            }
        };
        let now = clock::now();
        let unfit = match &audiences {
            Some(audiences) => token.check(audiences, now, self.token.force),
            None => token.check_time(now),
        }
        .err();
        let keys = keys.unwrap_or_default();
        let report = Report {
            binding: Binding::of(&token, &keys, connect::words(None, &keys), &environment),
            token: &token,
            login: login.as_ref().filter(|login| match &origin {
                Origin::File(path) => *path == login.token_file && login.is_of(token.as_bytes()),
                Origin::Made(_) => true,
                _ => false,
            }),
            origin: &origin,
            target: target.as_ref(),
            unfit: unfit.as_ref(),
            now,
        };
        out.report(|| report.json(), || report.text(out));
        Ok(if unfit.is_none() {
            Exit::Done
        } else {
            Exit::Refused
        })
    }
}

struct Report<'a> {
    token: &'a Token,
    origin: &'a Origin,
    /// That which the token comes from.
    login: Option<&'a Login>,
    target: Option<&'a Target>,
    unfit: Option<&'a Unfit>,
    binding: Option<Binding>,
    now: u64,
}

impl Report<'_> {
    fn json(&self) -> Value {
        let claims = self.token.claims();
        let time = |date: Option<jose::NumericDate>| date.map(jose::NumericDate::floor);
        json!({
            "from": self.origin.to_string(),
            "iss": claims.issuer,
            "sub": claims.subject,
            "aud": claims.audience,
            "exp": time(claims.expires),
            "nbf": time(claims.not_before),
            "expires_in": time(claims.expires).map(|exp| exp.saturating_sub(self.now)),
            "bytes": self.token.as_bytes().len(),
            "login": self.login.map(Login::json),
            "key": self.binding.as_ref().map(Binding::json),
            "user": self.target.map(|target| &target.user),
            "host": self.target.map(|target| &target.host),
            "would_be_sent": self.would_be_sent(),
            "reason": self.unfit.map(Unfit::code),
        })
    }

    /// Without a host that is not known of a token that is valid.
    fn would_be_sent(&self) -> Option<bool> {
        match (self.unfit, self.target) {
            (Some(_), _) => Some(false),
            (None, Some(_)) => Some(true),
            (None, None) => None,
        }
    }

    fn text(&self, out: &Output) -> String {
        let claims = self.token.claims();
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        let audience = claims.audience.clone().unwrap_or_default().join(", ");
        let bytes = self.token.as_bytes().len();
        // The last piece is shorter than the others, and perhaps empty.
        let prompts = bytes.checked_div(PIECE).unwrap_or(0).saturating_add(1);
        let prompts = match prompts {
            1 => "one prompt".to_owned(),
            more => format!("{more} prompts"),
        };
        let verdict = match (self.unfit, self.target) {
            (None, None) => out.painted(
                Tone::Good,
                "valid now; name a host to see whether it would be sent there",
            ),
            (None, Some(target)) => {
                let text = format!("would be sent to {}@{}", target.user, target.host);
                out.painted(Tone::Good, &on_one_line(&text))
            }
            (Some(unfit), _) => out.painted(Tone::Bad, &format!("would not be sent: {unfit}")),
        };
        let key = self.binding.as_ref().map(Binding::text);
        let key = key.map(|text| ("key", text));
        let lines = [
            ("from", self.origin.to_string()),
            ("issuer", or_none(&claims.issuer)),
            ("subject", or_none(&claims.subject)),
            (
                "for",
                if audience.is_empty() {
                    "none".to_owned()
                } else {
                    audience
                },
            ),
            ("expires", self.expiry()),
            ("size", format!("{bytes} bytes, at {prompts}")),
        ];
        let login = self.login.map(|login| ("login", login.text()));
        let lines = lines.into_iter().chain(login).chain(key);
        let mut text = String::new();
        for (name, value) in lines {
            text.push_str(&format!("{name:8} {}\n", on_one_line(&value)));
        }
        text.push_str(&format!("{:8} {verdict}", "verdict"));
        text
    }

    fn expiry(&self) -> String {
        let Some(exp) = self.token.claims().expires.map(jose::NumericDate::floor) else {
            return "not said".to_owned();
        };
        let date = i64::try_from(exp)
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map_or_else(|| exp.to_string(), |date| date.to_string());
        if exp > self.now {
            format!("{date}, in {}", for_people(exp.saturating_sub(self.now)))
        } else {
            format!("{date}, {} ago", for_people(self.now.saturating_sub(exp)))
        }
    }
}

impl Login {
    fn json(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "client_id": self.client_id,
            "renewable": self.refresh_token.is_some(),
        })
    }

    fn text(&self) -> String {
        let renewed = match self.refresh_token {
            Some(_) => "renewed when it is about to be sent",
            None => "not renewed: jwt-ssh login",
        };
        format!(
            "{}, as the client {}; {renewed}",
            self.issuer, self.client_id
        )
    }
}

impl Binding {
    fn json(&self) -> Value {
        let offer = self.offer.as_ref();
        json!({
            "thumbprint": self.key.as_ref().ok(),
            "file": offer.and_then(|offer| offer.file.as_ref()).map(|path| path.to_string_lossy()),
            "in_agent": offer.is_some_and(|offer| offer.in_agent),
            "offered_first": offer.is_some_and(|offer| offer.behind.is_none()),
            "remark": self.remark,
        })
    }

    fn text(&self) -> String {
        match (&self.offer, &self.key) {
            (Some(offer), Ok(key)) => {
                let order = match &offer.behind {
                    None => "ssh offers it first".to_owned(),
                    Some(other) => format!("ssh offers {other} before it"),
                };
                format!("{}, {key}; {order}", offer.place())
            }
            (None, Ok(key)) => format!("{key}, none of yours; a host refuses the token without it"),
            (_, Err(why)) => format!("cannot be told, and a host refuses the token: {why}"),
        }
    }
}
