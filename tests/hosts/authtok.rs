//! What the modules behind pam_jwt see of a secret, and what pam_unix makes of it.

use machine::{Machine, in_pieces, prompts};

/// A login as `account` through `stack`, in which SHOW stands for pam_exec writing down
/// what it is given: what happened, and what that was.
fn login(machine: &Machine, stack: &str, account: &str, answers: &[&str]) -> (String, String) {
    let show = "auth optional pam_exec.so expose_authtok /usr/local/bin/show";
    machine.write("/etc/pam.shown/sshd", stack.replace("SHOW", show), 0o644);
    machine.write(
        "/usr/local/bin/show",
        "#!/bin/sh\ntr -d '\\0' > /run/shown\n",
        0o755,
    );
    let host = [
        env!("CARGO_BIN_EXE_pam-host"),
        "sshd",
        account,
        "/etc/pam.shown",
    ];
    let output = machine
        .command(host)
        .stdin(answers.join("\n"))
        .run()
        .expect_success();
    (output.stdout, machine.read("/run/shown"))
}

/// What a module behind pam_jwt sees, where pam_unix has asked already.
fn seen_behind(machine: &Machine, arguments: &str, secret: &str) -> String {
    let stack = format!("auth optional pam_unix.so\nauth optional pam_jwt.so {arguments}\nSHOW\n");
    login(machine, &stack, "alice", &[secret, "asked again"]).1
}

/// What there is of a refused token.
fn junk(token: &str) -> String {
    "\x15\x7f\x08\nREFUSED"
        .chars()
        .cycle()
        .take(token.len())
        .collect()
}

#[test]
fn a_refused_token_is_junk_for_later_modules_and_an_accepted_one_is_gone() {
    let machine = Machine::ready();
    let good = machine.token(["alice"]);
    let other = machine.token(["bob"]);
    for arguments in ["", "debug", "use_first_pass"] {
        assert_eq!(seen_behind(&machine, arguments, &good), "asked again");
        assert_eq!(seen_behind(&machine, arguments, &other), junk(&other));
    }
    // However the login ends.
    for token in [&good, &other] {
        for arguments in ["typo", "config=/nowhere"] {
            assert_eq!(seen_behind(&machine, arguments, token), junk(token));
        }
        assert_eq!(&seen_behind(&machine, "pass_token", token), token);
        assert_eq!(&seen_behind(&machine, "typo pass_token", token), token);
    }
}

/// Who gets it needs only to cut off what came with the pasting.
#[test]
fn a_token_with_a_blemish_is_junk_for_later_modules_too() {
    let machine = Machine::ready();
    let token = machine.token(["alice"]);
    for blemished in [
        format!("{token} "),
        format!("{token}\\n"),
        format!("\t{token}"),
        format!("{token}=="),
        format!("\"{token}\""),
        format!("Bearer {token}"),
    ] {
        let shown = seen_behind(&machine, "", &blemished);
        let length = blemished.replace("\\n", "\n").len();
        assert_eq!(shown, junk(&"x".repeat(length)), "{blemished:?}");
    }
}

#[test]
fn a_password_stays_for_later_modules() {
    let machine = Machine::ready();
    // One that begins a little like a token, too.
    for password in [
        "correct horse",
        "extraordinary-horse-9",
        "eyes.wide.shut-1999",
    ] {
        for arguments in ["", "pass_token", "use_first_pass"] {
            assert_eq!(
                seen_behind(&machine, arguments, password),
                password,
                "{arguments:?}"
            );
        }
    }
}

#[test]
fn pam_unix_fails_with_a_refused_token_without_asking_or_seeing_it() {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    machine.account("blank");
    let _ = machine
        .run(["passwd", "--delete", "blank"])
        .expect_success();
    let refused = machine.token(["bob"]);
    let stack = "auth sufficient pam_jwt.so\nauth optional pam_unix.so\nSHOW\n\
                 auth required pam_unix.so\n";
    // One prompt, also where every prompt would be answered with the token.
    let failure = "echo_off Password or token: \nauthenticate PAM_AUTH_ERR\n";
    for account in ["alice", "blank"] {
        for again in [refused.as_str(), "correct horse", ""] {
            let (events, shown) = login(&machine, stack, account, &[&refused, again]);
            assert_eq!(events, failure, "{account}");
            assert_eq!(shown, junk(&refused), "{account}");
        }
    }

    // Where pam_unix lets anybody into an account without a password, it asks for none.
    let stack = stack.replace("pam_unix.so", "pam_unix.so nullok");
    for secret in [refused.as_str(), "wrong horse"] {
        let (events, _) = login(&machine, &stack, "alice", &[secret, ""]);
        assert_eq!(events, failure);
        let (events, _) = login(&machine, &stack, "blank", &[secret, ""]);
        assert!(events.contains("\nauthenticate PAM_SUCCESS\n"), "{events}");
    }
}

