//! `pam-jwt revoke`: tokens that open nothing on this machine any more.

use crate::grounds;
use crate::moment::{Moment, shown};
use crate::revocations::as_json;
use crate::token_from_stdin;
use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use cli::output::{Exit, Failure, Output, visible};
use jose::{Claims, Compact, Header};
use policy::revocation::{Kind, Mark, Record};
use policy::trust::Trust;
use serde_json::json;
use std::path::Path;
use system::revocations::{DIR, Store, Written};

/// Refuse tokens that are still valid, from the next login on.
///
/// Tokens are named by their jti, by their sub, by the kid of the key that signed them, or by
/// when they were issued, and are those of one issuer; by sub and kid alone also those that
/// are yet to be issued. An entry ends when no token that it names could be accepted any
/// more; where that cannot be known, it stays until --undo. What is revoked again is never
/// revoked less than before. Sessions that are open stay open.
#[derive(Args)]
#[command(
    group(ArgGroup::new("named").args(["jti", "sub", "kid", "token"])),
    group(ArgGroup::new("enough").args(["jti", "sub", "kid", "token", "issued_before", "undo"])
        .required(true).multiple(true)),
    after_long_help = "\
Examples:
  # a token that leaked, with the jti and exp that the log has of it
  pam-jwt revoke --jti 77b1 --expires 2524608000
  # a token that is at hand
  pam-jwt revoke --token < token
  # log alice out everywhere: what she gets after this is good
  pam-jwt revoke --sub alice --issued-before now
  # whoever has left, until it is lifted
  pam-jwt revoke --sub alice --because \"left in January\"
  pam-jwt revoke --undo --sub alice
  # whatever a key has signed while others could use it
  pam-jwt revoke --kid 2026-a --issued-before 2049-12-31T23:00:00Z
  # all tokens of an issuer that were issued so far
  pam-jwt revoke --issuer https://login.example.org --issued-before now
  pam-jwt revoke --undo --issuer https://login.example.org"
)]
pub struct Revoke {
    // One base64url text in 64 begins with a hyphen, those of a jti of ours too.
    /// The token with this jti.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(),
        allow_hyphen_values = true)]
    jti: Option<String>,
    /// The tokens with this sub.
    #[arg(long, value_name = "SUBJECT", value_parser = NonEmptyStringValueParser::new(),
        allow_hyphen_values = true)]
    sub: Option<String>,
    /// The tokens that the key with this kid has signed; 'pam-jwt keys' has the kids.
    #[arg(long, value_name = "KID", value_parser = NonEmptyStringValueParser::new(),
        allow_hyphen_values = true)]
    kid: Option<String>,
    /// The token on standard input, which must be of a trusted issuer, by its jti and exp.
    #[arg(long, conflicts_with = "issuer")]
    token: bool,
    /// The issuer of the tokens; may be left out where a single one is trusted.
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    issuer: Option<String>,
    /// Only tokens whose iat is before this: now, 2027-01-31T12:00:00Z (RFC 3339), or in
    /// seconds since the epoch. A token without iat is meant too, and now includes the
    /// second that it is.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse,
        conflicts_with_all = ["jti", "token", "undo"])]
    issued_before: Option<Moment>,
    /// The exp of the token, after which the entry is not needed; if it is not known, the
    /// entry stays for the longest that the token could live.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, requires = "jti",
        conflicts_with_all = ["sub", "kid", "token", "issued_before", "undo"])]
    expires: Option<Moment>,
    /// Why, for whoever reads the list.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    because: Option<String>,
    /// Lift the entry that is named by --jti, --sub, --kid, or by --issuer alone.
    #[arg(long, conflicts_with = "because")]
    undo: bool,
}

/// What is named on the command line.
struct Named {
    issuer: String,
    kind: Kind,
    value: String,
    expires: Option<u64>,
}

