//! `pam-jwt keygen`: a new signing key.

use crate::new_file::NewFiles;
use crate::new_key::{algorithm, generate, with_newline};
use clap::Args;
use cli::output::{Exit, Failure, Output};
use jose::Algorithm;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Make a signing key: a private JWK (mode 0600) and the public JWK beside it.
///
/// The public JWK is what other machines trust: copy it into their
/// /etc/pam-jwt/keys and name it in a file of issuers.d.
///
/// With HS256, HS384 and HS512 there is one key for both sides, and whoever can verify can
/// also sign. It has no public half: the one file is copied, and keeps its mode 0600.
///
/// Signatures by ML-DSA-44, ML-DSA-65 and ML-DSA-87 hold against quantum computers too. They
/// make tokens of 3,500 to 6,500 bytes and more, which jwt-ssh gives in pieces by itself.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # ci.jwk signs; ci.pub.jwk is for the machines that are to trust it
  pam-jwt keygen --alg EdDSA --out ci.jwk")]
pub struct Keygen {
    /// The algorithm to sign with. RSA keys get 3072 bits.
    #[arg(long, value_parser = algorithm())]
    alg: Algorithm,
    /// Where the private JWK goes; NAME.jwk puts the public one into NAME.pub.jwk.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The key's kid, instead of the beginning of its RFC 7638 thumbprint.
    #[arg(long, allow_hyphen_values = true)]
    kid: Option<String>,
}

impl Keygen {
    /// Runs it.
    pub fn run(&self, out: &Output) -> Result<Exit, Failure> {
        let key = generate(self.alg, self.kid.as_deref())?;
        let mut files = NewFiles::default();
        files.file(&self.out, 0o600, with_newline(&key.private_jwk).as_bytes())?;
        let mut public = None;
        if let Some(jwk) = &key.public_jwk {
            let path = public_path(&self.out);
            files.file(&path, 0o644, with_newline(jwk).as_bytes())?;
            public = Some(path.display().to_string());
        }
        files.keep();
        let private = self.out.display().to_string();
        out.report(
            || json!({ "alg": self.alg.name(), "kid": key.kid, "private": private, "public": public }),
            || {
                let halves = match &public {
                    Some(public) => format!(
                        "{private}  private, keep it (mode 0600)\n\
                         {public}  public, for those who trust it"
                    ),
                    None => format!("{private}  secret, for both sides alone (mode 0600)"),
                };
                format!("{halves}\nkid {}, {}", key.kid, self.alg)
            },
        );
        Ok(Exit::Done)
    }
}

fn public_path(private: &Path) -> PathBuf {
    if private
        .extension()
        .is_some_and(|extension| extension == "jwk")
    {
        private.with_extension("pub.jwk")
    } else {
        let mut name = private.as_os_str().to_owned();
        name.push(".pub");
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_goes_beside_the_private_one() {
        for (private, public) in [
            ("/k/a.jwk", "/k/a.pub.jwk"),
            ("a.b.jwk", "a.b.pub.jwk"),
            ("a", "a.pub"),
            ("a.key", "a.key.pub"),
        ] {
            assert_eq!(public_path(Path::new(private)), PathBuf::from(public));
        }
    }
}
