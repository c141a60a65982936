//! A recipe: the file of an issuer with placeholders, and what these stand for.
//!
//! A line `#: NAME: WHAT` declares a parameter, and the line behind it, `#:   example: VALUE`
//! or `#:   default: VALUE`, shows what it looks like. `<NAME>` in a text stands for its value;
//! `["<NAME>"]` for a list, whose values the caller parts by commas.

use serde_json::Value;
use std::collections::BTreeMap;

/// What a declaration begins with.
const DECLARES: &str = "#:";

/// One recipe.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What it is called.
    pub name: &'static str,
    /// What it is for: the first lines of its comment, as one.
    pub about: String,
    /// In the order in which they are declared.
    pub parameters: Vec<Parameter>,
    text: &'static str,
}

/// What has to be known of an issuer before it can be trusted.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it is called.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// A value that it may have.
    pub shown: &'static str,
    /// Whether it has that value where nobody says another.
    pub is_default: bool,
}

impl Recipe {
    /// Reads one; none where a declaration is not as it has to be.
    pub fn parse(name: &'static str, text: &'static str) -> Option<Self> {
        let about: Vec<&str> = text
            .lines()
            .map_while(|line| line.strip_prefix("# "))
            .collect();
        let mut declared = text.lines().filter_map(|line| line.strip_prefix(DECLARES));
        let mut parameters: Vec<Parameter> = Vec::new();
        while let Some(line) = declared.next() {
            let (name, what) = line.strip_prefix(' ')?.split_once(": ")?;
            let (kind, shown) = declared.next()?.strip_prefix("   ")?.split_once(": ")?;
            let is_name = name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let is_new = parameters.iter().all(|other| other.name != name);
            if !is_name || !is_new || !matches!(kind, "example" | "default") {
                return None;
            }
            parameters.push(Parameter {
                name,
                what,
                shown,
                is_default: kind == "default",
            });
        }
        Some(Self {
            name,
            about: about.join(" "),
            parameters,
            text,
        })
    }

    /// The issuer's file, with these values for its parameters.
    ///
    /// # Errors
    /// What is wrong with them or missing.
    pub fn fill(&self, values: &[(String, String)]) -> Result<String, String> {
        let mut all: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in values {
            let is_known = self.parameters.iter().any(|known| known.name == name);
            if !is_known {
                let known: Vec<&str> = self.parameters.iter().map(|known| known.name).collect();
                let known = known.join(", ");
                let recipe = self.name;
                return Err(format!("{recipe} has no parameter {name:?}, only {known}"));
            }
            if value.split(',').any(|part| part.trim().is_empty()) {
                return Err(format!("--set {name}= says nothing, or has an empty part"));
            }
            if all.insert(name, value).is_some() {
                let list = "the values of a list are parted by commas";
                return Err(format!("--set {name}= is there twice; {list}"));
            }
        }
        let mut missing = String::new();
        for parameter in &self.parameters {
            let Parameter { name, shown, .. } = parameter;
            if parameter.is_default {
                all.entry(name).or_insert(shown);
            } else if !all.contains_key(name) {
                let what = parameter.what;
                missing.push_str(&format!("\n  --set {name}='{shown}'\n      {what}"));
            }
        }
        if missing.is_empty() {
            Ok(filled(&self.without_declarations(), &all))
        } else {
            let recipe = self.name;
            Err(format!(
                "{recipe} has to know as well, for example:{missing}"
            ))
        }
    }

    fn without_declarations(&self) -> String {
        let lines = self.text.split_inclusive('\n');
        let mut kept = lines.filter(|line| !line.starts_with(DECLARES)).peekable();
        let mut text = String::new();
        while let Some(line) = kept.next() {
            // The empty comment line that parts them from the text above.
            let ends = kept.peek().is_some_and(|next| *next == "\n");
            if line != "#\n" || !ends {
                text.push_str(line);
            }
        }
        text
    }
}

/// `text` with its placeholders filled, once: what a value looks like does not matter.
fn filled(text: &str, values: &BTreeMap<&str, &str>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let named = after.split_once('>');
        let named = named.and_then(|(name, tail)| Some((values.get(name)?, tail)));
        let Some((value, tail)) = named else {
            done.push_str(before);
            done.push('<');
            rest = after;
            continue;
        };
        match (before.strip_suffix("[\""), tail.strip_prefix("\"]")) {
            (Some(head), Some(tail)) => {
                let parts: Vec<String> = value.split(',').map(|part| quoted(part.trim())).collect();
                done.push_str(&format!("{head}[{}]", parts.join(", ")));
                rest = tail;
            }
            _ => {
                done.push_str(before);
                let text = quoted(value);
                let inner = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'));
                done.push_str(inner.unwrap_or_default());
                rest = tail;
            }
        }
    }
    done.push_str(rest);
    done
}

