//! Reading a TOML table: each key is asked for by its name and type, and what nobody asked for
//! is a fault. Every fault is noted where it stands, so that one run shows them all.
//!
//! By hand and not by serde, whose code for each type would be a tenth of the module.

use super::{Fault, Source};
use serde_json::Value;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// What is wrong with a file.
pub(super) struct Notes<'a> {
    source: Source<'a>,
    /// Keys that nobody knows: first, since one that is missing may be there misspelt.
    unknown: RefCell<Vec<Fault>>,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Notes<'a> {
    pub(super) fn of(source: Source<'a>) -> Self {
        Self {
            source,
            unknown: RefCell::default(),
            faults: RefCell::default(),
        }
    }

    /// Notes a fault at this place.
    pub(super) fn at(&self, span: Range<usize>, message: impl Into<String>) {
        let Source { file, text } = self.source;
        self.faults
            .borrow_mut()
            .push(Fault::at(file, text, span, message));
    }

    /// Notes a fault of the file as a whole.
    pub(super) fn of_file(&self, message: &str) {
        self.faults
            .borrow_mut()
            .push(Fault::of_file(self.source.file, message));
    }

    /// The line of a place.
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        super::fault::line_number(self.source.text, span.start)
    }

    /// What was built, if nothing is wrong.
    pub(super) fn unless_faulty<T>(self, built: Option<T>) -> Result<T, Vec<Fault>> {
        let mut faults = self.unknown.into_inner();
        faults.append(&mut self.faults.into_inner());
        match built {
            Some(built) if faults.is_empty() => Ok(built),
            _ => Err(faults),
        }
    }

    /// The table that the file is.
    pub(super) fn root(&self) -> Option<Table<'_>> {
        match DeTable::parse(self.source.text) {
            Ok(table) => Some(Table::of(self, table)),
            Err(error) => {
                match error.span() {
                    Some(span) => self.at(span, error.message()),
                    None => self.of_file(error.message()),
                }
                None
            }
        }
    }

    fn mistyped(&self, found: &Spanned<DeValue<'_>>, expected: &str) {
        let shown = match found.get_ref() {
            DeValue::String(text) => format!("string {text:?}"),
            DeValue::Integer(number) => format!("integer `{number}`"),
            DeValue::Float(number) => format!("floating point `{number}`"),
            DeValue::Boolean(yes) => format!("boolean `{yes}`"),
            DeValue::Datetime(date) => format!("date `{date}`"),
            DeValue::Array(_) => "sequence".to_owned(),
            DeValue::Table(_) => "map".to_owned(),
        };
        let message = format!("invalid type: {shown}, expected {expected}");
        self.at(found.span(), message);
    }
}

/// A table that is being read.
pub(super) struct Table<'a> {
    pub(super) notes: &'a Notes<'a>,
    span: Range<usize>,
    entries: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    fn of(notes: &'a Notes<'a>, table: Spanned<DeTable<'a>>) -> Self {
        Self {
            notes,
            span: table.span(),
            entries: table.into_inner(),
            known: Vec::new(),
        }
    }

    /// Of a value that has to be one.
    pub(super) fn from_value(
        notes: &'a Notes<'a>,
        value: Spanned<DeValue<'a>>,
        expected: &str,
    ) -> Option<Self> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(Self::of(notes, Spanned::new(span, table))),
            other => {
                notes.mistyped(&Spanned::new(span, other), expected);
                None
            }
        }
    }

    /// Where it stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Whether a key is there that was not taken yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// As [`Table::take`], of a key that has to be there.
    fn need(&mut self, key: &'static str) -> Option<Spanned<DeValue<'a>>> {
        let value = self.take(key);
        if value.is_none() {
            let message = format!("missing field `{key}`");
            self.notes.at(self.span.clone(), message);
        }
        value
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.take(key)?;
        text(self.notes, value, "a string")
    }

    pub(super) fn needed_text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let value = self.need(key)?;
        text(self.notes, value, "a string")
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<Spanned<u32>> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.notes.mistyped(&value, "a number from 0 to 4294967295");
        }
        Some(Spanned::new(value.span(), number?))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        let value = self.take(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.notes.mistyped(&value, "a boolean");
        }
        Some(Spanned::new(value.span(), flag?))
    }

    pub(super) fn list(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<DeValue<'a>>>>> {
        let value = self.take(key)?;
        list(self.notes, value)
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.take(key)?;
        texts(self.notes, value)
    }

    pub(super) fn needed_texts(
        &mut self,
        key: &'static str,
    ) -> Option<Spanned<Vec<Spanned<String>>>> {
        let value = self.need(key)?;
        texts(self.notes, value)
    }

    pub(super) fn values(&mut self, key: &'static str) -> Option<Spanned<Values>> {
        let value = self.take(key)?;
        values(self.notes, value)
    }

    pub(super) fn table(&mut self, key: &'static str) -> Option<Self> {
        let value = self.take(key)?;
        Self::from_value(self.notes, value, "a table")
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let list = self.list(key).map(Spanned::into_inner);
        let tables = list.into_iter().flatten();
        tables
            .filter_map(|table| Self::from_value(self.notes, table, "a table"))
            .collect()
    }

    /// The keys of the table `key`, whatever they are, with their values.
    pub(super) fn free(&mut self, key: &'static str) -> Vec<(Spanned<String>, Spanned<Values>)> {
        let Some(table) = self.table(key) else {
            return Vec::new();
        };
        let entries = table.entries.into_iter().filter_map(|(name, value)| {
            let name = Spanned::new(name.span(), name.into_inner().into_owned());
            Some((name, values(self.notes, value)?))
        });
        entries.collect()
    }

    /// Nobody asks for more: what is left was never known.
    pub(super) fn finish(self) {
        for (key, _) in &self.entries {
            let name = key.get_ref();
            let known: Vec<String> = self.known.iter().map(|key| format!("`{key}`")).collect();
            let known = known.join(", ");
            let message = format!("unknown field `{name}`, expected one of {known}");
            let Source { file, text } = self.notes.source;
            let fault = Fault::at(file, text, key.span(), message);
            self.notes.unknown.borrow_mut().push(fault);
        }
    }
}

