//! The pages against what they tell of.

use super::*;
use cli::manual::settings::{Form, Key, Missing, known};
use policy::config::{Config, Global, Source};

/// What a file says, or everything that is wrong with it.
type Parsed = Result<String, String>;

fn source(text: &str) -> Source<'_> {
    Source { file: "f", text }
}

fn told(faults: &[policy::config::Fault]) -> String {
    faults.iter().map(|fault| fault.message.as_str()).collect()
}

fn global(text: &str) -> Parsed {
    let parsed = Global::parse(source(text)).map_err(|faults| told(&faults))?;
    Ok(format!("{parsed:?}"))
}

fn issuer(text: &str) -> Parsed {
    let parsed = Config::parse(source(""), &[source(text)]).whole();
    Ok(format!("{:?}", parsed.map_err(|faults| told(&faults))?))
}

/// Holds `keys` against what `parse` accepts in a table that begins with `head`. `beside` are the
/// lines that a key needs, in place of those that have to be there of these names.
fn hold(
    parse: impl Fn(&str) -> Parsed,
    head: &str,
    keys: &[Key],
    beside: impl Fn(&str) -> (&'static str, &'static [&'static str]),
) {
    let needed = |name: &str, left_out: &[&str]| {
        let needed = keys.iter().filter(|key| {
            let is_needed = matches!(key.missing, Missing::Wrong(_));
            is_needed && key.name != name && !left_out.contains(&key.name)
        });
        needed.map(Key::line).collect::<String>()
    };
    for key in keys {
        let name = key.name;
        let (more, left_out) = beside(name);
        let without = format!("{head}{}{more}", needed(name, left_out));
        let with = |value: &str| parse(&format!("{without}{name} = {value}\n"));
        let line = parse(&format!("{without}{}", key.line()));
        assert!(line.is_ok(), "{name}: {line:?}");
        let without = parse(&without);
        match key.missing {
            Missing::Wrong(_) => assert!(without.is_err(), "{name} can be left out"),
            Missing::Default(_) => assert_eq!(line, without, "{name} has another default"),
            Missing::Else(_) => assert!(line != without, "{name} says nothing"),
        }
        let mistaken = with(key.form.mistake()).unwrap_err();
        assert!(mistaken.contains("invalid type"), "{name}: {mistaken}");
        if key.form == Form::Time {
            assert!(with("\"5\"").is_err(), "{name} is no time");
        }
    }
    let refused = parse(&format!("{head}{}xyzzy = 1\n", needed("", &[]))).unwrap_err();
    // Where `issuer` is asked for, its alternative is not.
    let mut named: Vec<&str> = keys.iter().map(|key| key.name).collect();
    named.retain(|name| *name != "spiffe");
    named.sort_unstable();
    assert_eq!(known(&refused, "xyzzy"), named, "{refused}");
}

#[test]
fn the_pages_have_every_key_and_each_as_it_is() {
    let nothing = |_: &str| ("", &[][..]);
    hold(global, "", super::global::KEYS, nothing);
    hold(global, "[issue]\n", super::global::ISSUE, nothing);
    hold(issuer, "", super::issuer::KEYS, |name| match name {
        "spiffe" => ("", &["issuer"]),
        "issuer" => ("", &[]),
        "jwks_uri" => ("", &["keys"]),
        "max_key_age" | "refresh_on_unknown_kid" => ("discover = true\n", &["keys"]),
        _ => ("", &[]),
    });
    let file = "audience = [\"b\"]\nkeys = [\"/k\"]\n";
    let rule = format!("spiffe = \"example.org\"\n{file}[[allow]]\n");
    hold(issuer, &rule, super::issuer::ALLOW, |name| match name {
        "strip_prefix" => ("account = \"{sub}\"\n", &["account"]),
        "one_time" => ("max_age = \"5m\"\n", &[]),
        _ => ("", &[]),
    });
    let file = format!("issuer = \"https://a\"\n{file}");
    hold(
        issuer,
        &format!("{file}[device]\n"),
        super::issuer::DEVICE,
        nothing,
    );
    let introspection = format!("{file}[introspection]\n");
    hold(
        issuer,
        &introspection,
        super::issuer::INTROSPECTION,
        |name| match name {
            "prefix" | "length" => ("", &[]),
            _ => ("prefix = \"glpat-\"\n", &[]),
        },
    );
    let keys = "issuer = \"https://a\"\naudience = [\"b\"]\n[[keys]]\n";
    hold(issuer, keys, super::issuer::KEY, nothing);
}

#[test]
fn the_examples_load() {
    global(super::global::EXAMPLE).unwrap();
    issuer(ISSUER).unwrap();
}

#[test]
fn nothing_is_left_to_be_put_in() {
    for document in documents() {
        assert!(document.text.starts_with("# NAME\n"));
        let is_mark = |line: &&str| line.starts_with('{') && line.ends_with('}');
        assert_eq!(
            document.text.lines().find(is_mark),
            None,
            "{}",
            document.name
        );
    }
}
