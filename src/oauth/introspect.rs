//! What an issuer says of an opaque token (RFC 7662).

use crate::http::{Http, Text};
use crate::token::refusal;
use crate::{Client, Error, Metadata};
use jose::json;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What came of asking (§2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The token is good: the members of the answer, as the text that came.
    Active(Text),
    /// It is not, for whatever reason.
    Inactive,
}

/// Asks about `token`.
///
/// # Errors
/// Why nothing is known of it. It is not active then.
pub fn ask(http: &Http, metadata: &Metadata, client: &Client, token: &str) -> Result<Said, Error> {
    const MEMBER: &str = "introspection_endpoint";
    let endpoint = &metadata.introspection_endpoint;
    let endpoint = endpoint.as_deref().ok_or(Error::Unsupported(MEMBER))?;
    let form = [("token", token), ("token_type_hint", "access_token")];
    let answer = client.post(http, metadata, endpoint, &form)?;
    if answer.status != 200 {
        return Err(refusal(&answer));
    }
    said(&answer.body)
}

fn said(body: &[u8]) -> Result<Said, Error> {
    let form = || Error::Form("what a token is good for");
    let mut members = json::object(body).map_err(|_| form())?;
    let active = active(&members);
    json::wipe(&mut members);
    let text = std::str::from_utf8(body).map_err(|_| form())?;
    match active {
        Some(true) => Ok(Said::Active(Zeroizing::new(text.to_owned()))),
        Some(false) => Ok(Said::Inactive),
        None => Err(form()),
    }
}

/// A boolean and nothing that is like one: `active` is the one member that must be there.
fn active(members: &Map<String, Value>) -> Option<bool> {
    members.get("active")?.as_bool()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_active_where_the_answer_says_so_and_nowhere_else() {
        let text = r#"{"active":true,"sub":"alice","exp":1419356238}"#;
        let active = Said::Active(Zeroizing::new(text.to_owned()));
        assert_eq!(said(text.as_bytes()), Ok(active));
        for inactive in [r#"{"active":false}"#, r#"{"active":false,"sub":"alice"}"#] {
            assert_eq!(said(inactive.as_bytes()), Ok(Said::Inactive));
        }
        for odd in [
            "",
            "{}",
            "true",
            "[]",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":false,"active":true}"#,
            r#"{"active":true} x"#,
            r#"{"Active":true}"#,
        ] {
            assert!(matches!(said(odd.as_bytes()), Err(Error::Form(_))), "{odd}");
        }
    }
}
