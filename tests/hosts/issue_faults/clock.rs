//! The clock that is set, between login and session and while a session lasts: no session is
//! longer for it, and no login later.

use super::{
    ENDS, ISSUE, PASSWORD, RUN, SETTINGS, Steps, claims, files, logs_runtime, machine_with,
    runtime, sh, su,
};
use machine::{Login, Machine};
use serde_json::{Map, Value};

/// What a session gets whose process was begun before the clock was set, and whose
/// authentication in another process comes after that.
struct Between {
    /// The token with which it was opened.
    opened: Map<String, Value>,
    said: Vec<String>,
    runtime: Option<u64>,
    issued: Option<Map<String, Value>>,
}

/// The session's process begins under one clock, and its authentication under another, as
/// faketime(1) has them. `answer` is made when the clock is what the login sees.
fn between(machine: &Machine, [session, login]: [&str; 2], answer: impl Fn() -> String) -> Between {
    machine.set_clock(login);
    let mut steps = Steps::under(machine, session, "sshd", "alice");
    let answer = answer();
    steps
        .succeeds(&format!("child sshd alice {answer}"))
        .succeeds("setcred");
    let mark = machine.mark();
    let said = steps.step("open_session");
    let path = steps.variable("BEARER_TOKEN_FILE");
    machine.real_clock();
    let log = machine.log_since(mark);
    let line = log
        .iter()
        .find(|line| line.message.contains("runtime_max_sec="));
    let opened = answer.starts_with("ey").then(|| claims(machine, &answer));
    Between {
        opened: opened.unwrap_or_default(),
        said,
        runtime: line.and_then(runtime),
        issued: path.map(|path| claims(machine, &machine.read(&path))),
    }
}

fn number(claims: &Map<String, Value>, name: &str) -> u64 {
    claims[name].as_u64().expect("a number")
}

#[test]
fn a_clock_that_is_set_back_after_the_login_makes_the_session_no_longer() {
    let machine = machine_with(ENDS);
    logs_runtime(&machine, &["/etc/pam.alone/sshd"]);
    for clocks in [["+0", "+1h"], ["+0", "+7d"]] {
        let token = || machine.token(["alice", "--lifetime", "100s"]);
        let session = between(&machine, clocks, token);
        let seconds = session.runtime.expect("an end");
        assert!((1..=100).contains(&seconds), "{seconds}");
        let issued = session.issued.expect("a token");
        assert!(number(&issued, "iat") + 3500 < number(&session.opened, "iat"));
        assert!(number(&issued, "exp") <= number(&session.opened, "exp"));
        assert!(!issued.contains_key("auth_time"));
        let session = between(&machine, clocks, || PASSWORD.to_owned());
        let issued = session.issued.expect("a token");
        assert_eq!(number(&issued, "auth_time"), number(&issued, "iat"));
    }
}

#[test]
fn a_clock_that_is_set_ahead_after_the_login_leaves_no_time() {
    let machine = machine_with(ENDS);
    let token = || machine.token(["alice", "--lifetime", "100s"]);
    let mark = machine.mark();
    let session = between(&machine, ["+1h", "+0"], token);
    assert_eq!(
        session.said.last().expect("a line"),
        "open_session PAM_PERM_DENIED"
    );
    machine.wait_for_log(mark, "result=refused reason=no_time_left ");
    assert!(session.issued.is_none());
    // Where the session does not end with it, there is none that could be issued.
    machine.write(SETTINGS, ISSUE, 0o644);
    let mark = machine.mark();
    let session = between(&machine, ["+1h", "+0"], token);
    assert_eq!(
        session.said.last().expect("a line"),
        "open_session PAM_SUCCESS"
    );
    machine.wait_for_log(mark, "result=withheld reason=issue_withheld ");
    assert!(session.issued.is_none());
    let session = between(&machine, ["+1h", "+0"], || PASSWORD.to_owned());
    let issued = session.issued.expect("a token");
    assert!(number(&issued, "iat") - number(&issued, "auth_time") >= 3600);
}

#[test]
fn a_token_that_is_accepted_within_the_leeway_after_its_exp_gives_none() {
    let machine = machine_with("leeway = \"5m\"\n");
    let token = machine.token(["alice", "--lifetime", "10s"]);
    machine.set_clock("+60s");
    let mark = machine.mark();
    let output = su(&machine, &token, "echo in $BEARER_TOKEN_FILE").expect_success();
    assert_eq!(output.stdout, "in\n", "{output}");
    let line = machine.wait_for_log(mark, "result=withheld reason=issue_withheld ");
    let words = "the token that opened the session has no time left";
    assert!(line.message.contains(words), "{}", line.message);
}

/// A clock of before this program was built is none.
#[test]
fn where_the_clock_is_not_set_the_login_goes_on_without_a_token() {
    let machine = machine_with("");
    machine.set_clock("2020-01-01 00:00:00");
    let mark = machine.mark();
    let output = su(&machine, PASSWORD, "echo in $BEARER_TOKEN_FILE").expect_success();
    assert_eq!(output.stdout, "in\n", "{output}");
    let line = machine.wait_for_log(mark, "result=failed reason=issue_failed ");
    assert!(
        line.message.contains("the clock is earlier than"),
        "{}",
        line.message
    );
    assert_eq!(files(&machine, RUN), [""; 0]);
    // Set back as far after a login that is to end, whose end nobody can tell then.
    machine.real_clock();
    machine.write(SETTINGS, format!("{ENDS}{ISSUE}"), 0o644);
    let token = machine.token(["alice"]);
    machine.set_clock("2020-01-01 00:00:00");
    let mut steps = Steps::of(&machine, "sshd", "alice");
    steps.step("environment");
    machine.real_clock();
    steps
        .succeeds(&format!("child sshd alice {token}"))
        .step("setcred");
    let mark = machine.mark();
    steps.returns("open_session", "PAM_PERM_DENIED");
    machine.wait_for_log(mark, "result=refused reason=clock_unset ");
}

/// While a session lasts: others that begin and end under another clock take nothing from it,
/// and its own end takes its own away.
#[test]
fn a_clock_that_is_set_while_a_session_lasts_takes_no_token_away_and_leaves_none() {
    let machine = machine_with("");
    let _sshd = machine.sshd(&[]);
    let token = machine.token(["alice"]);
    for clock in [
        "2020-01-01 00:00:00",
        "-50m",
        "+50m",
        "+9d",
        "2099-01-01 00:00:00",
    ] {
        let mut open = Steps::of(&machine, "su", "alice");
        open.succeeds(&format!("authenticate {token}"))
            .succeeds("setcred");
        open.succeeds("open_session");
        let before = files(&machine, RUN);
        assert_eq!(before.len(), 2);
        machine.set_clock(clock);
        sh(
            &machine,
            "su bob -c true; su alice -c true; pam-jwt sessions || true",
        );
        let login: Login = machine.ssh("alice").answers([PASSWORD]).command("id -un");
        assert_eq!(login.stdout, "alice\n", "{login}");
        super::settled(&machine, &before);
        open.succeeds("close_session");
        assert_eq!(files(&machine, RUN), [""; 0], "{clock}");
        machine.real_clock();
    }
}
