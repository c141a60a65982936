//! authenticate: gets the secret, and if it is a token, has it decided upon.

use crate::options::Options;
use crate::{TokenLogin, log_refusal, return_code};
use pam::{Code, Flags, Handle, Priority, Secret};
use policy::audit::Record;
use policy::explain::Silent;
use policy::reason::Reason;
use std::ffi::CStr;
use std::time::Duration;

/// The end, `token: `, is fixed: what answers prompts by itself looks for it.
const PROMPT: &str = "Password or token: ";

/// What pam_unix asks for after a wrong password.
const DELAY: Duration = Duration::from_secs(2);

/// pam_sm_authenticate(3)
pub(crate) fn authenticate(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
    let code = attempt(handle, args, flags);
    if code != Code::Success {
        handle.fail_delay(DELAY);
    }
    code
}

fn attempt(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Code {
    // An application may authenticate twice in one transaction; what an earlier
    // token allowed ends here.
    if handle.clear_data::<TokenLogin>().is_err() {
        return Code::AuthErr;
    }
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(detail) => return refuse(handle, Reason::BadArgument, Some(&detail)),
    };
    let Ok(account) = handle.user() else {
        return refuse(handle, Reason::NoAnswer, Some("no account"));
    };
    // Before the account is looked at, so that all accounts are asked alike.
    let secret = match secret(handle, &options) {
        Ok(secret) => secret,
        Err(code) => return refuse(handle, Reason::NoAnswer, Some(code.name())),
    };
    if !jose::compact::is_token_shaped(secret.as_bytes()) {
        if options.debug {
            log_refusal(handle, Reason::NotAToken, None);
        }
        return Code::AuthErr;
    }
    decide(handle, &options, &account, &secret, flags)
}

/// The secret that an earlier module asked for, or the answer to our own prompt.
/// A token does not stay where later modules would send it elsewhere or use it
/// as a key (pam_ldap, pam_krb5, keyrings).
fn secret(handle: &mut Handle<'_>, options: &Options) -> Result<Secret, Code> {
    let (secret, is_stored) = match handle.authtok() {
        Some(secret) => (secret, true),
        None if options.use_first_pass => return Err(Code::AuthtokRecoveryErr),
        None => (handle.prompt(PROMPT)?, false),
    };
    let stays = options.pass_token || !jose::compact::is_token_shaped(secret.as_bytes());
    match (stays, is_stored) {
        (true, false) => handle.set_authtok(Some(&secret))?,
        (false, true) => handle.set_authtok(None)?,
        _ => {}
    }
    Ok(secret)
}

fn decide(
    handle: &mut Handle<'_>,
    options: &Options,
    account: &str,
    token: &Secret,
    flags: Flags,
) -> Code {
    let service = handle.service().unwrap_or_default();
    let verdict = system::login::decide(
        token.as_bytes(),
        account,
        &service,
        &options.config,
        &mut Silent,
    );
    let decision = &verdict.decision;
    if decision.reason() == Reason::Allowed {
        let login = TokenLogin {
            account: account.to_owned(),
        };
        if let Err(code) = handle.set_data(login) {
            return refuse(handle, Reason::InternalError, Some(code.name()));
        }
    }
    let rhost = handle.rhost();
    let named = verdict.account_exists.then_some(account);
    let record = Record {
        rhost: rhost.as_deref(),
        ..Record::of(decision, named, &service)
    };
    handle.log(Priority::Notice, &record.to_string());
    if let Some(message) = decision
        .message_for_user()
        .filter(|_| !flags.contains(Flags::SILENT))
    {
        handle.error(&message);
    }
    return_code::authenticate(decision.reason())
}

fn refuse(handle: &mut Handle<'_>, reason: Reason, detail: Option<&str>) -> Code {
    log_refusal(handle, reason, detail);
    return_code::authenticate(reason)
}
