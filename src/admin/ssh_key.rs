//! An OpenSSH public key that the caller names: the key that a token is bound to.

use crate::read_named;
use cli::output::Failure;
use jose::PublicKey;
use std::path::Path;

/// Reads a .pub file, which has one key.
pub fn read(path: &Path) -> Result<PublicKey, Failure> {
    let text = read_named(path)?;
    let shown = path.display();
    let text = std::str::from_utf8(&text).unwrap_or_default();
    if text.contains("PRIVATE KEY") {
        return Err(Failure::new(format!(
            "{shown}: it holds a private key; name the public one, {shown}.pub"
        )));
    }
    PublicKey::from_ssh(text).map_err(|error| Failure::new(format!("{shown}: {error}")))
}
