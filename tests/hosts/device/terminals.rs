//! su, sudo and login, which show text as it comes.

use crate::issuer::{ADDRESS, CODE, begins, usual};
use crate::side_by_side;
use crate::world::World;
use std::time::Duration;

/// What is to be confirmed.
pub fn text() -> String {
    format!("Open {ADDRESS} in any browser and confirm the code {CODE} there.")
}

/// A terminal on which this is shown: black on white, whatever its colours are.
const QR: &str = "\u{1b}[30;47m    █▀▀▀▀▀█ ";

fn audit(service: &str, rest: &str) -> String {
    format!("pam_jwt({service}:auth): result={rest} account=alice service={service}")
}

#[test]
fn what_shows_text_at_once_takes_a_login_with_a_browser() {
    side_by_side(&[
        su_opens_when_it_was_confirmed_and_only_for_whom_it_was,
        what_the_issuer_says_is_honoured,
        the_token_that_counts_is_the_one_that_the_file_names,
        who_gives_up_leaves_nothing_behind,
        sudo_shows_it_though_it_has_modules_be_silent,
    ]);
}

fn su_opens_when_it_was_confirmed_and_only_for_whom_it_was() {
    let world = World::new();
    let machine = &world.machine;
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(QR).expect(&text());
    world.issuer.wait_for("/token", 1);
    world.confirms("alice");
    su.expect("I am alice");
    let _ = su.wait().expect_success();
    machine.wait_for_log(mark, &audit("su", "accepted reason=allowed"));
    world.expect_no_helper();

    // Whoever confirms is who logs in.
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    world.confirms("bob");
    su.expect("Authentication failure");
    let output = su.wait().expect_code(1);
    assert!(!output.stdout.contains("I am"), "{output}");
    machine.wait_for_log(mark, &audit("su", "refused reason=account_not_allowed"));

    // The token, and nothing else of the answer.
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    world.issuer.confirms("not-a-jwt");
    su.expect("Authentication failure");
    let line = machine.wait_for_log(mark, &audit("su", "refused reason=device_failed"));
    assert!(line.message.contains("is no JWT"), "{line}");

    // No picture where that is not wanted, nor where there is no terminal.
    world.trust("qr = false");
    let mut su = world.su("alice");
    su.expect(&text());
    world.confirms("alice");
    let output = su.wait().expect_success();
    assert!(!output.stdout.contains('█'), "{output}");
    world.trust("");
    world.confirms("alice");
    let su = machine.command(["su", "alice", "-c", "echo I am $(id -un)"]);
    let output = su.user("bob").stdin("\n").run().expect_success();
    assert!(output.stdout.ends_with("I am alice\n"), "{output}");
    assert!(!output.stdout.contains('█'), "{output}");
    assert!(output.stdout.contains(&text()), "{output}");
    world.expect_no_helper();
    for line in machine.log() {
        let line = line.message;
        assert!(
            !line.contains(CODE) && !line.contains("the-device-code"),
            "{line}"
        );
    }
}

fn what_the_issuer_says_is_honoured() {
    let world = World::new();
    let machine = &world.machine;
    for (error, words, reason) in [
        (
            "access_denied",
            "The login was refused there.",
            "device_denied",
        ),
        (
            "expired_token",
            "The code was not confirmed in time.",
            "device_expired",
        ),
        (
            "invalid_client",
            "A login with a browser is not possible now.",
            "device_failed",
        ),
    ] {
        let mark = machine.mark();
        let mut su = world.su("alice");
        su.expect(&text());
        world.issuer.refuses(error);
        su.expect(words).expect("Authentication failure");
        let _ = su.wait().expect_code(1);
        machine.wait_for_log(mark, &audit("su", &format!("refused reason={reason}")));
    }
    // A code that nobody confirms is asked about for its time and no longer.
    let mark = machine.mark();
    world.issuer.begins_with(&begins(2));
    let mut su = world.su("alice");
    su.expect("The code was not confirmed in time.");
    machine.wait_for_log(mark, &audit("su", "refused reason=device_expired"));
    drop(su);
    // No code at all.
    let mark = machine.mark();
    world.issuer.begins_with("<html>");
    let mut su = world.su("alice");
    su.expect("A login with a browser is not possible now.");
    machine.wait_for_log(mark, &audit("su", "refused reason=device_failed"));
    drop(su);
    // Something that is not for a terminal.
    let mark = machine.mark();
    let odd = begins(60).replace(CODE, "\\u001b[2J");
    world.issuer.begins_with(&odd);
    let mut su = world.su("alice");
    su.expect("A login with a browser is not possible now.");
    machine.wait_for_log(mark, &audit("su", "refused reason=device_failed"));
    drop(su);

    world.issuer.begins_with(&usual());
    let before = world.issuer.count("/token");
    let mut su = world.su("alice");
    su.expect(&text());
    world.issuer.refuses("slow_down");
    world.confirms("alice");
    su.expect("I am alice");
    let asked = world.issuer.wait_for("/token", before + 2);
    for ask in &asked {
        assert!(ask.form.contains("device_code=the-device-code"), "{ask:?}");
    }
    let mut last = asked.iter().rev().map(|asked| asked.at);
    let (Some(confirmed), Some(slowed)) = (last.next(), last.next()) else {
        panic!("{asked:#?}");
    };
    // The interval of a second, and five more.
    let between = confirmed.duration_since(slowed);
    assert!(between >= Duration::from_secs(6), "{between:?}");
    world.expect_no_helper();
}

