//! What a token may be asked to allow, and for whom it may be meant: the client's registration,
//! the scopes' settings and the account's groups together (RFC 6749 §3.3, RFC 8707).

use crate::config::Config;
use crate::config::scope::is_match;
use crate::error::{Code, OAuthError};
use clients::Client;

/// The scopes that are asked for, each once; all of the client's where it asks for none.
///
/// # Errors
/// `invalid_scope`, where one is unknown or not the client's.
pub fn asked(
    config: &Config,
    client: &Client,
    scope: Option<&str>,
) -> Result<Vec<String>, OAuthError> {
    let Some(scope) = scope else {
        return Ok(of_client(config, client, &client.scopes));
    };
    let mut scopes: Vec<String> = Vec::new();
    for name in scope.split(' ').filter(|name| !name.is_empty()) {
        let is_known = Config::is_built_in(name) || config.scopes.contains_key(name);
        if !is_known || !client.scopes.iter().any(|one| one == name) {
            return Err(OAuthError::new(
                Code::InvalidScope,
                "a scope is unknown, or not registered for this client",
            ));
        }
        if !scopes.iter().any(|one| one == name) {
            scopes.push(name.to_owned());
        }
    }
    // Nobody is asked whether a client may have nothing, and a token would come of it.
    if scopes.is_empty() {
        let why = "scope has no scope in it";
        return Err(OAuthError::new(Code::InvalidScope, why));
    }
    Ok(scopes)
}

/// Those of the scopes that are still known, and still the client's.
#[must_use]
pub fn of_client(config: &Config, client: &Client, scopes: &[String]) -> Vec<String> {
    let is_theirs = |name: &&String| {
        let is_known = Config::is_built_in(name) || config.scopes.contains_key(name.as_str());
        is_known && client.scopes.contains(name)
    };
    scopes.iter().filter(is_theirs).cloned().collect()
}

/// Those of the scopes that the account may have, which is in `groups`.
#[must_use]
pub fn of_account(
    config: &Config,
    scopes: &[String],
    account: &str,
    groups: &[String],
) -> Vec<String> {
    let may = |name: &&String| {
        let scope = config.scopes.get(name.as_str());
        scope.is_none_or(|scope| scope.is_for(account, groups))
    };
    scopes.iter().filter(may).cloned().collect()
}

/// For whom the token is (`aud`). What is asked for is a URI, or else a name that is registered as
/// it is (RFC 8693 §2.1). With `openid` it is for this server as well, whose userinfo endpoint that
/// scope opens (OpenID Connect Core §5.3).
///
/// # Errors
/// `invalid_target`, where neither the client nor a scope reaches one that is asked for
/// (RFC 8707 §2).
pub fn audience(
    config: &Config,
    client: &Client,
    scopes: &[String],
    resources: &[String],
) -> Result<Vec<String>, OAuthError> {
    let mut all = audience_elsewhere(config, client, scopes, resources)?;
    let opens_userinfo = scopes.iter().any(|scope| scope == Config::OPENID);
    if (opens_userinfo || all.is_empty()) && !all.contains(&config.issuer) {
        all.push(config.issuer.clone());
    }
    Ok(all)
}

fn audience_elsewhere(
    config: &Config,
    client: &Client,
    scopes: &[String],
    resources: &[String],
) -> Result<Vec<String>, OAuthError> {
    let granted = || scopes.iter().filter_map(|name| config.scopes.get(name));
    if resources.is_empty() {
        let literal = |audience: &&String| !audience.ends_with('*');
        if let Some(first) = client.audiences.iter().find(literal) {
            return Ok(vec![first.clone()]);
        }
        let mut all: Vec<String> = granted()
            .flat_map(|scope| scope.audiences.iter().filter(literal))
            .cloned()
            .collect();
        all.sort();
        all.dedup();
        return Ok(all);
    }
    let patterns = || {
        let of_scopes = granted().flat_map(|scope| &scope.audiences);
        client.audiences.iter().chain(of_scopes)
    };
    let is_reached = |resource: &String| {
        let is_name = patterns().any(|pattern| pattern == resource && !pattern.ends_with('*'));
        is_name || (is_uri(resource) && patterns().any(|pattern| is_match(pattern, resource)))
    };
    if resources.iter().all(is_reached) {
        let mut all = resources.to_vec();
        all.dedup();
        Ok(all)
    } else {
        Err(OAuthError::new(
            Code::InvalidTarget,
            "a resource is unknown, or not registered for this client or scope",
        ))
    }
}

