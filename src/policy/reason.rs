//! The one list of reason codes: the log, `pam-jwt verify`, the tests and the
//! manual all take them from here.

macro_rules! reasons {
    ($($variant:ident $code:literal $text:literal)*) => {
        /// Why a login was let in or refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Reason {
            $(#[doc = $text] $variant,)*
        }

        impl Reason {
            /// Every reason, in the order in which a login would meet them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code in snake_case. It does not change between versions.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it means and what to do, for the administrator.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    Allowed "allowed" "Every check passed; rule= names the rule that decided."
    NoAnswer "no_answer" "The program that asked for the login could not pose the question, or the user gave up."
    NotAToken "not_a_token" "The secret does not look like a token; it is left to the next PAM module. Logged only under debug."
    DeviceFailed "device_failed" "A login with a browser could not be begun or not be ended; detail= says why."
    DeviceDenied "device_denied" "A login with a browser was refused there, by the user or by the issuer."
    DeviceExpired "device_expired" "A login with a browser was not confirmed in time."
    IntrospectionFailed "introspection_failed" "The issuer could not be asked about an opaque token, so it opens nothing; detail= says why."
    TokenInactive "token_inactive" "The issuer says that the opaque token is not active: it expired, was revoked, or is none of its own."
    TokenTooLong "token_too_long" "The token is longer than max_token_bytes (64 KiB), or its header or signature than any real one; detail= says which."
    TokenCut "token_cut" "The token is not whole, and has just the length at which a program on its way cuts answers: ssh at 1023 bytes, gdm at 511, a terminal at 4095. Give it in pieces of 500."
    TokenMalformed "token_malformed" "The token is not a compact JWS with strict base64url and JSON, or a claim has the wrong type; detail= says which part."
    DuplicateMember "duplicate_member" "The header or the claims have a member name twice."
    TokenEncrypted "token_encrypted" "The token is encrypted (JWE), which does not prove who sent it."
    CriticalHeader "critical_header" "The header asks for an extension (crit, b64) that is not understood here."
    AlgorithmUnsupported "algorithm_unsupported" "The header's alg is none or not supported. Check what the issuer signs with."
    IssuerMissing "issuer_missing" "The token has no iss claim."
    IssuerUnknown "issuer_unknown" "No file in issuers.d names the token's iss, byte for byte."
    KeyUnknown "key_unknown" "None of the issuer's keys has the token's kid, or there is no kid and not exactly one key fits. Compare with 'pam-jwt keys'."
    KeysNotFetched "keys_not_fetched" "The issuer's keys are to be fetched, and there are none that can be used; detail= says why. See 'pam-jwt status'."
    KeysTooOld "keys_too_old" "The issuer's keys were last fetched longer ago than the max_key_age of its file. See 'pam-jwt status' for what keeps them from being fetched."
    AlgorithmMismatch "algorithm_mismatch" "The header names another algorithm than the key is for: somebody tries something, or the key lacks its alg."
    KeyOutOfReach "key_out_of_reach" "None of the keys that this program may read is meant, and it is not root, so some it may not: a symmetric key is for programs that run as root."
    CertificateNotYetValid "certificate_not_yet_valid" "The key is in an X.509 certificate whose notBefore has not come yet. Compare the clocks."
    CertificateExpired "certificate_expired" "The key is in an X.509 certificate whose notAfter has passed. Put the issuer's new certificate in its place."
    SignatureInvalid "signature_invalid" "The signature is not by this key: forged, changed on the way, or the issuer changed its key but not the kid."
    TypeNotAccepted "type_not_accepted" "The header's typ is none that the issuer's file accepts (typ); an ID token or a logout token opens nothing."
    KeyBound "key_bound" "The token is bound to a key (cnf), and nothing has proved possession of that key. Over ssh it is proved by AuthenticationMethods publickey,keyboard-interactive."
    AudienceMissing "audience_missing" "The token has no aud claim. Ask the issuer for one that names this host."
    AudienceMismatch "audience_mismatch" "The token is for somebody else: aud names none of the issuer file's audiences."
    Revoked "revoked" "The token was revoked on this machine; detail= says by what it is named. See 'pam-jwt revocations'."
    RevocationsUnreadable "revocations_unreadable" "The list of what was revoked on this machine cannot be read; detail= says why."
    AccountNameInvalid "account_name_invalid" "The account's name is one that no system account can have."
    NoRule "no_rule" "The issuer's file has no [[allow]], so it lets nobody in."
    ServiceNotAllowed "service_not_allowed" "No rule names this PAM service."
    AccountNotAllowed "account_not_allowed" "No rule for this service maps the token to the account that was asked for."
    AccountUnknown "account_unknown" "The rule holds, but the system has no account of exactly this name."
    AccountLookupFailed "account_lookup_failed" "The system's account database (NSS: files, LDAP, SSSD) did not answer."
    AccountReserved "account_reserved" "A rule with a placeholder never matches root, uid 65534 or a uid below min_uid; name such an account in a rule of its own."
    KeyFetched "key_fetched" "The login leads to root (uid 0, or sudo, doas, polkit), and the issuer's keys, or the status list that it asks for, came over the network: only a rule that says fetched_keys = true takes such for that."
    ClaimsNotAllowed "claims_not_allowed" "Service and account fit a rule, but the token lacks a claim that it asks for."
    BindingMissing "binding_missing" "The rule says bound = true, and the token is not bound to a key (cnf)."
    AcrInsufficient "acr_insufficient" "Account, service and claims fit a rule, but the login at the issuer was not of a class that its acr asks for. lacks= says which."
    AmrInsufficient "amr_insufficient" "Account, service and claims fit a rule, but the login at the issuer was not by a method that its amr asks for. lacks= says which."
    AuthTimeMissing "auth_time_missing" "The token has no auth_time claim, which max_auth_age needs. Ask the issuer for it."
    AuthTooOld "auth_too_old" "Account, service and claims fit a rule, but the user logged in at the issuer longer ago than its max_auth_age. Log in there again."
    TooOld "too_old" "Everything else fits a rule, but the token was issued longer ago than its max_age. Get a new one."
    IssuedAtMissing "issued_at_missing" "The token has no iat claim, which max_age and max_lifetime need."
    LifetimeTooLong "lifetime_too_long" "From iat to exp it is longer than the max_lifetime of the issuer's file, or the max_age of a one_time rule. Ask for a shorter one."
    ExpiryMissing "expiry_missing" "The token has no exp claim."
    Expired "expired" "The token's exp has passed, leeway included. Get a new one; if it is new, compare the clocks."
    NotYetValid "not_yet_valid" "The token's nbf has not come yet, leeway included. Compare the clocks."
    IssuedInFuture "issued_in_future" "The token's iat lies in the future, leeway included. Compare the clocks."
    StatusMissing "status_missing" "The issuer's file says status = \"require\", and the token names no status list."
    StatusUnknown "status_unknown" "No fresh status list says what has become of the token; detail= says why. Have it fetched, and see 'pam-jwt status-list'."
    StatusInvalid "status_invalid" "The issuer's status list says that the token is no longer valid."
    JtiMissing "jti_missing" "The rule says one_time = true, and the token has no jti claim."
    AlreadyUsed "already_used" "The token opens one login and has opened it; detail= says when and from where. Get a new one."
    RecordsDropped "records_dropped" "The records of one-time tokens that end when this one does are dropped: the clock ran ahead by more than a day and was set back. Until it has passed that day again none of them opens anything."
    UseUnrecorded "use_unrecorded" "The use of a one-time token cannot be recorded, so it opens nothing; detail= says why."
    ClockUnset "clock_unset" "The machine's clock is earlier than the day this program was built, so no time can be trusted. Set the clock."
    ConfigError "config_error" "The configuration does not load, so every token is refused. Run 'pam-jwt check'."
    HandoffUnwritten "handoff_unwritten" "The session is to end with its token (end_with_token), and what it has to know cannot be written into /run/pam-jwt, so nobody is let in; detail= says why."
    HandoffUnusable "handoff_unusable" "What the login wrote for its session is gone, or is another login's; detail= says which. The session is refused: somebody may have set PAM_JWT_HANDOFF."
    NoTimeLeft "no_time_left" "The session is to end with its token, which has no time left."
    SessionOrder "session_order" "The session is to end with its token, and the session line of pam_jwt.so stands below that of pam_systemd.so, which then takes no notice. Put it above; see 'pam-jwt check'."
    NotCapped "not_capped" "The session is to end with its token, and nothing would end it; detail= says why."
    Issued "issued" "The session has a token of this machine's; jti= and exp= are that token's."
    IssueWithheld "issue_withheld" "The session has no token, as the [issue] of pam-jwt.toml says; detail= names the setting."
    IssueFailed "issue_failed" "The session should have a token, and it could not be issued; detail= says why. The login goes on, unless the line says issue=required."
    TokenRequired "token_required" "The account line says require_token, and this login was not by token."
    BadArgument "bad_argument" "The PAM line has an argument that is unknown, or a value that it cannot have; detail= says which."
    InternalError "internal_error" "A fault in pam_jwt itself, contained. Please report the at= it names."
}

impl Reason {
    /// What it is the reason of: the `result=` of the log.
    pub const fn result(self) -> &'static str {
        match self {
            Self::Allowed => "accepted",
            Self::Issued => "issued",
            Self::IssueWithheld => "withheld",
            Self::IssueFailed => "failed",
            Self::NotCapped => "uncapped",
            _ => "refused",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl From<&jose::Error> for Reason {
    fn from(error: &jose::Error) -> Self {
        use jose::Error;
        use jose::json::JsonError;
        match error {
            Error::TooLong { .. } | Error::PartTooLong(..) => Self::TokenTooLong,
            Error::Encrypted => Self::TokenEncrypted,
            Error::Json(_, JsonError::Duplicate) => Self::DuplicateMember,
            Error::Critical(_) | Error::UnencodedPayload => Self::CriticalHeader,
            Error::AlgorithmUnsupported(_) => Self::AlgorithmUnsupported,
            Error::AlgorithmMismatch { .. } => Self::AlgorithmMismatch,
            Error::Signature => Self::SignatureInvalid,
            _ => Self::TokenMalformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_named_as_their_variant() {
        for (at, reason) in Reason::ALL.iter().enumerate() {
            assert!(
                reason
                    .code()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
            assert_eq!(
                format!("{reason:?}").to_lowercase(),
                reason.code().replace('_', "")
            );
            assert!(reason.text().ends_with('.'));
            assert!(
                Reason::ALL
                    .iter()
                    .skip(at + 1)
                    .all(|other| other.code() != reason.code())
            );
        }
    }

    #[test]
    fn the_document_lists_every_code() {
        let document = include_str!("../../packaging/doc/refused.md");
        for reason in Reason::ALL {
            let row = format!("| `{}` | {} |", reason.code(), reason.text());
            assert!(document.contains(&row), "refused.md lacks the row\n{row}");
        }
        let head = "| code | what it means |";
        let table = document.split_once(head).map(|(_, table)| table).unwrap();
        let rows = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        assert_eq!(
            rows.count(),
            Reason::ALL.len(),
            "refused.md has a row too many"
        );
    }
}