fn the_token_that_counts_is_the_one_that_the_file_names() {
    let world = World::new();
    let machine = &world.machine;
    world.trust("token = \"id_token\"");
    let [alice, bob] = ["alice", "bob"].map(|account| world.token(account));
    let answer = |access: &str, id: &str| {
        let text = format!("{{\"access_token\":\"{access}\",\"id_token\":\"{id}\"}}");
        world.issuer.answers(200, &text);
    };
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    answer("opaque", &alice);
    su.expect("I am alice");
    let _ = su.wait().expect_success();
    machine.wait_for_log(mark, &audit("su", "accepted reason=allowed"));
    // The other one opens nothing, whosever it is.
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    answer(&alice, &bob);
    let _ = su.wait().expect_code(1);
    machine.wait_for_log(mark, &audit("su", "refused reason=account_not_allowed"));
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    world.confirms("alice");
    let _ = su.wait().expect_code(1);
    let line = machine.wait_for_log(mark, &audit("su", "refused reason=device_failed"));
    assert!(
        line.message.contains("the answer has no id_token"),
        "{line}"
    );
    // Nor does it where the access token counts.
    world.trust("");
    let mark = machine.mark();
    let mut su = world.su("alice");
    su.expect(&text());
    answer(&bob, &alice);
    let _ = su.wait().expect_code(1);
    machine.wait_for_log(mark, &audit("su", "refused reason=account_not_allowed"));
    world.expect_no_helper();
}

fn who_gives_up_leaves_nothing_behind() {
    let world = World::new();
    let ctrl_c = "\u{3}";
    let mut asked = 0;
    let mut wait = || {
        asked = world.issuer.count("/token") + 1;
        world.issuer.wait_for("/token", asked);
    };
    let mut su = world.su("alice");
    su.expect(&text());
    wait();
    su.send(ctrl_c);
    let output = su.wait();
    assert_ne!(output.code(), Some(0), "{output}");
    world.expect_no_helper();

    // The terminal is gone.
    let mut su = world.su("alice");
    su.expect(&text());
    wait();
    drop(su);
    world.expect_no_helper();
    world.machine.wait_until("! pgrep -x su");

    // The host program is killed, with a helper that notices nothing by itself.
    let path = "/usr/local/sbin/deaf";
    let settings = format!("fetch_program = \"{path}\"\n");
    world
        .machine
        .write("/etc/pam-jwt/pam-jwt.toml", settings, 0o644);
    let script = "#!/bin/sh\n# pam-jwt-fetch\ncp /usr/bin/sleep /tmp/pam-jwt-fetch\n\
         exec /tmp/pam-jwt-fetch 1000\n";
    world.machine.write(path, script, 0o755);
    let su = world.su("alice");
    world.machine.wait_until("pgrep -x pam-jwt-fetch");
    let kill = world.machine.run(["pkill", "-KILL", "-x", "su"]);
    let _ = kill.expect_success();
    drop(su);
    world.expect_no_helper();
}

fn sudo_shows_it_though_it_has_modules_be_silent() {
    let world = World::new();
    let sudo = || {
        let sudo = ["sudo", "-k", "sh", "-c", "echo I am $(id -un)"];
        let mut sudo = world.machine.command(sudo).user("alice").terminal();
        sudo.expect("Password or token: ").send_line("");
        sudo.expect(&text());
        sudo
    };
    let mark = world.machine.mark();
    let mut terminal = sudo();
    assert!(terminal.printed().contains(QR), "{}", terminal.printed());
    world.confirms("alice");
    terminal.expect("I am root");
    let _ = terminal.wait().expect_success();
    world
        .machine
        .wait_for_log(mark, &audit("sudo", "accepted reason=allowed"));

    // It holds Ctrl-C back meanwhile, and of a terminal that is gone it takes note.
    for hang_up in [false, true] {
        let asked = world.issuer.count("/token");
        let mut terminal = sudo();
        world.issuer.wait_for("/token", asked + 1);
        if hang_up {
            drop(terminal);
        } else {
            terminal.send("\u{3}");
            let output = terminal.wait();
            assert_ne!(output.code(), Some(0), "{output}");
        }
        world.expect_no_helper();
        world.machine.wait_until("! pgrep -x sudo");
    }
    let gave_up = audit("sudo", "refused reason=no_answer");
    world.machine.wait_for_log(mark, &gave_up);
}
