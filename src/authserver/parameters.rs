//! The parameters of a request, `application/x-www-form-urlencoded` in a query or a body: each
//! once, in UTF-8, of a bounded length (RFC 6749 §3.1, §3.2, appendix B). One without a value is
//! taken as not sent (§3.1), and unknown ones are ignored.

use crate::error::OAuthError;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// No request has more parameters.
const MOST: usize = 64;

/// What may be sent several times (RFC 8707 §2, RFC 8693 §2.1).
const SEVERAL: [&str; 2] = ["resource", "audience"];

/// The parameters of a request.
#[derive(Default)]
pub struct Parameters {
    single: BTreeMap<String, Zeroizing<String>>,
    several: BTreeMap<String, Vec<String>>,
}

impl Parameters {
    /// Reads a query or a body.
    ///
    /// # Errors
    /// `invalid_request`: what is wrong with it.
    pub fn parse(form: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = Self::default();
        let pairs = form.split(|byte| *byte == b'&');
        for (number, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
            if number >= MOST {
                return Err(OAuthError::request("there are too many parameters"));
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => pair.split_at(at),
                None => (pair, &[][..]),
            };
            let value = value.strip_prefix(b"=").unwrap_or(value);
            let name = decoded(name)?.to_string();
            parameters.add(name, decoded(value)?)?;
        }
        // Not sent (RFC 6749 §3.1), but not sent twice either.
        parameters.single.retain(|_, value| !value.is_empty());
        Ok(parameters)
    }

    fn add(&mut self, name: String, value: Zeroizing<String>) -> Result<(), OAuthError> {
        if SEVERAL.contains(&name.as_str()) {
            if !value.is_empty() {
                self.several
                    .entry(name)
                    .or_default()
                    .push(value.to_string());
            }
            return Ok(());
        }
        match self.single.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(OAuthError::request("a parameter is sent more than once")),
        }
    }

    /// A parameter, where it was sent and is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(|value| value.as_str())
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// `invalid_request`
    pub fn need(&self, name: &'static str) -> Result<&str, OAuthError> {
        let missing = || OAuthError::request(format!("the parameter {name} is missing"));
        self.get(name).ok_or_else(missing)
    }

    /// All values of `resource` or `audience`.
    #[must_use]
    pub fn several(&self, name: &str) -> &[String] {
        self.several.get(name).map_or(&[], Vec::as_slice)
    }

    /// All that were sent, by name; for a request that is kept (RFC 9126).
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let single = self
            .single
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let several = self.several.iter();
        single.chain(
            several.flat_map(|(name, values)| {
                values.iter().map(|value| (name.as_str(), value.as_str()))
            }),
        )
    }
}

/// Decodes a name or a value (WHATWG URL, application/x-www-form-urlencoded parsing).
///
/// # Errors
/// `invalid_request` for an escape that is none, for what is not UTF-8, and for a control
/// character, of which no parameter has any use.
pub fn decoded(text: &[u8]) -> Result<Zeroizing<String>, OAuthError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    loop {
        rest = match rest {
            [] => break,
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [b'%', high, low, rest @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
                    return Err(bad_escape());
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest
            }
            [b'%', ..] => return Err(bad_escape()),
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| OAuthError::request("a parameter is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(OAuthError::request("a parameter has a control character"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn bad_escape() -> OAuthError {
    OAuthError::request("a parameter is not form-encoded: % stands before two hexadecimal digits")
}

/// Encodes a name or a value.
#[must_use]
pub fn encoded(text: &str) -> String {
    use std::fmt::Write;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // To a String nothing fails.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(form: &str) -> Result<Parameters, String> {
        Parameters::parse(form.as_bytes()).map_err(|error| error.description.into_owned())
    }

    #[test]
    fn values_are_decoded_and_empty_ones_were_not_sent() {
        let form = parse("a=1+2%2b%C3%A9&b=&c&&d==&resource=x&resource=y").unwrap();
        assert_eq!(form.get("a"), Some("1 2+é"));
        assert_eq!((form.get("b"), form.get("c")), (None, None));
        assert_eq!(form.get("d"), Some("="));
        assert_eq!(form.several("resource"), ["x", "y"]);
        assert_eq!(form.all().count(), 4);
    }

    #[test]
    fn nonsense_is_refused() {
        for form in [
            "a=1&a=2", "a=&a=1", "a&a", "a=%", "a=%4", "a=%zz", "a=%ff", "a=%00", "a=%0a",
        ] {
            assert!(parse(form).is_err(), "{form}");
        }
        assert!(parse(&"a".repeat(100_000)).is_ok());
        let many: Vec<String> = (0..=MOST).map(|n| format!("p{n}=1")).collect();
        assert!(parse(&many.join("&")).is_err());
    }

    #[test]
    fn what_is_encoded_decodes() {
        let text = "a b+c&d=é%/\u{1f600}~-._";
        let encoded = encoded(text);
        assert!(
            encoded
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'&')
        );
        assert_eq!(decoded(encoded.as_bytes()).unwrap().as_str(), text);
    }
}
