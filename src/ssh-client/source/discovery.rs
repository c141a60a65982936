//! WLCG bearer token discovery: the places where tools of that convention look for a
//! token, in its order. What is empty passes on to the next place.

use super::{Origin, Text, file, of_file};
use crate::environment::Environment;
use nix::unistd::Uid;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The token of the first place that has one. `read` reads the file that BEARER_TOKEN_FILE
/// names.
///
/// # Errors
/// A file that BEARER_TOKEN_FILE names or that is there, and cannot be read.
pub fn discover(
    environment: &Environment<'_>,
    read: impl Fn(&Path) -> io::Result<Text>,
) -> Result<Option<(Text, Origin)>, String> {
    if let Some(value) = environment.get("BEARER_TOKEN") {
        let text = Zeroizing::new(value.into_vec());
        if !is_empty(&text) {
            return Ok(Some((text, Origin::Variable)));
        }
    }
    if let Some(path) = environment.path("BEARER_TOKEN_FILE") {
        let text = read(&path)
            .map_err(|error| format!("BEARER_TOKEN_FILE: {}", of_file(&path, &error)))?;
        if !is_empty(&text) {
            return Ok(Some((text, Origin::File(path))));
        }
    }
    for path in well_known(environment) {
        let text = file::read_own(&path).map_err(|error| of_file(&path, &error))?;
        if let Some(text) = text.filter(|text| !is_empty(text)) {
            return Ok(Some((text, Origin::File(path))));
        }
    }
    Ok(None)
}

/// The places without a name of their own, for messages.
pub fn places(environment: &Environment<'_>) -> String {
    let places = well_known(environment);
    let places: Vec<String> = places
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    places.join(", ")
}

/// Them, in order.
pub fn well_known(environment: &Environment<'_>) -> Vec<PathBuf> {
    let name = format!("bt_u{}", Uid::effective());
    [
        // One that is relative is to be ignored (XDG Base Directory Specification).
        environment
            .path("XDG_RUNTIME_DIR")
            .filter(|path| path.is_absolute()),
        Some(PathBuf::from("/tmp")),
    ]
    .into_iter()
    .flatten()
    .map(|directory| directory.join(&name))
    .collect()
}

fn is_empty(text: &Text) -> bool {
    text.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// What is found with these variables, in words.
    fn found(variables: &[(&str, &str)]) -> Result<Option<(String, Origin)>, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let found = discover(&Environment::of(&get), file::read)?;
        Ok(found.map(|(text, origin)| (String::from_utf8_lossy(&text).into_owned(), origin)))
    }

    /// The last place, /tmp, is everybody's: it is tried in a machine, not here.
    #[test]
    fn places_are_tried_in_order_and_an_empty_one_passes_on() {
        let directory = nix::unistd::mkdtemp("/tmp/jwt-ssh-test.XXXXXX").unwrap();
        let path = |name: &str| directory.join(name);
        let text = |name: &str| path(name).display().to_string();
        let write = |name: &str, content: &str| {
            fs::write(path(name), content).unwrap();
            fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).unwrap();
        };
        let own = format!("bt_u{}", Uid::effective());
        write("named", "named");
        write("blank", " \n");
        write(&own, "own");
        let runtime = ("XDG_RUNTIME_DIR", &*directory.display().to_string());
        let in_file = |name: &str| Origin::File(path(name));
        for (variables, expected) in [
            (
                vec![
                    ("BEARER_TOKEN", "given"),
                    ("BEARER_TOKEN_FILE", &text("named")),
                    runtime,
                ],
                ("given", Origin::Variable),
            ),
            (
                vec![
                    ("BEARER_TOKEN", " "),
                    ("BEARER_TOKEN_FILE", &text("named")),
                    runtime,
                ],
                ("named", in_file("named")),
            ),
            (
                vec![
                    ("BEARER_TOKEN", ""),
                    ("BEARER_TOKEN_FILE", &text("blank")),
                    runtime,
                ],
                ("own", in_file(&own)),
            ),
            (vec![runtime], ("own", in_file(&own))),
        ] {
            let (token, origin) = found(&variables).unwrap().unwrap();
            assert_eq!((token.as_str(), origin), expected, "{variables:?}");
        }

        // A file that is named is meant.
        let error = found(&[("BEARER_TOKEN_FILE", &text("nowhere")), runtime]).unwrap_err();
        assert!(
            error.starts_with("BEARER_TOKEN_FILE: ") && error.contains("nowhere"),
            "{error}"
        );
        fs::set_permissions(path(&own), fs::Permissions::from_mode(0o666)).unwrap();
        let error = found(&[runtime]).unwrap_err();
        assert!(error.contains("others may write"), "{error}");
        fs::remove_dir_all(&directory).unwrap();
    }
}
