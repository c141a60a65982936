//! `~/.config/jwt-ssh/config.toml`: by which names hosts go in tokens.

use crate::source::Effort;
use serde::Deserialize;
use wildmatch::WildMatch;

/// The settings. An empty file is valid.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// In file order; the first that matches decides.
    #[serde(default)]
    host: Vec<Host>,
    #[serde(default)]
    login: Login,
}

/// `[login]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    exchange: Option<bool>,
}

/// One `[[host]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    #[serde(rename = "match")]
    patterns: Patterns,
    audience: Audiences,
    #[serde(default)]
    bound: bool,
    exchange: Option<bool>,
}

/// Patterns of host names, with the `*` and `?` of ssh_config(5). What else that manual
/// knows is refused: a `!` that excludes nothing would have a token sent.
#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct Patterns(Vec<String>);

/// What tokens for these hosts name in `aud`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrMore")]
struct Audiences(Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn none_empty(self) -> Result<Vec<String>, String> {
        let list = match self {
            Self::One(one) => vec![one],
            Self::More(more) => more,
        };
        if list.is_empty() || list.iter().any(String::is_empty) {
            return Err("it is empty".to_owned());
        }
        Ok(list)
    }
}

impl TryFrom<OneOrMore> for Patterns {
    type Error = String;

    fn try_from(value: OneOrMore) -> Result<Self, String> {
        let list = value.none_empty()?;
        match list.iter().find(|pattern| pattern.contains(NOT_IN_NAMES)) {
            Some(odd) => Err(format!(
                "{odd:?} matches no host: a pattern has `*` and `?`, and several are a list"
            )),
            None => Ok(Self(list)),
        }
    }
}

/// Neither a name nor an address has one of them.
const NOT_IN_NAMES: [char; 4] = ['!', ',', ' ', '\t'];

impl TryFrom<OneOrMore> for Audiences {
    type Error = String;

    fn try_from(value: OneOrMore) -> Result<Self, String> {
        let list = value.none_empty()?;
        let is_odd = |text: &&String| {
            let known = text.replace("{host}", "").replace("{short}", "");
            known.contains(['{', '}'])
        };
        match list.iter().find(is_odd) {
            Some(odd) => Err(format!(
                "{odd:?}: the placeholders are {{host}} and {{short}}, its name up to the first dot"
            )),
            None => Ok(Self(list)),
        }
    }
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong, with line, column, the source line and a caret.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What tokens for `host` name in `aud`: one of these. Without a `[[host]]` that
    /// matches it is `ssh://host`. Never empty.
    pub fn audiences(&self, host: &str) -> Vec<String> {
        let short = host.split('.').next().unwrap_or(host);
        match self.entry(host) {
            Some(entry) => {
                let audiences = entry.audience.0.iter();
                audiences
                    .map(|text| text.replace("{host}", host).replace("{short}", short))
                    .collect()
            }
            None => vec![format!("ssh://{host}")],
        }
    }

    /// Whether tokens for `host` are bound to SSH keys, so that one is needed before ssh
    /// starts, whatever it takes to get it.
    pub fn is_bound(&self, host: &str) -> bool {
        self.entry(host).is_some_and(|entry| entry.bound)
    }

    /// What may be done so that the token of a login is for `host`. `force` has it sent as it
    /// is.
    pub fn effort(&self, host: &str, force: bool) -> Effort {
        let of_host = self.entry(host).and_then(|entry| entry.exchange);
        match of_host.or(self.login.exchange) {
            _ if force => Effort::None,
            None => Effort::Offered,
            Some(true) => Effort::Exchange,
            Some(false) => Effort::NoExchange,
        }
    }

    fn entry(&self, host: &str) -> Option<&Host> {
        self.host.iter().find(|entry| {
            let mut patterns = entry.patterns.0.iter();
            patterns.any(|pattern| WildMatch::new_case_insensitive(pattern).matches(host))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_goes_by_its_name_unless_the_file_says_otherwise() {
        let settings = Settings::parse(
            "[[host]]\nmatch = \"db?.example.org\"\naudience = [\"ssh://{short}\", \"x\"]\n\
             [[host]]\nmatch = [\"*.example.org\", \"bastion\"]\naudience = \"https://fleet\"\n\
             bound = true\n",
        )
        .unwrap();
        for (host, audiences) in [
            ("web1", &["ssh://web1"][..]),
            ("db1.example.org", &["ssh://db1", "x"]),
            ("DB1.example.org", &["ssh://DB1", "x"]),
            ("db10.example.org", &["https://fleet"]),
            ("bastion", &["https://fleet"]),
            ("example.org", &["ssh://example.org"]),
            (
                "x.example.org.evil.example",
                &["ssh://x.example.org.evil.example"],
            ),
        ] {
            assert_eq!(settings.audiences(host), audiences);
        }
        assert!(!settings.is_bound("web1") && !settings.is_bound("db1.example.org"));
        assert!(settings.is_bound("x.example.org"));
        let none = Settings::parse("").unwrap();
        assert_eq!(none.audiences("web1"), ["ssh://web1"]);
    }

    #[test]
    fn whether_tokens_are_exchanged_is_said_for_a_host_or_for_all() {
        let effort = |text: &str, host| Settings::parse(text).unwrap().effort(host, false);
        assert_eq!(effort("", "web1"), Effort::Offered);
        assert_eq!(effort("[login]\n", "web1"), Effort::Offered);
        let text = "[login]\nexchange = true\n[[host]]\nmatch = \"db*\"\naudience = \"x\"\n\
                    exchange = false\n";
        assert_eq!(effort(text, "web1"), Effort::Exchange);
        assert_eq!(effort(text, "db1"), Effort::NoExchange);
        let forced = Settings::parse(text).unwrap().effort("web1", true);
        assert_eq!(forced, Effort::None);
    }

    #[test]
    fn what_is_unknown_or_empty_is_an_error() {
        for text in [
            "hosts = 1",
            "[login]\nissuer = \"x\"",
            "[login]\nexchange = \"yes\"",
            "[host]\nmatch = \"a\"\naudience = \"b\"",
            "[[host]]\nmatch = \"a\"",
            "[[host]]\naudience = \"a\"",
            "[[host]]\nmatch = \"a\"\naudience = 7",
            "[[host]]\nmatch = []\naudience = \"b\"",
            "[[host]]\nmatch = \"a\"\naudience = \"\"",
            "[[host]]\nmatch = \"a\"\naudience = \"ssh://{hostname}\"",
            "[[host]]\nmatch = \"a\"\naudience = \"b\"\nuser = \"c\"",
            "[[host]]\nmatch = [\"*\", \"!a\"]\naudience = \"b\"",
            "[[host]]\nmatch = \"a,b\"\naudience = \"b\"",
            "[[host]]\nmatch = \"a b\"\naudience = \"b\"",
        ] {
            let error = Settings::parse(text).unwrap_err();
            assert!(error.contains("at line ") && error.contains('^'), "{error}");
        }
    }
}
