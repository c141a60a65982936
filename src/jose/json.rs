//! Strict JSON: one object with unique member names at every depth, nothing
//! behind it, nested no deeper than [`MAX_DEPTH`] (RFC 7515 §4 and §5.2, RFC
//! 7519 §4). serde_json parses; what it leaves open is decided here.

use crate::error::KeyError;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;
use zeroize::Zeroize;

/// Objects and arrays inside one another. Real tokens have at most about five
/// levels; the bound keeps a hostile one from using up the host's stack.
pub const MAX_DEPTH: usize = 32;

/// Why some bytes are not a strict JSON object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON, not UTF-8, or trailing bytes; the parser's words and place.
    Syntax(String),
    /// JSON, but not an object.
    NotAnObject,
    /// A member name occurs twice in one object, escapes decoded.
    Duplicate,
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(words) => write!(f, "is not JSON: {words}"),
            Self::NotAnObject => f.write_str("is not a JSON object"),
            Self::Duplicate => f.write_str("has a member name twice"),
            Self::TooDeep => write!(f, "is nested deeper than {MAX_DEPTH} levels"),
        }
    }
}

/// Parses `bytes` as exactly one JSON object.
///
/// # Errors
/// [`JsonError`], with the cause.
pub fn object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    // The visitor cannot return an error of its own type through serde, so it
    // leaves the cause here and stops the parser with any error at all.
    let cause = Cell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let seed = Strict {
        depth: 0,
        cause: &cause,
    };
    let outcome = seed.deserialize(&mut parser).and_then(|mut value| {
        // What is thrown away may have been a secret.
        let end = parser.end().inspect_err(|_| wipe_value(&mut value));
        end.map(|()| value)
    });
    let value = outcome.map_err(|error| {
        cause
            .take()
            .unwrap_or_else(|| JsonError::Syntax(error.to_string()))
    })?;
    match value {
        Value::Object(map) => Ok(map),
        mut other => {
            wipe_value(&mut other);
            Err(JsonError::NotAnObject)
        }
    }
}

/// Parses the text of a key file. A secret in it must be wiped by whoever has its members
/// ([`wipe`]), and is written without escapes: the parser decodes those in a buffer of its
/// own, where the secret would stay.
///
/// # Errors
/// [`KeyError::Format`] with the cause, or [`KeyError::Escaped`].
pub(crate) fn key_object(text: &[u8]) -> Result<Map<String, Value>, KeyError> {
    if text.contains(&b'\\') && ["k", "d", "priv"].iter().any(|name| has_member(text, name)) {
        return Err(KeyError::Escaped);
    }
    object(text).map_err(|error| KeyError::Format(format!("the file {error}")))
}

/// Whether `"name"` stands before a colon anywhere, without parsing.
fn has_member(text: &[u8], name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    text.windows(quoted.len())
        .enumerate()
        .filter(|(_, window)| *window == quoted.as_bytes())
        .any(|(at, _)| {
            let behind = text.get(at.saturating_add(quoted.len())..);
            behind.is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
        })
}

/// Overwrites every text in `members`, which may have been a secret.
pub fn wipe(members: &mut Map<String, Value>) {
    members.values_mut().for_each(wipe_value);
}

fn wipe_value(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe_value),
        Value::Object(members) => wipe(members),
        _ => {}
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    cause: &'a Cell<Option<JsonError>>,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.stop(JsonError::TooDeep));
        }
        Ok(Self {
            depth: self.depth.saturating_add(1),
            ..self
        })
    }

    fn stop<E: serde::de::Error>(self, cause: JsonError) -> E {
        self.cause.set(Some(cause));
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        match fill_array(&mut values, seq, inner) {
            Ok(()) => Ok(Value::Array(values)),
            Err(error) => {
                values.iter_mut().for_each(wipe_value);
                Err(error)
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        match fill_object(&mut map, members, inner) {
            Ok(()) => Ok(Value::Object(map)),
            Err(error) => {
                wipe(&mut map);
                Err(error)
            }
        }
    }
}

fn fill_array<'de, A: SeqAccess<'de>>(
    values: &mut Vec<Value>,
    mut seq: A,
    inner: Strict<'_>,
) -> Result<(), A::Error> {
    while let Some(value) = seq.next_element_seed(inner)? {
        values.push(value);
    }
    Ok(())
}

fn fill_object<'de, A: MapAccess<'de>>(
    map: &mut Map<String, Value>,
    mut members: A,
    inner: Strict<'_>,
) -> Result<(), A::Error> {
    while let Some(name) = members.next_key::<String>()? {
        if map.contains_key(&name) {
            return Err(inner.stop(JsonError::Duplicate));
        }
        let value = members.next_value_seed(inner)?;
        map.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_comes_back_with_its_types() {
        let map = object(br#" {"a":1,"b":-2,"c":1.5,"d":"x","e":[true,null],"f":{}} "#).unwrap();
        let plain: Value =
            serde_json::from_str(r#"{"a":1,"b":-2,"c":1.5,"d":"x","e":[true,null],"f":{}}"#)
                .unwrap();
        assert_eq!(Value::Object(map), plain);
    }

    #[test]
    fn a_secret_is_written_without_escapes() {
        for text in [
            r#"{"kty":"oct","k":"\u0041A"}"#,
            r#"{"kid":"a\"b","d" : "AA"}"#,
            r#"{"keys":[{"k"
                :"AA\n"}]}"#,
        ] {
            assert_eq!(key_object(text.as_bytes()), Err(KeyError::Escaped));
        }
        for text in [
            r#"{"x5c":["A\/A"],"kid":"k"}"#,
            r#"{"kid":"a\"k\"d"}"#,
            r#"{"k":"AA","d":"AA"}"#,
        ] {
            assert!(key_object(text.as_bytes()).is_ok(), "{text}");
        }
    }

    /// Checklist: A.4, B.8
    #[test]
    fn a_name_that_occurs_twice_is_refused_at_any_depth_and_however_it_is_escaped() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"b":2,"a":3}}"#,
            r#"{"x":[{"a":1,"a":1}]}"#,
        ] {
            assert_eq!(object(text.as_bytes()), Err(JsonError::Duplicate), "{text}");
        }
        assert!(object(br#"{"a":1,"A":2,"x":{"a":1}}"#).is_ok());
    }

    /// Checklist: A.5
    #[test]
    fn what_is_not_one_object_is_refused() {
        for text in ["[]", "1", "\"a\"", "null", "true"] {
            assert_eq!(
                object(text.as_bytes()),
                Err(JsonError::NotAnObject),
                "{text}"
            );
        }
        for text in [
            "",
            "{",
            "{}{}",
            "{} x",
            "{}\0",
            r#"{"a":1,}"#,
            "{'a':1}",
            "{a:1}",
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
        ] {
            assert!(
                matches!(object(text.as_bytes()), Err(JsonError::Syntax(_))),
                "{text}"
            );
        }
        assert!(matches!(
            object(b"{\"a\":\"\xff\"}"),
            Err(JsonError::Syntax(_))
        ));
    }

    /// Checklist: A.9
    #[test]
    fn depth_is_bounded_before_the_stack_is() {
        let nested =
            |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(object(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(
            object(nested(MAX_DEPTH).as_bytes()),
            Err(JsonError::TooDeep)
        );
        assert_eq!(object(nested(10_000).as_bytes()), Err(JsonError::TooDeep));
    }
}