/// An absolute URI without a fragment (RFC 8707 §2).
fn is_uri(text: &str) -> bool {
    text.contains(':') && !text.contains('#') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config::parse(
            "issuer = \"https://i\"\n\
             [scopes.ssh]\ndescription = \"d\"\naudiences = [\"ssh://*\"]\n\
             [scopes.api]\ndescription = \"d\"\naudiences = [\"https://api\"]\ngroups = [\"ops\"]\n",
        )
        .unwrap()
    }

    fn client(audiences: &[&str]) -> Client {
        let text = format!(
            "client_id = \"c\"\ntoken_endpoint_auth_method = \"none\"\n\
             scopes = [\"openid\", \"ssh\", \"api\"]\naudiences = {audiences:?}"
        );
        toml::from_str(&text).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn scopes_are_the_clients_and_the_accounts() {
        let (config, client) = (config(), client(&[]));
        let asked = |scope| asked(&config, &client, scope).map_err(|error| error.code);
        assert_eq!(asked(None), Ok(texts(&["openid", "ssh", "api"])));
        assert_eq!(asked(Some("ssh  ssh")), Ok(texts(&["ssh"])));
        for unknown in ["other", "SSH", "offline_access", " ", "  "] {
            assert_eq!(asked(Some(unknown)), Err(Code::InvalidScope));
        }
        let all = texts(&["openid", "ssh", "api"]);
        assert_eq!(
            of_account(&config, &all, "a", &[]),
            texts(&["openid", "ssh"])
        );
        assert_eq!(of_account(&config, &all, "a", &texts(&["ops"])), all);
    }

    /// Checklist: C.12
    #[test]
    fn an_audience_is_one_that_the_client_or_a_scope_reaches() {
        let config = config();
        let aud = |client: &Client, scopes: &[&str], resources: &[&str]| {
            audience(&config, client, &texts(scopes), &texts(resources)).map_err(|error| error.code)
        };
        let plain = client(&[]);
        assert_eq!(aud(&plain, &["ssh"], &["ssh://h"]), Ok(texts(&["ssh://h"])));
        for resource in ["https://api", "ssh", "ssh://h#x", "ssh://h x"] {
            assert_eq!(
                aud(&plain, &["ssh"], &[resource]),
                Err(Code::InvalidTarget),
                "{resource}"
            );
        }
        assert_eq!(aud(&plain, &["api"], &[]), Ok(texts(&["https://api"])));
        assert_eq!(aud(&plain, &["ssh"], &[]), Ok(texts(&["https://i"])));
        let own = client(&["https://own/*", "https://own"]);
        assert_eq!(aud(&own, &["api"], &[]), Ok(texts(&["https://own"])));
        assert_eq!(
            aud(&own, &[], &["https://own/x"]),
            Ok(texts(&["https://own/x"]))
        );
        // `openid` opens userinfo, which is here.
        assert_eq!(
            aud(&plain, &["openid", "ssh"], &["ssh://h"]),
            Ok(texts(&["ssh://h", "https://i"]))
        );
        assert_eq!(
            aud(&plain, &["api", "openid"], &[]),
            Ok(texts(&["https://api", "https://i"]))
        );
        assert_eq!(aud(&plain, &["openid"], &[]), Ok(texts(&["https://i"])));
        let here = client(&["https://i"]);
        assert_eq!(aud(&here, &["openid"], &[]), Ok(texts(&["https://i"])));
    }
}
