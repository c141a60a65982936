//! Client registration (RFC 7591): what a program says of itself, to the client that it becomes.
//! What this server does not have is left out of the answer where the RFC lets it be ignored
//! (§2), and refused where leaving it out would be a surprise.

use crate::error::{Code, OAuthError};
use clients::{AuthMethod, Client, GrantType, redirect};
use jose::{Jwk, JwkSet, Material, json};
use serde_json::{Map, Value, json};

/// Redirect URIs, grants and keys of one client, each.
const MOST: usize = 32;

/// Bytes of a redirect URI.
const LONGEST_URI: usize = 2048;

/// Characters of a name, which people are shown.
const LONGEST_NAME: usize = 100;

/// What cannot be registered so: grants that hand tokens or passwords to a browser or a program
/// (RFC 9700 §2.1.2, §2.4), which only an administrator may allow.
const NOT_BY_ITSELF: [GrantType; 2] = [GrantType::Implicit, GrantType::Password];

/// Reads what is to be registered (§2, §3.1): a client without id and secret, whose scopes are
/// among those that are `allowed`.
///
/// # Errors
/// `invalid_redirect_uri`, `unapproved_software_statement`, `invalid_client_metadata` (§3.2.2).
pub fn read(document: &[u8], allowed: &[String]) -> Result<Client, OAuthError> {
    let members = json::object(document).map_err(|error| invalid(format!("it {error}")))?;
    if members.contains_key("software_statement") {
        let why = "this server takes no software statements";
        return Err(OAuthError::new(Code::UnapprovedSoftwareStatement, why));
    }
    if members.contains_key("jwks_uri") {
        let why = "this server fetches no keys: send them as jwks instead of jwks_uri";
        return Err(invalid(why));
    }
    let grant_types = grant_types(&members)?;
    let method = auth_method(&members)?;
    let uses_keys = method == AuthMethod::PrivateKeyJwt;
    check_response_types(&members, &grant_types)?;
    let client = Client {
        client_id: String::new(),
        client_id_issued_at: None,
        client_name: client_name(&members)?,
        token_endpoint_auth_method: method,
        secret_sha256: Vec::new(),
        jwks: jwks(&members)?.filter(|_| uses_keys),
        redirect_uris: redirect_uris(&members)?,
        scopes: scopes(&members, allowed)?,
        grant_types,
        audiences: Vec::new(),
        consent: true,
        introspects: false,
    };
    if client.redirect_uris.is_empty() && client.may(GrantType::AuthorizationCode) {
        let why = "the grant authorization_code needs redirect_uris";
        return Err(OAuthError::new(Code::InvalidRedirectUri, why));
    }
    if client.is_public() && client.may(GrantType::ClientCredentials) {
        return Err(invalid(
            "client_credentials is for clients that can show who they are",
        ));
    }
    if uses_keys && client.jwks.is_none() {
        return Err(invalid("private_key_jwt needs jwks"));
    }
    Ok(client)
}

