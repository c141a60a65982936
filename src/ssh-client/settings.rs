//! `~/.config/jwt-ssh/config.toml`: by which names hosts go in tokens.

use serde::Deserialize;
use wildmatch::WildMatch;

/// The settings. An empty file is valid.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// In file order; the first that matches decides.
    #[serde(default)]
    host: Vec<Host>,
}

/// One `[[host]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Host {
    /// Patterns with `*` and `?`, as in ssh_config(5).
    #[serde(rename = "match")]
    pattern: OneOrMore,
    audience: OneOrMore,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong, with line, column, the source line and a caret; or that a `[[host]]`
    /// has no pattern or no audience.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for host in &settings.host {
            for (name, list) in [("match", &host.pattern), ("audience", &host.audience)] {
                let list = list.as_slice();
                if list.is_empty() || list.iter().any(String::is_empty) {
                    return Err(format!("{name} of a [[host]] is empty"));
                }
            }
            if let Some(odd) = host.audience.as_slice().iter().find(|text| {
                let known = text.replace("{host}", "").replace("{short}", "");
                known.contains(['{', '}'])
            }) {
                return Err(format!(
                    "audience {odd:?}: the placeholders are {{host}} and {{short}}, its name up \
                     to the first dot"
                ));
            }
        }
        Ok(settings)
    }

    /// What tokens for `host` name in `aud`: one of these. Without a `[[host]]` that
    /// matches it is `ssh://host`. Never empty.
    pub fn audiences(&self, host: &str) -> Vec<String> {
        let matches = |entry: &&Host| {
            let mut patterns = entry.pattern.as_slice().iter();
            patterns.any(|pattern| WildMatch::new_case_insensitive(pattern).matches(host))
        };
        let short = host.split('.').next().unwrap_or(host);
        match self.host.iter().find(matches) {
            Some(entry) => {
                let audiences = entry.audience.as_slice().iter();
                audiences
                    .map(|text| text.replace("{host}", host).replace("{short}", short))
                    .collect()
            }
            None => vec![format!("ssh://{host}")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_goes_by_its_name_unless_the_file_says_otherwise() {
        let settings = Settings::parse(
            "[[host]]\nmatch = \"db?.example.org\"\naudience = [\"ssh://{short}\", \"x\"]\n\
             [[host]]\nmatch = [\"*.example.org\", \"bastion\"]\naudience = \"https://fleet\"\n",
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
        let none = Settings::parse("").unwrap();
        assert_eq!(none.audiences("web1"), ["ssh://web1"]);
    }

    #[test]
    fn what_is_unknown_or_empty_is_an_error() {
        for text in [
            "hosts = 1",
            "[host]\nmatch = \"a\"\naudience = \"b\"",
            "[[host]]\nmatch = \"a\"",
            "[[host]]\naudience = \"a\"",
            "[[host]]\nmatch = \"a\"\naudience = 7",
            "[[host]]\nmatch = []\naudience = \"b\"",
            "[[host]]\nmatch = \"a\"\naudience = \"\"",
            "[[host]]\nmatch = \"a\"\naudience = \"ssh://{hostname}\"",
            "[[host]]\nmatch = \"a\"\naudience = \"b\"\nuser = \"c\"",
        ] {
            assert!(Settings::parse(text).is_err(), "{text}");
        }
    }
}
