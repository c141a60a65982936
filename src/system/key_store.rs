//! The configuration directory: read whole, through trusted files, at every
//! login. What does not load refuses; there is no falling back to a part.

use crate::fetched::{self, Fetched};
use crate::trusted_file::{self, Content, FileFault, Untrusted};
use crate::{hostname, shown};
use jose::KeyError;
use policy::config::{Config, Fault, Global, KeyFile, Parsed, Source};
use policy::trust::{KeysOfIssuer, Trust, keys_in};
use std::path::Path;

/// What was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What a decision needs.
    pub trust: Trust,
    /// Entries of key sets that were left out: the file, the index, the cause.
    pub left_out: Vec<(String, usize, KeyError)>,
}

/// Loads the configuration in `dir` with all its keys.
///
/// # Errors
/// Every fault that was found.
pub fn load(dir: &Path) -> Result<Loaded, Vec<Fault>> {
    load_read(read_config(dir, None))
}

/// Loads the configuration in `dir` as if the issuer's file at `path` had this text.
///
/// # Errors
/// Every fault that was found.
pub fn load_with(dir: &Path, path: &Path, text: &str) -> Result<Loaded, Vec<Fault>> {
    load_read(read_config(dir, Some((path, text))))
}

fn load_read(parsed: Parsed) -> Result<Loaded, Vec<Fault>> {
    let Parsed {
        readable: config,
        mut faults,
    } = parsed;
    let mut left_out = Vec::new();
    let mut keys = Vec::new();
    let mut fetched = None;
    for issuer in &config.issuers {
        let mut of_issuer = KeysOfIssuer::default();
        if issuer.fetch.is_some() {
            let dir = fetched.get_or_insert_with(|| Fetched::open(Path::new(fetched::DIR)));
            // What others have sent is no fault of the configuration: it concerns the tokens
            // of that issuer, and no others.
            let found = dir
                .as_ref()
                .map_err(fetched_dir)
                .and_then(|dir| dir.keys(&issuer.issuer, issuer.key_use()));
            of_issuer.checked_at = Some(found.map(|found| {
                of_issuer.keys = found.keys.keys;
                found.checked_at
            }));
        }
        for file in &issuer.keys {
            if let Err(fault) = read_keys(file, &mut of_issuer, &mut left_out) {
                faults.push(fault);
            }
        }
        keys.push(of_issuer);
    }
    let host = hostname().unwrap_or_else(|error| {
        let message = format!("the machine's name cannot be read: {error}");
        faults.push(Fault::of_file("hostname", message));
        String::new()
    });
    match Trust::new(config, keys, &host) {
        Ok(trust) if faults.is_empty() => Ok(Loaded { trust, left_out }),
        Ok(_) => Err(faults),
        Err(conflicts) => {
            faults.extend(conflicts.into_iter().map(|(file, error)| {
                Fault::of_file(&file, format!("{error}; give one of them another kid"))
            }));
            Err(faults)
        }
    }
}

/// The configuration in `dir`, without its keys.
///
/// # Errors
/// Every fault that was found.
pub fn config(dir: &Path) -> Result<Config, Vec<Fault>> {
    read_config(dir, None).whole()
}

/// The settings for all issuers in `dir`, and nothing else: for what is to be known before
/// there is a token. Where they do not load they are the defaults, and [`load`] says why.
pub fn settings(dir: &Path) -> Global {
    global(dir).unwrap_or_default()
}

/// The settings for all issuers in `dir`, and nothing else.
///
/// # Errors
/// Everything that is wrong with them.
pub fn global(dir: &Path) -> Result<Global, Vec<Fault>> {
    let path = dir.join("pam-jwt.toml");
    let text = text_of(&path).map_err(|fault| vec![fault])?;
    let file = &shown(&path);
    Global::parse(Source { file, text: &text })
}

/// The first of the faults, for the log.
pub fn first(faults: &[Fault]) -> String {
    let shown = |fault: &Fault| format!("{}: {}", fault.location(), fault.message);
    faults.first().map(shown).unwrap_or_default()
}

/// Reads the files, but for one of which the text is given; one that cannot be read is a fault
/// like one that is wrong.
fn read_config(dir: &Path, given: Option<(&Path, &str)>) -> Parsed {
    let mut unreadable = Vec::new();
    let mut read = |path: &Path| match text_of(path) {
        Ok(text) => Some((shown(path), text)),
        Err(fault) => {
            unreadable.push(fault);
            None
        }
    };
    let global = read(&dir.join("pam-jwt.toml")).unwrap_or_default();
    let listed = trusted_file::list(&dir.join("issuers.d"), ".toml");
    let is_given = |path: &Path| given.is_some_and(|(given, _)| given == path);
    let on_disk = listed.iter().flatten().filter(|path| !is_given(path));
    let mut issuers: Vec<(String, String)> = on_disk.filter_map(|path| read(path)).collect();
    issuers.extend(given.map(|(path, text)| (shown(path), text.to_owned())));
    unreadable.extend(listed.as_ref().err().map(untrusted));
    let sources: Vec<Source<'_>> = issuers
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect();
    let mut parsed = Config::parse(
        Source {
            file: &global.0,
            text: &global.1,
        },
        &sources,
    );
    parsed.faults.splice(0..0, unreadable);
    parsed
}

fn text_of(path: &Path) -> Result<String, Fault> {
    let content = trusted_file::read(path).map_err(|error| untrusted(&error))?;
    let text = std::str::from_utf8(&content.bytes).map_err(|error| {
        let at = error.valid_up_to();
        Fault::of_file(&shown(path), format!("it is not UTF-8 at byte {at}"))
    });
    text.map(str::to_owned)
}

fn read_keys(
    file: &KeyFile,
    of_issuer: &mut KeysOfIssuer,
    left_out: &mut Vec<(String, usize, KeyError)>,
) -> Result<(), Fault> {
    let Content { bytes, is_private } = match trusted_file::read(Path::new(&file.file)) {
        Ok(content) => content,
        Err(error) if error.is_out_of_reach() => {
            of_issuer.out_of_reach.push(file.file.clone());
            return Ok(());
        }
        Err(error) => return Err(untrusted(&error)),
    };
    let found =
        keys_in(file, &bytes).map_err(|error| Fault::of_file(&file.file, error.to_string()))?;
    let is_secret = found.keys.iter().any(|key| key.key.material().is_secret());
    if is_secret && !is_private {
        return Err(Fault::of_file(
            &file.file,
            format!(
                "holds a symmetric key and others can read it, who could then sign tokens; make \
                 a new key, and run: chmod 600 {}",
                file.file
            ),
        ));
    }
    of_issuer.keys.extend(found.keys);
    left_out.extend(
        found
            .left_out
            .into_iter()
            .map(|(at, cause)| (file.file.clone(), at, cause)),
    );
    Ok(())
}

fn fetched_dir(error: &Untrusted) -> String {
    match error.fault {
        FileFault::Missing => {
            format!("{error}; install pam-jwt-fetch, whose user it is to belong to")
        }
        _ => error.to_string(),
    }
}

fn untrusted(error: &Untrusted) -> Fault {
    Fault::of_file(&shown(&error.path), error.message())
}
