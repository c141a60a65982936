//! One machine from its installation to the end: a Debian, with the packages that `make deb` has
//! made, and a laptop.

use super::player::{Answer, Player};
use super::{knows, network, page};
use machine::Machine;

const PASSWORD: &str = "correct horse";

/// The packages under a lower number, for what is upgraded from there.
const OLDER: &str = "
for package in libpam-jwt pam-jwt-tools jwt-ssh; do
    dpkg-deb --raw-extract $0/${package}_*.deb /run/tree
    sed -i 's/^Version: .*/Version: 0.0.9-1/; s/(>= [0-9][^)]*-[^)]*)/(>= 0.0.9-1)/g' /run/tree/DEBIAN/control
    dpkg-deb --build -Znone /run/tree /root >/dev/null
    rm -r /run/tree
done";

#[test]
fn one_machine_is_installed_used_mended_upgraded_and_cleared() {
    let web1 = Machine::boot_debian_named("trixie", "web1");
    let laptop = Machine::boot_named("laptop");
    laptop.install();
    network(&[&web1, &laptop]);
    for machine in [&web1, &laptop] {
        machine.account("alice");
        machine
            .run(["usermod", "--shell", "/bin/bash", "alice"])
            .expect_success();
    }
    web1.password("alice", PASSWORD);
    web1.write("/etc/sudoers.d/alice", "alice ALL=(ALL) ALL\n", 0o440);
    knows(&laptop, &[&web1]);
    let stacks = "cd /etc/pam.d && grep . *";
    let before = web1.run(["sh", "-c", stacks]).stdout;
    let made = machine::packages();
    web1.run(["sh", "-ec", OLDER, &made]).expect_success();

    let question = "(alice@web1) Password or token:";
    let mut player = Player::new(&[&web1, &laptop])
        .answer(question, Answer::Token)
        .answer("[sudo] password for alice:", Answer::Text(PASSWORD));
    player.play(page!("one-machine.md"), |_, _| {});
    player.play(page!("locked-out.md"), |_, _| {});

    // What upgrading.md finds at hand.
    let newer = "mkdir before; mv *.deb before; cp $0/*.deb .";
    web1.run(["env", "-C", "/root", "sh", "-ec", newer, &made])
        .expect_success();
    player.play(page!("upgrading.md"), |_, _| {});
    let after = web1.run(["sh", "-c", stacks]).stdout;
    assert_eq!(after, before, "what is left in /etc/pam.d");
}

/// Where nothing but files is needed.
#[test]
fn keys_are_rotated() {
    let web1 = Machine::boot_named("web1");
    web1.install();
    let init = ["pam-jwt", "init", "--issuer", "https://web1.example.org"];
    web1.run(init).expect_success();
    web1.account("alice");
    Player::new(&[&web1]).play(page!("rotating-keys.md"), |_, _| {});
}
