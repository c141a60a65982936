//! A login with a browser (RFC 8628): who answers our prompt with nothing is shown an address and
//! a code, and the token comes from the issuer. Nothing here depends on the account.

use crate::auth::NoAttempt;
use crate::helper::{Helper, NoAnswer};
use crate::issue::has_tty_of_sshd;
use crate::options::Options;
use crate::qr::{self, Paint};
use jose::compact::is_token_shaped;
use pam::{Code, Handle, Secret};
use policy::config::Device;
use policy::introspection;
use policy::reason::Reason;
use policy::trust::{Trust, TrustedIssuer};
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::path::Path;
use std::time::Duration;
use system::clock::Deadline;
use system::helper::{self, Answer, Errand, Request};
use system::{client_secret, key_store, process};

/// For the issuer's code.
const FOR_CODE: Duration = Duration::from_secs(10);

/// The longest that anybody is waited for, in seconds.
const LONGEST: u64 = 30 * 60;

/// The same in a host program without a terminal, which may be a daemon that shows nobody what
/// is to be confirmed: who gives it empty passwords must not hold up all that it serves.
const LONGEST_UNSEEN: u64 = 2 * 60;

/// For the helper to say that the code has expired, beyond its time.
const GRACE: u64 = 30;

/// How the host program shows text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    /// At once; a picture too, where it is a terminal.
    Live(Option<Paint>),
    /// As part of a prompt alone.
    Prompts,
}

/// The token of a login with a browser; none where there is no such login.
///
/// # Errors
/// Why there was one and it brought no token.
pub(crate) fn login(
    handle: &mut Handle<'_>,
    options: &Options,
) -> Result<Option<Secret>, NoAttempt> {
    let Some(screen) = Screen::of(handle) else {
        return Ok(None);
    };
    let service = handle.service().unwrap_or_default();
    let loaded = key_store::load(&options.config);
    let trust = loaded.map_err(|faults| (Reason::ConfigError, key_store::first(&faults)))?;
    let Some((issuer, device)) = offered(&trust.trust, &service) else {
        return Ok(None);
    };
    token(handle, options, screen, &trust.trust, issuer, device).map(Some)
}

/// Whether sshd lets nobody in as this user: there is no such account, or its settings say so
/// (AllowUsers, DenyUsers). In place of what is typed then it passes junk on, and what a token
/// opened, or used up, would be as wrong. Of an account that is called unknown it cannot be told.
pub(crate) fn is_for_nobody(handle: &Handle<'_>) -> bool {
    has_tty_of_sshd(handle) && process::own_title().map_or(true, |title| is_of_nobody(&title))
}

/// What the log says of it.
pub(crate) const FOR_NOBODY: &str = "sshd lets nobody in as this user, so the token was not \
     looked at; see AllowUsers and DenyUsers in sshd_config(5)";

fn is_of_nobody(title: &str) -> bool {
    title.ends_with(": unknown [pam]")
}

/// The first issuer, in the order of the files, with whom one logs in at `service` that way.
fn offered<'a>(trust: &'a Trust, service: &str) -> Option<(&'a TrustedIssuer, &'a Device)> {
    trust.issuers.iter().find_map(|issuer| {
        let mut services = issuer.allow.iter().flat_map(|rule| &rule.services);
        let device = issuer.device.as_ref()?;
        services
            .any(|one| one == service)
            .then_some((issuer, device))
    })
}

