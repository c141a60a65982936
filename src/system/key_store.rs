//! The configuration directory: read whole, through trusted files, at every
//! login. What does not load refuses; there is no falling back to a part.

use crate::trusted_file::{self, Untrusted};
use crate::{hostname, shown};
use jose::KeyError;
use policy::config::{Config, Fault, KeyFile, Source};
use policy::trust::{Trust, TrustedKey, keys_in};
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
    let config = load_config(dir)?;
    let mut faults = Vec::new();
    let mut left_out = Vec::new();
    let mut keys: Vec<Vec<TrustedKey>> = Vec::new();
    for issuer in &config.issuers {
        let mut of_issuer = Vec::new();
        for file in &issuer.keys {
            match keys_of(file, &mut left_out) {
                Ok(mut found) => of_issuer.append(&mut found),
                Err(fault) => faults.push(fault),
            }
        }
        keys.push(of_issuer);
    }
    let host = hostname().map_err(|error| {
        vec![Fault::of_file(
            "hostname",
            format!("the machine's name cannot be read: {error}"),
        )]
    })?;
    let joined = Trust::new(config, keys, &host);
    match joined {
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

fn load_config(dir: &Path) -> Result<Config, Vec<Fault>> {
    let mut faults = Vec::new();
    let global_path = dir.join("pam-jwt.toml");
    let global = text_of(&global_path);
    let issuer_paths = trusted_file::list(&dir.join("issuers.d"), ".toml");
    let mut issuers = Vec::new();
    match issuer_paths {
        Ok(paths) => {
            for path in paths {
                match text_of(&path) {
                    Ok(text) => issuers.push((shown(&path), text)),
                    Err(fault) => faults.push(fault),
                }
            }
        }
        Err(error) => faults.push(untrusted(&error)),
    }
    let global = match global {
        Ok(text) => (shown(&global_path), text),
        Err(fault) => {
            faults.insert(0, fault);
            Default::default()
        }
    };
    let sources: Vec<Source<'_>> = issuers
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect();
    match Config::parse(
        Some(Source {
            file: &global.0,
            text: &global.1,
        }),
        &sources,
    ) {
        Ok(config) if faults.is_empty() => Ok(config),
        Ok(_) => Err(faults),
        Err(mut found) => {
            faults.append(&mut found);
            Err(faults)
        }
    }
}

fn text_of(path: &Path) -> Result<String, Fault> {
    let bytes = trusted_file::read(path).map_err(|error| untrusted(&error))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Fault::of_file(&shown(path), format!("it is not UTF-8 at byte {at}"))
    })
}

fn keys_of(
    file: &KeyFile,
    left_out: &mut Vec<(String, usize, KeyError)>,
) -> Result<Vec<TrustedKey>, Fault> {
    let text = trusted_file::read(Path::new(&file.file)).map_err(|error| untrusted(&error))?;
    let found =
        keys_in(file, &text).map_err(|error| Fault::of_file(&file.file, error.to_string()))?;
    left_out.extend(
        found
            .left_out
            .into_iter()
            .map(|(at, cause)| (file.file.clone(), at, cause)),
    );
    Ok(found.keys)
}

fn untrusted(error: &Untrusted) -> Fault {
    Fault::of_file(&shown(&error.path), error.message())
}
