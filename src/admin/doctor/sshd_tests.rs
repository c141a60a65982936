//! The lines are those that `sshd -T` of OpenSSH 9.2 and 10.0 prints.

use super::*;

const GOOD: &str = "port 22\nusepam yes\npubkeyauthentication yes\npasswordauthentication no\n\
    kbdinteractiveauthentication yes\npermitrootlogin without-password\nmaxauthtries 6\n\
    permitemptypasswords no\nauthenticationmethods any\n";

/// What is said where an option has another value, but for what is fine.
fn said(changes: &[(&str, &str)], asked: &Asked<'_>) -> Vec<(Verdict, String)> {
    let mut text = GOOD.to_owned();
    for (name, value) in changes {
        let kept: Vec<&str> = text
            .lines()
            .filter(|line| line.split(' ').next() != Some(name))
            .collect();
        text = kept.join("\n");
        for value in value.split('\n').filter(|value| !value.is_empty()) {
            text.push_str(&format!("\n{name} {value}"));
        }
        text.push('\n');
    }
    let findings = judge(&Settings::parse(&text), asked).into_iter();
    findings
        .filter(|finding| finding.verdict != Verdict::Fine)
        .map(|finding| {
            assert!(!finding.mend.is_empty(), "{finding:?}");
            (finding.verdict, finding.says)
        })
        .collect()
}

#[track_caller]
fn one(changes: &[(&str, &str)], verdict: Verdict, begins: &str) {
    let said = said(changes, &Asked::default());
    let is_it = matches!(&said[..], [(one, says)] if *one == verdict && says.starts_with(begins));
    assert!(is_it, "{changes:?}: {said:#?}");
}

#[test]
fn nothing_is_said_of_what_takes_tokens() {
    for fine in [
        &[][..],
        &[("passwordauthentication", "yes")],
        &[("authenticationmethods", "publickey,keyboard-interactive")],
        &[(
            "authenticationmethods",
            "publickey keyboard-interactive:pam",
        )],
        &[("authenticationmethods", "publickey\nkeyboard-interactive")],
        &[("pamservicename", "sshd")],
        // OpenSSH 8.4 has the older name alone.
        &[
            ("kbdinteractiveauthentication", ""),
            ("challengeresponseauthentication", "yes"),
        ],
    ] {
        assert_eq!(said(fine, &Asked::default()), [], "{fine:?}");
    }
}

#[test]
fn what_keeps_a_token_from_being_asked_for_is_told() {
    one(&[("usepam", "no")], Verdict::Wrong, "UsePAM is no");
    one(&[("usepam", "")], Verdict::Wrong, "UsePAM is no");
    let no = ("kbdinteractiveauthentication", "no");
    one(&[no], Verdict::Wrong, "KbdInteractiveAuthentication and ");
    let old = [
        ("kbdinteractiveauthentication", ""),
        ("challengeresponseauthentication", "no"),
    ];
    one(&old, Verdict::Wrong, "KbdInteractiveAuthentication and ");
    let password = ("passwordauthentication", "yes");
    one(
        &[no, password],
        Verdict::Doubtful,
        "sshd asks for passwords only",
    );
    for methods in ["publickey", "publickey,password", "publickey\nhostbased"] {
        let methods = [("authenticationmethods", methods)];
        one(
            &methods,
            Verdict::Wrong,
            "AuthenticationMethods is publickey",
        );
    }
    let methods = ("authenticationmethods", "publickey,password");
    one(
        &[methods, password],
        Verdict::Doubtful,
        "sshd asks for passwords only",
    );
    // Two things are to be mended.
    let both = said(
        &[("authenticationmethods", "publickey"), no],
        &Asked::default(),
    );
    assert_eq!(both.len(), 2, "{both:#?}");
    let name = [("pamservicename", "remote")];
    one(&name, Verdict::Wrong, "PAMServiceName is remote");
    let taking = ["remote".to_owned()];
    let asked = Asked {
        taking: &taking,
        ..Asked::default()
    };
    assert_eq!(said(&name, &asked), []);
    one(&[("maxauthtries", "1")], Verdict::Doubtful, "MaxAuthTries");
    let empty = [("permitemptypasswords", "yes")];
    one(&empty, Verdict::Doubtful, "PermitEmptyPasswords");
}

#[test]
fn who_is_shut_out_by_sshd_itself_is_told() {
    let asked = Asked {
        user: Some("alice"),
        groups: vec!["alice".to_owned(), "staff".to_owned()],
        ..Asked::default()
    };
    for (option, fine, wrong) in [
        ("denyusers", "bob\ncarol", "bob\nalice"),
        ("denyusers", "a?", "a*e@192.0.2.0/24"),
        ("allowusers", "bob alice@*", "bob\ncarol"),
        ("denygroups", "wheel", "st?ff"),
        ("allowgroups", "wheel\nstaff", "wheel"),
    ] {
        assert_eq!(said(&[(option, fine)], &asked), [], "{option} {fine}");
        let told = said(&[(option, wrong)], &asked);
        assert!(
            matches!(&told[..], [(Verdict::Wrong, _)]),
            "{option} {wrong}: {told:?}"
        );
    }
}

#[test]
fn root_is_told_of_where_rules_lead_to_it() {
    for (user, verdict) in [(Some("root"), Verdict::Wrong), (None, Verdict::Doubtful)] {
        let asked = Asked {
            user,
            leads_to_root: true,
            ..Asked::default()
        };
        let told = said(&[], &asked);
        assert!(
            matches!(&told[..], [(one, _)] if *one == verdict),
            "{told:?}"
        );
        assert_eq!(said(&[("permitrootlogin", "yes")], &asked), []);
    }
}

#[test]
fn patterns_are_those_of_ssh() {
    for (pattern, name, is_one) in [
        ("", "", true),
        ("*", "", true),
        ("a*c*", "abcd", true),
        ("**c", "abc", true),
        ("a?c", "abc", true),
        ("?", "", false),
        ("a", "ab", false),
        ("*b", "abc", false),
        ("é*", "éa", true),
    ] {
        assert_eq!(matches_name(pattern, name), is_one, "{pattern} {name}");
    }
}

#[test]
fn a_match_block_that_was_left_out_is_told() {
    let found = |text: &str, is_for_user| {
        let files = [(PathBuf::from("/f"), text.to_owned())];
        matches(&files, is_for_user).map(|finding| finding.says)
    };
    assert_eq!(found("UsePAM yes\n#Match User a\nMatch all\n", false), None);
    let place = |says: Option<String>| says.is_some_and(|says| says.starts_with("/f:2: "));
    assert!(place(found("UsePAM yes\nmatch User a\n", false)));
    assert_eq!(found("UsePAM yes\nMatch User a\n", true), None);
    assert!(place(found(
        "UsePAM yes\n Match User a Address 192.0.2.0/24\n",
        true
    )));
}
