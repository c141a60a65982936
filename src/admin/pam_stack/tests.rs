//! Whole services, on top of Debian's own common files.

use super::{Report, Severity, examine};

const COMMON_AUTH: &str = "\
auth    [success=1 default=ignore]      pam_unix.so nullok
auth    requisite                       pam_deny.so
auth    required                        pam_permit.so
auth    optional                        pam_cap.so
";
const COMMON_ACCOUNT: &str = "\
account [success=1 new_authtok_reqd=done default=ignore]        pam_unix.so
account requisite                       pam_deny.so
account required                        pam_permit.so
";
const SSHD: &str = "\
@include common-auth
account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
";
const SUDO: &str = "\
#%PAM-1.0
session    required   pam_limits.so
@include common-auth
@include common-account
";
const LOGIN: &str = "\
auth       optional   pam_faildelay.so  delay=3000000
auth       requisite  pam_nologin.so
@include common-auth
auth       optional   pam_group.so
@include common-account
";
const SU: &str = "\
auth       sufficient pam_rootok.so
session       required   pam_env.so readenv=1
@include common-auth
@include common-account
";
const AUTHSELECT: &str = "\
auth        required                                     pam_env.so
auth        required                                     pam_faildelay.so delay=2000000
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient                                   pam_unix.so nullok
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_sss.so forward_pass
auth        required                                     pam_deny.so
account     required                                     pam_unix.so
";

fn report(text: &str) -> Report {
    examine(
        "service",
        &|name| {
            let text = match name {
                "service" => text,
                "common-auth" => COMMON_AUTH,
                "common-account" => COMMON_ACCOUNT,
                "other" => "@include common-auth\n@include common-account\n",
                _ => return None,
            };
            Some(text.to_owned())
        },
        &|_| None,
    )
}

/// The findings as `code file:line`.
fn findings(text: &str) -> Vec<String> {
    let written = report(text).findings.into_iter();
    written
        .map(|found| format!("{} {}:{}", found.code, found.file, found.line))
        .collect()
}

#[test]
fn a_service_without_pam_jwt_is_none_of_our_business() {
    for text in [
        SSHD,
        SUDO,
        "auth required pam_permit.so\nauht x",
        "# auth sufficient pam_jwt.so",
    ] {
        let report = report(text);
        assert!(!report.uses_pam_jwt && report.findings.is_empty(), "{text}");
    }
    assert!(!examine("service", &|_| None, &|_| None).uses_pam_jwt);
}

#[test]
fn a_line_before_the_distributions_own_is_fine() {
    for service in [SSHD, SUDO, LOGIN, SU, AUTHSELECT] {
        for line in [
            "auth sufficient pam_jwt.so",
            "-auth sufficient /usr/lib/security/pam_jwt.so config=/etc/pam-jwt debug",
            "auth [success=done new_authtok_reqd=done default=ignore] pam_jwt.so use_first_pass",
            "account required pam_jwt.so\nauth sufficient pam_jwt.so pass_token",
        ] {
            let text = format!("{line}\n{service}");
            assert!(report(&text).uses_pam_jwt);
            assert_eq!(findings(&text), [""; 0], "{text}");
        }
    }
}

