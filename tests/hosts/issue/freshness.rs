//! A token says no more of a login than there was: when it was, how, and until when it is good.

use crate::hosts::calls_with_token;
use crate::login::{HOSTS, Host, SHOW, Session};
use crate::{PASSWORD, SERVICES, claims, issue, made, now, sh};
use machine::Machine;
use serde_json::{Map, Value, json};

/// What says how a login was.
const HOW: [&str; 3] = ["auth_time", "acr", "amr"];

/// What the session's token says of it.
fn how(machine: &Machine, session: &Session) -> Map<String, Value> {
    let claims = claims(machine, session.token());
    let all = claims.into_iter();
    all.filter(|(name, _)| HOW.contains(&&**name)).collect()
}

fn number(claims: &Map<String, Value>, name: &str) -> u64 {
    claims[name].as_u64().expect("a time")
}

/// Names all services as those of passwords.
fn all_are_passwords() -> String {
    format!("password_services = {SERVICES:?}")
}

/// The session has no token, as the settings say in these words.
#[track_caller]
fn is_withheld(machine: &Machine, session: &Session, words: &str) {
    assert!(session.shown.is_none(), "{:#?}", session.trail);
    let line = machine.wait_for_log(session.mark, "result=withheld reason=issue_withheld ");
    assert!(line.message.contains(words), "{line}");
}

/// What the token says that opens the session is said by the session's, and nothing else.
fn no_fresher(machine: &Machine) {
    let old = now(machine) - 7200;
    let whole = json!({ "auth_time": old, "acr": "2", "amr": ["pwd", "otp"] });
    for told in [whole, json!({})] {
        let told = told.as_object().expect("claims");
        let claim = |(name, value): (&String, &Value)| format!("--claim={name}={value}");
        let options: Vec<String> = told.iter().map(claim).collect();
        for host in HOSTS {
            let token = machine.token(options.iter().map(String::as_str).chain(["alice"]));
            let session = host.session(machine, &token);
            assert_eq!(&how(machine, &session), told, "{host:?}");
            let (opened_by, has) = (claims(machine, &token), claims(machine, session.token()));
            assert_eq!(has["exp"], opened_by["exp"], "{host:?}");
            assert_eq!(has["sub"], host.account(), "{host:?}");
            assert_ne!(has["jti"], opened_by["jti"], "{host:?}");

            // What is sufficient ends setcred's stack too, before the line that issues, if it
            // is for this account.
            let first = &calls_with_token(&session.trail)[0].phase;
            let is_anothers = host == Host::Sudo;
            assert_eq!(first == "setcred", is_anothers, "{host:?}: {first}");
            // sshd asks in a process whose memory the session never sees.
            let pid = |phase: &str| {
                let call = session.trail.0.iter().find(|call| call.phase == phase);
                call.expect("it was called").pid
            };
            let is_another = pid("authenticate") != pid("open_session");
            assert_eq!(is_another, host == Host::SshKeyboard, "{host:?}");
        }
    }
}

#[test]
fn a_session_that_a_token_opens_has_one_that_is_no_fresher_here() {
    no_fresher(&made(Machine::boot(), &all_are_passwords()));
}

#[test]
fn a_session_that_a_token_opens_has_one_that_is_no_fresher_in_the_other_release() {
    no_fresher(&made(Machine::boot_other_debian(), &all_are_passwords()));
}

#[test]
fn a_sessions_token_ends_with_the_one_that_opened_it_or_before() {
    let machine = made(Machine::boot(), "lifetime = \"10m\"");
    let lasts = |lifetime: &str| {
        let token = machine.token(["alice", "--lifetime", lifetime]);
        let session = Host::Su.session(&machine, &token);
        let (opened_by, has) = (claims(&machine, &token), claims(&machine, session.token()));
        assert!(number(&has, "exp") <= number(&opened_by, "exp"));
        (
            number(&opened_by, "exp") - number(&has, "exp"),
            number(&has, "exp") - number(&has, "iat"),
        )
    };
    assert_eq!(lasts("1h").1, 600);
    assert_eq!(lasts("5m").0, 0);
    // Within the leeway an expired token still opens a session, and nothing after it.
    let token = machine.token(["alice", "--lifetime", "1m"]);
    machine.set_clock("+75s");
    is_withheld(
        &machine,
        &Host::Su.session(&machine, &token),
        "no time left",
    );
}

