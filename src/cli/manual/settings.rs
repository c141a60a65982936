//! What a page says of the keys of a settings file. Whoever reads such a file holds these
//! definitions against what it accepts, in a test.

use std::fmt::Write;

/// A key of a TOML table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Of what kind its value is.
    pub form: Form,
    /// What holds where it is missing.
    pub missing: Missing,
    /// What it is for, as in [`super::document`].
    pub text: &'static str,
}

/// The kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A string.
    Text,
    /// A string such as `"90s"`.
    Time,
    /// An integer.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    Texts,
    /// A string, or a list of them.
    TextOrTexts,
    /// A list whose entries the text describes.
    List,
    /// A table, which the text describes.
    Table,
    /// A table or several, which a section of the page describes.
    Section,
}

impl Form {
    /// As the page calls it.
    const fn words(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Time => "time",
            Self::Number => "number",
            Self::Flag => "boolean",
            Self::Texts => "list of strings",
            Self::TextOrTexts => "string or list of strings",
            Self::List => "list",
            Self::Table | Self::Section => "table",
        }
    }

    /// A value in TOML that is of another kind.
    pub const fn mistake(self) -> &'static str {
        match self {
            Self::Text | Self::Time | Self::Texts | Self::List | Self::Table | Self::Section => "5",
            Self::Number | Self::Flag => "\"x\"",
            Self::TextOrTexts => "1.5",
        }
    }
}

/// What holds where a key is missing; each has a value, as it would stand in the file.
#[derive(Debug, Clone, Copy)]
pub enum Missing {
    /// The file is wrong. Its value is an example.
    Wrong(&'static str),
    /// This value.
    Default(&'static str),
    /// What the text says. Its value is an example.
    Else(&'static str),
}

impl Key {
    /// A key.
    pub const fn new(name: &'static str, form: Form, missing: Missing, text: &'static str) -> Self {
        Self {
            name,
            form,
            missing,
            text,
        }
    }

    /// The line of the file that says so.
    pub fn line(&self) -> String {
        let (Missing::Wrong(value) | Missing::Default(value) | Missing::Else(value)) = self.missing;
        format!("{} = {value}\n", self.name)
    }
}

/// The keys as a part of a [`super::Document`].
pub fn list(keys: &[Key]) -> String {
    let mut text = String::new();
    for key in keys {
        let missing = match key.missing {
            _ if key.form == Form::Section => String::new(),
            Missing::Wrong(value) => format!(" Required. Example: `{value}`."),
            Missing::Default(value) => format!(" Default: `{value}`."),
            Missing::Else(value) => format!(" Example: `{value}`."),
        };
        let (name, form) = (key.name, key.form.words());
        let _ = write!(text, "`{name}` = *{form}*\n: {}{missing}\n\n", key.text);
    }
    text
}

/// The keys that a parser says it knows, where it refuses the key `unknown`: what its message has
/// in backquotes.
pub fn known<'m>(message: &'m str, unknown: &str) -> Vec<&'m str> {
    let quoted = message.split('`').skip(1).step_by(2);
    let mut known: Vec<&str> = quoted.filter(|name| *name != unknown).collect();
    known.sort_unstable();
    known
}