/// What a module behind pam_jwt sees of what was given in pieces, and what was asked.
fn seen_in_pieces(machine: &Machine, arguments: &str, answers: &[&str]) -> (String, String) {
    let stack = format!("auth optional pam_jwt.so {arguments}\nSHOW\nauth required pam_deny.so\n");
    let (events, shown) = login(machine, &stack, "alice", answers);
    let prompts = events
        .lines()
        .filter_map(|line| line.strip_prefix("echo_off "));
    (shown, prompts.collect::<Vec<_>>().join("|"))
}

#[test]
fn what_came_in_pieces_is_one_secret_for_later_modules() {
    let machine = Machine::ready();
    // pam_exec passes on no more than 511 bytes.
    let head = |secret: &str| secret[..511].to_owned();
    let good = machine.token_of(1500, ["alice"]);
    let other = machine.token_of(1500, ["bob"]);
    let password = "correct horse ".repeat(50);
    let asked = prompts(&good).join("|");
    let seen = |arguments: &str, secret: &str| {
        let mut answers = in_pieces(secret);
        answers.push("asked again".to_owned());
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        seen_in_pieces(&machine, arguments, &answers)
    };
    let again = ("asked again".to_owned(), format!("{asked}|Password: "));
    assert_eq!(seen("", &good), again);
    assert_eq!(seen("", &other), (head(&junk(&other)), asked.clone()));
    assert_eq!(seen("pass_token", &other), (head(&other), asked));
    let asked = prompts(&password).join("|");
    assert_eq!(seen("", &password), (head(&password), asked));

    // All of it: a second pam_jwt takes the token.
    let stack = "auth optional pam_jwt.so config=/nowhere pass_token\n\
                 auth required pam_jwt.so use_first_pass\nSHOW\n";
    let pieces = in_pieces(&good);
    let mut answers: Vec<&str> = pieces.iter().map(String::as_str).collect();
    answers.push("asked again");
    let (events, _) = login(&machine, stack, "alice", &answers);
    assert!(events.contains("\nauthenticate PAM_SUCCESS\n"), "{events}");
}

#[test]
fn of_pieces_that_somebody_gave_up_on_nothing_is_left() {
    let machine = Machine::ready();
    let token = machine.token_of(1500, ["alice"]);
    let pieces = in_pieces(&token);
    for given in 0..3 {
        let mut answers: Vec<&str> = pieces[..given].iter().map(String::as_str).collect();
        answers.extend([r"\c", "asked again"]);
        let mark = machine.mark();
        let (shown, asked) = seen_in_pieces(&machine, "", &answers);
        assert_eq!(shown, "asked again");
        let asked_for = prompts(&token)[..=given].join("|");
        assert_eq!(asked, format!("{asked_for}|Password: "));
        machine.wait_for_log(
            mark,
            "pam_jwt(sshd:auth): result=refused reason=no_answer account=alice service=sshd",
        );
    }
}

/// Another module asked, with an answer that a prompt of ours would have been continued for.
#[test]
fn what_an_earlier_module_asked_for_is_not_continued() {
    let machine = Machine::ready();
    let good = machine.token_of(500, ["alice"]);
    let other = machine.token_of(500, ["bob"]);
    let cut = machine.token_of(1500, ["alice"])[..1023].to_owned();
    for arguments in ["", "use_first_pass"] {
        for (secret, code) in [
            (&good, "PAM_SUCCESS"),
            (&other, "PAM_AUTH_ERR"),
            (&cut, "PAM_AUTH_ERR"),
        ] {
            let stack = format!(
                "auth optional pam_unix.so\nauth sufficient pam_jwt.so {arguments}\n\
                 auth requisite pam_deny.so\nSHOW\n"
            );
            machine.write("/run/shown", "", 0o600);
            let (events, _) = login(&machine, &stack, "alice", &[secret]);
            let expected = format!("echo_off Password: \nauthenticate {code}\n");
            assert!(events.starts_with(&expected), "{events}");
        }
    }
    let stack = "auth sufficient pam_jwt.so use_first_pass\nauth requisite pam_deny.so\n";
    machine.write("/run/shown", "", 0o600);
    let (events, _) = login(&machine, stack, "alice", &[&good]);
    assert_eq!(events, "authenticate PAM_AUTH_ERR\n");
}
