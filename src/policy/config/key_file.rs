//! The `keys` of an issuer's file: where its keys are, and what they do not say of
//! themselves.

use super::KeyFile;
use super::table::{Notes, Table, text};
use jose::{Algorithm, KeyUse};
use toml::Spanned;
use toml::de::DeValue;

/// An entry of `keys`.
const FORM: &str = "a path, or { file = \"PATH\", alg = \"ALG\", kid = \"KID\" }";

/// The key files of an issuer: some, unless its keys are fetched.
pub(super) fn key_files(table: &mut Table<'_>, are_fetched: bool, key_use: KeyUse) -> Vec<KeyFile> {
    let notes = table.notes;
    let is_missing = !table.has("keys");
    let keys = table.list("keys");
    if are_fetched {
        // The issuer could give its own the kid of one of these.
        if let Some(keys) = keys {
            let message = "the issuer's keys are in files or fetched, not both";
            notes.at(keys.span(), message);
        }
        return Vec::new();
    }
    let keys = keys.map(Spanned::into_inner);
    if is_missing || keys.as_ref().is_some_and(Vec::is_empty) {
        notes.of_file(
            "keys is missing or empty; name the issuer's public keys: keys = [\"/etc/pam-jwt/keys/NAME.jwks\"], or have them fetched: jwks_uri = \"URL\" or discover = true",
        );
    }
    let keys = keys.into_iter().flatten();
    keys.filter_map(|key| key_file(notes, key, key_use))
        .collect()
}

fn key_file<'a>(
    notes: &'a Notes<'a>,
    entry: Spanned<DeValue<'a>>,
    key_use: KeyUse,
) -> Option<KeyFile> {
    let span = entry.span();
    let (file, alg, kid) = match entry.get_ref() {
        DeValue::Table(_) => {
            let mut table = Table::from_value(notes, entry, FORM)?;
            let all = (
                table.needed_text("file"),
                table.text("alg"),
                table.text("kid"),
            );
            table.finish();
            all
        }
        _ => (text(notes, entry, FORM), None, None),
    };
    let file = file?.into_inner();
    if !file.starts_with('/') {
        notes.at(span.clone(), "the file of a key is an absolute path");
    }
    let alg = alg.and_then(|name| {
        let known = Algorithm::from_name(name.get_ref());
        if known.is_none() {
            let names = Algorithm::names();
            let message = format!(
                "alg {:?} is not supported; known are {names}",
                name.get_ref()
            );
            notes.at(span, message);
        }
        known
    });
    Some(KeyFile {
        file,
        alg,
        kid: kid.map(Spanned::into_inner),
        key_use,
    })
}
