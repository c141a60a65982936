//! A login on another device, with tokens that end at once.

use super::*;

/// Such a token is renewed each time.
const SETTINGS: &str = r#"{ "access_token_seconds": 2, "interval": 1 }"#;

/// carol's login on a terminal without a browser, which somebody sees to.
fn on_device(machine: &Machine, words: &[&str], see_to: impl FnOnce(&str, &str)) -> Output {
    let command = jwt_ssh(machine, &["login", "--issuer", PROVIDER]);
    let mut terminal = command.args(words).terminal();
    terminal.expect("Open this page on any device:\r\n\r\n  ");
    let page = terminal.until("\r\n");
    terminal.expect("and confirm there that the code is ");
    let code = terminal.until("\r\n");
    see_to(&page, &code);
    terminal.wait()
}

#[test]
fn a_login_on_another_device_is_renewed_until_the_issuer_has_enough() {
    let machine = machine();
    let provider = Provider::start(&machine, SETTINGS);
    trust(&machine);
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let file = token_file(&machine);

    let output = on_device(&machine, &["--resource", "ssh://machine"], |page, code| {
        let complete = format!("{PROVIDER}/device?user_code={code}");
        assert_eq!(page, complete);
        provider.confirm_device(page, code, "alice");
    });
    let output = output.expect_success();
    assert!(output.stdout.contains("as alice\r\n"), "{output}");
    let scanned = machine.scan(&output.stdout);
    let code = scanned.strip_prefix(&format!("{PROVIDER}/device?user_code="));
    assert!(
        code.is_some_and(|code| output.stdout.contains(code)),
        "{scanned}{output}"
    );

    let first = machine.read(&file);
    thread::sleep(Duration::from_secs(3));
    for _ in 0..2 {
        let login = jwt_ssh(&machine, &["alice@machine", "id -un"]).run();
        let login = login.expect_success();
        assert_eq!((&*login.stdout, &*login.stderr), ("alice\n", ""));
    }
    let second = machine.read(&file);
    assert_ne!(first, second);

    refused_or_interrupted_nothing_is_kept(&machine, &provider, &second);

    // A provider that is started again knows no refresh token any more.
    provider.stop();
    thread::sleep(Duration::from_secs(2));
    expect_not_renewed(&machine, &["Connection refused"]);
    let provider = Provider::start(&machine, SETTINGS);
    let again = "it refused: invalid_grant (grant request is invalid); log in again: jwt-ssh login";
    expect_not_renewed(&machine, &[again]);
    let before = provider.asked("POST /token ");
    expect_not_renewed(
        &machine,
        &["there is no refresh token; log in again: jwt-ssh login"],
    );
    assert_eq!(provider.asked("POST /token "), before);

    // What cannot be revoked is removed all the same.
    provider.stop();
    let output = jwt_ssh(&machine, &["logout"]).run().expect_code(1);
    assert!(output.stdout.contains("not revoked: "), "{output}");
    assert!(!exists(&machine, &file) && !exists(&machine, STATE));
}

fn refused_or_interrupted_nothing_is_kept(machine: &Machine, provider: &Provider<'_>, token: &str) {
    let output = on_device(machine, &[], |page, code| {
        provider.abort_device(page, code, "alice");
    });
    let output = output.expect_code(1);
    assert!(output.stdout.contains("it was refused"), "{output}");

    let file = token_file(machine);
    let command = jwt_ssh(machine, &["login", "--issuer", PROVIDER]);
    let mut terminal = command.terminal();
    terminal
        .expect("and confirm there that the code is ")
        .send("\u{3}");
    let output = terminal.wait();
    assert_ne!(output.code(), Some(0), "{output}");
    assert_eq!(machine.read(&file), token);
    let left = machine.run(["sh", "-c", "ls -A /tmp /home/carol/.local/state/jwt-ssh"]);
    assert!(
        !left.stdout.lines().any(|name| name.starts_with('.')),
        "{left}"
    );
}

#[track_caller]
fn expect_not_renewed(machine: &Machine, words: &[&str]) {
    let output = jwt_ssh(machine, &["status", "alice@machine"]).run();
    let output = output.expect_code(1);
    let told = "the token of the login expired ";
    assert!(output.stdout.starts_with(told), "{output}");
    for word in words {
        assert!(output.stdout.contains(word), "{word}\n{output}");
    }
}
