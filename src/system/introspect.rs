//! Asking an issuer about an opaque token (RFC 7662).

use crate::client_secret;
use crate::helper::{Answer, Errand, Request, SecretText};
use crate::remote::Remote;
use policy::introspection::Said;
use policy::trust::{Trust, TrustedIssuer};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// For how long somebody waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of it, to be [`Said`].
pub(crate) enum Outcome {
    Claims(SecretText),
    Inactive,
    Nothing(String),
}

impl Outcome {
    pub(crate) fn said(&self) -> Said<'_> {
        match self {
            Self::Claims(claims) => Said::Claims(claims),
            Self::Inactive => Said::Inactive,
            Self::Nothing(why) => Said::Nothing(why),
        }
    }
}

/// Asks `issuer` about `token`, which is meant as one of its. `config` is the configuration's
/// directory.
pub(crate) fn introspect(
    issuer: &TrustedIssuer,
    token: &[u8],
    config: &Path,
    remote: &dyn Remote,
) -> Outcome {
    match ask(issuer, token, config, remote) {
        Ok(Answer::Claims(claims)) => Outcome::Claims(claims),
        Ok(Answer::Inactive) => Outcome::Inactive,
        Ok(Answer::Failed(why)) | Err(why) => Outcome::Nothing(why),
        Ok(_) => Outcome::Nothing("the helper gave another answer than that".to_owned()),
    }
}

/// Asks about tokens that are none every issuer whose opaque tokens may have so many `bytes`, but
/// for the one that was `asked` about the secret. For nothing but the time that it takes: for an
/// account that does not exist sshd passes on junk of the length of what was typed, and whoever
/// measures could tell by it whom that was about.
pub(crate) fn pretend(
    trust: &Trust,
    bytes: usize,
    asked: Option<&str>,
    config: &Path,
    remote: &dyn Remote,
) {
    for issuer in &trust.issuers {
        let settings = issuer.introspection.as_ref();
        let settings = settings.filter(|settings| settings.may_have(bytes));
        if let Some(settings) = settings.filter(|_| asked != Some(issuer.issuer.as_str())) {
            // One after the other, since the one that was asked was not beside them either.
            let _ = introspect(issuer, settings.made_up().as_bytes(), config, remote);
        }
    }
}

fn ask(
    issuer: &TrustedIssuer,
    token: &[u8],
    config: &Path,
    remote: &dyn Remote,
) -> Result<Answer, String> {
    let settings = issuer.introspection.as_ref();
    let settings = settings.ok_or("its file has no [introspection]")?;
    let token = std::str::from_utf8(token).map_err(|_| "the token is not UTF-8")?;
    let request = Request {
        config: config.to_owned(),
        issuer: issuer.issuer.clone(),
        errand: Errand::Introspect {
            token: Zeroizing::new(token.to_owned()),
            client_secret: client_secret::read(Path::new(&settings.client_secret_file))?,
        },
    };
    remote.ask(&request, PATIENCE)
}
