//! authenticate: gets the secret, and if it is a token, has it decided upon.

use crate::helper::OnDemand;
use crate::options::{Issue, Options};
use crate::pieces::{self, Answer};
use crate::transaction::TokenLogin;
use crate::{device, log, origin, return_code};
use jose::compact::{blemish, is_token_shaped};
use pam::{Code, Flags, Handle, Priority, Secret};
use policy::audit::Record;
use policy::cut;
use policy::decision::{Note, Refusal};
use policy::explain::Silent;
use policy::reason::Reason;
use std::ffi::CStr;
use std::time::Duration;
use system::key_store;
use system::login::{self, Attempt, ForSession, Verdict};
use system::records::Purpose;
use system::ssh_auth_info;

/// What pam_unix asks for after a wrong password.
const DELAY: Duration = Duration::from_secs(2);

/// What later modules find in place of a token, over and over: nobody can type it, for
/// a line ends at its newline, or has it as a password.
const JUNK: &[u8] = b"\x15\x7f\x08\nREFUSED";

/// pam_sm_authenticate(3)
pub(crate) fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
    // Asked for before anything can go wrong; libpam keeps to it after a failure only.
    handle.fail_delay(DELAY);
    match attempt(handle, args, flags) {
        Ok(code) => code,
        Err((reason, detail)) => {
            // Before anybody is told, who may be gone then, and the host program with them.
            log::refusal(handle, reason, Some(&detail));
            if let Some(words) = device::words(reason).filter(|_| !flags.contains(Flags::SILENT)) {
                handle.error(words);
            }
            return_code::authenticate(reason)
        }
    }
}

/// Why there was nothing to decide upon.
pub(crate) type NoAttempt = (Reason, String);

