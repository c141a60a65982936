//! `pam-jwt init`: a key of this machine's own, and an issuer file that trusts it.

use crate::faults;
use crate::new_config;
use crate::new_file::NewFiles;
use crate::new_key::{algorithm, generate, with_newline};
use crate::trust::quoted;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use jose::Algorithm;
use serde_json::json;
use std::path::Path;
use system::key_store;

/// Set this machine up to issue tokens and to accept its own.
///
/// Makes a signing key in private/, trusts its public half in issuers.d/local.toml
/// for the services sshd and login, and says what to put into pam.d. Nothing that
/// is there is changed; a second run changes nothing and exits 2.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # a key of this machine's own, trusted for sshd and login
  pam-jwt init --issuer https://login.example.org")]
pub struct Init {
    /// The iss of this machine's tokens, for example https://login.example.org
    #[arg(long, value_name = "URL", value_parser = issuer)]
    issuer: String,
    /// The algorithm of its key.
    #[arg(long, value_parser = algorithm(), default_value = "EdDSA")]
    alg: Algorithm,
}

impl Init {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        new_config::check_path(config)?;
        let private = config.join("private/local.jwk");
        let public = config.join("keys/local.jwk");
        let trust = config.join("issuers.d/local.toml");
        for path in [&trust, &public, &private] {
            if path.symlink_metadata().is_ok() {
                return Err(Failure::new(format!(
                    "{} is there already; nothing was changed. To start over, take it away yourself",
                    path.display()
                )));
            }
        }
        let key = generate(self.alg, None)?;
        let Some(public_jwk) = key.public_jwk else {
            return Err(Failure::new(format!(
                "{} has one key for both sides, so trusting it here would let whoever reads it \
                 sign; for a machine of its own use an algorithm with a public key, such as EdDSA",
                self.alg
            )));
        };
        let mut files = NewFiles::default();
        new_config::prepare(&mut files, config)?;
        files.file(&private, 0o600, with_newline(&key.private_jwk).as_bytes())?;
        files.file(&public, 0o644, with_newline(&public_jwk).as_bytes())?;
        files.file(&trust, 0o644, trust_file(&self.issuer, &public).as_bytes())?;
        // A file that stayed and does not load would refuse the tokens of every issuer.
        key_store::load(config).map_err(|faults| {
            faults::failure(
                "nothing was kept, since with it the configuration would not load",
                &faults,
            )
        })?;
        files.keep();
        let made = [&trust, &private, &public].map(|path| path.display().to_string());
        out.report(
            || json!({ "issuer": self.issuer, "kid": key.kid, "alg": self.alg.name(), "files": made }),
            || format!("Made {}.\n\n{NEXT_STEPS}", made.join(",\n     ")),
        );
        Ok(Exit::Done)
    }
}

fn trust_file(issuer: &str, key: &Path) -> String {
    format!(
        "# This machine's own tokens: pam-jwt issue ACCOUNT\n\
         issuer   = {}\n\
         audience = [\"ssh://{{hostname}}\"]\n\
         keys     = [{}]\n\
         \n\
         # The token's subject is the account; root and system accounts are never meant.\n\
         [[allow]]\n\
         account  = \"{{sub}}\"\n\
         services = [\"sshd\", \"login\"]\n",
        quoted(issuer),
        quoted(&key.display().to_string())
    )
}

const NEXT_STEPS: &str = "\
Next, without locking yourself out:
  1. Keep a root shell open until a login in another terminal has worked.
  2. Run \"pam-jwt enable sshd --try 60s\", which goes back by itself; without systemd leave
     --try away. It puts \"auth sufficient pam_jwt.so\" above \"@include common-auth\" into
     /etc/pam.d/sshd. See that sshd_config has \"UsePAM yes\" and \"KbdInteractiveAuthentication yes\".
  3. Run \"pam-jwt check\": it reads the configuration and pam.d, and names what is wrong.
  4. Try it: \"pam-jwt issue ACCOUNT\" prints a token; give it to ssh where it asks
     \"Password or token:\". Passwords go on working.
The way back: pam-jwt disable sshd. No service needs to be restarted.";

/// An iss is a URI (RFC 8414 §2); spaces and quotes are somebody's mistake.
fn issuer(text: &str) -> Result<String, String> {
    let has_scheme = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !scheme.is_empty()
            && !rest.is_empty()
    });
    if has_scheme
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'"')
    {
        Ok(text.to_owned())
    } else {
        Err("it is a URL such as https://login.example.org".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy::claim_path::ClaimPath;
    use policy::config::{Account, Config, Source};

    #[test]
    fn the_trust_file_that_is_written_loads() {
        let text = trust_file("https://x/?a=\\b", Path::new("/etc/pam-jwt/keys/local.jwk"));
        let global = Source {
            file: "pam-jwt.toml",
            text: new_config::GLOBAL,
        };
        let config = Config::parse(
            global,
            &[Source {
                file: "local.toml",
                text: &text,
            }],
        )
        .whole()
        .unwrap();
        assert_eq!(config.global, policy::config::Global::default());
        let issuer = &config.issuers[0];
        assert_eq!(
            (issuer.issuer.as_str(), issuer.keys[0].file.as_str()),
            ("https://x/?a=\\b", "/etc/pam-jwt/keys/local.jwk")
        );
        assert_eq!(issuer.audience, ["ssh://{hostname}"]);
        let sub = Account::Claim {
            path: ClaimPath::parse("sub").unwrap(),
            strip: None,
        };
        assert_eq!(issuer.allow[0].account, sub);
        assert_eq!(issuer.allow[0].services, ["sshd", "login"]);
    }

    #[test]
    fn an_issuer_is_a_url() {
        assert!(issuer("https://login.example.org").is_ok());
        for bad in [
            "",
            "login",
            "://x",
            "https://",
            "https://a b",
            "https://a\"b",
            "https://é",
        ] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }
}
