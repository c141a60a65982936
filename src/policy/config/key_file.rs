//! The `keys` of an issuer's file: where its keys are, and what they do not say of
//! themselves.

use super::parse::at;
use super::{Fault, KeyFile, Source};
use jose::Algorithm;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use toml::Spanned;

/// An entry of `keys`: a path, or a table.
pub(super) struct KeyText {
    file: String,
    alg: Option<String>,
    kid: Option<String>,
}

/// The key files of an issuer; every fault is noted.
pub(super) fn key_files(
    source: Source<'_>,
    keys: Option<Spanned<Vec<Spanned<KeyText>>>>,
    note: &mut impl FnMut(Result<(), Fault>),
) -> Vec<KeyFile> {
    let Some(keys) = keys.filter(|keys| !keys.get_ref().is_empty()) else {
        note(Err(Fault::of_file(
            source.file,
            "keys is missing or empty; name the issuer's public keys: keys = [\"/etc/pam-jwt/keys/NAME.jwks\"]",
        )));
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in keys.into_inner() {
        let span = entry.span();
        let KeyText { file, alg, kid } = entry.into_inner();
        if !file.starts_with('/') {
            note(Err(at(
                source,
                span.clone(),
                "the file of a key is an absolute path",
            )));
        }
        let known = match &alg {
            None => None,
            Some(name) => {
                let known = Algorithm::from_name(name);
                if known.is_none() {
                    let names = Algorithm::names();
                    note(Err(at(
                        source,
                        span,
                        format!("alg {name:?} is not supported; known are {names}"),
                    )));
                }
                known
            }
        };
        files.push(KeyFile {
            file,
            alg: known,
            kid,
        });
    }
    files
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyTextVisitor)
    }
}

struct KeyTextVisitor;

impl<'de> Visitor<'de> for KeyTextVisitor {
    type Value = KeyText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, or { file = \"PATH\", alg = \"ALG\", kid = \"KID\" }")
    }

    fn visit_str<E>(self, file: &str) -> Result<KeyText, E> {
        Ok(KeyText {
            file: file.to_owned(),
            alg: None,
            kid: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyText, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: String,
            alg: Option<String>,
            kid: Option<String>,
        }
        let Table { file, alg, kid } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(KeyText { file, alg, kid })
    }
}
