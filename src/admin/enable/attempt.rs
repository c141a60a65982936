//! Tries the new stacks in real PAM transactions, before anything is written: libpam reads them
//! from a directory of this process's own, which has links to all other services.
//!
//! What is tried hurts nobody. A wrong password is given for an account that does not exist, and,
//! as a forged token is, for `nobody`, as whom no one logs in: where pam_faillock counts failures
//! it is nobody's that are counted. A good token is tried for an ordinary account, where that is
//! no failure. Only pam_authenticate is called, so no session comes of it.

use super::answer::Answers;
use super::plan::{Change, Remark};
use crate::pam_d::PamD;
use crate::{grounds, signing_key};
use cli::output::Failure;
use jose::sign::random_id;
use jose::{Algorithm, PrivateKey};
use nix::unistd::{Uid, setresuid};
use pam::{Code, Flags, Transaction};
use policy::config::Account;
use policy::explain::Silent;
use policy::issue::{Grant, claims, signed};
use serde_json::Map;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use system::login::Attempt;
use system::records::Purpose;
use system::remote::Offline;
use zeroize::Zeroizing;

/// What came of the transactions of one service.
#[derive(Debug, PartialEq, Eq)]
pub struct Tried {
    pub service: String,
    /// Secrets that were refused, as they ought to be.
    pub refused: Vec<&'static str>,
    /// Whose token was accepted, or why none was tried.
    pub accepted: Result<String, String>,
}

/// The service of one line, by which it is seen that the module loads.
const PROBE: &str = "pam-jwt-enable";
/// What no account is called.
const NO_ACCOUNT: &str = "pam-jwt-no-such-account";
/// As whom no one logs in.
const NOBODY: &str = "nobody";
/// Seconds for which the token lives that is tried.
const LIFETIME: u64 = 60;
/// How many accounts are looked at for one that a rule lets in.
const MOST_ACCOUNTS: usize = 50;

/// Tries the services of these changes.
pub fn attempt(
    changes: &[Change],
    pam_d: &PamD,
    config: &Path,
) -> Result<Result<Vec<Tried>, Remark>, Failure> {
    let stage = Stage::of(changes, pam_d)
        .map_err(|error| Failure::new(format!("/run: {error}; the new lines are not tried")))?;
    if let Err(broken) = stage.loads() {
        return Ok(Err(broken));
    }
    let signer = Signer::of(config);
    let mut tried = Vec::new();
    for change in changes {
        match stage.service(&change.service, config, &signer) {
            Ok(one) => tried.push(one),
            Err(broken) => return Ok(Err(broken)),
        }
    }
    Ok(Ok(tried))
}

/// The directory that libpam has the services from, which goes with this.
struct Stage(PathBuf);

impl Stage {
    fn of(changes: &[Change], pam_d: &PamD) -> std::io::Result<Stage> {
        // Whoever gets here has the turn: one that is there is left of a run that was killed.
        let dir = PathBuf::from("/run/pam-jwt-enable");
        let _ = fs::remove_dir_all(&dir);
        DirBuilder::new().mode(0o700).create(&dir)?;
        let stage = Stage(dir);
        let is_changed = |name: &str| changes.iter().any(|change| change.service == name);
        for name in pam_d.services() {
            let own = pam_d.etc.join(&name);
            let file = if own.exists() {
                own
            } else {
                pam_d.vendor.join(&name)
            };
            if !is_changed(&name) {
                symlink(file, stage.0.join(name))?;
            }
        }
        for change in changes {
            fs::write(stage.0.join(&change.service), &change.new)?;
        }
        let module = format!("auth required pam_jwt.so{}\n", config_argument(changes));
        fs::write(stage.0.join(PROBE), module)?;
        Ok(stage)
    }

