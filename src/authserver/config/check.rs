//! Reading the file, and what no single key can say: whether they go together.

use super::{Config, RegistrationMode, Store};
use std::net::IpAddr;

/// Scopes that mean something to the server itself (OpenID Connect Core §3.1.2.1, §5.4, §11).
pub const BUILT_IN: [&str; 3] = ["openid", "profile", "offline_access"];

impl Config {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// What is wrong with it, with line, column and the line itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match config.faults() {
            faults if faults.is_empty() => Ok(config),
            faults => Err(faults.join("\n")),
        }
    }

    /// The scope that makes a login of it (OpenID Connect Core §3.1.2.1).
    pub const OPENID: &str = "openid";

    /// Whether this is one of the scopes that are built in.
    #[must_use]
    pub fn is_built_in(scope: &str) -> bool {
        BUILT_IN.contains(&scope)
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(issuer_fault(&self.issuer));
        if self.registration.mode == RegistrationMode::Open
            && !self.listen.iter().all(|address| address.ip().is_loopback())
        {
            faults.push(
                "registration: mode = \"open\" lets everybody register clients, so `listen` has \
                 to be loopback alone; or use \"initial_access_token\""
                    .to_owned(),
            );
        }
        if self.registration.mode == RegistrationMode::Open && !is_local(&self.issuer) {
            faults.push(
                "registration: mode = \"open\" is for a server that this machine alone reaches: \
                 strangers come to loopback too where a proxy brings them, so `issuer` has to be \
                 on loopback; or use \"initial_access_token\""
                    .to_owned(),
            );
        }
        if self.registration.mode == RegistrationMode::InitialAccessToken
            && self.registration.initial_access_tokens.is_empty()
        {
            faults.push("registration: initial_access_tokens is missing".to_owned());
        }
        if !self
            .registration
            .initial_access_tokens
            .iter()
            .all(|digest| is_digest(digest))
        {
            faults.push(
                "registration: initial_access_tokens has what is no SHA-256; sha256sum makes one \
                 of a token: 64 hexadecimal digits, in lower case"
                    .to_owned(),
            );
        }
        for name in &self.registration.scopes {
            if !Self::is_built_in(name) && !self.scopes.contains_key(name) {
                faults.push(format!("registration: the scope {name:?} is unknown"));
            }
        }
        let elsewhere = ["postgres://", "postgresql://"];
        let is_elsewhere = elsewhere.iter().any(|one| self.store.url.starts_with(one));
        if !is_elsewhere && self.store.path().is_none() {
            faults.push(Store::ADDRESS.to_owned());
        }
        if self.lifetimes.code > 600 {
            faults.push("lifetimes: code is 10m at most (RFC 6749 section 4.1.2)".to_owned());
        }
        for (name, scope) in &self.scopes {
            if !is_scope(name) {
                faults.push(format!(
                    "scopes: {name:?} is no name of a scope: printable ASCII without space, \" and \\"
                ));
            }
            if Self::is_built_in(name) {
                faults.push(format!("scopes: {name:?} is built in"));
            }
            if scope.description.is_empty() {
                faults.push(format!(
                    "scopes: {name:?} lacks a description, which people are shown who are asked for it"
                ));
            }
        }
        faults
    }
}

fn is_digest(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_digit)
}

/// Whether a text can be a scope (RFC 6749 §3.3).
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    !text.is_empty() && text.bytes().all(is_part)
}

/// An issuer is a URL of https without query and fragment (RFC 8414 §2); http is for loopback.
fn issuer_fault(issuer: &str) -> Option<String> {
    let fault = |why: &str| Some(format!("issuer: {issuer:?} {why}"));
    let rest = match (
        issuer.strip_prefix("https://"),
        issuer.strip_prefix("http://"),
    ) {
        (Some(rest), _) => rest,
        (_, Some(rest)) if is_loopback(rest) => rest,
        (_, Some(_)) => return fault("is http, which is for loopback alone; write https"),
        _ => return fault("is no URL such as https://login.example.org"),
    };
    if rest.is_empty() || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return fault("is no URL such as https://login.example.org");
    }
    if rest.contains(['?', '#', '@', '"', '\\']) {
        return fault("has a query, a fragment or a user");
    }
    if rest.ends_with('/') {
        return fault("ends in a slash, which clients would have to write as well; leave it out");
    }
    // It stands before the path of every endpoint, and in cookies.
    let path = rest.split_once('/').map(|(_, path)| path);
    if !path.is_none_or(|path| path.split('/').all(is_segment)) {
        return fault(
            "has a path with more in it than letters, digits, - . _ ~ and single slashes",
        );
    }
    None
}

