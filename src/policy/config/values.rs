//! A value of which any one will do: alone, or several in a list. Read as such and not as TOML
//! of any kind, which would bring a tree of tables and dates into every host program.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;
use std::fmt;

/// What is written, as the claims' JSON has it.
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

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer or a boolean, or any of a list of them")
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Values, E> {
        Ok(Values::One(yes.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Values, E> {
        Ok(Values::One(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Values, E> {
        Ok(Values::One(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            let Values::One(value) = value else {
                return Err(A::Error::invalid_type(Unexpected::Seq, &ValuesVisitor));
            };
            values.push(value);
        }
        Ok(Values::Several(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Values, A::Error> {
        Err(A::Error::custom(
            "a table or a date; for a claim inside another write its JSON Pointer, such as \
             \"/realm_access/roles\" = \"ops\"",
        ))
    }
}