/// What was registered (§3.2.1); the secret is shown this once.
#[must_use]
pub fn shown(client: &Client, secret: Option<&str>) -> Value {
    let mut shown = json!({
        "client_id": client.client_id,
        "client_id_issued_at": client.client_id_issued_at,
        "token_endpoint_auth_method": client.token_endpoint_auth_method.name(),
        "grant_types": client.grant_types,
        "response_types": response_types(&client.grant_types),
        "redirect_uris": client.redirect_uris,
        "scope": client.scopes.join(" "),
    });
    let Some(members) = shown.as_object_mut() else {
        return shown;
    };
    if let Some(secret) = secret {
        members.insert("client_secret".to_owned(), secret.into());
        members.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    if let Some(name) = &client.client_name {
        members.insert("client_name".to_owned(), name.as_str().into());
    }
    if let Some(jwks) = &client.jwks {
        members.insert("jwks".to_owned(), jwks.clone());
    }
    shown
}

fn invalid(why: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    let why = why.into();
    // A description has neither quotes nor what the client sent (RFC 6749 §5.2).
    let is_plain = |byte: u8| matches!(byte, 0x20..=0x7e) && byte != b'"' && byte != b'\\';
    let why = if why.bytes().all(is_plain) {
        why
    } else {
        "it cannot be read".into()
    };
    OAuthError::new(Code::InvalidClientMetadata, why)
}

fn redirect_uris(members: &Map<String, Value>) -> Result<Vec<String>, OAuthError> {
    let uris = texts(members, "redirect_uris")?.unwrap_or_default();
    for uri in &uris {
        if uri.len() > LONGEST_URI || redirect::fault(uri).is_some() {
            return Err(OAuthError::new(
                Code::InvalidRedirectUri,
                "a redirect URI is https, http on loopback, or of a scheme with a dot in it, and \
                 has no fragment",
            ));
        }
    }
    Ok(uris)
}

fn auth_method(members: &Map<String, Value>) -> Result<AuthMethod, OAuthError> {
    let Some(name) = text(members, "token_endpoint_auth_method")? else {
        return Ok(AuthMethod::default());
    };
    let method = AuthMethod::ALL
        .into_iter()
        .find(|method| method.name() == name);
    method.ok_or_else(|| invalid("token_endpoint_auth_method is none of this server's"))
}

fn grant_types(members: &Map<String, Value>) -> Result<Vec<GrantType>, OAuthError> {
    let Some(names) = texts(members, "grant_types")? else {
        return Ok(vec![GrantType::AuthorizationCode]);
    };
    let mut grants = Vec::new();
    for name in names {
        let grant = GrantType::from_name(&name)
            .filter(|grant| !NOT_BY_ITSELF.contains(grant))
            .ok_or_else(|| invalid("grant_types has one that cannot be registered here"))?;
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    Ok(grants)
}

/// The response types that go with the grants (§2.1).
fn response_types(grants: &[GrantType]) -> Vec<&'static str> {
    let with_code = grants.contains(&GrantType::AuthorizationCode);
    with_code.then_some("code").into_iter().collect()
}

fn check_response_types(
    members: &Map<String, Value>,
    grants: &[GrantType],
) -> Result<(), OAuthError> {
    match texts(members, "response_types")? {
        Some(named) if named != response_types(grants) => Err(invalid(
            "response_types is code where grant_types has authorization_code, and else empty",
        )),
        _ => Ok(()),
    }
}

fn client_name(members: &Map<String, Value>) -> Result<Option<String>, OAuthError> {
    let name = text(members, "client_name")?;
    // What turns the direction of writing makes one name look like another.
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    if name.is_some_and(|name| name.chars().count() > LONGEST_NAME || name.contains(is_odd)) {
        return Err(invalid("client_name is too long, or has what nobody sees"));
    }
    Ok(name
        .filter(|name| !name.trim().is_empty())
        .map(str::to_owned))
}

/// All that are allowed where it names none, and of those that it names, those that are.
fn scopes(members: &Map<String, Value>, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = text(members, "scope")? else {
        return Ok(allowed.to_vec());
    };
    let asked: Vec<&str> = asked.split(' ').filter(|name| !name.is_empty()).collect();
    let is_asked = |name: &&String| asked.contains(&name.as_str());
    let scopes: Vec<String> = allowed.iter().filter(is_asked).cloned().collect();
    if scopes.is_empty() && !asked.is_empty() {
        return Err(invalid("scope names none that can be registered here"));
    }
    Ok(scopes)
}

fn jwks(members: &Map<String, Value>) -> Result<Option<Value>, OAuthError> {
    let Some(jwks) = members.get("jwks") else {
        return Ok(None);
    };
    let keys = jwks.get("keys").and_then(Value::as_array);
    let count = keys.ok_or_else(|| invalid("jwks is no JWK Set"))?.len();
    let bytes = jwks.to_string();
    match JwkSet::parse(bytes.as_bytes()) {
        Ok(_) if count > MOST => Err(invalid("jwks has too many keys")),
        // A secret would be one of the client's, and is no way to say who it is here.
        Ok(set) if set.keys.iter().any(is_secret) => Err(invalid("jwks has a symmetric key")),
        Ok(_) => Ok(Some(jwks.clone())),
        Err(error) => Err(invalid(format!("jwks: {error}"))),
    }
}

fn is_secret(jwk: &Jwk) -> bool {
    matches!(jwk.key, Material::Secret(_))
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, OAuthError> {
    match members.get(name) {
        // A client may send what it leaves out as null.
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is no string"))),
    }
}

fn texts(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<String>>, OAuthError> {
    let list = match members.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) if list.len() <= MOST => list,
        Some(_) => return Err(invalid(format!("{name} is no list of at most {MOST}"))),
    };
    let texts = list.iter().map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    texts
        .map(Some)
        .ok_or_else(|| invalid(format!("{name} has what is no string")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<String> {
        vec!["openid".to_owned(), "ssh".to_owned()]
    }

    fn read(document: &Value) -> Result<Client, Code> {
        super::read(document.to_string().as_bytes(), &allowed()).map_err(|error| error.code)
    }

    const URI: &str = "https://c/cb";

    /// Checklist: C.16
    #[test]
    fn what_is_left_out_has_the_defaults_of_the_rfc() {
        let client = read(&json!({ "redirect_uris": [URI] })).unwrap();
        assert_eq!(
            client.token_endpoint_auth_method.name(),
            "client_secret_basic"
        );
        assert_eq!(client.grant_types, [GrantType::AuthorizationCode]);
        assert_eq!(client.scopes, allowed());
        assert!(client.consent && !client.introspects && client.audiences.is_empty());
    }

    /// Checklist: C.16
    #[test]
    fn the_answer_says_what_was_registered() {
        let document = json!({
            "redirect_uris": [URI, "http://127.0.0.1/cb", "org.example.app:/cb"],
            "client_name": "A program", "client_uri": "https://c", "software_id": "x",
            "token_endpoint_auth_method": "none", "scope": "ssh root",
            "grant_types": ["authorization_code", "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
            "response_types": ["code"], "logo_uri": null, "unknown": {"a": [1]},
        });
        let client = Client {
            client_id: "id".to_owned(),
            client_id_issued_at: Some(100),
            ..read(&document).unwrap()
        };
        assert_eq!(client.faults(), Vec::<String>::new());
        let expected = json!({
            "client_id": "id", "client_id_issued_at": 100, "client_name": "A program",
            "redirect_uris": [URI, "http://127.0.0.1/cb", "org.example.app:/cb"],
            "token_endpoint_auth_method": "none", "scope": "ssh", "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token",
                "urn:ietf:params:oauth:grant-type:device_code"],
        });
        assert_eq!(shown(&client, None), expected);
        let shown = shown(&client, Some("s"));
        assert_eq!(shown["client_secret"], "s");
        assert_eq!(shown["client_secret_expires_at"], 0);
    }

    /// Checklist: C.16
    #[test]
    fn a_bad_redirect_uri_is_told_as_that() {
        let long = format!("https://c/{}", "a".repeat(LONGEST_URI));
        for uri in [
            "https://c/cb#fragment",
            "https://c/cb#",
            "http://c/cb",
            "/cb",
            "",
            "javascript:alert(1)",
            "https://c/ cb",
            "https://c/\r\nSet-Cookie: a",
            &long,
        ] {
            let document = json!({ "redirect_uris": [URI, uri] });
            assert_eq!(
                read(&document).err(),
                Some(Code::InvalidRedirectUri),
                "{uri}"
            );
        }
        assert_eq!(read(&json!({})).err(), Some(Code::InvalidRedirectUri));
    }

    /// Checklist: C.16, C.6
    #[test]
    fn whatever_else_is_wrong_is_told_as_metadata() {
        let secret = json!({ "keys": [{ "kty": "oct", "k": "A".repeat(43), "alg": "HS256" }] });
        let many = vec![URI; MOST + 1];
        let private = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "d": "AA", "x": "AA" }] });
        for more in [
            json!({ "redirect_uris": URI }),
            json!({ "redirect_uris": [1] }),
            json!({ "redirect_uris": many }),
            json!({ "grant_types": ["implicit"] }),
            json!({ "grant_types": ["authorization_code", "password"] }),
            json!({ "grant_types": ["unknown"] }),
            json!({ "response_types": ["token"] }),
            json!({ "response_types": ["code", "id_token"] }),
            json!({ "response_types": [] }),
            json!({ "grant_types": ["client_credentials"], "response_types": ["code"] }),
            json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" }),
            json!({ "token_endpoint_auth_method": "client_secret_jwt" }),
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []} }),
            json!({ "token_endpoint_auth_method": 1 }),
            json!({ "jwks": private }),
            json!({ "jwks": secret }),
            json!({ "jwks": "x" }),
            json!({ "jwks_uri": "https://c/jwks" }),
            json!({ "scope": "root" }),
            json!({ "scope": ["ssh"] }),
            json!({ "client_name": "a\u{202e}b" }),
            json!({ "client_name": "a".repeat(LONGEST_NAME + 1) }),
            json!({ "client_name": "a\nb" }),
        ] {
            let mut document = json!({ "redirect_uris": [URI] });
            let members = document.as_object_mut().unwrap();
            members.extend(more.as_object().unwrap().clone());
            assert_eq!(
                read(&document).err(),
                Some(Code::InvalidClientMetadata),
                "{more}"
            );
        }
        for document in [
            "",
            "[]",
            "{",
            "{\"scope\":\"\\\"\",\"scope\":1}",
            "\u{ff}",
            "{} {}",
        ] {
            let error = super::read(document.as_bytes(), &[]).unwrap_err();
            assert_eq!(error.code, Code::InvalidClientMetadata, "{document}");
        }
        let statement = json!({ "redirect_uris": [URI], "software_statement": "e30.e30." });
        assert_eq!(
            read(&statement).err(),
            Some(Code::UnapprovedSoftwareStatement)
        );
    }
}