/// `text` as a basic string of TOML, which is a string of JSON but for one control character.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# What it is for,
# on two lines.
#
#: one: the first
#:   example: x <two>
#: two: the second
#:   default: a, b

# More <one>.
issuer = \"<one>\"
other = \"y/<one>/z\"
list = [\"<two>\"]
kept = \"<three> < <one\"
";

    fn set(values: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = values
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()));
        owned.collect()
    }

    #[test]
    fn a_recipe_says_what_it_has_to_know() {
        let recipe = Recipe::parse("r", TEXT).unwrap();
        assert_eq!(recipe.about, "What it is for, on two lines.");
        let [one, two] = recipe.parameters.as_slice() else {
            panic!("{recipe:?}")
        };
        assert_eq!(
            (one.what, one.shown, one.is_default),
            ("the first", "x <two>", false)
        );
        assert_eq!(
            (two.what, two.shown, two.is_default),
            ("the second", "a, b", true)
        );
        for (from, to) in [
            ("#: one: ", "#: One: "),
            ("#: one: ", "#: one "),
            ("#: one: ", "#:one: "),
            ("#: two: ", "#: one: "),
            ("  example: ", "  for example: "),
            ("#:   example: x <two>\n", ""),
            ("#:   default: a, b\n", ""),
        ] {
            assert!(TEXT.contains(from), "{from}");
            let broken = TEXT.replacen(from, to, 1).leak();
            assert_eq!(Recipe::parse("r", broken), None, "{to}");
        }
    }

    #[test]
    fn values_stand_where_their_placeholders_were() {
        let recipe = Recipe::parse("r", TEXT).unwrap();
        let filled = recipe.fill(&set(&[("one", "1")])).unwrap();
        let wanted = "# What it is for,\n# on two lines.\n\n# More 1.\nissuer = \"1\"\n\
             other = \"y/1/z\"\nlist = [\"a\", \"b\"]\nkept = \"<three> < <one\"\n";
        assert_eq!(filled, wanted);
        let filled = recipe
            .fill(&set(&[("two", "c,d , e"), ("one", "<two>")]))
            .unwrap();
        assert!(filled.contains("issuer = \"<two>\"\n"), "{filled}");
        assert!(
            filled.contains("list = [\"c\", \"d\", \"e\"]\n"),
            "{filled}"
        );
    }

    #[test]
    fn what_is_missing_or_wrong_is_told() {
        let recipe = Recipe::parse("r", TEXT).unwrap();
        for (values, told) in [
            (&[][..], "--set one='x <two>'\n      the first"),
            (
                &[("three", "x")],
                "has no parameter \"three\", only one, two",
            ),
            (&[("one", "x"), ("one", "y")], "is there twice"),
            (&[("one", "")], "says nothing"),
            (&[("one", " \n")], "says nothing"),
            (&[("one", "x"), ("two", "a,,b")], "has an empty part"),
        ] {
            let error = recipe.fill(&set(values)).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
        assert!(!recipe.fill(&[]).unwrap_err().contains("two='"));
    }

    /// Whatever a value is, the file says the same but for that value.
    #[test]
    fn no_value_changes_what_the_file_says() {
        let recipe = Recipe::parse("r", TEXT).unwrap();
        for value in [
            "\"",
            "\\",
            "\\\"",
            "x\"\n[[allow]]\naccount = \"root\"\n#",
            "\r\n\t\u{8}\u{c}",
            "\0\u{1}\u{1f}\u{7f}\u{80}\u{85}\u{2028}",
            "'''\"\"\"",
            "<one>",
            "é日👍",
            "#: x: y",
        ] {
            let filled = recipe
                .fill(&set(&[("one", value), ("two", value)]))
                .unwrap();
            let table: toml::Table = filled.parse().unwrap_or_else(|e| panic!("{value:?}: {e}"));
            assert_eq!(table.len(), 4, "{value:?}");
            assert_eq!(table["issuer"].as_str(), Some(value));
            assert_eq!(table["other"].as_str(), Some(&*format!("y/{value}/z")));
            assert_eq!(table["list"][0].as_str(), Some(value.trim()), "{value:?}");
        }
    }
}
