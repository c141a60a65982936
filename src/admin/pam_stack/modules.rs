//! What each module may answer when it is asked to authenticate somebody who has no token and does
//! not know the password.

use super::control::ReturnCode::{self, *};
use super::control::{Action, Control};
use super::stack::Module;

/// What a module has to do with who comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `pam_jwt.so`, where it asks for a token.
    Token,
    /// `pam_jwt.so issue`: hands a token out and asks for none.
    Issuer,
    /// Checks a password, a key, a finger.
    Credential,
    /// Not known here, and taken to check a credential: a stack that cannot be judged is not blamed.
    Unknown,
    /// `pam_permit.so`
    Permits,
    /// `pam_deny.so`
    Denies,
    /// Stands for something proven elsewhere: that the caller is root, or logged in just now.
    Proven,
    /// `pam_wheel.so`, which grants only what `trust` tells it to.
    Wheel,
    /// `pam_faillock.so authfail`
    CountsFailure,
    /// Asks about the account, the time or the place: true for some people, and for any of them
    /// without a password.
    Condition,
    /// Succeeds for everybody, as a rule: prepares, prints, or turns away for another reason.
    Bystander,
}

#[rustfmt::skip]
const CREDENTIAL: [&str; 27] = [
    "pam_aad", "pam_authd", "pam_duo", "pam_fprintd", "pam_google_authenticator", "pam_himmelblau",
    "pam_kanidm", "pam_krb5", "pam_ldap", "pam_mysql", "pam_oath", "pam_p11", "pam_pgsql",
    "pam_pkcs11", "pam_pwdfile", "pam_radius_auth", "pam_smbpass", "pam_ssh", "pam_ssh_agent_auth",
    "pam_sss", "pam_sss_gss", "pam_systemd_home", "pam_tacplus", "pam_u2f", "pam_unix",
    "pam_userdb", "pam_winbind",
];

#[rustfmt::skip]
const CONDITION: [&str; 8] = [
    "pam_access", "pam_listfile", "pam_localuser", "pam_rhosts", "pam_sepermit", "pam_succeed_if",
    "pam_time", "pam_usertype",
];

#[rustfmt::skip]
const BYSTANDER: [&str; 35] = [
    "pam_abl", "pam_cap", "pam_ck_connector", "pam_debug", "pam_echo", "pam_ecryptfs", "pam_env",
    "pam_faildelay", "pam_faillock", "pam_fscrypt", "pam_gnome_keyring", "pam_group", "pam_issue",
    "pam_keyinit", "pam_kwallet", "pam_kwallet5", "pam_lastlog", "pam_limits", "pam_loginuid",
    "pam_mail", "pam_mkhomedir", "pam_motd", "pam_mount", "pam_namespace", "pam_nologin",
    "pam_securetty", "pam_selinux", "pam_shells", "pam_systemd", "pam_systemd_loadkey",
    "pam_tally2", "pam_tty_audit", "pam_umask", "pam_warn", "pam_xauth",
];

/// Arguments with which a module that checks a credential passes over those who have none with it.
const PASSES_OVER: [(&str, &str); 6] = [
    ("pam_google_authenticator", "nullok"),
    ("pam_ldap", "ignore_authinfo_unavail"),
    ("pam_ldap", "ignore_unknown_user"),
    ("pam_sss", "ignore_authinfo_unavail"),
    ("pam_sss", "ignore_unknown_user"),
    ("pam_u2f", "nouserok"),
];

pub fn is_pam_jwt(module: &Module) -> bool {
    module.name() == "pam_jwt.so"
}

/// `issue` or `issue=required` on a line.
pub fn issues(module: &Module) -> bool {
    module.has("issue") || module.has("issue=required")
}

pub fn role(module: &Module) -> Role {
    if is_pam_jwt(module) {
        return if issues(module) {
            Role::Issuer
        } else {
            Role::Token
        };
    }
    // Without its ending libpam finds no file of that name.
    let Some(name) = module.name().strip_suffix(".so") else {
        return Role::Unknown;
    };
    match name {
        "pam_permit" => Role::Permits,
        "pam_deny" => Role::Denies,
        "pam_rootok" | "pam_timestamp" => Role::Proven,
        "pam_wheel" => Role::Wheel,
        "pam_faillock" if module.has("authfail") => Role::CountsFailure,
        _ if CREDENTIAL.contains(&name) => Role::Credential,
        _ if CONDITION.contains(&name) => Role::Condition,
        _ if BYSTANDER.contains(&name) => Role::Bystander,
        _ => Role::Unknown,
    }
}

/// What is assumed of the modules in one search.
#[derive(Clone, Copy, Debug)]
pub struct Assumption {
    pub token: ReturnCode,
    pub credentials: Credentials,
    /// Whether whom a condition holds for may be let past the rest, where its line says so.
    pub exemptions: bool,
}

/// What the modules that check a credential answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// The password is wrong.
    Wrong,
    /// As `Wrong`, or the module does not know the user, does not reach its server, or passes over
    /// the user because its line says so.
    WrongOrAbsent,
    /// The password may be right.
    MaybeRight,
}

impl Assumption {
    /// The answers the module on a line with this control may give.
    pub fn answers(&self, module: &Module, control: &Control) -> Vec<ReturnCode> {
        match role(module) {
            Role::Token => vec![self.token],
            Role::Issuer => vec![CredUnavail],
            Role::Credential | Role::Unknown => self.credential(module),
            Role::Permits => vec![Success],
            Role::Denies | Role::Proven => vec![AuthErr],
            Role::Wheel => vec![Ignore, PermDenied],
            Role::CountsFailure => vec![AuthErr, Ignore],
            Role::Bystander => ANY.to_vec(),
            Role::Condition => self.condition(control),
        }
    }

    fn credential(&self, module: &Module) -> Vec<ReturnCode> {
        match self.credentials {
            Credentials::Wrong => vec![AuthErr],
            Credentials::MaybeRight => vec![Success, AuthErr],
            Credentials::WrongOrAbsent => {
                let mut answers = vec![AuthErr, UserUnknown, AuthinfoUnavail];
                if passes_over(module) {
                    answers.push(Ignore);
                }
                answers
            }
        }
    }

    /// An answer that jumps or ends the stack is how an administrator writes "these need no
    /// password". A line on which every answer does so is no exemption but a fork.
    fn condition(&self, control: &Control) -> Vec<ReturnCode> {
        let exempts =
            |code: &ReturnCode| matches!(control.action(*code), Action::Done | Action::Jump(_));
        if self.exemptions || ANY.iter().all(exempts) {
            return ANY.to_vec();
        }
        ANY.into_iter().filter(|code| !exempts(code)).collect()
    }
}

/// What a module answers that checks no credential, as far as controls tell answers apart.
const ANY: [ReturnCode; 6] = [
    Success,
    Ignore,
    AuthErr,
    PermDenied,
    UserUnknown,
    ServiceErr,
];

fn passes_over(module: &Module) -> bool {
    PASSES_OVER.iter().any(|(name, argument)| {
        module.name().strip_suffix(".so") == Some(name) && module.has(argument)
    })
}
