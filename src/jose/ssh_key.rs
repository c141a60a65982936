//! OpenSSH public keys as the keys of JOSE that they are: what an SSH server has verified a
//! signature with can be the key that a token is bound to (RFC 7800).

use crate::curve::Curve;
use crate::error::KeyError;
use crate::public_key::PublicKey;
use base64ct::{Base64, Encoding};

/// The end of the name of a certificate's type (OpenSSH's PROTOCOL.certkeys).
const CERTIFICATE: &str = "-cert-v01@openssh.com";

impl PublicKey {
    /// Reads `TYPE BASE64 COMMENT`, as in a .pub file (sshd(8)) and in sshd's
    /// SSH_AUTH_INFO_0. The key of a security key (sk-) and the certified key of a
    /// certificate are those inside.
    ///
    /// # Errors
    /// [`KeyError::Format`] for what is no such line, [`KeyError::KeyType`] for a type that
    /// is not known here, or what is wrong with the key.
    pub fn from_ssh(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_ascii_whitespace();
        let (Some(name), Some(base64)) = (words.next(), words.next()) else {
            return Err(no_key());
        };
        let blob = Base64::decode_vec(base64).map_err(|_| no_key())?;
        let mut fields = Fields(&blob);
        if fields.bytes()? != name.as_bytes() {
            return Err(no_key());
        }
        let (plain, is_certificate) = match name.strip_suffix(CERTIFICATE) {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        if is_certificate {
            let _nonce = fields.bytes()?;
        }
        let key = fields.key(plain)?;
        // Behind the key of a certificate stands what it certifies, which was sshd's to judge.
        if !is_certificate && !fields.0.is_empty() {
            return Err(no_key());
        }
        Ok(key)
    }
}

fn no_key() -> KeyError {
    KeyError::Format("it is not an OpenSSH public key, \"TYPE BASE64 COMMENT\"".to_owned())
}

/// What is left of a sequence of strings (RFC 4251 §5).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self) -> Result<&'a [u8], KeyError> {
        let (length, rest) = self.0.split_first_chunk::<4>().ok_or_else(no_key)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| no_key())?;
        let (bytes, rest) = rest.split_at_checked(length).ok_or_else(no_key)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A number that is not negative. Its one spelling has a leading zero where the first
    /// bit would else be a sign, and nowhere else.
    fn number(&mut self) -> Result<&'a [u8], KeyError> {
        match self.bytes()? {
            [0, high, ..] if *high < 0x80 => Err(no_key()),
            [high, ..] if *high >= 0x80 => Err(no_key()),
            [0, number @ ..] | number => Ok(number),
        }
    }

    /// RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4; sk-: OpenSSH's PROTOCOL.u2f.
    fn key(&mut self, name: &str) -> Result<PublicKey, KeyError> {
        let is_of_token = name.starts_with("sk-");
        let key = match name.strip_prefix("sk-").unwrap_or(name) {
            "ssh-ed25519" | "ssh-ed25519@openssh.com" => PublicKey::ed25519(self.bytes()?)?,
            "ssh-rsa" if !is_of_token => {
                let (e, n) = (self.number()?, self.number()?);
                PublicKey::rsa(n, e)?
            }
            "ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp256@openssh.com" => self.ec(Curve::P256)?,
            "ecdsa-sha2-nistp384" if !is_of_token => self.ec(Curve::P384)?,
            "ecdsa-sha2-nistp521" if !is_of_token => self.ec(Curve::P521)?,
            _ => return Err(KeyError::KeyType(name.to_owned())),
        };
        if is_of_token {
            let _application = self.bytes()?;
        }
        Ok(key)
    }

    fn ec(&mut self, curve: Curve) -> Result<PublicKey, KeyError> {
        let name = match curve {
            Curve::P256 => "nistp256",
            Curve::P384 => "nistp384",
            Curve::P521 => "nistp521",
        };
        if self.bytes()? != name.as_bytes() {
            return Err(no_key());
        }
        PublicKey::ec(curve, self.bytes()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thumbprint, type and base64 of each line.
    fn keys() -> impl Iterator<Item = [&'static str; 3]> {
        let lines = include_str!("testdata/ssh_keys.txt").lines();
        lines.filter(|line| !line.starts_with('#')).map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            words.try_into().unwrap()
        })
    }

    fn blob(base64: &str) -> Vec<u8> {
        Base64::decode_vec(base64).unwrap()
    }

    fn line(name: &str, blob: &[u8]) -> String {
        format!("{name} {}", Base64::encode_string(blob))
    }

    fn string(bytes: &[u8]) -> Vec<u8> {
        [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
    }

    #[test]
    fn each_type_is_the_key_that_is_inside() {
        let mut types: Vec<&str> = Vec::new();
        for [thumbprint, name, base64] in keys() {
            for line in [
                format!("{name} {base64}"),
                format!("  {name}\t{base64} a comment\n"),
            ] {
                let key = PublicKey::from_ssh(&line).unwrap();
                assert_eq!(key.thumbprint(), thumbprint, "{name}");
            }
            types.push(name);
        }
        types.sort_unstable();
        assert_eq!(
            types,
            [
                "ecdsa-sha2-nistp256",
                "ecdsa-sha2-nistp384",
                "ecdsa-sha2-nistp384-cert-v01@openssh.com",
                "ecdsa-sha2-nistp521",
                "ssh-ed25519",
                "ssh-ed25519-cert-v01@openssh.com",
                "ssh-rsa",
                "ssh-rsa-cert-v01@openssh.com",
            ]
        );
    }

    /// A security key's line has its application behind the key (OpenSSH's PROTOCOL.u2f).
    #[test]
    fn a_security_key_is_the_key_that_is_inside() {
        for (name, of_token) in [
            ("ssh-ed25519", "sk-ssh-ed25519@openssh.com"),
            ("ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com"),
        ] {
            let [thumbprint, _, base64] = keys().find(|[_, one, _]| *one == name).unwrap();
            let plain = blob(base64);
            let key = plain.get(4 + name.len()..).unwrap();
            let inside = [&string(of_token.as_bytes()), key, &string(b"ssh:")].concat();
            let found = PublicKey::from_ssh(&line(of_token, &inside)).unwrap();
            assert_eq!(found.thumbprint(), thumbprint);
            // Without its application it is none.
            let short = [&string(of_token.as_bytes()), key].concat();
            assert!(PublicKey::from_ssh(&line(of_token, &short)).is_err());
        }
    }

    #[test]
    fn what_is_cut_or_has_more_is_no_key() {
        for [_, name, base64] in keys() {
            let whole = blob(base64);
            let is_certificate = name.ends_with(CERTIFICATE);
            for length in 0..whole.len() {
                let cut = line(name, whole.get(..length).unwrap());
                let refused = PublicKey::from_ssh(&cut).is_err();
                assert!(refused || is_certificate, "{name}, {length} bytes");
            }
            let more = line(name, &[&whole[..], &[0]].concat());
            assert_eq!(PublicKey::from_ssh(&more).is_ok(), is_certificate, "{name}");
        }
    }

    #[test]
    fn what_is_called_another_type_is_no_key() {
        for [_, name, base64] in keys() {
            for [_, other, _] in keys().filter(|[_, other, _]| *other != name) {
                assert!(PublicKey::from_ssh(&format!("{other} {base64}")).is_err());
            }
        }
        for bad in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 not-base64",
        ] {
            assert_eq!(PublicKey::from_ssh(bad), Err(no_key()), "{bad:?}");
        }
        for unknown in [
            "ssh-dss",
            "sk-ssh-rsa",
            "sk-ecdsa-sha2-nistp384",
            "ssh-mldsa",
        ] {
            let result = PublicKey::from_ssh(&line(unknown, &string(unknown.as_bytes())));
            assert_eq!(result, Err(KeyError::KeyType(unknown.into())));
        }
    }

    #[test]
    fn a_number_has_one_spelling_and_no_sign() {
        let rsa = |e: &[u8], n: &[u8]| {
            let fields = [string(b"ssh-rsa"), string(e), string(n)].concat();
            PublicKey::from_ssh(&line("ssh-rsa", &fields))
        };
        let mut n = vec![0; 257];
        n[1..].fill(0xc1);
        assert!(rsa(&[1, 0, 1], &n).is_ok());
        assert_eq!(rsa(&[1, 0, 1], &n[1..]), Err(no_key()));
        assert_eq!(rsa(&[0, 1, 0, 1], &n), Err(no_key()));
        assert_eq!(rsa(&[3], &n), Err(KeyError::Exponent));
        assert!(rsa(&[], &n).is_err());
    }

    #[test]
    fn a_curve_is_that_of_the_type() {
        let [_, name, base64] = keys()
            .find(|[_, one, _]| *one == "ecdsa-sha2-nistp256")
            .unwrap();
        let whole = blob(base64);
        let point = whole.get(whole.len() - 65..).unwrap();
        let with = |curve: &[u8], point: &[u8]| {
            let fields = [string(name.as_bytes()), string(curve), string(point)].concat();
            PublicKey::from_ssh(&line(name, &fields))
        };
        assert!(with(b"nistp256", point).is_ok());
        assert_eq!(with(b"nistp384", point), Err(no_key()));
        let mut off = point.to_vec();
        off[40] ^= 1;
        assert_eq!(with(b"nistp256", &off), Err(KeyError::Point(Curve::P256)));
    }
}
