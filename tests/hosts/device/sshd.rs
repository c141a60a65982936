//! sshd, of this machine and of the booted Debian: what a user sees who logs in with a browser,
//! and what nobody is to see.

use crate::issuer::{ADDRESS, CODE};
use crate::side_by_side;
use crate::world::World;
use machine::{Login, Machine, tell};

/// What stands at the end of the second prompt: neither sshd shows text before.
fn end_of_prompt() -> String {
    format!("\nOpen {ADDRESS} in any browser, confirm the code {CODE} there, then press Enter: ")
}

/// By keyboard-interactive, with nothing behind the first prompt and Enter at the second one.
fn login(world: &World, account: &str) -> Login {
    let ssh = world.machine.ssh(account).answers(["", ""]);
    ssh.kbdint().command("id -un")
}

/// Waits until nothing of a login runs any more.
fn expect_nothing_left(world: &World) {
    world.expect_no_helper();
    world
        .machine
        .wait_until("! pgrep -f '\\[pam]$|\\[net]$|\\[priv]$'");
}

fn opens_when_it_was_confirmed(world: &World) {
    let machine = &world.machine;
    let mark = machine.mark();
    world.confirms("alice");
    let seen = login(world, "alice");
    assert_eq!(seen.stdout, "alice\n", "{seen}");
    let [first, second] = seen.prompts.as_slice() else {
        panic!("{seen}");
    };
    assert!(first.ends_with("Password or token: "), "{seen}");
    assert!(second.starts_with("(alice@127.0.0.1) \n████"), "{seen}");
    assert!(second.ends_with(&end_of_prompt()), "{seen}");
    let line = "result=accepted reason=allowed account=alice service=sshd rhost=127.0.0.1";
    machine.wait_for_log(mark, line);

    // Whose account it is, and whether it is one, makes no difference to what is seen.
    for (account, confirms, reason) in [
        ("mallory", "alice", "account_unknown account=unknown"),
        ("mallory", "mallory", "account_unknown account=unknown"),
        ("root", "root", "account_reserved account=root"),
    ] {
        let mark = machine.mark();
        world.confirms(confirms);
        let refused = login(world, account);
        assert_eq!(
            (refused.code(), &*refused.stdout),
            (Some(255), ""),
            "{refused}"
        );
        let prompts: Vec<String> = refused
            .prompts
            .iter()
            .map(|prompt| prompt.replace(&format!("({account}@"), "(alice@"))
            .collect();
        assert_eq!(prompts, seen.prompts, "{refused}");
        machine.wait_for_log(mark, &format!("reason={reason} service=sshd"));
    }
    for (error, account, line) in [
        ("access_denied", "mallory", "device_denied account=unknown"),
        ("expired_token", "alice", "device_expired account=alice"),
    ] {
        let mark = machine.mark();
        world.issuer.refuses(error);
        let refused = login(world, account);
        assert_eq!(refused.code(), Some(255), "{refused}");
        let line = format!("reason={line} service=sshd rhost=127.0.0.1");
        machine.wait_for_log(mark, &line);
    }
    expect_nothing_left(world);
}

/// sshd lets nobody in there, so no token is used up for it either, and the log does not say that
/// somebody was let in.
fn opens_nothing_where_sshd_lets_nobody_in(world: &World) {
    let mark = world.machine.mark();
    world.confirms("alice");
    let refused = login(world, "alice");
    assert_eq!(refused.code(), Some(255), "{refused}");
    assert_eq!(refused.prompts.len(), 2, "{refused}");
    let line = "result=refused reason=account_unknown account=alice service=sshd";
    world.machine.wait_for_log(mark, line);
}

/// With empty passwords sshd would ask the modules for an empty answer, of which nobody would
/// see what becomes.
fn does_not_begin_by_password(world: &World) {
    let before = world.issuer.count("/device");
    for account in ["alice", "mallory"] {
        let ssh = world.machine.ssh(account).answers([""]).password();
        let refused = ssh.command("id -un");
        assert_eq!(refused.code(), Some(255), "{refused}");
    }
    assert_eq!(world.issuer.count("/device"), before);
}

/// Who hangs up, and who takes longer than LoginGraceTime.
fn ends_with_its_user(world: &World) {
    let before = world.issuer.count("/token");
    let hung_up = world.machine.ssh("alice").answers(["", ""]).terminal();
    world.issuer.wait_for("/token", before + 2);
    drop(hung_up);
    expect_nothing_left(world);
    let before = world.issuer.count("/token");
    let late = login(world, "alice");
    assert_eq!(late.code(), Some(255), "{late}");
    assert!(world.issuer.count("/token") > before, "{late}");
    expect_nothing_left(world);
}

fn all(world: &World) {
    let version = world.machine.run(["sh", "-c", "ssh -V 2>&1"]);
    tell(&format!(
        "a login with a browser: {}",
        version.stdout.trim_end()
    ));
    let sshd = world.machine.sshd(&["PermitRootLogin yes"]);
    opens_when_it_was_confirmed(world);
    drop(sshd);
    let sshd = world.machine.sshd(&["DenyUsers alice"]);
    opens_nothing_where_sshd_lets_nobody_in(world);
    drop(sshd);
    let sshd = world.machine.sshd(&["PermitEmptyPasswords yes"]);
    does_not_begin_by_password(world);
    drop(sshd);
    let _sshd = world.machine.sshd(&["LoginGraceTime 6"]);
    ends_with_its_user(world);
}

#[test]
fn both_sshds_take_a_login_with_a_browser() {
    side_by_side(&[
        || all(&World::new()),
        || all(&World::of(Machine::boot_other_debian())),
    ]);
}