/// A value of which any one will do: alone, or several in a list; as the claims' JSON has it.
#[derive(Debug)]
pub(super) enum Values {
    /// A string, an integer or a boolean.
    One(Value),
    /// A list of them.
    Several(Vec<Value>),
}

impl Values {
    /// The values. There may be none in a list.
    pub(super) fn as_slice(&self) -> &[Value] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }

    /// The texts, where there is one at least, nothing else, and none is empty.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let text = |value: &Value| {
            let text = value.as_str().filter(|text| !text.is_empty())?;
            Some(text.to_owned())
        };
        let texts: Vec<String> = self.as_slice().iter().map(text).collect::<Option<_>>()?;
        (!texts.is_empty()).then_some(texts)
    }
}

pub(super) fn text(
    notes: &Notes<'_>,
    value: Spanned<DeValue<'_>>,
    expected: &str,
) -> Option<Spanned<String>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
        other => {
            notes.mistyped(&Spanned::new(span, other), expected);
            None
        }
    }
}

fn list<'a>(
    notes: &Notes<'_>,
    value: Spanned<DeValue<'a>>,
) -> Option<Spanned<Vec<Spanned<DeValue<'a>>>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(list) => Some(Spanned::new(span, list.into_iter().collect())),
        other => {
            let expected = "a sequence; write it as a list, in [ ]";
            notes.mistyped(&Spanned::new(span, other), expected);
            None
        }
    }
}

fn texts(notes: &Notes<'_>, value: Spanned<DeValue<'_>>) -> Option<Spanned<Vec<Spanned<String>>>> {
    let all = list(notes, value)?;
    let span = all.span();
    let texts = all.into_inner().into_iter();
    let texts = texts.map(|value| text(notes, value, "a string")).collect();
    Option::map(texts, |texts| Spanned::new(span, texts))
}

fn values(notes: &Notes<'_>, value: Spanned<DeValue<'_>>) -> Option<Spanned<Values>> {
    let span = value.span();
    let values = match value.into_inner() {
        DeValue::Array(list) => {
            let list = list.into_iter().map(|value| single(notes, value));
            Values::Several(list.collect::<Option<_>>()?)
        }
        one => Values::One(single(notes, Spanned::new(span.clone(), one))?),
    };
    Some(Spanned::new(span, values))
}

fn single(notes: &Notes<'_>, value: Spanned<DeValue<'_>>) -> Option<Value> {
    let whole = |number: &DeInteger<'_>| i64::from_str_radix(number.as_str(), number.radix()).ok();
    let json = match value.get_ref() {
        DeValue::String(text) => Some(Value::from(&**text)),
        DeValue::Boolean(yes) => Some(Value::from(*yes)),
        DeValue::Integer(number) => whole(number).map(Value::from),
        DeValue::Table(_) | DeValue::Datetime(_) => {
            let message = "a table or a date; for a claim inside another write its JSON Pointer, \
                such as \"/realm_access/roles\" = \"ops\"";
            notes.at(value.span(), message);
            return None;
        }
        DeValue::Float(_) | DeValue::Array(_) => None,
    };
    if json.is_none() {
        let expected = "a string, an integer or a boolean, or any of a list of them";
        notes.mistyped(&value, expected);
    }
    json
}