impl Revoke {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let trust = grounds::trust(config)?;
        let now = grounds::now()?;
        let named = if self.token {
            match token(&token_from_stdin(out)?, &trust, now) {
                Ok(named) => named,
                Err(why) => return Ok(refuse(out, &why)),
            }
        } else {
            self.named(&trust, now)?
        };
        if self.undo {
            return lift(&named, out);
        }
        let record = Record {
            issuer: named.issuer,
            kind: named.kind,
            value: named.value,
            issued_before: self.issued_before.map(|moment| match moment {
                // A token of this very second was issued before this ran.
                Moment::Now => now.saturating_add(1),
                Moment::At(seconds) => seconds,
            }),
            expired_by: None,
            expires: named.expires,
            revoked_at: now,
            because: self.because.clone(),
        };
        if record.has_ended(&trust, now) {
            return Ok(refuse(
                out,
                "no token that this names can be accepted any more",
            ));
        }
        if record.kind == Kind::Key && !has_key(&trust, &record) {
            out.hint(&format!(
                "no key of {} has the kid {:?} now; compare with 'pam-jwt keys'",
                record.issuer, record.value
            ));
        }
        let store = Store::made(Path::new(DIR)).map_err(Failure::new)?;
        let written = store.revoke(record).map_err(Failure::new)?;
        match store.drop_ended(&trust, now) {
            Ok(list) => {
                for (path, why) in list.faults {
                    out.hint(&format!("{}: {why}", path.display()));
                }
            }
            Err(why) => out.hint(&format!("what has ended stays for now: {why}")),
        }
        let Written { record, before } = &written;
        out.report(
            || {
                let before = before.as_ref().map(|before| as_json(before, &trust));
                json!({ "revoked": as_json(record, &trust), "before": before })
            },
            || as_text(&written, &trust),
        );
        Ok(Exit::Done)
    }

    fn named(&self, trust: &Trust, now: u64) -> Result<Named, Failure> {
        let issuer = self.issuer(trust)?;
        let selectors = [
            (Kind::Id, &self.jti),
            (Kind::Subject, &self.sub),
            (Kind::Key, &self.kid),
        ];
        let given = selectors
            .into_iter()
            .find_map(|(kind, value)| Some((kind, value.clone()?)));
        if given.is_none() && self.undo && self.issuer.is_none() {
            return Err(Failure::new(
                "--undo of what? Name it by --jti, --sub, --kid, or by --issuer alone",
            ));
        }
        let (kind, value) = given.unwrap_or_else(|| (Kind::Issuer, issuer.clone()));
        let expires = self.expires.map(|moment| match moment {
            Moment::Now => now,
            Moment::At(seconds) => seconds,
        });
        Ok(Named {
            issuer,
            kind,
            value,
            expires,
        })
    }

    /// One that is trusted, so that a mistyped one is no entry that does nothing.
    fn issuer(&self, trust: &Trust) -> Result<String, Failure> {
        let trusted: Vec<&str> = trust.issuers.iter().map(|issuer| &*issuer.issuer).collect();
        let list = trusted.join("\n  ");
        match (&self.issuer, &*trusted) {
            (Some(issuer), _) if self.undo || trust.issuer(issuer).is_some() => Ok(issuer.clone()),
            (None, [one]) => Ok((*one).to_owned()),
            (_, []) => Err(Failure::new(
                "no issuer is trusted, so no token is accepted",
            )),
            (Some(issuer), _) => Err(Failure::new(format!(
                "no file in issuers.d names the issuer {issuer}, so none of its tokens is \
                 accepted; trusted are\n  {list}"
            ))),
            (None, _) => Err(Failure::new(format!(
                "several issuers are trusted; say --issuer and one of\n  {list}"
            ))),
        }
    }
}

