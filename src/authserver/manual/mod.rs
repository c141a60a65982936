//! The manual page of the settings, whose lists of keys are held against what the server takes.

mod keys;

use cli::manual::{Document, settings};

/// pam-jwt-authserver.toml(5)
pub fn settings() -> Document {
    let mut text = include_str!("pam-jwt-authserver.toml.md").to_owned();
    for (table, keys) in keys::TABLES {
        text = text.replace(&format!("{{{table}}}\n"), &settings::list(keys));
    }
    Document {
        name: "pam-jwt-authserver.toml",
        section: "5",
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use cli::manual::settings::{Form, Key, Missing, known};

    fn parse(text: &str) -> Result<String, String> {
        Config::parse(text).map(|config| format!("{config:?}"))
    }

    /// What stands before the keys of a table.
    fn head(table: &str) -> String {
        let issuer = "issuer = \"https://a\"\n";
        match table {
            "main" => String::new(),
            "scopes" => format!("{issuer}[scopes.ssh]\n"),
            table => format!("{issuer}[{table}]\n"),
        }
    }

    /// The keys that have to be there, but for one.
    fn needed(keys: &[Key], but: &str) -> String {
        let is_needed = |key: &&Key| matches!(key.missing, Missing::Wrong(_)) && key.name != but;
        keys.iter().filter(is_needed).map(Key::line).collect()
    }

    #[test]
    fn the_page_has_every_key_and_each_as_it_is() {
        for (table, keys) in keys::TABLES {
            let head = head(table);
            for key in keys {
                let name = format!("{table}.{}", key.name);
                let without = head.clone() + &needed(keys, key.name);
                let line = parse(&(without.clone() + &key.line()));
                assert!(line.is_ok(), "{name}: {line:?}");
                let mistaken = format!("{without}{} = {}\n", key.name, key.form.mistake());
                let mistaken = parse(&mistaken).unwrap_err();
                let is_of_type = ["invalid type", "wanted"].map(|words| mistaken.contains(words));
                assert!(is_of_type.contains(&true), "{name}: {mistaken}");
                let without = parse(&without);
                match key.missing {
                    Missing::Wrong(_) => assert!(without.is_err(), "{name} can be left out"),
                    Missing::Default(_) => assert_eq!(line, without, "{name}: another default"),
                    Missing::Else(_) => assert!(line != without, "{name} says nothing"),
                }
                if key.form == Form::Time {
                    let no_time = format!("{head}{} = \"5\"\n", key.name);
                    assert!(parse(&no_time).unwrap_err().contains("duration"), "{name}");
                }
            }
            let unknown = format!("{head}{}xyzzy = 1\n", needed(keys, ""));
            let refused = parse(&unknown).unwrap_err();
            let listed = refused.split_once("unknown field").unwrap().1;
            let mut named: Vec<&str> = keys.iter().map(|key| key.name).collect();
            named.sort_unstable();
            assert_eq!(known(listed, "xyzzy"), named, "{table}: {refused}");
            assert!(!settings().text.contains(&format!("{{{table}}}")));
        }
    }

    #[test]
    fn the_example_is_a_configuration() {
        let text = settings().text;
        let example = text.split_once("# EXAMPLES\n").unwrap().1;
        let lines = example.lines().filter_map(|line| line.strip_prefix("    "));
        let example: String = lines.map(|line| format!("{line}\n")).collect();
        assert!(example.contains("[scopes.ssh]"));
        parse(&example).unwrap();
    }
}