fn attempt(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Result<Code, NoAttempt> {
    let internal = |code: Code| (Reason::InternalError, code.name().to_owned());
    // Before anything else: such a line leaves all as the lines above have left it.
    if matches!(Options::parse(args), Ok(options) if options.issue != Issue::No) {
        return Ok(says_asked(handle, args));
    }
    // An application may authenticate twice in one transaction; what an earlier
    // token allowed ends here.
    handle.clear_data::<TokenLogin>().map_err(internal)?;
    origin::forget(handle).map_err(internal)?;
    // Before the arguments are read: whatever goes wrong, a stored token is out of reach.
    let stored = handle.authtok();
    if let Some(secret) = &stored {
        pass_on(handle, secret, args.contains(&c"pass_token")).map_err(internal)?;
    }
    let options = Options::parse(args).map_err(|detail| (Reason::BadArgument, detail))?;
    let no_answer = |what: &str| (Reason::NoAnswer, what.to_owned());
    let account = match handle.user() {
        // Not UTF-8.
        Err(Code::SystemErr) => None,
        account => Some(account.map_err(|code| no_answer(code.name()))?),
    };
    // Asked for before the account is looked at, so that all accounts are asked alike.
    let mut for_nobody = false;
    let (answer, advice) = match stored {
        // Another module asked, and most cannot take it in pieces.
        Some(secret) => (Answer { secret, count: 1 }, None),
        None if options.use_first_pass => return Err(no_answer("use_first_pass, and no secret")),
        None => {
            let answer = ask(handle, &options).map_err(|code| no_answer(code.name()))?;
            let bytes = answer.secret.as_bytes().len();
            let advice = cut::advice(bytes).filter(|_| answer.count == 1);
            let token = match bytes {
                0 => device::login(handle, &options)?,
                _ => None,
            };
            match token {
                Some(secret) => {
                    // A token for certain, whatever it looks like.
                    let junk = junk(secret.as_bytes().len());
                    for_nobody = device::is_for_nobody(handle);
                    let is_passed = options.pass_token && !for_nobody;
                    let passed = if is_passed { &secret } else { &junk };
                    handle.set_authtok(Some(passed)).map_err(internal)?;
                    let secret = if for_nobody { junk } else { secret };
                    (Answer { secret, count: 1 }, None)
                }
                None => (answer, advice),
            }
        }
    };
    let decided = account
        .ok_or((Reason::AccountNameInvalid, "not UTF-8".to_owned()))
        .and_then(|account| decide(handle, &options, &account, &answer).map_err(internal));
    if for_nobody {
        log::refusal(handle, Reason::AccountUnknown, Some(device::FOR_NOBODY));
    }
    let message = match &decided {
        Ok((Code::Success, _)) => None,
        Ok((_, Some(message))) => Some(message),
        // Whatever the reason: what is told of a cut may depend on nothing but the length.
        _ => advice.as_ref(),
    };
    if let Some(message) = message.filter(|_| !flags.contains(Flags::SILENT)) {
        handle.error(message);
    }
    decided.map(|(code, _)| code)
}

/// A line with `issue`: it asks nobody, and takes no part in whether the login succeeds.
fn says_asked(handle: &mut Handle<'_>, args: &[&CStr]) -> Code {
    let noted =
        Options::parse(args).and_then(|options| origin::note_asked(handle, &options.config));
    if let Err(detail) = noted {
        // The session will say that it does not know.
        log::refusal(handle, Reason::IssueFailed, Some(&detail));
    }
    Code::CredUnavail
}

fn ask(handle: &mut Handle<'_>, options: &Options) -> Result<Answer, Code> {
    let settings = key_store::settings(&options.config);
    let answer = pieces::collect(&settings.prompt, settings.max_token_bytes, |prompt| {
        handle.prompt(prompt)
    })?;
    pass_on(handle, &answer.secret, options.pass_token)?;
    Ok(answer)
}

/// Leaves a password for the modules that follow, but in place of a token junk of its
/// length: they would send a token elsewhere or use it as a key (pam_ldap, pam_krb5,
/// keyrings). Nor may they find nothing, because they would ask then: for an account
/// that does not exist sshd passes junk of its own, behind which nobody asks, so the
/// second prompt would tell which accounts exist. What is a token but for a blemish that
/// came with the pasting is as good as one to whoever gets it.
fn pass_on(handle: &mut Handle<'_>, secret: &Secret, pass_token: bool) -> Result<(), Code> {
    let bytes = secret.as_bytes();
    let is_token = is_token_shaped(bytes) || blemish(bytes).is_some();
    if pass_token || !is_token {
        return handle.set_authtok(Some(secret));
    }
    handle.set_authtok(Some(&junk(bytes.len())))
}

fn junk(length: usize) -> Secret {
    let bytes: Vec<u8> = JUNK.iter().copied().cycle().take(length).collect();
    Secret::from(bytes)
}

/// What the module returns, and what the user may be told of the decision.
fn decide(
    handle: &mut Handle<'_>,
    options: &Options,
    account: &str,
    answer: &Answer,
) -> Result<(Code, Option<String>), Code> {
    let service = handle.service().unwrap_or_default();
    let rhost = handle.rhost();
    let auth_info = handle.variable(ssh_auth_info::VARIABLE);
    let auth_info = auth_info.unwrap_or_default();
    let proved = ssh_auth_info::proved_keys(&auth_info);
    let attempt = Attempt {
        secret: answer.secret.as_bytes(),
        in_pieces: answer.count > 1,
        account,
        service: &service,
        auth_info: &auth_info,
        proved: &proved,
        purpose: Purpose::Login {
            rhost: rhost.as_deref(),
        },
    };
    let config = &options.config;
    let verdict = login::decide(attempt, config, &OnDemand { config }, &mut Silent);
    let verdict = told(handle, verdict);
    let secret = answer.secret.as_bytes();
    if verdict.is_token && !options.pass_token && !is_token_shaped(secret) {
        // One whose look alone did not tell it from a password.
        handle.set_authtok(Some(&junk(secret.len())))?;
    }
    let decision = &verdict.decision;
    let code = return_code::authenticate(decision.reason());
    if decision.reason() == Reason::NotAToken {
        if options.debug {
            let detail = match decision.note() {
                Note::Detail(words) => Some(words.as_str()),
                _ => None,
            };
            log::refusal(handle, Reason::NotAToken, detail);
        }
        return Ok((code, None));
    }
    let named = verdict.account_exists.then_some(account);
    let record = Record {
        rhost: rhost.as_deref(),
        ..Record::of(decision, named, &service)
    };
    let line = record.to_string();
    if code == Code::Success {
        if !options.pass_token {
            // A stack that wants a password as well asks for one.
            handle.set_authtok(None)?;
        }
        // Last of all that can fail: what the other phases find means a login.
        handle.set_data(TokenLogin {
            account: account.to_owned(),
        })?;
    }
    handle.log(Priority::Notice, &line);
    Ok((code, decision.message_for_user()))
}

/// Tells the session what it has to know. Where it is to end with the token and cannot be
/// told so, nobody is let in.
fn told(handle: &mut Handle<'_>, mut verdict: Verdict) -> Verdict {
    let Some(ForSession { record, ends }) = verdict.for_session.take() else {
        return verdict;
    };
    let told = record.and_then(|record| origin::tell(handle, record));
    match told {
        Err(detail) if ends => {
            verdict.decision.outcome = Err(Refusal {
                reason: Reason::HandoffUnwritten,
                note: Note::Detail(detail),
            });
        }
        Err(detail) => log::refusal(handle, Reason::IssueFailed, Some(&detail)),
        Ok(()) => {}
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_as_long_as_the_token_and_neither_token_nor_password() {
        for length in [16, 500, 511, 64 * 1024] {
            let junk = junk(length);
            let bytes = junk.as_bytes();
            assert_eq!(bytes.len(), length);
            assert!(!is_token_shaped(bytes));
            // Within the eight bytes that the oldest hashes look at.
            assert!(bytes.iter().take(8).any(|byte| *byte == b'\n'));
            // A script that reads a line does not get an empty password.
            assert!(bytes.first() != Some(&b'\n') && !bytes.contains(&0));
        }
    }
}
