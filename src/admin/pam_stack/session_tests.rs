//! Whole services, and what becomes of their sessions.

use super::{Report, Severity, examine};
use policy::config::{Global, Source};

const COMMON_AUTH: &str = "\
auth [success=1 default=ignore] pam_unix.so nullok
auth requisite pam_deny.so
auth required pam_permit.so
";
const COMMON_SESSION: &str = "\
session [default=1] pam_permit.so
session requisite pam_deny.so
session required pam_permit.so
session required pam_unix.so
session optional pam_systemd.so
";
const TAKES: &str = "auth sufficient pam_jwt.so\n@include common-auth\n";
const NOTES: &str = "auth optional pam_jwt.so issue\n";

/// What pam-jwt.toml says, unless a test is about that.
const SETTINGS: &str = "\
end_with_token = [\"sshd\"]
[issue]
issuer = \"https://h\"
audience = [\"ssh://b\"]
services = [\"sshd\", \"su\", \"cron\"]
";

fn report(name: &str, text: &str, settings: &str) -> Report {
    let source = Source {
        file: "pam-jwt.toml",
        text: settings,
    };
    let global = Global::parse(source).unwrap();
    let read = |asked: &str| {
        let text = match asked {
            "common-auth" => COMMON_AUTH,
            "common-session" => COMMON_SESSION,
            asked if asked == name => text,
            _ => return None,
        };
        Some(text.to_owned())
    };
    examine(name, &read, &|dir| {
        (dir == "/etc/pam-jwt").then(|| global.clone())
    })
}

/// The findings as `code file:line`.
fn found(name: &str, text: &str, settings: &str) -> Vec<String> {
    let findings = report(name, text, settings).findings.into_iter();
    findings
        .map(|found| format!("{} {}:{}", found.code, found.file, found.line))
        .collect()
}

fn sshd(text: &str) -> Vec<String> {
    found("sshd", text, SETTINGS)
}

#[test]
fn lines_that_are_where_they_work_are_fine() {
    for session in ["required", "requisite", "[success=ok default=die]"] {
        for issue in ["issue", "issue=required"] {
            let line = format!("session {session} pam_jwt.so {issue}\n");
            let text = format!("{TAKES}{NOTES}{line}@include common-session\n");
            assert_eq!(sshd(&text), [""; 0], "{text}");
            let report = report("sshd", &text, SETTINGS);
            assert!(report.issues && report.takes_tokens);
        }
    }
    // Of a service that the settings do not concern nothing is wanted.
    assert_eq!(found("login", TAKES, SETTINGS), [""; 0]);
    let optional =
        format!("{TAKES}{NOTES}session optional pam_jwt.so issue\n@include common-session\n");
    assert_eq!(found("su", &optional, SETTINGS), [""; 0]);
}

#[test]
fn a_session_that_would_not_end_with_its_token_is_told() {
    let under = |session: &str| sshd(&format!("{TAKES}{session}"));
    assert_eq!(
        under("@include common-session\n"),
        ["session_not_ended sshd:1"]
    );
    assert_eq!(
        under("@include common-session\nsession required pam_jwt.so\n"),
        ["session_order sshd:4"]
    );
    assert_eq!(
        under("session required pam_jwt.so\nsession required pam_unix.so\n"),
        ["not_capped sshd:3"]
    );
    for control in [
        "optional",
        "sufficient",
        "[default=ignore]",
        "[success=ok default=1]",
        // What it refuses with.
        "[success=ok perm_denied=ignore default=bad]",
    ] {
        let line = format!("session {control} pam_jwt.so\n@include common-session\n");
        assert_eq!(under(&line), ["session_not_ended sshd:3"], "{control}");
    }
    for above in [
        "session sufficient pam_x.so\n",
        "session [success=1 default=ignore] pam_x.so\n",
    ] {
        let lines = format!("{above}session required pam_jwt.so\n@include common-session\n");
        assert_eq!(under(&lines), ["session_not_ended sshd:4"], "{above}");
    }
    // In a substack a jump stays there, and Debian's jumps over one line of its own.
    let fine = format!("{COMMON_SESSION}session required pam_jwt.so\n");
    let fine = fine.replace("session optional pam_systemd.so\n", "");
    let fine = format!("{fine}session optional pam_systemd.so\n");
    assert_eq!(under(&fine), [""; 0]);

    // No token opens a session there.
    let without = "@include common-auth\n@include common-session\naccount required pam_jwt.so\n";
    assert_eq!(sshd(without), ["not_in_auth sshd:3"]);
    // Another directory's settings are for its own lines.
    let other = "auth sufficient pam_jwt.so config=/other\n@include common-auth\n";
    assert_eq!(sshd(other), [""; 0]);
    let severity = |code: &str, text: &str| {
        let report = report("sshd", text, SETTINGS);
        report
            .findings
            .iter()
            .find(|found| found.code == code)
            .unwrap()
            .severity
    };
    assert_eq!(severity("session_not_ended", TAKES), Severity::Error);
    let no_systemd = format!("{TAKES}session required pam_jwt.so\n");
    assert_eq!(severity("not_capped", &no_systemd), Severity::Warning);
}

#[test]
fn an_auth_line_with_issue_takes_no_part_and_comes_after_those_that_ask() {
    let session = "session required pam_jwt.so issue\n@include common-session\n";
    let with = |auth: &str| sshd(&format!("{auth}{session}"));
    for control in ["required", "requisite", "[success=ok default=bad]"] {
        let found = with(&format!("{TAKES}auth {control} pam_jwt.so issue\n"));
        assert!(
            found.contains(&"issue_control sshd:3".to_owned()),
            "{found:?}"
        );
    }
    let sufficient = with(&format!("{TAKES}auth sufficient pam_jwt.so issue\n"));
    assert_eq!(sufficient, ["issue_control sshd:3"]);
    assert_eq!(with(&format!("{NOTES}{TAKES}")), ["issue_order sshd:1"]);
    let rootok = "auth sufficient pam_rootok.so\n";
    let above = format!("@include common-auth\n{NOTES}auth sufficient pam_rootok.so\n");
    assert!(with(&above).contains(&"issue_order sshd:2".to_owned()));
    assert_eq!(
        found("su", &format!("{rootok}{TAKES}{NOTES}{session}"), SETTINGS),
        [""; 0]
    );
}

#[test]
fn an_auth_line_that_a_password_passes_by_is_told() {
    let session = "session required pam_jwt.so issue\n@include common-session\n";
    let lines = "auth sufficient pam_jwt.so\nauth sufficient pam_unix.so\n\
        auth required pam_deny.so\n";
    assert_eq!(
        sshd(&format!("{lines}{NOTES}{session}")),
        ["issue_passed_by sshd:4"]
    );
    // As Fedora's sshd has them: what is done in a substack is done there.
    let substack = lines.replace("auth sufficient pam_unix.so", "auth substack common-auth");
    let substack = substack.replace("auth required pam_deny.so\n", "");
    assert_eq!(sshd(&format!("{substack}{NOTES}{session}")), [""; 0]);
}

#[test]
fn half_of_what_issuing_takes_is_told() {
    let session = "session required pam_jwt.so issue\n@include common-session\n";
    assert_eq!(
        sshd(&format!("{TAKES}{session}")),
        ["issue_without_auth sshd:3"]
    );
    // Where passwords get none, or nobody is asked, there is nothing to note.
    let tokens = format!("{SETTINGS}methods = [\"token\"]\n");
    assert_eq!(
        found("sshd", &format!("{TAKES}{session}"), &tokens),
        [""; 0]
    );
    assert_eq!(
        found(
            "cron",
            &format!("@include common-auth\n{session}"),
            SETTINGS
        ),
        [""; 0]
    );
    let auth_alone = format!("{TAKES}{NOTES}@include common-session\n");
    for (name, severity) in [("sshd", Severity::Error), ("su", Severity::Warning)] {
        let settings = SETTINGS.replace("end_with_token = [\"sshd\"]\n", "");
        let report = report(name, &auth_alone, &settings);
        let [found] = &report.findings[..] else {
            panic!("{report:#?}")
        };
        assert_eq!((found.code, found.line), ("issue_without_session", 3));
        assert_eq!(found.severity, severity);
        assert!(!report.issues);
    }
    let optional = format!("{TAKES}{NOTES}session optional pam_jwt.so issue=required\n");
    assert_eq!(found("su", &optional, SETTINGS), ["issue_control su:4"]);
    let account = format!("{TAKES}account required pam_jwt.so issue\n");
    assert_eq!(found("login", &account, SETTINGS), ["issue_unused login:3"]);
}

#[test]
fn a_line_for_a_service_that_the_settings_do_not_name_is_told() {
    let text =
        format!("{TAKES}{NOTES}session optional pam_jwt.so issue\n@include common-session\n");
    let expected = ["issue_not_named login:3", "issue_not_named login:4"];
    assert_eq!(found("login", &text, SETTINGS), expected);
    assert_eq!(found("login", &text, ""), expected);
}

#[test]
fn variables_that_users_set_before_the_token_is_made_are_told() {
    let env = "pam_env.so user_readenv=1 envfile=/etc/default/locale\n";
    let session = "session required pam_jwt.so issue\n@include common-session\n";
    let auth = format!("{TAKES}{NOTES}");
    let below = format!("{auth}{session}session required {env}");
    assert_eq!(sshd(&below), [""; 0]);
    let above = format!("{auth}session required {env}{session}");
    // For the token, and for its end.
    assert_eq!(sshd(&above), ["user_readenv sshd:4"; 2]);
    // With the credentials, wherever the line stands.
    for text in [
        format!("auth required {env}{auth}{session}"),
        format!("{auth}auth optional {env}{session}"),
    ] {
        let found = sshd(&text);
        assert!(
            found.iter().any(|one| one.starts_with("user_readenv ")),
            "{found:?}"
        );
    }
    for (argument, reads) in [
        ("user_readenv=1", true),
        ("user_readenv=01", true),
        ("user_readenv=0 user_readenv=2", true),
        ("user_readenv=1 user_readenv=0", false),
        ("user_readenv=yes", false),
        ("user_readenv=", false),
        ("readenv=1", false),
    ] {
        let text = format!("{auth}session required pam_env.so {argument}\n{session}");
        assert_eq!(!sshd(&text).is_empty(), reads, "{argument}");
    }
}

#[test]
fn variables_that_users_set_before_logind_makes_the_session_are_told() {
    let env = "pam_env.so user_readenv=1\n";
    let ends = "session required pam_jwt.so\n";
    let systemd = "session optional pam_systemd.so\n";
    let stack = |lines: [&str; 4]| {
        let settings = "end_with_token = [\"sshd\"]\n";
        found("sshd", &format!("{TAKES}{}", lines.concat()), settings)
    };
    let env = &format!("session required {env}");
    assert_eq!(stack([ends, systemd, env, ""]), [""; 0]);
    assert_eq!(stack([ends, env, systemd, ""]), ["user_readenv sshd:4"]);
    assert_eq!(stack([env, ends, systemd, ""]), ["user_readenv sshd:3"]);
}