fn token(
    handle: &mut Handle<'_>,
    options: &Options,
    screen: Screen,
    trust: &Trust,
    issuer: &TrustedIssuer,
    device: &Device,
) -> Result<Secret, NoAttempt> {
    let failed = |why: String| (Reason::DeviceFailed, why);
    let secret = device.client_secret_file.as_deref().map(Path::new);
    let secret = secret.map(client_secret::read).transpose();
    let request = Request {
        config: options.config.clone(),
        issuer: issuer.issuer.clone(),
        errand: Errand::Device {
            client_secret: secret.map_err(failed)?,
            resource: device.resource.clone(),
        },
    };
    let helper = Helper::find(&trust.global).map_err(failed)?;
    let mut running = helper.start(&request).map_err(failed)?;
    let interrupted = || (Reason::NoAnswer, "the user gave up".to_owned());
    let code = match running.answer(Deadline::after(FOR_CODE)) {
        Ok(Answer::Code(code)) => code,
        Ok(Answer::Failed(why)) => return Err(failed(why)),
        Err(NoAnswer::Failed(why)) => return Err(failed(helper.named(&why))),
        Ok(_) => return Err(failed(UNASKED.to_owned())),
        Err(NoAnswer::Interrupted) => return Err(interrupted()),
    };
    let longest = screen.longest();
    let patience = Duration::from_secs(code.expires_in.min(longest) + GRACE);
    let deadline = Deadline::after(patience);
    screen
        .show(handle, &code, device.qr)
        .map_err(|code| (Reason::NoAnswer, code.name().to_owned()))?;
    match running.answer(deadline) {
        Ok(Answer::Token(token)) => {
            let bytes = token.as_bytes();
            if is_token_shaped(bytes) || introspection::issuer_of(trust, bytes).is_some() {
                Ok(Secret::from(bytes.to_vec()))
            } else {
                Err(failed(format!("{}: {NO_JWT}", issuer.issuer)))
            }
        }
        Ok(Answer::Denied) => Err((Reason::DeviceDenied, issuer.issuer.clone())),
        Ok(Answer::Expired) => Err((Reason::DeviceExpired, issuer.issuer.clone())),
        Ok(Answer::Failed(why)) => Err(failed(why)),
        Ok(_) => Err(failed(UNASKED.to_owned())),
        Err(NoAnswer::Interrupted) => Err(interrupted()),
        Err(_) if code.expires_in > longest && deadline.left().is_zero() => {
            Err((Reason::DeviceExpired, issuer.issuer.clone()))
        }
        Err(NoAnswer::Failed(why)) => Err(failed(helper.named(&why))),
    }
}

const NO_JWT: &str = "the token is no JWT; have [device] ask for one by its scope or resource, or \
     say token = \"id_token\"";

const UNASKED: &str = "pam-jwt-fetch answers what was not asked";

/// What whoever waits is told.
pub(crate) const fn words(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::DeviceFailed => Some("A login with a browser is not possible now."),
        Reason::DeviceDenied => Some("The login was refused there."),
        Reason::DeviceExpired => Some("The code was not confirmed in time."),
        _ => None,
    }
}

impl Screen {
    /// None where nothing would be seen: under sshd's `password`, whose one answer was given
    /// before anything was asked. sshd takes keyboard-interactive's answers in a process of its
    /// own, and says so in its title; text it keeps for the next prompt (seen with 9.2 and
    /// 10.0), so it has to be part of one.
    fn of(handle: &Handle<'_>) -> Option<Self> {
        if has_tty_of_sshd(handle) {
            let title = process::own_title().ok()?;
            return title.ends_with(" [pam]").then_some(Self::Prompts);
        }
        let is_terminal = stdin().is_terminal() || stdout().is_terminal() || stderr().is_terminal();
        Some(Self::Live(is_terminal.then_some(Paint::BlackOnWhite)))
    }

    /// The longest that is waited, in seconds.
    const fn longest(self) -> u64 {
        match self {
            Self::Live(None) => LONGEST_UNSEEN,
            Self::Live(Some(_)) | Self::Prompts => LONGEST,
        }
    }

    /// Shows what is to be confirmed. It is no message that PAM_SILENT is about: who has
    /// answered with nothing has asked for it, and without it the answer would be none.
    fn show(self, handle: &mut Handle<'_>, code: &helper::Code, qr: bool) -> Result<(), Code> {
        let helper::Code {
            user_code,
            verification_uri,
            ..
        } = code;
        let picture = |paint: Option<Paint>| {
            let paint = paint.filter(|_| qr);
            paint.map_or_else(String::new, |paint| qr::text(&code.qr, paint))
        };
        match self {
            Self::Live(paint) => {
                let picture = picture(paint);
                if !picture.is_empty() {
                    handle.info(picture.trim_end_matches('\n'));
                }
                handle.info(&format!(
                    "Open {verification_uri} in any browser and confirm the code {user_code} \
                     there."
                ));
                Ok(())
            }
            Self::Prompts => {
                let picture = picture(Some(Paint::Plain));
                // The client writes to whom one logs in before it.
                let before = if picture.is_empty() { "" } else { "\n" };
                let prompt = format!(
                    "{before}{picture}Open {verification_uri} in any browser, confirm the code \
                     {user_code} there, then press Enter: "
                );
                // Whatever is typed there: sshd puts junk in its place for an account that does
                // not exist.
                handle.ask(&prompt).map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshds_title_tells_for_whom_nobody_is_let_in() {
        for (title, is_nobody) in [
            ("sshd: unknown [pam]", true),
            ("sshd-session: unknown [pam]", true),
            ("sshd: alice [pam]", false),
            ("sshd: notunknown [pam]", false),
            ("sshd: unknown [priv]", false),
            ("", false),
        ] {
            assert_eq!(is_of_nobody(title), is_nobody, "{title}");
        }
    }
}
