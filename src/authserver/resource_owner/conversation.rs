//! The process of one conversation: root, for as long as it takes. It runs PAM's stack for one
//! account, or its account lines alone ([`Purpose::Check`]), says what came of it, and ends.
//! Nothing of it is left for the next one, whatever the modules have done in it.

use super::frame;
use super::message::{CHECK_TIME, Granted, Outcome, Purpose, Reason, Report, Start};
use super::rules::{self, Rules};
use super::talk::{Mute, Shared};
use crate::log;
use crate::serve::process;
use pam::{Code, Flags, Transaction};
use std::io;
use std::process::ExitCode;
use std::time::Duration;
use system::account_db;
use system::clock::Deadline;

/// How long who asked for the conversation has to say for whom.
const TO_START: Duration = Duration::from_secs(10);

/// How long beyond its time it has to come to an end, before the kernel ends it (alarm(2)). The
/// monitor would have done so before.
const GRACE: Duration = Duration::from_secs(10);

/// A refusal is told no sooner after the last answer, whatever it came from: libpam waits up to
/// 2.5 seconds after a wrong password (pam_fail_delay(3), pam_unix), and what else takes time
/// depends on whether there is such an account.
const REFUSED_AFTER: Duration = Duration::from_secs(3);

/// No account has this name, which every stack may be asked for.
const NOBODY: &str = "(none)";