    /// That libpam finds the module, which a `sufficient` line would not tell: what is missing
    /// there is passed over.
    fn loads(&self) -> Result<(), Remark> {
        let (result, asked) = self.authenticate(PROBE, NO_ACCOUNT, b"no token");
        match result {
            Err(code @ (Code::OpenErr | Code::SymbolErr | Code::ModuleUnknown | Code::Abort)) => {
                Err(Remark {
                    code: "module_missing",
                    place: "pam_jwt.so".to_owned(),
                    text: format!("libpam cannot load pam_jwt.so ({code})."),
                    advice:
                        "Install it where pam_unix.so is, for this machine's architecture; the \
                             journal has what the loader says."
                            .to_owned(),
                })
            }
            Err(_) if asked => Ok(()),
            Err(code) => Err(Remark {
                code: "module_silent",
                place: "pam_jwt.so".to_owned(),
                text: format!("pam_jwt.so does not ask for a token ({code})."),
                advice: "The journal has why.".to_owned(),
            }),
            Ok(()) => Err(Remark {
                code: "lets_anyone_in",
                place: "pam_jwt.so".to_owned(),
                text: "pam_jwt.so alone lets somebody in whose secret is no token.".to_owned(),
                advice: "The file is not the one that was built here: install it anew.".to_owned(),
            }),
        }
    }

    fn service(&self, service: &str, config: &Path, signer: &Signer) -> Result<Tried, Remark> {
        let forged = signer.forged();
        let mut refused = Vec::new();
        for (what, account, secret) in [
            (
                "a wrong password of no account",
                NO_ACCOUNT,
                &b"wrong password"[..],
            ),
            ("a wrong password of nobody's", NOBODY, b"wrong password"),
            ("a forged token", NOBODY, forged.as_bytes()),
        ] {
            if self.authenticate(service, account, secret).0.is_ok() {
                return Err(Remark {
                    code: "lets_anyone_in",
                    place: format!("/etc/pam.d/{service}"),
                    text: format!("{service} lets anybody in: libpam accepted {what}."),
                    advice: "See which of its auth lines succeeds without a credential: \
                             pam-jwt check"
                        .to_owned(),
                });
            }
            refused.push(what);
        }
        let accepted = match signer.good(service, config) {
            Err(why) => Err(why),
            Ok((account, token)) => {
                self.authenticate(service, &account, token.as_bytes())
                    .0
                    .map_err(|code| Remark {
                        code: "refuses_tokens",
                        place: format!("/etc/pam.d/{service}"),
                        text: format!(
                            "{service} refuses a token of {account}'s that a rule allows ({code})."
                        ),
                        advice: format!(
                            "Another line is in the way, or {account} is locked there: the journal \
                             has what each module said."
                        ),
                    })?;
                Ok(account)
            }
        };
        Ok(Tried {
            service: service.to_owned(),
            refused,
            accepted,
        })
    }