/// Whether it means the same wherever it stands in a path (RFC 3986 §2.3, §3.3).
fn is_segment(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(is_part)
}

fn is_local(issuer: &str) -> bool {
    issuer
        .split_once("://")
        .is_some_and(|(_, rest)| is_loopback(rest))
}

fn is_loopback(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_file_is_an_issuer() {
        let config = Config::parse("issuer = \"https://login.example.org\"").unwrap();
        assert_eq!(config.lifetimes.access_token, 600);
        assert!(
            config
                .listen
                .iter()
                .all(|address| address.ip().is_loopback())
        );
    }

    /// As it is, and with all that it says of other settings.
    #[test]
    fn the_example_is_a_configuration() {
        let example = include_str!("../../../conf/authserver.toml");
        let config = Config::parse(example).unwrap();
        assert!(config.tls.is_none() && config.scopes.is_empty());
        let is_setting = |line: &&str| {
            let name = line.split(" = ").next().unwrap_or_default();
            line.starts_with('[') || (line.contains(" = ") && !name.contains(' '))
        };
        let uncommented = |line: &str| {
            let setting = line.strip_prefix("# ").filter(is_setting);
            setting.unwrap_or(line).to_owned() + "\n"
        };
        let all: String = example.lines().map(uncommented).collect();
        let config = Config::parse(&all).unwrap();
        assert!(config.tls.is_some() && config.metrics.is_some());
        assert_eq!(config.scopes.len(), 1);
        let defaults = Config::parse("issuer = \"https://a\"").unwrap();
        assert_eq!(
            format!("{:?}", (&config.limits, &config.lifetimes, &config.local)),
            format!(
                "{:?}",
                (&defaults.limits, &defaults.lifetimes, &defaults.local)
            )
        );
    }

    /// Checklist: C.8
    #[test]
    fn what_does_not_go_together_is_told() {
        let issuer = "issuer = \"https://a\"\n";
        for (text, expected) in [
            ("", "missing field `issuer`"),
            (
                "issuer = \"http://login.example.org\"",
                "for loopback alone",
            ),
            ("issuer = \"https://a/\"", "slash"),
            ("issuer = \"https://a?b\"", "query"),
            ("issuer = \"ftp://a\"", "no URL"),
            ("issuer = \"https://a//b\"", "single slashes"),
            ("issuer = \"https://a/../b\"", "single slashes"),
            ("issuer = \"https://a/{b}\"", "single slashes"),
            ("issuer = \"https://a/:b\"", "single slashes"),
            ("issuer = \"https://a/b;c\"", "single slashes"),
            ("issuer = \"https://a/%62\"", "single slashes"),
            (&format!("{issuer}lisen = []"), "unknown field `lisen`"),
            (
                &format!("{issuer}[lifetimes]\ncode = \"11m\""),
                "10m at most",
            ),
            (&format!("{issuer}[lifetimes]\ncode = 5"), "invalid type"),
            (
                "issuer = \"http://[::1]\"\nlisten = [\"0.0.0.0:1\"]\n\
                 [registration]\nmode = \"open\"",
                "`listen` has to be loopback",
            ),
            (
                &format!("{issuer}proxies = [\"::1\"]\n[registration]\nmode = \"open\""),
                "`issuer` has to be on loopback",
            ),
            (
                &format!("{issuer}[store]\nurl = \"mysql://x\""),
                "url is postgres://",
            ),
            (
                &format!("{issuer}[store]\nurl = \"sqlite:///\""),
                "an absolute path",
            ),
            (
                &format!("{issuer}[store]\nurl = \"sqlite:///tmp/a?mode=memory\""),
                "an absolute path",
            ),
            (
                &format!("{issuer}[registration]\ninitial_access_tokens = [\"secret\"]"),
                "no SHA-256",
            ),
            (
                &format!("{issuer}[registration]\nscopes = [\"openid\", \"ssh\"]"),
                "\"ssh\" is unknown",
            ),
            (&format!("{issuer}[scopes.openid]"), "built in"),
            (&format!("{issuer}[scopes.profile]"), "built in"),
            (&format!("{issuer}[scopes.\"a b\"]"), "no name of a scope"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        for issuer in [
            "http://localhost:1",
            "http://127.0.0.1",
            "http://[::1]:80/x",
            "https://a/b",
            "https://a/b/c-1.2_3~4",
        ] {
            assert_eq!(issuer_fault(issuer), None);
        }
    }
}