/// Holds the conversation that comes on standard input, by the rules that `argument` is.
pub fn run(argument: &str) -> ExitCode {
    match hold(argument) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line(3, &format!("a conversation with PAM has failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn hold(argument: &str) -> io::Result<()> {
    process::close_others(0)?;
    process::begin()?;
    let rules = Rules::parse(argument).ok_or(io::ErrorKind::InvalidInput)?;
    let end = Deadline::after(rules.timeout());
    end_after(rules.timeout() + GRACE);
    let mut socket = process::socket()?;
    socket.set_read_timeout(Some(TO_START))?;
    // Who is gone before it has begun has nothing to be told.
    let start: Start = match frame::read(&mut socket) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        start => start?,
    };
    socket.set_write_timeout(Some(TO_START))?;
    if start.purpose == Purpose::Check {
        end_after(CHECK_TIME);
        let outcome = match checked(&start, &rules) {
            Ok(granted) => Outcome::Granted(granted),
            Err(reason) => Outcome::Refused(reason),
        };
        // What is as it should be is asked for often, and is nothing new.
        if matches!(outcome, Outcome::Refused(_)) {
            note("account", &start, &rules, &outcome);
        }
        return told(frame::write(&mut socket, &Report::Outcome(outcome)));
    }
    let talk = Shared::new(socket, end);
    let outcome = match login(&start, &rules, &talk) {
        Ok(granted) => Outcome::Granted(granted),
        Err(reason) => Outcome::Refused(talk.over().unwrap_or(reason)),
    };
    note("login", &start, &rules, &outcome);
    match talk.over() {
        Some(Reason::NoAnswer) => return Ok(()),
        None if matches!(outcome, Outcome::Refused(_)) => {
            std::thread::sleep(REFUSED_AFTER.saturating_sub(talk.answered().age()));
        }
        _ => {}
    }
    told(talk.report(&Report::Outcome(outcome)))
}

/// Has the kernel end this process, whatever it does then (alarm(2)).
fn end_after(time: Duration) {
    nix::unistd::alarm::set(u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
}

fn told(report: io::Result<()>) -> io::Result<()> {
    match report {
        // Nobody waits for it any more.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}

/// Runs the account stack alone. A password that has expired is its owner's to change at the next
/// login, and until then the account has nothing new: as with sshd(8), which lets nobody in by a
/// key before that, and with cron(8), which runs nothing.
fn checked(start: &Start, rules: &Rules) -> Result<Granted, Reason> {
    let account = &start.account;
    if !may_exist(account) {
        return Err(Reason::AccountUnknown);
    }
    let unavailable = |code| unavailable(rules, code);
    let mut pam = Transaction::start(&rules.service, Some(account), None, Box::new(Mute))
        .map_err(unavailable)?;
    pam.set_rhost(&start.rhost.to_string())
        .map_err(unavailable)?;
    pam.acct_mgmt(Flags::SILENT | Flags::DISALLOW_NULL_AUTHTOK)
        .map_err(|code| refused(rules, code))?;
    rules::known(account)
}

/// Why the account stack lets nobody in.
fn refused(rules: &Rules, code: Code) -> Reason {
    match Reason::of_account(code) {
        Reason::Unavailable => unavailable(rules, code),
        reason => reason,
    }
}

fn unavailable(rules: &Rules, code: Code) -> Reason {
    log::line(3, &format!("PAM service {}: {code}", rules.service));
    Reason::Unavailable
}

/// Runs the stack.
fn login(start: &Start, rules: &Rules, talk: &Shared) -> Result<Granted, Reason> {
    let unavailable = |code| unavailable(rules, code);
    let account = if may_exist(&start.account) {
        &start.account
    } else {
        NOBODY
    };
    let conversation = Box::new(talk.clone());
    let mut pam = Transaction::start(&rules.service, Some(account), None, conversation)
        .map_err(unavailable)?;
    pam.set_rhost(&start.rhost.to_string())
        .map_err(unavailable)?;
    // An account without a password has one everywhere but here.
    let flags = Flags::DISALLOW_NULL_AUTHTOK;
    pam.authenticate(flags)
        .map_err(|code| match Reason::of_authentication(code) {
            Reason::Unavailable => unavailable(code),
            reason => reason,
        })?;
    let typed_hidden = talk.typed_hidden();
    let owner = |name: &str| {
        let account = rules::canonical(name)?;
        if !may_exist(&account) {
            return Err(Reason::AccountUnknown);
        }
        rules.judge(&account, typed_hidden)
    };
    let name = |pam: &Transaction| pam.user().ok_or(Reason::AccountUnknown);
    // Before anything is said that would tell that the password of a reserved account was right.
    owner(&name(&pam)?)?;
    let changed_password = match pam.acct_mgmt(flags) {
        Ok(()) => false,
        Err(Code::NewAuthtokReqd) => {
            change_password(&mut pam, start.purpose)?;
            pam.acct_mgmt(flags).map_err(Reason::of_account)?;
            true
        }
        Err(code) => return Err(refused(rules, code)),
    };
    // Any of the modules may have made it another one.
    let name = name(&pam)?;
    let owner = owner(&name)?;
    // The account stack has let the name in that was typed. Where that is an alias, it is asked of
    // the account itself too, as it will be from now on.
    if owner.account != name {
        let itself = Start {
            account: owner.account.clone(),
            ..start.clone()
        };
        checked(&itself, rules)?;
    }
    Ok(Granted {
        changed_password,
        ..owner
    })
}

fn change_password(pam: &mut Transaction, purpose: Purpose) -> Result<(), Reason> {
    match purpose {
        Purpose::Page => pam
            .chauthtok(Flags::CHANGE_EXPIRED_AUTHTOK)
            .map_err(|_| Reason::PasswordExpired),
        Purpose::Password | Purpose::Check => Err(Reason::PasswordExpired),
    }
}

/// Whether a system may have an account of this name. One that it cannot have is not told to the
/// modules, some of which make file names of it, and is refused as any other unknown one.
fn may_exist(account: &str) -> bool {
    let odd = |character: char| character.is_control() || matches!(character, ':' | '/');
    !account.is_empty()
        && account.len() <= 256
        && !account.starts_with(['-', '+', '.'])
        && !account.contains(odd)
}

/// Logs what came of it. People type their passwords where names belong: an account that there
/// is none of is not named.
fn note(what: &str, start: &Start, rules: &Rules, outcome: &Outcome) {
    let (result, reason, account) = match outcome {
        Outcome::Granted(granted) => ("accepted", "allowed", granted.account.as_str()),
        Outcome::Refused(reason) => {
            let exists = matches!(account_db::uid_of(&start.account), Ok(Some(_)));
            let account = if exists {
                start.account.as_str()
            } else {
                "unknown"
            };
            ("refused", reason.code(), account)
        }
    };
    let text = format!(
        "{what}: result={result} reason={reason} account={account} service={} rhost={}",
        rules.service, start.rhost
    );
    log::line(5, &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_account_has_is_not_told_to_the_modules() {
        for name in [
            "alice",
            "alice@EXAMPLE.ORG",
            "EXAMPLE\\alice",
            "élise",
            "a b",
        ] {
            assert!(may_exist(name), "{name}");
        }
        let long = "a".repeat(257);
        for name in [
            "", "-alice", "+alice", "..", "a/b", "a:b", "a\nb", "a\0", &long,
        ] {
            assert!(!may_exist(name), "{name:?}");
        }
    }
}
