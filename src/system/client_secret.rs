//! The secret by which this machine shows an issuer that it is the client it says: one line in
//! a file of root's. It reaches the helper through its pipe, and is readable by no lesser user.

use crate::helper::SecretText;
use crate::trusted_file;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads it.
///
/// # Errors
/// Why it cannot be used and what mends it, in words for the log.
pub fn read(path: &Path) -> Result<SecretText, String> {
    let content = trusted_file::read(path).map_err(|error| error.to_string())?;
    let shown = path.display();
    if !content.is_private {
        return Err(format!(
            "{shown} holds a client's secret and others can read it; run: chmod 600 {shown}"
        ));
    }
    let line = content.bytes.strip_suffix(b"\n").unwrap_or(&content.bytes);
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    match std::str::from_utf8(line) {
        Ok(text) if !text.is_empty() && text.bytes().all(|byte| is_plain(&byte)) => {
            Ok(Zeroizing::new(text.to_owned()))
        }
        _ => Err(format!(
            "{shown} is to hold a client's secret: one line of printable ASCII, and nothing else"
        )),
    }
}