#[test]
fn ways_in_for_anyone_are_found() {
    for (text, place) in [
        // What succeeds for everybody comes after a refusal that is overlooked.
        (
            "auth sufficient pam_jwt.so\nauth required pam_permit.so",
            "2",
        ),
        ("auth sufficient pam_jwt.so\nauth required pam_env.so", "2"),
        (
            "auth required pam_faildelay.so\nauth sufficient pam_jwt.so",
            "1",
        ),
        (
            "auth sufficient pam_jwt.so\nauth sufficient pam_unix.so\nauth optional pam_cap.so",
            "3",
        ),
        (
            "auth required pam_faillock.so preauth\nauth sufficient pam_jwt.so\nauth sufficient pam_unix.so",
            "1",
        ),
        (
            "auth sufficient pam_jwt.so\nauth required pam_succeed_if.so uid >= 1000",
            "2",
        ),
        // The jump is one too long, or is taken on a refusal too.
        (
            "auth [success=2 default=ignore] pam_jwt.so\nauth [default=1] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
            "4",
        ),
        (
            "auth [success=ignore default=1] pam_jwt.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
            "3",
        ),
        // A refusal is forgotten.
        (
            "auth required pam_jwt.so\nauth [default=reset] pam_warn.so\nauth required pam_permit.so",
            "3",
        ),
        // Nobody is asked at all.
        (
            "auth sufficient pam_permit.so\nauth required pam_jwt.so",
            "1",
        ),
        // A broken configuration, or a crash, does what a refusal does not.
        (
            "auth [success=done authinfo_unavail=ignore default=die] pam_jwt.so\nauth required pam_permit.so",
            "2",
        ),
        (
            "auth [success=done abort=ignore default=die] pam_jwt.so\nauth required pam_permit.so",
            "2",
        ),
        // The password module steps aside.
        (
            "auth sufficient pam_jwt.so\nauth required pam_env.so\nauth [success=ok user_unknown=ignore default=die] pam_unix.so",
            "2",
        ),
        (
            "auth sufficient pam_jwt.so\nauth [success=ok authinfo_unavail=ignore default=die] pam_ldap.so\nauth required pam_permit.so",
            "3",
        ),
        (
            "auth sufficient pam_jwt.so\nauth required pam_env.so\nauth required pam_u2f.so nouserok",
            "2",
        ),
    ] {
        let found = findings(text);
        let expected = format!("lets_anyone_in service:{place}");
        assert!(found.contains(&expected), "{text}\n{found:?}");
    }
}

#[test]
fn a_way_in_names_both_lines_and_what_to_do() {
    let report = report("auth sufficient pam_jwt.so\nauth required pam_permit.so");
    let found = &report.findings[0];
    assert_eq!(found.severity, Severity::Error);
    assert_eq!(
        found.text,
        "pam_jwt.so (service:1) refuses, and pam_permit.so (service:2) turns that into success: \
         anybody gets in, with neither token nor password."
    );
    assert!(found.advice.contains("pam_deny.so"));
}

#[test]
fn an_exemption_is_a_warning() {
    let nopasswd = format!(
        "auth sufficient pam_succeed_if.so user ingroup nopasswdlogin\nauth sufficient pam_jwt.so\n{SSHD}"
    );
    assert_eq!(findings(&nopasswd), ["lets_some_in service:1"]);
    let jump = "auth [success=2 default=ignore] pam_access.so\nauth sufficient pam_jwt.so\nauth requisite pam_deny.so\nauth required pam_permit.so";
    assert_eq!(report(jump).findings[0].severity, Severity::Warning);
    assert!(
        report(jump).findings[0]
            .text
            .starts_with("Where pam_access.so (service:1) answers `success`")
    );
}

#[test]
fn refusals_that_hold_are_not_reported() {
    for text in [
        "auth sufficient pam_jwt.so\nauth required pam_unix.so",
        "auth sufficient pam_jwt.so\nauth sufficient pam_unix.so\nauth required pam_deny.so",
        "auth required pam_env.so\nauth sufficient pam_jwt.so\nauth required pam_unix.so",
        "auth sufficient pam_jwt.so\nauth required pam_env.so\nauth required pam_google_authenticator.so",
        "auth [success=2 default=ignore] pam_jwt.so\nauth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so",
        "auth required pam_faillock.so preauth\nauth sufficient pam_jwt.so\nauth [success=1 default=bad] pam_unix.so\nauth [default=die] pam_faillock.so authfail\nauth sufficient pam_faillock.so authsucc\nauth required pam_deny.so",
    ] {
        assert_eq!(findings(text), [""; 0], "{text}");
    }
}

#[test]
fn tokens_or_passwords_that_cannot_work_are_told() {
    // Jumps past pam_unix.so alone, onto pam_deny.so.
    let short = format!("auth [success=1 default=ignore] pam_jwt.so\n{SSHD}");
    assert_eq!(findings(&short), ["token_never_works service:1"]);
    for line in ["required", "requisite", "[success=ok default=die]"] {
        let strict = format!("auth {line} pam_jwt.so\n{SSHD}");
        assert_eq!(findings(&strict), ["token_only service:1"], "{line}");
    }
    assert_eq!(
        findings("auth required pam_jwt.so"),
        ["token_only service:1"]
    );
}

