//! An entry as it is kept, and how long.

use super::{Entry, Kind, Mark};
use crate::trust::Trust;
use serde_json::{Map, Value};

/// Seconds by which an issuer's clock may be ahead of this machine's without a revoked token
/// outliving its entry: a day, as for the records of one-time tokens.
const AHEAD: u64 = 86_400;

/// What is written down of a revocation. Times are in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The tokens' `iss`.
    pub issuer: String,
    /// What of them is named.
    pub kind: Kind,
    /// Its value; for [`Kind::Issuer`] the issuer again.
    pub value: String,
    /// [`Entry::issued_before`]
    pub issued_before: Option<u64>,
    /// [`Entry::expired_by`], of [`Kind::Issuer`] alone.
    pub expired_by: Option<u64>,
    /// The `exp` of the token, of [`Kind::Id`] alone. It says how long the entry is needed,
    /// not which tokens it is about.
    pub expires: Option<u64>,
    /// When it was revoked, last of all.
    pub revoked_at: u64,
    /// Why, in somebody's words.
    pub because: Option<String>,
}

/// How long a record is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// From then on no token that it is about would be accepted anyway (seconds since the
    /// epoch).
    pub ends: u64,
    /// An entry for all tokens of the issuer that takes its place: until `ends` it would
    /// refuse others too, afterwards none that would not be refused anyway. But for it, a
    /// clock that ran ahead and was set back, or a `max_lifetime` that is raised, would bring
    /// a revoked token back to life.
    pub floor: Entry,
}

impl Record {
    /// Reads what [`Record::text`] wrote.
    ///
    /// # Errors
    /// What is wrong with it. That includes members that are unknown or out of place: they
    /// mean something that is not understood here.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let object = jose::json::object(text).map_err(|error| error.to_string())?;
        let mut members = Members(object);
        let kind = members.text("kind")?;
        let kind = Kind::ALL
            .into_iter()
            .find(|known| Some(known.claim()) == kind.as_deref());
        let record = Self {
            issuer: members.text("issuer")?.ok_or_else(|| no_entry("issuer"))?,
            kind: kind.ok_or_else(|| no_entry("kind"))?,
            value: members.text("value")?.ok_or_else(|| no_entry("value"))?,
            issued_before: members.seconds("issued_before")?,
            expired_by: members.seconds("expired_by")?,
            expires: members.seconds("expires")?,
            revoked_at: members
                .seconds("revoked_at")?
                .ok_or_else(|| no_entry("revoked_at"))?,
            because: members.text("because")?,
        };
        if let Some(name) = members.0.keys().next() {
            return Err(no_entry(name));
        }
        let is_sound = match record.kind {
            Kind::Id => record.entry() == Entry::ALL,
            Kind::Subject | Kind::Key => record.expired_by.is_none(),
            // All tokens of an issuer are refused by not trusting it.
            Kind::Issuer => record.value == record.issuer && record.entry() != Entry::ALL,
        };
        if !is_sound || (record.expires.is_some() && record.kind != Kind::Id) {
            return Err("is no entry, by members that do not belong together".to_owned());
        }
        Ok(record)
    }

    /// Its members, as JSON has them.
    pub fn members(&self) -> Map<String, Value> {
        let text = |text: &String| Value::from(text.as_str());
        let members = [
            ("issuer", Some(text(&self.issuer))),
            ("kind", Some(Value::from(self.kind.claim()))),
            ("value", Some(text(&self.value))),
            ("issued_before", self.issued_before.map(Value::from)),
            ("expired_by", self.expired_by.map(Value::from)),
            ("expires", self.expires.map(Value::from)),
            ("revoked_at", Some(Value::from(self.revoked_at))),
            ("because", self.because.as_ref().map(text)),
        ];
        let present = members.into_iter();
        present
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect()
    }

    /// One line of JSON.
    pub fn text(&self) -> String {
        Value::Object(self.members()).to_string() + "\n"
    }

    /// What it names.
    pub fn mark(&self) -> Mark<'_> {
        Mark {
            issuer: &self.issuer,
            kind: self.kind,
            value: &self.value,
        }
    }

    /// Which tokens it is about.
    pub const fn entry(&self) -> Entry {
        Entry {
            issued_before: self.issued_before,
            expired_by: self.expired_by,
        }
    }

    /// This and an earlier record of the same mark in one: about what either is about, for as
    /// long as either is needed.
    #[must_use]
    pub fn joined(self, earlier: Self) -> Self {
        let entry = self.entry().joined(earlier.entry());
        Self {
            issued_before: entry.issued_before,
            expired_by: entry.expired_by,
            // An exp that only one of them knows might not be the other's.
            expires: self
                .expires
                .zip(earlier.expires)
                .map(|(one, other)| one.max(other)),
            revoked_at: self.revoked_at.max(earlier.revoked_at),
            because: self.because.or(earlier.because),
            ..earlier
        }
    }

    /// Whether no token that it is about could be accepted any more at `now`.
    pub fn has_ended(&self, trust: &Trust, now: u64) -> bool {
        self.life(trust).is_some_and(|life| life.ends <= now)
    }

    /// How long it is needed, by what `trust` says of its issuer now; none if that cannot be
    /// said, and it stays until it is lifted.
    pub fn life(&self, trust: &Trust) -> Option<Life> {
        let issuer = trust.issuer(&self.issuer);
        let (most, leeway) = (
            issuer.and_then(|issuer| issuer.max_lifetime),
            trust.global.leeway,
        );
        let floor = match (self.kind, self.expires) {
            (Kind::Id, Some(expires)) => Entry {
                expired_by: Some(expires),
                ..Entry::ALL
            },
            // It was issued when it was revoked, by whichever clock.
            (Kind::Id, None) => Entry {
                issued_before: Some(self.revoked_at.saturating_add(AHEAD)),
                ..Entry::ALL
            },
            _ => self.entry(),
        };
        let last = match (floor.issued_before, most) {
            (None, _) => None,
            (Some(limit), Some(most)) => Some(limit.saturating_add(most)),
            (Some(_), None) => return None,
        };
        // Of Entry::ALL there is no last one.
        let last = last.max(floor.expired_by)?;
        Some(Life {
            ends: last.saturating_add(leeway),
            floor,
        })
    }
}

