//! What this machine signs with: a key, and the issuer that it signs for.

use crate::grounds;
use cli::output::Failure;
use jose::PrivateKey;
use policy::duration;
use policy::trust::{TrustedIssuer, TrustedKey};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// A key that signs for an issuer.
pub struct Signer {
    /// The key; kid and alg are those under which it is trusted.
    pub key: PrivateKey,
    /// The issuer's `iss`.
    pub issuer: String,
    /// The first audience of the issuer's file.
    pub audience: Option<String>,
}

/// The key in the file `key`, or else in private/local.jwk, and the issuer whose file trusts
/// it; where `issuer` is named no configuration is read.
pub fn find(config: &Path, key: Option<&Path>, issuer: Option<&str>) -> Result<Signer, Failure> {
    let local = config.join("private/local.jwk");
    let path = key.unwrap_or(&local);
    let mut key = read_private(path)?;
    if let Some(issuer) = issuer {
        return Ok(Signer {
            key,
            issuer: issuer.to_owned(),
            audience: None,
        });
    }
    let trust = grounds::trust(config)?;
    let (issuer, trusted) = trusting(&trust.issuers, &key).ok_or_else(|| {
        Failure::new(format!(
            "no file in issuers.d trusts the key {}; name --issuer, or trust it",
            path.display()
        ))
    })?;
    // The kid under which it is trusted is the one that will be looked for, and its
    // alg there the only one that will be accepted.
    key.kid.clone_from(&trusted.kid);
    key.alg = trusted.key.algorithm();
    Ok(Signer {
        key,
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.first().cloned(),
    })
}

/// The issuer that trusts `key`, and the key as it is trusted there.
fn trusting<'a>(
    issuers: &'a [TrustedIssuer],
    key: &PrivateKey,
) -> Option<(&'a TrustedIssuer, &'a TrustedKey)> {
    issuers.iter().find_map(|issuer| {
        let found = issuer
            .keys
            .iter()
            .find(|trusted| *trusted.key.material() == key.verifier);
        found.map(|trusted| (issuer, trusted))
    })
}

fn read_private(path: &Path) -> Result<PrivateKey, Failure> {
    let shown = path.display();
    let failed = |error| Failure::new(format!("{shown}: {error}"));
    // One open file is both checked and read, so that no other can take its place.
    let mut file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Failure::new(format!(
            "{shown} has mode {mode:04o}, so others can use the private key; run: chmod 600 {shown}"
        )));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(failed)?;
    PrivateKey::parse(&text).map_err(|error| Failure::new(format!("{shown}: {error}")))
}

/// Reads how long something lives, in seconds.
pub fn lifetime(text: &str) -> Result<u64, String> {
    duration::parse(text)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "a time is a number with s, m, h or d, such as 15m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_lives_is_refused() {
        assert_eq!(lifetime("1h"), Ok(3600));
        for bad in ["0s", "1", "h", "-1h"] {
            assert!(lifetime(bad).is_err());
        }
    }
}
