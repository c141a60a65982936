//! authenticate: gets the secret, and if it is a token, has it decided upon.

use crate::options::Options;
use crate::{TokenLogin, log, return_code};
use jose::compact::is_token_shaped;
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
    // Asked for before anything can go wrong; libpam keeps to it after a failure only.
    handle.fail_delay(DELAY);
    match attempt(handle, args, flags) {
        Ok(code) => code,
        Err((reason, detail)) => {
            log::refusal(handle, reason, Some(&detail));
            return_code::authenticate(reason)
        }
    }
}

/// Why there was nothing to decide upon.
type NoAttempt = (Reason, String);

fn attempt(handle: &mut Handle<'_>, args: &[&CStr], flags: Flags) -> Result<Code, NoAttempt> {
    let internal = |code: Code| (Reason::InternalError, code.name().to_owned());
    // An application may authenticate twice in one transaction; what an earlier
    // token allowed ends here.
    handle.clear_data::<TokenLogin>().map_err(internal)?;
    let stored = take_stored(handle, args).map_err(internal)?;
    let options = Options::parse(args).map_err(|detail| (Reason::BadArgument, detail))?;
    let no_answer = |what: &str| (Reason::NoAnswer, what.to_owned());
    let account = handle.user().map_err(|code| no_answer(code.name()))?;
    // Asked for before the account is looked at, so that all accounts are asked alike.
    let secret = match stored {
        Some(secret) => secret,
        None if options.use_first_pass => return Err(no_answer("use_first_pass, and no secret")),
        None => ask(handle, &options).map_err(|code| no_answer(code.name()))?,
    };
    decide(handle, &options, &account, &secret, flags).map_err(internal)
}

/// The secret that an earlier module asked for. A token does not stay where later
/// modules would send it elsewhere or use it as a key (pam_ldap, pam_krb5,
/// keyrings), whatever becomes of this login: so it is taken away first of all.
fn take_stored(handle: &mut Handle<'_>, args: &[&CStr]) -> Result<Option<Secret>, Code> {
    let stored = handle.authtok();
    let is_token = stored
        .as_ref()
        .is_some_and(|secret| is_token_shaped(secret.as_bytes()));
    if is_token && !args.contains(&c"pass_token") {
        handle.set_authtok(None)?;
    }
    Ok(stored)
}

/// Asks, and leaves a password for the modules that follow.
fn ask(handle: &mut Handle<'_>, options: &Options) -> Result<Secret, Code> {
    let secret = handle.prompt(PROMPT)?;
    if options.pass_token || !is_token_shaped(secret.as_bytes()) {
        handle.set_authtok(Some(&secret))?;
    }
    Ok(secret)
}

fn decide(
    handle: &mut Handle<'_>,
    options: &Options,
    account: &str,
    secret: &Secret,
    flags: Flags,
) -> Result<Code, Code> {
    let service = handle.service().unwrap_or_default();
    let bytes = secret.as_bytes();
    let verdict = system::login::decide(bytes, account, &service, &options.config, &mut Silent);
    let decision = &verdict.decision;
    let code = return_code::authenticate(decision.reason());
    if decision.reason() == Reason::NotAToken {
        if options.debug {
            log::refusal(handle, Reason::NotAToken, None);
        }
        return Ok(code);
    }
    let rhost = handle.rhost();
    let named = verdict.account_exists.then_some(account);
    let record = Record {
        rhost: rhost.as_deref(),
        ..Record::of(decision, named, &service)
    };
    let line = record.to_string();
    if code == Code::Success {
        // Last of all that can fail: what the other phases find means a login.
        handle.set_data(TokenLogin {
            account: account.to_owned(),
        })?;
    }
    handle.log(Priority::Notice, &line);
    if let Some(message) = decision
        .message_for_user()
        .filter(|_| !flags.contains(Flags::SILENT))
    {
        handle.error(&message);
    }
    Ok(code)
}
