//! The claims of a JWT (RFC 7519 §4): registered ones with the types that the
//! RFC gives them, the others as they are. Nothing is converted.

use crate::error::{Error, Part};
use crate::json;
use serde_json::{Map, Value};

/// A NumericDate (RFC 7519 §2): seconds since the epoch, perhaps with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumericDate {
    seconds: u64,
    fraction: bool,
}

impl NumericDate {
    /// The end of the year 9999. A later date is an error or an attack.
    const MAX: u64 = 253_402_300_799;

    /// The full second at or before it: how long `exp` certainly lasts.
    pub const fn floor(self) -> u64 {
        self.seconds
    }

    /// The full second at or after it: when `nbf` and `iat` have certainly come.
    pub const fn ceil(self) -> u64 {
        self.seconds.saturating_add(self.fraction as u64)
    }

    fn from_json(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else {
            return None;
        };
        let date = match (number.as_u64(), number.as_f64()) {
            (Some(seconds), _) => Self {
                seconds,
                fraction: false,
            },
            (None, Some(float)) if (0.0..=Self::MAX as f64).contains(&float) => {
                // In range, so the conversion cuts off the fraction and nothing else.
                Self {
                    seconds: float as u64,
                    fraction: float.fract() != 0.0,
                }
            }
            _ => return None,
        };
        (date.seconds <= Self::MAX).then_some(date)
    }
}

/// A claim set. Whether its signature was verified is the caller's to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    all: Map<String, Value>,
    /// `iss`
    pub issuer: Option<String>,
    /// `sub`
    pub subject: Option<String>,
    /// `aud`: a single string is a list of one.
    pub audience: Option<Vec<String>>,
    /// `exp`
    pub expires: Option<NumericDate>,
    /// `nbf`
    pub not_before: Option<NumericDate>,
    /// `iat`
    pub issued_at: Option<NumericDate>,
    /// `jti`
    pub id: Option<String>,
}

impl Claims {
    /// Reads the payload of a token.
    ///
    /// # Errors
    /// [`Error::Json`], or [`Error::Claim`] where a registered claim has the
    /// wrong type.
    pub fn parse(payload: &[u8]) -> Result<Self, Error> {
        let all = json::object(payload).map_err(|error| Error::Json(Part::Payload, error))?;
        Ok(Self {
            issuer: text(&all, "iss")?,
            subject: text(&all, "sub")?,
            audience: audience(&all)?,
            expires: date(&all, "exp")?,
            not_before: date(&all, "nbf")?,
            issued_at: date(&all, "iat")?,
            id: text(&all, "jti")?,
            all,
        })
    }

    /// The claim of this name, whatever its type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// The time in the claim of this name, if that is what it holds (RFC 7519 §2).
    pub fn date(&self, name: &str) -> Option<NumericDate> {
        self.get(name).and_then(NumericDate::from_json)
    }

    /// All of them.
    pub const fn all(&self) -> &Map<String, Value> {
        &self.all
    }
}

fn text(all: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Error> {
    match all.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::Claim {
            name,
            expected: "a string",
        }),
    }
}

fn date(all: &Map<String, Value>, name: &'static str) -> Result<Option<NumericDate>, Error> {
    all.get(name)
        .map(|value| {
            let expected = "a number of seconds since 1970 (RFC 7519 NumericDate)";
            NumericDate::from_json(value).ok_or(Error::Claim { name, expected })
        })
        .transpose()
}

fn audience(all: &Map<String, Value>) -> Result<Option<Vec<String>>, Error> {
    let strings = match all.get("aud") {
        None => return Ok(None),
        Some(Value::String(one)) => Some(vec![one.clone()]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    };
    let expected = "a string or a list of strings";
    strings.map(Some).ok_or(Error::Claim {
        name: "aud",
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_claims_keep_their_types() {
        let claims = Claims::parse(
            br#"{"iss":"i","sub":"s","aud":"a","exp":10,"nbf":1.5,"iat":0,"jti":"j","n":7}"#,
        )
        .unwrap();
        assert_eq!(claims.issuer.as_deref(), Some("i"));
        assert_eq!(claims.audience, Some(vec!["a".into()]));
        assert_eq!(claims.expires.unwrap().floor(), 10);
        assert_eq!(
            (
                claims.not_before.unwrap().floor(),
                claims.not_before.unwrap().ceil()
            ),
            (1, 2)
        );
        assert_eq!(claims.get("n"), Some(&Value::from(7)));
        let list = Claims::parse(br#"{"aud":["a","b"]}"#).unwrap();
        assert_eq!(list.audience, Some(vec!["a".into(), "b".into()]));
    }

    /// Checklist: A.20, A.21, A.24, B.2, B.3, B.12
    #[test]
    fn a_registered_claim_of_another_type_is_refused() {
        for (payload, claim) in [
            (r#"{"iss":["i"]}"#, "iss"),
            (r#"{"sub":5}"#, "sub"),
            (r#"{"sub":null}"#, "sub"),
            (r#"{"aud":5}"#, "aud"),
            (r#"{"aud":["a",5]}"#, "aud"),
            (r#"{"aud":{}}"#, "aud"),
            (r#"{"jti":1}"#, "jti"),
        ] {
            assert!(
                matches!(Claims::parse(payload.as_bytes()), Err(Error::Claim { name, .. }) if name == claim),
                "{payload}"
            );
        }
    }

    /// Checklist: A.23
    #[test]
    fn a_date_is_a_number_that_can_be_one() {
        for bad in [
            "\"10\"",
            "-1",
            "-0.5",
            "1e300",
            "253402300800",
            "18446744073709551616",
            "true",
            "null",
            "[10]",
        ] {
            let payload = format!("{{\"exp\":{bad}}}");
            assert!(
                matches!(
                    Claims::parse(payload.as_bytes()),
                    Err(Error::Claim { name: "exp", .. })
                ),
                "{bad}"
            );
        }
        for (good, floor, ceil) in [
            ("10", 10, 10),
            ("10.0", 10, 10),
            ("1e3", 1000, 1000),
            ("10.25", 10, 11),
            ("253402300799", NumericDate::MAX, NumericDate::MAX),
        ] {
            let date = Claims::parse(format!("{{\"exp\":{good}}}").as_bytes())
                .unwrap()
                .expires
                .unwrap();
            assert_eq!((date.floor(), date.ceil()), (floor, ceil), "{good}");
        }
    }
}