/// What a token is named by, if its signature is by a key of an issuer that is trusted.
fn token(token: &[u8], trust: &Trust, now: u64) -> Result<Named, String> {
    let words = |error: jose::Error| error.to_string();
    let compact = Compact::parse(token).map_err(words)?;
    let header = Header::parse(&compact).map_err(words)?;
    let claims = Claims::parse(compact.payload()).map_err(words)?;
    let issuer = trust.issuer_of(&claims);
    let issuer = issuer.map_err(|_| "its iss is none of an issuer that is trusted")?;
    let key = issuer.key_for(&header, now);
    let key = key.ok_or("none of its issuer's keys is meant by its kid")?;
    key.key.verify(&compact, &header).map_err(words)?;
    Ok(Named {
        issuer: issuer.issuer.clone(),
        kind: Kind::Id,
        value: claims
            .id
            .ok_or("it has no jti to name it by; revoke its sub --issued-before now")?,
        expires: claims.expires.map(|end| end.floor()),
    })
}

fn has_key(trust: &Trust, record: &Record) -> bool {
    let issuer = trust.issuer(&record.issuer);
    issuer.is_some_and(|issuer| issuer.keys.iter().any(|key| key.kid == record.value))
}

fn refuse(out: &Output, why: &str) -> Exit {
    out.report(
        || json!({ "revoked": null, "reason": why }),
        || visible(&format!("nothing was done: {why}")),
    );
    Exit::Refused
}

fn lift(named: &Named, out: &Output) -> Result<Exit, Failure> {
    let mark = Mark {
        issuer: &named.issuer,
        kind: named.kind,
        value: &named.value,
    };
    let store = Store::open(Path::new(DIR)).map_err(Failure::new)?;
    let lifted = match store {
        Some(store) => store.lift(mark).map_err(Failure::new)?,
        None => None,
    };
    out.report(
        || json!({ "lifted": lifted.as_ref().map(Record::members) }),
        || {
            let said = if lifted.is_some() {
                "is not revoked any more"
            } else {
                "is not revoked; see 'pam-jwt revocations'"
            };
            visible(&format!("{} {said}", name(mark)))
        },
    );
    Ok(if lifted.is_some() {
        Exit::Done
    } else {
        Exit::Refused
    })
}

fn name(
    Mark {
        issuer,
        kind,
        value,
    }: Mark<'_>,
) -> String {
    match kind {
        Kind::Issuer => format!("iss {issuer:?}"),
        _ => format!("{} {value:?} of {issuer}", kind.claim()),
    }
}

fn as_text(Written { record, before }: &Written, trust: &Trust) -> String {
    let name = name(record.mark());
    let mut lines = vec![match (record.kind, record.issued_before) {
        (Kind::Id, _) => format!("{name} is revoked."),
        (_, Some(limit)) => {
            format!(
                "{name} is revoked for tokens issued before {}.",
                shown(limit)
            )
        }
        (_, None) => format!("{name} is revoked, also for tokens that are yet to be issued."),
    }];
    if let Some(before) = before {
        let same = before.entry() == record.entry() && before.expires == record.expires;
        lines.push(match same {
            true => "It was so already.".to_owned(),
            false => "There was an entry already; this is what both together say.".to_owned(),
        });
    }
    lines.push(match record.life(trust) {
        Some(life) => format!("The entry ends at {}.", shown(life.ends)),
        None => stays(record, trust),
    });
    lines.push(format!("Lift it with: {}", undo(record)));
    visible(&lines.join("\n"))
}

/// Why an entry has no end.
fn stays(record: &Record, trust: &Trust) -> String {
    let is_about_all = record.kind != Kind::Id && record.issued_before.is_none();
    let because = match trust.issuer(&record.issuer) {
        Some(issuer) if !is_about_all => {
            format!(": {} has no max_lifetime", issuer.file_name())
        }
        _ => String::new(),
    };
    format!("The entry is kept until lifted{because}.")
}

fn undo(record: &Record) -> String {
    let issuer = quoted(&record.issuer);
    let selector = match record.kind {
        Kind::Issuer => String::new(),
        kind => format!(" --{}={}", kind.claim(), quoted(&record.value)),
    };
    format!("pam-jwt revoke --undo --issuer={issuer}{selector}")
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_it_for_one_word() {
        for (text, word) in [
            ("https://i/a@b", "https://i/a@b"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(x)'", r"'$(x)'\'''"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }
}
