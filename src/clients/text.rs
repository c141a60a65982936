//! A registration as a file: TOML that a person reads and may go on with by hand.

use crate::{Client, GrantType};
use serde_json::Value;

/// The key under which a file has the digests of the secrets.
const SECRETS: &str = "secret_sha256";

/// The file of a registration. It reads back as that registration.
#[must_use]
pub fn written(client: &Client) -> String {
    let mut text = format!(
        "# A client of pam-jwt-authserver: see pam-jwt-clients(8).\n\nclient_id = {}\n",
        string(&client.client_id)
    );
    if let Some(issued_at) = client.client_id_issued_at {
        let issued_at = issued_at.to_string();
        line(&mut text, "", "client_id_issued_at", &issued_at);
    }
    if let Some(name) = &client.client_name {
        line(&mut text, "", "client_name", &string(name));
    }
    let method = client.token_endpoint_auth_method.name();
    line(
        &mut text,
        "How it shows who it is.",
        "token_endpoint_auth_method",
        &string(method),
    );
    if !client.secret_sha256.is_empty() {
        line(
            &mut text,
            "The SHA-256 of its secrets; pam-jwt clients rotate-secret makes another.",
            SECRETS,
            &strings(&client.secret_sha256),
        );
    }
    if let Some(jwks) = &client.jwks {
        line(&mut text, "Its public keys.", "jwks", &value(jwks));
    }
    let grants: Vec<String> = client
        .grant_types
        .iter()
        .map(|grant| grant.name().to_owned())
        .collect();
    for (comment, key, list) in [
        (
            "Where a browser may be sent back to, to the letter.",
            "redirect_uris",
            &client.redirect_uris,
        ),
        ("How it may get tokens.", "grant_types", &grants),
        (
            "What it may ask for; the scopes are in authserver.toml.",
            "scopes",
            &client.scopes,
        ),
        (
            "For whom its tokens may be meant besides; the first is for whom they are by default.",
            "audiences",
            &client.audiences,
        ),
    ] {
        if !list.is_empty() {
            line(&mut text, comment, key, &strings(list));
        }
    }
    if !client.consent {
        let comment = "A program of the house: people are not asked.";
        line(&mut text, comment, "consent", "false");
    }
    if client.introspects {
        let comment = "It may ask about the tokens of others: a resource server.";
        line(&mut text, comment, "introspects", "true");
    }
    text
}

/// The text of a file with other secrets in it, and all else as it was, comments too.
///
/// # Errors
/// The text is not a registration that has secrets, on lines of their own.
pub fn with_secrets(text: &str, secrets: &[String]) -> Result<String, String> {
    let parse = |text: &str| toml::from_str::<Client>(text).map_err(|error| error.to_string());
    let mut expected = parse(text)?;
    expected.secret_sha256 = secrets.to_vec();
    let mut lines = text.split_inclusive('\n');
    let mut other = String::new();
    let is_secrets = |line: &str| {
        let rest = line.trim_start().strip_prefix(SECRETS);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    while let Some(next) = lines.next() {
        if !is_secrets(next) {
            other.push_str(next);
            continue;
        }
        other.push_str(&format!("{SECRETS} = {}\n", strings(secrets)));
        // The digests have no bracket, so this is the end of their array.
        if !next.contains(']') {
            let _ = lines.find(|line| line.contains(']'));
        }
    }
    match parse(&other) {
        Ok(client) if client == expected => Ok(other),
        _ => Err(format!(
            "{SECRETS} is written in a way that is not known; write it on a line: {SECRETS} = []"
        )),
    }
}

/// The short name by which a person types a grant: the last part of its own.
#[must_use]
pub fn short_name(grant: GrantType) -> &'static str {
    grant.name().rsplit(':').next().unwrap_or(grant.name())
}

fn line(text: &mut String, comment: &str, key: &str, value: &str) {
    if !comment.is_empty() {
        text.push_str(&format!("\n# {comment}\n"));
    }
    text.push_str(&format!("{key} = {value}\n"));
}

/// A basic string (TOML 1.0): JSON's escapes, and what JSON leaves as it is but TOML does not.
fn string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn strings(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| string(text)).collect();
    match &texts[..] {
        [] => "[]".to_owned(),
        [one] => format!("[{one}]"),
        all => format!("[\n  {},\n]", all.join(",\n  ")),
    }
}

/// A JSON value; what is null is left out, which TOML does not have.
fn value(json: &Value) -> String {
    match json {
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| format!("{} = {}", string(name), value(member)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .filter(|element| !element.is_null())
                .map(value)
                .collect();
            format!("[{}]", elements.join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AuthMethod, Clients};
    use serde_json::json;

    fn client() -> Client {
        Client {
            client_id: "wiki".to_owned(),
            client_id_issued_at: Some(1_800_000_000),
            client_name: Some("The \"wiki\"\n\u{7f}é".to_owned()),
            token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
            secret_sha256: vec!["aa".to_owned(), "bb".to_owned()],
            jwks: Some(json!({ "keys": [{ "kty": "EC", "x": "1", "n": null, "nbf": 7 }] })),
            redirect_uris: vec!["https://wiki.example.org/callback".to_owned()],
            grant_types: GrantType::ALL.to_vec(),
            scopes: vec!["openid".to_owned(), "wiki".to_owned()],
            audiences: vec!["https://wiki.example.org".to_owned()],
            consent: false,
            introspects: true,
        }
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let mut client = client();
        let read = Clients::parse([("f", written(&client).as_str())]).unwrap();
        client.jwks = Some(json!({ "keys": [{ "kty": "EC", "x": "1", "nbf": 7 }] }));
        assert_eq!(read.get("wiki"), Some(&client));
        assert_eq!(read.iter().count(), 1);
    }

    #[test]
    fn a_secret_takes_anothers_place_and_what_a_person_wrote_stays() {
        let text = written(&client()) + "# ask Bob before you touch this\n";
        let one = ["cc".to_owned()];
        let other = with_secrets(&text, &one).unwrap();
        assert!(other.contains("secret_sha256 = [\"cc\"]\n"), "{other}");
        assert!(other.ends_with("# ask Bob before you touch this\n"));
        let read: Client = toml::from_str(&other).unwrap();
        assert_eq!(read.secret_sha256, one);
        assert_eq!(read.redirect_uris, client().redirect_uris);
        let two = ["dd".to_owned(), "cc".to_owned()];
        let again = with_secrets(&other, &two).unwrap();
        assert_eq!(with_secrets(&again, &one).unwrap(), other);
    }

    #[test]
    fn secrets_that_are_not_found_are_not_guessed_at() {
        let strange = "client_id = \"a\"\n\"secret_sha256\" = [\"x\"]\n";
        assert!(with_secrets(strange, &["y".to_owned()]).is_err());
        assert!(with_secrets("client_id = \"a\"\n", &["y".to_owned()]).is_err());
        assert!(with_secrets("no registration", &[]).is_err());
    }

    #[test]
    fn a_grant_has_a_name_that_can_be_typed() {
        assert_eq!(short_name(GrantType::DeviceCode), "device_code");
        assert_eq!(short_name(GrantType::TokenExchange), "token-exchange");
        assert_eq!(short_name(GrantType::RefreshToken), "refresh_token");
    }
}
