//! A login at the real sshd of which another method was tried before: what that one has left in
//! the PAM transaction is nothing of the login's.

use machine::{Login, Machine};

/// As stacks are in which whoever typed something wrong gets to the line below as well.
const STACK: &str = "auth sufficient pam_jwt.so\n\
    auth required pam_unix.so try_first_pass\n\
    auth optional pam_jwt.so issue\n\
    account required pam_permit.so\n\
    session required pam_jwt.so issue\n\
    session required pam_permit.so\n";

const SETTINGS: &str = "end_with_token = [\"sshd\"]\n\
    [issue]\n\
    issuer = \"https://machine.example.org\"\n\
    audience = [\"ssh://other\"]\n\
    services = [\"sshd\"]\n\
    methods = [\"password\", \"token\", \"publickey\"]\n\
    password_services = [\"sshd\"]\n";

fn ready() -> Machine {
    let machine = Machine::ready();
    machine.password("alice", "correct horse");
    machine.write("/etc/pam.d/sshd", STACK, 0o644);
    machine.write("/etc/pam-jwt/pam-jwt.toml", SETTINGS, 0o644);
    machine
}

/// alice logs in by `methods`, and shows the claims of her session's token.
fn login(machine: &Machine, methods: &str, answers: [&str; 2]) -> Login {
    let key = machine.ssh_key("alice");
    machine
        .ssh("alice")
        .option(&format!("PreferredAuthentications={methods}"))
        .option(&format!("IdentityFile={key}"))
        .option("IdentitiesOnly=yes")
        .answers(answers)
        .command("/usr/sbin/pam-jwt --json jws inspect <$BEARER_TOKEN_FILE")
}

#[test]
fn a_session_ends_with_its_token_where_a_password_was_asked_for_as_well() {
    let machine = ready();
    let token = machine.token(["alice", "--lifetime", "10m"]);
    let both = "AuthenticationMethods password,keyboard-interactive";
    let _sshd = machine.sshd(&["PasswordAuthentication yes", both]);
    let answers = ["correct horse", &token];
    let login = login(&machine, "password,keyboard-interactive", answers);
    assert_eq!((login.code(), login.prompts.len()), (Some(0), 2), "{login}");
    let logged = |text: &str| login.log.iter().any(|line| line.message.contains(text));
    // No logind is there to end it, which is said of a session that should.
    assert!(logged("result=uncapped reason=not_capped"), "{login}");
    assert!(logged("it was opened by the token"), "{login}");
    assert!(!login.stdout.contains("pwd"), "{login}");
}

#[test]
fn a_password_that_was_wrong_makes_no_token_of_a_login_by_key() {
    let machine = ready();
    let _sshd = machine.sshd(&["PasswordAuthentication yes"]);
    let login = login(&machine, "password,publickey", ["wrong", ""]);
    assert_eq!(
        (login.stdout.as_str(), login.prompts.len()),
        ("", 1),
        "{login}"
    );
    let says = |text: &str| login.log.iter().any(|line| line.message.contains(text));
    assert!(says("Accepted publickey"), "{login}");
    assert!(says("result=withheld reason=issue_withheld"), "{login}");
}

#[test]
fn a_password_after_the_token_does_not_make_it_a_session_without_end() {
    let machine = ready();
    let token = machine.token(["alice", "--lifetime", "10m"]);
    let both = "AuthenticationMethods keyboard-interactive,password";
    let _sshd = machine.sshd(&["PasswordAuthentication yes", both]);
    let answers = [&*token, "correct horse"];
    let login = login(&machine, "keyboard-interactive,password", answers);
    assert_ne!(login.code(), Some(0), "{login}");
    let refused = |line: &machine::LogLine| {
        let message = &line.message;
        message.contains("reason=handoff_unusable") && message.contains("AuthenticationMethods")
    };
    assert!(login.log.iter().any(refused), "{login}");
}