#[test]
fn optional_leaves_the_decision_to_others() {
    assert_eq!(
        findings(&format!("auth optional pam_jwt.so\n{SSHD}")),
        ["optional service:1"]
    );
    let open = "auth optional pam_jwt.so\nauth required pam_permit.so";
    assert_eq!(
        findings(open),
        ["optional service:1", "lets_anyone_in service:2"]
    );
}

#[test]
fn account_lines_must_not_skip_what_checks_the_account() {
    for control in [
        "sufficient",
        "[success=done default=ignore]",
        "[success=1 default=ignore]",
    ] {
        let text = format!("auth sufficient pam_jwt.so\naccount {control} pam_jwt.so\n{SSHD}");
        assert_eq!(
            findings(&text),
            ["skips_account_checks service:2"],
            "{control}"
        );
    }
    let last = format!("auth sufficient pam_jwt.so\n{SSHD}account sufficient pam_jwt.so");
    assert_eq!(findings(&last), [""; 0]);
}

#[test]
fn require_token_is_explained_where_it_works_and_where_not() {
    for (lines, expected) in [
        (
            "auth sufficient pam_jwt.so\naccount required pam_jwt.so require_token",
            "require_token service:2",
        ),
        (
            "auth sufficient pam_jwt.so\naccount optional pam_jwt.so require_token",
            "require_token_unused service:2",
        ),
        (
            "auth sufficient pam_jwt.so require_token",
            "require_token_unused service:1",
        ),
    ] {
        assert_eq!(findings(&format!("{lines}\n{SSHD}")), [expected]);
    }
}

#[test]
fn lines_that_do_not_do_what_they_say_are_told() {
    for (line, expected) in [
        (
            "auth sufficient pam_jwt.so requiretoken",
            "unknown_argument service:1",
        ),
        (
            "auth sufficient pam_jwt.so issue=",
            "unknown_argument service:1",
        ),
        (
            "auth sufficient pam_jwt.so config=etc/pam-jwt",
            "config_not_absolute service:1",
        ),
        (
            "auth sufficient pam_jwt.so config=",
            "config_not_absolute service:1",
        ),
        ("account required pam_jwt.so", "not_in_auth service:1"),
        (
            "auth sufficient pam_jwt.so\nauth sufficient pam_house.so",
            "unknown_module service:2",
        ),
        (
            "auth sufficient pam_jwt.so\nauth [success=ok default=9] pam_unix.so",
            "jumps_too_far service:2",
        ),
        ("auth sufficent pam_jwt.so", "syntax service:1"),
        ("auht sufficient pam_jwt.so", "syntax service:1"),
        ("auth sufficient pam_jwt.so\r", "syntax service:1"),
        (
            "auth sufficient pam_jwt.so\n@include absent",
            "syntax service:2",
        ),
    ] {
        let found = findings(&format!("{line}\n{SSHD}"));
        assert!(
            found.iter().any(|found| found == expected),
            "{line}: {found:?}"
        );
    }
}

#[test]
fn the_directories_that_lines_name_are_told_once_each() {
    let text = "auth sufficient pam_jwt.so config=/b\nauth sufficient pam_jwt.so\n\
        account required pam_jwt.so config=/a\nsession optional pam_jwt.so config=/b\n\
        account required pam_jwt.so config=/x config=/c\nauth optional pam_jwt.so config=d\n\
        auth optional pam_env.so config=/e";
    assert_eq!(report(text).configs, ["/b", "/a", "/c"]);
}

#[test]
fn a_service_without_auth_lines_has_those_of_other() {
    let read = |name: &str| match name {
        "other" => Some("auth sufficient pam_jwt.so\nauth required pam_permit.so".to_owned()),
        "cron" => Some("account required pam_unix.so".to_owned()),
        _ => None,
    };
    for service in ["cron", "absent"] {
        let report = examine(service, &read, &|_| None);
        assert_eq!(report.findings[0].code, "lets_anyone_in", "{service}");
        assert_eq!(report.findings[0].file, "other");
    }
}
