//! The second word of a pam.d line: what libpam makes of each answer a module can give.

use Action::{Bad, Die, Done, Ignore, Ok as Accept};

/// What a module returns: PAM's return codes, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReturnCode {
    Success,
    OpenErr,
    SymbolErr,
    ServiceErr,
    SystemErr,
    BufErr,
    PermDenied,
    AuthErr,
    CredInsufficient,
    AuthinfoUnavail,
    UserUnknown,
    Maxtries,
    NewAuthtokReqd,
    AcctExpired,
    SessionErr,
    CredUnavail,
    CredExpired,
    CredErr,
    NoModuleData,
    ConvErr,
    AuthtokErr,
    AuthtokRecoverErr,
    AuthtokLockBusy,
    AuthtokDisableAging,
    TryAgain,
    Ignore,
    Abort,
    AuthtokExpired,
    ModuleUnknown,
    BadItem,
    ConvAgain,
    Incomplete,
}

const COUNT: usize = 32;

/// Every code with the name pam.d has for it, in the order of their numbers.
pub const RETURN_CODES: [(ReturnCode, &str); COUNT] = [
    (ReturnCode::Success, "success"),
    (ReturnCode::OpenErr, "open_err"),
    (ReturnCode::SymbolErr, "symbol_err"),
    (ReturnCode::ServiceErr, "service_err"),
    (ReturnCode::SystemErr, "system_err"),
    (ReturnCode::BufErr, "buf_err"),
    (ReturnCode::PermDenied, "perm_denied"),
    (ReturnCode::AuthErr, "auth_err"),
    (ReturnCode::CredInsufficient, "cred_insufficient"),
    (ReturnCode::AuthinfoUnavail, "authinfo_unavail"),
    (ReturnCode::UserUnknown, "user_unknown"),
    (ReturnCode::Maxtries, "maxtries"),
    (ReturnCode::NewAuthtokReqd, "new_authtok_reqd"),
    (ReturnCode::AcctExpired, "acct_expired"),
    (ReturnCode::SessionErr, "session_err"),
    (ReturnCode::CredUnavail, "cred_unavail"),
    (ReturnCode::CredExpired, "cred_expired"),
    (ReturnCode::CredErr, "cred_err"),
    (ReturnCode::NoModuleData, "no_module_data"),
    (ReturnCode::ConvErr, "conv_err"),
    (ReturnCode::AuthtokErr, "authtok_err"),
    (ReturnCode::AuthtokRecoverErr, "authtok_recover_err"),
    (ReturnCode::AuthtokLockBusy, "authtok_lock_busy"),
    (ReturnCode::AuthtokDisableAging, "authtok_disable_aging"),
    (ReturnCode::TryAgain, "try_again"),
    (ReturnCode::Ignore, "ignore"),
    (ReturnCode::Abort, "abort"),
    (ReturnCode::AuthtokExpired, "authtok_expired"),
    (ReturnCode::ModuleUnknown, "module_unknown"),
    (ReturnCode::BadItem, "bad_item"),
    (ReturnCode::ConvAgain, "conv_again"),
    (ReturnCode::Incomplete, "incomplete"),
];

impl ReturnCode {
    /// The name a control in brackets has for it.
    pub fn name(self) -> &'static str {
        RETURN_CODES.get(self as usize).map_or("", |(_, name)| name)
    }
}

/// What one answer does to the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Ignore,
    Ok,
    Done,
    Bad,
    Die,
    Reset,
    /// Skips so many lines; a substack counts as one.
    Jump(usize),
}

const ACTIONS: [(Action, &str); 6] = [
    (Ignore, "ignore"),
    (Accept, "ok"),
    (Done, "done"),
    (Bad, "bad"),
    (Die, "die"),
    (Action::Reset, "reset"),
];

/// A line's control: one action for each return code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control([Action; COUNT]);

impl Control {
    /// What libpam puts where a control or an included file cannot be read.
    pub const ALL_BAD: Control = Control([Bad; COUNT]);

    fn keyword(success: Action, ignore: Action, otherwise: Action) -> Control {
        let mut actions = [otherwise; COUNT];
        for (slot, (code, _)) in actions.iter_mut().zip(RETURN_CODES) {
            match code {
                ReturnCode::Success | ReturnCode::NewAuthtokReqd => *slot = success,
                ReturnCode::Ignore => *slot = ignore,
                _ => {}
            }
        }
        Control(actions)
    }

    pub fn optional() -> Control {
        Control::keyword(Accept, Ignore, Ignore)
    }

    pub fn action(&self, code: ReturnCode) -> Action {
        self.0.get(code as usize).copied().unwrap_or(Bad)
    }

    /// The longest way any of its jumps goes.
    pub fn longest_jump(&self) -> Option<usize> {
        let jumps = self.0.iter().filter_map(|action| match action {
            Action::Jump(lines) => Some(*lines),
            _ => None,
        });
        jumps.max()
    }

