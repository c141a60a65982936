//! Where a claim is: by its name, or by a JSON Pointer (RFC 6901) for one inside
//! another, such as Keycloak's `/realm_access/roles`.

use jose::Claims;
use serde_json::Value;
use std::fmt;

/// A claim's name, or the pointer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    text: String,
    /// The name of the claim, escapes decoded.
    name: String,
    /// Where the text's rest begins, which leads on from the claim.
    rest: usize,
}

impl ClaimPath {
    /// Reads a name, or a pointer if it begins with `/`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("a claim has a name");
        }
        let Some(pointer) = text.strip_prefix('/') else {
            return Ok(Self {
                text: text.to_owned(),
                name: text.to_owned(),
                rest: text.len(),
            });
        };
        if pointer
            .split('~')
            .skip(1)
            .any(|after| !after.starts_with(['0', '1']))
        {
            return Err("in a JSON Pointer ~ is written ~0, and / in a name ~1 (RFC 6901)");
        }
        let first = pointer.split('/').next().unwrap_or_default();
        Ok(Self {
            text: text.to_owned(),
            name: first.replace("~1", "/").replace("~0", "~"),
            rest: first.len().saturating_add(1),
        })
    }

    /// The value there, whatever its type.
    pub fn of<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        let rest = self.text.get(self.rest..).unwrap_or_default();
        claims.get(&self.name)?.pointer(rest)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<String> {
        let claims = Claims::parse(
            br#"{"a":{"b":["x",{"c":"deep"}],"":"empty"},"/s":"slash","m~n":{"/":"t"},"":"none"}"#,
        )
        .unwrap();
        let value = ClaimPath::parse(path).unwrap().of(&claims).cloned();
        value.map(|value| value.to_string())
    }

    #[test]
    fn a_name_is_taken_as_it_is_and_a_pointer_leads_inside() {
        for (path, value) in [
            ("a", Some(r#"{"":"empty","b":["x",{"c":"deep"}]}"#)),
            ("/a/b/1/c", Some(r#""deep""#)),
            ("/a/b/0", Some(r#""x""#)),
            ("/a/", Some(r#""empty""#)),
            ("/~1s", Some(r#""slash""#)),
            ("/m~0n/~1", Some(r#""t""#)),
            ("/", Some(r#""none""#)),
            ("m~n", Some(r#"{"/":"t"}"#)),
            ("a/b", None),
            ("/a/b/01", None),
            ("/a/b/2", None),
            ("/a/b/-", None),
            ("/a/x/y", None),
            ("/s", None),
            ("b", None),
        ] {
            assert_eq!(at(path).as_deref(), value, "{path}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for bad in ["", "/~", "/a~2b", "/a/~x"] {
            assert!(ClaimPath::parse(bad).is_err(), "{bad}");
        }
    }
}