#[test]
fn a_token_of_one_use_makes_none_unless_its_rule_says_so() {
    let machine = made(Machine::boot(), "");
    let rule = "/etc/pam-jwt/issuers.d/local.toml";
    machine.append(rule, "one_time = true\nmax_age = \"1h\"\n");
    for host in HOSTS {
        let session = host.session(&machine, &machine.token(["alice"]));
        is_withheld(&machine, &session, "may_issue = true");
    }
    machine.append(rule, "may_issue = true\n");
    for host in HOSTS {
        let token = machine.token(["alice"]);
        let session = host.session(&machine, &token);
        assert_eq!(
            claims(&machine, session.token())["exp"],
            claims(&machine, &token)["exp"]
        );
    }
    sh(
        &machine,
        &format!("sed -i s/^one_time.*// {rule} && sed -i s/^may_issue.*/may_issue=false/ {rule}"),
    );
    let session = Host::Su.session(&machine, &machine.token(["alice"]));
    is_withheld(&machine, &session, "may_issue = true");
}

#[test]
fn of_a_password_is_said_when_it_was_given_and_where_the_settings_say_so_that_it_was_one() {
    let machine = made(Machine::boot(), "password_services = [\"sshd\", \"su\"]");
    for host in HOSTS {
        let before = now(&machine);
        let session = host.session(&machine, PASSWORD);
        let how = how(&machine, &session);
        let at = number(&how, "auth_time");
        assert!((before..=number(&claims(&machine, session.token()), "iat")).contains(&at));
        let is_said = ["sshd", "su"].contains(&host.service());
        assert_eq!(
            how.get("amr"),
            is_said.then_some(&json!(["pwd"])),
            "{host:?}"
        );
        assert!(!how.contains_key("acr"), "{host:?}");
    }
    issue(&machine, "methods = [\"token\", \"none\"]");
    for host in HOSTS {
        let session = host.session(&machine, PASSWORD);
        is_withheld(&machine, &session, "do not name password");
    }
    issue(&machine, "methods = [\"password\", \"none\"]");
    for host in HOSTS {
        let session = host.session(&machine, &machine.token(["alice"]));
        is_withheld(&machine, &session, "do not name token");
    }
}

/// Sessions of bob's for which nobody was asked anything: whose command it is.
const NOBODY_ASKED: [(&str, &str); 4] = [
    ("alice", "sudo -n -u bob"),
    ("root", "su bob -c"),
    ("root", "su - bob -c"),
    ("root", "sudo -u bob"),
];

fn unasked(machine: &Machine, (user, command): (&str, &str)) -> Session {
    let command = machine.command(command.split(' ')).arg(SHOW);
    let command = match user {
        "root" => command,
        user => command.user(user),
    };
    Session::of(machine, || command.run().expect_success().to_string())
}

#[test]
fn where_nobody_was_asked_nothing_is_said_of_a_login() {
    let machine = made(Machine::boot(), &all_are_passwords());
    let sudoers = "alice ALL=(ALL) NOPASSWD: ALL\n";
    machine.write("/etc/sudoers.d/alice", sudoers, 0o440);
    for by in NOBODY_ASKED {
        let session = unasked(&machine, by);
        assert_eq!(how(&machine, &session), Map::new(), "{by:?}");
        assert_eq!(claims(&machine, session.token())["sub"], "bob", "{by:?}");
    }
    // Wherever the line stands that says so of others, root's su asks nobody.
    let first = "sed -i '1i auth optional pam_jwt.so issue' /etc/pam.d/su";
    sh(&machine, first);
    let session = unasked(&machine, NOBODY_ASKED[1]);
    assert_eq!(how(&machine, &session), Map::new());

    issue(&machine, "methods = [\"password\", \"token\"]");
    for by in NOBODY_ASKED {
        is_withheld(&machine, &unasked(&machine, by), "do not name none");
    }
}

/// sudo remembers that it has asked, and not how.
#[test]
fn what_sudo_remembers_is_no_login() {
    let machine = made(Machine::boot(), &all_are_passwords());
    let auth_time = format!("auth_time={}", now(&machine) - 7200);
    let token = machine.token(["alice", "--claim", &auth_time]);
    for answer in [PASSWORD, &token] {
        // It is of the terminal that it remembers it.
        let mut shell = machine.command(["sh"]).user("alice").terminal();
        shell.expect("$ ").send_line(&format!("sudo -u bob {SHOW}"));
        let session = Session::of(&machine, || {
            shell
                .send_in_pieces(answer)
                .expect("shown bob ")
                .expect("$ ");
            shell.printed()
        });
        assert!(how(&machine, &session).contains_key("auth_time"));
        let before = shell.printed().len();
        let session = Session::of(&machine, || {
            let again = format!("sudo -n -u bob {SHOW}");
            shell.send_line(&again).expect("shown bob ").expect("$ ");
            shell.printed().split_off(before)
        });
        assert_eq!(how(&machine, &session), Map::new());
        assert_eq!(claims(&machine, session.token())["sub"], "bob");
        shell.send_line("sudo -k; exit");
        shell.wait().expect_success();
    }
}
