//! A status list as an issuer publishes it.

use super::mint::Key;
use base64ct::{Base64UrlUnpadded, Encoding};
use serde_json::json;

impl Key {
    /// A status list with eight entries, of which the last says that its token was taken back.
    pub fn sign_list(&self, uri: &str, now: u64) -> String {
        let list = json!({ "bits": 1, "lst": Base64UrlUnpadded::encode_string(&zlib(&[0x80])) });
        let claims = json!({ "sub": uri, "iat": now, "ttl": 600, "status_list": list });
        self.sign(&json!({ "typ": "statuslist+jwt" }), &claims)
    }
}

/// One stored block (RFC 1950, RFC 1951 §3.2.4).
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a short text");
    let sums = bytes.iter().fold((1, 0), |(a, b): (u32, u32), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let mut packed = vec![0x78, 0x01, 0x01];
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(bytes);
    packed.extend((sums.1 << 16 | sums.0).to_be_bytes());
    packed
}
