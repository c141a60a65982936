//! The JOSE header (RFC 7515 §4): what a token says of itself, none of it
//! trusted. `jku`, `jwk`, `x5u` and `x5c` are not even read: a token cannot
//! bring its own key (RFC 7515 §10.3, RFC 8725 §3.10).

use crate::algorithm::Algorithm;
use crate::compact::Compact;
use crate::error::{Error, Part};
use crate::json;
use serde_json::{Map, Value};

/// The header parameters that a decision reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The algorithm that the token claims to be signed with.
    pub alg: Algorithm,
    /// The key that it claims to be signed by: text to compare, nothing else.
    pub kid: Option<String>,
    /// The media type (RFC 7515 §4.1.9).
    pub typ: Option<String>,
}

impl Header {
    /// Reads and checks the header of `token`.
    ///
    /// # Errors
    /// [`Error::Json`], [`Error::HeaderParameter`], [`Error::Critical`],
    /// [`Error::UnencodedPayload`], [`Error::AlgorithmUnsupported`] or
    /// [`Error::Detached`].
    pub fn parse(token: &Compact<'_>) -> Result<Self, Error> {
        let members =
            json::object(token.header()).map_err(|error| Error::Json(Part::Header, error))?;
        check_critical(&members)?;
        if members
            .get("b64")
            .is_some_and(|value| *value != Value::Bool(true))
        {
            return Err(Error::UnencodedPayload);
        }
        let name = text(&members, "alg")?.ok_or(Error::HeaderParameter("alg"))?;
        let alg = Algorithm::from_name(&name).ok_or(Error::AlgorithmUnsupported(name))?;
        // After b64, which says why a payload is elsewhere. No JWT's payload is empty.
        if token.payload().is_empty() {
            return Err(Error::Detached);
        }
        Ok(Self {
            alg,
            kid: text(&members, "kid")?,
            typ: text(&members, "typ")?,
        })
    }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Error> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Error::HeaderParameter(name)),
    }
}

/// No extension is understood here, so any `crit` refuses; the text says which
/// of its rules is broken first (RFC 7515 §4.1.11, RFC 7797 §6).
fn check_critical(members: &Map<String, Value>) -> Result<(), Error> {
    let Some(crit) = members.get("crit") else {
        return Ok(());
    };
    let names = match crit.as_array() {
        Some(names) if !names.is_empty() => names,
        _ => {
            return Err(Error::Critical(
                "it is not a list with at least one name".into(),
            ));
        }
    };
    for name in names {
        let Some(name) = name.as_str() else {
            return Err(Error::Critical("it has an entry that is no name".into()));
        };
        if !members.contains_key(name) {
            return Err(Error::Critical(format!(
                "it names {name:?}, which is absent"
            )));
        }
        if name == "b64" && members.get("b64") == Some(&Value::Bool(false)) {
            return Err(Error::UnencodedPayload);
        }
    }
    Err(Error::Critical(
        "it names what is not understood here".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64url;
    use crate::json::JsonError;

    fn parse(header: &str) -> Result<Header, Error> {
        let token = format!("{}.e30.AQI", base64url::encode(header.as_bytes()));
        Header::parse(&Compact::parse(token.as_bytes()).unwrap())
    }

    /// Checklist: A.12, A.13, B.7
    #[test]
    fn reads_what_it_needs_and_nothing_else() {
        let header = parse(
            r#"{"typ":"JWT","alg":"ES256","kid":"../../etc?x","jku":"https://evil","x5c":5,"jwk":{}}"#,
        );
        let expected = Header {
            alg: Algorithm::Es256,
            kid: Some("../../etc?x".into()),
            typ: Some("JWT".into()),
        };
        assert_eq!(header, Ok(expected));
    }

    /// Checklist: A.10
    #[test]
    fn alg_is_required_and_must_be_known() {
        assert_eq!(parse("{}"), Err(Error::HeaderParameter("alg")));
        assert_eq!(parse(r#"{"alg":5}"#), Err(Error::HeaderParameter("alg")));
        for alg in ["none", "NONE", "nOnE", "HS255", "eddsa", ""] {
            let header = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(parse(&header), Err(Error::AlgorithmUnsupported(alg.into())));
        }
    }

    /// Checklist: A.6, B.4
    #[test]
    fn any_crit_is_refused() {
        for header in [
            r#"{"alg":"EdDSA","crit":[]}"#,
            r#"{"alg":"EdDSA","crit":"exp"}"#,
            r#"{"alg":"EdDSA","crit":[1]}"#,
            r#"{"alg":"EdDSA","crit":["exp"]}"#,
            r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#,
        ] {
            assert!(matches!(parse(header), Err(Error::Critical(_))), "{header}");
        }
    }

    /// Checklist: A.6, B.5
    #[test]
    fn an_unencoded_payload_is_refused() {
        assert_eq!(
            parse(r#"{"alg":"EdDSA","b64":false}"#),
            Err(Error::UnencodedPayload)
        );
        assert_eq!(
            parse(r#"{"alg":"EdDSA","b64":false,"crit":["b64"]}"#),
            Err(Error::UnencodedPayload)
        );
        assert_eq!(
            parse(r#"{"alg":"EdDSA","b64":"true"}"#),
            Err(Error::UnencodedPayload)
        );
    }

    /// Checklist: A.4
    #[test]
    fn duplicates_are_refused() {
        let header = r#"{"alg":"EdDSA","alg":"none"}"#;
        assert_eq!(
            parse(header),
            Err(Error::Json(Part::Header, JsonError::Duplicate))
        );
    }
}
