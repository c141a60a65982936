//! What to do about each reason: for `pam-jwt doctor` and the manual. The module has none of it.

use crate::reason::Reason;

impl Reason {
    /// What to do about it, in a sentence or two, for the administrator. A command stands
    /// in single quotes, and capitals in it are to be filled in.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Allowed | Self::Issued => "Nothing is to be done.",
            Self::NoAnswer => {
                "Try again and give the token. By ssh it needs keyboard-interactive: \
                 'jwt-ssh ACCOUNT@HOST' sends it."
            }
            Self::NotAToken => {
                "Give the whole token, which begins with eyJ and has two dots in it. A password \
                 that ends up here is passed on to the line below."
            }
            Self::DeviceFailed => {
                "See detail=, then try what the login does: \
                 'pam-jwt-fetch --now --issuer ISSUER'."
            }
            Self::DeviceDenied => {
                "Log in again and confirm it in the browser; if the issuer refused, ask whoever \
                 runs it what this client may do."
            }
            Self::DeviceExpired => {
                "Log in again and confirm it in the browser before the time is up."
            }
            Self::IntrospectionFailed => {
                "See detail=, and whether this machine reaches the issuer: \
                 'pam-jwt verify --online --user ACCOUNT --service SERVICE < token'."
            }
            Self::TokenInactive | Self::TokenMalformed | Self::DuplicateMember => {
                "Get a new token and give it whole; 'pam-jwt jws inspect < token' shows what this \
                 one is made of."
            }
            Self::TokenTooLong => {
                "Have the issuer leave claims out, such as long lists of groups; \
                 'pam-jwt jws inspect < token' shows them."
            }
            Self::TokenCut => {
                "Use 'jwt-ssh ACCOUNT@HOST', which sends a token of any length in pieces."
            }
            Self::TokenEncrypted => {
                "Have the issuer sign this client's tokens without encrypting them."
            }
            Self::CriticalHeader => {
                "Have the issuer leave the extension out; 'pam-jwt jws inspect < token' names it."
            }
            Self::AlgorithmUnsupported | Self::AlgorithmMismatch => {
                "Compare the alg of 'pam-jwt jws inspect < token' with that of 'pam-jwt keys', and \
                 put an alg into the issuer's key if it has none."
            }
            Self::IssuerMissing => "Have the issuer put its name into the token (iss).",
            Self::IssuerUnknown => {
                "If it is to be trusted: 'pam-jwt trust RECIPE --set NAME=VALUE'. If it is \
                 already, write its name as the token has it, to the last slash."
            }
            Self::KeyUnknown => {
                "Compare the kid of 'pam-jwt jws inspect < token' with 'pam-jwt keys'. If keys are \
                 fetched: 'pam-jwt-fetch --now'; if not, put the issuer's new key into its file."
            }
            Self::KeysNotFetched | Self::KeysTooOld => {
                "Run 'pam-jwt-fetch --now' and see what it says; keep it running with \
                 'systemctl enable --now pam-jwt-fetch.timer'."
            }
            Self::KeyOutOfReach => {
                "Give the issuer a public key in place of the shared secret, or let this program \
                 run as root."
            }
            Self::CertificateNotYetValid => "Compare the clocks: 'timedatectl'.",
            Self::CertificateExpired => {
                "Put the issuer's new certificate where 'pam-jwt keys' shows the old one."
            }
            Self::SignatureInvalid => {
                "Try a new token. If none verifies, fetch or replace the issuer's keys; if \
                 others do, somebody may be trying forged ones: see rhost=."
            }
            Self::TypeNotAccepted => {
                "Give an access token. If the issuer's have another typ, name that in its file: \
                 typ = [\"...\"]."
            }
            Self::KeyBound | Self::BindingMissing => {
                "Log in by 'jwt-ssh ACCOUNT@HOST' with the key that the token is bound to, and \
                 have sshd ask for both: AuthenticationMethods publickey,keyboard-interactive."
            }
            Self::AudienceMissing | Self::AudienceMismatch => {
                "Ask the issuer for a token for this host, or name its aud in audience of the \
                 issuer's file; 'pam-jwt jws inspect < token' shows it."
            }
            Self::Revoked => {
                "Get a new token. If that was revoked by mistake: 'pam-jwt revocations', then \
                 'pam-jwt revoke --undo' with the same options."
            }
            Self::RevocationsUnreadable | Self::ConfigError | Self::BadArgument => {
                "Run 'pam-jwt check', which names each fault and what mends it."
            }
            Self::AccountNameInvalid | Self::AccountUnknown => {
                "See 'getent passwd ACCOUNT': the name has to be the same byte for byte. Make the \
                 account, or have the rule map to another."
            }
            Self::NoRule => "Add an [[allow]] with account and services to the issuer's file.",
            Self::ServiceNotAllowed => {
                "If it is meant, name the service in services of a rule of the issuer's file."
            }
            Self::AccountNotAllowed | Self::ClaimsNotAllowed => {
                "See what the rules compare: \
                 'pam-jwt verify --user ACCOUNT --service SERVICE < token'."
            }
            Self::AccountLookupFailed => {
                "See 'getent passwd ACCOUNT', and whether SSSD or LDAP runs and is reached."
            }
            Self::AccountReserved => {
                "Let nobody in as a system account by a claim; if it is meant, write a rule with \
                 account = \"NAME\" of its own."
            }
            Self::KeyFetched => {
                "Keep this issuer's keys in a file (keys), or say fetched_keys = true in the \
                 rule, if whoever can change what is fetched may become root."
            }
            Self::AcrInsufficient | Self::AmrInsufficient => {
                "Log in at the issuer again in the way that lacks= names, then get a new token."
            }
            Self::AuthTimeMissing => {
                "Have the issuer put auth_time into its tokens, or take max_auth_age out of the rule."
            }
            Self::AuthTooOld => "Log in at the issuer again: 'jwt-ssh login --issuer ISSUER'.",
            Self::TooOld => "Get a new token, and use it at once.",
            Self::IssuedAtMissing => "Have the issuer put iat into its tokens.",
            Self::LifetimeTooLong => {
                "Have the issuer give shorter ones, or raise max_lifetime in its file, if a lost \
                 token may be good for so long."
            }
            Self::ExpiryMissing => {
                "Have the issuer put exp into its tokens; one without an end opens nothing."
            }
            Self::Expired => {
                "Get a new token. If a new one is refused too, this clock is ahead: 'timedatectl'."
            }
            Self::NotYetValid | Self::IssuedInFuture => {
                "Set the clock that is wrong, this machine's or the issuer's: 'timedatectl', and \
                 'pam-jwt status' for how far they are apart."
            }
            Self::StatusMissing => {
                "Have the issuer put its status list into the tokens, or take status = \"require\" out of its file."
            }
            Self::StatusUnknown => {
                "Run 'pam-jwt-fetch --now', or load the list: 'pam-jwt status-list load FILE'."
            }
            Self::StatusInvalid => "Get a new token: the issuer has taken this one back.",
            Self::JtiMissing => {
                "Have the issuer put jti into its tokens, or take one_time out of the rule."
            }
            Self::AlreadyUsed => {
                "Get a new token for each login. If nobody used it before, see detail= for who did."
            }
            Self::RecordsDropped => {
                "Keep the clock synchronised; until the day that it showed has come, log in by a \
                 rule without one_time."
            }
            Self::UseUnrecorded => {
                "See detail=, and whether /var/lib/pam-jwt has room: 'df /var/lib/pam-jwt'."
            }
            Self::ClockUnset => "Set the clock: 'timedatectl set-ntp true', and see 'timedatectl'.",
            Self::HandoffUnwritten => {
                "See detail=, and whether /run/pam-jwt has room: 'df /run/pam-jwt'."
            }
            Self::HandoffUnusable => {
                "Log in again. If it comes back, look for PAM_JWT_HANDOFF in ~/.ssh/environment \
                 and in what pam_env reads."
            }
            Self::NoTimeLeft => "Get a new token, with a longer lifetime than the login takes.",
            Self::SessionOrder => {
                "Put 'session required pam_jwt.so' above the line of pam_systemd.so, on Debian above \
                 @include common-session."
            }
            Self::NotCapped => {
                "See detail=. Sessions end by systemd-logind: 'systemctl status systemd-logind'."
            }
            Self::IssueWithheld => {
                "If these sessions should have a token, change the setting of [issue] that \
                 detail= names."
            }
            Self::IssueFailed => {
                "See detail=, then 'pam-jwt check' for the signing key and \
                 'df /run/pam-jwt' for room."
            }
            Self::TokenRequired => {
                "Log in by a token, or take require_token off the account line of the service."
            }
            Self::InternalError => "Report it with the line of the log: it is a fault of pam_jwt.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_an_advice_that_can_be_printed() {
        for reason in Reason::ALL {
            let advice = reason.advice();
            assert!(advice.ends_with('.'), "{reason}: {advice}");
            assert!(advice.len() >= 20, "{reason}: {advice}");
            // A command has a beginning and an end; an apostrophe stands within a word.
            let begins = format!(" {advice}").matches(" '").count();
            let is_end = |rest: &&str| !rest.starts_with(|c: char| c.is_alphanumeric());
            let ends = advice.split('\'').skip(1).filter(is_end).count();
            assert_eq!(begins, ends, "{reason}: {advice}");
            assert!(!advice.contains("  "), "{reason}: {advice}");
        }
    }
}
