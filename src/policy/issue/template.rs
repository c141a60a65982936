//! The value of a claim that differs from login to login.

use serde_json::{Value, json};

/// What stands in for something of the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// `{account}`
    Account,
    /// `{uid}`: a number where it stands alone.
    Uid,
    /// `{groups}`: a list, which stands alone.
    Groups,
    /// `{host}`: the machine's name.
    Host,
    /// `{service}`: the PAM service.
    Service,
}

/// A claim's value, before there is a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// Always this.
    Fixed(Value),
    /// A placeholder alone: the value has its type.
    Alone(Placeholder),
    /// A text with placeholders in it.
    Text(Vec<Piece>),
    /// A list.
    List(Vec<Self>),
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Plain(String),
    /// To be filled in.
    Filled(Placeholder),
}

/// What templates are filled with.
#[derive(Debug, Clone, Copy)]
pub struct Filling<'a> {
    /// The account.
    pub account: &'a str,
    /// Its uid.
    pub uid: u32,
    /// The names of its groups; empty where no template asks for them.
    pub groups: &'a [String],
    /// The machine's name.
    pub host: &'a str,
    /// The PAM service.
    pub service: &'a str,
}

impl Placeholder {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "account" => Self::Account,
            "uid" => Self::Uid,
            "groups" => Self::Groups,
            "host" => Self::Host,
            "service" => Self::Service,
            _ => return None,
        })
    }

    fn text(self, with: Filling<'_>) -> String {
        match self {
            Self::Account => with.account.to_owned(),
            Self::Uid => with.uid.to_string(),
            // No text has it.
            Self::Groups => with.groups.join(","),
            Self::Host => with.host.to_owned(),
            Self::Service => with.service.to_owned(),
        }
    }
}

impl Template {
    /// Of a value as it is written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(value: &Value) -> Result<Self, &'static str> {
        match value.as_str() {
            Some(text) => Self::of_text(text),
            None => Ok(Self::Fixed(value.clone())),
        }
    }

    fn of_text(text: &str) -> Result<Self, &'static str> {
        const FORM: &str =
            "a placeholder is one of {account}, {uid}, {groups}, {host} and {service}";
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or(FORM)?;
            let placeholder = Placeholder::named(name).ok_or(FORM)?;
            if !before.is_empty() {
                pieces.push(Piece::Plain(before.to_owned()));
            }
            pieces.push(Piece::Filled(placeholder));
            rest = behind;
        }
        if rest.contains('}')
            || pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Plain(text) if text.contains('}')))
        {
            return Err(FORM);
        }
        if !rest.is_empty() {
            pieces.push(Piece::Plain(rest.to_owned()));
        }
        match &*pieces {
            [] | [Piece::Plain(_)] => Ok(Self::Fixed(Value::from(text))),
            [Piece::Filled(placeholder)] => Ok(Self::Alone(*placeholder)),
            several if several.contains(&Piece::Filled(Placeholder::Groups)) => {
                Err("{groups} is a list, so it stands alone")
            }
            _ => Ok(Self::Text(pieces)),
        }
    }

    /// Whether it asks for the groups, which not every login need look up.
    pub fn asks_for_groups(&self) -> bool {
        match self {
            Self::Alone(placeholder) => *placeholder == Placeholder::Groups,
            Self::List(several) => several.iter().any(Self::asks_for_groups),
            Self::Fixed(_) | Self::Text(_) => false,
        }
    }

    /// The value.
    pub fn fill(&self, with: Filling<'_>) -> Value {
        match self {
            Self::Fixed(value) => value.clone(),
            Self::Alone(Placeholder::Uid) => json!(with.uid),
            Self::Alone(Placeholder::Groups) => json!(with.groups),
            Self::Alone(placeholder) => placeholder.text(with).into(),
            Self::Text(pieces) => {
                let texts = pieces.iter().map(|piece| match piece {
                    Piece::Plain(text) => text.clone(),
                    Piece::Filled(placeholder) => placeholder.text(with),
                });
                texts.collect::<String>().into()
            }
            Self::List(several) => several.iter().map(|one| one.fill(with)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_with_what_the_login_is() {
        let groups = ["ops".to_owned(), "users".to_owned()];
        let with = Filling {
            account: "alice",
            uid: 1000,
            groups: &groups,
            host: "db1",
            service: "sshd",
        };
        for (template, value) in [
            (json!("{account}"), json!("alice")),
            (json!("{uid}"), json!(1000)),
            (json!("{groups}"), json!(["ops", "users"])),
            (json!("{account}@{host}"), json!("alice@db1")),
            (json!("uid {uid} by {service}."), json!("uid 1000 by sshd.")),
            (json!("plain"), json!("plain")),
            (json!(""), json!("")),
            (json!(5), json!(5)),
            (json!(true), json!(true)),
        ] {
            assert_eq!(Template::of(&template).unwrap().fill(with), value);
        }
        // What fills a text is not looked at again.
        let odd = Filling {
            account: "{host}",
            ..with
        };
        assert_eq!(
            Template::of(&json!("{account}!")).unwrap().fill(odd),
            json!("{host}!")
        );
        let list = Template::List(vec![
            Template::of(&json!("{service}")).unwrap(),
            Template::of(&json!("{groups}")).unwrap(),
        ]);
        assert!(list.asks_for_groups());
        assert_eq!(list.fill(with), json!(["sshd", ["ops", "users"]]));
    }

    #[test]
    fn what_is_no_placeholder_is_an_error() {
        for bad in [
            "{",
            "}",
            "{}",
            "{Account}",
            "{account",
            "account}",
            "a}{uid}",
            "{{uid}}",
            "x{groups}",
        ] {
            assert!(Template::of(&json!(bad)).is_err(), "{bad}");
        }
    }
}