    /// What comes of a secret, and whether it was asked for as a token.
    fn authenticate(
        &self,
        service: &str,
        account: &str,
        secret: &[u8],
    ) -> (Result<(), Code>, bool) {
        let (answers, asked) = Answers::with(secret);
        let run = || {
            let start =
                Transaction::start(service, Some(account), Some(&self.0), Box::new(answers));
            let mut transaction = start?;
            transaction.without_fail_delay()?;
            // What sshd and login say, and what some modules do not do without.
            transaction.set_tty("pam-jwt")?;
            transaction.set_rhost("localhost")?;
            transaction.set_ruser(account)?;
            transaction.authenticate(Flags::SILENT)
        };
        let _caller = Caller::somebody();
        (run(), asked.get())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// As in su and sudo the caller is not root, to whom pam_rootok would open everything.
struct Caller;

impl Caller {
    fn somebody() -> Caller {
        let root = Uid::from_raw(0);
        let _ = setresuid(Uid::from_raw(65534), root, root);
        Caller
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let root = Uid::from_raw(0);
        let _ = setresuid(root, root, root);
    }
}

/// The argument by which the lines name their configuration, if they do.
fn config_argument(changes: &[Change]) -> String {
    let lines = changes
        .iter()
        .flat_map(|change| super::edit::ours(&change.new));
    let mut words = lines.flat_map(|line| {
        let words = line.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    let config = words.find(|word| word.starts_with("config="));
    config.map(|word| format!(" {word}")).unwrap_or_default()
}

/// This machine's key, if it trusts it itself.
struct Signer(Result<signing_key::Signer, String>);

impl Signer {
    fn of(config: &Path) -> Signer {
        let found = signing_key::find(config, None, None);
        Signer(found.map_err(|_| "this machine has no signing key that it trusts".to_owned()))
    }

    /// A token of an ordinary account that a rule lets in, and whose.
    fn good(&self, service: &str, config: &Path) -> Result<(String, Zeroizing<String>), String> {
        let signer = self.0.as_ref().map_err(Clone::clone)?;
        let none =
            || format!("no rule lets an account in at {service} by this machine's own tokens");
        let trust = grounds::trust(config).map_err(|_| none())?;
        let rules = trust.issuers.iter().flat_map(|issuer| &issuer.allow);
        let named = rules.filter_map(|rule| match &rule.account {
            Account::Named(name) if name != "root" => Some(name.clone()),
            _ => None,
        });
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let accounts: Vec<String> = named.chain(ordinary(&passwd)).take(MOST_ACCOUNTS).collect();
        for account in accounts {
            let token = token(
                &signer.key,
                &signer.issuer,
                signer.audience.as_deref(),
                &account,
            )?;
            let attempt = Attempt {
                secret: token.as_bytes(),
                in_pieces: false,
                account: &account,
                service,
                auth_info: "",
                proved: &[],
                purpose: Purpose::Explanation,
            };
            let offline = Offline("nobody is asked");
            let verdict = system::login::decide(attempt, config, &offline, &mut Silent);
            if verdict.decision.rule().is_some() {
                return Ok((account, token));
            }
        }
        Err(none())
    }

    /// A token like that one, which another key has signed.
    fn forged(&self) -> Zeroizing<String> {
        let (issuer, audience) = match &self.0 {
            Ok(signer) => (&*signer.issuer, signer.audience.as_deref()),
            Err(_) => ("https://nobody.invalid", None),
        };
        let forge = || {
            let made = jose::private_key::generate(Algorithm::EdDsa, None).ok()?;
            let mut key = PrivateKey::parse(made.private_jwk.as_bytes()).ok()?;
            if let Ok(signer) = &self.0 {
                key.kid.clone_from(&signer.key.kid);
            }
            token(&key, issuer, audience, NOBODY).ok()
        };
        // Whatever it is, it is none that anybody has signed.
        forge().unwrap_or_else(|| Zeroizing::new("eyJhbGciOiJFZERTQSJ9.e30.AAAA".to_owned()))
    }
}

fn token(
    key: &PrivateKey,
    issuer: &str,
    audience: Option<&str>,
    account: &str,
) -> Result<Zeroizing<String>, String> {
    let now = system::clock::now().map_err(|_| "the clock is not set".to_owned())?;
    let id = random_id().map_err(|error| error.to_string())?;
    let audience: Vec<String> = audience.map(str::to_owned).into_iter().collect();
    let grant = Grant {
        issuer,
        account,
        audience: &audience,
        client_id: "pam-jwt enable",
        id: &id,
        now,
        expires: now.saturating_add(LIFETIME),
    };
    let claims = claims(&grant, Map::new())?;
    signed(key, &claims).map(Zeroizing::new)
}

/// The accounts of passwd(5) that people have.
fn ordinary(passwd: &str) -> impl Iterator<Item = String> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let shell = fields.nth(3)?;
        let logs_in = !shell.ends_with("/nologin") && !shell.ends_with("/false");
        ((1000..65534).contains(&uid) && logs_in).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_from_daemons() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbin:x:2:2::/:/usr/sbin/nologin\n\
            alice:x:1000:1000:A,,,:/home/alice:/bin/sh\nbob:x:1001:1001::/:/bin/false\n\
            nobody:x:65534:65534::/:/bin/sh\nodd\ncarol:x:20000:1::/:";
        let found: Vec<String> = ordinary(passwd).collect();
        assert_eq!(found, ["alice", "carol"]);
    }

    #[test]
    fn a_forged_token_has_the_form_of_one() {
        let forged = Signer(Err(String::new())).forged();
        assert_eq!(forged.matches('.').count(), 2);
        assert!(forged.starts_with("eyJ"));
    }
}
