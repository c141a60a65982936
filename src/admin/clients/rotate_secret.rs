//! `pam-jwt clients rotate-secret`

use super::{Registered, Secret, TAKEN_UP};
use ::clients::text::with_secrets;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use std::path::Path;

/// Give a client another secret, beside the one it has until that is dropped.
///
/// The old secret is good as well, so that nothing fails while the new one is brought to where
/// the client runs. When it is in use, --drop-old ends the old one.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # a new secret, printed once
  pam-jwt clients rotate-secret wiki
  # it is in use everywhere: the old one is good no more
  pam-jwt clients rotate-secret wiki --drop-old")]
pub struct RotateSecret {
    /// Its client_id.
    #[arg(value_name = "CLIENT_ID")]
    id: String,
    /// Keep the newest secret alone, and make none.
    #[arg(long)]
    drop_old: bool,
}

impl RotateSecret {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let found = Registered::find(config, &self.id)?;
        let had = &found.client.secret_sha256;
        let id = &self.id;
        let secret = if self.drop_old {
            None
        } else {
            Some(Secret::new()?)
        };
        let kept = kept(had, secret.as_ref().map(|secret| secret.sha256.as_str()))
            .map_err(|why| Failure::new(why.replace("CLIENT_ID", id)))?;
        let text = with_secrets(&found.text, &kept)
            .map_err(|why| Failure::new(format!("{}: {why}", found.path.display())))?;
        found.replace(&text)?;
        out.report(
            || {
                let text = secret.as_ref().map(|secret| secret.text.as_str());
                json!({ "client_id": id, "secrets": kept.len(), "client_secret": text })
            },
            || match &secret {
                Some(secret) => format!(
                    "client_id      {id}\nclient_secret  {}\n\nThe secret is shown this once. \
                     {TAKEN_UP}\nThe old one is good until: \
                     pam-jwt clients rotate-secret {id} --drop-old",
                    *secret.text
                ),
                None => format!("The old secret of {id} is good no more.\n{TAKEN_UP}"),
            },
        );
        Ok(Exit::Done)
    }
}

/// The digests that are kept, the newest first: `new` beside the newest there is, or the newest
/// alone.
fn kept(had: &[String], new: Option<&str>) -> Result<Vec<String>, &'static str> {
    match (had, new) {
        ([], _) => Err("CLIENT_ID has no secret: it shows who it is in another way"),
        ([newest], Some(new)) => Ok(vec![new.to_owned(), newest.clone()]),
        (_, Some(_)) => Err(
            "CLIENT_ID has two secrets already; when the new one is in use: \
             pam-jwt clients rotate-secret CLIENT_ID --drop-old",
        ),
        ([_], None) => Err("CLIENT_ID has one secret, and keeps it"),
        ([newest, ..], None) => Ok(vec![newest.clone()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_secret_stays_beside_the_new_until_it_is_dropped() {
        let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
        let both = kept(std::slice::from_ref(&a), Some("b")).unwrap();
        assert_eq!(both, [b.clone(), a.clone()]);
        assert_eq!(kept(&both, None).unwrap(), std::slice::from_ref(&b));
        assert!(kept(&both, Some(&c)).is_err());
        assert!(kept(&[a], None).is_err());
        assert!(kept(&[], Some("b")).is_err() && kept(&[], None).is_err());
    }
}