/// The members that are yet to be read.
struct Members(Map<String, Value>);

impl Members {
    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(no_entry(name)),
        }
    }

    fn seconds(&mut self, name: &str) -> Result<Option<u64>, String> {
        let seconds = |value: Value| value.as_u64().ok_or_else(|| no_entry(name));
        self.0.remove(name).map(seconds).transpose()
    }
}

fn no_entry(member: &str) -> String {
    format!("is no entry, by its member {member:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    const NOW: u64 = 1_800_000_000;

    /// One issuer, `i`.
    fn trust(top: &str) -> Trust {
        let text = format!("issuer='i'\naudience=['a']\nkeys=['/k']\n{top}\n");
        let [global, issuer] =
            [("pam-jwt.toml", ""), ("i.toml", &*text)].map(|(file, text)| Source { file, text });
        let config = Config::parse(global, &[issuer]).whole().unwrap();
        Trust::new(config, vec![Default::default()], "h").unwrap()
    }

    fn record(kind: Kind, value: &str) -> Record {
        Record {
            issuer: "i".into(),
            kind,
            value: value.into(),
            issued_before: None,
            expired_by: None,
            expires: None,
            revoked_at: NOW,
            because: None,
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let plain = record(Kind::Id, "j\n\"\u{202e}");
        let whole = Record {
            issued_before: Some(5),
            because: Some("left".into()),
            ..record(Kind::Subject, "s")
        };
        let floor = Record {
            issued_before: Some(5),
            expired_by: Some(6),
            ..record(Kind::Issuer, "i")
        };
        let expires = Some(u64::MAX);
        let long = Record {
            expires,
            ..plain.clone()
        };
        for record in [plain, whole, floor, long, record(Kind::Key, "")] {
            let text = record.text();
            assert_eq!(Record::parse(text.as_bytes()), Ok(record));
            assert_eq!(text.lines().count(), 1);
        }
    }

    #[test]
    fn what_is_not_wholly_understood_is_no_record() {
        let good = r#"{"issuer":"i","kind":"sub","value":"s","revoked_at":1}"#;
        assert!(Record::parse(good.as_bytes()).is_ok());
        for bad in [
            "",
            "{",
            "[]",
            good.strip_suffix('}').unwrap(),
            &format!("{good}x"),
            &good.replace(r#","revoked_at":1"#, ""),
            &good.replace("revoked_at", "revoked"),
            &good.replace(":1", ":1,\"revoked_at\":1"),
            &good.replace(":1", ":-1"),
            &good.replace(":1", ":\"1\""),
            &good.replace(":1", ":1,\"new\":1"),
            &good.replace(":1", ":1,\"expires\":1"),
            &good.replace(":1", ":1,\"expired_by\":1"),
            &good.replace(":1", ":1,\"issued_before\":1.5"),
            &good.replace("sub", "aud"),
            &good
                .replace("\"sub\"", "\"jti\"")
                .replace(":1", ":1,\"issued_before\":1"),
            &good.replace("\"sub\"", "\"iss\""),
            &good.replace("\"sub\"", "\"iss\"").replace("\"s\"", "\"i\""),
            &good
                .replace("\"sub\"", "\"iss\"")
                .replace(":1", ":1,\"issued_before\":1"),
        ] {
            assert!(Record::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_revoked_again_is_never_revoked_less() {
        let before = |limit| Record {
            issued_before: Some(limit),
            because: Some(format!("b{limit}")),
            revoked_at: NOW + limit,
            ..record(Kind::Subject, "s")
        };
        let all = record(Kind::Subject, "s");
        assert_eq!(before(2).joined(before(1)), before(2));
        let joined = before(1).joined(before(2));
        let because = Some("b1".to_owned());
        assert_eq!(
            joined,
            Record {
                because,
                ..before(2)
            }
        );
        for joined in [all.clone().joined(before(2)), before(2).joined(all)] {
            assert_eq!(joined.entry(), Entry::ALL);
            assert_eq!(joined.because.as_deref(), Some("b2"));
            assert_eq!(joined.revoked_at, NOW + 2);
        }
        let with = |expires| Record {
            expires,
            ..record(Kind::Id, "j")
        };
        for (one, other, both) in [
            (Some(1), Some(2), Some(2)),
            (Some(1), None, None),
            (None, None, None),
        ] {
            assert_eq!(with(one).joined(with(other)), with(both));
            assert_eq!(with(other).joined(with(one)), with(both));
        }
    }

    #[test]
    fn a_record_is_needed_as_long_as_a_token_of_it_can_live() {
        let [none, hour] = [trust(""), trust("max_lifetime='1h'")];
        let ends = |record: &Record, trust| record.life(trust).map(|life| life.ends);
        let leeway = none.global.leeway;
        assert_eq!(leeway, 30);
        for kind in [Kind::Subject, Kind::Key] {
            let all = record(kind, "x");
            assert_eq!((ends(&all, &none), ends(&all, &hour)), (None, None));
            let issued_before = Some(NOW + 5);
            let before = Record {
                issued_before,
                ..all
            };
            let end = NOW + 5 + 3600 + leeway;
            assert_eq!(
                (ends(&before, &none), ends(&before, &hour)),
                (None, Some(end))
            );
        }
        let id = record(Kind::Id, "j");
        let end = NOW + 86_400 + 3600 + leeway;
        assert_eq!((ends(&id, &none), ends(&id, &hour)), (None, Some(end)));
        let expires = Some(NOW + 5);
        let known = Record { expires, ..id };
        let end = Some(NOW + 5 + leeway);
        assert_eq!((ends(&known, &none), ends(&known, &hour)), (end, end));
        let floor = Record {
            issued_before: Some(NOW),
            expired_by: Some(NOW + 5000),
            ..record(Kind::Issuer, "i")
        };
        let end = Some(NOW + 5000 + leeway);
        assert_eq!((ends(&floor, &none), ends(&floor, &hour)), (None, end));
        // Of an issuer that is trusted no more nothing is known.
        let issuer = "other".to_owned();
        let other = Record { issuer, ..floor };
        assert_eq!(ends(&other, &hour), None);
    }

    /// Whatever token a record is about that could still be accepted when its life is over,
    /// by another clock or another `max_lifetime`: its floor is about it as well. And of the
    /// tokens that are acceptable then, it is about none.
    #[test]
    fn what_takes_the_place_of_a_record_is_about_the_same_tokens_and_no_good_one() {
        let hour = trust("max_lifetime='1h'");
        let leeway = hour.global.leeway;
        let expires = Some(NOW + 600);
        let issued_before = Some(NOW);
        for record in [
            record(Kind::Id, "x"),
            Record {
                expires,
                ..record(Kind::Id, "x")
            },
            Record {
                issued_before,
                ..record(Kind::Subject, "x")
            },
            Record {
                issued_before,
                ..record(Kind::Key, "x")
            },
        ] {
            let Life { ends, floor } = record.life(&hour).unwrap();
            let claims = |iat: u64, exp: u64| {
                let text = format!("{{\"iat\":{iat},\"exp\":{exp}}}");
                jose::Claims::parse(text.as_bytes()).unwrap()
            };
            for iat in [NOW - 5000, NOW - 1, NOW, NOW + 599, NOW + 86_399] {
                for exp in [iat, iat + 1, iat + 3600, iat + 5_000_000] {
                    let token = claims(iat, exp);
                    let is_meant = match (record.kind, record.expires) {
                        (Kind::Id, Some(expires)) => exp == expires,
                        _ => record.entry().covers(&token),
                    };
                    assert!(!is_meant || floor.covers(&token), "{record:?} {iat} {exp}");
                }
            }
            // Acceptable at `ends`: issued at most an hour before its exp, which has not passed.
            for exp in [ends - leeway + 1, ends, ends + 3600] {
                for iat in [exp - 3600, exp] {
                    assert!(!floor.covers(&claims(iat, exp)), "{record:?} {iat} {exp}");
                }
            }
        }
    }
}
