//! `pam-jwt status-list load`: for logins to look into.

use crate::grounds;
use crate::moment::shown;
use ::status_list::Verified;
use clap::Args;
use cli::output::{Exit, Failure, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use system::status_store::{self, Head, Place, Stored};

/// Verify a status list and unpack it for logins, which look into it from then on.
///
/// The list is a file that something else has fetched. It is verified with the keys of the
/// issuer that is trusted, and takes the place of the one of the same uri. Where it is
/// refused, that one stays. When it ends by exp or ttl it is stale: load the next one before.
/// The ttl is counted from now, so load what was just fetched, and nothing where that failed.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # from then on logins heed it
  pam-jwt status-list load list.jwt")]
pub struct Load {
    /// The list, a JWT.
    file: PathBuf,
    /// Whose it is, where it does not say and keys of several issuers fit.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Also where one is loaded that was issued later.
    #[arg(long)]
    force: bool,
}

impl Load {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let now = grounds::now()?;
        let Verified {
            issuer,
            kid,
            list,
            statuses,
        } = super::read(&self.file, config, self.issuer.as_deref(), now)?;
        let head = Head {
            stale_at: list.stale_at(now),
            bytes: statuses.len() as u64,
            issued_at: list.issued_at,
            bits: list.bits,
            uri: list.uri,
            issuer,
            kid,
        };
        let stored =
            status_store::store(Place::loaded(), &head, &statuses, self.force).map_err(|why| {
                let advice = if why.contains("ermission denied") {
                    "; run this as root"
                } else {
                    ""
                };
                Failure::new(format!("{why}{advice}"))
            })?;
        if let Stored::Older(later) = stored {
            return Err(Failure::new(format!(
                "{}: it was issued at {}, the one that is loaded later, at {}; --force takes the \
                 older one all the same",
                self.file.display(),
                shown(head.issued_at),
                shown(later.issued_at)
            )));
        }
        if head.stale_at.is_none() {
            out.hint("it has neither exp nor ttl, so it never counts as stale");
        }
        out.report(
            || {
                json!({ "issuer": head.issuer, "uri": head.uri, "kid": head.kid,
                "bits": head.bits.number(), "entries": head.entries(), "iat": head.issued_at,
                "stale_at": head.stale_at })
            },
            || {
                format!(
                    "Loaded {} of {}: {} entries of {} bits, issued {}, stale {}.",
                    head.uri,
                    head.issuer,
                    head.entries(),
                    head.bits.number(),
                    shown(head.issued_at),
                    head.stale_at.map_or("never".to_owned(), shown)
                )
            },
        );
        Ok(Exit::Done)
    }
}