    /// Reads a keyword, or what stood between brackets. The error says what libpam stumbles over.
    pub fn parse(word: &str) -> Result<Control, String> {
        match word.to_ascii_lowercase().as_str() {
            "required" => Ok(Control::keyword(Accept, Ignore, Bad)),
            "requisite" => Ok(Control::keyword(Accept, Ignore, Die)),
            "sufficient" => Ok(Control::keyword(Done, Ignore, Ignore)),
            "optional" => Ok(Control::optional()),
            _ => Control::parse_pairs(word),
        }
    }

    /// `value=action ...`. Like libpam's reader this one goes by prefixes and needs no blank between
    /// two pairs; what no pair names is bad.
    fn parse_pairs(pairs: &str) -> Result<Control, String> {
        let mut actions: [Option<Action>; COUNT] = [None; COUNT];
        let mut rest = skip_space(pairs);
        while !rest.is_empty() {
            let (code, after) = return_code(rest)
                .ok_or_else(|| format!("`{}` begins with no return code", first_word(rest)))?;
            let value = skip_space(after)
                .strip_prefix('=')
                .ok_or_else(|| format!("`{}` lacks its `=`", first_word(rest)))?;
            let (action, after) = action(skip_space(value))
                .ok_or_else(|| format!("`{}` names no action", first_word(rest)))?;
            match code {
                Some(code) => {
                    if let Some(slot) = actions.get_mut(code as usize) {
                        *slot = Some(action);
                    }
                }
                // Only what is not set yet: a second `default` changes nothing.
                None => actions
                    .iter_mut()
                    .for_each(|slot| *slot = slot.or(Some(action))),
            }
            rest = skip_space(after);
        }
        Ok(Control(actions.map(|slot| slot.unwrap_or(Bad))))
    }
}

/// A return code's name, or `default` as `None`, and what follows it.
fn return_code(text: &str) -> Option<(Option<ReturnCode>, &str)> {
    let named = RETURN_CODES
        .iter()
        .find_map(|(code, name)| Some((Some(*code), text.strip_prefix(name)?)));
    named.or_else(|| Some((None, text.strip_prefix("default")?)))
}

fn action(text: &str) -> Option<(Action, &str)> {
    let named = ACTIONS
        .iter()
        .find_map(|(action, name)| Some((*action, text.strip_prefix(name)?)));
    named.or_else(|| {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = text.strip_suffix(rest)?;
        match digits.parse() {
            Ok(0) => None,
            Ok(lines) => Some((Action::Jump(lines), rest)),
            // Too long a number jumps too far, whatever it is; no digits at all are no action.
            Err(_) if digits.is_empty() => None,
            Err(_) => Some((Action::Jump(usize::MAX), rest)),
        }
    })
}

/// C's isspace, which libpam skips here.
fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r'])
}

fn first_word(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_at_their_number() {
        for (number, (code, name)) in RETURN_CODES.iter().enumerate() {
            assert_eq!(*code as usize, number, "{name}");
            assert_eq!(code.name(), *name);
        }
    }

    #[test]
    fn keywords_are_what_the_manual_spells_out() {
        for (keyword, pairs) in [
            (
                "required",
                "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
            ),
            (
                "requisite",
                "success=ok new_authtok_reqd=ok ignore=ignore default=die",
            ),
            (
                "sufficient",
                "success=done new_authtok_reqd=done default=ignore",
            ),
            ("Optional", "success=ok new_authtok_reqd=ok default=ignore"),
        ] {
            assert_eq!(Control::parse(keyword), Control::parse(pairs), "{keyword}");
        }
    }

    #[test]
    fn pairs_are_read_as_libpam_reads_them() {
        let read = |pairs, code| Control::parse(pairs).map(|control| control.action(code));
        assert_eq!(
            read("default=bad success=2", ReturnCode::Success),
            Ok(Action::Jump(2))
        );
        assert_eq!(
            read(" success = ok default=die ", ReturnCode::Abort),
            Ok(Die)
        );
        assert_eq!(read("success=okdefault=die", ReturnCode::Abort), Ok(Die));
        assert_eq!(read("success=ok", ReturnCode::Ignore), Ok(Bad));
        assert_eq!(
            read("default=ignore default=ok", ReturnCode::Ignore),
            Ok(Ignore)
        );
    }

    #[test]
    fn refuses_what_is_no_control() {
        for word in [
            "sufficent",
            "success",
            "success=",
            "success=0",
            "success=okay",
            "succes=ok",
            "SUCCESS=ok",
            "success=ok,default=bad",
            "success=-1",
            "success ok",
        ] {
            assert!(Control::parse(word).is_err(), "{word}");
        }
    }
}
